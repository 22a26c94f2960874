r"""Update rules: :math:`w_{t+1}=w_t-\text{step}`, where the step is a formula in the gradient.

A rule is a value.  Its fields are its hyper-parameters, its call is its formula:

>>> class halved(Rule):
...     alpha: float = 0.1
...
...     def __call__(self, g):
...         return self.alpha * g / 2

The first parameter of the call is the gradient ``g``.  Every further parameter is a memory, named
by the letter the textbooks give it; it starts at 0, and the call returns its new value after the
step.  The name ``t`` is reserved: it is the number of steps already made.

>>> class heavy_ball(Rule):
...     alpha: float
...     beta: float
...
...     def __call__(self, g, m):
...         m = self.beta * m + g
...         return self.alpha * m, m

Rules compose: in ``first >> then`` the step of the first is the gradient of the second.  Pieces
with a capital (:class:`Unit`, :class:`Sign`, :class:`Clip`, :class:`Momentum`) have no learning
rate and are made for composing.  ``Unit()`` alone is the rule of the thread, w − ∇J/‖∇J‖.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, dataclass_transform

import numpy as np

from .ops import less_equal, minimum, norm, unit, where
from .ops import sign as sign_of
from .symbols import Expr, is_symbolic

Array = Any
Rate = Any  # a number, an array of numbers that broadcasts with the batch, or a schedule t -> rate


class Letter(NamedTuple):
    """What a hyper-parameter's letter stands for in every chapter and every rule."""

    meaning: str
    unit: str
    latex: str
    lowest: float
    highest: float
    open_end: bool = False


LETTERS = {
    "alpha": Letter("step size", "w²/J", r"\alpha", 0, np.inf),
    "eta": Letter("step length", "w", r"\eta", 0, np.inf),
    "beta": Letter("memory of the gradient", "1", r"\beta", 0, 1, open_end=True),
    "c": Letter("largest gradient norm", "J/w", "c", 0, np.inf),
}
"""The hyper-parameters' letters: meaning, unit of measurement, LaTeX and range."""


def check_rate(name: str, value: Any) -> Any:
    """Return a hyper-parameter as a float, a float array, a schedule or a traced symbol.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If it is NaN, infinite or outside the range of its letter in :data:`LETTERS`.
    """
    if isinstance(value, Expr) or (callable(value) and not isinstance(value, (type, Rule))):
        return value
    if is_symbolic(value) and all(isinstance(item, Expr) for item in value.flat):
        return value
    wanted = f"{name} must be a real number, an array of them or a function of t"
    if isinstance(value, (bool, np.bool_, str, bytes)) or value is None:
        raise TypeError(f"{wanted}; got {value!r}")
    try:
        rate = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{wanted}; got {value!r}") from error
    if rate.dtype.kind not in "fiu":
        raise TypeError(f"{wanted}; got {value!r}")
    rate = rate.astype(float) if rate.dtype.kind != "f" else rate
    if not np.all(np.isfinite(rate)):
        raise ValueError(f"{name} must be finite; got {value!r}")
    if name in LETTERS:
        letter = LETTERS[name]
        too_high = rate >= letter.highest if letter.open_end else rate > letter.highest
        if np.any(rate < letter.lowest) or np.any(too_high):
            end = ")" if letter.open_end else "]"
            interval = (
                f"at least {letter.lowest:g}"
                if np.isinf(letter.highest)
                else f"in [{letter.lowest:g}, {letter.highest:g}{end}"
            )
            raise ValueError(f"{name} ({letter.meaning}) must be {interval}; got {value!r}")
    if rate.ndim == 0:
        return float(rate)
    rate = rate.copy()  # a later change of the caller's array must not change the rule
    rate.flags.writeable = False
    return rate


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """The base of all rules: a frozen record of hyper-parameters with a formula as its call.

    A subclass declares its hyper-parameters as annotated fields and defines ``__call__``; it
    becomes a frozen dataclass by itself.  ``dataclasses.replace(rule, eta=0.1)`` gives the rule
    with another η.  A hyper-parameter may be a number, an array that broadcasts with the batch
    (then one call of :func:`normgd.descend` runs a sweep) or a schedule ``t -> number``.
    """

    memories: ClassVar[tuple[str, ...]] = ()
    _uses_time: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in cls.__dict__:
            _, *parameters = inspect.signature(cls.__call__).parameters.values()
            names = [parameter.name for parameter in parameters]
            if names[:1] != ["g"]:
                raise TypeError(
                    f"the first parameter of {cls.__name__}'s formula must be the gradient g; "
                    f"got {', '.join(names) or 'nothing'}"
                )
            for parameter in parameters:
                if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                    raise TypeError(
                        f"{cls.__name__}'s formula must name each of its memories; got {parameter}"
                    )
            cls.memories = tuple(name for name in names[1:] if name != "t")
            cls._uses_time = "t" in names
        dataclass(frozen=True, eq=False, repr=False)(cls)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            checked = check_rate(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, checked)

    def __call__(self, g: Array, *memory: Array) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} has no formula of its own: it must define __call__(self, g, "
            "...), or be used through its step method"
        )

    def __repr__(self) -> str:
        rates = (f"{name}={_show(value)}" for name, value in self.rates().items())
        return f"{type(self).__name__}({', '.join(rates)})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.rates(), other.rates()
        return all(_same(mine[name], theirs[name]) for name in mine)

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __rshift__(self, then: Rule) -> Chain:
        if not isinstance(then, Rule):
            raise TypeError(f"a rule composes with a rule: rule >> rule; got {then!r}")
        return Chain((self, then))

    def rates(self) -> dict[str, Any]:
        """Return the hyper-parameters by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def at(self, t: Any) -> Rule:
        """Return the rule of step ``t``: every schedule replaced by its value."""
        scheduled = {name: rate(t) for name, rate in self.rates().items() if callable(rate)}
        for name, rate in scheduled.items():
            if callable(rate):
                raise TypeError(f"the schedule of {name} must return a number; got {rate!r}")
        return dataclasses.replace(self, **scheduled) if scheduled else self

    def batch_shape(self) -> tuple[int, ...]:
        """Return the common shape of the hyper-parameters' arrays; ``()`` for plain numbers."""
        return np.broadcast_shapes(*(np.shape(rate) for rate in self.at(0).rates().values()))

    def start(self) -> tuple[Any, ...]:
        """Return the memory before the first step: zeros."""
        return (0.0,) * len(self.memories)

    def step(self, g: Array, memory: tuple[Any, ...], t: Any) -> tuple[Array, tuple[Any, ...]]:
        """Return the step to subtract from w and the new memory.

        Parameters
        ----------
        g : array, shape (d, *batch)
            The gradient.
        memory : tuple
            What :meth:`start` or the previous call returned.
        t : int
            The number of steps already made.
        """
        rule = self.at(t)
        time = {"t": t} if self._uses_time else {}
        result = rule(g, *memory, **time)
        if not self.memories:
            return result, ()
        if not isinstance(result, tuple) or len(result) != 1 + len(self.memories):
            raise ValueError(
                f"{type(self).__name__} must return its step and the new "
                f"{', '.join(self.memories)}; got {result!r}"
            )
        return result[0], tuple(result[1:])


def _same(a: Any, b: Any) -> bool:
    if is_symbolic(a) or is_symbolic(b):
        return repr(a) == repr(b)
    return a == b if callable(a) or callable(b) else np.array_equal(a, b)


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size == 0:
        return "<0 values>"
    if isinstance(value, np.ndarray):
        return f"<{value.size} values from {value.min():.6g} to {value.max():.6g}>"
    if callable(value) and not dataclasses.is_dataclass(value):
        return getattr(value, "__name__", "schedule")
    return repr(value)


class Chain(Rule):
    """Rules one after the other: made by ``>>``, never by hand."""

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if not self.rules or not all(isinstance(rule, Rule) for rule in self.rules):
            raise TypeError(f"rules must be rules, at least one; got {self.rules!r}")
        links = [r.rules if isinstance(r, Chain) else (r,) for r in self.rules]
        object.__setattr__(self, "rules", sum(links, ()))

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.rules))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and self.rules == other.rules

    __hash__ = Rule.__hash__

    def at(self, t: Any) -> Chain:
        return Chain(tuple(rule.at(t) for rule in self.rules))

    def batch_shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(rule.batch_shape() for rule in self.rules))

    def start(self) -> tuple[Any, ...]:
        return tuple(rule.start() for rule in self.rules)

    def step(self, g: Array, memory: tuple[Any, ...], t: Any) -> tuple[Array, tuple[Any, ...]]:
        after = []
        for rule, remembered in zip(self.rules, memory, strict=True):
            g, new = rule.step(g, remembered, t)
            after.append(new)
        return g, tuple(after)


# -------------------------------------------------------------------------------- pieces


class Unit(Rule):
    r"""The direction of the gradient, :math:`u=g/\|g\|`; 0 where ``g = 0``.

    Alone it is the rule the thread proposes, :math:`w\leftarrow w-\nabla J/\|\nabla J\|`: a step of
    length 1 in whatever unit w happens to be measured.
    """

    def __call__(self, g: Array) -> Array:
        return unit(g)


class Sign(Rule):
    r"""The sign of each coordinate of the gradient, :math:`\operatorname{sign} g_i`."""

    def __call__(self, g: Array) -> Array:
        return sign_of(g)


class Clip(Rule):
    r"""The gradient, shortened to norm c where it is longer: :math:`\min(1, c/\|g\|)\,g`.

    Parameters
    ----------
    c : float or schedule
        The largest norm that passes, in the unit of the gradient, J/w.

    Notes
    -----
    Pascanu, Mikolov, Bengio, ICML 2013, arXiv:1211.5063, Algorithm 1.
    PyTorch's ``clip_grad_norm_`` divides by ‖g‖ + 1e-6; Optax's ``clip_by_global_norm`` adds
    nothing, as here.
    """

    c: Rate

    def __call__(self, g: Array) -> Array:
        return where(less_equal(norm(g), self.c), g, self.c * unit(g))


class Momentum(Rule):
    r"""A decaying sum of gradients, :math:`m_t=\beta m_{t-1}+g_t`, :math:`m_{-1}=0`.

    Parameters
    ----------
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1-17, doi:10.1016/0041-5553(64)90137-5.
    """

    beta: Rate

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + g
        return m, m


# --------------------------------------------------------------------------------- rules


class gd(Rule):
    r"""Gradient descent: :math:`w_{t+1}=w_t-\alpha\,g_t`.

    Parameters
    ----------
    alpha : float or schedule
        The step *size*, in the unit of w² / J.  The step's length is α‖g‖.

    Notes
    -----
    Rotations and translations of w carry the iterates along with them.  Under J → cJ they do not
    change if α → α/c, and under w = sz if α → α/s².
    PyTorch's ``SGD`` and Optax's ``sgd`` without momentum are the same.
    Cauchy, C. R. Acad. Sci. Paris 25 (1847) 536-538.
    """

    alpha: Rate

    def __call__(self, g: Array) -> Array:
        return self.alpha * g


class ngd(Rule):
    r"""Normalised gradient descent, the unit step: :math:`w_{t+1}=w_t-\eta\,g_t/\|g_t\|`.

    Parameters
    ----------
    eta : float or schedule
        The step *length*, in the unit of w: every step is η long, unless ``g = 0``.

    Notes
    -----
    Where ``g = 0`` it stays.  Rotations and translations of w carry the iterates along with them.
    The iterates do not change when J is replaced by h(J) with h' > 0, nor under w = sz if η → η/s.
    Optax's ``normalize_by_update_norm`` divides by ‖g‖ + 1e-6.
    Shor, Minimization Methods for Non-Differentiable Functions, Springer 1985, chapter 2.
    """

    eta: Rate

    def __call__(self, g: Array) -> Array:
        return self.eta * unit(g)


class momentum(Rule):
    r"""Gradient descent with momentum: :math:`m_t=\beta m_{t-1}+g_t,\ w_{t+1}=w_t-\alpha\,m_t`.

    Parameters
    ----------
    alpha : float or schedule
        The step size, in the unit of w² / J.
    beta : float or schedule
        What remains of the memory after one step, in [0, 1).

    Notes
    -----
    Equal to ``Momentum(beta) >> gd(alpha)``, to PyTorch's ``SGD(momentum=beta)`` and to Optax's
    ``sgd(alpha, momentum=beta)``.
    Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1-17, doi:10.1016/0041-5553(64)90137-5.
    """

    alpha: Rate
    beta: Rate = 0.9

    def __call__(self, g: Array, m: Array) -> tuple[Array, Array]:
        m = self.beta * m + g
        return self.alpha * m, m


class sign(Rule):
    r"""Sign descent: :math:`w_{t+1}=w_t-\eta\operatorname{sign} g_t`, coordinate by coordinate.

    Parameters
    ----------
    eta : float or schedule
        How far each coordinate with a nonzero derivative moves, in the unit of w.

    Notes
    -----
    The steepest descent of the norm ℓ∞ as the unit step is of ℓ2.  In one dimension the two are
    the same.  The iterates do not change when J is replaced by h(J) with h' > 0, nor when
    coordinates of g are multiplied by positive numbers; they do change under rotations of w.
    Bernstein, Wang, Azizzadenesheli, Anandkumar, ICML 2018, arXiv:1802.04434, Algorithm 1.
    """

    eta: Rate

    def __call__(self, g: Array) -> Array:
        return self.eta * sign_of(g)


class clipped(Rule):
    r"""GD with no step longer than η: :math:`w_{t+1}=w_t-\min(\alpha\|g_t\|,\eta)\,u_t`.

    Parameters
    ----------
    alpha : float or schedule
        The step size where the gradient is short, in the unit of w² / J.
    eta : float or schedule
        The length of the longest step, in the unit of w.

    Notes
    -----
    The unit step far out, gradient descent near a minimum.  For α > 0 equal to
    ``Clip(eta / alpha) >> gd(alpha)``.
    Zhang, He, Sra, Jadbabaie, ICLR 2020, arXiv:1905.11881, Algorithm 1.
    """

    alpha: Rate
    eta: Rate

    def __call__(self, g: Array) -> Array:
        return minimum(self.alpha * norm(g), self.eta) * unit(g)


def as_rule(rule: Any) -> Rule:
    """Return the rule itself, or the rule of a plain function ``g -> step``."""
    if isinstance(rule, Rule):
        return rule
    if inspect.isfunction(rule):
        return _from_function(rule)
    wanted = "rule must be a rule such as ngd(eta=0.1), or a function of the gradient g"
    if isinstance(rule, type) and issubclass(rule, Rule):
        raise TypeError(f"{wanted}; got the class {rule.__name__} without its hyper-parameters")
    raise TypeError(f"{wanted}; got {rule!r}")


def _from_function(formula: Callable[..., Any]) -> Rule:
    """Make a rule of a plain function ``(g, memory...) -> step, memory...``."""
    signature = inspect.signature(formula)
    myself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)

    def call(self: Rule, *arguments: Any, **time: Any) -> Any:
        return formula(*arguments, **time)

    parameters = [myself, *signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return type(formula.__name__, (Rule,), {"__call__": call, "__doc__": formula.__doc__})()


__all__ = [
    "LETTERS", "Chain", "Clip", "Momentum", "Rule", "Sign", "Unit",
    "clipped", "gd", "momentum", "ngd", "sign",
]  # fmt: skip
