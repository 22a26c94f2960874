"""The landscapes, against textbook formulas written again here and differentiated by SymPy."""

import dataclasses
import functools
import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from normgd import Function, ops
from normgd import functions as F
from normgd.symbols import to_sympy, vector

rng = np.random.default_rng(7)
DATA, LABELS = rng.normal(size=(9, 2)), np.sign(rng.normal(size=9))
BASES = {d: np.linalg.qr(rng.normal(size=(d, d)))[0] for d in (3, 5)}


def absolute_value(s):
    return sp.sqrt(s**2)  # of a symbol not known to be real: no delta functions


def squares(w):
    return sum(s**2 for s in w)


def turned(eigenvalues, Q, centre):
    """½ Σ λᵢ ⟨qᵢ, w − w*⟩²"""
    return lambda w: sum(
        lam * sum(q * (s - c) for q, s, c in zip(column, w, centre, strict=True)) ** 2 / 2
        for lam, column in zip(eigenvalues, Q.T, strict=True)
    )


def cliff_formula(w):
    r = absolute_value(w[0])
    far = 5 + 1000 * 5 + (r - 10) / 10**6
    return sp.Piecewise((r, r <= 5), (5 + 1000 * (r - 5), r <= 10), (far, True))


def logistic_formula(w):
    losses = (
        sp.log(1 + sp.exp(-y * sum(x * s for x, s in zip(row, w, strict=True))))
        for row, y in zip(DATA, LABELS, strict=True)
    )
    return sum(losses) / len(LABELS)


def plane_turn(angle):
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


# name: (landscape, textbook formula, number of coordinates)
CASES = {
    "quadratic-1d": (F.quadratic([3]), lambda w: 3 * w[0] ** 2 / 2, 1),
    "quadratic-2d": (F.quadratic([1, 10]), lambda w: (w[0] ** 2 + 10 * w[1] ** 2) / 2, 2),
    "quadratic-turned": (
        F.quadratic([1, 10], angle=0.7, minimiser=(1, -2)),
        turned([1, 10], plane_turn(0.7), (1, -2)),
        2,
    ),
    "quadratic-indefinite": (
        F.quadratic([-2, 5], angle=-1.2), turned([-2, 5], plane_turn(-1.2), (0, 0)), 2,
    ),
    "quadratic-3d": (
        F.quadratic([4, 0.5, 1], basis=BASES[3], minimiser=[1, 0, -1]),
        turned([4, 0.5, 1], BASES[3], (1, 0, -1)),
        3,
    ),
    "quadratic-4d": (F.quadratic([1, 2, 3, 4]), turned([1, 2, 3, 4], np.eye(4), [0] * 4), 4),
    "quadratic-5d": (
        F.quadratic([1, 2, 3, 4, 50], basis=BASES[5]),
        turned([1, 2, 3, 4, 50], BASES[5], [0] * 5),
        5,
    ),
    "rosenbrock": (F.rosenbrock, lambda w: (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2, 2),
    "beale": (
        F.beale,
        lambda w: sum(
            (c - w[0] * (1 - w[1] ** k)) ** 2
            for k, c in ((1, sp.Rational(3, 2)), (2, sp.Rational(9, 4)), (3, sp.Rational(21, 8)))
        ),
        2,
    ),
    "himmelblau": (
        F.himmelblau, lambda w: (w[0] ** 2 + w[1] - 11) ** 2 + (w[0] + w[1] ** 2 - 7) ** 2, 2,
    ),
    "saddle": (F.saddle, lambda w: w[0] ** 2 - w[1] ** 2, 2),
    "monkey_saddle": (F.monkey_saddle, lambda w: w[0] ** 3 - 3 * w[0] * w[1] ** 2, 2),
    "quartic": (F.quartic, lambda w: sum(s**4 for s in w), 3),
    "power-1.5": (F.power(1.5), lambda w: (w[0] ** 2) ** sp.Rational(3, 4), 1),
    "power-3": (F.power(3), lambda w: absolute_value(w[0]) ** 3, 1),
    "absolute": (F.absolute, lambda w: sum(map(absolute_value, w)), 2),
    "cone": (F.cone, lambda w: sp.sqrt(squares(w)), 3),
    "plateau": (F.plateau, lambda w: 1 - 1 / (1 + squares(w)), 2),
    "cliff": (F.cliff, cliff_formula, 1),
    "double_well": (F.double_well, lambda w: (w[0] ** 2 - 1) ** 2 / 4, 1),
    "half_line": (F.half_line, lambda w: sp.sqrt(squares(w)) - w[1], 2),
    "barrier": (F.barrier, lambda w: w[0] - sp.log(w[0]), 1),
    "logistic": (F.logistic(DATA, LABELS), logistic_formula, 2),
}  # fmt: skip
cases = pytest.mark.parametrize("name", CASES)


@functools.cache
def textbook(name):
    """Return value, gradient and Hessian of the textbook formula, on arrays."""
    _, formula, d = CASES[name]
    w = sp.symbols(f"w:{d}")
    value = sp.sympify(formula(w))
    grad = [value.diff(s) for s in w]
    hess = [[slope.diff(s) for s in w] for slope in grad]
    return [sp.lambdify(w, entry, "numpy") for entry in (value, grad, hess)]


def points(name, n):
    J, _, d = CASES[name]
    box = J.box if len(J.box) == d else J.box[:1] * d
    low, high = np.array(box).T
    return np.random.default_rng(11).uniform(low[:, None], high[:, None], (d, n))


@cases
def test_value_gradient_and_hessian_are_the_textbooks(name):
    J, *_ = CASES[name]
    for w in points(name, 12).T:
        value, grad, hess = (np.array(f(*w), dtype=float) for f in textbook(name))
        np.testing.assert_allclose(J(w), value, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(J.grad(w), grad, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(J.hess(w), hess, rtol=1e-9, atol=1e-9)


@cases
def test_a_batch_is_a_loop_bit_for_bit(name):
    J, _, d = CASES[name]
    w = points(name, 12)
    batch = w.reshape(d, 3, 4)
    for evaluate, shape in ((J, ()), (J.grad, (d,)), (J.hess, (d, d))):
        result = evaluate(batch)
        assert result.shape == (*shape, 3, 4)
        loop = np.stack([evaluate(column) for column in w.T], axis=-1)
        assert loop.shape == (*shape, 12)
        assert np.array_equal(result.reshape(loop.shape), loop)


@cases
def test_the_derived_gradient_and_hessian_equal_the_given_ones(name):
    J, _, d = CASES[name]
    derived = Function(J.value, dim=d)
    w = points(name, 6)
    np.testing.assert_allclose(derived.grad(w), J.grad(w), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(derived.hess(w), J.hess(w), rtol=1e-9, atol=1e-9)


@cases
def test_symbols_and_numbers_agree(name):
    J, _, d = CASES[name]
    w = vector("w", d)
    names = sp.symbols(f"w:{d}", real=True)
    (*point,) = points(name, 1)[:, 0]
    at = dict(zip(names, map(sp.Rational, point), strict=True))
    for evaluate in (J.value, J.grad):
        formula = sp.Matrix([to_sympy(evaluate(w))]).subs(at).evalf(20)
        number = np.ravel(evaluate(point))
        np.testing.assert_allclose(np.ravel(formula).astype(float), number, rtol=1e-12, atol=1e-14)


@cases
def test_eigenvalues_of_the_hessian_lie_between_mu_and_L(name):
    J, _, d = CASES[name]
    curvatures = np.linalg.eigvalsh(np.moveaxis(J.hess(points(name, 50)), -1, 0))
    if J.mu is not None:
        assert curvatures.min() >= J.mu - 1e-12
    if J.L is not None:
        assert abs(curvatures).max() <= J.L + 1e-9
        # ... and L is the smallest bound: each of these is most curved at its centre.
        centre = J.minimisers[0] if J.minimisers and len(J.minimisers[0]) == d else np.zeros(d)
        assert abs(np.linalg.eigvalsh(J.hess(centre))).max() == pytest.approx(J.L)


@cases
def test_known_minimisers_are_stationary_and_lowest_nearby(name):
    J, _, d = CASES[name]
    for point in J.minimisers:
        w = np.broadcast_to(np.array(point), (d,))
        # Zero up to what the coordinates' last digits are worth.
        assert np.abs(J.grad(w)).max() <= 1e-12
        nearby = w[:, None] + np.random.default_rng(1).uniform(-0.01, 0.01, (d, 50))
        assert np.all(J(w) <= J(nearby))


SMOOTH = [n for n, (J, *_) in CASES.items() if J.minimisers and n not in ("power-1.5", "half_line")]


@pytest.mark.parametrize("name", SMOOTH)
def test_the_hessian_at_a_minimiser_is_positive_semidefinite(name):
    J, _, d = CASES[name]
    for point in J.minimisers:
        hess = J.hess(np.broadcast_to(np.array(point), (d,)))
        assert np.linalg.eigvalsh(hess).min() >= -1e-12


def test_every_landscape_of_the_module_is_in_the_table():
    ready_made = {f.name for f in vars(F).values() if isinstance(f, Function)}
    assert ready_made <= CASES.keys()


@cases
def test_short_floats_stay_short_and_integers_become_floats(name):
    J, _, d = CASES[name]
    for evaluate in (J, J.grad, J.hess):
        assert evaluate(np.full(d, 0.5, np.float32)).dtype == np.float32
        assert evaluate([1] * d).dtype == float
        assert np.array_equal(evaluate([1] * d), evaluate([1.0] * d))


@cases
def test_a_box_for_each_coordinate_shows_the_minimisers(name):
    J, _, d = CASES[name]
    assert len(J.box) == d or J.dim is None
    for point in J.minimisers:
        for s, (low, high) in zip(point, J.box, strict=False):
            assert low < s < high


# --------------------------------------------------------------------- single landscapes


@given(st.floats(1e-9, 1e9), st.floats(-1e3, 1e3))
def test_the_half_line_loses_no_digits_ahead(y, ratio):
    # ‖w‖ − y cancels there; x² / (‖w‖ + y) does not.
    x = ratio * y * 1e-6
    exact = sp.sqrt(sp.Rational(x) ** 2 + sp.Rational(y) ** 2) - sp.Rational(y)
    assert float(F.half_line([x, y])) == pytest.approx(float(exact.evalf(30)), rel=1e-14)


def test_minimisers_of_the_half_line_are_stationary():
    for y in (1e-3, 1.0, 7.0):
        assert F.half_line([0.0, y]) == 0
        assert not np.any(F.half_line.grad([0.0, y]))


def test_kinks_have_the_subgradient_zero():
    for J, d in ((F.absolute, 2), (F.cone, 3), (F.power(1), 1), (F.power(1.5), 1), (F.cliff, 1)):
        assert not np.any(J.grad(np.zeros(d)))


def test_the_cliff_drops_between_5_and_10():
    w = np.array([[-12.0, -10, -7, -5, -1, 0, 1, 5, 7, 10, 12]])
    slopes = [-1e-6, -1e3, -1e3, -1, -1, 0, 1, 1, 1e3, 1e3, 1e-6]
    assert F.cliff.grad(w)[0].tolist() == slopes
    assert F.cliff([7.0]) == 2005


@pytest.mark.parametrize("size", [800.0, 1e6, 1e300])
def test_the_logistic_loss_neither_overflows_nor_warns(size):
    J = F.logistic([[1.0, 0.0], [0.0, 1.0]], [1, -1])
    assert J([size, -size]) == pytest.approx(0)
    assert J([-size, size]) == pytest.approx(size)
    assert J.grad([-size, size]).tolist() == [-0.5, 0.5]
    assert not J.hess([-size, size]).any()


def test_only_the_barrier_has_a_domain():
    assert [name for name, (J, *_) in CASES.items() if J.domain] == ["barrier"]
    assert F.barrier.domain(np.array([[-1.0, 0.0, 1e-9]])).tolist() == [False, False, True]


@given(st.floats(-10, 10), st.floats(0.1, 50), st.floats(-50, 50))
def test_a_quadratic_has_the_given_eigenvectors(angle, first, second):
    H = F.quadratic([first, second], angle=angle).hess(np.zeros(2))
    Q = F.rotation(angle)
    np.testing.assert_allclose(H @ Q, Q * [first, second], atol=1e-12)
    assert np.array_equal(H, H.T)
    turned = Q @ [1, 0]
    assert turned == pytest.approx([math.cos(angle), math.sin(angle)])


@pytest.mark.parametrize(
    ("eigenvalues", "L", "mu", "minimisers"),
    [([1, 10], 10, 1, 1), ([2, -7], 7, None, 0), ([0, 3], 3, None, 0), ([5], 5, 5, 1)],
)
def test_a_quadratic_knows_its_constants(eigenvalues, L, mu, minimisers):
    J = F.quadratic(eigenvalues)
    assert (J.L, J.mu, len(J.minimisers)) == (L, mu, minimisers)


# ---------------------------------------------------------------------- making a landscape


def test_a_plain_function_is_a_landscape():
    J = F.as_function(lambda w: w[0] ** 2 + w[0] * w[1] ** 4)
    assert J.grad([3.0, 2.0]).tolist() == [22, 96]
    assert J.hess([3.0, 2.0]).tolist() == [[2, 32], [32, 144]]
    assert F.as_function(J) is J
    assert repr(J) == "<landscape J>"
    assert J.grad(np.ones((2, 3, 4))).shape == (2, 3, 4)


def test_a_derived_gradient_works_in_any_dimension():
    J = Function(lambda w: ops.total(w**2))
    assert J.grad([1.0, 2.0]).tolist() == [2, 4]
    assert J.grad([1.0, 2.0, 3.0]).tolist() == [2, 4, 6]
    assert J.hess([1.0]).tolist() == [[2]]


@pytest.mark.parametrize(
    ("value", "grad", "hess"),  # at 0.5
    [
        (lambda w: abs(w[0] - 1), -1, 0),
        (lambda w: ops.maximum(w[0], 3 * w[0]), 3, 0),
        (lambda w: ops.minimum(w[0] ** 2, w[0]), 1, 2),
        (lambda w: ops.where(ops.less(w[0], 0), w[0] ** 2, w[0] ** 3), 0.75, 3),
        (lambda w: ops.sign(w[0]) * w[0], 1, 0),
    ],
)
def test_formulas_with_kinks_are_differentiated_beside_them(value, grad, hess):
    J = Function(value)
    assert J.grad([0.5]).tolist() == [grad]
    assert J.hess([0.5]).tolist() == [[hess]]


def test_constants_in_a_gradient_take_the_shape_of_w():
    J = Function(lambda w: 3 * w[0] + w[1], grad=lambda w: F.stack(3.0, 1.0, w[0])[:-1])
    assert J.grad(np.ones((2, 5))).tolist() == [[3] * 5, [1] * 5]
    assert Function(lambda w: 3 * w[0] + w[1]).grad(np.ones((2, 5)))[1].tolist() == [1] * 5


def test_a_changed_copy_is_a_landscape_again():
    J = dataclasses.replace(F.rosenbrock, name="banana")
    assert (J.name, J.grad([1.0, 1.0]).tolist()) == ("banana", [0, 0])


def takes(landscape, point, name="value"):
    return lambda: getattr(landscape, name)(point)


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda: Function(3), TypeError, "value must be a function of w; got 3"),
        (lambda: Function(None), TypeError, "value must be a function of w; got None"),
        (lambda: Function(len, grad=3), TypeError, "grad must be a function of w; got 3"),
        (lambda: Function(len, hess="h"), TypeError, "hess must be a function of w; got 'h'"),
        (lambda: Function(len, domain=0), TypeError, "domain must be a function of w; got 0"),
        (lambda: F.as_function(3.0), TypeError, "J must be a landscape or a function of w; got 3"),
        (takes(F.rosenbrock, [1, 2, 3]), ValueError, r"w must have 2 coordinates .*shape \(3,\)"),
        (takes(F.rosenbrock, 1.0, "grad"), ValueError, "w must have a coordinate axis"),
        (takes(F.rosenbrock, "ab", "hess"), TypeError, "w must be an array of real numbers"),
        (takes(F.rosenbrock, [True, False]), TypeError, "w must be an array of real numbers"),
        (takes(F.quartic, []), ValueError, "w must have at least one coordinate"),
        (
            takes(Function(len, grad=lambda w: np.ones(3)), [1.0, 2.0], "grad"),
            ValueError,
            r"the grad of len must return shape \(2,\) .*; got shape \(3,\)",
        ),
        (
            takes(Function(lambda w: w**2), [1.0, 2.0]),
            ValueError,
            r"the value of J must return shape \(\) for w of shape \(2,\); got shape \(2,\)",
        ),
        (
            takes(Function(lambda w: np.sum(w**2)), np.ones((2, 3))),
            ValueError,
            r"the value of J must return shape \(3,\) for w of shape \(2, 3\); got shape \(\)",
        ),
        (
            takes(Function(lambda w: w[0] if w[0] > 0 else 0 * w[0]), [1.0], "grad"),
            TypeError,
            r"J cannot be traced, so its derivatives must be given: .*no truth value",
        ),
        (
            takes(Function(lambda w: np.hypot(w[0], w[1])), [1.0, 2.0], "grad"),
            TypeError,
            "J cannot be traced, so its derivatives must be given",
        ),
        (
            takes(Function(lambda w: w), [1.0, 2.0], "grad"),
            ValueError,
            "the value of J must return",
        ),
        (lambda: F.quadratic([]), ValueError, "eigenvalues must"),
        (lambda: F.quadratic(3), ValueError, "eigenvalues must"),
        (lambda: F.quadratic([1, math.nan]), ValueError, "eigenvalues must be .*finite"),
        (lambda: F.quadratic([[1, 2]]), ValueError, "eigenvalues must be a list"),
        (lambda: F.quadratic("ab"), TypeError, "eigenvalues must be an array of real numbers"),
        (lambda: F.quadratic([1, 2, 3], 1.0), ValueError, "angle must be 0 unless .* there are 3"),
        (lambda: F.quadratic([1, 2], "a"), TypeError, "angle must be a real number; got 'a'"),
        (lambda: F.quadratic([1, 2], math.inf), ValueError, "angle must be finite"),
        (lambda: F.quadratic([1, 2], basis=[[1, 1], [0, 1]]), ValueError, "basis must be a 2 x 2"),
        (lambda: F.quadratic([1, 2], basis=np.eye(3)), ValueError, "basis must be a 2 x 2"),
        (lambda: F.quadratic([1, 2], 1.0, np.eye(2)), ValueError, "angle and basis exclude"),
        (lambda: F.quadratic([1, 2], minimiser=[1]), ValueError, "minimiser must have 2 coord"),
        (
            lambda: F.quadratic([1, 2], minimiser=[1, math.nan]),
            ValueError,
            "minimiser must be finite",
        ),
        (lambda: F.rotation(None), TypeError, "angle must be a real number; got None"),
        (lambda: F.power(0.5), ValueError, "p must be at least 1; got 0.5"),
        (lambda: F.power(math.nan), ValueError, "p must be finite; got nan"),
        (lambda: F.power("x"), TypeError, "p must be a real number; got 'x'"),
        (lambda: F.power([1, 2]), TypeError, r"p must be a real number; got \[1, 2\]"),
        (lambda: F.power(1j), TypeError, "p must be a real number; got 1j"),
        (lambda: F.logistic([1.0, 2.0], [1, 1]), ValueError, r"X must be a table"),
        (lambda: F.logistic([[math.inf]], [1]), ValueError, "X must be a table of finite"),
        (lambda: F.logistic([["a"]], [1]), TypeError, "X must be an array of real numbers"),
        (lambda: F.logistic([[1.0]], [0]), ValueError, "y must be 1 labels, each -1 or 1"),
        (lambda: F.logistic([[1.0]], [1, 1]), ValueError, r"y must be 1 labels.*got shape \(2,\)"),
        (lambda: F.logistic([[1.0]], None), TypeError, "y must be an array of real numbers"),
    ],
)
def test_bad_input_is_refused_by_name(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()
