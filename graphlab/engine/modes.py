"""Whether operators are recorded for differentiation: `no_grad`, `enable_grad` and kin."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

grad: bool = True
"""Whether operators build the graph now. The hot path reads this module attribute."""


def is_grad_enabled() -> bool:
    """Whether operators build the graph now."""
    return grad


def is_inference_mode_enabled() -> bool:
    """Whether code runs under `inference_mode`."""
    return _inference


_inference = False


class _Switch:
    """Sets grad mode for a `with` block or for a decorated function; blocks may nest."""

    _to = False

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        global grad
        self._before.append(grad)
        grad = self._to

    def __exit__(self, *error: object) -> None:
        global grad
        grad = self._before.pop()

    def _again(self) -> _Switch:
        return type(self)()

    def __call__(self, function: F) -> F:
        if inspect.isclass(function):
            raise TypeError(f"{type(self).__name__} decorates functions, not classes")
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generate(*args: Any, **kwargs: Any) -> Any:
                generator = function(*args, **kwargs)
                while True:
                    with self._again():
                        try:
                            item = next(generator)
                        except StopIteration as stop:
                            return stop.value
                    yield item

            return generate  # type: ignore[return-value]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]


class no_grad(_Switch):
    """Operators in this block are not recorded: their results do not require grad."""

    def __new__(cls, function: Any = None) -> Any:
        # `@torch.no_grad` without parentheses decorates too.
        made = super().__new__(cls)
        if function is not None:
            made.__init__()  # type: ignore[misc]
            return made(function)
        return made


class enable_grad(_Switch):
    """Operators in this block are recorded, also inside `no_grad`."""

    _to = True

    def __new__(cls, function: Any = None) -> Any:
        made = super().__new__(cls)
        if function is not None:
            made.__init__()  # type: ignore[misc]
            return made(function)
        return made


class set_grad_enabled(_Switch):
    """Grad mode on or off: at once, and until the end of the `with` block if it is used as one."""

    def __init__(self, mode: bool) -> None:
        global grad
        super().__init__()
        self._to = bool(mode)
        self._at_start = grad
        grad = self._to

    def __enter__(self) -> None:
        global grad
        self._before.append(self._at_start)
        grad = self._to

    def _again(self) -> _Switch:
        return set_grad_enabled(self._to)

    def __call__(self, function: F) -> F:
        global grad
        grad = self._at_start
        return super().__call__(function)


class inference_mode(_Switch):
    """`no_grad`, and more promises that matter only for speed in PyTorch."""

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._to = not mode
        self._mode = mode
        self._before_inference: list[bool] = []

    def __enter__(self) -> None:
        global grad, _inference
        self._before_inference.append(_inference)
        self._before.append(grad)
        if self._mode:
            grad = False
        _inference = self._mode

    def __exit__(self, *error: object) -> None:
        global _inference
        _inference = self._before_inference.pop()
        super().__exit__()

    def _again(self) -> _Switch:
        return inference_mode(self._mode)
