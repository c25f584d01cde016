"""Derivatives of functions: `torch.autograd.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import modes
from graphlab.engine.autograd.gradients import grad as autograd_grad
from graphlab.engine.errors import fail
from graphlab.engine.tensor import Tensor, wrap

Tensors = tuple[Tensor, ...]


def _as_tensors(given: Any, what: str, function: str) -> tuple[bool, Tensors]:
    """Whether a tuple was given, and its tensors."""
    is_tuple = isinstance(given, tuple)
    tensors = tuple(given) if is_tuple else (given,)
    for i, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            kind = type(each)
            if is_tuple:
                raise TypeError(
                    f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the value at "
                    f"index {i} has type {kind}."
                )
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the given {what} "
                f"has type {kind}."
            )
    return is_tuple, tensors


def _with_grad(inputs: Tensors, create_graph: bool) -> Tensors:
    """The inputs as tensors of their own, so that the graph of one call does not meet the caller's."""
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in inputs)
    return tuple(x.detach().requires_grad_() for x in inputs)


def _called(func: Any, inputs: Tensors, name: str) -> Any:
    if not callable(func):
        kind = type(func).__name__
        fail(TypeError, f"'{kind}' object is not callable", kind="jacobian_call", function=name, got=kind)
    return func(*inputs)


def _grads(
    outputs: Tensors, inputs: Tensors, grad_outputs: Any = None, create_graph: bool = False
) -> tuple[Tensor | None, ...]:
    """`autograd.grad` that gives None where there is no way from output to input."""
    pairs = [
        (out, None if grad_outputs is None else grad_outputs[i])
        for i, out in enumerate(outputs)
        if out.requires_grad and (grad_outputs is None or grad_outputs[i] is not None)
    ]
    if not pairs:
        return (None,) * len(inputs)
    found: tuple[Tensor | None, ...] = autograd_grad(
        [out for out, _ in pairs],
        inputs,
        [g for _, g in pairs],
        allow_unused=True,
        create_graph=create_graph,
        retain_graph=True,
    )
    return found


def _check_strict(is_strict: bool, tensors: Tensors, inputs: bool, function: str = "") -> None:
    if is_strict and not inputs:
        for i, each in enumerate(tensors):
            if not each.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be "
                    "computed in a differentiable manner from the input when running in strict mode."
                )


def _finished(tensors: Tensors, create_graph: bool) -> Tensors:
    return tensors if create_graph else tuple(each.detach() for each in tensors)


def _unpacked(results: tuple[Any, ...], is_tuple: bool) -> Any:
    return results if is_tuple else results[0]


def _filled(gradients: tuple[Tensor | None, ...], inputs: Tensors, strict: bool, what: str) -> Tensors:
    """Zeros where there is no derivative; refused in strict mode."""
    filled = []
    for i, (g, x) in enumerate(zip(gradients, inputs, strict=True)):
        if g is None:
            if strict:
                raise RuntimeError(f"{what} is independent of input {i}. This is not allowed in strict mode.")
            g = wrap(np.zeros(x._array.shape, x._array.dtype), x._device)
        filled.append(g)
    return tuple(filled)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of each entry of `func(*inputs)` by each entry of the inputs: shape output + shape input.

    A tuple of inputs or outputs gives a tuple, or a tuple of tuples (outputs first).
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            f'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode". '
            f"Got: {strategy}"
        )
    with modes.enable_grad():
        inputs_tuple, given = _as_tensors(inputs, "inputs", "jacobian")
        given = _with_grad(given, create_graph)
        result = _called(func, given, "jacobian")
        outputs_tuple, outputs = _as_tensors(result, "outputs of the user-provided function", "jacobian")
        _check_strict(strict, outputs, inputs=False)
        rows = tuple(_jacobian_rows(out, i, given, create_graph, strict) for i, out in enumerate(outputs))
    if not create_graph:
        rows = tuple(tuple(each.detach() for each in row) for row in rows)
    per_output = tuple(_unpacked(row, inputs_tuple) for row in rows)
    return _unpacked(per_output, outputs_tuple)


def _jacobian_rows(out: Tensor, number: int, inputs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    """The derivatives of one output by each input."""
    n = out._array.size
    shape = out._array.shape
    collected: list[list[Any]] = [[] for _ in inputs]
    for j in range(n):
        # A cotangent that is 1 for one entry and 0 elsewhere picks one row.
        picker = np.zeros(n, out._array.dtype)
        picker[j] = 1
        found = _grads((out,), inputs, (wrap(picker.reshape(shape), out._device),), create_graph)
        for i, (g, x) in enumerate(zip(found, inputs, strict=True)):
            if g is None:
                if strict:
                    raise RuntimeError(
                        f"Output {number} of the user-provided function is independent of input {i}. This is not "
                        "allowed in strict mode."
                    )
                g = wrap(np.zeros(x._array.shape, x._array.dtype), x._device)
            elif strict and create_graph and not g.requires_grad:
                raise RuntimeError(
                    "The jacobian of the user-provided function is independent of input "
                    f"{i}. This is not allowed in strict mode when create_graph=True."
                )
            collected[i].append(g)
    return tuple(_stacked(parts, (*shape, *x._array.shape), x) for parts, x in zip(collected, inputs, strict=True))


def _stacked(parts: list[Any], shape: tuple[int, ...], like: Tensor) -> Tensor:
    from graphlab.engine.ops.run import FUNCTIONS

    if not parts:
        return wrap(np.zeros(shape, like._array.dtype), like._device)
    if not any(part.requires_grad for part in parts):
        return wrap(np.stack([part._array for part in parts]).reshape(shape), like._device)
    return FUNCTIONS["stack"](parts).reshape(shape)  # type: ignore[no-any-return]


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that returns one number: shape input + shape input."""
    inputs_tuple, given = _as_tensors(inputs, "inputs", "hessian")

    def checked(*args: Tensor) -> Tensor:
        out = _called(func, args, "hessian")
        is_tuple, outputs = _as_tensors(out, "outputs of the user-provided function", "hessian")
        _check_strict(strict, outputs, inputs=False)
        if is_tuple or not isinstance(out, Tensor):
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if out._array.size != 1:
            fail(
                RuntimeError,
                "The Tensor returned by the function given to hessian should contain a single element",
                kind="hessian_scalar",
                shape=list(out._array.shape),
            )
        return out.squeeze()  # type: ignore[no-any-return]

    def gradient(*args: Tensor) -> Any:
        found = jacobian(checked, args if inputs_tuple else args[0], create_graph=True)
        if strict:
            for i, each in enumerate(found if inputs_tuple else (found,)):
                if not each.requires_grad:
                    raise RuntimeError(
                        "While computing the hessian, found that the jacobian of the user-provided function with "
                        f"respect to input {i} is independent of the input. This is not allowed in strict mode. You "
                        "should ensure that your function is twice differentiable and that the jacobian depends on "
                        "the inputs (this would be violated by a linear function for example)."
                    )
        return found

    return jacobian(gradient, given if inputs_tuple else given[0], create_graph=create_graph, strict=strict)


def _directions(v: Any, like: Tensors, is_tuple: bool, function: str) -> Tensors:
    """The vector of vjp and jvp, checked against what it multiplies."""
    _, given = _as_tensors(v, "v", function)
    given = tuple(each.detach() for each in given)
    if len(given) != len(like):
        if is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (mine, theirs) in enumerate(zip(given, like, strict=True)):
        if mine._array.shape != theirs._array.shape:
            prefix = f"Entry {i} in " if is_tuple else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {theirs.size()} but got {mine.size()}.")
    return given


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and `v` times its Jacobian; `v` has the output's shape and may be left out for one number."""
    with modes.enable_grad():
        inputs_tuple, given = _as_tensors(inputs, "inputs", "vjp")
        given = _with_grad(given, create_graph)
        result = _called(func, given, "vjp")
        outputs_tuple, outputs = _as_tensors(result, "outputs of the user-provided function", "vjp")
        _check_strict(strict, outputs, inputs=False)
        weights: Any = None
        if v is not None:
            weights = _directions(v, outputs, isinstance(v, tuple), "vjp")
        elif len(outputs) != 1 or outputs[0]._array.size != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
        found = _grads(outputs, given, weights, create_graph)
        filled = _filled(found, given, strict, "The output of the user-provided function")
    return (
        _unpacked(_finished(outputs, create_graph), outputs_tuple),
        _unpacked(_finished(filled, create_graph), inputs_tuple),
    )


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and its Jacobian times `v`, by differentiating the vjp by its own vector."""
    with modes.enable_grad():
        _, given = _as_tensors(inputs, "inputs", "jvp")
        given = _with_grad(given, create_graph)
        direction: Any = None
        if v is not None:
            direction = _directions(v, given, isinstance(v, tuple), "jvp")
        elif len(given) != 1 or given[0]._array.size != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a single Tensor with a "
                "single element."
            )
        result = _called(func, given, "jvp")
        outputs_tuple, outputs = _as_tensors(result, "outputs of the user-provided function", "jvp")
        _check_strict(strict, outputs, inputs=False)
        probes = tuple(
            wrap(np.zeros(out._array.shape, out._array.dtype), out._device).requires_grad_() for out in outputs
        )
        backward = _grads(outputs, given, probes, create_graph=True)
        if strict:
            _filled(backward, given, strict, "The output of the user-provided function")
        if direction is None:
            direction = tuple(wrap(np.ones(x._array.shape, x._array.dtype), x._device) for x in given)
        chosen = [(g, d) for g, d in zip(backward, direction, strict=True) if g is not None and g.requires_grad]
        found: tuple[Tensor | None, ...] = (None,) * len(probes)
        if chosen:
            found = _grads(tuple(g for g, _ in chosen), probes, tuple(d for _, d in chosen), create_graph)
        filled = _filled(found, outputs, strict, "The backward of the user-provided function")
    return (
        _unpacked(_finished(outputs, create_graph), outputs_tuple),
        _unpacked(_finished(filled, create_graph), outputs_tuple),
    )


def _second_order(
    func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool, name: str
) -> tuple[Any, Any]:
    with modes.enable_grad():
        inputs_tuple, given = _as_tensors(inputs, "inputs", name)
        given = _with_grad(given, create_graph)
        result = _called(func, given, name)
        is_tuple, outputs = _as_tensors(result, "outputs of the user-provided function", name)
        _check_strict(strict, outputs, inputs=False)
        if is_tuple:
            raise RuntimeError(f"The function given to {name} should return a single Tensor")
        if outputs[0]._array.size != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
        direction: Any = None
        if v is not None:
            direction = _directions(v, given, isinstance(v, tuple), name)
        elif len(given) != 1 or given[0]._array.size != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a single Tensor with a "
                "single element."
            )
        else:
            direction = (wrap(np.ones(given[0]._array.shape, given[0]._array.dtype), given[0]._device),)
        first = _grads(outputs, given, None, create_graph=True)
        chosen = [(g, d) for g, d in zip(first, direction, strict=True) if g is not None and g.requires_grad]
        found: tuple[Tensor | None, ...] = (None,) * len(given)
        if chosen:
            # The Hessian is symmetric: v times it is it times v.
            found = _grads(tuple(g for g, _ in chosen), given, tuple(d for _, d in chosen), create_graph)
        filled = _filled(found, given, strict, "The jacobian of the user-provided function")
    return (
        _unpacked(_finished(outputs, create_graph), is_tuple),
        _unpacked(_finished(filled, create_graph), inputs_tuple),
    )


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and `v` times its Hessian."""
    return _second_order(func, inputs, v, create_graph, strict, "vhp")


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and its Hessian times `v`."""
    return _second_order(func, inputs, v, create_graph, strict, "hvp")
