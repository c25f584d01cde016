"""`vmap`: a function of one example applied to every example of a batch.

It calls the function once for each example and stacks what it returns. The values and gradients are PyTorch's; its
speed is not, since PyTorch runs every operator once on the whole batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from graphlab.engine.errors import make
from graphlab.engine.func.trees import broadcast, flatten, unflatten
from graphlab.engine.generator import default_generator
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor

_RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies `func` along `in_dims` of its arguments and stacks the results along `out_dims`.

    `randomness`: whether `func` may draw random numbers, "same" ones for every example or "different" ones.
    """
    if randomness not in _RANDOMNESS:
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @_wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        _check_out_dims(out_dims, func)
        size, dims, leaves, spec = _inputs(in_dims, args, func)
        results = _Results(func, out_dims)
        before = default_generator.state_bytes()
        for number in range(size):
            if randomness == "same":
                default_generator.load_state_bytes(before)
            taken = [leaf if dim is None else leaf.select(dim, number) for leaf, dim in zip(leaves, dims)]
            results.add(func(*unflatten(taken, spec), **kwargs))
            if randomness == "error" and default_generator.state_bytes() != before:
                raise make(
                    RuntimeError,
                    "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                    "'different' randomness flags on vmap or perform the randomness operation out of vmap",
                    kind="vmap_random",
                )
        return results.stacked()

    made: Callable[..., Any] = mapped
    return made


def _wraps(func: Callable[..., Any]) -> Callable[[Any], Any]:
    return functools.wraps(func) if hasattr(func, "__name__") else lambda made: made


def name_of(func: Callable[..., Any]) -> str:
    """How messages call a function."""
    if hasattr(func, "__name__"):
        return str(func.__name__)
    if isinstance(func, functools.partial):
        return f"functools.partial({name_of(func.func)}, ...)"
    return repr(func)


def _check_out_dims(out_dims: Any, func: Callable[..., Any]) -> None:
    if isinstance(out_dims, int):
        return
    for each in flatten(out_dims)[0]:
        if not isinstance(each, int):
            raise ValueError(
                f"vmap({name_of(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
                "collection of ints representing where in the outputs the vmapped dimension should appear."
            )


def _inputs(in_dims: Any, args: tuple[Any, ...], func: Any) -> tuple[int, list[int | None], list[Any], Any]:
    """The batch's size, each leaf's mapped dim, the leaves, and the structure of the arguments."""
    call = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{call}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to "
            "vmap over a function with no inputs. The latter is unsupported."
        )
    leaves, spec = flatten(args)
    dims = broadcast(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{call}in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{flatten(in_dims)[1]} but inputs has structure {spec}."
        )
    for i, (leaf, dim) in enumerate(zip(leaves, dims)):
        if dim is not None:
            dims[i] = _dim(leaf, dim, call)
    sizes = [leaf.size(dim) for leaf, dim in zip(leaves, dims) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0], dims, leaves, spec


def _dim(leaf: Any, dim: Any, call: str) -> int:
    if not isinstance(dim, int):
        raise ValueError(f"{call}Got in_dim={dim} for an input but in_dim must be either an integer dimension or None.")
    if not isinstance(leaf, Tensor):
        raise ValueError(
            f"{call}Got in_dim={dim} for an input but the input is of type {type(leaf)}. We cannot vmap over "
            "non-Tensor arguments, please use None as the respective in_dim"
        )
    n = leaf.dim()
    if not -n <= dim < n:
        raise ValueError(
            f"{call}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {n} so expected "
            f"in_dim to satisfy -{n} <= in_dim < {n}."
        )
    return dim % n


class _Results:
    """What the function returned for each example."""

    def __init__(self, func: Any, out_dims: Any) -> None:
        self._name = name_of(func)
        self._out_dims = out_dims
        self._columns: list[list[Any]] = []
        self._dims: list[Any] = []
        self._spec: Any = None

    def add(self, result: Any) -> None:
        """Take the result of one more example."""
        leaves, spec = flatten(result)
        if not self._columns:
            self._spec = spec
            self._columns = [[] for _ in leaves]
            self._dims = self._dims_of(result, spec)
            for leaf, dim in zip(leaves, self._dims):
                if dim is not None and not isinstance(leaf, Tensor):
                    raise ValueError(
                        f"vmap({self._name}, ...): `{self._name}` must only return Tensors, got type {type(leaf)}. Did "
                        "you mean to set out_dims= to None for output?"
                    )
        for column, leaf in zip(self._columns, leaves):
            column.append(leaf)

    def _dims_of(self, result: Any, spec: Any) -> list[Any]:
        out_dims = self._out_dims
        if isinstance(result, Tensor):
            if isinstance(out_dims, int) or out_dims is None:
                return [out_dims]
            found = list(out_dims) if isinstance(out_dims, tuple) and len(out_dims) == 1 else None
        else:
            found = broadcast(out_dims, spec)
        if found is None:
            raise ValueError(
                f"vmap({self._name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the "
                f"structure of `outputs`. out_dims has structure {flatten(out_dims)[1]} but outputs has structure "
                f"{spec}."
            )
        return found

    def stacked(self) -> Any:
        """All results, stacked."""
        return unflatten([self._one(column, dim) for column, dim in zip(self._columns, self._dims)], self._spec)

    def _one(self, column: list[Any], dim: int | None) -> Any:
        first = column[0]
        if dim is None:
            if isinstance(first, Tensor) and any(each is not first for each in column):
                raise ValueError(
                    f"vmap({self._name}, ...): `{self._name}` can not return a BatchedTensor when out_dim is None"
                )
            return first
        return FUNCTIONS["stack"](column, dim)
