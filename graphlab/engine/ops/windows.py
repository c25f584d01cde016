"""Window functions (`hann_window`, `kaiser_window`, …) and the short-time Fourier transform."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import resolve
from graphlab.engine.ops.complex import is_complex
from graphlab.engine.ops.create import leaf
from graphlab.engine.ops.run import FUNCTIONS, guard, need_tensor, public
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.virtual import Virtual, no_kernel


def _window(name: str, formula: Callable[..., Any], doc: str, *settings: tuple[str, float]) -> None:
    """Enter a window function; `formula` gets the places 0 … n−1, the width n−1 (or n), and the settings."""

    def make(
        window_length: int,
        periodic: bool = True,
        *args: Any,
        out: Any = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        **named: Any,
    ) -> Tensor:
        kind = dtypes.get_default_dtype() if dtype is None else dtype
        if kind.rank != 2:
            raise RuntimeError(f"{name}_window expects floating point dtypes, got: {kind.title}")
        if window_length < 0:
            raise RuntimeError(f"{name}_window requires non-negative window_length, got window_length={window_length}")
        values = [args[i] if i < len(args) else named.get(key, value) for i, (key, value) in enumerate(settings)]
        n = int(window_length)
        if n == 1:
            array = np.ones(1)
        else:
            array = formula(np.arange(n, dtype=np.float64), n if periodic else n - 1, *values) if n else np.zeros(0)
        return leaf(f"{name}_window", array.astype(kind.np), requires_grad, resolve(device), {"n": n})

    make.__name__ = make.__qualname__ = f"{name}_window"
    make.__doc__ = doc
    FUNCTIONS[f"{name}_window"] = guard(f"{name}_window", make)


def _hamming(i: Any, width: int, alpha: float, beta: float) -> Any:
    return alpha - beta * np.cos(2 * math.pi * i / width)


_window("hann", lambda i, w: _hamming(i, w, 0.5, 0.5), "A raised cosine that ends at zero.")
_window("hamming", _hamming, "A raised cosine that ends above zero.", ("alpha", 0.54), ("beta", 0.46))
_window(
    "blackman",
    lambda i, w: 0.42 - 0.5 * np.cos(2 * math.pi * i / w) + 0.08 * np.cos(4 * math.pi * i / w),
    "A sum of two cosines.",
)
_window("bartlett", lambda i, w: 1 - np.abs(2 * i / w - 1), "A triangle.")
_window(
    "kaiser",
    lambda i, w, beta: np.i0(beta * np.sqrt(np.maximum(0, 1 - (2 * i / w - 1) ** 2))) / np.i0(np.float64(beta)),
    "A Bessel function of a half circle; `beta` says how narrow.",
    ("beta", 12.0),
)


@public("stft")
def stft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Any:
    """The frequencies in each of many overlapping windows of a signal: (…, frequency, window)."""
    from graphlab.engine import fft
    from graphlab.engine.ops.padding import pad

    x = need_tensor(input, "stft")
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if return_complex is None:
        if not is_complex(x) and not (window is not None and is_complex(window)):
            raise RuntimeError("stft requires the return_complex parameter be given for real inputs, and will further "
                "require that return_complex=True in a future PyTorch release.")  # fmt: skip
        return_complex = True
    start = f"stft({_described(x)}, n_fft={n_fft}, hop_length={hop}, win_length={width}, window={_shown(window)}, " + (
        f"normalized={int(normalized)}, onesided={_optional(onesided)}, return_complex={int(return_complex)})"
    )
    if x.dim() not in (1, 2):
        raise RuntimeError(f"{start} : expected a 1D or 2D tensor")
    batched = x.dim() == 2
    if not batched:
        x = x.unsqueeze(0)
    if center:
        x = pad(x, (n_fft // 2, n_fft // 2), mode=pad_mode)
    n = x.shape[1]
    if not 0 < n_fft <= n:
        raise RuntimeError(f"{start}: expected 0 < n_fft < {n}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"{start}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < width <= n_fft:
        raise RuntimeError(f"{start}: expected 0 < win_length <= n_fft, but got win_length={width}")
    if window is not None and (window.dim() != 1 or window.shape[0] != width):
        raise RuntimeError(
            f"{start}: expected a 1D window tensor of size equal to win_length={width}, but got window with size "
            f"{list(window.shape)}"
        )
    frames = x.unfold(-1, n_fft, hop)
    whole = _centred(window, width, n_fft, x)
    if whole is not None:
        frames = frames * whole
    complex_in = is_complex(frames)
    half = not complex_in if onesided is None else onesided
    if half and complex_in:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    norm = "ortho" if normalized else "backward"
    out = (fft.rfft if half else fft.fft)(frames, norm=norm).transpose(1, 2)
    if not batched:
        out = out.squeeze(0)
    return out if return_complex else FUNCTIONS["view_as_real"](out)


def _centred(window: Any, width: int, n_fft: int, x: Tensor) -> Any:
    """The window filled up with zeros on both sides to `n_fft`; None where it would be all ones."""
    from graphlab.engine.ops.padding import pad

    if window is None:
        if width == n_fft:
            return None
        window = wrap(np.ones(width, dtypes.of(x._array).to_real().np), x._device)
    left = (n_fft - width) // 2
    return window if width == n_fft else pad(window, (left, n_fft - width - left))


def _described(x: Tensor) -> str:
    where = "CUDA" if x._device.type == "cuda" else "CPU"
    return f"torch.{'cuda.' if where == 'CUDA' else ''}{x.dtype.title}Tensor{list(x.shape)}"


def _shown(window: Any) -> str:
    return "None" if window is None else f"{_described(window)}{{{list(window.shape)}}}"


def _optional(value: Any) -> str:
    return "None" if value is None else str(int(value))


@public("istft")
def istft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Any:
    """The signal that has this short-time transform: the windows' signals laid over each other and weighted."""
    from graphlab.engine import fft

    x = need_tensor(input, "istft")
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if not is_complex(x):
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True.")  # fmt: skip
    batched = x.dim() == 3
    if not batched:
        x = x.unsqueeze(0)
    frames = x.transpose(1, 2)
    half = (x.shape[1] != n_fft) if onesided is None else onesided
    norm = "ortho" if normalized else "backward"
    if return_complex:
        signal = fft.ifft(frames, norm=norm)
    else:
        signal = fft.irfft(frames if half else frames.narrow(-1, 0, n_fft // 2 + 1), n_fft, norm=norm)
    whole = _centred(window, width, n_fft, x)
    if whole is None:
        whole = wrap(np.ones(n_fft, dtypes.of(x._array).to_real().np), x._device)
    n_frames = x.shape[2]
    total = n_fft + hop * (n_frames - 1)
    places = wrap((np.arange(n_frames)[:, None] * hop + np.arange(n_fft)).reshape(-1), x._device)
    signal = (signal * whole).reshape(x.shape[0], -1)
    where = x._device
    out = FUNCTIONS["zeros"](x.shape[0], total, dtype=signal.dtype, device=where).index_add(1, places, signal)
    squares = (whole * whole).repeat(n_frames)
    weights = FUNCTIONS["zeros"](total, dtype=whole.dtype, device=where).index_add(0, places, squares)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - (n_fft // 2 if center else 0)
    out, weights = out[:, start:end], weights[start:end]
    if type(weights._array) is Virtual:
        no_kernel("equal")
    if float(weights.abs().min()) <= 1e-11:
        raise RuntimeError("window overlap add min: 1")
    out = out / weights
    if length is not None and length > out.shape[1]:
        missing = FUNCTIONS["zeros"](x.shape[0], length - out.shape[1], dtype=out.dtype, device=where)
        out = FUNCTIONS["cat"]((out, missing), 1)
    return out if batched else out.squeeze(0)
