"""L-BFGS, with PyTorch's strong-Wolfe line search."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import modes, observe
from graphlab.engine.dtypes import Array
from graphlab.engine.optim.optimizer import Optimizer, check_setting, number
from graphlab.engine.tensor import Tensor, wrap

Evaluate = Callable[[float], tuple[float, Array]]


def _cubic(x1: float, f1: float, g1: float, x2: float, f2: float, g2: float, bounds: Any = None) -> float:
    """The lowest point of the cubic through two points with two slopes, within bounds."""
    low, high = bounds if bounds is not None else (x1, x2) if x1 <= x2 else (x2, x1)
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return float((low + high) / 2.0)
    d2 = math.sqrt(square)
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return float(min(max(place, low), high))


class _Point:
    """The loss and its gradient at one step length."""

    __slots__ = ("f", "g", "slope", "t")

    def __init__(self, t: float, f: float, g: Array, slope: float) -> None:
        self.t, self.f, self.g, self.slope = t, f, g, slope


def _strong_wolfe(
    evaluate: Evaluate, t: float, d: Array, f: float, g: Array, slope: float, tolerance_change: float, max_ls: int
) -> tuple[float, Array, float, int]:
    """A step length that satisfies the strong Wolfe conditions (c1 = 1e-4, c2 = 0.9)."""
    c1, c2 = 1e-4, 0.9
    longest = float(np.abs(d).max())

    def at(step: float) -> _Point:
        value, gradient = evaluate(step)
        return _Point(step, value, gradient, float(gradient @ d))

    before, now = _Point(0, f, g, slope), at(t)
    n_calls, n_turns = 1, 0
    bracket: list[_Point] = []
    is_done = False
    while n_turns < max_ls:
        if now.f > f + c1 * now.t * slope or (n_turns > 1 and now.f >= before.f):
            bracket = [before, now]
            break
        if abs(now.slope) <= -c2 * slope:
            bracket = [now]
            is_done = True
            break
        if now.slope >= 0:
            bracket = [before, now]
            break
        bounds = (now.t + 0.01 * (now.t - before.t), now.t * 10)
        step = _cubic(before.t, before.f, before.slope, now.t, now.f, now.slope, bounds)
        before, now = now, at(step)
        n_calls += 1
        n_turns += 1
    if n_turns == max_ls:
        bracket = [_Point(0, f, g, slope), now]
    # Narrow the bracket down to a point that satisfies the conditions.
    is_slow = False
    low, high = (0, 1) if bracket[0].f <= bracket[-1].f else (1, 0)
    while not is_done and n_turns < max_ls:
        a, b = bracket
        if abs(b.t - a.t) * longest < tolerance_change:
            break
        step = _cubic(a.t, a.f, a.slope, b.t, b.f, b.slope)
        least, most = min(a.t, b.t), max(a.t, b.t)
        margin = 0.1 * (most - least)
        if min(most - step, step - least) < margin:
            if is_slow or step >= most or step <= least:
                step = most - margin if abs(step - most) < abs(step - least) else least + margin
                is_slow = False
            else:
                is_slow = True
        else:
            is_slow = False
        now = at(step)
        n_calls += 1
        n_turns += 1
        if now.f > f + c1 * now.t * slope or now.f >= bracket[low].f:
            bracket[high] = now
            low, high = (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
        else:
            if abs(now.slope) <= -c2 * slope:
                is_done = True
            elif now.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = now
    best = bracket[low]
    return best.f, best.g, best.t, n_calls


class LBFGS(Optimizer):
    """Quasi-Newton steps from the latest changes of the gradient; `step` wants a closure that computes the loss."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_setting(not (isinstance(lr, Tensor) and lr.numel() != 1), "Tensor lr must be 1-element")
        check_setting(0.0 <= lr, f"Invalid learning rate: {lr}")  # noqa: SIM300
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params: list[Tensor] = self.param_groups[0]["params"]

    def _gradient(self) -> Array:
        return np.concatenate(
            [
                np.zeros(p._array.size, p._array.dtype) if p._grad is None else p._grad._array.reshape(-1)
                for p in self._params
            ]
        )

    def _move(self, t: float, d: Array) -> None:
        start = 0
        for p in self._params:
            n = p._array.size
            p._array += p._array.dtype.type(t) * d[start : start + n].reshape(p._array.shape)
            start += n

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to `max_iter` quasi-Newton steps; `closure` computes the loss and its gradients, as often as needed."""
        if closure is None:
            raise TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        self.n_steps += 1
        for hook in tuple(self._pre_hooks.values()):
            hook(self, (), {})
        loss = self._optimize(closure)
        watcher = observe.observer
        for p in self._params:
            p._version = [1] if p._version is None else [p._version[0] + 1]
            if watcher is not None:
                watcher.updated(type(self).__name__, p, self._watched_settings(self.param_groups[0]))
        for hook in tuple(self._post_hooks.values()):
            hook(self, (), {})
        return loss

    def _loss_at(self, closure: Callable[[], Any]) -> Any:
        with modes.enable_grad():
            return closure()

    def _optimize(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr, tolerance = number(group["lr"]), group["tolerance_change"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = self._loss_at(closure)
        loss, grad = float(first), self._gradient()
        n_calls = 1
        state["func_evals"] += 1
        if np.abs(grad).max() <= group["tolerance_grad"]:
            return first
        memory = _Memory(state, group["history_size"])
        for turn in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = memory.direction(grad, is_first=state["n_iter"] == 1)
            memory.gradient, loss_before = grad.copy(), loss
            t = min(1.0, 1.0 / float(np.abs(grad).sum())) * lr if state["n_iter"] == 1 else lr
            memory.t = t
            slope = float(grad @ d)
            if slope > -tolerance:
                break
            n_new = 0
            if group["line_search_fn"] is not None:
                start = [p._array.copy() for p in self._params]

                def evaluate(step: float, d: Array = d, start: list[Array] = start) -> tuple[float, Array]:
                    self._move(step, d)
                    value = float(self._loss_at(closure))
                    gradient = self._gradient()
                    for p, old in zip(self._params, start, strict=True):
                        p._array[...] = old
                    return value, gradient

                left = group["max_eval"] - n_calls
                loss, grad, t, n_new = _strong_wolfe(evaluate, t, d, loss, grad, slope, 1e-9, left)
                memory.t = t
                self._move(t, d)
            else:
                self._move(t, d)
                if turn != group["max_iter"]:
                    # After the last step the loss is not asked for again.
                    loss = float(self._loss_at(closure))
                    grad = self._gradient()
                    n_new = 1
            n_calls += n_new
            state["func_evals"] += n_new
            is_flat = np.abs(grad).max() <= group["tolerance_grad"]
            if turn == group["max_iter"] or n_calls >= group["max_eval"] or is_flat:
                break
            if np.abs(d * d.dtype.type(t)).max() <= tolerance or abs(loss - loss_before) < tolerance:
                break
        memory.save(state, loss_before)
        return first


class _Memory:
    """The latest changes of the gradient and the steps that made them, as PyTorch keeps them in the state."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        self.size = size
        self.d: Any = _array(state.get("d"))
        self.t: float = state.get("t", 0.0)
        self.changes: list[Array] = [_array(v) for v in state.get("old_dirs") or []]
        self.steps: list[Array] = [_array(v) for v in state.get("old_stps") or []]
        self.ro: list[Any] = [_array(v)[()] for v in state.get("ro") or []]
        self.diagonal: Any = _array(state.get("H_diag", 1))
        self.gradient: Any = _array(state.get("prev_flat_grad"))

    def direction(self, grad: Array, is_first: bool) -> Array:
        """Minus the gradient times the estimate of the inverse Hessian (the two-loop recursion)."""
        if is_first:
            self.changes, self.steps, self.ro, self.diagonal = [], [], [], 1
            self.d = -grad
            return self.d  # type: ignore[no-any-return]
        change = grad - self.gradient
        step = self.d * grad.dtype.type(self.t)
        product = change @ step
        if product > 1e-10:
            if len(self.changes) == self.size:
                self.changes.pop(0), self.steps.pop(0), self.ro.pop(0)
            self.changes.append(change)
            self.steps.append(step)
            self.ro.append(grad.dtype.type(1.0) / product)
            self.diagonal = product / (change @ change)
        q = -grad
        weights = [grad.dtype.type(0)] * len(self.changes)
        for i in range(len(self.changes) - 1, -1, -1):
            weights[i] = (self.steps[i] @ q) * self.ro[i]
            q = q - weights[i] * self.changes[i]
        d = q * self.diagonal
        for i in range(len(self.changes)):
            d = d + self.steps[i] * (weights[i] - (self.changes[i] @ d) * self.ro[i])
        self.d = d.astype(grad.dtype)
        return self.d  # type: ignore[no-any-return]

    def save(self, state: dict[str, Any], loss: float) -> None:
        """Keep everything for the next step."""
        state["d"] = wrap(np.asarray(self.d))
        state["t"] = self.t
        state["old_dirs"] = [wrap(v) for v in self.changes]
        state["old_stps"] = [wrap(v) for v in self.steps]
        state["ro"] = [wrap(np.asarray(v)) for v in self.ro]
        state["H_diag"] = wrap(np.asarray(self.diagonal)) if self.changes else 1
        state["prev_flat_grad"] = wrap(np.asarray(self.gradient))
        state["prev_loss"] = loss


def _array(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else value
