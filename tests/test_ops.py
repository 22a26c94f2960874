"""The primitives: exact to the last units, from the smallest subnormal to the largest float."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normgd import ops
from normgd.ops import norm, unit
from normgd.symbols import symbol, to_sympy, vector

LARGEST = np.finfo(float).max

# Every binade is as likely as every other: the interesting numbers are at both ends.
wide = st.builds(math.ldexp, st.floats(-1, 1), st.integers(-1074, 1023)) | st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-162, 1e154, 1.7e308, LARGEST, -LARGEST]
)
vectors = st.lists(wide, min_size=1, max_size=4)
whole = st.lists(st.integers(-(2**30), 2**30), min_size=1, max_size=4).filter(any)


def within(value, square, ulps):
    """Tell in exact arithmetic whether ``value`` is the root of ``square`` to so many ulps."""
    below_the_top = min(value, np.finfo(value.dtype).max / 2)  # beyond it, spacing overflows
    slack = ulps * Fraction(float(np.spacing(below_the_top)))
    value = Fraction(float(value))
    return max(value - slack, Fraction(0)) ** 2 <= square <= (value + slack) ** 2


def assert_exact(g):
    """Compare norm and unit of one vector with exact rational arithmetic."""
    square = sum(Fraction(float(gi)) ** 2 for gi in g)
    n, u = norm(g), unit(g)
    assert n.dtype == u.dtype == g.dtype
    if np.isinf(n):
        assert square > (Fraction(float(np.finfo(g.dtype).max)) * Fraction(999, 1000)) ** 2
    else:
        assert within(n, square, 3)
    if square == 0:
        assert np.all(u == 0)
        return
    for ui, gi in zip(u, g, strict=True):
        assert within(abs(ui), Fraction(float(gi)) ** 2 / square, 3)
        assert ui * np.sign(gi) >= 0
    two_ulps = 2 * Fraction(float(np.finfo(g.dtype).eps))
    length = sum(Fraction(float(ui)) ** 2 for ui in u)
    assert (1 - two_ulps) ** 2 <= length <= (1 + two_ulps) ** 2


@given(vectors)
@example([3e200, 4e200])
@example([1e-162, 1e-162])
@example([LARGEST, LARGEST])
@example([5e-324, 5e-324])
def test_norm_and_unit_are_exact_over_the_whole_range(g):
    assert_exact(np.array(g))


@pytest.mark.parametrize(("dtype", "width"), [(np.float32, 32), (np.float16, 16)])
def test_norm_and_unit_are_exact_in_short_floats(dtype, width):
    @given(
        st.lists(
            st.floats(width=width, allow_nan=False, allow_infinity=False), min_size=1, max_size=4
        )
    )
    def check(g):
        assert_exact(np.array(g, dtype=dtype))

    check()


@pytest.mark.parametrize(
    ("dtype", "lowest", "highest"),
    # Where the naive quotient fails: below, g*g underflows; above, it overflows.
    [
        (np.float16, 2**-12.5, 2**8),
        (np.float32, 2**-75, 2**64),
        (np.float64, 2**-537.5, 2**512),
    ],
)
def test_unit_has_length_1_where_the_naive_quotient_fails(dtype, lowest, highest):
    for size in (lowest * 0.99, lowest * 1.01, highest * 1.01):
        g = np.array([size], dtype=dtype)
        with np.errstate(all="ignore"):
            naive = g / np.sqrt((g * g).sum())
        assert naive != 1
        assert unit(g) == 1


@given(whole)
def test_integers_are_read_as_floats(g):
    assert unit(g).dtype == float
    assert np.array_equal(unit(g), unit(np.array(g, dtype=float)))
    assert norm([3, 4]) == 5


@given(whole, st.integers(-1074, 990))
def test_unit_does_not_see_a_power_of_two(g, k):
    g = np.array(g, dtype=float)
    assert np.array_equal(unit(np.ldexp(g, k)), unit(g))


@given(whole, st.floats(1e-290, 1e290))
def test_unit_does_not_see_a_positive_factor(g, c):
    g = np.array(g, dtype=float)
    np.testing.assert_array_max_ulp(unit(c * g), unit(g), 8)


@given(vectors)
def test_unit_is_odd(g):
    assert np.array_equal(unit(-np.array(g)), -unit(g))


@given(wide)
def test_unit_is_the_sign_on_the_line(g):
    assert unit([g])[0] == np.sign(g)
    assert norm([g]) == abs(g)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 4), (3, 2, 2), (2, 0)])
def test_unit_of_zero_is_zero(shape):
    assert np.array_equal(unit(np.zeros(shape)), np.zeros(shape))
    assert np.array_equal(norm(np.zeros(shape)), np.zeros(shape[1:]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("other", [0.0, 1.0, 1e300, np.inf, np.nan])
def test_a_vector_that_is_not_finite_has_no_direction(bad, other):
    assert np.isnan(unit([bad, other])).all()
    assert np.isnan(norm([other, bad]))


def test_a_bad_vector_does_not_spoil_its_batch():
    g = np.array([[3.0, np.nan, 3e-200, 0.0, np.inf], [4.0, 1.0, 4e-200, 0.0, 0.0]])
    nan = np.nan
    np.testing.assert_allclose(norm(g), [5, nan, 5e-200, 0, nan], rtol=1e-15)
    np.testing.assert_allclose(unit(g)[0], [0.6, nan, 0.6, 0, nan], rtol=1e-15)


def assert_batch_is_loop(batch):
    for function in (norm, unit, ops.total):
        with np.errstate(all="ignore"):
            one_by_one = np.stack([function(g) for g in batch.T], axis=-1)
            # Bit for bit; a subnormal component may differ by the smallest number there is.
            np.testing.assert_allclose(function(batch), one_by_one, rtol=0, atol=5e-324)


@given(st.integers(1, 3), st.data())
def test_a_batch_is_a_loop_bit_for_bit(d, data):
    rows = st.lists(st.lists(wide, min_size=d, max_size=d), min_size=1, max_size=4)
    assert_batch_is_loop(np.array(data.draw(rows)).T)


@pytest.mark.parametrize("d", [1, 2, 7, 8, 9, 16, 100])
def test_a_batch_of_many_coordinates_is_a_loop_bit_for_bit(d):
    # NumPy adds up a contiguous axis of 8 or more in another order than the first of several axes.
    assert_batch_is_loop(np.random.default_rng(d).normal(size=(d, 20)))


def test_unit_keeps_the_shape_of_a_batch():
    g = np.arange(1.0, 25.0).reshape(2, 3, 4)
    assert unit(g).shape == (2, 3, 4)
    assert norm(g).shape == (3, 4)
    assert unit(g)[:, 1, 2] == pytest.approx(g[:, 1, 2] / math.hypot(*g[:, 1, 2]))


@given(vectors)
def test_nothing_warns(g):
    with np.errstate(all="raise"):
        norm(g)
        unit(g)


@pytest.mark.parametrize(
    ("g", "error", "message"),
    [
        (3.0, ValueError, r"g must have a coordinate axis, shape \(d, ...\); got the number 3.0"),
        ([], ValueError, r"g must have at least one coordinate"),
        (np.zeros((0, 3)), ValueError, r"g must have at least one coordinate"),
        ([[1.0], [1.0, 2.0]], ValueError, r"g must be a rectangular array; got \[\[1.0\]"),
        ("abc", TypeError, r"g must be an array of real numbers; got 'abc'"),
        (None, TypeError, r"g must be an array of real numbers; got None"),
        ([1j], TypeError, r"g must be an array of real numbers; got \[1j\]"),
        ([True, False], TypeError, r"g must be an array of real numbers"),
        ([None, 1.0], TypeError, r"g must be an array of real numbers"),
        (np.array([None, 1.0]), TypeError, r"g must be an array of real numbers"),
        (np.array([Fraction(1, 2)]), TypeError, r"g must be an array of real numbers"),
        ({}, TypeError, r"g must be an array of real numbers"),
    ],
)
def test_what_is_no_vector_is_refused(g, error, message):
    for function in (norm, unit):
        with pytest.raises(error, match=message):
            function(g)


# ---------------------------------------------------------------- symbols and numbers agree


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=3))
def test_unit_of_symbols_is_the_formula(g):
    w = vector("w", len(g))
    at = dict(zip(sp.symbols(f"w0:{len(g)}", real=True), g, strict=True))
    exact = [sp.sympify(u).subs(at) for u in to_sympy(unit(w))]
    np.testing.assert_allclose(unit(g), [float(u) for u in exact], rtol=1e-15)
    assert sp.sqrt(sum(gi**2 for gi in g)) == to_sympy(norm(w)).subs(at)


tame = st.floats(-1e6, 1e6)


@settings(max_examples=30)
@given(tame, tame)
@example(0.0, 0.0)
@example(1.0, 1.0)
def test_the_choices_mean_the_same_on_numbers_and_symbols(a, b):
    x, y = symbol("x"), symbol("y")
    at = {sp.Symbol("x", real=True): sp.Rational(a), sp.Symbol("y", real=True): sp.Rational(b)}
    for function in (
        ops.maximum,
        ops.minimum,
        lambda p, q: ops.sign(p - q),
        lambda p, q: ops.where(ops.less(p, q), p, q + 1),
        lambda p, q: ops.where(ops.less_equal(p, q), p, q + 1),
        lambda p, q: ops.where(ops.equal(p, q), 1, 0),
    ):
        number = function(np.float64(a), np.float64(b))
        formula = sp.sympify(to_sympy(function(x, y))).subs(at, simultaneous=True)
        assert float(formula) == pytest.approx(float(number), rel=1e-15)


def test_the_choices_broadcast_over_arrays_of_symbols():
    w = vector("w", 3)
    assert ops.maximum(w, 0).shape == (3,)
    assert ops.where(ops.less(w, 0.0), 1.0, np.array([1.0, 2.0, 3.0])).shape == (3,)
    assert ops.less(0.0, w)[1].op == "less"


@pytest.mark.parametrize("choice", [ops.maximum, ops.minimum])
def test_maximum_and_minimum_pass_nan_on(choice):
    assert np.isnan(choice(np.nan, 1.0))
    assert np.isnan(choice(1.0, np.nan))
    assert np.isnan(ops.sign(np.nan))


def test_a_choice_among_numbers_is_a_number():
    assert isinstance(ops.where(True, 1.0, 2.0), float)
    assert isinstance(ops.ratio(3.0, np.float64(2.0)), float)


@given(wide, wide)
def test_ratio_is_the_quotient_and_0_over_0(a, b):
    with np.errstate(all="ignore"):
        expected = np.float64(a) / np.float64(b) if b else 0.0
        assert ops.ratio(np.float64(a), np.float64(b)) == expected
        assert ops.ratio(np.array([a]), np.array([b])) == expected
    assert np.isnan(ops.ratio(1.0, np.nan))


@given(st.integers(-20, 20), st.integers(0, 10))
def test_a_power_of_whole_numbers_is_exact(x, n):
    assert ops.power(float(x), n) == x**n
    assert np.array_equal(ops.power(np.array([x, 2.0]), n), [x**n, 2.0**n])
    assert to_sympy(ops.power(symbol("x"), n)) == sp.Symbol("x", real=True) ** n


def test_vectors_are_joined_and_rows_stacked():
    for a in (np.array([[1.0, 2.0], [3.0, 4.0]]), vector("w", 4).reshape(2, 2)):
        assert ops.concatenate([a, a[:1]]).tolist() == a[[0, 1, 0]].tolist()
        assert ops.stack([a[1], a[0]]).tolist() == a[[1, 0]].tolist()
        assert ops.stack([a[0, 0], a[1, 1]]).tolist() == [a[0, 0], a[1, 1]]


def test_what_is_not_needed_yet_is_not_imported():
    code = "import sys, normgd; normgd.unit([3, 4]); print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "normgd.ops" in loaded
    later = {"array_api_compat", "jax", "torch", "matplotlib", "sympy", "anywidget", "tqdm"}
    assert not later & set(loaded)
