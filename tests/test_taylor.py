"""Taylor expansions: SymPy's series, hand-derived ones, and the landscapes' own derivatives."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import normgd as ng
from normgd.taylor import symbolic, taylor

F = ng.functions
x, y = sp.symbols("h_1 h_2", real=True)
SMALL = [
    (J, d)
    for J in F.LANDSCAPES.values()
    for d in (1, 2)
    if J.dim == d or (J.dim is None and d == 2)
]

# By hand: (landscape, point, order, expansion).
BY_HAND = [
    (F.rosenbrock, (1, 1), 2, 401 * x**2 - 400 * x * y + 100 * y**2),
    (F.rosenbrock, (1, 1), 9, x**2 + 100 * (y - 2 * x - x**2) ** 2),
    (F.rosenbrock, (0, 0), 2, 1 - 2 * x + x**2 + 100 * y**2),
    (F.saddle, (0.1, -2), 1, sp.Rational(1, 100) - 4 + x / 5 + 4 * y),
    (F.monkey_saddle, (0, 0), 2, 0),
    (F.monkey_saddle, (0, 0), 3, x**3 - 3 * x * y**2),
    (F.cone, (3, 4), 1, 5 + 3 * x / 5 + 4 * y / 5),
    (F.cone, (3, 4), 2, 5 + (3 * x + 4 * y) / 5 + (4 * x - 3 * y) ** 2 / 250),
    (F.absolute, (-2, 3), 5, 5 - x + y),
    (F.cliff, -7, 1, 5 + 2000 - 1000 * x),
    (F.power(1.5), 4, 2, 8 + 3 * x + 3 * x**2 / 16),
    (F.mean_vs_median, Fraction(1, 3), 2, sp.Rational(169, 18) - 5 * x / 3 + x**2 / 2),
    (F.quadratic([1, 10]), (sp.sqrt(2), 0), 2, 1 + sp.sqrt(2) * x + x**2 / 2 + 5 * y**2),
    (F.half_line, (0, 2), 2, x**2 / 4),
    (lambda w: w[0] * w[1], (0, 0), 0, 0),
]


@pytest.mark.parametrize(("J", "point", "order", "expected"), BY_HAND)
def test_expansions_by_hand(J, point, order, expected):
    assert sp.expand(taylor(J, point, order).expansion - expected) == 0


# In one dimension SymPy has series of its own: (landscape, J(w), point).
w = sp.Symbol("w", real=True)
SERIES = [
    (F.gaussian_well, 1 - sp.exp(-(w**2) / 2), 1),
    (F.wall, sp.cosh(w) - 1, 0.5),
    (F.barrier, w - sp.log(w), 2),
    (F.double_well, (w**2 - 1) ** 2 / 4, 0.25),
    (F.plateau, w**2 / (1 + w**2), 1),
    (F.quartic, w**4, -1),
]


@pytest.mark.parametrize(("J", "formula", "point"), SERIES, ids=lambda x: getattr(x, "name", None))
def test_in_one_dimension_it_is_sympys_series(J, formula, point):
    expected = sp.series(formula.subs(w, sp.Rational(point) + x), x, 0, 5).removeO()
    assert sp.simplify(taylor(J, point, order=4).expansion - expected) == 0


@pytest.mark.parametrize(("J", "d"), SMALL, ids=lambda x: getattr(x, "name", ""))
def test_the_derivatives_are_the_landscapes_own(J, d):
    low, high = np.transpose(J.box[:d])
    point = np.round(low + np.array([0.7, 0.6])[:d] * (high - low), 2)
    near = taylor(J, point)
    at_zero = float(near.expansion.subs({x: 0, y: 0}))
    np.testing.assert_allclose(at_zero, J(point), rtol=1e-10)
    found = np.array(near.gradient, dtype=float)[:, 0]
    np.testing.assert_allclose(found, J.grad(point), rtol=1e-10, atol=1e-12)
    found = np.array(near.hessian, dtype=float)
    np.testing.assert_allclose(found, J.hess(point), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_half_the_displacement_leaves_an_error_smaller_by_two_to_the_order_plus_one(order):
    point, direction = np.array([1.0, 2.0]), np.array([0.6, 0.8])
    expansion = taylor(F.quasi_convex, point, order).expansion

    def error(length):
        h = length * direction
        return abs(float(expansion.subs({x: h[0], y: h[1]})) - F.quasi_convex(point + h))

    assert error(0.05) / error(0.025) == pytest.approx(2 ** (order + 1), rel=0.1)


def test_gradient_and_hessian_do_not_depend_on_the_order():
    for order in (0, 1, 3):
        near = taylor(F.rosenbrock, (1, 1), order)
        assert near.hessian == sp.Matrix([[802, -400], [-400, 200]])
        assert near.gradient == sp.Matrix([0, 0])


def test_the_symbolic_landscape():
    (w1, w2), value, gradient, hessian = symbolic(F.saddle, d=2)
    assert [str(w1), str(w2)] == ["w_1", "w_2"]
    assert value == w1**2 - w2**2
    assert gradient == sp.Matrix([2 * w1, -2 * w2])
    assert hessian == sp.Matrix([[2, 0], [0, -2]])


def test_a_notebook_shows_it_as_mathematics():
    near = taylor(F.rosenbrock, (-1.5, 0), order=1)
    left = r"$\displaystyle J(- \frac{3}{2} + h_{1}, h_{2}) \approx "
    assert near._repr_latex_() == left + r"- 1355 h_{1} - 450 h_{2} + \frac{1025}{2}$"
    assert repr(taylor(F.saddle, (0, 1))) == (
        "Taylor(saddle at (0, 1), order 2: h_1**2 - h_2**2 - 2*h_2 - 1)"
    )


LOGISTIC = F.logistic([[-1, 1], [1, 1]], [1, -1])


def untraceable(w):
    return max(w[0], 0)


BAD = [
    (TypeError, "J must be a landscape", lambda: taylor("rosenbrock", (1, 1))),
    (TypeError, "untraceable cannot be traced, .* no formula", lambda: taylor(untraceable, 1)),
    (ValueError, "point must have 2 coordinates", lambda: taylor(F.rosenbrock, (1, 1, 1))),
    (ValueError, "point must have 2 coordinates", lambda: taylor(F.rosenbrock, 1)),
    (ValueError, "at least one coordinate", lambda: taylor(F.cone, [])),
    (TypeError, "point must be a list of real numbers", lambda: taylor(F.cone, "ab")),
    (TypeError, "point must be a list of real numbers", lambda: taylor(F.cone, np.eye(2))),
    (TypeError, "point must be a list of real numbers", lambda: taylor(F.cone, (1, 1j))),
    (TypeError, "point must be a list of real numbers", lambda: taylor(F.cone, (x, y))),
    (ValueError, "point must be finite", lambda: taylor(F.cone, (1, np.nan))),
    (ValueError, "point must lie in the domain of barrier", lambda: taylor(F.barrier, -1)),
    (ValueError, "cone is not smooth at the point", lambda: taylor(F.cone, (0, 0))),
    (ValueError, "absolute is not smooth", lambda: taylor(F.absolute, (0, 1))),
    (ValueError, "is not smooth", lambda: taylor(F.power(1.5), 0)),
    (ValueError, "is not smooth", lambda: taylor(F.cliff, 5)),
    (ValueError, "domain of rayleigh", lambda: taylor(F.rayleigh([1, 2]), (0, 0))),
    (ValueError, "logistic is not smooth", lambda: taylor(LOGISTIC, (2, 2))),  # z = 0: sign(0)
    (ValueError, "order must be at least 0", lambda: taylor(F.cone, (1, 1), order=-1)),
    (TypeError, "order must be a whole number", lambda: taylor(F.cone, (1, 1), order=1.5)),
    (ValueError, "must have 2 coordinates", lambda: symbolic(F.rosenbrock, d=3)),
    (ValueError, "d must be at least 1", lambda: symbolic(F.cone, d=0)),
]


@pytest.mark.parametrize(("kind", "message", "call"), BAD)
def test_bad_arguments(kind, message, call):
    with pytest.raises(kind, match=message):
        call()
