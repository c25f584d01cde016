"""Every operator's rule for its output's shape and type stands apart from its computation, and agrees with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphlab.engine.device import virtual
from graphlab.engine.ops import OPS
from graphlab.engine.ops.run import ruled
from graphlab.engine.shapes import einsum_shape, indexed_shape, reduced_shape


def _cases() -> list[Any]:
    cases = []
    for name, op in sorted(OPS.items()):
        for i, sample in enumerate(op.samples() if op.samples is not None else ()):
            named = sample[-1] if sample and isinstance(sample[-1], dict) else {}
            shapes = sample[:-1] if sample and isinstance(sample[-1], dict) else sample
            if all(isinstance(s, tuple) for s in shapes):
                cases.append(pytest.param(name, shapes, named, id=f"{name}-{i}"))
    return cases


def test_every_operator_has_a_rule() -> None:
    assert [name for name, op in OPS.items() if op.shape is None] == []


@pytest.mark.parametrize(("name", "shapes", "named"), _cases())
def test_rules_tell_what_is_computed(name: str, shapes: Any, named: dict[str, Any]) -> None:
    op = OPS[name]
    low, high = named.get("_domain", (0.1, 0.9))
    params = tuple(named[p] for p in op.params if p in named)
    kind = np.int64 if name.startswith("bitwise") or name in ("gcd", "lcm") else np.float32
    arrays = [np.linspace(low, high, int(np.prod(s))).astype(kind).reshape(s) for s in shapes]
    out = op.forward(*arrays, *params)
    outs = tuple(out) if op.n_outputs > 1 else (out,)
    found, kinds = ruled(op, [virtual(s, kind) for s in shapes], params)
    assert [tuple(s) for s in found] == [np.shape(o) for o in outs]
    assert [np.dtype(k) for k in kinds] == [np.asarray(o).dtype for o in outs]


_ARRAY = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
_PICK = np.array([0, 1, 0])


@pytest.mark.parametrize(
    "key",
    [
        0,
        (slice(None), 1),
        (..., 0),
        (None, slice(1), ..., None),
        (slice(None, None, 2), slice(5, 1)),
        _PICK,
        (_PICK, _PICK),
        (_PICK, slice(None), _PICK),
        (slice(None), _PICK, _PICK),
        (slice(None), _PICK[:, None], _PICK),
        (0, slice(None), _PICK),
        (_PICK, None, 0),
        (_PICK, ..., _PICK),
        (slice(None), _PICK, ..., 0),
        _ARRAY > 50,
        (_ARRAY > 50)[:, :, 0, 0],
        (slice(None), _ARRAY[0, :, 0, 0] > 5, 0),
        (np.bool_(True), 1),
        [0, 1],
    ],
)
def test_indexed_shape_is_numpys(key: Any) -> None:
    assert indexed_shape(_ARRAY.shape, key) == _ARRAY[key].shape


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("...ij,...jk->...ik", [(5, 1, 2, 3), (6, 3, 4)]),
        ("ii->i", [(3, 3)]),
        ("bij->", [(2, 3, 4)]),
        ("i,j->ji", [(2,), (3,)]),
        ("b...", [(2, 3, 4)]),
    ],
)
def test_einsum_shape_is_numpys(equation: str, shapes: list[tuple[int, ...]]) -> None:
    assert einsum_shape(equation, shapes) == np.einsum(equation, *[np.ones(s) for s in shapes]).shape


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("keep", [False, True])
def test_reduced_shape_is_numpys(axis: Any, keep: bool) -> None:
    assert reduced_shape((2, 3, 4), axis, keep) == np.ones((2, 3, 4)).sum(axis=axis, keepdims=keep).shape
