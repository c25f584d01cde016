"""Arguments of operators as plain data, so that they can be written and read anywhere."""

from typing import Any

from graphlab.engine.ops.op import OPS

PLAIN = frozenset({int, float, bool, str, type(None)})
_MAX_ITEMS = 64
_INT64 = 2**63


def plain(params: dict[str, Any]) -> dict[str, Any]:
    """A copy of `params` in plain data: lists, numbers, texts; tensors as their shape, everything else as its text."""
    return {str(name): _plain(value) for name, value in params.items()}


def _plain(value: Any, depth: int = 0) -> Any:
    kind = value.__class__
    if kind is int:
        return value if -_INT64 <= value < _INT64 else str(value)
    if kind in PLAIN:
        return value
    if depth > 4:
        return "…"
    if isinstance(value, list | tuple):
        items = [_plain(item, depth + 1) for item in value[:_MAX_ITEMS]]
        return [*items, "…"] if len(value) > _MAX_ITEMS else items
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in list(value.items())[:_MAX_ITEMS]}
    if isinstance(value, int):  # a subclass: an enum member
        return _plain(int(value), depth + 1)
    if isinstance(value, float):
        return float(value)
    if hasattr(value, "_array"):
        return f"tensor of shape {list(value._array.shape)}"
    if value is Ellipsis:
        return "..."
    if isinstance(value, slice):
        parts = ["" if part is None else str(part) for part in (value.start, value.stop, value.step)]
        return ":".join(parts if value.step is not None else parts[:2])
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return _plain(value.item(), depth + 1)
    return str(value)[:200]


def with_numbers(op: str, inputs: tuple[Any, ...], params: dict[str, Any]) -> dict[str, Any]:
    """`params` with the Python numbers that stand in the place of tensors, under the operator's argument names."""
    known = OPS.get(op)
    names = known.args if known is not None else ()
    added = {
        names[at] if at < len(names) else f"argument {at + 1}": value
        for at, value in enumerate(inputs)
        if value is not None and not hasattr(value, "_mark")
    }
    return {**added, **params} if added else params
