r"""Schedules: rates that change with the number ``t`` of steps already made.

A schedule is a function of ``t``.  Wherever a rule takes a number, it takes a schedule:

>>> from normgd import ngd
>>> ngd(eta=inverse_sqrt(0.5)).at(3)
ngd(eta=0.25)

Each class below is one formula; ``rate`` is the first value, a step size α or a step length η,
and has its unit.  A rate that depends on more than t is no schedule but a rule: Polyak's step is
:class:`normgd.polyak`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from .ops import cos, maximum, minimum, power, sqrt, whole
from .rule import check_rate
from .symbols import is_symbolic


def _memory(name: str, value: Any) -> Any:
    """Return ``value`` as a float or array of floats in the range of its letter."""
    rate = check_rate(name, value)
    if callable(rate):
        raise TypeError(f"{name} must be a number or an array of numbers; got {value!r}")
    return rate


def _rate(name: str, value: Any) -> Any:
    """Return ``value`` as a non-negative float or array of floats."""
    rate = _memory(name, value)
    if not is_symbolic(rate) and np.any(np.less(rate, 0)):
        raise ValueError(f"{name} must be at least 0; got {value!r}")
    return rate


def _ratio(name: str, value: Any) -> float:
    """Return ``value`` as a float strictly between 0 and 1."""
    ratio = check_rate(name, value)
    if not isinstance(ratio, float):
        raise TypeError(f"{name} must be a number; got {value!r}")
    if not 0 < ratio < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1; got {ratio}")
    return ratio


def _count(name: str, value: Any) -> int:
    return whole(name, value, 1)


def _rate_or_schedule(name: str, value: Any) -> Any:
    rate = check_rate(name, value)
    return rate if callable(rate) else _rate(name, value)


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "rate": _rate, "R": _rate, "q": _ratio, "T": _count, "K": _count,
    "then": _rate_or_schedule, "beta1": _memory, "beta2": _memory,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Schedule:
    """The base of all schedules: a formula in ``t``.

    Schedules compare by value, arrays of rates included.
    """

    first: ClassVar[str] = "rate"  # the field that sets how large all values are

    @property
    def first_rate(self) -> Any:
        """The number or array of numbers that all values are proportional to."""
        rate = getattr(self, self.first)
        return rate.first_rate if isinstance(rate, Schedule) else rate

    def with_first_rate(self, rate: Any) -> Schedule:
        """Return the schedule with another :attr:`first_rate`."""
        old = getattr(self, self.first)
        new = old.with_first_rate(rate) if isinstance(old, Schedule) else rate
        return replace(self, **{self.first: new})

    def __post_init__(self) -> None:
        for field in fields(self):
            checked = CHECKS[field.name](field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, checked)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
        )

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))


@dataclass(frozen=True, eq=False)
class constant(Schedule):
    r"""The same rate for ever: :math:`\eta_t=\eta_0`."""

    rate: Any

    def __call__(self, t: Any) -> Any:
        return self.rate


@dataclass(frozen=True, eq=False)
class inverse_sqrt(Schedule):
    r""":math:`\eta_t=\eta_0/\sqrt{t+1}`: the sum of the steps grows like √t."""

    rate: Any

    def __call__(self, t: Any) -> Any:
        return self.rate / sqrt(t + 1.0)


@dataclass(frozen=True, eq=False)
class inverse(Schedule):
    r""":math:`\eta_t=\eta_0/(t+1)`: the steps' sum still diverges, but only like ln t."""

    rate: Any

    def __call__(self, t: Any) -> Any:
        return self.rate / (t + 1.0)


@dataclass(frozen=True, eq=False)
class geometric(Schedule):
    r""":math:`\eta_t=\eta_0\,q^t`: the steps add up to η₀/(1 − q), and no farther.

    Parameters
    ----------
    rate : float
        The first value.
    q : float
        The factor from one step to the next, in (0, 1).
    """

    rate: Any
    q: float

    def __call__(self, t: Any) -> Any:
        return self.rate * self.q**t


@dataclass(frozen=True, eq=False)
class linear(Schedule):
    r""":math:`\eta_t=\eta_0\max(0, 1-t/T)`: down to 0 at step T on a straight line."""

    rate: Any
    T: int

    def __call__(self, t: Any) -> Any:
        return self.rate * maximum(0.0, 1.0 - t / self.T)


@dataclass(frozen=True, eq=False)
class cosine(Schedule):
    r""":math:`\eta_t=\tfrac12\eta_0\,(1+\cos(\pi\min(t,T)/T))`: down to 0 at step T.

    Loshchilov, Hutter, ICLR 2017, arXiv:1608.03983, equation (5), one period.
    """

    rate: Any
    T: int

    def __call__(self, t: Any) -> Any:
        remaining = maximum(0.0, 1.0 - t / self.T)
        return self.rate * 0.5 * (1.0 - cos(math.pi * remaining))


@dataclass(frozen=True, eq=False)
class horizon(Schedule):
    r""":math:`\eta_t=R/\sqrt K`: for a distance R and a budget of K steps."""

    first: ClassVar[str] = "R"
    R: Any
    K: int

    def __call__(self, t: Any) -> Any:
        return self.R / math.sqrt(self.K)


@dataclass(frozen=True, eq=False)
class warmup(Schedule):
    r""":math:`\eta_t=\min(1,\frac{t+1}T)\,\eta'_t`: up to another schedule, in T steps.

    Parameters
    ----------
    then : float or schedule
        What the rate would be without the warm-up.
    T : int
        How many steps the way up takes: the rate is full from t = T − 1 on.

    Examples
    --------
    >>> rate = warmup(inverse_sqrt(1.0), T=4)
    >>> [round(float(rate(t)), 3) for t in range(6)]
    [0.25, 0.354, 0.433, 0.5, 0.447, 0.408]

    Notes
    -----
    Goyal et al., arXiv:1706.02677 (2017), section 2.2.
    """

    first: ClassVar[str] = "then"
    then: Any
    T: int

    def __call__(self, t: Any) -> Any:
        rate = self.then(t) if callable(self.then) else self.then
        return minimum(1.0, (t + 1.0) / self.T) * rate


@dataclass(frozen=True, eq=False)
class corrected(Schedule):
    r""":math:`\eta_t=\eta_0\sqrt{1-\beta_2^{t+1}}/(1-\beta_1^{t+1})`: Adam's two bias corrections.

    Given to a rule that averages without correcting, such as ``amsgrad``, it corrects it.

    Kingma, Ba, ICLR 2015, arXiv:1412.6980, end of section 2.
    """

    rate: Any
    beta1: float = 0.9
    beta2: float = 0.999

    def __call__(self, t: Any) -> Any:
        second, first = 1 - power(self.beta2, t + 1), 1 - power(self.beta1, t + 1)
        return self.rate * sqrt(second) / first


__all__ = [
    "constant", "corrected", "cosine", "geometric", "horizon", "inverse", "inverse_sqrt", "linear",
    "warmup",
]  # fmt: skip
