"""In-place twins in both: values, gradients, names of nodes, versions, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import graphlab.engine as engine  # noqa: E402 - torch must be there first

pytestmark = pytest.mark.parity
A = [[0.3, -1.7, 2.4], [1.2, 0.6, -0.4], [2.2, 0.1, 0.9]]
B = [[1.3, 0.7, 1.4], [0.2, 1.6, 0.4], [1.2, 2.1, 0.9]]

CASES: dict[str, Any] = {
    "round_": lambda x, y: x.round_(),
    "tril_": lambda x, y: x.tril_(-1),
    "triu_": lambda x, y: x.triu_(),
    "cumsum_": lambda x, y: x.cumsum_(1),
    "cumprod_": lambda x, y: x.cumprod_(0),
    "atan2_": lambda x, y: x.atan2_(y),
    "hypot_": lambda x, y: x.hypot_(y),
    "xlogy_": lambda x, y: x.xlogy_(y),
    "addmm_": lambda x, y: x.addmm_(y, y, alpha=0.5),
    "addmv_": lambda x, y: x[0].clone().addmv_(y, y[0]),
    "addr_": lambda x, y: x.addr_(y[0], y[1]),
    "nan_to_num_": lambda x, y: x.nan_to_num_(),
    "clamp_min_": lambda x, y: x.clamp_min_(0.5),
    "masked_scatter_": lambda x, y: x.masked_scatter_(x.detach() > 1, y),
    "true_divide_": lambda x, y: x.true_divide_(y),
    "unsqueeze_": lambda x, y: x.unsqueeze_(0),
    "squeeze_": lambda x, y: x[:1].clone().squeeze_(0),
    "transpose_": lambda x, y: x.transpose_(0, 1),
    "t_": lambda x, y: x.t_(),
    "swapaxes_": lambda x, y: x.swapaxes_(0, 1),
    "less_": lambda x, y: x.less_(y),
    "fill_diagonal_": lambda x, y: x.fill_diagonal_(7.0),
    "on a view": lambda x, y: (x[1].round_(), x)[1],
    "on a view, with slopes": lambda x, y: (x[1].xlogy_(y[0]), x)[1],
}


NAMED_OTHERWISE = {
    "clamp_min_",
    "fill_diagonal_",
    "less_",
    "unsqueeze_",
    "masked_scatter_",
    "squeeze_",
    "t_",
    "transpose_",
    "swapaxes_",
}
"""Nodes that have another number, or another name, than PyTorch's."""


@pytest.mark.parametrize("name", sorted(CASES))
def test_values_gradients_and_nodes_are_those_of_pytorch(name: str) -> None:
    seen = []
    for lib in (torch, engine):
        a, b = lib.tensor(A, requires_grad=True), lib.tensor(B, requires_grad=True)
        x = a * 1.5
        out = CASES[name](x, b)
        out.pow(2).sum().backward()
        version = x._version if lib is torch else (x._version or [0])[0]
        seen.append((out, version, type(out.grad_fn).__name__, a.grad, b.grad))
    theirs, mine = seen
    np.testing.assert_allclose(mine[0].detach().numpy(), theirs[0].detach().numpy(), rtol=1e-5)
    assert mine[1] == theirs[1]
    if name not in NAMED_OTHERWISE:
        assert mine[2] == theirs[2]
    for expected, got in zip(theirs[3:], mine[3:]):
        if expected is None or got is None:
            other = expected if got is None else got
            assert other is None or not other.abs().sum()
        else:
            np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("call", [lambda x: x.round_(), lambda x: x.unsqueeze_(0), lambda x: x.tril_()])
def test_leaves_that_require_grad_are_left_alone(call: Any) -> None:
    words = []
    for lib in (torch, engine):
        with pytest.raises(RuntimeError) as caught:
            call(lib.tensor(A, requires_grad=True))
        words.append(str(caught.value))
    assert words[0] == words[1]


def test_numbers_that_are_written_twice_are_missed_as_in_pytorch() -> None:
    for lib in (torch, engine):
        x = lib.tensor(A, requires_grad=True) * 2
        y = x.sin()
        x.cumsum_(0)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


def test_questions_about_tensors() -> None:
    for lib in (torch, engine):
        assert lib.numel(lib.tensor(A)) == 9
        assert lib.is_nonzero(lib.tensor([2.0])) and not lib.is_nonzero(lib.tensor(0))
        assert lib.tensor(A).is_same_size(lib.tensor(B))
        with pytest.raises(RuntimeError, match="more than one value is ambiguous"):
            lib.is_nonzero(lib.tensor(A))
        assert lib.ones(5, 3).fill_diagonal_(9, wrap=True).sum().item() == 47
        assert lib.ones(5, 3).fill_diagonal_(9).sum().item() == 39
