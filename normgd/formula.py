r"""Formulas: the code of a rule, read as the textbook's LaTeX.

>>> from normgd import adagrad, momentum
>>> print(formula(momentum(alpha=0.1)))
m_t = \beta m_{t-1} + g_t
w_{t+1} = w_t - \alpha m_t

Nothing is written twice: the rule's own code runs once, on letters that stand for whole vectors
(:class:`normgd.symbols.Formal`), and every quantity that the code gives a name keeps it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .rule import LETTERS, Rule, as_rule
from .symbols import Expr, Formal, _postorder, lift, node, to_sympy

# The LaTeX of quantities that any code may name so; @ is the step.  Rules have theirs in `letters`.
NAMES = {"m_hat": r"\hat m_@", "v_hat": r"\hat v_@", "mu": r"\mu_@", "delta": r"\delta_@"}


@dataclass(frozen=True, repr=False)
class Formula:
    """The formula of a rule: what :func:`formula` returns.  A notebook shows it as mathematics.

    Attributes
    ----------
    equations : tuple of (str, Expr)
        The LaTeX of each quantity that the code names and what it is, in the order of computation;
        the last is :math:`w_{t+1}`.
    names : dict
        The LaTeX of each named node, by its identity.
    """

    equations: tuple[tuple[str, Expr], ...]
    names: dict[int, str]

    @property
    def sympy(self) -> Any:
        """What is :math:`w_{t+1}`, all names replaced by what they stand for, as SymPy has it."""
        return to_sympy(self.equations[-1][1])

    @property
    def lines(self) -> list[str]:
        """The equations as LaTeX, one a line."""
        return [f"{name} = {self._print(value)}" for name, value in self.equations]

    @property
    def latex(self) -> str:
        """The equations as one aligned block, without dollar signs."""
        rows = (line.replace(" = ", " &= ", 1) for line in self.lines)
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _print(self, value: Expr) -> str:
        return _Printer(self.names).top(value)

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__


def formula(rule: Any, values: bool = False) -> Formula:
    r"""Read a rule's code as its formula.

    Parameters
    ----------
    rule : Rule or callable
        The rule, a chain or a plain function of g.
    values : bool
        Whether to show hyper-parameters by their numbers instead of their letters.  One that is 0
        is left out in either case.

    Returns
    -------
    Formula
        What a notebook shows as mathematics; its ``latex`` and ``lines`` are text.

    Raises
    ------
    TypeError
        If the rule branches on values, and so has no formula.

    Examples
    --------
    >>> from normgd import Momentum, Unit, adam, gd
    >>> print(formula(Momentum(0.9) >> Unit() >> gd(alpha=0.1), values=True))
    m_t = 0.9 m_{t-1} + g_t
    w_{t+1} = w_t - 0.1 \frac{m_t}{\lVert m_t \rVert}
    >>> formula(adam(beta1=0)).lines[-1]
    'w_{t+1} = w_t - \\eta \\frac{g_t}{\\sqrt{\\hat v_t} + \\varepsilon}'
    """
    trace = _Trace(values)
    w = Formal("symbol", "w_t")
    step = Formal("symbol", "g_t")
    rule = as_rule(rule)
    for link in rule.links:
        step = trace.follow(link, step, w)
    return trace.formula(node("subtract", w, step))


class _Landscape:
    """J in a formula: its value and gradient at a letter are letters."""

    def __call__(self, w: Any) -> Expr:
        return node("value", w)

    def grad(self, w: Any) -> Expr:
        return node("gradient", w)


class _Trace:
    """The run of a rule's code on letters, and the names that the code gives to quantities."""

    def __init__(self, values: bool) -> None:
        self.values = values
        self.names: dict[int, str] = {}
        self.used: Counter[str] = Counter()  # how many rules of a chain have a letter
        self.kept: list[Expr] = []  # every named node; also keeps identities from being reused

    def name(self, value: Any, latex: str) -> None:
        """Give a quantity a name, unless it has one or is a letter or number itself."""
        nameless = ("symbol", "constant", *RELATIONS)
        if not isinstance(value, Expr) or value.op in nameless or id(value) in self.names:
            return
        while latex in self.names.values():
            latex += "'"
        self.names[id(value)] = latex
        self.kept.append(value)

    def follow(self, rule: Rule, g: Expr, w: Expr) -> Any:
        """Run one rule from ``g`` and return its step."""
        names = NAMES | rule.letters
        # In a chain a letter that an earlier rule has gets a prime.
        own = {*rule.rates(), *rule.memories}
        primes = {name: "'" * self.used[name] for name in own}
        self.used.update(own)
        letters = {}
        for name, rate in rule.rates().items():
            if callable(rate):
                letters[name] = Formal("symbol", _primed(_latex(name, names), primes[name]))
            elif not (isinstance(rate, float) and (self.values or rate == 0)):
                latex = LETTERS[name].latex if name in LETTERS else _spelt(name)
                letters[name] = Formal("symbol", _primed(latex, primes[name]))
        settings = {name: None for name in rule._fields() if name == "blocks"}
        named = dataclasses.replace(rule, **letters, **settings)
        memory = tuple(
            Formal("symbol", _primed(_latex(m, names, "t-1"), primes[m])) for m in rule.memories
        )
        t = Formal("symbol", "t")
        try:
            with _frames(g) as frames:
                step, after = named.step(g, memory, t, w, _Landscape())
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise TypeError(
                f"{rule!r} has no formula: its code branches on values or looks at single "
                f"coordinates; {error}"
            ) from error
        for m, value in zip(rule.memories, after, strict=True):
            self.name(value, _primed(_latex(m, names), primes[m]))
        for variables in frames:
            for local, value in variables.items():
                if local != "g":  # the step of the rule before, in a chain
                    self.name(value, _latex(local, names))
        self.kept += [lift(value) for value in after if isinstance(value, Expr)]
        return step

    def formula(self, after: Expr) -> Formula:
        """Collect the named quantities, each after those that it is computed from."""
        needed = [*self.kept, after]
        order = [n for n in _postorder(needed) if id(n) in self.names]
        equations = [(self.names[id(n)], n) for n in order]
        return Formula((*equations, ("w_{t+1}", after)), self.names)


@contextmanager
def _frames(g: Expr) -> Iterator[list[dict[str, Any]]]:
    """Collect the local variables of every function that is given ``g`` as its g."""
    # Coverage cannot see into a profiler: every test of a formula runs it.
    entered: list[Any] = []
    collected: list[dict[str, Any]] = []

    def watch(frame: Any, event: str, result: Any) -> None:  # pragma: no cover
        own = frame.f_globals.get("__name__") == Rule.__module__  # Rule.step and the like
        if event == "call" and frame.f_locals.get("g") is g and not own:
            entered.append(frame)
        elif event == "return" and frame in entered:
            collected.append(dict(frame.f_locals))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield collected
    finally:
        sys.setprofile(before)


def _spelt(name: str) -> str:
    """Return a name as LaTeX, its digits as an index."""
    word = name.rstrip("0123456789")
    index, letter = name[len(word) :], word.rstrip("_")
    shown = letter if len(letter) == 1 else rf"\text{{{letter.replace('_', ' ')}}}"
    return f"{shown}_{index}" if index else shown


def _latex(name: str, names: dict[str, str], t: str = "t") -> str:
    """Return the LaTeX of a quantity in code at step t; of a hyper-parameter that has a step."""
    if name in names:
        indexed = names[name]
    else:
        letter, _, index = (LETTERS[name].latex if name in LETTERS else _spelt(name)).partition("_")
        indexed = f"{letter}_{{{index},@}}" if index else f"{letter}_@"
    return indexed.replace("_@", f"_{t}" if len(t) == 1 else f"_{{{t}}}").replace("@", t)


def _primed(latex: str, primes: str) -> str:
    """Put primes behind a letter, before its index."""
    letter, underscore, index = latex.partition("_")
    return letter + primes + underscore + index


class _Printer:
    """Prints traced expressions as LaTeX, in the recorded order; named ones by their names."""

    SUM, PRODUCT, ATOM = range(3)

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names

    def top(self, x: Expr) -> str:
        """Print what a name stands for."""
        return self._operation(x)[0]

    def show(self, x: Expr, least: int = 0) -> str:
        """Print an argument, in parentheses if it binds less than is needed."""
        text, level = (self.names[id(x)], self.ATOM) if id(x) in self.names else self._operation(x)
        return text if level >= least else rf"\left({text}\right)"

    def _operation(self, x: Expr) -> tuple[str, int]:
        if x.op == "symbol":
            return x.args[0], self.ATOM
        if x.op == "constant":
            return _number(x.args[0])
        method = getattr(self, f"_{x.op}", None)
        if method is not None:
            return method(*x.args)
        if x.op in RELATIONS:
            a, b = map(self.show, x.args)
            return f"{a} {RELATIONS[x.op]} {b}", self.SUM
        inside = ", ".join(map(self.show, x.args))
        name = FUNCTIONS.get(x.op, rf"\operatorname{{{x.op.replace('_', ' ')}}}")
        return rf"{name}\left({inside}\right)", self.ATOM

    def _add(self, a: Expr, b: Expr) -> tuple[str, int]:
        return f"{self.show(a)} + {self.show(b)}".replace("+ -", "- "), self.SUM

    def _subtract(self, a: Expr, b: Expr) -> tuple[str, int]:
        return f"{self.show(a)} - {self.show(b, self.PRODUCT)}", self.SUM

    def _negative(self, a: Expr) -> tuple[str, int]:
        return f"-{self.show(a, self.PRODUCT)}", self.SUM

    def _multiply(self, a: Expr, b: Expr) -> tuple[str, int]:
        if a.op == "constant" and a.args[0] == -1:
            return self._negative(b)
        # A sign in front would be taken for the sign of the whole product.
        first = self.ATOM if a.op == "sign" else self.PRODUCT
        left, right = self.show(a, first), self.show(b, self.PRODUCT)
        if left == right:
            return self._power(a, lift(2))
        dot = r" \cdot " if right[0].isdigit() else " "
        return f"{left}{dot}{right}", self.PRODUCT

    def _divide(self, a: Expr, b: Expr) -> tuple[str, int]:
        return rf"\frac{{{self.show(a)}}}{{{self.show(b)}}}", self.PRODUCT

    def _power(self, a: Expr, n: Expr) -> tuple[str, int]:
        base = self.show(a, self.ATOM)
        if "^" in base or "'" in base:
            base = rf"\left({base}\right)"
        return f"{base}^{{{self.show(n)}}}".replace("^{2}", "^2"), self.ATOM

    _power_by_squaring = _power

    def _sqrt(self, a: Expr) -> tuple[str, int]:
        return rf"\sqrt{{{self.show(a)}}}", self.ATOM

    def _absolute(self, a: Expr) -> tuple[str, int]:
        return rf"\lvert {self.show(a)} \rvert", self.ATOM

    def _norm(self, a: Expr) -> tuple[str, int]:
        return rf"\lVert {self.show(a)} \rVert", self.ATOM

    def _unit(self, a: Expr) -> tuple[str, int]:
        shown = self.show(a)
        return rf"\frac{{{shown}}}{{\lVert {shown} \rVert}}", self.PRODUCT

    def _total(self, a: Expr) -> tuple[str, int]:
        if a.op == "absolute":
            return rf"\lVert {self.show(a.args[0])} \rVert_1", self.ATOM
        if a.op == "multiply" and self.show(a.args[0]) == self.show(a.args[1]):
            return rf"\lVert {self.show(a.args[0])} \rVert^2", self.ATOM
        if a.op == "multiply" and "constant" not in (a.args[0].op, a.args[1].op):
            inside = ", ".join(map(self.show, a.args))
            return rf"\langle {inside} \rangle", self.ATOM
        return rf"\sum_i {self.show(a, self.PRODUCT)}", self.SUM

    def _sign(self, a: Expr) -> tuple[str, int]:
        return rf"\operatorname{{sign}} {self.show(a, self.ATOM)}", self.PRODUCT

    def _gradient(self, a: Expr) -> tuple[str, int]:
        return rf"\nabla J\left({self.show(a)}\right)", self.ATOM

    def _where(self, condition: Expr, a: Expr, b: Expr) -> tuple[str, int]:
        cases = [(a, self.show(condition))]
        while b.op == "where" and id(b) not in self.names:
            condition, a, b = b.args
            cases.append((a, self.show(condition)))
        rows = [f"{self.show(value)} & {when}" for value, when in cases]
        rows.append(rf"{self.show(b)} & \text{{otherwise}}")
        body = r" \\ ".join(rows)
        return rf"\begin{{cases}} {body} \end{{cases}}", self.PRODUCT


RELATIONS = {"less": "<", "less_equal": r"\le", "equal": "="}
FUNCTIONS = {"maximum": r"\max", "minimum": r"\min", "value": "J", "exp": r"\exp", "log": r"\ln"}


def _number(value: float) -> tuple[str, int]:
    """Print a number with at most six digits."""
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    level = _Printer.SUM if value < 0 else _Printer.ATOM
    if not exponent:
        return mantissa, level
    power = f"10^{{{int(exponent)}}}"
    shown = power if mantissa == "1" else rf"{mantissa} \cdot {power}"
    return shown, min(level, _Printer.ATOM if mantissa == "1" else _Printer.PRODUCT)


__all__ = ["Formula", "formula"]
