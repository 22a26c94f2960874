r"""Schedules: rates that change with the number ``t`` of steps already made.

A schedule is a function of ``t``.  Wherever a rule takes a number, it takes a schedule:

>>> from normgd import ngd
>>> ngd(eta=inverse_sqrt(0.5)).at(3)
ngd(eta=0.25)

Each class below is one formula; ``rate`` is the first value, a step size α or a step length η,
and has its unit.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .ops import cos, maximum, sqrt
from .rules import check_rate
from .symbols import is_symbolic


def _whole(name: str, value: Any, lowest: int) -> int:
    """Return ``value`` as an int, at least ``lowest``."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number; got {value!r}")
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} must be a whole number; got {value!r}") from error
    if number < lowest:
        raise ValueError(f"{name} must be at least {lowest}; got {number}")
    return number


def _rate(name: str, value: Any) -> Any:
    """Return ``value`` as a non-negative float or array of floats."""
    rate = check_rate(name, value)
    if callable(rate):
        raise TypeError(f"{name} must be a number or an array of numbers; got {value!r}")
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
    return _whole(name, value, 1)


CHECKS = {"rate": _rate, "R": _rate, "q": _ratio, "T": _count, "K": _count}


@dataclass(frozen=True, eq=False)
class _Schedule:
    """A formula in ``t``.  Schedules compare by value, arrays of rates included."""

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
class constant(_Schedule):
    r"""The same rate for ever: :math:`\eta_t=\eta_0`."""

    rate: Any

    def __call__(self, t: Any) -> Any:
        return self.rate


@dataclass(frozen=True, eq=False)
class inverse_sqrt(_Schedule):
    r""":math:`\eta_t=\eta_0/\sqrt{t+1}`: the sum of the steps grows like √t."""

    rate: Any

    def __call__(self, t: Any) -> Any:
        return self.rate / sqrt(t + 1.0)


@dataclass(frozen=True, eq=False)
class inverse(_Schedule):
    r""":math:`\eta_t=\eta_0/(t+1)`: the steps' sum still diverges, but only like ln t."""

    rate: Any

    def __call__(self, t: Any) -> Any:
        return self.rate / (t + 1.0)


@dataclass(frozen=True, eq=False)
class geometric(_Schedule):
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
class linear(_Schedule):
    r""":math:`\eta_t=\eta_0\max(0, 1-t/T)`: down to 0 at step T on a straight line."""

    rate: Any
    T: int

    def __call__(self, t: Any) -> Any:
        return self.rate * maximum(0.0, 1.0 - t / self.T)


@dataclass(frozen=True, eq=False)
class cosine(_Schedule):
    r""":math:`\eta_t=\tfrac12\eta_0\,(1+\cos(\pi\min(t,T)/T))`: down to 0 at step T.

    Loshchilov, Hutter, ICLR 2017, arXiv:1608.03983, equation (5), one period.
    """

    rate: Any
    T: int

    def __call__(self, t: Any) -> Any:
        remaining = maximum(0.0, 1.0 - t / self.T)
        return self.rate * 0.5 * (1.0 - cos(math.pi * remaining))


@dataclass(frozen=True, eq=False)
class horizon(_Schedule):
    r""":math:`\eta_t=R/\sqrt K`: for a distance R and a budget of K steps."""

    R: float
    K: int

    def __call__(self, t: Any) -> Any:
        return self.R / math.sqrt(self.K)


__all__ = ["constant", "cosine", "geometric", "horizon", "inverse", "inverse_sqrt", "linear"]
