"""The base of all distributions: shapes, checks, and what follows from `rsample` and `log_prob`."""

from __future__ import annotations

from typing import Any, ClassVar

import graphlab.engine as engine
from graphlab.engine.device import need_room
from graphlab.engine.distributions.constraints import Constraint, is_dependent
from graphlab.engine.tensor import Size, Tensor


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Numbers and tensors as tensors of one shape; numbers take the tensors' type."""
    if not all(isinstance(v, (Tensor, int, float)) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    like = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = engine.get_default_dtype() if like is None else like.dtype
    where = None if like is None else like.device
    tensor: Any = engine.tensor
    made = [v if isinstance(v, Tensor) else tensor(v, dtype=dtype, device=where) for v in values]
    return tuple(engine.broadcast_tensors(*made))


def eps_of(dtype: Any) -> float:
    """The type's rounding step at 1."""
    import numpy as np

    return float(np.finfo(dtype.np).eps)


def tiny_of(dtype: Any) -> float:
    """The smallest normal number of the type."""
    import numpy as np

    return float(np.finfo(dtype.np).tiny)


def clamp_probs(probs: Any) -> Any:
    """Probabilities kept from exactly 0 and 1."""
    eps = eps_of(probs.dtype)
    return probs.clamp(min=eps, max=1 - eps)


def sum_rightmost(value: Any, n: int) -> Any:
    """The sum over the last n dims."""
    return value if n == 0 else value.reshape((*tuple(value.shape[: value.dim() - n]), -1)).sum(-1)


class lazy_property:
    """A property that is computed when first asked for, and then kept."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with engine.enable_grad():
            value = self.function(instance)
        instance.__dict__[self.name] = value
        return value


class Distribution:
    """A distribution over values of `event_shape`, one for each place of `batch_shape`."""

    has_rsample = False
    has_enumerate_support = False
    _validate_args = True
    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    _parameters: ClassVar[dict[str, int]] = {}
    """The tensors that `expand` stretches, and how many of their last dims belong to an event."""

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            if is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments unless told otherwise."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters' places."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample at one place."""
        return self._event_shape

    @property
    def support(self) -> Constraint:
        """Where samples lie."""
        raise NotImplementedError

    @property
    def mean(self) -> Any:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Any:
        """The value of the highest density."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Any:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Any:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draw without a gradient."""
        with engine.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Draw so that the parameters get a gradient."""
        raise NotImplementedError

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density or probability."""
        raise NotImplementedError

    def cdf(self, value: Any) -> Any:
        """The probability of at most `value`."""
        raise NotImplementedError

    def icdf(self, value: Any) -> Any:
        """The quantile."""
        raise NotImplementedError

    def entropy(self) -> Any:
        """The entropy, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Any:
        """e to the entropy."""
        return engine.exp(self.entropy())

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values of a discrete distribution."""
        raise NotImplementedError

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with its parameters stretched to another batch shape."""
        if not self._parameters:
            raise NotImplementedError
        new = type(self).__new__(type(self)) if _instance is None else _instance
        shape = tuple(batch_shape)
        for name, n_dims in self._parameters.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                new.__dict__[name] = value.expand(shape + tuple(value.shape[value.dim() - n_dims :]))
        Distribution.__init__(new, shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        shape = tuple(sample_shape) + tuple(self._batch_shape) + tuple(self._event_shape)
        for i, n in enumerate(shape):
            if not isinstance(n, int):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(n).__name__}')")
        need_room(*shape)
        return Size(shape)

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, event = value.size(), tuple(self._event_shape)
        if tuple(shape)[len(shape) - len(event) :] != event:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        expected = Size(tuple(self._batch_shape) + event)
        for i, j in zip(reversed(shape), reversed(expected)):
            if 1 not in (i, j) and i != j:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}.")
        support = self.support
        if not bool(support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _check(self, value: Any) -> None:
        if self._validate_args:
            self._validate_sample(value)

    def __repr__(self) -> str:
        shown = []
        for name in self.arg_constraints:
            value = self.__dict__.get(name)
            if value is not None:
                shown.append(f"{name}: {value if value.numel() == 1 else value.size()}")
        return f"{type(self).__name__}({', '.join(shown)})"


class ExponentialFamily(Distribution):
    """A distribution of the exponential family."""


class OfTwo(ExponentialFamily):
    """Two parameters, numbers or tensors, that broadcast with each other."""

    _pair: ClassVar[tuple[str, str]]

    def _set(self, first: Any, second: Any, validate_args: bool | None) -> None:
        a, b = broadcast_all(first, second)
        setattr(self, self._pair[0], a)
        setattr(self, self._pair[1], b)
        is_scalar = not isinstance(first, Tensor) and not isinstance(second, Tensor)
        super().__init__(() if is_scalar else a.size(), validate_args=validate_args)
