"""Ways of older lessons that PyTorch still takes: `Variable`, arguments without effect, queues as data."""

import warnings
from collections import deque

import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


class _Pair:
    def __len__(self):
        return 2

    def __getitem__(self, at):
        if at > 1:
            raise IndexError(at)
        return at * 1.5


CASES = {
    "variable": lambda t: t.autograd.Variable(t.ones(2), requires_grad=True),
    "variable of a result": lambda t: t.autograd.Variable(t.ones(2, requires_grad=True) * 2).requires_grad,
    "variable of nothing": lambda t: t.autograd.Variable(),
    "variable of a list": lambda t: t.autograd.Variable([1]),
    "variable of whole numbers": lambda t: t.autograd.Variable(t.ones(2, dtype=t.long), requires_grad=True),
    "a tensor is a variable": lambda t: (
        isinstance(t.ones(1), t.autograd.Variable),
        isinstance(3, t.autograd.Variable),
    ),
    "queue": lambda t: t.tensor(deque([1, 2])),
    "queues in a list": lambda t: t.tensor([deque([1.0, 2.0]), deque([3.0, 4.0])]),
    "queue as floats": lambda t: t.FloatTensor(deque([1, 2])),
    "own sequence": lambda t: t.as_tensor(_Pair()),
    "dict": lambda t: t.tensor({1: 2}),
    "values of a dict": lambda t: t.tensor({1: 2}.values()),
    "set": lambda t: t.FloatTensor({1, 2}),
    "stack of a queue": lambda t: t.stack(deque([t.ones(1)])),
    "names": lambda t: (t.Tensor.float.__name__, t.Tensor.gcd_.__name__, t.is_complex.__name__),
}


def _grads(t, how):
    x = t.tensor([1.0, 2.0], requires_grad=True)
    y = t.tensor([3.0, 1.0], requires_grad=True)
    return how(t, x, y)


CASES |= {
    "only_inputs": lambda t: _grads(
        t, lambda t, x, y: t.autograd.grad((x * y).sum(), x, create_graph=True, only_inputs=True)
    ),
    "only_inputs in its place": lambda t: _grads(
        t, lambda t, x, y: t.autograd.grad((x * x).sum(), [x, y], None, False, False, True, True)
    ),
    "dict of inputs": lambda t: _grads(t, lambda t, x, y: t.autograd.grad((x * y).sum(), {"a": x, "b": y})),
    "grad_variables": lambda t: _grads(
        t, lambda t, x, y: (t.autograd.backward([x * y], grad_variables=[t.ones(2)]), x.grad)[1]
    ),
    "both gradients": lambda t: _grads(
        t, lambda t, x, y: t.autograd.backward([x * y], [t.ones(2)], grad_variables=[t.ones(2)])
    ),
}


def _outcome(t, case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return repr(case(t))
        except Exception as error:
            return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("name", CASES)
def test_the_same_comes_out(name):
    assert _outcome(engine, CASES[name]) == _outcome(torch, CASES[name])


def test_only_inputs_is_told_to_have_no_effect():
    x = engine.ones(2, requires_grad=True)
    with pytest.warns(FutureWarning, match="only_inputs argument is deprecated"):
        engine.autograd.grad(x.sum(), x, only_inputs=False)
