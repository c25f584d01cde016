"""The von Mises distribution: angles around a mean."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import graphlab.engine as engine
from graphlab.engine.distributions import constraints
from graphlab.engine.distributions.distribution import Distribution, broadcast_all, lazy_property

# Polynomials for the modified Bessel functions of order 0 and 1: Abramowitz and Stegun, 9.8.1 to 9.8.4.
_SMALL = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.360768e-1, 0.45813e-2),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.2658733e-1, 0.301532e-2, 0.32411e-3),
)
_LARGE = (
    (0.39894228, 0.1328592e-1, 0.225319e-2, -0.157565e-2, 0.916281e-2, -0.2057706e-1, 0.2635537e-1, -0.1647633e-1,
     0.392377e-2),
    (0.39894228, -0.3988024e-1, -0.362018e-2, 0.163801e-2, -0.1031555e-1, 0.2282967e-1, -0.2895312e-1, 0.1787654e-1,
     -0.420059e-2),
)  # fmt: skip


def _polynomial(y: Any, factors: tuple[float, ...]) -> Any:
    *rest, out = factors
    found: Any = out
    for factor in reversed(rest):
        found = factor + y * found
    return found


def _log_bessel(x: Any, order: int) -> Any:
    """ln I₀ or ln I₁, to about seven digits."""
    y = x / 3.75
    small = _polynomial(y * y, _SMALL[order])
    if order == 1:
        small = x.abs() * small
    large = x - 0.5 * x.log() + _polynomial(3.75 / x, _LARGE[order]).log()
    return engine.where(x < 3.75, small.log(), large)


class VonMises(Distribution):
    """The density e^(concentration · cos (x − loc)) / (2π · I₀(concentration)) on the circle."""

    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "concentration": constraints.positive}
    _parameters: ClassVar[dict[str, int]] = {"loc": 0, "concentration": 0}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def log_prob(self, value: Any) -> Any:
        self._check(value)
        height = self.concentration * engine.cos(value - self.loc)
        return height - math.log(2 * math.pi) - _log_bessel(self.concentration, 0)

    def _proposal(self) -> tuple[Any, Any]:
        """The concentration and the width of the wrapped Cauchy distribution that samples are first drawn from, in
        double precision (Best and Fisher, 1979)."""
        kappa = self.concentration.to(engine.float64)
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        return kappa, engine.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        with engine.no_grad():
            kappa, r = self._proposal()
            x = engine.zeros(shape, dtype=engine.float64)
            done = engine.zeros(shape, dtype=engine.bool)
            while not done.all():
                u1, u2, u3 = engine.rand((3, *shape), dtype=engine.float64).unbind()
                z = engine.cos(math.pi * u1)
                f = (1 + r * z) / (r + z)
                c = kappa * (r - f)
                accepted = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
                if accepted.any():
                    x = engine.where(accepted, (u3 - 0.5).sign() * f.acos(), x)
                    done = done | accepted
            turned = (x + math.pi + self.loc.to(engine.float64)) % (2 * math.pi) - math.pi
            return turned.to(self.loc.dtype)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """The circular variance."""
        return 1 - (_log_bessel(self.concentration, 1) - _log_bessel(self.concentration, 0)).exp()
