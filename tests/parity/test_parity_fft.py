"""`torch.fft`, `stft`, `istft` and the window functions: values, types, gradients and errors as in PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import op_samples
import pytest

torch = pytest.importorskip("torch")

import graphlab.engine as engine  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
MANY = ["fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn", "fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2"]
NORMS = [None, "forward", "backward", "ortho"]


def _numbers(shape: tuple[int, ...], is_complex: bool) -> Any:
    values = np.random.default_rng(len(shape)).standard_normal(shape)
    if is_complex:
        values = values + 1j * np.random.default_rng(9).standard_normal(shape)
    return values.astype(np.complex64 if is_complex else np.float32)


def _compare(name: str, values: Any, *args: Any, **named: Any) -> None:
    """Value, type and gradient of a call in both; or the same error."""
    results: list[Any] = []
    for lib in (torch, engine):
        x = lib.from_numpy(values.copy())
        if values.dtype.kind in "fc":
            x.requires_grad_()
        try:
            out = getattr(lib.fft, name)(x, *args, **named)
        except Exception as error:  # the edge between two engines: any exception is the result
            results.append((type(error).__name__, op_samples.first_line(error)))
            continue
        grad = None
        if x.requires_grad:
            weights = np.cos(np.arange(out.numel()) * 0.7).reshape(tuple(out.shape)).astype(np.float32)
            cotangent = lib.from_numpy(weights).to(out.dtype)
            if out.is_complex():
                cotangent = cotangent * (1 - 2j)
            (grad,) = lib.autograd.grad(out, x, cotangent)
        results.append((str(out.dtype), out.detach(), grad))
    theirs, mine = results
    assert theirs[0] == mine[0]
    if isinstance(theirs[1], str):
        assert theirs[1] == mine[1]
        return
    np.testing.assert_allclose(mine[1].numpy(), theirs[1].resolve_conj().numpy(), rtol=1e-4, atol=2e-5)
    if theirs[2] is not None:
        np.testing.assert_allclose(mine[2].numpy(), theirs[2].resolve_conj().numpy(), rtol=1e-4, atol=5e-5)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("is_complex", [False, True])
def test_transforms_along_one_dim(name: str, is_complex: bool) -> None:
    for norm, n, dim in itertools.product(NORMS, (None, 7), (-1, 0)):
        _compare(name, _numbers((5, 6), is_complex), n, dim, norm)


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("is_complex", [False, True])
def test_transforms_along_several_dims(name: str, is_complex: bool) -> None:
    for norm, s, dim in itertools.product(NORMS[1::2], (None, (4, 7)), ((-2, -1), (0, 2))):
        _compare(name, _numbers((3, 5, 6), is_complex), s, dim, norm)


@pytest.mark.parametrize("kind", ["int64", "bool", "float64", "float16"])
def test_types_are_promoted_or_refused(kind: str) -> None:
    for name in ("fft", "rfft", "irfft", "fftn", "ihfft"):
        _compare(name, np.arange(6).reshape(2, 3).astype(kind))


WRONG: list[tuple[str, tuple[Any, ...]]] = [
    ("fft", (0,)),
    ("fft", (-1,)),
    ("fft", (None, 3)),
    ("fft", (None, -1, "bad")),
    ("fft", (2.5,)),
    ("irfft", (0,)),
    ("fftn", ((2,), (0, 1))),
    ("fftn", ((2, 3, 4),)),
    ("fftn", (None, (0, 0))),
    ("fftn", ((0, 1),)),
    ("rfftn", (None, ())),
    ("irfftn", (None, ())),
    ("fft2", ((2, 2), (-1,))),
    ("fftn", (None, None, "bad")),
    ("fftshift", (5,)),
]


@pytest.mark.parametrize(("name", "args"), WRONG)
def test_wrong_calls_are_refused_in_the_same_words(name: str, args: tuple[Any, ...]) -> None:
    _compare(name, np.ones((3, 4), np.float32), *args)


def test_frequencies_and_their_order() -> None:
    for n in (0, 1, 4, 5):
        for lib_name in ("fftfreq", "rfftfreq"):
            if n == 0 and lib_name == "rfftfreq":
                continue
            pair = [getattr(lib.fft, lib_name)(n, 0.5) for lib in (torch, engine)]
            assert str(pair[0]) == str(pair[1])
    for name in ("fftshift", "ifftshift"):
        _compare(name, _numbers((4, 5), False))
        _compare(name, _numbers((4, 5), True), dim=1)


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_windows(name: str) -> None:
    for n, periodic in itertools.product((0, 1, 2, 7, 8), (True, False)):
        pair = [getattr(lib, f"{name}_window")(n, periodic) for lib in (torch, engine)]
        np.testing.assert_allclose(pair[1].numpy(), pair[0].numpy(), atol=1e-6)
        assert str(pair[0].dtype) == str(pair[1].dtype)


@pytest.mark.parametrize(
    "settings", [{}, {"hop_length": 3}, {"win_length": 6}, {"center": False}, {"normalized": True}]
)
def test_short_time_transforms_and_back(settings: dict[str, Any]) -> None:
    results = []
    for lib in (torch, engine):
        x = lib.from_numpy(_numbers((2, 40), False)).requires_grad_()
        window = lib.hann_window(settings.get("win_length", 8)) + 0.1
        out = lib.stft(x, 8, window=window, return_complex=True, **settings)
        back = lib.istft(out, 8, window=window, **settings)
        (grad,) = lib.autograd.grad((out.abs() ** 2).sum() + back.sum(), x)
        results.append([out.detach(), back.detach(), grad])
    for theirs, mine in zip(*results):
        np.testing.assert_allclose(mine.numpy(), theirs.resolve_conj().numpy(), rtol=1e-4, atol=1e-4)


def test_second_derivatives() -> None:
    grads = []
    for lib in (torch, engine):
        x = lib.from_numpy(_numbers((6,), False)).requires_grad_()
        loss = (lib.fft.irfft(lib.fft.rfft(x) ** 2) ** 3).sum() + lib.fft.fft(x).abs().sum()
        (first,) = lib.autograd.grad(loss, x, create_graph=True)
        grads.append(lib.autograd.grad((first * first).sum(), x)[0].numpy())
    np.testing.assert_allclose(grads[1], grads[0], rtol=2e-3)
