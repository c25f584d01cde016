"""Invertible functions of samples, with the logarithm of their slope: `torch.distributions.transforms`."""

from __future__ import annotations

import math
from typing import Any

import graphlab.engine as engine
from graphlab.engine.distributions import constraints
from graphlab.engine.distributions.distribution import broadcast_all, eps_of, sum_rightmost, tiny_of

nn_functional: Any = engine.nn.functional


class Transform:
    """y = f(x), its inverse, and ln |dy / dx|. With `cache_size=1` the last pair is remembered."""

    bijective = False
    domain: constraints.Constraint = constraints.real
    codomain: constraints.Constraint = constraints.real
    sign: Any = 1

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._last: tuple[Any, Any] = (None, None)
        self._inverse_of: Transform | None = None

    @property
    def event_dim(self) -> int:
        """How many dims belong to one value."""
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self) -> Transform:
        """The inverse."""
        if self._inverse_of is None:
            self._inverse_of = _InverseTransform(self)
        return self._inverse_of

    def __call__(self, x: Any) -> Any:
        if self._cache_size and x is self._last[0]:
            return self._last[1]
        y = self._call(x)
        if self._cache_size:
            self._last = x, y
        return y

    def _inv_call(self, y: Any) -> Any:
        if self._cache_size and y is self._last[1]:
            return self._last[0]
        x = self._inverse(y)
        if self._cache_size:
            self._last = x, y
        return x

    def _call(self, x: Any) -> Any:
        raise NotImplementedError

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """ln |dy / dx|"""
        raise NotImplementedError

    def forward_shape(self, shape: Any) -> Any:
        """The shape of y, from that of x."""
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of x, from that of y."""
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _InverseTransform(Transform):
    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self._of = transform
        self._inverse_of = transform
        self.bijective = transform.bijective
        self.domain, self.codomain, self.sign = transform.codomain, transform.domain, transform.sign

    def __call__(self, x: Any) -> Any:
        return self._of._inv_call(x)

    def _inv_call(self, y: Any) -> Any:
        return self._of(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._of.log_abs_det_jacobian(y, x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._of!r})"


class ComposeTransform(Transform):
    """Several transforms, one after the other."""

    def __init__(self, parts: list[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = parts
        self.bijective = all(p.bijective for p in parts)
        if parts:
            self.domain, self.codomain = parts[0].domain, parts[-1].codomain
        self.sign = math.prod(p.sign for p in parts if isinstance(p.sign, int))

    def _call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Any) -> Any:
        for part in reversed(self.parts):
            y = part.inv(y)
        return y

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        if not self.parts:
            return engine.zeros_like(x)
        total: Any = 0
        n = self.domain.event_dim
        for part in self.parts:
            after = part(x)
            total = total + sum_rightmost(part.log_abs_det_jacobian(x, after), n - part.domain.event_dim)
            n += part.codomain.event_dim - part.domain.event_dim
            x = after
        return total


class ExpTransform(Transform):
    """y = eˣ"""

    bijective = True
    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class SigmoidTransform(Transform):
    """y = 1 / (1 + e⁻ˣ)"""

    bijective = True
    codomain = constraints.unit_interval

    def _call(self, x: Any) -> Any:
        return engine.clamp(engine.sigmoid(x), min=tiny_of(x.dtype), max=1.0 - eps_of(x.dtype))

    def _inverse(self, y: Any) -> Any:
        y = y.clamp(min=tiny_of(y.dtype), max=1.0 - eps_of(y.dtype))
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -nn_functional.softplus(-x) - nn_functional.softplus(x)


class TanhTransform(Transform):
    """y = tanh x"""

    bijective = True
    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return engine.atanh(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        # ln (1 − tanh² x), written so that large x do no harm.
        return 2.0 * (math.log(2.0) - x - nn_functional.softplus(-2.0 * x))


class AffineTransform(Transform):
    """y = loc + scale · x"""

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim
        if event_dim:
            self.domain = self.codomain = constraints.independent(constraints.real, event_dim)
        self.sign = scale.sign() if isinstance(scale, engine.Tensor) else (scale > 0) - (scale < 0)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        if isinstance(self.scale, engine.Tensor):
            slope = engine.abs(self.scale).log()
        else:
            slope = engine.full_like(x, math.log(abs(self.scale)))
        if self._event_dim:
            slope = slope.reshape((*tuple(slope.shape[: -self._event_dim]), -1)).sum(-1)
            return slope.expand(tuple(x.shape[: -self._event_dim]))
        return slope.expand(tuple(x.shape))


class AbsTransform(Transform):
    """y = |x|"""

    codomain = constraints.nonnegative

    def _call(self, x: Any) -> Any:
        return x.abs()

    def _inverse(self, y: Any) -> Any:
        return y


class SoftplusTransform(Transform):
    """y = ln (1 + eˣ)"""

    bijective = True
    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return nn_functional.softplus(x)

    def _inverse(self, y: Any) -> Any:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -nn_functional.softplus(-x)


class PowerTransform(Transform):
    """y = x^exponent"""

    bijective = True
    domain = codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        (self.exponent,) = broadcast_all(exponent)
        self.sign = self.exponent.sign()

    def _call(self, x: Any) -> Any:
        return x.pow(self.exponent)

    def _inverse(self, y: Any) -> Any:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Any) -> Any:
        return engine.broadcast_shapes(shape, tuple(self.exponent.shape))

    def inverse_shape(self, shape: Any) -> Any:
        return engine.broadcast_shapes(shape, tuple(self.exponent.shape))


class StickBreakingTransform(Transform):
    """n numbers break a stick of length 1 into n + 1 parts, one after the other."""

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _offset(self, n: int, like: Any) -> Any:
        return n + 1 - like.new_ones(n).cumsum(-1)

    def _call(self, x: Any) -> Any:
        z = engine.sigmoid(x - self._offset(x.shape[-1], x).log())
        z = engine.clamp(z, min=tiny_of(x.dtype), max=1.0 - eps_of(x.dtype))
        left = (1 - z).cumprod(-1)
        return nn_functional.pad(z, [0, 1], value=1) * nn_functional.pad(left, [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        parts = y[..., :-1]
        left = engine.clamp(1 - parts.cumsum(-1), min=tiny_of(y.dtype))
        return parts.log() - left.log() + self._offset(parts.shape[-1], y).log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - self._offset(x.shape[-1], x).log()
        return (-x + nn_functional.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*tuple(shape)[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*tuple(shape)[:-1], shape[-1] - 1)


identity_transform = ComposeTransform([])
