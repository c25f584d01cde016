"""How tensors look when printed: PyTorch's rules (`torch/_tensor_str.py`), character for character."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import Virtual

if TYPE_CHECKING:
    from graphlab.engine.tensor import Tensor


@dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = _Options()

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed. What is None stays as it is; `sci_mode=None` is the automatic choice."""
    chosen = dict(_PROFILES.get(profile, {})) if profile is not None else {}
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen.update({name: value for name, value in given.items() if value is not None})
    for name, value in chosen.items():
        setattr(_options, name, value)
    _options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keywords for `set_printoptions`."""
    return asdict(_options)


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Print with other options inside a `with` block."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


class _Formatter:
    """Decides from all shown numbers how each one is written, so that columns align."""

    def __init__(self, array: dtypes.Array) -> None:
        self.is_float = array.dtype.kind == "f"
        self.int_mode = True
        self.sci_mode = False
        self.max_width = 1
        if not self.is_float:
            self.max_width = max((len(str(value)) for value in array.reshape(-1).tolist()), default=1)
            return
        flat = array.reshape(-1)
        shown = flat[np.isfinite(flat) & (flat != 0)]
        if shown.size == 0:
            return
        absolute = np.abs(shown).astype(np.float64)
        low, high = float(absolute.min()), float(absolute.max())
        self.int_mode = bool(np.all(shown == np.ceil(shown)))
        if _options.sci_mode is None:
            self.sci_mode = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
        else:
            self.sci_mode = _options.sci_mode
        if self.sci_mode:
            style, extra = f".{_options.precision}e", 0
        elif self.int_mode:
            style, extra = ".0f", 1  # the point that says it is no integer
        else:
            style, extra = f".{_options.precision}f", 0
        self.max_width = max(1, max(len(format(value, style)) for value in shown.tolist()) + extra)

    def format(self, value: Any) -> str:
        if not self.is_float:
            text = str(value)
        elif self.sci_mode:
            text = f"{value:{self.max_width}.{_options.precision}e}"
        elif self.int_mode:
            text = f"{value:.0f}"
            if math.isfinite(value):
                text += "."
        else:
            text = f"{value:.{_options.precision}f}"
        return text.rjust(self.max_width)


class _ComplexFormatter:
    """The same for complex numbers: real and imaginary parts are columns of their own."""

    def __init__(self, array: dtypes.Array) -> None:
        self.real, self.imag = _Formatter(array.real), _Formatter(array.imag)
        self.max_width = self.real.max_width + self.imag.max_width + 1

    def format(self, value: Any) -> str:
        imag = self.imag.format(value.imag).lstrip() + "j"
        text: str = self.real.format(value.real)
        return text + (imag if imag[0] in "+-" else "+" + imag)


def _vector_text(array: dtypes.Array, indent: int, is_summary: bool, formatter: Any) -> str:
    per_line = max(1, (_options.linewidth - indent) // (formatter.max_width + 2))
    edge = _options.edgeitems
    if is_summary and not edge:
        items = ["..."]
    elif is_summary and array.shape[0] > 2 * edge:
        first = [formatter.format(value) for value in array[:edge].tolist()]
        last = [formatter.format(value) for value in array[-edge:].tolist()]
        items = [*first, " ...", *last]
    else:
        items = [formatter.format(value) for value in array.tolist()]
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested_text(array: dtypes.Array, indent: int, is_summary: bool, formatter: Any) -> str:
    if array.ndim == 0:
        text: str = formatter.format(array.item())
        return text
    if array.ndim == 1:
        return _vector_text(array, indent, is_summary, formatter)
    n, edge = array.shape[0], _options.edgeitems
    rows: list[int | None] = list(range(n))
    if is_summary and n > 2 * edge:
        rows = [*range(edge), None, *range(n - edge, n)]
    texts = ["..." if row is None else _nested_text(array[row], indent + 1, is_summary, formatter) for row in rows]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(texts) + "]"


def _corners(array: dtypes.Array) -> dtypes.Array:
    """What a summary shows of the array: its first and last entries along each axis."""
    edge = _options.edgeitems
    for axis, n in enumerate(array.shape):
        if n > 2 * edge:
            array = np.take(array, [*range(edge), *range(n - edge, n)], axis=axis)
    return array


def array_text(array: dtypes.Array, indent: int = 0) -> str:
    """The numbers of an array between brackets, as inside `tensor(…)`; `indent`: columns before the first."""
    if array.size == 0:
        return "[]"
    is_summary = array.size > _options.threshold
    if array.dtype.kind == "V":
        array = array.astype(np.float32)
    formatter = (_ComplexFormatter if array.dtype.kind == "c" else _Formatter)(_corners(array) if is_summary else array)
    return _nested_text(array, indent, is_summary, formatter)


def with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append `, suffix` for each, on a new line where the line would grow past the width, and the closing bracket."""
    parts = [text]
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > _options.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            length = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            length += len(suffix) + 2
    return "".join(parts) + ")"


def tensor_text(tensor: Tensor) -> str:
    """What `repr(tensor)` is. A simulated tensor that holds no numbers prints as PyTorch's meta tensors do."""
    kind = type(tensor)
    prefix = "tensor(" if kind.__name__ in ("Tensor", "Parameter") else f"{kind.__name__}("
    indent = len(prefix)
    array = tensor._array
    dtype = tensor.dtype
    default = dtypes.get_default_dtype()
    suffixes = []
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    is_virtual = type(array) is Virtual
    if array.size == 0 or is_virtual:
        if array.ndim != 1 or is_virtual:
            suffixes.append(f"size={tuple(array.shape)}")
        if dtype is not default:
            suffixes.append(f"dtype={dtype}")
    else:
        if not _options.edgeitems:
            suffixes.append(f"size={tuple(array.shape)}")
        if dtype not in (default, default.to_complex(), dtypes.int64, dtypes.bool_):
            suffixes.append(f"dtype={dtype}")
    node = tensor.grad_fn
    if node is not None:
        suffixes.append(f"grad_fn=<{node.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    numbers = "..." if is_virtual else array_text(array, indent)
    return with_suffixes(prefix + numbers, suffixes, indent)
