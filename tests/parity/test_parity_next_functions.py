"""What a program sees when it walks the graph by hand."""

import pytest

import graphlab.engine as engine
from graphlab.engine import nn

torch = pytest.importorskip("torch")


def names(fn, depth=0):
    if fn is None:
        return None
    return [type(fn).__name__, *(names(next_fn, depth + 1) for next_fn, _ in fn.next_functions)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("grad", [True, False])
def test_a_linear_layer_is_walked_as_addmm(bias, grad):
    def walk(lib, modules):
        x = lib.ones(2, 3, requires_grad=grad)
        return names(modules.Linear(3, 4, bias=bias)(x).relu().sum().grad_fn)

    ours, theirs = walk(engine, nn), walk(torch, torch.nn)
    assert ours == theirs
