"""What a failed call of a public function is told as: PyTorch's error, whatever went wrong underneath.

Asked only when a call has failed. First PyTorch's argument parser has its say (`parsing`); then an error that NumPy or
the interpreter raised in the middle of our own code is put into the words that PyTorch has for its cause.
"""

from __future__ import annotations

import dis
import re
import sys
from typing import Any

import numpy as np

from graphlab.engine import dtypes, errors
from graphlab.engine.device import cpu_error
from graphlab.engine.ops import parsing
from graphlab.engine.tensor import Tensor

_OWN = "graphlab.engine"
_CALLERS = ("graphlab.engine.nn",)
"""Parts of the engine that call functions as a program does, because PyTorch's do."""
_RAISE = dis.opmap["RAISE_VARARGS"]
_ELSEWHERE = {"torch": ("F", "linalg", "special", "fft"), "Tensor": (), "F": ("torch",)}


def is_inner(depth: int) -> bool:
    """Whether the caller `depth` frames up is the engine itself, whose own errors go on to the outermost call."""
    name = str(sys._getframe(depth + 1).f_globals.get("__name__", ""))
    return name.startswith(_OWN) and not name.startswith(_CALLERS)


def worded(called: str, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> BaseException:
    """The error that PyTorch raises for a call of `called` ("torch.sum") which failed with `error`."""
    key = _key(called)
    found: BaseException | None = parsing.refusal(key, args, kwargs) if key else None
    if found is None:
        found = _native(key, args, kwargs)
    if found is None and is_foreign(error):
        found = _translated(called, args, kwargs, error)
    if found is None:
        return error
    for name in ("kind", "facts"):
        if hasattr(error, name) and not hasattr(found, name):
            setattr(found, name, getattr(error, name))
    return found


def _key(called: str) -> str:
    where, _, name = called.partition(".")
    if parsing.is_known(called):
        return called
    for other in _ELSEWHERE.get(where, ()):
        key = f"{other}.{name.removeprefix(other + '_')}"
        if parsing.is_known(key):
            return key
    return ""


def is_foreign(error: BaseException) -> bool:
    """Whether NumPy or the interpreter raised it, not a `raise` of the engine."""
    if hasattr(error, "kind"):
        return False
    step = error.__traceback__
    if step is None:
        return False
    while step.tb_next is not None:
        step = step.tb_next
    frame = step.tb_frame
    module = str(frame.f_globals.get("__name__", ""))
    if not module.startswith(_OWN):
        # What a program's own function raised, called by us, goes on as it is.
        return module.partition(".")[0] in ("numpy", "ml_dtypes")
    return frame.f_code.co_code[step.tb_lasti] != _RAISE


def _native(key: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseException | None:
    """What the native function under one written in Python says to the arguments that it is handed on."""
    if not key or key.endswith(".split"):  # which knows its own words: two natives stand under it
        return None
    bound = parsing.bound(key, args, kwargs)
    native = parsing.forms_of("aten." + key.partition(".")[2]) if bound else []
    inner = native or (parsing.forms_of("torch." + key.partition(".")[2]) if bound else [])
    optional = {p.name for p in inner[0].parameters if p.allows_none} if inner else set()
    for name, value in bound.items():
        if value is None and name in optional:
            continue
        told = parsing.probed(key.partition(".")[2], name, value)
        if told is not None:
            return told
    misfits = [form.first_misfit(bound) for form in native]
    return None if None in misfits or not misfits else misfits[0]


def _translated(
    called: str, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException
) -> BaseException | None:
    """An error of NumPy's or Python's in PyTorch's words, or None where there are none for it."""
    text = str(error)
    name = called.rpartition(".")[2]
    if isinstance(error, MemoryError):
        return out_of_memory(error)
    if isinstance(error, np.exceptions.AxisError) and error.axis is not None and error.ndim is not None:
        n = error.ndim or 1
        return errors.make(
            IndexError,
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {error.axis})",
            kind="dim_range",
            op=name,
            dim=int(error.axis),
            n_dims=int(error.ndim),
        )
    if isinstance(error, np.linalg.LinAlgError):
        from graphlab.engine.ops.linalg import LinAlgError

        return errors.make(
            LinAlgError,
            "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."
            if "SVD" in text
            else f"linalg.{name}: {text}",
            kind="not_invertible" if "ingular" in text else "",
        )
    if text in ("cannot convert float NaN to integer", "cannot convert float infinity to integer"):
        first = next((a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)), None)
        kind = "int64_t" if first is None or first.dtype.name == "int64" else first.dtype.name
        return RuntimeError(f"value cannot be converted to type {kind} without overflow")
    if isinstance(error, OverflowError):
        return RuntimeError("Overflow when unpacking long long")
    if isinstance(error, ValueError):
        if "read-only" in text:
            return RuntimeError(
                "unsupported operation: more than one element of the written-to tensor refers to a single memory "
                "location. Please clone() the tensor before performing the operation."
            )
        if "could not be broadcast" in text or "shape mismatch" in text:
            shapes = [tuple(int(n) for n in re.findall(r"\d+", s)) for s in re.findall(r"\(([\d, ]*)\)", text)]
            for i, a in enumerate(shapes):
                for b in shapes[i + 1 :]:
                    clash = errors.broadcast(name, a, b)
                    if "must match" in str(clash):
                        return clash
        if "Maximum allowed dimension" in text or "array is too big" in text:
            return errors.make(RuntimeError, "Storage size calculation overflowed", kind="out_of_memory", device="cpu")
    if type(error).__name__ in ("UFuncTypeError", "_UFuncNoLoopError", "UFuncNoLoopError"):
        first = next((a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)), None)
        if first is not None:
            return errors.make(
                NotImplementedError,
                f"\"{name}_cpu\" not implemented for '{first.dtype.title}'",
                kind="dtype_unsupported",
                op=name,
                dtype=first.dtype.name,
            )
    kind = type(error).__name__
    if kind in ("_UFuncOutputCastingError", "_UFuncInputCastingError", "UFuncTypeError"):
        source, target = (dtypes.of(np.empty(0, t)) for t in (error.from_, error.to))  # type: ignore[attr-defined]
        return errors.make(
            RuntimeError,
            f"result type {source.title} can't be cast to the desired output type {target.title}",
            kind="dtype_mix",
            op=name,
            dtypes=[source.name, target.name],
        )
    if isinstance(error, (ValueError, IndexError, ZeroDivisionError)) or "numpy" in text or "ufunc" in text:
        # Whatever else NumPy finds, PyTorch tells of as a RuntimeError.
        return RuntimeError(f"{name}(): {text}")
    return None


def out_of_memory(error: BaseException) -> BaseException:
    """NumPy's MemoryError in PyTorch's words."""
    shape, kind = getattr(error, "shape", None), getattr(error, "dtype", None)
    if shape is None or kind is None:
        return cpu_error(0)
    n = int(kind.itemsize)
    for size in shape:
        n *= int(size)
    return cpu_error(n)
