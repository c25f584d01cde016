"""Arrays without numbers answer NumPy's functions with the shapes, types and strides that NumPy gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphlab.engine.device import Virtual, hollow, virtual

A = np.linspace(0.1, 0.9, 24, dtype=np.float32).reshape(2, 3, 4)
I = np.arange(24).reshape(2, 3, 4)
B = A > 0.5
Z = A + 1j * A
S = np.eye(3, dtype=np.float64) * 2

SAME: list[Callable[..., Any]] = [
    lambda a, i, b, z, s: a + 1,
    lambda a, i, b, z, s: a + i,
    lambda a, i, b, z, s: i + np.float32(1),
    lambda a, i, b, z, s: a * np.float64(2),
    lambda a, i, b, z, s: np.sqrt(i),
    lambda a, i, b, z, s: a > a[0],
    lambda a, i, b, z, s: ~b & b,
    lambda a, i, b, z, s: np.divmod(i, 3),
    lambda a, i, b, z, s: np.frexp(a),
    lambda a, i, b, z, s: abs(z),
    lambda a, i, b, z, s: z.conj() * z,
    lambda a, i, b, z, s: (z.real, z.imag, a.real, a.imag),
    lambda a, i, b, z, s: a.transpose(2, 0, 1) + 1,
    lambda a, i, b, z, s: a @ a[0].T,
    lambda a, i, b, z, s: a @ a[0, 0],
    lambda a, i, b, z, s: a[0, 0] @ a[0, 0],
    lambda a, i, b, z, s: np.matmul(i[0], i[0].T),
    lambda a, i, b, z, s: np.vecdot(a, a),
    lambda a, i, b, z, s: np.add.reduce(i, axis=1),
    lambda a, i, b, z, s: np.add.reduce(b, axis=(0, 2), keepdims=True),
    lambda a, i, b, z, s: np.maximum.accumulate(a, axis=1),
    lambda a, i, b, z, s: np.multiply.outer(a, i),
    lambda a, i, b, z, s: np.add.reduceat(a, [0, 2], axis=2),
    lambda a, i, b, z, s: (a.sum(), i.sum(0), b.sum(-1, keepdims=True), np.sum(a, (0, 1)), a.sum(1, np.float64)),
    lambda a, i, b, z, s: (a.mean(0), i.mean(), np.mean(a, axis=2, dtype=np.float64)),
    lambda a, i, b, z, s: (a.std(1), i.var(), np.var(z, 0)),
    lambda a, i, b, z, s: (a.max(2), np.min(i), np.amax(a, axis=0), b.any(1), np.all(b)),
    lambda a, i, b, z, s: (a.argmax(1), np.argmin(a), np.argmax(a, 0, keepdims=True)),
    lambda a, i, b, z, s: (a.prod(0), np.prod(i)),
    lambda a, i, b, z, s: (a.cumsum(1), b.cumsum(), np.cumprod(i, 0)),
    lambda a, i, b, z, s: (a.argsort(1), np.argsort(a, None)),
    lambda a, i, b, z, s: (a.take([0, 2], 1), np.take(a, 3)),
    lambda a, i, b, z, s: (a.repeat(2, 1), np.repeat(a, 3), np.repeat(a, [1, 2, 0], 1)),
    lambda a, i, b, z, s: (a.round(1), np.round(a, 2), a.clip(0, 1), np.clip(i, 2, None)),
    lambda a, i, b, z, s: (a.reshape(6, -1), a.reshape((4, 6)), np.reshape(a, -1), a.T.reshape(-1), a.ravel()),
    lambda a, i, b, z, s: (a.T, a.mT, a.swapaxes(0, 2), np.moveaxis(a, 0, -1), np.transpose(a, (1, 0, 2))),
    lambda a, i, b, z, s: (a[:1].squeeze(0), np.expand_dims(a, 1), np.squeeze(a[:, :1])),
    lambda a, i, b, z, s: (a.diagonal(0, 1, 2), np.diagonal(a[0]), a.flatten()),
    lambda a, i, b, z, s: (a[0], a[..., 1:3], a[:, None, ::2], a[1, 2, 3:3], a[:, ::-1]),
    lambda a, i, b, z, s: (a[:, [0, 2]], a[[0, 1], :, [1, 2]], a[np.array([True, False])], a[[0], [1], [2]]),
    lambda a, i, b, z, s: (a.copy(), a.T.copy(), a.T.copy("K"), np.copy(a.T)),
    lambda a, i, b, z, s: (a.astype(np.int64), a.T.astype(np.float64), i.astype(bool)),
    lambda a, i, b, z, s: (a.view(np.int32), z.view(np.float32)),
    lambda a, i, b, z, s: (np.where(b, a, 0), np.where(b, a, i), np.where(b[0], 1.0, a)),
    lambda a, i, b, z, s: (np.isclose(a, a[0]), np.isin(i, [1, 2]), np.nan_to_num(a)),
    lambda a, i, b, z, s: (np.zeros_like(a), np.ones_like(i, dtype=bool), np.full_like(a, 2), np.empty_like(i)),
    lambda a, i, b, z, s: (np.broadcast_to(a, (5, 2, 3, 4)), *np.broadcast_arrays(a, i[0])),
    lambda a, i, b, z, s: (np.concatenate([a, i], 1), np.concatenate([a, a], None), np.stack([a, a], 1)),
    lambda a, i, b, z, s: np.pad(a, ((0, 0), (1, 2), (3, 0))),
    lambda a, i, b, z, s: (np.dot(a, a[0, 0]), np.dot(i[0], i[0].T), np.dot(a, 2.0), np.outer(a[0, 0], i[0, 1])),
    lambda a, i, b, z, s: (np.einsum("ijk,ilk->ijl", a, i), np.einsum("ijk->k", a)),
    lambda a, i, b, z, s: (np.linalg.cholesky(s), *np.linalg.svd(a), np.linalg.svd(a, compute_uv=False)),
    lambda a, i, b, z, s: (np.searchsorted(a[0, 0], a), np.count_nonzero(a, 1), np.unravel_index(i, (5, 5))[1]),
    lambda a, i, b, z, s: (np.atleast_1d(a), np.atleast_2d(a[0, 0]), np.flip(a, 1)),
]


def _told(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [each for v in value for each in _told(v)]
    return [(np.shape(value), np.asarray(value).dtype if type(value) is not Virtual else value.dtype)]


@pytest.mark.parametrize("compute", SAME)
def test_shapes_and_types_are_numpys(compute: Callable[..., Any]) -> None:
    given = (A, I, B, Z, S)
    found = compute(*map(hollow, given))
    assert _told(found) == _told(compute(*given))
    for each in found if isinstance(found, tuple) else (found,):
        assert isinstance(each, Virtual)


@pytest.mark.parametrize(
    "look",
    [
        lambda a: a,
        lambda a: a.T,
        lambda a: a.T + 1,
        lambda a: a[1:, ::2],
        lambda a: a[:, 1].T,
        lambda a: a.reshape(6, 4).T,
        lambda a: a.T.reshape(-1),
        lambda a: np.broadcast_to(a[:, :1], (2, 3, 4)),
        lambda a: a.transpose(1, 0, 2).copy("K"),
        lambda a: a.T.astype(np.float64),
        lambda a: a.diagonal(0, 1, 2),
    ],
)
def test_strides_are_numpys(look: Callable[[Any], Any]) -> None:
    real, found = look(A), look(hollow(A))
    assert found.strides == real.strides
    assert found.flags.c_contiguous == real.flags.c_contiguous
    assert found.flags.f_contiguous == real.flags.f_contiguous


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda a: bool(a[0, 0, 0]), RuntimeError),
        (lambda a: float(a[0, 0, 0]), RuntimeError),
        (lambda a: int(a[0, 0, 0]), RuntimeError),
        (lambda a: [1, 2][a.astype(int)[0, 0, 0]], RuntimeError),
        (lambda a: a[0, 0, 0].item(), RuntimeError),
        (lambda a: 1 in a, RuntimeError),
        (lambda a: np.allclose(a, a), RuntimeError),
        (lambda a: a.tolist(), NotImplementedError),
        (lambda a: a.tobytes(), NotImplementedError),
        (lambda a: a.nonzero(), NotImplementedError),
        (lambda a: np.where(a), NotImplementedError),
        (lambda a: a[a > 0], NotImplementedError),
        (lambda a: np.unique(a), NotImplementedError),
        (lambda a: np.bincount(a.astype(int)[0, 0]), NotImplementedError),
        (lambda a: np.median(a), NotImplementedError),
        (lambda a: np.linalg.inv(a), NotImplementedError),
        (lambda a: a.trace(), NotImplementedError),
        (lambda a: np.repeat(a, a.astype(int)), RuntimeError),
    ],
)
def test_what_needs_values_is_refused(ask: Callable[[Any], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(hollow(A))


def test_shapes_that_do_not_fit_are_refused() -> None:
    a = hollow(A)
    for refused, words in (
        (lambda: a + a[:, :2], "could not be broadcast together"),
        (lambda: a @ a, "mismatch in its core dimension"),
        (lambda: a.reshape(5, -1), "cannot reshape"),
        (lambda: np.dot(a, a), "not aligned"),
        (lambda: np.concatenate([a, a[:, :2]], 0), "must match exactly"),
    ):
        with pytest.raises(ValueError, match=words):
            refused()
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
        virtual((10**10, 10**10), np.float32)


def test_writes_go_nowhere() -> None:
    a = hollow(A)
    a[0] = 1
    a += 1
    a.fill(2)
    a.sort()
    np.copyto(a, 3)
    np.add.at(a, 0, 1)
    assert np.add(a, 1, out=a) is a and np.clip(a, 0, 1, out=a) is a
    assert (a.shape, a.dtype) == (A.shape, A.dtype)


def test_views_share_their_owner() -> None:
    a = hollow(A)
    assert np.shares_memory(a, a[0].T) and a[0].T.root() is a
    assert not np.shares_memory(a, a.copy())
    assert a[1, 2].start == (1 * 12 + 2 * 4) * 4
