"""Checkpointing: what a part of a model computed is thrown away, and computed again in the backward pass."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from graphlab.engine import modes
from graphlab.engine.autograd.function import Function
from graphlab.engine.autograd.gradients import backward as run_backward
from graphlab.engine.func.trees import flatten, unflatten
from graphlab.engine.generator import default_generator
from graphlab.engine.tensor import Tensor

__all__ = ["checkpoint", "checkpoint_sequential", "noop_context_fn", "set_checkpoint_early_stop"]


class CheckpointFunction(Function):
    """The part of a model, without its graph: backward runs it again."""

    @staticmethod
    def forward(ctx: Any, run: Any, preserve: bool, _anchor: Any, *tensors: Any) -> Any:
        ctx.run = run
        ctx.random = default_generator.state_bytes() if preserve else None
        ctx.save_for_backward(*tensors)
        result, ctx.spec = run(tensors)
        return tuple(result)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        needs = ctx.needs_input_grad[3:]
        tensors = [t.detach().requires_grad_(need) for t, need in zip(ctx.saved_tensors, needs)]
        with _random_as(ctx.random), modes.enable_grad():
            outputs, _spec = ctx.run(tensors)
        pairs = [(o, g) for o, g in zip(outputs, grads) if isinstance(o, Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        run_backward([o for o, _ in pairs], [g for _, g in pairs])
        return (None, None, None, *(t.grad if t.requires_grad else None for t in tensors))


@contextlib.contextmanager
def _random_as(state: bytes | None) -> Iterator[None]:
    """Random numbers as they were drawn the first time."""
    if state is None:
        yield
        return
    now = default_generator.state_bytes()
    default_generator.load_state_bytes(state)
    try:
        yield
    finally:
        default_generator.load_state_bytes(now)


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Has no effect: the whole part is always computed again."""
    yield


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Any] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, whose values inside are not kept but computed again in the backward pass."""
    if use_reentrant is None:
        _warn("torch.utils.checkpoint", "calling checkpoint without use_reentrant will raise an exception.")
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs and use_reentrant:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant and (context_fn is not noop_context_fn or debug):
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    leaves, spec = flatten((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
    tensors = [leaves[i] for i in places]
    if use_reentrant and not any(t.requires_grad for t in tensors):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
    contexts = context_fn()
    calls = iter(contexts)

    def run(given: Any) -> Any:
        mine = list(leaves)
        for place, t in zip(places, given):
            mine[place] = t
        own_args, own_kwargs = unflatten(mine, spec)
        with next(calls, contextlib.nullcontext()):
            return flatten(function(*own_args, **own_kwargs))

    # Without an input that requires grad, the parameters inside still do: another leaf stands for them.
    anchor = None if use_reentrant else tensors_anchor()
    kept: list[Any] = []

    def run_and_keep(given: Any) -> Any:
        found = run(given)
        if not kept:
            kept.append(found[1])
        return found

    result = CheckpointFunction.apply(run_and_keep, preserve, anchor, *tensors)
    return unflatten(list(result), kept[0])


def tensors_anchor() -> Any:
    """A leaf that requires grad, whose gradient nobody asks for."""
    from graphlab.engine.ops.run import FUNCTIONS

    return FUNCTIONS["zeros"](0).requires_grad_()


def _warn(name: str, what: str) -> None:
    warnings.warn(
        f"{name}: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, {what} "
        "use_reentrant=False is recommended, but if you need to preserve the current default behavior, you can pass "
        "use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
        stacklevel=3,
    )


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Modules one after the other in `segments` parts, all but the last checkpointed."""
    if use_reentrant is None:
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    parts = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(parts) // segments

    def one_after_the_other(some: list[Any]) -> Callable[[Any], Any]:
        def forward(x: Any) -> Any:
            for part in some:
                x = part(x)
            return x

        return forward

    start = 0
    for start in range(0, size * (segments - 1), size):
        part = one_after_the_other(parts[start : start + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    rest = parts[size * (segments - 1) :] if segments > 1 else parts
    return one_after_the_other(rest)(input)
