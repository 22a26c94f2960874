r"""What an update rule is: :math:`w_{t+1}=w_t-\text{step}`, the step a formula in the gradient.

A rule is a value.  Its fields are its hyper-parameters, its call is its formula:

>>> class halved(Rule):
...     alpha: float = 0.1
...
...     def __call__(self, g):
...         return self.alpha * g / 2

The first parameter of the call is the gradient ``g``.  Every further parameter is a memory, named
by the letter the textbooks give it; it starts at 0, and the call returns its new value after the
step.  Three names are reserved for what else a formula may need: ``w`` is the iterate, ``J`` the
landscape (``J(w)``, ``J.grad(w)``), and ``t`` the number of steps already made.

>>> class heavy_ball(Rule):
...     alpha: float
...     beta: float
...
...     def __call__(self, g, m):
...         m = self.beta * m + g
...         return self.alpha * m, m

Rules compose: in ``first >> then`` the step of the first is the gradient of the second.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, dataclass_transform

import numpy as np

from .ops import is_foreign, whole
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
    "gamma": Letter("multiple of a measured length", "1", r"\gamma", 0, np.inf),
    "beta": Letter("memory of the gradient", "1", r"\beta", 0, 1, open_end=True),
    "beta1": Letter("memory of the gradient", "1", r"\beta_1", 0, 1, open_end=True),
    "beta2": Letter("memory of the squared gradient", "1", r"\beta_2", 0, 1, open_end=True),
    "rho": Letter("memory of the squares", "1", r"\rho", 0, 1, open_end=True),
    "eps": Letter("added to the denominator", "J/w", r"\varepsilon", 0, np.inf),
    "eps_root": Letter("added under the root", "J²/w²", r"\varepsilon_0", 0, np.inf),
    "c": Letter("largest gradient norm", "J/w", "c", 0, np.inf),
    "c1": Letter("share of the promised decrease", "1", "c_1", 0, 1, open_end=True),
    "shrink": Letter("factor after a refusal", "1", r"\tau", 0, 1, open_end=True),
    "grow": Letter("factor after a step", "1", r"\tau_+", 1, np.inf),
    "decay": Letter("weight decay", "J/w²", r"\lambda", 0, np.inf),
    "warmup": Letter("share of the memory still missing at first", "1", r"\omega", 0, 1),
    "at_zero": Letter("ratio of lengths in place of 0", "w²/J", r"\gamma_0", 0, np.inf),
    "J_star": Letter("lowest value", "J", "J^*", -np.inf, np.inf),
    "r_eps": Letter("seed of the distance", "w", r"r_\varepsilon", 0, np.inf),
    "d0": Letter("seed of the distance", "w", "d_0", 0, np.inf),
}
"""The hyper-parameters' letters: meaning, unit of measurement, LaTeX and range."""


def check_rate(name: str, value: Any) -> Any:
    """Return a hyper-parameter as a float, a float array, a schedule or a traced number.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If it is NaN, infinite or outside the range of its letter in :data:`LETTERS`.
    """
    if is_foreign(value) or isinstance(value, Expr):
        return value
    if callable(value) and not isinstance(value, (type, Rule)):
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


def _check_blocks(name: str, value: Any) -> Any:
    """Return block shapes as a tuple of tuples of ints; None stands for one block of everything."""
    if value is None:
        return None
    wanted = f"{name} must be the sizes or shapes of the blocks, such as ((3, 2), 4)"
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{wanted}; got {value!r}")
    shapes = [tuple(item) if isinstance(item, Iterable) else (item,) for item in value]
    if not shapes or not all(1 <= len(shape) <= 2 for shape in shapes):
        raise ValueError(f"{wanted}; got {value!r}")
    return tuple(tuple(whole(f"each size in {name}", n, 1) for n in shape) for shape in shapes)


# Fields that are no hyper-parameters to slide or sweep: how the coordinates are divided, say.
SETTINGS: dict[str, Callable[[str, Any], Any]] = {
    "blocks": _check_blocks,
    "iterations": lambda name, value: whole(name, value, 0),
}
RESERVED = ("w", "J", "t")


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
    needs: ClassVar[tuple[str, ...]] = ()
    letters: ClassVar[dict[str, str]] = {}  # LaTeX of what the formula names; @ is the step
    _scheduled: ClassVar[tuple[str, ...]] = ()  # each rule's own: the names of its schedules

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in inspect.get_annotations(cls):
            if hasattr(Rule, name) and name != "letters":
                raise TypeError(f"{name} cannot be a field of {cls.__name__}: every rule has one")
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
                if parameter.kind == parameter.POSITIONAL_ONLY:
                    raise TypeError(
                        f"{cls.__name__}'s formula is called with names; got {parameter}, /"
                    )
                if parameter.default is not parameter.empty:
                    raise TypeError(
                        f"{cls.__name__}'s formula has {parameter}, but memories start at 0; a "
                        f"hyper-parameter is a field of a Rule class"
                    )
            cls.memories = tuple(name for name in names[1:] if name not in RESERVED)
            cls.needs = tuple(name for name in names[1:] if name in RESERVED)
        dataclass(frozen=True, eq=False, repr=False)(cls)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check = SETTINGS.get(field.name, check_rate)
            object.__setattr__(self, field.name, check(field.name, getattr(self, field.name)))
        scheduled = tuple(name for name, rate in self.rates().items() if callable(rate))
        object.__setattr__(self, "_scheduled", scheduled)

    def __call__(self, g: Array, *memory: Array) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} has no formula of its own: it must define __call__(self, g, "
            "...), or be used through its step method"
        )

    def __repr__(self) -> str:
        fields = (f"{name}={_show(value)}" for name, value in self._fields().items())
        return f"{type(self).__name__}({', '.join(fields)})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self._fields(), other._fields()
        return all(_same(mine[name], theirs[name]) for name in mine)

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __rshift__(self, then: Any) -> Chain:
        return Chain((self, _composable(then)))

    def __rrshift__(self, first: Any) -> Chain:
        return Chain((_composable(first), self))

    @property
    def links(self) -> tuple[Rule, ...]:
        """The rules that this one is a chain of: for all but a :class:`Chain` itself alone."""
        return (self,)

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def rates(self) -> dict[str, Any]:
        """Return the hyper-parameters by name, without settings such as ``blocks``."""
        return {name: value for name, value in self._fields().items() if name not in SETTINGS}

    def at(self, t: Any) -> Rule:
        """Return the rule of step ``t``: every schedule replaced by its value."""
        if not self._scheduled:
            return self
        rule = copy.copy(self)  # not dataclasses.replace, which would check what is checked
        object.__setattr__(rule, "_scheduled", ())
        for name in self._scheduled:
            rate = check_rate(name, getattr(self, name)(t))
            if callable(rate):
                raise TypeError(f"the schedule of {name} must return a number; got {rate!r}")
            object.__setattr__(rule, name, rate)
        return rule

    def batch_shape(self) -> tuple[int, ...]:
        """Return the common shape of the hyper-parameters' arrays; ``()`` for plain numbers."""
        return _common_shape(self, map(np.shape, self.at(0).rates().values()))

    def start(self) -> tuple[Any, ...]:
        """Return the memory before the first step: zeros."""
        return (0.0,) * len(self.memories)

    def step(
        self, g: Array, memory: tuple[Any, ...], t: Any, w: Array = None, J: Any = None
    ) -> tuple[Array, tuple[Any, ...]]:
        """Return the step to subtract from w and the new memory.

        The formula gets ``g`` and ``w`` as arrays that cannot be written to.

        Parameters
        ----------
        g : array, shape (d, *batch)
            The gradient at w.
        memory : tuple
            What :meth:`start` or the previous call returned.
        t : int
            The number of steps already made.
        w : array, shape (d, *batch), optional
            The iterate, for rules whose formula names it.
        J : Function, optional
            The landscape that ``g`` is the gradient of, for rules whose formula names it.

        Raises
        ------
        TypeError
            If the formula names ``w`` or ``J`` and it is not given.
        """
        given = {"w": _read_only(w), "J": J, "t": t}
        for name in self.needs:
            if given[name] is None:
                raise TypeError(
                    f"{name} must be given to the step of {self!r}: its formula uses it"
                )
        _check_memory(self, memory, self.memories)
        named = dict(zip(self.memories, memory, strict=True))
        result = self.at(t)(_read_only(g), **named, **{name: given[name] for name in self.needs})
        if not self.memories:
            return result, ()
        if not isinstance(result, tuple) or len(result) != 1 + len(self.memories):
            raise ValueError(
                f"{type(self).__name__} must return its step and the new "
                f"{', '.join(self.memories)}; got {result!r}"
            )
        return result[0], tuple(result[1:])


def _common_shape(rule: Rule, shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    shapes = list(shapes)
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ValueError(
            f"the hyper-parameters of {rule!r} must broadcast; got shapes {shapes}"
        ) from error


def _check_memory(rule: Rule, memory: tuple[Any, ...], wanted: tuple[Any, ...]) -> None:
    if len(memory) != len(wanted):
        raise ValueError(
            f"memory must be what start() or the last step of {rule!r} returned, "
            f"{len(wanted)} items; got {len(memory)}"
        )


def _same(a: Any, b: Any) -> bool:
    if is_symbolic(a) or is_symbolic(b):
        return repr(a) == repr(b)
    if callable(a) or callable(b) or isinstance(a, tuple):  # a schedule, blocks
        return bool(a == b)
    return np.array_equal(a, b)


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

    @property
    def links(self) -> tuple[Rule, ...]:
        return self.rules

    def __repr__(self) -> str:
        return " >> ".join(map(repr, self.rules))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and self.rules == other.rules

    __hash__ = Rule.__hash__

    def at(self, t: Any) -> Chain:
        return Chain(tuple(rule.at(t) for rule in self.rules))

    def batch_shape(self) -> tuple[int, ...]:
        return _common_shape(self, (rule.batch_shape() for rule in self.rules))

    def start(self) -> tuple[Any, ...]:
        return tuple(rule.start() for rule in self.rules)

    def step(
        self, g: Array, memory: tuple[Any, ...], t: Any, w: Array = None, J: Any = None
    ) -> tuple[Array, tuple[Any, ...]]:
        _check_memory(self, memory, self.rules)
        after = []
        for rule, remembered in zip(self.rules, memory, strict=True):
            g, new = rule.step(g, remembered, t, w, J)
            after.append(new)
        return g, tuple(after)


def _read_only(x: Any) -> Any:
    """Return a view of an array that no formula can change by ``*=`` and the like."""
    if type(x) is not np.ndarray:
        return x
    view = x.view()
    view.flags.writeable = False
    return view


def _composable(rule: Any) -> Rule:
    if not callable(rule) or isinstance(rule, type):
        raise TypeError(f"a rule composes with a rule: rule >> rule; got {rule!r}")
    return as_rule(rule)


def as_rule(rule: Any) -> Rule:
    """Return the rule itself, or the rule of a plain function ``g -> step``."""
    if isinstance(rule, Rule):
        return rule
    wanted = "rule must be a rule such as ngd(eta=0.1), or a function of the gradient g"
    if isinstance(rule, type) and issubclass(rule, Rule):
        raise TypeError(f"{wanted}; got the class {rule.__name__} without its hyper-parameters")
    if callable(rule) and not isinstance(rule, type):
        return _from_function(rule)
    raise TypeError(f"{wanted}; got {rule!r}")


def _from_function(formula: Callable[..., Any]) -> Rule:
    """Make a rule of a plain function ``(g, memory...) -> step, memory...``."""
    try:
        signature = inspect.signature(formula)
    except ValueError as error:
        raise TypeError(
            f"rule must be a function with named parameters; got {formula!r}"
        ) from error
    myself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)

    def call(self: Rule, *arguments: Any, **named: Any) -> Any:
        return formula(*arguments, **named)

    parameters = [myself, *signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    name = getattr(formula, "__name__", type(formula).__name__)
    again = lambda self: (as_rule, (formula,))  # for pickle: the class cannot be found by its name
    parts = {"__call__": call, "__doc__": formula.__doc__, "__reduce__": again}
    return type(name, (Rule,), parts)()


__all__ = ["LETTERS", "Chain", "Letter", "Rule", "as_rule", "check_rate"]
