"""The broad operators: shape rules, hand-worked values, slopes where the generic test has no samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphlab.engine as torch
from graphlab.engine.ops import OPS

F = torch.nn.functional
MINE = [
    name
    for name, op in sorted(OPS.items())
    if op.samples is not None
    and op.shape is not None
    and op.forward.__module__.rpartition(".")[2]
    in (
        "convolution",
        "pooling",
        "resampling",
        "padding",
        "interpolation",
        "normalization",
        "attention",
        "recurrent",
        "linalg",
    )
]


def _arrays(values: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(v) if isinstance(v, tuple) else v for v in values]


@pytest.mark.parametrize("name", MINE)
def test_shape_rule_foretells_the_shape(name: str) -> None:
    op = OPS[name]
    for sample in op.samples():
        named = sample[-1] if isinstance(sample[-1], dict) else {}
        arrays = _arrays(sample[:-1] if isinstance(sample[-1], dict) else sample)
        params = [named[p] for p in op.params]
        outs = op.forward(*arrays, *params)
        shapes = op.shape(*[() if a is None else a.shape for a in arrays], *params)
        if op.n_outputs == 1:
            outs, shapes = (outs,), (shapes,)
        assert [tuple(s) for s in shapes] == [o.shape for o in outs]


def test_there_are_shape_rules_to_test() -> None:
    assert len(MINE) > 40


def test_convolution_by_hand() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]], requires_grad=True)
    w = torch.tensor([[[1.0, -1.0]]], requires_grad=True)
    out = F.conv1d(x, w, torch.tensor([10.0]), stride=2)
    assert out.tolist() == [[[9.0, 9.0]]]
    out.sum().backward()
    assert x.grad.tolist() == [[[1.0, -1.0, 1.0, -1.0]]]
    assert w.grad.tolist() == [[[4.0, 6.0]]]


def test_transposed_convolution_is_the_adjoint_of_the_convolution() -> None:
    torch.manual_seed(0)
    x, w = torch.randn(2, 3, 7, 6, dtype=torch.float64), torch.randn(4, 3, 3, 2, dtype=torch.float64)
    y = torch.randn(2, 4, 4, 4, dtype=torch.float64)
    there = (F.conv2d(x, w, stride=2, padding=1) * y).sum()
    back = (F.conv_transpose2d(y, w, stride=2, padding=1)[:, :, :7, :6] * x[:, :, :7, :6]).sum()
    assert there.item() == pytest.approx(back.item())


def test_the_first_of_equal_maxima_gets_the_gradient() -> None:
    x = torch.tensor([[[[2.0, 2.0], [1.0, 2.0]]]], requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1.0, 0.0], [0.0, 0.0]]]]


def test_a_row_that_may_look_at_nothing_is_zero_and_sends_no_nan() -> None:
    q = torch.ones(1, 1, 2, 3, requires_grad=True)
    mask = torch.tensor([[True, False], [False, False]])
    out = F.scaled_dot_product_attention(q, q, q, mask)
    assert out.tolist() == [[[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]]
    out.sum().backward()
    assert not q.grad.isnan().any()


def test_running_statistics_follow_the_batches() -> None:
    layer = torch.nn.BatchNorm2d(1, momentum=0.5)
    layer(torch.tensor([[[[0.0, 4.0]]]]))
    assert layer.running_mean.tolist() == [1.0]
    assert layer.running_var.tolist() == [4.5]
    assert layer.num_batches_tracked.item() == 1


SPREAD = np.array([[3.0, 1.0, 0.5], [0.2, 2.0, -0.3], [0.1, -0.4, 1.5]])
FUNCTIONS_OF_A_MATRIX: dict[str, Any] = {
    "inv": lambda a: torch.linalg.inv(a),
    "det": lambda a: torch.linalg.det(a),
    "slogdet": lambda a: torch.linalg.slogdet(a)[1],
    "solve": lambda a: torch.linalg.solve(a, torch.tensor(SPREAD[:, :2] * 2)),
    "cholesky": lambda a: torch.linalg.cholesky(a @ a.mT),
    "qr": lambda a: torch.linalg.qr(a)[0] + torch.linalg.qr(a)[1],
    "svd": lambda a: torch.linalg.svd(a)[0] * torch.linalg.svd(a)[1] + torch.linalg.svd(a)[2],
    "eigh": lambda a: torch.linalg.eigh(a + a.mT)[1] * torch.linalg.eigh(a + a.mT)[0],
    "pinv": lambda a: torch.linalg.pinv(a[:, :2]),
    "matrix_power": lambda a: torch.linalg.matrix_power(a, -3),
    "matrix_norm": lambda a: torch.linalg.matrix_norm(a, "nuc"),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS_OF_A_MATRIX))
def test_derivative_of_a_matrix_function_is_the_numeric_slope(name: str) -> None:
    function = FUNCTIONS_OF_A_MATRIX[name]
    rng = np.random.default_rng(5)
    direction = rng.standard_normal(SPREAD.shape)

    def value(step: float) -> tuple[Any, Any]:
        a = torch.tensor(SPREAD + step * direction, requires_grad=True)
        out = function(a)
        total = (out * torch.tensor(np.cos(np.arange(out.numel())).reshape(tuple(out.shape)))).sum()
        (g,) = torch.autograd.grad(total, a, create_graph=True)
        (plain,) = torch.autograd.grad(total, a, retain_graph=True)
        np.testing.assert_allclose(plain.numpy(), g.detach().numpy(), rtol=1e-8, atol=1e-10)
        along = (g * torch.tensor(direction)).sum()
        (second,) = torch.autograd.grad(along, a)
        return total.item(), (along.item(), float((second.numpy() * direction).sum()))

    h = 1e-5
    (up, (slope_up, _)), (down, (slope_down, _)), (_, (slope, second)) = value(h), value(-h), value(0.0)
    assert slope == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-8)
    assert second == pytest.approx((slope_up - slope_down) / (2 * h), rel=1e-5, abs=1e-6)


def test_a_singular_matrix_is_refused_with_its_facts() -> None:
    with pytest.raises(torch.linalg.LinAlgError, match="The diagonal element 2 is zero") as refused:
        torch.linalg.inv(torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    assert refused.value.kind == "singular"


def test_shape_errors_carry_their_facts() -> None:
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 4") as refused:
        F.conv2d(torch.ones(1, 4, 5, 5), torch.ones(8, 3, 3, 3))
    assert refused.value.kind == "conv_channels"
    assert refused.value.facts["sizes"] == [4, 3]
    with pytest.raises(RuntimeError, match="Output size is too small") as refused:
        F.max_pool2d(torch.ones(1, 1, 2, 2), 3)
    assert refused.value.kind == "output_too_small"


def test_convolution_does_not_copy_the_whole_input_into_columns() -> None:
    import tracemalloc

    x, w = torch.randn(16, 16, 64, 64), torch.randn(16, 16, 3, 3)
    tracemalloc.start()
    F.conv2d(x, w, padding=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The columns of all samples would be 9 times the input.
    assert peak < 5 * x.nbytes


def test_recurrent_layers_are_one_operator_for_each_layer_and_direction() -> None:
    from graphlab.engine import observe

    seen: list[str] = []

    class Watcher(observe.Observer):
        def forward(self, op: str, inputs: Any, output: Any, params: Any) -> None:
            seen.append(op)

    before = observe.set_observer(Watcher())
    try:
        torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True)(torch.ones(50, 2, 3))
    finally:
        observe.set_observer(before)
    assert seen.count("lstm") == 4
    assert len(seen) < 40
