"""Traced expressions: run a formula once on symbols, then read it as SymPy or as JavaScript.

An :class:`Expr` records every operation applied to it, in order.
Hand a rule or a landscape a NumPy object array of them, and the very code that computes numbers
returns its own formula.  Two readings of the record exist:

* :func:`to_sympy` gives a SymPy expression, for derivatives and for LaTeX;
* :func:`to_javascript` gives straight-line JavaScript in the recorded order.

The order matters.  Addition, subtraction, multiplication, division and the square root are
rounded identically by NumPy and by JavaScript (IEEE 754), so code that uses only these gives the
same bits in both, even along a chaotic path.  A printer that sorts terms first would not.
(Write ``x * x``: the power ``x**2`` of a single number may differ from it in the last bit.)
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

# Elementary functions of one argument: NumPy's name -> JavaScript's.  NumPy calls a method of the
# ufunc's name on each element of an object array, so `np.exp(x)` works on symbols too.
FUNCTIONS = {
    "sqrt": "Math.sqrt", "exp": "Math.exp", "expm1": "Math.expm1", "log": "Math.log",
    "log1p": "Math.log1p", "log2": "Math.log2", "log10": "Math.log10", "sin": "Math.sin",
    "cos": "Math.cos", "tan": "Math.tan", "arcsin": "Math.asin", "arccos": "Math.acos",
    "arctan": "Math.atan", "sinh": "Math.sinh", "cosh": "Math.cosh", "tanh": "Math.tanh",
    "floor": "Math.floor", "ceil": "Math.ceil", "absolute": "Math.abs", "sign": "Math.sign",
}  # fmt: skip
INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
COMPARE = {"less": "<", "less_equal": "<=", "equal": "===", "logical_and": "&&", "logical_or": "||"}

# `scale(g)`: the largest power of two that is at most max|g_i|; 1 if g = 0, NaN if g is not finite.
# Dividing by it is exact, so a norm of the quotient can neither overflow nor underflow.
JAVASCRIPT_PRELUDE = """\
const scale = (...g) => {
  let m = 0;
  for (const x of g) { if (!Number.isFinite(x)) return NaN; m = Math.max(m, Math.abs(x)); }
  if (m === 0) return 1;
  let e = Math.floor(Math.log2(m)), p = 2 ** e;
  while (p > m) p = 2 ** --e;
  while (2 * p <= m) p *= 2;
  return p;
};
const maximum = (a, b) => (a !== a || b !== b ? NaN : a >= b ? a : b);
const minimum = (a, b) => (a !== a || b !== b ? NaN : a <= b ? a : b);
const power = (x, n) => {
  let p = 1;
  for (; n > 0; n = Math.floor(n / 2)) { if (n % 2) p *= x; x *= x; }
  return p;
};
"""


class Expr:
    """A node of a traced formula: the name of an operation and its arguments.

    Made by :func:`symbol`, and by arithmetic on other nodes.  A node has no value, so asking
    whether it is true raises ``TypeError``: code that branches on values cannot be traced.
    """

    __slots__ = ("args", "op")

    def __init__(self, op: str, *args: Any) -> None:
        self.op = op
        self.args = args

    def __repr__(self) -> str:
        if self.op in ("symbol", "constant"):
            return f"{self.args[0]}"
        return f"{self.op}({', '.join(map(repr, self.args))})"

    def __bool__(self) -> bool:
        raise TypeError(
            "a traced formula has no truth value: use where, maximum, minimum, sign, less and "
            "less_equal from normgd.ops instead of if, max, min, np.where, np.sign and <"
        )

    def __add__(self, other: Any) -> Expr:
        return binary("add", self, other)

    def __radd__(self, other: Any) -> Expr:
        # sum() starts from the integer 0; adding it changes nothing.
        return self if isinstance(other, int) and other == 0 else binary("add", other, self)

    def __sub__(self, other: Any) -> Expr:
        return binary("subtract", self, other)

    def __rsub__(self, other: Any) -> Expr:
        return binary("subtract", other, self)

    def __mul__(self, other: Any) -> Expr:
        return binary("multiply", self, other)

    def __rmul__(self, other: Any) -> Expr:
        return binary("multiply", other, self)

    def __truediv__(self, other: Any) -> Expr:
        return binary("divide", self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return binary("divide", other, self)

    def __pow__(self, other: Any) -> Expr:
        # NumPy has shortcuts for these powers of an array; all others call the C library.
        if isinstance(other, numbers.Real):
            if other == 2:
                return binary("multiply", self, self)
            if other == 1:
                return self
            if other == 0.5:
                return node("sqrt", self)
            if other == -1:
                return binary("divide", 1.0, self)
        return binary("power", self, other)

    def __rpow__(self, other: Any) -> Expr:
        return binary("power", other, self)

    def __neg__(self) -> Expr:
        return node("negative", self)

    def __pos__(self) -> Expr:
        return self

    def __abs__(self) -> Expr:
        return node("absolute", self)

    def __lt__(self, other: Any) -> Expr:
        return binary("less", self, other)

    def __le__(self, other: Any) -> Expr:
        return binary("less_equal", self, other)

    def __gt__(self, other: Any) -> Expr:
        return binary("less", other, self)

    def __ge__(self, other: Any) -> Expr:
        return binary("less_equal", other, self)

    # Comparing records an operation too: without these, `if x == 0` would silently be false.
    def __eq__(self, other: Any) -> Any:
        return binary("equal", self, other)

    def __ne__(self, other: Any) -> Any:
        raise TypeError(
            "a traced formula has no truth value: use where, maximum, minimum, sign, less, equal "
            "from normgd.ops; got !="
        )

    __hash__ = object.__hash__

    def __and__(self, other: Any) -> Expr:
        return binary("logical_and", self, other)

    def __or__(self, other: Any) -> Expr:
        return binary("logical_or", self, other)


class Formal(Expr):
    """A traced formula whose letters stand for whole vectors, as on paper.

    Where an :class:`Expr` has a symbol for each coordinate of g, here g itself is the symbol, and
    ``norm(g)`` is recorded as it stands.
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[Formal]:
        """The number of coordinates: a letter, too."""
        return (Formal("symbol", "d"),)

    def reshape(self, *shape: Any) -> Formal:
        """Return itself: a letter has no coordinates to arrange."""
        return self

    # NumPy would take it for an array of one object, and the sum of one is itself.
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Expr:
        if method != "__call__" or more:
            raise TypeError(f"{ufunc.__name__}.{method} has no formula")
        if ufunc.__name__ == "square":
            return node("multiply", *inputs, *inputs)
        return node(ufunc.__name__, *inputs)

    def __array_function__(self, function: Any, *_: Any) -> Any:
        raise TypeError(
            f"{function.__name__} has no formula: use norm and unit of normgd, total and dot of "
            f"normgd.ops"
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a letter is no array")


def _method(name: str) -> Any:
    def method(self: Expr) -> Expr:
        return node(name, self)

    method.__name__ = name
    method.__doc__ = f"Record ``np.{name}``."
    return method


for _name in FUNCTIONS:
    setattr(Expr, _name, _method(_name))
Expr.fabs = Expr.absolute  # type: ignore[attr-defined]
Expr.__floor__ = Expr.floor  # type: ignore[attr-defined]
Expr.__ceil__ = Expr.ceil  # type: ignore[attr-defined]
Expr.square = lambda self: self * self  # type: ignore[attr-defined]


def lift(x: Any) -> Expr:
    """Make a node of a number; a node stays itself."""
    if isinstance(x, Expr):
        return x
    if isinstance(x, np.ndarray) and x.ndim == 0:
        return lift(x.item())
    if isinstance(x, (numbers.Real, np.bool_)):
        return Expr("constant", float(x))
    raise TypeError(f"a traced formula works on real numbers; got {x!r}")


def binary(op: str, a: Any, b: Any) -> Any:
    """Record ``op(a, b)``; arrays are left to NumPy, which comes back here element by element."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return NotImplemented
    return node(op, a, b)


def node(op: str, *args: Any) -> Expr:
    """Record an operation; it is formal if one of its arguments is."""
    lifted = tuple(map(lift, args))
    if any(isinstance(x, Formal) for x in lifted):
        simpler = _on_paper(op, lifted)
        if simpler is None:
            return Formal(op, *lifted)
        return simpler if isinstance(simpler, Formal) else Formal(simpler.op, *simpler.args)
    return Expr(op, *lifted)


def _on_paper(op: str, args: tuple[Expr, ...]) -> Expr | None:
    """Return what nobody would write as an operation: x + 0, 1 x, 0 x, a guard against x / 0."""

    def is_(x: Expr, number: float) -> bool:
        return x.op == "constant" and bool(x.args[0] == number)

    a, b = args[0], args[-1]
    if op == "add" and (is_(a, 0) or is_(b, 0)):
        return b if is_(a, 0) else a
    if op == "multiply" and any(is_(x, number) for x in args for number in (0, 1)):
        return b if is_(a, 1) or is_(b, 0) else a
    if (op == "subtract" and is_(b, 0)) or (op == "divide" and (is_(a, 0) or is_(b, 1))):
        return a
    if op in ("power", "power_by_squaring", "sqrt") and is_(a, 0):
        return a
    if op == "where" and a.op == "equal" and is_(args[1], 0):
        return b
    return None


def symbol(name: str) -> Expr:
    """Return the symbol of this name.

    >>> x = symbol("x")
    >>> (1.0 + x * x).sqrt()
    sqrt(add(1.0, multiply(x, x)))
    """
    return Expr("symbol", name)


def vector(name: str, d: int) -> np.ndarray:
    """Return an object array of the symbols ``name0 ... name{d-1}``, shape ``(d,)``."""
    return np.array([symbol(f"{name}{i}") for i in range(d)], dtype=object)


def is_symbolic(x: Any) -> bool:
    """Tell whether ``x`` is a traced expression or an array of them."""
    return isinstance(x, Expr) or (isinstance(x, np.ndarray) and x.dtype == object)


def _postorder(roots: Iterable[Expr]) -> list[Expr]:
    """List every node under ``roots`` once, arguments before the operations that use them."""
    order: list[Expr] = []
    seen: set[int] = set()
    # A stack instead of recursion: long sums are deep.
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            if node.op not in ("symbol", "constant"):
                stack.extend((child, False) for child in reversed(node.args))
    return order


def to_sympy(x: Any) -> Any:
    """Read a traced expression as a SymPy expression; arrays become nested lists.

    Symbols are real.  A whole float becomes an integer and other floats the shortest fraction
    that rounds back to them where it is short (0.1 is 1/10), so that derivatives stay exact.
    """
    import sympy as sp

    if isinstance(x, (list, tuple)) or (isinstance(x, np.ndarray) and x.ndim):
        return [to_sympy(item) for item in x]

    binary_ops = {
        "add": sp.Add, "subtract": lambda a, b: a - b, "multiply": sp.Mul,
        "divide": lambda a, b: a / b, "power": sp.Pow, "power_by_squaring": sp.Pow,
        "maximum": sp.Max, "minimum": sp.Min,
        "less": sp.StrictLessThan, "less_equal": sp.LessThan, "equal": sp.Eq,
        "logical_and": sp.And, "logical_or": sp.Or,
    }  # fmt: skip
    named = {
        "absolute": sp.Abs, "arcsin": sp.asin, "arccos": sp.acos, "arctan": sp.atan,
        "ceil": sp.ceiling, "expm1": lambda a: sp.exp(a) - 1, "log1p": lambda a: sp.log(1 + a),
        "log2": lambda a: sp.log(a, 2), "log10": lambda a: sp.log(a, 10),
        "negative": lambda a: -a, "unit": lambda a: a / sp.Function("norm")(a),
    }  # fmt: skip
    # What a formula of letters says of whole vectors, matrices and landscapes.
    formal = ("norm", "total", "value", "gradient", "greedy", "polar", "newton_schulz")
    named |= {name: sp.Function(name) for name in formal}

    def constant(value: float) -> Any:
        if not math.isfinite(value):
            return sp.sympify(value)
        return sp.Rational(repr(value))

    root = lift(x)
    values: dict[int, Any] = {}
    for node in _postorder([root]):
        if node.op == "symbol":
            values[id(node)] = sp.Symbol(node.args[0], real=True)
            continue
        if node.op == "constant":
            values[id(node)] = constant(node.args[0])
            continue
        args = [values[id(child)] for child in node.args]
        if node.op in binary_ops:
            result = binary_ops[node.op](*args)
        elif node.op == "where":
            result = sp.Piecewise((args[1], args[0]), (args[2], True))
        elif node.op == "scale":
            result = sp.Integer(1)  # a scale that divides out again: no part of the mathematics
        else:
            if node.op not in FUNCTIONS and node.op not in named:
                raise TypeError(f"there is no SymPy function for the operation {node.op!r}")
            result = named.get(node.op) or getattr(sp, node.op)
            result = result(*args)
        values[id(node)] = result
    return values[id(root)]


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)  # Python and JavaScript print and read the same shortest decimal
    return f"({text})" if text.startswith("-") else text


def to_javascript(outputs: Sequence[Any]) -> tuple[str, list[str]]:
    """Print traced expressions as JavaScript, each distinct operation computed once.

    Parameters
    ----------
    outputs : sequence of Expr or numbers
        What is to be computed, for instance the components of the next iterate.

    Returns
    -------
    body : str
        ``const`` declarations in the recorded order; symbols appear by their names.
    results : list of str
        The JavaScript expression (a name or a number) of each output.
    """
    roots = [lift(x) for x in outputs]
    text: dict[int, str] = {}
    known: dict[str, str] = {}
    lines: list[str] = []
    for node in _postorder(roots):
        if node.op == "symbol":
            text[id(node)] = node.args[0]
            continue
        if node.op == "constant":
            text[id(node)] = _number(node.args[0])
            continue
        args = [text[id(child)] for child in node.args]
        if node.op in INFIX:
            code = f"{args[0]} {INFIX[node.op]} {args[1]}"
        elif node.op in COMPARE:
            code = f"{args[0]} {COMPARE[node.op]} {args[1]}"
        elif node.op in FUNCTIONS:
            code = f"{FUNCTIONS[node.op]}({args[0]})"
        elif node.op == "negative":
            code = f"-{args[0]}"
        elif node.op == "power":
            code = f"Math.pow({args[0]}, {args[1]})"
        elif node.op == "power_by_squaring":
            code = f"power({args[0]}, {args[1]})"
        elif node.op == "where":
            code = f"{args[0]} ? {args[1]} : {args[2]}"
        elif node.op in ("maximum", "minimum", "scale"):
            code = f"{node.op}({', '.join(args)})"
        else:
            raise TypeError(f"there is no JavaScript for the operation {node.op!r}")
        if code not in known:
            known[code] = f"_{len(lines)}"
            lines.append(f"const {known[code]} = {code};")
        text[id(node)] = known[code]
    return "\n".join(lines), [text[id(root)] for root in roots]
