"""What programs call: `backward` and `grad`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.engine import dtypes, modes, observe, tensor
from graphlab.engine.errors import fail
from graphlab.engine.tensor import Tensor, wrap

if TYPE_CHECKING:
    pass
from graphlab.engine.autograd import anomaly
from graphlab.engine.autograd.graph import Node, accumulator, edge
from graphlab.engine.autograd.passes import run, sweep

_ONE = {d: np.ones((), d) for d in (dtypes.F32, dtypes.F64)}
"""The gradient of a loss with respect to itself; never written to."""
for _one in _ONE.values():
    _one.flags.writeable = False


def _first_gradient(t: Tensor, gradient: Any, create_graph: bool) -> Any:
    if gradient is None:
        if t._array.size != 1:
            fail(
                RuntimeError,
                "grad can be implicitly created only for scalar outputs",
                kind="non_scalar_backward",
                shape=list(t._array.shape),
            )
        if t._array.dtype.kind == "c":
            fail(
                RuntimeError,
                f"grad can be implicitly created only for real scalar outputs but got {t.dtype}",
                kind="complex_backward",
                dtype=t.dtype.name,
            )
        made = np.ones(t._array.shape, t._array.dtype)
        return wrap(made, t._device) if create_graph else made
    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if gradient._array.shape != t._array.shape:
        fail(
            RuntimeError,
            f"Mismatch in shape: grad_output[0] has a shape of {gradient.shape} and output[0] has a "
            f"shape of {t.shape}.",
            kind="gradient_shape",
            shape=list(gradient._array.shape),
            wanted=list(t._array.shape),
        )
    if gradient._device is not t._device and gradient._array.ndim:
        raise RuntimeError(f"invalid gradient at index 0 - expected device {t._device} but got {gradient._device}")
    if create_graph:
        return gradient
    return gradient._array if gradient._array.dtype == t._array.dtype else gradient._array.astype(t._array.dtype)


def _roots(tensors: Sequence[Tensor], gradients: Sequence[Any], create_graph: bool) -> list[tuple[Node, int, Any]]:
    roots = []
    for i, (t, g) in enumerate(zip(tensors, gradients)):
        # PyTorch looks at the gradients first.
        first = _first_gradient(t, g, create_graph) if t._rg or g is not None else None
        if not t._rg:
            fail(
                RuntimeError,
                f"element {i} of tensors does not require grad and does not have a grad_fn",
                kind="no_grad_fn",
            )
        roots.append((t._fn or accumulator(t), t._nr, first))
    return roots


def _pass(
    tensors: Sequence[Tensor],
    gradients: Sequence[Any],
    retain_graph: bool | None,
    create_graph: bool,
    targets: list[tuple[Node, int]] | None,
    accumulate: bool,
) -> dict[tuple[Node, int], Any]:
    watcher = observe.observer
    before = modes.grad
    try:
        roots = _roots(tensors, gradients, create_graph)
        if watcher is not None:
            watcher.backward_started(tensors[0])
        modes.grad = create_graph
        retain = create_graph if retain_graph is None else retain_graph
        return run(roots, retain, create_graph, targets, accumulate)
    except BaseException as error:
        if watcher is not None:
            watcher.failed("backward", tuple(tensors), {}, error)
        raise
    finally:
        modes.grad = before
        if watcher is not None:
            watcher.backward_ended()


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves (or of `inputs` only): `torch.autograd.backward`."""
    if grad_variables is not None:
        grad_tensors = _renamed(grad_tensors, grad_variables)
    if (
        grad_tensors is None
        and not create_graph
        and inputs is None
        and not anomaly.nan_check
        and isinstance(tensors, Tensor)
        and tensors._fn is not None
        and tensors._array.size == 1
        and tensors._fn.n_outputs == 1
    ):
        array = tensors._array
        first = _ONE.get(array.dtype) if not array.ndim else None
        if first is None:
            first = _first_gradient(tensors, None, False)
        watcher = observe.observer
        before = modes.grad
        modes.grad = False
        try:
            if watcher is not None:
                watcher.backward_started(tensors)
            sweep(tensors._fn, first, bool(retain_graph), watcher)
        except BaseException as error:
            if watcher is not None:
                watcher.failed("backward", (tensors,), {}, error)
            raise
        finally:
            modes.grad = before
            if watcher is not None:
                watcher.backward_ended()
        return
    roots = _many(tensors)
    gradients = [None] * len(roots) if grad_tensors is None else _many(grad_tensors)
    targets = None
    if inputs is not None:
        chosen = _many(inputs)
        if not chosen:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        for t in chosen:
            if not t._rg:
                t.retain_grad()  # refuses, as in PyTorch
        targets = [(_target(t), t._nr) for t in chosen]
    _pass(roots, gradients, retain_graph, create_graph, targets, True)


tensor._backward = backward


def _renamed(grad_tensors: Any, grad_variables: Any) -> Any:
    warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=3)
    if grad_tensors is not None:
        raise RuntimeError(
            "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
            "Please only use `grad_tensors`."
        )
    return grad_variables


def _target(t: Tensor) -> Node:
    found = edge(t)
    if found is None:
        fail(RuntimeError, "One of the differentiated Tensors does not require grad", kind="no_grad_fn")
    return found


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of `outputs` with respect to `inputs`, leaving every `.grad` as it is: `torch.autograd.grad`.

    A tuple, or a dict where `inputs` is one.
    """
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    if isinstance(inputs, dict):
        found_by_place = grad(
            outputs,
            list(inputs.values()),
            grad_outputs,
            retain_graph,
            create_graph,
            allow_unused=allow_unused,
            is_grads_batched=is_grads_batched,
            materialize_grads=materialize_grads,
        )
        return dict(zip(inputs, found_by_place))
    roots = _many(outputs)
    chosen = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    gradients = [None] * len(roots) if grad_outputs is None else _many(grad_outputs)
    if allow_unused is None:
        allow_unused = materialize_grads
    if is_grads_batched:
        return _batched(roots, chosen, gradients, retain_graph, create_graph, allow_unused, materialize_grads)
    for each in (roots, chosen):
        for t in each:
            if not isinstance(t, Tensor):
                raise TypeError(f"'{type(t).__name__}' object is not iterable")
    if materialize_grads and not allow_unused:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            f"allow_unused={allow_unused}."
        )
    targets = [(_target(t), t._nr) for t in chosen]
    captured = _pass(roots, gradients, retain_graph, create_graph, targets, False)
    found: list[Any] = []
    for i, (t, key) in enumerate(zip(chosen, targets)):
        g = captured.get(key)
        if g is None:
            if not allow_unused:
                fail(
                    RuntimeError,
                    f"The differentiated Tensor at index {i} appears to not have been used in the graph. "
                    "Set allow_unused=True if this is the desired behavior.",
                    kind="unused_input",
                    index=i,
                )
            if materialize_grads:
                g = np.zeros(t._array.shape, t._array.dtype)
        found.append(g if g is None or isinstance(g, Tensor) else wrap(np.array(g), t._device))
    return tuple(found)


def _batched(
    roots: list[Any], chosen: list[Any], gradients: list[Any], retain_graph: bool | None, *settings: bool
) -> tuple[Any, ...]:
    """`grad` with several gradients of each output: a pass for each, and the results stacked."""
    from graphlab.engine.ops.run import FUNCTIONS

    for i, (root, g) in enumerate(zip(roots, gradients)):
        if g is not None and g.shape[1:] != root.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                "dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                f"output, but a mismatch was detected: grad_output[{i}] has a shape of {g.shape[2:]} and output[{i}] "
                f"has a shape of {root.shape}. If you only want some tensors in `grad_output` to be considered "
                "batched, consider using vmap."
            )
    n = next(len(g) for g in gradients if g is not None)
    create_graph, allow_unused, materialize = settings
    rows = []
    for at in range(n):
        given = [None if g is None else g[at] for g in gradients]
        keep = True if at < n - 1 else retain_graph
        rows.append(grad(roots, chosen, given, keep, create_graph, True, allow_unused, False, materialize))
    return tuple(None if column[0] is None else FUNCTIONS["stack"](list(column)) for column in zip(*rows))
