r"""What a rule does not see: one table of every rule under every other description of a descent.

The same descent can be described in another way: in other units, on other axes, from another
origin.  A rule *follows* if its iterates are then the old ones in the new description, once each
hyper-parameter is converted as its own unit says (:data:`normgd.rule.LETTERS`): η is a length and
becomes η/s where w = sz.  A cell of the table names what must be converted, and so contains more
than "invariant" (nothing) or "equivariant" (something).

>>> table(["gd", "ngd", "adadelta"])
rule      J → aJ  J → h(J)  J → J + k  w = z + b  w = Qz  w = sz  w = Dz  g → Dg
gd        α/a     no        yes        yes        yes     α/s²    no      no
ngd       yes     yes       yes        yes        yes     η/s     no      no
adadelta  no      no        yes        yes        no      no      no      no

Multiply J by a and gradient descent needs α/a; Adadelta adds one ε to two units, and no conversion
is right.  Every cell is a test: a property where it says yes, and where it says no, the descent
:data:`EXAMPLE` comes out differently.
"""

from __future__ import annotations

import functools
import html
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from . import rules as every
from .functions import Function, as_function
from .ops import norm, total
from .path import descend
from .rule import LETTERS, Rule

Array = Any

TRANSFORMATIONS = {
    "J → aJ": "another unit of J: a > 0",
    "J → h(J)": "another scale of J: h' > 0 at every value on the way",
    "J → J + k": "another zero of J",
    "w = z + b": "another origin",
    "w = Qz": "other axes: Q orthogonal",
    "w = sz": "another unit of w: s > 0",
    "w = Dz": "a unit for each coordinate: D diagonal and positive",
    "g → Dg": "a factor for each coordinate of the gradient, while w stays what it is",
}
"""The columns of the table: what changes, where J, w and g are the old cost, iterate, gradient."""


# ------------------------------------------------------------------- the other description


def _times(A: Array, z: Array) -> Array:
    """Return A z for a number or a matrix A and z of shape ``(d, *batch)``."""
    return np.tensordot(A, z, 1) if np.ndim(A) else A * z


@dataclass(frozen=True)
class Change:
    """Another description of a descent: :math:`w=Az+b`, the cost h(J) and the gradient Dg.

    Made by the functions below, one for each column of the table.

    Parameters
    ----------
    A, inverse : float or array, shape (d, d)
        A number or a matrix, and its inverse.
    b : float or array, shape (d,)
        Where z has its origin.
    D : float or array, shape (d, d)
        What the gradient in w is multiplied by.
    h, slope : callable
        The new cost as a function of the old, and its derivative.
    of_J, of_w : float
        How the numbers change by which J and w are measured: what hyper-parameters follow.
    k : float
        How J* changes, the one hyper-parameter that is a level of J and not a difference.
    """

    A: Array = 1.0
    inverse: Array = 1.0
    b: Array = 0.0
    D: Array = 1.0
    h: Callable[[Array], Array] = operator.pos
    slope: Callable[[Array], Array] = np.ones_like
    of_J: float = 1.0
    of_w: float = 1.0
    k: float = 0.0

    def old(self, z: Array) -> Array:
        """Return w, shape ``(d, *batch)``, from z."""
        return _times(self.A, z) + self._origin(z)

    def new(self, w: Array) -> Array:
        """Return z, shape ``(d, *batch)``, from w."""
        return _times(self.inverse, w - self._origin(w))

    def _origin(self, w: Array) -> Array:
        return np.reshape(self.b, (-1, *(1,) * (np.ndim(w) - 1)))

    def function(self, J: Any) -> Function:
        """Return the landscape as a function of z.

        With D its gradient is that of no function: what a rule makes of it is asked all the same.
        """
        J = as_function(J)

        def grad(z: Array) -> Array:
            w = self.old(z)
            g = _times(self.D, self.slope(J(w)) * J.grad(w))
            return _times(np.transpose(self.A), g)

        return Function(lambda z: self.h(J(self.old(z))), grad, name=J.name, dim=J.dim)

    def rate(self, name: str, value: Any, unit: str) -> Any:
        """Return a hyper-parameter of this unit, such as ``"w²/J"``, as the new number."""
        if callable(value):
            return lambda t: self.rate(name, value(t), unit)
        powers = exponents(unit)
        level = self.k if name == "J_star" else 0.0
        return value * self.of_J ** powers["J"] * self.of_w ** powers["w"] + level

    def rule(self, rule: Rule, units: dict[str, str]) -> Rule:
        """Return the rule with each hyper-parameter that ``units`` names converted."""

        def convert(link: Rule) -> Rule:
            rates = {name: value for name, value in link.rates().items() if name in units}
            return replace(link, **{n: self.rate(n, v, units[n]) for n, v in rates.items()})

        return functools.reduce(operator.rshift, map(convert, rule.links))


def exponents(unit: str) -> dict[str, int]:
    """Read a unit of measurement.

    >>> exponents("J²/w²")
    {'w': -2, 'J': 2}
    >>> exponents("1/w")
    {'w': -1, 'J': 0}
    """
    powers = {"w": 0, "J": 0}
    for sign, part in zip((1, -1), unit.split("/"), strict=False):
        for quantity, square in re.findall("([wJ])(²?)", part):
            powers[quantity] += sign * (2 if square else 1)
    return powers


def scale_cost(a: float) -> Change:
    """Return J → aJ."""
    return Change(h=lambda J: a * J, slope=lambda J: np.full_like(J, a), of_J=a)


def reshape_cost(h: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Change:
    """Return J → h(J); ``slope`` is h'."""
    return Change(h=h, slope=slope)


def shift_cost(k: float) -> Change:
    """Return J → J + k."""
    return Change(h=lambda J: J + k, k=k)


def shift(b: Array) -> Change:
    """Return w = z + b."""
    return Change(b=np.asarray(b, dtype=float))


def turn(Q: Array) -> Change:
    """Return w = Qz for an orthogonal matrix Q."""
    return Change(A=np.asarray(Q), inverse=np.transpose(Q))


def scale(s: float) -> Change:
    """Return w = sz."""
    return Change(A=s, inverse=1 / s, of_w=1 / s)


def stretch(D: Array) -> Change:
    """Return w = Dz for the diagonal D of positive numbers."""
    return Change(A=np.diag(D), inverse=np.diag(1 / np.asarray(D)))


def weigh(D: Array) -> Change:
    """Return g → Dg for the diagonal D of positive numbers."""
    return Change(D=np.diag(D))


def deviation(
    rule: Rule,
    change: Change,
    J: Any,
    start: Array,
    steps: int = 5,
    units: dict[str, str] | None = None,
) -> Array:
    r"""Return how far a rule strays when its descent is described in another way.

    Parameters
    ----------
    rule : Rule
        The rule, with its hyper-parameters for the old description.
    change : Change
        The other description.
    J : Function or callable
        The landscape in the old description.
    start : array_like, shape (d, *batch)
        Where to start, in the old description.
    steps : int
        How many steps to make.  Many steps would show how rounding grows, not the rule.
    units : dict, optional
        The hyper-parameters to convert and their units; all, with the units of
        :data:`normgd.rule.LETTERS`, if not given.

    Returns
    -------
    array, shape batch
        :math:`\max_t\|w_t-(Az_t+b)\|` as a share of the length of the path, which has no unit.

    Examples
    --------
    >>> from normgd import functions, gd
    >>> J, start = functions.rosenbrock, (-1.5, 2.0)
    >>> bool(deviation(gd(0.001), scale_cost(1000), J, start) < 1e-12)  # with α = 1e-6
    True
    >>> print(f"{deviation(gd(0.001), scale_cost(1000), J, start, steps=1, units={}):.6g}")
    999
    """
    w = np.asarray(start, dtype=float)
    units = {name: letter.unit for name, letter in LETTERS.items()} if units is None else units
    one = descend(J, w, rule, steps)
    other = descend(change.function(J), change.new(w), change.rule(rule, units), steps)
    apart = norm(np.moveaxis(one.w, 0, 1) - change.old(np.moveaxis(other.w, 0, 1)))
    return np.max(apart, axis=0) / np.sum(one.step_length, axis=0)


# ------------------------------------------------------------------------------ the table


class Verdict(NamedTuple):
    """What a rule does under one transformation.

    ``follows`` is the answer; where it has a condition, without the condition it is no.
    """

    follows: bool
    zero: tuple[str, ...] = ()  # hyper-parameters that must be 0
    blocks: bool = False  # the transformation must act on each block by itself


def _verdict(text: str) -> Verdict:
    """Read a cell: yes, no, or conditions such as ``blocks,eps=decay=0``."""
    if text in ("yes", "no"):
        return Verdict(text == "yes")
    words = re.split("[,=]", text)
    return Verdict(True, tuple(word for word in words if word in LETTERS), "blocks" in words)


@dataclass(frozen=True)
class Row:
    """A rule's line in the table: an example of the rule, its verdicts, its own units."""

    rule: Rule
    verdicts: dict[str, Verdict]
    own_units: dict[str, str] = field(default_factory=dict)

    @functools.cached_property
    def rates(self) -> dict[str, Any]:
        """The hyper-parameters of the rule, or of all links of a chain, by name."""
        return {name: v for link in self.rule.links for name, v in link.rates().items()}

    @property
    def units(self) -> dict[str, str]:
        """The unit of each hyper-parameter."""
        own = self.own_units
        return {name: own.get(name, LETTERS[name].unit) for name in self.rates}

    @property
    def label(self) -> str:
        """The rule's name; a piece is followed by gd, whose α is the rate it has not."""
        return " >> ".join(type(link).__name__ for link in self.rule.links)

    def converted(self, column: str) -> dict[str, str]:
        """Return what must be converted under a transformation: ``{"alpha": "α/s²"}``."""
        found = {}
        for name in filter(self.rates.get, self.units):  # 0 stays 0
            powers = exponents(self.units[name])
            of_a, of_s = powers["J"], -powers["w"]
            if column == "J → aJ" and of_a:
                found[name] = _SYMBOLS[name] + _FACTORS[of_a].format("a")
            elif column == "w = sz" and of_s:
                found[name] = _SYMBOLS[name] + _FACTORS[of_s].format("s")
            elif column == "J → J + k" and name == "J_star":
                found[name] = _SYMBOLS[name] + " + k"
        return found

    def cell(self, column: str) -> str:
        """Return the cell of a column as the table shows it."""
        verdict = self.verdicts[column]
        if not verdict.follows:
            return "no"
        zero = " = ".join([*(_SYMBOLS[name] for name in verdict.zero), "0"])
        said = ["by blocks"] * verdict.blocks + [zero] * bool(verdict.zero)
        said += [text for name, text in self.converted(column).items() if name not in verdict.zero]
        return ", ".join(said) or "yes"


_FACTORS = {-2: "/{}²", -1: "/{}", 1: "·{}", 2: "·{}²"}
_SYMBOLS = {
    "alpha": "α", "eta": "η", "eps": "ε", "eps_root": "ε₀", "c": "c", "decay": "λ", "J_star": "J*",
    "r_eps": "rₑ", "d0": "d₀",
}  # fmt: skip

# One example of each rule, with every hyper-parameter large enough to be felt.  A piece has no rate
# of its own, so it is followed by one.
_BLOCKS = ((2, 2), 2)  # a matrix and a column
_RATE = every.gd(0.2)
_ADAM = {"eta": 0.3, "beta1": 0.8, "beta2": 0.9, "eps": 0.5}
_EXAMPLES = {
    "Average": every.Average(0.6) >> _RATE,
    "Clip": every.Clip(2.0) >> _RATE,
    "ClipEach": every.ClipEach(1.5) >> _RATE,
    "Greedy": every.Greedy() >> _RATE,
    "Momentum": every.Momentum(0.6) >> every.gd(0.05),
    "Nesterov": every.Nesterov(0.6) >> every.gd(0.05),
    "NewtonSchulz": every.NewtonSchulz(_BLOCKS) >> _RATE,
    "Polar": every.Polar(_BLOCKS) >> _RATE,
    "Sign": every.Sign() >> _RATE,
    "Trust": every.Trust(_BLOCKS) >> _RATE,
    "Unit": every.Unit() >> _RATE,
    "WeightDecay": every.WeightDecay(2.0) >> every.gd(0.05),
    "gd": every.gd(0.05),
    "ngd": every.ngd(0.3),
    "sign": every.sign(0.2),
    "clipped": every.clipped(0.1, 0.3),
    "momentum": every.momentum(0.05, 0.6),
    "nesterov": every.nesterov(0.05, 0.6),
    "normalized_momentum": every.normalized_momentum(0.3, 0.6),
    "lion": every.lion(0.2, 0.6, 0.8),
    "adagrad": every.adagrad(0.5, 0.5, 1.0),
    "adagrad_norm": every.adagrad_norm(0.5, 20.0),
    "rmsprop": every.rmsprop(0.3, 0.8, 0.5, 1.0),
    "rmsprop_norm": every.rmsprop_norm(0.3, 0.8),
    "adadelta": every.adadelta(0.8, 0.1),
    "adam": every.adam(**_ADAM, eps_root=1.0),
    "amsgrad": every.amsgrad(**_ADAM),
    "nadam": every.nadam(**_ADAM, warmup=0.5),
    "lars": every.lars(0.2, 0.6, 1.0, _BLOCKS),
    "lamb": every.lamb(0.2, 0.8, 0.9, 0.5, 0.5, _BLOCKS),
    "muon": every.muon(0.3, _BLOCKS, 0.6),
    "polyak": every.polyak(-0.5),
    "line_search": every.line_search(0.3, 0.3),
    "barzilai_borwein": every.barzilai_borwein(0.03),
    "barzilai_borwein_short": every.barzilai_borwein_short(0.03),
    "dog": every.dog(1.0, 0.2, 20.0),
    "dowg": every.dowg(1.0, 0.2, 0.5),
    "dadapt": every.dadapt(0.2),
    "dadapt_adam": every.dadapt_adam(3.0, 0.1, 0.5, 0.5, 0.5),
    "prodigy": every.prodigy(3.0, 0.1, 0.5, 0.5, 0.5),
}

# Where a letter is measured in another unit than that of LETTERS.  Behind a piece, gd's α has the
# unit of w over that of what the piece returns; LAMB's at_zero and decay meet no gradient but a
# direction.
_OWN_UNITS = {
    "Greedy": {"alpha": "w"},
    "NewtonSchulz": {"alpha": "w"},
    "Polar": {"alpha": "w"},
    "Sign": {"alpha": "w"},
    "Trust": {"alpha": "1"},
    "Unit": {"alpha": "w"},
    "lamb": {"at_zero": "w", "decay": "1/w"},
    "dowg": {"eps": "J"},
}

_VERDICTS = """
                        aJ   h(J)     J+k  z+b  Qz      sz   Dz                Dg
Average                 yes  no       yes  yes  yes     yes  no                no
Clip                    yes  no       yes  yes  yes     yes  no                no
ClipEach                yes  no       yes  yes  no      yes  no                no
Greedy                  yes  yes      yes  yes  no      yes  no                no
Momentum                yes  no       yes  yes  yes     yes  no                no
Nesterov                yes  no       yes  yes  yes     yes  no                no
NewtonSchulz            yes  yes      yes  yes  blocks  yes  no                blocks
Polar                   yes  yes      yes  yes  blocks  yes  no                blocks
Sign                    yes  yes      yes  yes  no      yes  no                yes
Trust                   yes  yes      yes  no   blocks  yes  blocks            blocks
Unit                    yes  yes      yes  yes  yes     yes  no                no
WeightDecay             yes  no       yes  no   yes     yes  no                no
gd                      yes  no       yes  yes  yes     yes  no                no
ngd                     yes  yes      yes  yes  yes     yes  no                no
sign                    yes  yes      yes  yes  no      yes  no                yes
clipped                 yes  no       yes  yes  yes     yes  no                no
momentum                yes  no       yes  yes  yes     yes  no                no
nesterov                yes  no       yes  yes  yes     yes  no                no
normalized_momentum     yes  no       yes  yes  yes     yes  no                no
lion                    yes  no       yes  yes  no      yes  no                yes
adagrad                 yes  no       yes  yes  no      yes  no                eps=eps_root=0
adagrad_norm            yes  no       yes  yes  yes     yes  no                no
rmsprop                 yes  no       yes  yes  no      yes  no                eps=eps_root=0
rmsprop_norm            yes  no       yes  yes  yes     yes  no                no
adadelta                no   no       yes  yes  no      no   no                no
adam                    yes  no       yes  yes  no      yes  no                eps=eps_root=0
amsgrad                 yes  no       yes  yes  no      yes  no                eps=0
nadam                   yes  no       yes  yes  no      yes  no                eps=0
lars                    yes  decay=0  yes  no   blocks  yes  blocks,decay=0    blocks,decay=0
lamb                    yes  no       yes  no   no      yes  blocks,eps=decay=0  eps=0
muon                    yes  no       yes  yes  blocks  yes  no                blocks
polyak                  yes  no       yes  yes  yes     yes  no                no
line_search             yes  no       yes  yes  yes     yes  no                no
barzilai_borwein        yes  no       yes  yes  yes     yes  no                no
barzilai_borwein_short  yes  no       yes  yes  yes     yes  no                no
dog                     yes  no       yes  yes  yes     yes  no                no
dowg                    yes  no       yes  yes  yes     yes  no                no
dadapt                  yes  no       yes  yes  yes     yes  no                no
dadapt_adam             yes  no       yes  yes  no      yes  no                no
prodigy                 yes  no       yes  yes  no      yes  no                no
"""


def _read(text: str) -> dict[str, Row]:
    rows = {}
    for name, *cells in map(str.split, text.strip().splitlines()[1:]):
        verdicts = dict(zip(TRANSFORMATIONS, map(_verdict, cells), strict=True))
        rows[name] = Row(_EXAMPLES[name], verdicts, _OWN_UNITS.get(name, {}))
    return rows


TABLE = _read(_VERDICTS)
"""Each rule's name and its :class:`Row`, in the order of :mod:`normgd.rules`."""


def _valley(w: Array) -> Array:
    """Return a curved valley in six coordinates, with no two of them alike."""
    return 1 + total((w[1:] - w[:-1] * w[:-1]) ** 2) + 0.5 * total((w - 1) ** 2)


class Example(NamedTuple):
    """A descent, and one change of its description for each column."""

    J: Function
    start: tuple[float, ...]
    changes: dict[str, Change]


EXAMPLE = Example(
    J=Function(_valley, dim=6, name="valley"),
    start=(0.93, -0.61, 1.32, 0.37, -1.14, 0.72),
    changes=dict(
        zip(
            TRANSFORMATIONS,
            (
                scale_cost(3.0),
                reshape_cost(np.log, lambda J: 1 / J),
                shift_cost(5.0),
                shift((1.0, -2.0, 0.5, 1.5, -1.0, 2.0)),
                turn(np.eye(6) - np.outer([1, 3, -2, 1, 2, -1], [1, 3, -2, 1, 2, -1]) / 10),
                scale(3.0),
                stretch((2.0, 0.5, 3.0, 1.0, 0.4, 1.5)),
                weigh((2.0, 0.5, 3.0, 1.0, 0.4, 1.5)),
            ),
            strict=True,
        )
    ),
)
"""Where the table says no, this descent strays by at least a hundredth of its path in five steps.

(The matrix of Qz is the mirror image in the plane at right angles to (1, 3, -2, 1, 2, -1).)
"""


class Table:
    """Rows of :data:`TABLE`, shown as text and, in a notebook, as HTML."""

    def __init__(self, rows: dict[str, Row]) -> None:
        self.rows = rows

    @property
    def cells(self) -> list[list[str]]:
        """Every line as the table shows it, the header first."""
        body = [[row.label, *map(row.cell, TRANSFORMATIONS)] for row in self.rows.values()]
        return [["rule", *TRANSFORMATIONS], *body]

    def __repr__(self) -> str:
        lines = self.cells
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = (map(str.ljust, line, widths) for line in lines)
        return "\n".join("  ".join(line).rstrip() for line in padded)

    def _repr_html_(self) -> str:
        head, *body = ([html.escape(cell) for cell in line] for line in self.cells)
        columns = "".join(f'<th scope="col">{cell}</th>' for cell in head)
        lines = "".join(
            f'<tr><th scope="row"><code>{name}</code></th>'
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>\n"
            for name, *cells in body
        )
        return (
            f'<table class="table">\n<thead><tr>{columns}</tr></thead>\n'
            f"<tbody>\n{lines}</tbody>\n</table>"
        )


def table(names: Iterable[str] | None = None) -> Table:
    """Return the table of these rules, or of all.

    Parameters
    ----------
    names : iterable of str, optional
        Names of :mod:`normgd.rules`, in the order in which to show them.

    Raises
    ------
    ValueError
        If a name is not that of a rule.
    """
    chosen = list(TABLE) if names is None else list(names)
    if unknown := [name for name in chosen if name not in TABLE]:
        raise ValueError(f"names must be names of rules, such as 'ngd'; got {unknown}")
    return Table({name: TABLE[name] for name in chosen})


__all__ = [
    "EXAMPLE", "TABLE", "TRANSFORMATIONS", "Change", "Example", "Row", "Table", "Verdict",
    "deviation", "exponents", "reshape_cost", "scale", "scale_cost", "shift", "shift_cost",
    "stretch", "table", "turn", "weigh",
]  # fmt: skip
