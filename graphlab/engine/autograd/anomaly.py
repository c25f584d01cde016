"""`detect_anomaly`: a backward pass that stops at the first operator whose derivative is nan."""

from __future__ import annotations

import warnings

is_on = False
"""Whether anomalies are looked for at all: some messages then point elsewhere."""

nan_check = False
"""Whether a backward pass fails at the first nan."""


def _switch(on: bool, check_nan: bool) -> tuple[bool, bool]:
    """Set both; returns what they were."""
    global is_on, nan_check
    before = is_on, nan_check
    is_on, nan_check = on, on and check_nan
    return before


class set_detect_anomaly:
    """Look for nan in backward passes: at once, and until the end of the `with` block if it is used as one.

    PyTorch prints where the operator stood in the program, too; here the recorded run shows it.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _switch(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        _switch(*self._before)


class detect_anomaly:
    """In this block a backward pass fails at the first operator that returns nan."""

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan
        self._before: list[tuple[bool, bool]] = []
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before.append(_switch(True, self._check_nan))

    def __exit__(self, *error: object) -> None:
        _switch(*self._before.pop())


def is_anomaly_enabled() -> bool:
    """Whether anomalies are looked for."""
    return is_on


def is_anomaly_check_nan_enabled() -> bool:
    """Whether backward passes look for nan."""
    return nan_check
