"""Nested containers of tensors: what `torch.func` takes and gives ("pytrees")."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Tree = Any


def flatten(tree: Tree) -> tuple[list[Any], Tree]:
    """The leaves in order, and the structure with leaves replaced by None (see `unflatten`)."""
    leaves: list[Any] = []
    spec = _walk(tree, leaves.append)
    return leaves, spec


class Leaf:
    """Stands in a structure where a value was."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Leaf)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return "*"


LEAF = Leaf()


def _walk(tree: Tree, take: Callable[[Any], Any]) -> Tree:
    kind = type(tree)
    if kind is dict or kind is OrderedDict:
        return kind((key, _walk(value, take)) for key, value in tree.items())
    if kind is list:
        return [_walk(each, take) for each in tree]
    if isinstance(tree, tuple) and kind.__name__ != "Size":
        parts = [_walk(each, take) for each in tree]
        return tuple(parts) if kind is tuple else kind(*parts) if hasattr(kind, "_make") else kind(parts)
    if tree is None:
        return None
    take(tree)
    return LEAF


def unflatten(leaves: list[Any], spec: Tree) -> Tree:
    """The tree of this structure with these leaves."""
    rest = iter(leaves)

    def fill(part: Tree) -> Tree:
        if isinstance(part, Leaf):
            return next(rest)
        if isinstance(part, dict):
            return type(part)((key, fill(value)) for key, value in part.items())
        if isinstance(part, list):
            return [fill(each) for each in part]
        if isinstance(part, tuple):
            parts = [fill(each) for each in part]
            kind = type(part)
            return tuple(parts) if kind is tuple else kind(*parts) if hasattr(kind, "_make") else kind(parts)
        return part

    return fill(spec)


def tree_map(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """The tree with `function` of each leaf."""
    leaves, spec = flatten(tree)
    return unflatten([function(leaf) for leaf in leaves], spec)


def broadcast(value: Tree, spec: Tree) -> list[Any] | None:
    """One value for each leaf of a structure: `value` has the same structure, or less of it; None where it doesn't fit.

    An int or None stands for all leaves below it.
    """
    if isinstance(value, int) or value is None:
        found: list[Any] = []
        _walk(spec, lambda _leaf: found.append(value))
        return found
    if isinstance(spec, Leaf) or type(value) is not type(spec) or len(value) != len(spec):
        return [value] if isinstance(spec, Leaf) and not isinstance(value, tuple | list | dict) else None
    if isinstance(value, dict):
        pairs = [(value[key], spec[key]) for key in spec] if list(value) == list(spec) else [(object(), ())]
    else:
        pairs = list(zip(value, spec))
    parts = [broadcast(one, other) for one, other in pairs]
    return None if any(part is None for part in parts) else [each for part in parts for each in part or ()]
