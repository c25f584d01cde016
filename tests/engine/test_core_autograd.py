"""Backward passes: accumulation, hooks, gradients of gradients, long chains, the user's own functions."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import graphlab.engine as torch


def test_gradients_add_up_over_passes_and_paths() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    ((w * 3).sum() + (w * w).sum()).backward()
    assert w.grad.tolist() == [5.0, 7.0]
    w.sum().backward()
    assert w.grad.tolist() == [6.0, 8.0]


def test_two_leaves_of_one_sum_get_gradients_of_their_own() -> None:
    a = torch.ones(3, requires_grad=True)
    b = torch.ones(3, requires_grad=True)
    (a + b).sum().backward()
    a.grad.mul_(5)
    assert b.grad.tolist() == [1.0, 1.0, 1.0]


def test_gradient_of_a_saved_output_does_not_share_its_memory() -> None:
    x = torch.zeros(2, requires_grad=True)
    y = x.exp()
    y.backward(torch.ones(2))
    x.grad.zero_()
    assert y.tolist() == [1.0, 1.0]


def test_chain_of_100000_operators_runs_backward_and_is_freed() -> None:
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    watched = weakref.ref(y.grad_fn)
    y.backward()
    assert x.grad.tolist() == [1.0]
    del y
    gc.collect()
    assert watched() is None


def test_wide_fan_in_sums_all_paths() -> None:
    x = torch.ones(2, requires_grad=True)
    sum((x * i for i in range(1000)), torch.zeros(2)).sum().backward()
    assert x.grad.tolist() == [499500.0, 499500.0]


def test_vector_without_gradient_is_refused() -> None:
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs") as caught:
        (x * 2).backward()
    assert caught.value.kind == "non_scalar_backward"
    assert caught.value.facts == {"shape": [3]}


def test_second_backward_needs_retain_graph() -> None:
    x = torch.ones(3, requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time") as caught:
        y.backward()
    assert caught.value.kind == "backward_twice"
    assert x.grad.tolist() == [4.0, 4.0, 4.0]


def test_tensor_without_graph_is_refused() -> None:
    with pytest.raises(
        RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"
    ) as e:
        torch.ones(1).backward()
    assert e.value.kind == "no_grad_fn"


def test_integer_tensor_cannot_require_grad() -> None:
    with pytest.raises(
        RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"
    ) as e:
        torch.tensor([1, 2, 3], requires_grad=True)
    assert e.value.kind == "integer_grad" and e.value.facts == {"dtype": "int64"}


def test_autograd_grad_leaves_grad_alone_and_tells_unused_inputs() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    z = torch.tensor(1.0, requires_grad=True)
    y = x**3
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x, create_graph=True)
    (third,) = torch.autograd.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (27.0, 18.0, 6.0)
    assert x.grad is None
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        torch.autograd.grad(x * 2, z)
    assert torch.autograd.grad(x * 2, z, allow_unused=True) == (None,)


def test_gradient_of_an_intermediate_tensor() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    h = x * 2
    h.retain_grad()
    (h * h).sum().backward()
    assert h.grad.tolist() == [4.0, 8.0]
    k = x * 2
    (g,) = torch.autograd.grad((k * k).sum(), k)
    assert g.tolist() == [4.0, 8.0]


def test_no_grad_in_all_its_forms() -> None:
    x = torch.ones(1, requires_grad=True)

    @torch.no_grad()
    def double(t: Any) -> Any:
        return t * 2

    assert not double(x).requires_grad
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    with torch.inference_mode():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_hooks_see_and_change_gradients() -> None:
    x = torch.ones(2, requires_grad=True)
    h = x * 3
    seen = []
    h.register_hook(lambda g: seen.append(g.tolist()))
    handle = x.register_hook(lambda g: g * 10)
    h.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [30.0, 30.0]
    handle.remove()
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_names_and_edges_of_the_graph_are_pytorchs() -> None:
    x = torch.ones(2, 3)
    w = torch.ones(4, 3, requires_grad=True)
    b = torch.ones(4, requires_grad=True)
    h = torch.linear(x, w, b)
    assert h.grad_fn.name() == "AddmmBackward0"
    assert [n and n.name() for n, _ in h.grad_fn.next_functions] == ["AccumulateGrad", None, "TBackward0"]
    assert h.grad_fn.next_functions[0][0].variable is b
    assert h.grad_fn.next_functions[2][0].next_functions[0][0].variable is w
    assert torch.relu(h).grad_fn.name() == "ReluBackward0"
    assert (h - 1).sum().grad_fn.name() == "SumBackward0"
    assert (h @ h.T).grad_fn.name() == "MmBackward0"
    assert torch.cross_entropy(h, torch.tensor([0, 1])).grad_fn.name() == "NllLossBackward0"


def test_own_function_with_saved_tensors_and_second_order() -> None:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            assert ctx.needs_input_grad == (True,)
            return g * 3 * x * x

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = Cube.apply(x)
    assert y.grad_fn.name() == "CubeBackward"
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [3.0, 12.0]
    (second,) = torch.autograd.grad(g.sum(), x)
    assert second.tolist() == [6.0, 12.0]


def test_mixed_types_give_gradients_of_the_leafs_type() -> None:
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    b = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.dtype is torch.float32 and b.grad.dtype is torch.float64
    assert a.grad.tolist() == [3.0, 4.0]


def test_division_where_only_the_divisor_needs_a_gradient() -> None:
    x = torch.tensor([2.0, 6.0])
    y = torch.tensor([1.0, 2.0], requires_grad=True)
    (x / y).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), [-2.0, -1.5])


def test_relu_stops_infinite_gradients_at_zero() -> None:
    x = torch.tensor([-1.0, 1.0], requires_grad=True)
    torch.relu(x).backward(torch.tensor([float("inf"), 2.0]))
    assert x.grad.tolist() == [0.0, 2.0]


def test_memory_of_a_graph_is_freed_without_the_collector() -> None:
    gc.disable()
    try:
        x = torch.ones(3)
        w = torch.ones(3, requires_grad=True)
        loss = torch.relu(x * w).exp().sum()
        watched = weakref.ref(loss.grad_fn)
        loss.backward()
        del loss
        assert watched() is None
    finally:
        gc.enable()


def test_cross_entropy_leaves_out_an_ignored_class_that_exists() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    loss = torch.cross_entropy(x, torch.tensor([0, 1]), ignore_index=1)
    loss.backward()
    assert loss.item() == pytest.approx(1.3132617)
    assert x.grad[1].tolist() == [0.0, 0.0]


def test_anomaly_mode_fails_at_the_first_derivative_that_is_nan() -> None:
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        with pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"):
            (x.sqrt() * 0).sum().backward()
        (x * 2).sum().backward()
    (x.sqrt() * 0).sum().backward()
    assert x.grad.isnan().tolist() == [True, False]


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("...ij,...jk->...ik", [(2, 3, 3), (3, 3)]),
        ("b...,b...->b", [(2, 3, 2), (2, 3, 2)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("bi,bi->b", [(2, 3), (1, 3)]),
        ("...,...", [(2, 3), (3,)]),
    ],
)
def test_einsum_with_an_ellipsis_or_stretched_letters_is_differentiated(equation: str, shapes: list[Any]) -> None:
    rng = np.random.default_rng(2)
    operands = [torch.tensor(rng.standard_normal(s), requires_grad=True) for s in shapes]
    assert torch.autograd.gradcheck(lambda *o: torch.einsum(equation, *o), tuple(operands))


def test_parameters_that_share_memory_are_each_stepped() -> None:
    a = torch.nn.Parameter(torch.zeros(4))
    b = torch.nn.Parameter(a.data)
    optimizer = torch.optim.SGD([a, b, torch.nn.Parameter(torch.zeros(2, 2))], lr=1.0)
    a.grad, b.grad = torch.ones(4), torch.ones(4)
    optimizer.param_groups[0]["params"][2].grad = torch.ones(2, 2)
    optimizer.step()
    assert a.tolist() == [-2.0] * 4


@pytest.mark.parametrize("scale", [1.0, 200.0, 1e5])
def test_cross_entropy_of_scores_far_apart_is_finite(scale: float) -> None:
    x = torch.tensor([[0.0, 1.0, 2.0], [3.0, -1.0, 0.5]]) * scale
    x.requires_grad_()
    loss = torch.nn.functional.cross_entropy(x, torch.tensor([0, 0]))
    loss.backward()
    exact = np.asarray(x.tolist())
    top = exact.max(1, keepdims=True)
    logs = exact - top - np.log(np.exp(exact - top).sum(1, keepdims=True))
    assert loss.item() == pytest.approx(-logs[:, 0].mean(), rel=1e-6)
    assert x.grad.numpy() == pytest.approx((np.exp(logs) - [1, 0, 0]) / 2, abs=1e-6)
