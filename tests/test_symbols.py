"""The record of a formula: traced through NumPy, read as SymPy, read as JavaScript."""

import json
import math
import random
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from conftest import require
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from normgd import ops
from normgd.symbols import (
    FUNCTIONS,
    JAVASCRIPT_PRELUDE,
    Expr,
    is_symbolic,
    lift,
    symbol,
    to_javascript,
    to_sympy,
    vector,
)  # fmt: skip

x, y = symbol("x"), symbol("y")
X, Y = sp.symbols("x y", real=True)


def test_operators_of_python_are_recorded():
    assert repr(+x) == "x"
    assert repr(abs(x)) == "absolute(x)"
    assert repr((x >= y) | (x < 1) & (x == y)) == (
        "logical_or(less_equal(y, x), logical_and(less(x, 1.0), equal(x, y)))"
    )
    assert repr(lift(np.array(2.5))) == "2.5"
    assert repr([x**2, x**1, x**0.5, x**-1, 2**x, x**y]) == (
        "[multiply(x, x), x, sqrt(x), divide(1.0, x), power(2.0, x), power(x, y)]"
    )


def test_what_is_not_finite_stays_so():
    for value, printed in ((math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")):
        assert to_javascript([lift(value)])[1] == [printed]
        assert str(to_sympy(lift(value))) in ("nan", "oo", "-oo")
    assert to_sympy(ops.power(x, 3)) == X**3
    assert "power(x, 3.0)" in to_javascript([ops.power(x, 3)])[0]


# A formula as a tree, evaluated here by plain operators: on floats, on fractions, on symbols.
UNARY = {
    "neg": lambda a: -a,
    "abs": abs,
    "square": lambda a: a**2,
    "cube": lambda a: a**3,
    "sqrt": ops.sqrt,
}
BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
# The primitives of ops, and what they mean on plain numbers.
CHOICES = {
    "maximum": (ops.maximum, max),
    "minimum": (ops.minimum, min),
    "less": (lambda a, b: ops.where(ops.less(a, b), a, 2 * b), lambda a, b: a if a < b else 2 * b),
    "sign": (lambda a, b: ops.sign(a) * b, lambda a, b: ((a > 0) - (a < 0)) * b),
}


def evaluate(tree, x, y, plain=False):
    if tree in ("x", "y"):
        return x if tree == "x" else y
    if not isinstance(tree, tuple):
        return lift(tree) if isinstance(x, Expr) else tree
    op, *args = tree
    args = [evaluate(arg, x, y, plain) for arg in args]
    if op in CHOICES:
        return CHOICES[op][plain](*args)
    return UNARY[op](*args) if op in UNARY else BINARY[op](*args)


leaves = st.sampled_from(["x", "y"]) | st.integers(-3, 3).map(Fraction) | st.just(Fraction(7, 4))
trees = st.recursive(
    leaves,
    lambda sub: (
        st.tuples(st.sampled_from(["neg", "abs", "square", "cube"]), sub)
        | st.tuples(st.sampled_from(sorted(BINARY | CHOICES)), sub, sub)
    ),
    max_leaves=8,
)
fractions = st.builds(Fraction, st.integers(-40, 40), st.integers(1, 16))


@settings(max_examples=60)
@given(trees, fractions, fractions)
def test_sympy_reads_a_traced_formula_as_the_exact_function(tree, a, b):
    try:
        expected = Fraction(evaluate(tree, a, b, plain=True))
    except ZeroDivisionError:
        assume(False)
    formula = sp.sympify(to_sympy(evaluate(tree, x, y)))
    got = formula.subs({X: sp.Rational(a), Y: sp.Rational(b)}, simultaneous=True)
    assume(got is not sp.nan and got.is_finite is not False)  # SymPy divided by a hidden 0
    assert got == sp.Rational(expected)


PLAIN = {
    "absolute": abs, "sign": lambda a: math.copysign(1, a), "arcsin": math.asin,
    "arccos": math.acos, "arctan": math.atan,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_elementary_function_is_itself_in_numpy_and_sympy(name):
    function = ops.sign if name == "sign" else getattr(np, name)
    plain = PLAIN.get(name) or getattr(math, name)
    for value in (0.3, 0.999):
        formula = to_sympy(function(np.array([x], dtype=object))[0])
        assert float(formula.subs(X, sp.Rational(repr(value)))) == pytest.approx(
            plain(value), rel=1e-14
        )


@pytest.mark.parametrize(
    ("traced", "expected"),
    [
        (lambda w: np.exp(w[0]) * 2, 2 * sp.exp(X)),
        (lambda w: np.sqrt(w[0] ** 2 + np.float64(3)), sp.sqrt(X**2 + 3)),
        (lambda w: np.abs(-w[0]) - np.int64(4), sp.Abs(X) - 4),
        (lambda w: 1 - w[0] ** 3 / 2, 1 - X**3 / 2),
        (lambda w: 2 ** w[0], 2**X),
        (lambda w: np.float32(0.5) / w[0], 1 / (2 * X)),
        (lambda w: np.array(2.0) * w[0] + w[0] * np.array(3.0), 5 * X),
        (lambda w: sum(np.array([1.0, 10.0]) * w), X + 10 * Y),
        (lambda w: np.sum(w**2), X**2 + Y**2),
        (lambda w: w @ np.array([[0, 1], [1, 0]]) @ w, 2 * X * Y),
        (lambda w: np.linalg.norm(w), sp.sqrt(X**2 + Y**2)),
        (lambda w: np.square(w[0]) + np.reciprocal(w)[1] + np.fabs(w)[1], X**2 + 1 / Y + sp.Abs(Y)),
        (lambda w: 0.1 + w[0], sp.Rational(1, 10) + X),
    ],
)
def test_plain_numpy_code_is_traced(traced, expected):
    assert sp.simplify(to_sympy(traced(np.array([x, y], dtype=object))) - expected) == 0


def test_arrays_of_symbols_become_nested_lists():
    assert to_sympy(np.array([[x, 2 * y]], dtype=object)) == [[X, 2 * Y]]
    assert to_sympy(vector("w", 2)) == list(sp.symbols("w0 w1", real=True))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: x if x else y,
        lambda: x < y < 1,
        lambda: min(x, y),
        lambda: max(x, y),
        lambda: sorted([x, y]),
        lambda: 1 if x == 0 else x,
        lambda: 1 if x != 0 else x,
        lambda: np.where(vector("w", 2) > 0, 1, 0),
        lambda: np.where(vector("w", 2) == 0, 1, 0),
        lambda: np.maximum(vector("w", 2), 0),
        lambda: np.sign(vector("w", 2)),
        lambda: np.max(vector("w", 2)),
    ],
)
def test_a_symbol_has_no_truth_value(ask):
    with pytest.raises(TypeError, match=r"no truth value: use where, maximum"):
        ask()


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: x + "a", lambda: x * None, lambda: x - 1j, lambda: x - [1], lambda: "a" / x,
        lambda: lift({}), lambda: to_javascript(["a"]), lambda: ops.where(x, y, None),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(mistake):
    with pytest.raises(TypeError, match="real numbers; got"):
        mistake()


@pytest.mark.parametrize(
    "unknown",
    [
        lambda: np.cbrt(vector("w", 2)),
        lambda: np.rint(vector("w", 2)),
        lambda: x % 2,
        lambda: float(x),
        lambda: math.exp(x),
    ],
)
def test_unknown_operations_are_refused(unknown):
    with pytest.raises(TypeError):
        unknown()


@pytest.mark.parametrize("reader", [to_sympy, lambda e: to_javascript([e])])
def test_a_reader_names_the_operation_it_does_not_know(reader):
    with pytest.raises(TypeError, match="'gamma_of'"):
        reader(Expr("gamma_of", x))


def test_only_traces_are_symbolic():
    assert is_symbolic(x)
    assert is_symbolic(vector("w", 1))
    assert not is_symbolic(np.ones(2))
    assert not is_symbolic(1.0)
    assert not is_symbolic("x")


# ------------------------------------------------------------------------- JavaScript


def test_javascript_computes_each_distinct_operation_once():
    r = ops.sqrt(x * x + y * y)
    body, results = to_javascript([x / r, y / ops.sqrt(x * x + y * y), x * x, x, 2.5])
    code = [line.split(" = ")[1] for line in body.splitlines()]
    assert len(code) == len(set(code)) == 6  # two squares, a sum, a root, two quotients
    assert results[2:] == ["_0", "x", "2.5"]


def test_javascript_keeps_the_recorded_order():
    body, (result,) = to_javascript([(1.0 + x) - (y + 1.0)])
    assert body == "const _0 = 1.0 + x;\nconst _1 = y + 1.0;\nconst _2 = _0 - _1;"
    assert result == "_2"


def test_a_sum_of_ten_thousand_terms_is_not_too_deep():
    body, _ = to_javascript([sum([x * float(k) for k in range(10_000)])])
    assert body.count("\n") > 19_000


def in_node(outputs, points):
    """Return the outputs at each point as Node computes them; -0 and the non-finite survive."""
    require(shutil.which("node"), "Node is needed to run the generated JavaScript")
    body, results = to_javascript(outputs)
    script = f"""{JAVASCRIPT_PRELUDE}
        const f = (x, y) => {{ {body}\nreturn [{", ".join(results)}]; }};
        const show = v => Object.is(v, -0) ? "-0" : String(v);
        const points = {json.dumps(points)};
        process.stdout.write(JSON.stringify(points.map(p => f(...p).map(show))));"""
    run = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    return np.array(json.loads(run.stdout)).astype(float).T


def random_tree(rng, depth):
    """A formula of the operations that are rounded identically everywhere."""
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(["x", "y", *map(np.float64, (rng.uniform(-3, 3), 0.1, 1e-200, -7))])
    op = rng.choice(["neg", "abs", "square", "sqrt", *BINARY, *CHOICES])
    arity = 1 if op in UNARY else 2
    return (op, *(random_tree(rng, depth - 1) for _ in range(arity)))


def test_node_and_numpy_compute_the_same_bits():
    rng = random.Random(2)
    formulas = [("+", "x", random_tree(rng, rng.randint(1, 6))) for _ in range(300)]
    points = [(rng.uniform(-4, 4), rng.uniform(-4, 4)) for _ in range(40)]
    points += [(1e200, -3e-200), (5e-324, 1e308), (0.1, 0.1)]
    with np.errstate(all="ignore"):
        a, b = np.array(points).T
        expected = np.array([evaluate(tree, a, b) for tree in formulas])
        traced = [evaluate(tree, x, y) for tree in formulas]
    got = in_node(traced, points)
    np.testing.assert_array_equal(got, expected)
    assert np.isfinite(expected).mean() > 0.5


def test_unit_and_norm_compute_the_same_bits_in_node():
    # As fractions of powers of two up to both ends of the floats, where naive squares fail.
    rng = random.Random(3)
    points = [
        [math.ldexp(rng.uniform(-1, 1), rng.randint(-1073, 1023)) for _ in range(2)]
        for _ in range(300)
    ]
    points += [[3.0, 4.0], [0.0, 0.0], [0.0, -2.0], [5e-324, 5e-324], [1.7e308, 0.0]]
    w = np.array([x, y], dtype=object)
    got = in_node([*ops.unit(w), ops.norm(w)], points)
    g = np.array(points).T
    np.testing.assert_array_equal(got, [*ops.unit(g), ops.norm(g)])
