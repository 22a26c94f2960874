"""The schedules: formulas, first values, sums and where they end."""

import itertools
import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from normgd import schedules as S
from normgd.symbols import symbol, to_sympy

FORMULAS = {
    "constant": (S.constant(0.5), lambda t: 0.5),
    "inverse_sqrt": (S.inverse_sqrt(0.5), lambda t: 0.5 / math.sqrt(t + 1)),
    "inverse": (S.inverse(0.5), lambda t: 0.5 / (t + 1)),
    "geometric": (S.geometric(0.5, 0.9), lambda t: 0.5 * 0.9**t),
    "linear": (S.linear(0.5, 40), lambda t: 0.5 * max(0, 1 - t / 40)),
    "cosine": (S.cosine(0.5, 40), lambda t: 0.25 * (1 + math.cos(math.pi * min(t, 40) / 40))),
    "horizon": (S.horizon(R=3.0, K=36), lambda t: 0.5),
    "warmup": (
        S.warmup(S.linear(0.5, 40), 10),
        lambda t: 0.5 * min(1, (t + 1) / 10) * max(0, 1 - t / 40),
    ),
    "corrected": (
        S.corrected(0.5, 0.75, 0.5),
        lambda t: 0.5 * math.sqrt(1 - 0.5 ** (t + 1)) / (1 - 0.75 ** (t + 1)),
    ),
}
each = pytest.mark.parametrize("name", FORMULAS)
decaying = pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"warmup", "corrected"}))


@each
@given(t=st.integers(0, 100))
def test_each_schedule_is_its_formula(name, t):
    schedule, formula = FORMULAS[name]
    assert float(schedule(t)) == pytest.approx(formula(t), rel=1e-12, abs=1e-16)


@decaying
def test_the_first_value_is_the_rate(name):
    assert FORMULAS[name][0](0) == 0.5


@decaying
def test_schedules_never_rise_and_never_fall_below_zero(name):
    values = [float(FORMULAS[name][0](t)) for t in range(60)]
    assert all(a >= b >= 0 for a, b in itertools.pairwise(values))


@each
def test_symbols_and_numbers_agree(name):
    schedule, _ = FORMULAS[name]
    formula = sp.sympify(to_sympy(schedule(symbol("t"))))
    for t in (0, 7, 41):
        value = float(formula.subs(sp.Symbol("t", real=True), t))
        assert value == pytest.approx(float(schedule(t)), rel=1e-12, abs=1e-16)


def test_there_is_a_test_of_every_schedule():
    assert set(FORMULAS) == set(S.__all__)


@settings(max_examples=30)
@given(st.integers(1, 3000), st.floats(1e-6, 1e6))
def test_the_sum_of_inverse_square_roots_grows_like_twice_the_root(n, rate):
    total = math.fsum(S.inverse_sqrt(rate)(t) for t in range(n))
    assert rate * 2 * (math.sqrt(n + 1) - 1) <= total * (1 + 1e-12)
    assert total <= rate * (2 * math.sqrt(n) - 1) * (1 + 1e-12)


@settings(max_examples=30)
@given(st.integers(1, 3000))
def test_the_sum_of_inverses_grows_like_the_logarithm(n):
    total = math.fsum(S.inverse(1)(t) for t in range(n))
    assert math.log(n + 1) <= total <= (1 + math.log(n)) * (1 + 1e-12)


@settings(max_examples=30)
@given(st.floats(0.01, 0.99), st.floats(1e-6, 1e6))
def test_the_sum_of_a_geometric_schedule_is_finite(q, rate):
    n = math.ceil(math.log(1e-16) / math.log(q))
    total = math.fsum(S.geometric(rate, q)(t) for t in range(n))
    assert total == pytest.approx(rate / (1 - q), rel=1e-12)


@pytest.mark.parametrize("schedule", [S.linear(2, 7), S.cosine(2, 7)])
def test_annealing_ends_at_exactly_zero_and_stays_there(schedule):
    assert schedule(6) > 0
    assert [schedule(t) for t in (7, 8, 1000)] == [0, 0, 0]
    # By symmetry both pass half their height half-way: the sum over 0..T is rate * (T + 1) / 2.
    assert math.fsum(schedule(t) for t in range(8)) == pytest.approx(8)


def test_a_warmup_is_linear_and_then_the_schedule_itself():
    rate = S.warmup(0.5, T=4)
    assert [rate(t) for t in range(6)] == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]
    inner = S.cosine(2, 30)
    assert [S.warmup(inner, 5)(t) for t in range(4, 40)] == [inner(t) for t in range(4, 40)]
    assert S.warmup(inner, 1)(0) == inner(0)


@given(st.floats(0, 0.99), st.floats(0, 0.999))
def test_bias_correction_starts_where_a_constant_gradient_needs_it_and_ends_at_1(beta1, beta2):
    # For g = 1: m = 1 - beta1 and v = 1 - beta2, so the first step m / sqrt(v) times this is 1.
    rate = S.corrected(1.0, beta1, beta2)
    assert rate(0) * (1 - beta1) / math.sqrt(1 - beta2) == pytest.approx(1, rel=1e-12)
    assert rate(50_000) == pytest.approx(1)


def test_an_array_of_rates_is_a_sweep():
    rates = [1.0, 2.0, 4.0]
    for schedule in (
        S.constant(rates),
        S.inverse(rates),
        S.geometric(rates, 0.5),
        S.linear(rates, 2),
        S.warmup(S.inverse(rates), 3),
        S.corrected(rates),
    ):
        assert np.array_equal(schedule(1), np.array(rates) * float(schedule(1)[0]))


def test_schedules_are_values():
    assert S.cosine(1, 5) == S.cosine(1.0, 5)
    assert S.linear(1, 5) != S.cosine(1, 5)
    assert hash(S.inverse(2)) == hash(S.inverse(2.0))
    assert S.inverse([1, 2]) == S.inverse([1, 2])
    assert S.inverse([1, 2]) != S.inverse([1, 3])
    assert hash(S.inverse([1, 2])) == hash(S.inverse([1, 2]))
    assert repr(S.geometric(1, 0.5)) == "geometric(rate=1.0, q=0.5)"


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda: S.constant(-1), ValueError, "rate must be at least 0; got -1"),
        (lambda: S.inverse([1, -1]), ValueError, r"rate must be at least 0; got \[1, -1\]"),
        (lambda: S.inverse_sqrt(math.nan), ValueError, "rate must be finite"),
        (lambda: S.inverse("1"), TypeError, "rate must be a real number"),
        (lambda: S.constant(None), TypeError, "rate must be a real number"),
        (lambda: S.constant(S.constant(1)), TypeError, "rate must be a number or an array"),
        (lambda: S.geometric(1, 1), ValueError, "q must lie strictly between 0 and 1; got 1"),
        (lambda: S.geometric(1, 0), ValueError, "q must lie strictly between 0 and 1; got 0"),
        (lambda: S.geometric(1, [0.5]), TypeError, r"q must be a number; got \[0.5\]"),
        (lambda: S.geometric(1, math.nan), ValueError, "q must be finite"),
        (lambda: S.linear(1, 0), ValueError, "T must be at least 1; got 0"),
        (lambda: S.linear(1, 2.5), TypeError, "T must be a whole number; got 2.5"),
        (lambda: S.cosine(1, True), TypeError, "T must be a whole number; got True"),
        (lambda: S.cosine(-1, 2), ValueError, "rate must be at least 0"),
        (lambda: S.horizon(-1, 5), ValueError, "R must be at least 0; got -1"),
        (lambda: S.horizon("a", 5), TypeError, "R must be a real number"),
        (lambda: S.horizon(1, 0), ValueError, "K must be at least 1; got 0"),
        (lambda: S.warmup(-1, 3), ValueError, "then must be at least 0; got -1"),
        (lambda: S.warmup(None, 3), TypeError, "then must be a real number"),
        (lambda: S.warmup(1, 0), ValueError, "T must be at least 1; got 0"),
        (lambda: S.corrected(-1), ValueError, "rate must be at least 0; got -1"),
        (lambda: S.corrected(1, 1), ValueError, r"beta1 .* must be in \[0, 1\); got 1"),
        (lambda: S.corrected(1, 0.9, S.constant(0)), TypeError, "beta2 must be a number"),
        (lambda: S.horizon(1, "3"), TypeError, "K must be a whole number; got '3'"),
    ],
)
def test_bad_input_is_refused_by_name(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()
