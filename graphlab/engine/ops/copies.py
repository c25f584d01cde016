"""The copying forms of views: `expand_copy`, `transpose_copy` and the like, each the view and then a clone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphlab.engine.autograd.graph import rename
from graphlab.engine.ops.run import FUNCTIONS, need_tensor, public
from graphlab.engine.tensor import Tensor


def _named(name: str) -> Callable[..., Any]:
    # The method first: `unfold` by itself is the function that cuts images into columns.
    found: Callable[..., Any] = getattr(Tensor, name, None) or FUNCTIONS[name]
    return found


def _one(name: str) -> None:
    of = _named(name)

    def call(input: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        seen = of(need_tensor(input, name + "_copy"), *args, **kwargs)
        made = seen.clone()
        return made if seen._fn is None else rename(made, f"{type(seen._fn).__name__}_copy")

    call.__name__ = name + "_copy"
    call.__doc__ = f"{name} of the tensor, as a copy."
    public(name + "_copy", method=False)(call)


def _many(name: str, of: Callable[..., Any]) -> None:
    def call(input: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        parts = of(need_tensor(input, name + "_copy"), *args, **kwargs)
        return tuple(t.clone() if t._fn is None else rename(t.clone(), f"{type(t._fn).__name__}_copy") for t in parts)

    call.__name__ = name + "_copy"
    call.__doc__ = f"{name} of the tensor, each part a copy."
    public(name + "_copy", method=False)(call)


for _name in (
    "expand",
    "diagonal",
    "view",
    "permute",
    "unfold",
    "squeeze",
    "unsqueeze",
    "transpose",
    "t",
    "as_strided",
    "select",
    "slice",
    "detach",
):
    _one(_name)
for _name in ("split", "unbind"):
    _many(_name, _named(_name))
_many("split_with_sizes", lambda input, split_sizes, dim=0: FUNCTIONS["split"](input, list(split_sizes), dim))


@public("alias_copy", method=False)
def alias_copy(input: Any, *, out: Any = None) -> Any:
    """A copy."""
    return rename(need_tensor(input, "alias_copy").clone(), "AliasBackward0_copy")


@public("narrow_copy")
def narrow_copy(input: Any, dim: int, start: int, length: int, *, out: Any = None) -> Any:
    """A part of a dim, as a copy."""
    x = need_tensor(input, "narrow_copy")._array
    if not x.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if dim >= x.ndim:
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  (Could this error "
            "message be improved?  If so, please report an enhancement request to PyTorch.)"
        )
    if length < 0:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({x.shape[dim]}).")
    return rename(FUNCTIONS["narrow"](input, dim, start, length).clone(), "NarrowCopyBackward0")
