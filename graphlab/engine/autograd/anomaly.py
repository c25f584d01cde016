"""`detect_anomaly`: a backward pass that stops at the first operator whose derivative is nan."""

from __future__ import annotations

import warnings

from graphlab.engine.autograd import passes


class set_detect_anomaly:
    """Look for nan in backward passes: at once, and until the end of the `with` block if it is used as one.

    PyTorch prints where the operator stood in the program, too; here the recorded run shows it.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = passes.nan_check
        passes.nan_check = bool(mode) and check_nan

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        passes.nan_check = self._before


class detect_anomaly:
    """In this block a backward pass fails at the first operator that returns nan."""

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        self._before: list[bool] = []
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before.append(passes.nan_check)
        passes.nan_check = self._check_nan

    def __exit__(self, *error: object) -> None:
        passes.nan_check = self._before.pop()


def is_anomaly_check_nan_enabled() -> bool:
    """Whether backward passes look for nan."""
    return passes.nan_check
