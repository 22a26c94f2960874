"""The landscapes, against textbook formulas written again here and differentiated by SymPy."""

import dataclasses
import functools
import math
import pickle

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
TARGETS, MATRIX = rng.normal(size=9), rng.normal(size=(3, 2))
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


def inner(a, w):
    return sum(x * s for x, s in zip(a, w, strict=True))


def mean(losses):
    return lambda w: sum(loss(w) for loss in losses) / len(losses)


def logistic_losses(X, y):
    return [
        lambda w, a=a, b=b: sp.log(1 + sp.exp(-b * inner(a, w))) for a, b in zip(X, y, strict=True)
    ]


def squared_errors(X, y):
    return [lambda w, a=a, b=b: (inner(a, w) - b) ** 2 / 2 for a, b in zip(X, y, strict=True)]


def squared_distances(points):
    return [lambda w, a=a: sum((s - x) ** 2 for s, x in zip(w, a, strict=True)) / 2 for a in points]


def frobenius(A, rank):
    def formula(w):
        m, n = A.shape
        U, V = sp.Matrix(m, rank, w[: m * rank]), sp.Matrix(n, rank, w[m * rank :])
        return sum(e**2 for e in U * V.T - sp.Matrix(A)) / 2

    return formula


# γ = 1/2 in the direction (3/5, 4/5)
APART = [(-0.1, 0.7), (0.9, -0.05), (1, 0), (0.96, 0.03), (0.88, 0.34), (0.28, 0.54)]
# name: what each example of a mean contributes
EXAMPLES = {
    "logistic": logistic_losses(DATA, LABELS),
    "separable": logistic_losses(APART, [1] * 6),
    "least_squares": squared_errors(DATA, TARGETS),
    "least_squares-wide": squared_errors(MATRIX.T, [1, -2]),
    "mean_of": squared_distances(DATA),
    "mean_vs_median": squared_distances([[0], [0], [0], [0], [10]]),
    "reddi": [lambda w: 3 * w[0], lambda w: -w[0], lambda w: -w[0]],
    "reddi-5": [lambda w: 5 * w[0], lambda w: -w[0], lambda w: -w[0]],
}


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
    "quadratic-flat": (
        F.quadratic([0, 3], angle=0.7, minimiser=(1, -2)),
        turned([0, 3], plane_turn(0.7), (1, -2)),
        2,
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
    "ill_conditioned": (F.ill_conditioned, turned([1, 100], plane_turn(0.5), (0, 0)), 2),
    "degenerate": (F.degenerate, lambda w: w[0] ** 2 + w[1] ** 4, 2),
    "crawl": (F.crawl, lambda w: w[0] ** 2 / 2 + absolute_value(w[1]) / 10**4, 2),
    "gaussian_well": (F.gaussian_well, lambda w: 1 - sp.exp(-squares(w) / 2), 3),
    "quasi_convex": (
        F.quasi_convex, lambda w: sp.sqrt(1 + squares(w)) / (3 * w[0] + 4 * w[1] + 20), 2,
    ),
    "wall": (F.wall, lambda w: sum((sp.exp(s) + sp.exp(-s)) / 2 - 1 for s in w), 2),
    "valley": (F.valley, lambda w: (1 + w[1] ** 2) * w[0] ** 2 / 2, 2),
    "rayleigh": (
        F.rayleigh([3, 1, 2]),
        lambda w: (3 * w[0] ** 2 + w[1] ** 2 + 2 * w[2] ** 2) / squares(w),
        3,
    ),
    "factorisation": (F.factorisation(MATRIX, 2), frobenius(MATRIX, 2), 10),
    "factorisation-1": (F.factorisation(MATRIX.T, 1), frobenius(MATRIX.T, 1), 5),
    "factorisation-3": (F.factorisation([[1, 2]], 3), frobenius(np.array([[1, 2]]), 3), 9),
    "logistic": (F.logistic(DATA, LABELS), mean(EXAMPLES["logistic"]), 2),
    "separable": (F.separable, mean(EXAMPLES["separable"]), 2),
    "least_squares": (F.least_squares(DATA, TARGETS), mean(EXAMPLES["least_squares"]), 2),
    "least_squares-wide": (
        F.least_squares(MATRIX.T, [1, -2]), mean(EXAMPLES["least_squares-wide"]), 3,
    ),
    "mean_of": (F.mean_of(DATA), mean(EXAMPLES["mean_of"]), 2),
    "mean_vs_median": (F.mean_vs_median, mean(EXAMPLES["mean_vs_median"]), 1),
    "reddi": (F.reddi(), mean(EXAMPLES["reddi"]), 1),
    "reddi-5": (F.reddi(C=5), mean(EXAMPLES["reddi-5"]), 1),
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


def test_every_landscape_is_in_the_catalogue_and_in_the_table():
    tested = {J.name for J, *_ in CASES.values()}
    ready_made = {name: J for name, J in vars(F).items() if isinstance(J, Function)}
    made = {J.name for J in F.LANDSCAPES.values()} - ready_made.keys()
    factories = {name for name, f in vars(F).items() if hasattr(f, "__wrapped__")}
    assert ready_made.items() <= F.LANDSCAPES.items()
    assert {name.partition("(")[0] for name in made} == factories
    assert F.LANDSCAPES.keys() <= tested


@pytest.mark.parametrize("J", F.LANDSCAPES.values(), ids=F.LANDSCAPES)
def test_a_landscape_is_finite_and_defined_in_its_box(J):
    low, high = np.array(J.box).T
    w = np.random.default_rng(5).uniform(low[:, None], high[:, None], (len(low), 500))
    assert J.dim in (None, len(low))
    assert J.domain is None or np.all(J.domain(w))
    for evaluate in (J, J.grad, J.hess):
        assert np.all(np.isfinite(evaluate(w)))


@cases
def test_the_minimum_is_the_value_at_the_minimisers(name):
    J, _, d = CASES[name]
    for point in J.minimisers:
        value = J(np.broadcast_to(np.array(point), (d,)))
        assert value == pytest.approx(J.minimum, rel=1e-13, abs=1e-20)
    if J.minimum is not None:
        assert np.all(J(points(name, 500)) >= J.minimum)
    else:  # unbounded below, or not known in closed form
        assert J.name in (
            "quadratic",
            "saddle",
            "monkey_saddle",
            "logistic",
            "reddi(3)",
            "reddi(5)",
        )


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
    kinks = ((F.absolute, 2), (F.cone, 3), (F.power(1), 1), (F.power(1.5), 1), (F.cliff, 1))
    for J, d in (*kinks, (F.crawl, 2)):
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


def test_domains_end_where_the_formulas_do():
    at = {
        "barrier": ([[-1.0, 0.0, 1e-9]], [False, False, True]),
        "quasi_convex": ([[-4.0, 0.0, 4.0], [-2.0, -5.0, -7.9]], [False, False, True]),
        "rayleigh": ([[0.0, 1e-300], [0.0, 0.0], [0.0, 0.0]], [False, True]),
    }
    assert {name for name, (J, *_) in CASES.items() if J.domain} == at.keys()
    for name, (w, inside) in at.items():
        assert CASES[name][0].domain(np.array(w)).tolist() == inside


def test_sharp_minima_rise_as_their_constant_says():
    sharp = {name: J.sharpness for name, (J, *_) in CASES.items() if J.sharpness}
    assert sharp == {"absolute": 1, "cone": 1, "cliff": 1e-6}
    assert F.power(1).sharpness == 1
    r = np.geomspace(1e-9, 1e15, 1000)
    for J in (F.absolute, F.cone, F.cliff, F.power(1)):
        w = np.array([[1.0]]) if J.dim else np.array([[3.0, 0.0], [4.0, 5.0]]) / 5
        slopes = (J(w[..., None] * r) - J.minimum) / r
        assert slopes.min() >= J.sharpness * (1 - 1e-15)
        assert slopes.min() == pytest.approx(J.sharpness, rel=1e-4)  # and no larger one will do


@pytest.mark.parametrize("J", [F.plateau, F.gaussian_well, F.quasi_convex], ids=repr)
def test_quasi_convex_landscapes_are_no_higher_between_two_points_and_not_convex(J):
    low, high = np.array(J.box).T
    random = np.random.default_rng(9)
    a, b = random.uniform(low[:, None], high[:, None], (2, 2, 2000))
    between = a + random.uniform(size=2000) * (b - a)
    assert np.all(J(between) <= np.maximum(J(a), J(b)) * (1 + 1e-15))
    assert np.linalg.eigvalsh(np.moveaxis(J.hess(a), -1, 0)).min() < -1e-5


def test_the_gaussian_wells_plateau_is_exponentially_flat():
    assert F.gaussian_well.grad([10.0]) == pytest.approx(10 * math.exp(-50), abs=0)
    assert F.gaussian_well([1e-9]) == pytest.approx(5e-19, rel=1e-12, abs=0)  # nothing cancels
    with np.errstate(over="ignore"):
        far = np.array([1e200, -1e200])
        assert F.gaussian_well(far) == 1
        assert not F.gaussian_well.grad(far).any()
        assert not F.gaussian_well.hess(far).any()


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=4))
def test_the_gradient_bounds_the_curvature_of_the_wall(w):
    curvature = np.linalg.norm(F.wall.hess(w), 2)
    assert curvature <= (1 + np.linalg.norm(F.wall.grad(w))) * (1 + 1e-14)


def test_the_wall_is_infinite_where_it_overflows_and_loses_no_digits_at_its_foot():
    with np.errstate(over="ignore"):
        assert F.wall([800.0, -1000.0]) == math.inf
        assert F.wall.grad([800.0, -1000.0]).tolist() == [math.inf, -math.inf]
        assert F.wall.hess([800.0, -1000.0]).tolist() == [[math.inf, 0], [0, math.inf]]
    assert F.wall([1e-9]) == pytest.approx(5e-19, rel=1e-12, abs=0)


def test_at_a_degenerate_minimum_every_direction_occurs():
    # Along x = c y³ the gradient is (2c, 4) y³.
    y = 1e-3
    for c in (0.0, 0.5, 2.0, 20.0):
        limit = np.array([2 * c, 4]) / math.hypot(2 * c, 4)
        np.testing.assert_allclose(ops.unit(F.degenerate.grad([c * y**3, y])), limit, rtol=1e-12)


def test_the_whole_floor_of_the_valley_is_minimal():
    w = np.array([np.zeros(5), np.linspace(-2, 2, 5)])
    assert not F.valley(w).any()
    assert not F.valley.grad(w).any()
    assert F.valley.hess(w)[0, 0].tolist() == [5, 2, 1, 2, 5]


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.floats(1e-100, 1e100))
def test_the_rayleigh_quotient_is_scale_invariant(w, c):
    J, w = F.rayleigh([1, 2, 10]), np.array([*w[:2], 1 + abs(w[2])])
    assert 1 <= J(w) <= 10
    assert J(c * w) == pytest.approx(J(w), rel=1e-14)
    np.testing.assert_allclose(J.grad(c * w) * c, J.grad(w), rtol=1e-9, atol=1e-12)
    assert ops.dot(J.grad(w), w) == pytest.approx(0, abs=1e-13)


def test_the_rayleigh_quotient_is_nan_at_0():
    with np.errstate(invalid="ignore"):
        assert np.isnan(F.rayleigh([1, 2])([0.0, 0.0]))


@pytest.mark.parametrize(
    ("A", "rank", "minimum"),
    [
        ([[4, 0], [0, 1]], 1, 0.5),
        ([[4, 0], [0, 1]], 2, 0),
        ([[0, 3, 0], [-2, 0, 0]], 1, 2),
        ([[1, 2], [2, 4], [3, 6]], 1, 0),  # of rank 1
        ([[5]], 4, 0),
        ([[0, 0]], 1, 0),
        (np.diag([9, 4, 2, 1]), 2, 2.5),
    ],
)
def test_the_best_factorisation_is_balanced_and_leaves_the_smallest_singular_values(
    A, rank, minimum
):
    A, J = np.array(A, dtype=float), F.factorisation(A, rank)
    (m, n), ((best,)) = A.shape, J.minimisers
    assert J.blocks == ((m, rank), (n, rank))
    assert J.minimum == pytest.approx(minimum, abs=1e-14)
    assert J(best) == pytest.approx(minimum, abs=1e-14)
    U, V = np.split(np.array(best), [m * rank])
    U, V = U.reshape(m, rank), V.reshape(n, rank)
    np.testing.assert_allclose(U.T @ U, V.T @ V, atol=1e-13)
    G = rng.normal(size=(rank, rank))
    other = np.concatenate([(U @ G).ravel(), (V @ np.linalg.inv(G).T).ravel()])
    assert J(other) == pytest.approx(minimum, abs=1e-10)
    assert np.linalg.eigvalsh(J.hess(best)).min() >= -1e-12
    # No lower value by chance: every local minimum is global.
    random = np.random.default_rng(0).normal(size=(J.dim, 10_000)) * 2
    assert np.all(J(random) >= minimum - 1e-12)


def test_the_separable_examples_have_margin_one_half():
    turn = np.linspace(0, 2 * math.pi, 100_001)
    margins = (np.array(APART) @ [np.cos(turn), np.sin(turn)]).min(axis=0)
    best = turn[margins.argmax()]
    assert (math.cos(best), math.sin(best)) == pytest.approx((0.6, 0.8), abs=1e-4)
    assert margins.max() <= min(np.array(APART) @ [0.6, 0.8]) == pytest.approx(0.5, rel=1e-15)
    assert max(math.hypot(*a) for a in APART) == 1
    assert F.separable(np.multiply(1000, (0.6, 0.8))) < 1e-200  # the infimum 0 is far out


def test_the_median_is_where_the_signs_cancel_and_the_mean_where_the_gradients_do():
    J = F.mean_vs_median
    assert (J.minimisers, J.minimum, J([0.0])) == (((2.0,),), 8, 10)
    singles = J.examples(np.arange(5)[None])  # a batch of single examples
    around = [np.mean(np.sign(singles.grad(np.full((1, 5), w)))) for w in (-0.1, 0.1)]
    assert around == pytest.approx([-1, 0.6])
    assert np.mean(singles.grad(np.full((1, 5), 2.0))) == 0


def test_least_squares_with_fewer_examples_than_coordinates_has_no_single_minimiser():
    J = F.least_squares([[1, 2, 3], [0, 1, 1]], [1, -1])
    assert (J.minimisers, J.mu) == ((), 0)
    assert J.minimum == pytest.approx(0, abs=1e-25)


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
    [([1, 10], 10, 1, 1), ([2, -7], 7, -7, 0), ([0, 3], 3, 0, 1), ([5], 5, 5, 1)],
)
def test_a_quadratic_knows_its_constants(eigenvalues, L, mu, minimisers):
    J = F.quadratic(eigenvalues)
    assert (J.L, J.mu, len(J.minimisers)) == (L, mu, minimisers)


# --------------------------------------------------------------------- means of examples

means = pytest.mark.parametrize("name", EXAMPLES)


def test_every_mean_of_examples_is_among_them():
    assert EXAMPLES.keys() == {name for name, (J, *_) in CASES.items() if J.n}


@means
def test_a_minibatch_is_the_mean_of_the_textbooks_examples(name):
    J, _, d = CASES[name]
    losses = EXAMPLES[name]
    assert J.n == len(losses)
    w = points(name, 1)[:, 0]
    symbols = sp.symbols(f"w:{d}")
    for index in ([0], [J.n - 1], [0, 1, 1, 0, 0]):  # an example counts as often as it is chosen
        value = sp.sympify(mean([losses[i] for i in index])(symbols))
        for order, evaluate in enumerate((J.examples(index), J.examples(index).grad)):
            exact = [value] if order == 0 else [value.diff(s) for s in symbols]
            exact = [float(e.subs(dict(zip(symbols, w, strict=True)))) for e in exact]
            np.testing.assert_allclose(np.ravel(evaluate(w)), exact, rtol=1e-12, atol=1e-14)


@means
def test_the_mean_over_all_examples_is_J(name):
    J, _, d = CASES[name]
    w = points(name, 6).reshape(d, 2, 3)
    every = J.examples(np.arange(J.n))
    singles = [J.examples([i]) for i in range(J.n)]
    for reading in ("value", "grad", "hess"):
        whole = getattr(J, reading)(w)
        assert np.array_equal(getattr(every, reading)(w), whole)  # the same formula on all rows
        average = np.mean([getattr(single, reading)(w) for single in singles], axis=0)
        np.testing.assert_allclose(average, whole, rtol=1e-12, atol=1e-14)


@means
@pytest.mark.parametrize("size", [1, 4, 13])
@pytest.mark.parametrize("batch", [(3, 5), (5,), (1, 5), (3, 1), ()])
def test_every_entry_of_a_batch_has_a_minibatch_of_its_own_bit_for_bit(name, size, batch):
    J, _, d = CASES[name]
    index = np.random.default_rng(2).integers(J.n, size=(size, *batch))
    own = np.broadcast_to(index.reshape(size, *(1,) * (2 - len(batch)), *batch), (size, 3, 5))
    w = points(name, 15).reshape(d, 3, 5)
    for reading in ("value", "grad", "hess"):
        result = getattr(J.examples(index), reading)(w)
        for i, j in np.ndindex(3, 5):
            alone = getattr(J.examples(own[:, i, j]), reading)(w[:, i, j])
            assert np.array_equal(result[..., i, j], alone)


@means
def test_a_minibatch_can_be_traced(name):
    J, _, d = CASES[name]
    batch, w = J.examples([0, 1, 1]), points(name, 1)[:, 0]
    at = dict(zip(sp.symbols(f"w:{d}", real=True), map(sp.Rational, w), strict=True))
    for evaluate in (batch.value, batch.grad):
        formula = sp.Matrix([to_sympy(evaluate(vector("w", d)))]).subs(at).evalf(20)
        exact = np.ravel(formula).astype(float)
        np.testing.assert_allclose(exact, np.ravel(evaluate(w)), rtol=1e-12, atol=1e-14)


def test_data_changed_later_change_nothing():
    X, y, A = DATA.copy(), TARGETS.copy(), MATRIX.copy()
    made = [F.least_squares(X, y), F.mean_of(X), F.logistic(X, np.sign(y)), F.factorisation(A, 1)]
    before = [J(np.ones(J.dim)) for J in made]
    for table in (X, y, A):
        table *= -3
    for again in (made, pickle.loads(pickle.dumps(made))):
        assert [J(np.ones(J.dim)) for J in again] == before


# ---------------------------------------------------------------------- making a landscape


def resolvent(w):
    """Σ (A + diag w)⁻¹: through a solver, which no symbol passes."""
    d = len(w)
    A = np.moveaxis(w, 0, -1)[..., None] * np.eye(d) + np.diag(np.arange(1.0, d + 1)) + 0.5
    return np.linalg.solve(A, np.ones((*A.shape[:-1], 1))).sum(axis=(-2, -1))


def test_a_complex_step_differentiates_what_cannot_be_traced():
    w = np.array([[0.3, 1.5], [2.0, -0.4], [0.7, 0.9]])
    with pytest.raises(TypeError, match=r"resolvent cannot be traced.*complex_step\(value\)"):
        Function(resolvent).grad(w)
    J = Function(resolvent, grad=F.complex_step(resolvent))
    symbols = sp.symbols("w:3")
    A = sp.diag(*symbols) + sp.diag(1, 2, 3) + sp.ones(3) / 2
    value = (sp.ones(1, 3) * A.inv() * sp.ones(3))[0]
    exact = sp.lambdify(symbols, [value.diff(s) for s in symbols])
    np.testing.assert_allclose(J.grad(w), exact(*w), rtol=1e-14)
    assert np.array_equal(J.grad(w)[:, 1], J.grad(w[:, 1]))
    assert J.grad(w.astype(np.float32)).dtype == np.float32
    with pytest.raises(TypeError, match="a gradient by complex step cannot be traced"):
        J.grad(vector("w", 3))


@pytest.mark.parametrize("name", ["rosenbrock", "beale", "barrier", "wall", "gaussian_well"])
def test_a_complex_step_is_as_accurate_as_the_given_gradient(name):
    J, *_ = CASES[name]
    w = points(name, 20)
    step = F.complex_step(J.value.formula)(w)
    np.testing.assert_allclose(step, J.grad(w), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    "blind",
    [
        lambda w: w[0] ** 2 + np.abs(w[1]) ** 2,
        lambda w: ops.total(w * np.conj(w)),
        lambda w: np.exp(w[0]) + 0.001 * np.real(w[1]) ** 2,
        lambda w: (w[0] + np.abs(w[1])) ** 2,
        lambda w: np.abs(w[0]) ** 2 - np.abs(w[1]) ** 2 + 0 * w[0],  # in (1, 1) the errors cancel
    ],
)
@pytest.mark.parametrize("unit", [1.0, 1e9])
def test_a_complex_step_refuses_a_sum_of_which_one_term_is_not_analytic(blind, unit):
    def value(w):
        return blind(w / unit)

    step = F.complex_step(value)
    good, bad = np.zeros(2), np.array([1.0, 1.0]) * unit
    step(good)  # there all of these have slope 0 in the blind coordinate, or a kink
    for w in (bad, np.stack([good, bad], axis=1), bad.astype(np.float32)):
        with pytest.raises(TypeError, match=r"value is not analytic: its complex step is .* quot"):
            step(w)


def test_a_complex_step_tells_both_slopes():
    with pytest.raises(TypeError, match=r"its complex step is 6, .* quotient 26.3\d*, at w = \[1"):
        F.complex_step(lambda w: w[0] ** 2 + np.abs(w[1]) ** 2)(np.array([1.0, 2.0]))


ANALYTIC = {
    "edge": lambda w: np.sqrt(w[0] - 1) - np.log(w[0] - 1),
    "kink": lambda w: np.where(w[0].real > 1, 3 * w[0], w[0] ** 2),
    "wave": lambda w: np.sin(w[0]) + w[0] * np.exp(-(w[0] ** 2)),
    "constant": lambda w: 1e12 + w[0] ** 2,
    "steep": lambda w: np.exp(w[0]),
    "faint": lambda w: np.exp(-690 - w[0]),
    "inflection": lambda w: w[0] ** 3 - w[0] ** 5,
    "cancelling": lambda w: (1e4 + w[0]) ** 3 - 1e12,
}


@pytest.mark.parametrize("name", ANALYTIC)
@given(st.floats(-1e3, 1e3) | st.floats(1, 1 + 1e-5) | st.just(40))
def test_a_complex_step_trusts_what_is_analytic(name, x):
    with np.errstate(all="ignore"):
        F.complex_step(ANALYTIC[name])(np.array([x]))


@pytest.mark.parametrize("J", [J for J, *_ in CASES.values()], ids=CASES)
def test_a_pickled_landscape_evaluates_identically(J):
    again = pickle.loads(pickle.dumps(J))
    w = np.random.default_rng(4).uniform(0.1, 2, (J.dim or 3, 7))
    assert (again is J) == (getattr(F, J.name, None) is J)
    for reading in ("value", "grad", "hess"):
        one, other = getattr(J, reading)(w), getattr(again, reading)(w)
        assert np.array_equal(one, other)
    for item in dataclasses.fields(J):
        if isinstance(getattr(J, item.name), (str, int, float, tuple)):
            assert getattr(again, item.name) == getattr(J, item.name) or item.name == "_made_by"
    if J.n:
        assert np.array_equal(again.examples([1, 0]).grad(w), J.examples([1, 0]).grad(w))


def bowl(w):
    return ops.total(w**2)


def half_bowl(index):
    return Function(bowl, name=f"bowl {index}")


def test_a_users_landscape_is_pickled_if_its_functions_can_be():
    J = Function(bowl, examples=half_bowl, n=2, L=2.0)
    changed = dataclasses.replace(F.logistic(DATA, LABELS), name="renamed")
    stepped = Function(bowl, F.complex_step(bowl))
    for landscape in (J, changed, stepped):
        again = pickle.loads(pickle.dumps(landscape))
        assert np.array_equal(again.grad([3.0, 4.0]), landscape.grad([3.0, 4.0]))
        assert (again.name, again.L) == (landscape.name, landscape.L)
    assert pickle.loads(pickle.dumps(J)).examples([1]).name == "bowl [1]"
    assert pickle.loads(pickle.dumps(J.grad))([1.0]).tolist() == [2]
    with pytest.raises((pickle.PicklingError, AttributeError), match="<lambda>"):
        pickle.dumps(Function(lambda w: w[0]))


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


def test_a_constant_gradient_can_be_traced():
    assert to_sympy(ops.unit(F.reddi().grad(vector("w", 1)))) == [1]


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
        (lambda: Function(len, examples=0), TypeError, "examples must be a function of index"),
        (lambda: Function(len, examples=len), ValueError, "examples and n must be given together"),
        (lambda: Function(len, n=3), ValueError, "examples and n must .* together; got n = 3"),
        (lambda: Function(len, examples=len, n=0), ValueError, "n must be at least 1; got 0"),
        (
            lambda: Function(len, examples=len, n=2.0),
            TypeError,
            "n must be a whole number; got 2.0",
        ),
        (lambda: F.mean_vs_median.examples([0.0]), TypeError, "index must be an array of integers"),
        (
            lambda: F.mean_vs_median.examples([True]),
            TypeError,
            "index must be an array of integers",
        ),
        (lambda: F.mean_vs_median.examples([]), TypeError, "index must be an array of integers"),
        (
            lambda: F.mean_vs_median.examples(3),
            ValueError,
            r"index must .*size, \.\.\.\); got .*\(\)",
        ),
        (
            lambda: F.mean_vs_median.examples(np.zeros((0, 4), int)),
            ValueError,
            r"index must have .* one or more examples, .*; got shape \(0, 4\)",
        ),
        (
            lambda: F.mean_vs_median.examples([[1, 5]]),
            ValueError,
            "index must be from 0 to 5 - 1, for mean_vs_median has 5 examples; got 5",
        ),
        (lambda: F.mean_vs_median.examples([-1]), ValueError, "index must be from 0 .*; got -1"),
        *(
            (
                takes(J.examples(np.zeros((2, 3), int)), point, reading),
                ValueError,
                r"w must have a batch to which that of its examples, \(3,\), broadcasts; got w of",
            )
            for J in (F.separable, F.least_squares([[1, 2]], [3]), F.mean_of([[1, 2]]))
            for point in ([1.0, 2.0], np.ones((2, 4)), np.ones((2, 3, 1)))
            for reading in ("value", "grad", "hess")
            if (J.name, reading) != ("mean_of", "hess")  # which is constant
        ),
        (lambda: F.complex_step(3), TypeError, "value must be a function of w; got 3"),
        (
            lambda: F.complex_step(lambda w: np.abs(w).sum(axis=0))(np.ones(2)),
            TypeError,
            "value must be analytic for complex_step.* it returned float64 numbers",
        ),
        (
            lambda: F.complex_step(lambda w: np.sum(w * w))(np.ones((2, 3))),
            ValueError,
            r"value must return shape \(2, 3\) for w of shape \(2, 2, 3\); got shape \(\)",
        ),
        *(
            (functools.partial(Function, len, dim=2, minimisers=slip), error, message)
            for slip, error, message in (
                ((1.0, 2.0), ValueError, r"minimisers .* each of 2 .*; got \(1.0, 2.0\)"),
                (3.0, TypeError, "minimisers must be a sequence of points, .*; got 3.0"),
                (((1, 2, 3),), ValueError, r"minimisers must be .*; got \(\(1, 2, 3\),\)"),
                ((((1, 2),),), ValueError, r"minimisers must be a sequence of points"),
                (("ab",), TypeError, r"minimisers must be a sequence of points"),
            )
        ),
        (
            lambda: Function(len, minimisers=[0.0]),
            ValueError,
            r"minimisers must be .* each of its coordinates .*; got \[0.0\]",
        ),
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
        (lambda: F.rayleigh([]), ValueError, "eigenvalues must"),
        (lambda: F.rayleigh([[1, 2]]), ValueError, "eigenvalues must be a list of finite numbers"),
        (lambda: F.rayleigh([1, math.inf]), ValueError, "eigenvalues must be .* finite numbers"),
        (lambda: F.rayleigh("a"), TypeError, "eigenvalues must be an array of real numbers"),
        (lambda: F.factorisation([1, 2], 1), ValueError, "A must be a table of finite numbers"),
        (lambda: F.factorisation([[math.nan]], 1), ValueError, "A must be a table of finite"),
        (lambda: F.factorisation([[1]], 0), ValueError, "rank must be at least 1; got 0"),
        (lambda: F.factorisation([[1]], 1.0), TypeError, "rank must be a whole number; got 1.0"),
        (lambda: F.factorisation([[1]], True), TypeError, "rank must be a whole number; got True"),
        (lambda: F.least_squares([1, 2], [1]), ValueError, "X must be a table of finite numbers"),
        (lambda: F.least_squares([[1]], [1, 2]), ValueError, r"y must be 1 finite .*shape \(2,\)"),
        (lambda: F.least_squares([[1]], [math.inf]), ValueError, "y must be 1 finite numbers"),
        (lambda: F.mean_of([1, 2]), ValueError, "points must be a table of finite numbers"),
        (lambda: F.mean_of([["a"]]), TypeError, "points must be an array of real numbers"),
        (lambda: F.reddi(2), ValueError, "C must be above 2; got 2.0"),
        (lambda: F.reddi(math.nan), ValueError, "C must be finite; got nan"),
        (lambda: F.reddi("3a"), TypeError, "C must be a real number; got '3a'"),
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
