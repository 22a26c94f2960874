"""Descents: the record is what the rule did, and the theorems of the course hold on it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from normgd import (
    Clip,
    Function,
    Momentum,
    Sign,
    Unit,
    clipped,
    descend,
    gd,
    momentum,
    ngd,
    norm,
    schedules,
    sign,
)
from normgd import functions as F

rng = np.random.default_rng(5)
LANDSCAPES = {
    "quadratic": F.quadratic([1, 10], angle=0.3, minimiser=(0.1, -0.2)),
    "rosenbrock": F.rosenbrock,
    "beale": F.beale,
    "himmelblau": F.himmelblau,
    "saddle": F.saddle,
    "monkey_saddle": F.monkey_saddle,
    "quartic": F.quartic,
    "absolute": F.absolute,
    "cone": F.cone,
    "plateau": F.plateau,
    "half_line": F.half_line,
    "logistic": F.logistic(rng.normal(size=(9, 2)), np.sign(rng.normal(size=9))),
    "plain function": F.as_function(lambda w: w[0] ** 2 + np.exp(w[0] * w[1])),
    "power": F.power(1.5),
    "cliff": F.cliff,
    "double_well": F.double_well,
    "barrier": F.barrier,
}
RULES = {
    "gd": gd(0.02),
    "ngd": ngd(0.3),
    "momentum": momentum(0.01, 0.9),
    "sign": sign(0.1),
    "clipped": clipped(0.1, 0.3),
    "Unit": Unit(),
    "chain": Momentum(0.5) >> Clip(1.0) >> Sign() >> ngd(schedules.inverse_sqrt(0.3)),
    "function": lambda g, m, t: (0.01 * (m + g) / (t + 1), m + g),
}
landscapes = pytest.mark.parametrize("J", LANDSCAPES.values(), ids=LANDSCAPES)
rules = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def dimension(J):
    return J.dim or 2


few = settings(max_examples=25)
coordinates = st.floats(-2, 2).map(lambda s: round(s, 4))
planes = st.tuples(coordinates, coordinates)

# --------------------------------------------------------------------------- the record


@landscapes
@rules
def test_a_batch_is_a_loop_bit_for_bit(J, rule):
    starts = np.random.default_rng(3).uniform(0.1, 2, (dimension(J), 2, 3))
    batch = descend(J, starts, rule, steps=12)
    assert batch.w.shape == (13, dimension(J), 2, 3)
    for i, j in itertools.product(range(2), range(3)):
        alone = descend(J, starts[:, i, j], rule, steps=12)
        for field in ("w", "g", "step", "J", "grad_norm", "step_length", "last", "best"):
            one_of_many = getattr(batch, field)[..., i, j]
            assert np.array_equal(getattr(alone, field), one_of_many, equal_nan=True), field
        assert alone.diverged == batch.diverged[i, j]


@landscapes
@rules
def test_the_record_is_consistent(J, rule):
    starts = np.random.default_rng(4).uniform(0.2, 1.5, (dimension(J), 4))
    path = descend(J, starts, rule, steps=15)
    assert np.array_equal(path.w[0], starts)
    with np.errstate(invalid="ignore"):  # inf - inf, where a run has diverged
        assert np.array_equal(path.w[1:], path.w[:-1] - path.step, equal_nan=True)
    assert path.steps == 15
    assert len(path) == 16
    for t in range(16):
        with np.errstate(all="ignore"):
            assert np.array_equal(path.J[t], J(path.w[t]), equal_nan=True)
            assert np.array_equal(path.g[t], J.grad(path.w[t]), equal_nan=True)
        assert np.array_equal(path.grad_norm[t], norm(path.g[t]), equal_nan=True)
    assert path.step_length.shape == (15, 4)
    assert np.array_equal(path.step_length[7], norm(path.step[7]), equal_nan=True)
    assert np.array_equal(path.last, path.w[15], equal_nan=True)


def test_what_a_path_says_of_a_hand_made_run():
    # On w²/2 with alpha = 3/2: 8, -4, 2, -1, 1/2.
    path = descend(F.quadratic([1]), 8, gd(1.5), steps=4)
    assert path.w[:, 0].tolist() == [8, -4, 2, -1, 0.5]
    assert path.step[:, 0].tolist() == [12, -6, 3, -1.5]
    assert path.step_length.tolist() == [12, 6, 3, 1.5]
    assert path.J.tolist() == [32, 8, 2, 0.5, 0.125]
    assert path.grad_norm.tolist() == path.distance.tolist() == [8, 4, 2, 1, 0.5]
    assert (path.last, path.best, path.average) == (0.5, 0.5, 1.1)
    assert path.diverged is False


def test_distance_is_to_the_nearest_known_minimiser():
    path = descend(F.double_well, [[-3.0, 0.75, 1.5]], gd(0), steps=1)
    assert path.distance.tolist() == [[2, 0.25, 0.5]] * 2
    assert descend(F.cone, (3, 4, 12), gd(0), steps=0).distance.tolist() == [13]
    with pytest.raises(ValueError, match="no minimiser of saddle is known"):
        _ = descend(F.saddle, (1, 1), gd(0.1), steps=1).distance


def test_best_is_the_first_lowest_finite_iterate():
    up = descend(F.quadratic([1]), [[1.0, 2.0]], gd(2.5), steps=3)
    assert np.array_equal(up.best, up.w[0])
    tied = descend(F.quadratic([1]), 0.5, ngd(1), steps=4)
    assert tied.best == 0.5
    out = descend(F.barrier, 2.0, gd(5.0), steps=2)  # leaves w > 0, where J is NaN
    assert np.isnan(out.J[1:]).all()
    assert out.best == 2


def test_average_is_the_mean_of_the_iterates():
    path = descend(F.rosenbrock, np.ones((2, 3)) * 0.5, ngd(0.1), steps=9)
    assert path.average == pytest.approx(sum(path.w) / 10)
    assert path.average.shape == (2, 3)


def test_zero_steps_and_zero_runs():
    path = descend(F.rosenbrock, (1, 2), ngd(0.1), steps=0)
    assert (path.w.shape, path.step.shape, path.J.shape) == ((1, 2), (0, 2), (1,))
    assert path.step_length.shape == (0,)
    none = descend(F.rosenbrock, np.zeros((2, 0)), momentum(0.1), steps=3)
    assert (none.w.shape, none.J.shape, none.diverged.shape) == ((4, 2, 0), (4, 0), (0,))
    assert none.best.shape == none.average.shape == (2, 0)


@landscapes
@rules
def test_a_run_in_short_floats_stays_short(J, rule):
    path = descend(J, np.full(dimension(J), 0.5, np.float32), rule, steps=3)
    for array in (path.w, path.g, path.step, path.J, path.grad_norm, path.step_length, path.best):
        assert array.dtype == np.float32


def test_a_start_is_copied():
    start = np.array([1.0, 2.0])
    path = descend(F.cone, start, ngd(0.1), steps=2)
    start[0] = 99
    assert path.w[0].tolist() == [1, 2]


def test_repr_says_what_ran():
    J = F.quadratic([1, 10])
    for path, text in (
        (descend(J, (1, 1), ngd(0.5), 3), "Path(quadratic, ngd(eta=0.5), 3 steps)"),
        (
            descend(J, np.ones((2, 6)), ngd(0.5), 3),
            "Path(quadratic, ngd(eta=0.5), 3 steps, 6 runs)",
        ),
        (descend(J, (1, 1), gd(9), 900), "Path(quadratic, gd(alpha=9.0), 900 steps, diverged)"),
    ):
        assert repr(path) == text
    sweep = descend(J, (1, 1), gd([0.1, 9]), 900)
    assert repr(sweep).endswith("900 steps, 2 runs, 1 diverged)")


# -------------------------------------------------------------------------------- sweeps


def test_a_sweep_over_hyper_parameters_is_separate_runs():
    alphas, betas = np.array([0.001, 0.002, 0.004]), np.array([[0.0], [0.9]])
    sweep = descend(F.rosenbrock, (-1.5, 2), momentum(alphas, betas), steps=20)
    assert sweep.w.shape == (21, 2, 2, 3)
    for i, j in itertools.product(range(2), range(3)):
        alone = descend(F.rosenbrock, (-1.5, 2), momentum(alphas[j], betas[i, 0]), steps=20)
        assert np.array_equal(alone.w, sweep.w[:, :, i, j], equal_nan=True)


def test_starts_and_hyper_parameters_broadcast():
    starts = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
    sweep = descend(F.cone, starts, ngd([[0.1], [0.2]]), steps=4)
    assert sweep.w.shape == (5, 2, 2, 3)
    alone = descend(F.cone, starts[:, 2], ngd(0.2), steps=4)
    assert np.array_equal(sweep.w[..., 1, 2], alone.w)
    paired = descend(F.cone, starts, ngd([0.1, 0.2, 0.3]), steps=4)
    assert np.array_equal(paired.w[..., 1], descend(F.cone, starts[:, 1], ngd(0.2), steps=4).w)


def test_a_sweep_may_be_of_schedules_and_in_a_chain():
    scheduled = descend(F.cone, (3, 1), ngd(schedules.inverse([0.5, 1.0])), steps=6)
    chained = descend(F.cone, (3, 1), Unit() >> gd(schedules.inverse([0.5, 1.0])), steps=6)
    alone = descend(F.cone, (3, 1), ngd(schedules.inverse(1.0)), steps=6)
    assert np.array_equal(scheduled.w[..., 1], alone.w)
    assert np.array_equal(chained.w, scheduled.w)


# ---------------------------------------------------------------------------- divergence


def test_divergence_is_recorded_not_raised():
    path = descend(F.quadratic([1]), [[1.0, 1.0]], gd([2.5, 0.5]), steps=3000)
    assert path.diverged.tolist() == [True, False]
    assert np.array_equal(path.w[:30, 0, 0], (-1.5) ** np.arange(30))  # exact: 3^29 < 2^53
    assert not np.isfinite(path.w[-1, 0, 0])
    assert path.best[0, 0] == 1


def test_a_gradient_that_is_nan_gives_a_run_that_is_nan():
    J = Function(lambda w: w[0], grad=lambda w: np.where(w < 1, np.nan, 1.0))
    for rule in (gd(0.6), ngd(0.6), sign(0.6), clipped(1, 0.6), momentum(0.6)):
        path = descend(J, [2.0], rule, steps=4)
        assert np.isfinite(path.w[:3]).all()
        assert np.isnan(path.w[3:]).all()
        assert path.diverged is True


def test_an_infinite_gradient_has_no_direction():
    J = Function(lambda w: 0 * w[0], grad=lambda w: np.full_like(w, np.inf))
    assert descend(J, [1.0], ngd(1), steps=1).diverged


# -------------------------------------------------------------------- the unit step's laws


@landscapes
def test_every_step_is_exactly_eta_long(J):
    starts = np.random.default_rng(6).uniform(0.3, 1.7, (dimension(J), 20))
    for eta in (0.01, 0.3, 1e-12, 1e7):
        path = descend(J, starts, ngd(eta), steps=40)
        moving = (path.grad_norm > 0) & np.isfinite(path.grad_norm)
        lengths = path.step_length[moving[:-1]]
        assert lengths.size >= 20
        np.testing.assert_array_max_ulp(lengths, np.full_like(lengths, eta), 2)
        assert not path.step_length[path.grad_norm[:-1] == 0].any()


@few
@given(planes, st.floats(1e-6, 1e6))
def test_no_run_leaves_the_ball_of_radius_k_eta(start, eta):
    for J in (F.rosenbrock, F.himmelblau, F.monkey_saddle):
        path = descend(J, start, ngd(eta), steps=30)
        reach = norm((path.w - path.w[0]).T)
        assert np.all(reach <= np.arange(31) * eta * (1 + 1e-12) + 1e-12)


@few
@given(planes, st.integers(-900, 900))
def test_the_unit_step_does_not_see_a_power_of_two(start, k):
    J, c = F.himmelblau, 2.0**k
    scaled = Function(lambda w: c * J(w), lambda w: c * J.grad(w))
    expected = descend(J, start, ngd(0.1), steps=30)
    slopes = np.abs(expected.g[expected.g != 0])
    assume(not slopes.size or slopes.min() * c > 1e-290)  # or c g loses digits to underflow
    assert np.array_equal(descend(scaled, start, ngd(0.1), steps=30).w, expected.w)


@pytest.mark.parametrize("c", [1e-300, 1e-30, 1e-3, 7.0, 1e30, 1e300])
def test_the_unit_step_does_not_see_a_factor(c):
    for J in (F.quadratic([1, 10]), F.plateau, F.quartic, F.cone):
        scaled = Function(lambda w, J=J: c * J(w), lambda w, J=J: c * J.grad(w))
        for rule in (ngd(0.1), sign(0.1)):
            one, other = (descend(f, (1.3, -0.8), rule, steps=8) for f in (J, scaled))
            np.testing.assert_allclose(other.w, one.w, rtol=1e-12)


RESHAPED = {  # h and h', with h' > 0 where J > 0
    "log(1 + J)": (np.log1p, lambda J: 1 / (1 + J)),
    "exp J": (np.exp, np.exp),
    "J cubed": (lambda J: J**3, lambda J: 3 * J**2),
    "root of J": (np.sqrt, lambda J: 0.5 / np.sqrt(J)),
    "-1 / J": (lambda J: -1 / J, lambda J: J**-2),
}


@pytest.mark.parametrize("shape", RESHAPED)
@few
@given(start=planes)
def test_the_unit_step_does_not_see_a_monotone_h(shape, start):
    h, slope = RESHAPED[shape]
    for J in (F.quadratic([1, 3]), F.plateau, F.rosenbrock):
        assume(0.01 < J(start) < 300)
        reshaped = Function(lambda w, J=J: h(J(w)), lambda w, J=J: slope(J(w)) * J.grad(w))
        for rule in (ngd(0.01), sign(0.01)):
            path, other = (descend(f, start, rule, steps=5) for f in (J, reshaped))
            np.testing.assert_allclose(other.w, path.w, rtol=0, atol=1e-9)


def test_gd_does_see_it():
    J = F.quadratic([1, 3])
    scaled = Function(lambda w: 2 * J(w), lambda w: 2 * J.grad(w))
    one, other = (descend(f, (1, 1), gd(0.1), steps=5).last for f in (J, scaled))
    assert norm(one - other) > 0.1


@few
@given(planes, st.floats(1e-6, 1e6))
def test_gd_needs_alpha_over_c(start, c):
    J = F.himmelblau
    scaled = Function(lambda w: c * J(w), lambda w: c * J.grad(w))
    one, other = descend(J, start, gd(0.01), steps=5), descend(scaled, start, gd(0.01 / c), steps=5)
    np.testing.assert_allclose(other.w, one.w, rtol=1e-9, atol=1e-9)


@few
@given(planes, st.floats(1e-3, 1e3))
def test_in_other_units_eta_scales_like_w_and_alpha_like_its_square(start, s):
    J = F.himmelblau  # w = s z
    in_z = Function(lambda z: J(s * z), lambda z: s * J.grad(s * z))
    z = np.array(start) / s
    for rule, rescaled in (
        (ngd(0.05), ngd(0.05 / s)),
        (gd(0.01), gd(0.01 / s**2)),
        (sign(0.05), sign(0.05 / s)),
        (momentum(0.01, 0.5), momentum(0.01 / s**2, 0.5)),
        (clipped(0.01, 0.05), clipped(0.01 / s**2, 0.05 / s)),
    ):
        one, other = descend(J, start, rule, steps=4), descend(in_z, z, rescaled, steps=4)
        assume(one.grad_norm.min() > 0.1)
        np.testing.assert_allclose(s * other.w, one.w, rtol=1e-9, atol=1e-9)


@few
@given(planes, st.floats(-3, 3), planes)
def test_rotations_and_translations_change_nothing(start, angle, shift):
    J, Q, b = F.himmelblau, F.rotation(angle), np.array(shift)
    turned = Function(lambda z: J(Q @ z + b), lambda z: Q.T @ J.grad(Q @ z + b))
    z = Q.T @ (np.array(start) - b)
    for rule in (ngd(0.05), gd(0.01), momentum(0.01, 0.5), clipped(0.01, 0.05)):
        one, other = descend(J, start, rule, steps=4), descend(turned, z, rule, steps=4)
        assume(one.grad_norm.min() > 0.1)
        np.testing.assert_allclose(other.w @ Q.T + b, one.w, rtol=0, atol=1e-9)


def test_the_sign_does_see_a_rotation():
    J = F.quadratic([1, 3])
    Q = F.rotation(0.5)
    turned = F.quadratic([1, 3], angle=-0.5)
    one, other = (
        descend(f, w, sign(0.1), steps=5).last for f, w in ((J, [2.0, 1.0]), (turned, Q.T @ [2, 1]))
    )
    assert norm(Q @ other - one) > 0.05


# ------------------------------------------------- exact orbits on the line, and landing

# Each has its minimum at 0 and the sign of w as the sign of its derivative.
EVEN = [F.quartic, F.absolute, F.cone, F.power(1.5), F.power(3), F.plateau, F.cliff]


def test_the_line_ends_in_the_two_cycle_r_and_eta_minus_r():
    # All starts and step lengths on a grid of 32nds, where floats make no rounding errors.
    start, eta = np.meshgrid(np.arange(-96, 97) / 32, np.arange(1, 65) / 32)
    m, r = np.divmod(np.abs(start), eta)
    t = np.arange(101)[:, None, None]
    bouncing = np.where(r == 0, 0, np.where((t - m) % 2 == 0, r, eta - r))
    expected = np.where(t <= m, np.abs(start) - t * eta, bouncing)
    first = descend(F.quadratic([7]), start[None], ngd(eta), steps=100)
    assert np.array_equal(first.distance, expected)
    for J in EVEN:
        assert np.array_equal(descend(J, start[None], ngd(eta), steps=100).w, first.w)


@few
@given(planes, st.sampled_from(["quadratic", "rosenbrock", "cone", "plateau", "himmelblau"]))
def test_the_unit_step_never_comes_to_rest(start, name):
    path = descend(LANDSCAPES[name], start, ngd(0.25), steps=60)
    moved = norm(np.diff(path.w, axis=0).T)
    resting = path.grad_norm[:-1] == 0
    assert np.all(np.abs(moved[~resting] - 0.25) < 1e-14)
    assert not moved[resting].any()


@pytest.mark.parametrize("kappa", [1, 10, 100, 1000])
def test_late_iterates_on_a_quadratic_stay_within_the_bound(kappa):
    J = F.quadratic([1, kappa], angle=0.4)
    starts = np.random.default_rng(8).uniform(-1, 1, (2, 100))
    late = descend(J, starts, ngd(0.05), steps=3000).distance[-500:]
    assert late.max() <= 0.05 * max(1, (kappa + 1) / (4 * math.sqrt(kappa)))


STATIONARY = [
    ("quadratic", (0.1, -0.2)), ("rosenbrock", (1, 1)), ("beale", (3, 0.5)), ("himmelblau", (3, 2)),
    ("saddle", (0, 0)), ("monkey_saddle", (0, 0)), ("quartic", (0, 0)), ("absolute", (0, 0)),
    ("cone", (0, 0)), ("plateau", (0, 0)), ("half_line", (0, 5)), ("power", (0,)), ("cliff", (0,)),
    ("double_well", (0,)), ("double_well", (-1,)), ("barrier", (1,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "point"), STATIONARY)
@rules
def test_a_stationary_start_stays(name, point, rule):
    path = descend(LANDSCAPES[name], point, rule, steps=5)
    assert np.array_equal(path.w, np.array([point] * 6))


# ---------------------------------------------------------------------- gradient descent


def test_gd_multiplies_each_mode_by_1_minus_alpha_lambda():
    eigenvalues, alphas = np.array([1.0, 4.0, 16.0]), np.array([0.01, 0.05, 0.1, 0.13])
    path = descend(F.quadratic(eigenvalues), (1, -2, 3), gd(alphas), steps=40)
    factor = 1 - alphas * eigenvalues[:, None]
    expected = factor ** np.arange(41)[:, None, None] * np.array([[1], [-2], [3]])
    np.testing.assert_allclose(path.w, expected, rtol=1e-12)


@few
@given(st.floats(0.5, 20), st.floats(0.5, 20), st.floats(-3, 3))
def test_gd_converges_on_a_quadratic_if_and_only_if_alpha_is_below_2_over_L(a, b, angle):
    J = F.quadratic([a, b], angle)
    L = max(a, b)
    path = descend(J, (1.3, 0.7), gd([0.9 * 2 / L, 1.1 * 2 / L]), steps=300)
    worst = max(abs(1 - 1.8 * a / L), abs(1 - 1.8 * b / L))
    assert path.distance[-1, 0] <= 2 * worst**300 + 1e-300
    sharpest = abs(F.rotation(angle)[:, int(b > a)] @ [1.3, 0.7])
    assume(sharpest > 1e-6)
    assert path.distance[-1, 1] >= 0.9 * sharpest * 1.2**300


def test_gd_on_the_quartic_converges_below_the_threshold_only():
    alpha = 1 / 8  # threshold 1 / sqrt(2 alpha) = 2
    path = descend(F.quartic, [[1.999, 2.0, 2.001]], gd(alpha), steps=4000)
    assert path.distance[-1, 0] < 0.05
    assert path.w[:, 0, 1].tolist() == [2, -2] * 2000 + [2]  # exactly, in binary
    assert path.diverged.tolist() == [False, False, True]
    # ... and the unit step comes within eta from anywhere, in distance / eta steps.
    assert descend(F.quartic, 1000, ngd(0.125), steps=8000).last == 0


@few
@given(st.floats(0.05, 1.2))
def test_gd_on_the_power_three_halves_ends_in_a_two_cycle(start):
    alpha = 0.1
    a = 9 / 16 * alpha**2
    path = descend(F.power(1.5), start, gd(alpha), steps=200)
    assert path.distance[-2:] == pytest.approx([a, a], rel=1e-9)
    assert path.w[-1] == pytest.approx(-path.w[-2])


def test_the_two_rules_choose_different_minima():
    w = {rule: descend(F.double_well, 2.25, rule, steps=500).w for rule in (gd(0.3), ngd(0.3))}
    assert w[gd(0.3)][-1] == pytest.approx([-1])
    assert sorted(w[ngd(0.3)][-2:, 0]) == pytest.approx([0.75, 1.05])


def test_ngd_is_gd_with_rate_eta_over_the_gradient_norm():
    path = descend(F.rosenbrock, (-1.5, 2), ngd(0.1), steps=50)
    again = descend(F.rosenbrock, (-1.5, 2), gd(lambda t: 0.1 / path.grad_norm[t]), steps=8)
    np.testing.assert_allclose(again.w, path.w[:9], rtol=1e-11)


def test_geometric_steps_land_on_a_kink_within_their_sum():
    # Sum of the steps: 1. What is farther away than that is never reached.
    path = descend(F.cone, [[0.9, 1.5], [0.0, 0.0]], ngd(schedules.geometric(0.5, 0.5)), steps=80)
    assert path.distance[-1, 1] == pytest.approx(0.5)
    assert path.distance[-1, 0] < 0.2


# ------------------------------------------------------------------------------ bad input


def call(J=F.rosenbrock, start=(1.0, 2.0), rule=None, steps=1):
    return lambda: descend(J, start, rule or ngd(0.1), steps)


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (call(J=3), TypeError, "J must be a landscape or a function of w; got 3"),
        (call(J=None), TypeError, "J must be a landscape or a function of w; got None"),
        (call(start=(1, 2, 3)), ValueError, r"start must have 2 coordinates .* got shape \(3,\)"),
        (call(start=1.0), ValueError, r"start must have 2 coordinates .* got shape \(1,\)"),
        (call(start=np.ones((3, 2))), ValueError, r"start must have 2 coord.* shape \(3, 2\)"),
        (call(start=None), TypeError, "start must be an array of real numbers; got None"),
        (call(start=True), TypeError, "start must be an array of real numbers; got True"),
        (call(start="1, 2"), TypeError, "start must be an array of real numbers; got '1, 2'"),
        (call(start=["a", "b"]), TypeError, "start must be an array of real numbers"),
        (call(start=[None, 1]), TypeError, "start must be an array of real numbers"),
        (call(start={}), TypeError, "start must be an array of real numbers"),
        (call(start=(1j, 2)), TypeError, "start must be an array of real numbers"),
        (call(start=[[1], [1, 2]]), ValueError, "start must be a rectangular array"),
        (call(J=F.cone, start=[]), ValueError, "start must have at least one coordinate"),
        (call(start=(1, math.nan)), ValueError, "start must be finite"),
        (call(start=(1, -math.inf)), ValueError, "start must be finite"),
        (call(F.barrier, -1.0), ValueError, "start must lie in the domain of barrier; got"),
        (call(F.barrier, 0), ValueError, "start must lie in the domain of barrier"),
        (call(F.barrier, [[1, 2, -1]]), ValueError, "start must lie in the domain of barrier"),
        (call(rule=ngd), TypeError, "rule must be a rule such as .*got the class ngd"),
        (call(rule=0.1), TypeError, "rule must be a rule such as .*; got 0.1"),
        (call(rule="ngd"), TypeError, "rule must be a rule such as .*; got 'ngd'"),
        (call(steps=-1), ValueError, "steps must be at least 0; got -1"),
        (call(steps=10.0), TypeError, "steps must be a whole number; got 10.0"),
        (call(steps=True), TypeError, "steps must be a whole number; got True"),
        (call(steps=None), TypeError, "steps must be a whole number; got None"),
        (call(steps="9"), TypeError, "steps must be a whole number; got '9'"),
        (
            call(start=np.ones((2, 3)), rule=ngd([0.1, 0.2])),
            ValueError,
            r"start, shape \(3,\), and the hyper-parameters .*shape \(2,\), must broadcast",
        ),
        (
            call(rule=gd(lambda t: np.ones(t + 1)), steps=3),
            ValueError,
            r"the step of gd.* must be .* shape",
        ),
    ],
)
def test_bad_input_is_refused_by_name(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()
