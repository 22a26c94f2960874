"""Noisy landscapes: who is drawn, with what law, and that a seed fixes everything."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normgd as ng
from normgd import functions as F

rng = np.random.default_rng(3)
X, y = rng.normal(size=(7, 2)), rng.normal(size=7)
LINEAR = F.least_squares(X, y)
DATA = F.least_squares(np.ones((5, 1)), [0.0, 0.0, 0.0, 0.0, 10.0])  # mean 2, median 0
SEEDS = st.integers(0, 2**32)

NOISY = {
    "minibatch": ng.minibatch(LINEAR, 3),
    "epochs": ng.epochs(LINEAR, 3),
    "cyclic": ng.cyclic(LINEAR),
    "noisy": ng.noisy(LINEAR, 0.5),
    "each": ng.noisy(LINEAR, [0.5, 2.0]),
    "both": ng.noisy(ng.minibatch(LINEAR, 3), np.array(0.5)),
    "law": ng.noisy(LINEAR, lambda rng, shape: rng.standard_cauchy(shape)),
}
each = pytest.mark.parametrize("name", NOISY)


def samples(J, seed, shape, n):
    return list(itertools.islice(J.samples(np.random.default_rng(seed), shape), n))


# ------------------------------------------------------------------------------- all kinds


@each
@settings(max_examples=10)
@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name, seed):
    def run(seed):
        return ng.descend(NOISY[name], (1.0, -1.0), ng.ngd(0.1), 20, repeats=4, rng=seed)

    one, other = run(seed), run(np.random.default_rng(seed))
    assert np.array_equal(one.w, other.w)
    assert np.array_equal(one.g, other.g)
    if name != "cyclic":
        assert not np.array_equal(one.w, run(seed + 1).w)


@each
def test_repetitions_are_independent_and_the_path_tells_the_meant_values(name):
    path = ng.descend(NOISY[name], (1.0, -1.0), ng.gd([0.1, 0.2, 0.3]), 20, repeats=4, rng=5)
    assert path.w.shape == (21, 2, 4, 3)
    if name != "cyclic":
        assert len({run.tobytes() for run in np.moveaxis(path.w[..., 1], 2, 0)}) == 4
    assert np.array_equal(path.J[7], LINEAR(path.w[7]))
    assert path.function is LINEAR
    np.testing.assert_array_equal(path.w[1:], path.w[:-1] - path.step)
    np.testing.assert_allclose(path.step, np.array([0.1, 0.2, 0.3]) * path.g[:-1], rtol=1e-15)


@each
def test_a_sample_is_a_landscape_whose_gradient_is_its_slope(name):
    w, v, h = np.array([[0.3], [-0.8]]), np.array([[1.0], [2.0]]), 1e-6
    for sample in samples(NOISY[name], 1, (2, 1), 4):
        slope = (sample.value(w + h * v) - sample.value(w - h * v)) / (2 * h)
        assert slope == pytest.approx((sample.grad(w) * v).sum(axis=0), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["minibatch", "epochs", "noisy", "each", "both"])
def test_the_mean_gradient_is_the_gradient(name):
    w = np.broadcast_to([[0.3], [-0.8]], (2, 40_000))
    (sample,) = samples(NOISY[name], 2, w.shape, 1)
    g = sample.grad(w)
    error = g.mean(axis=1) - LINEAR.grad(w[:, 0])
    assert np.all(np.abs(error) < 5 * g.std(axis=1) / math.sqrt(40_000))


@each
def test_noisy_landscapes_show_what_they_are_and_travel_if_their_functions_can(name):
    J = NOISY[name]
    assert repr(J) == f"<{J.name}>"
    assert "least_squares" in J.name
    if name == "law":
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            pickle.dumps(J)
        return
    again = pickle.loads(pickle.dumps(J))
    for one, other in zip(samples(J, 4, (2, 3), 3), samples(again, 4, (2, 3), 3), strict=True):
        w = np.arange(6.0).reshape(2, 3)
        assert np.array_equal(one.grad(w), other.grad(w))


def test_a_landscape_without_noise_is_seen_whole_and_needs_no_seed():
    plain = ng.descend(F.rosenbrock, (-1.5, 2), ng.ngd(0.1), 30)
    assert np.array_equal(ng.descend(F.rosenbrock, (-1.5, 2), ng.ngd(0.1), 30, rng=9).w, plain.w)
    repeated = ng.descend(F.rosenbrock, (-1.5, 2), ng.ngd(0.1), 30, repeats=2)
    assert np.array_equal(repeated.w[..., 1], plain.w)


# ------------------------------------------------------------------------------ minibatches


def rows_seen(sample):
    """Which examples a minibatch of DATA-like ones holds: their targets, from the gradient at 0."""
    return -sample.grad(np.zeros((1, 1)))[0, 0]


def test_a_minibatch_of_one_sees_each_example_equally_often():
    numbered = F.least_squares(np.ones((4, 1)), [0.0, 1.0, 2.0, 3.0])
    (sample,) = samples(ng.minibatch(numbered, 1), 6, (1, 40_000), 1)
    counts = np.bincount(-sample.grad(np.zeros((1, 40_000)))[0].astype(int), minlength=4)
    assert counts.sum() == 40_000
    assert np.all(np.abs(counts - 10_000) < 5 * math.sqrt(40_000 * 3 / 16))


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 7))
def test_an_epoch_sees_each_example_once_before_any_again(seed, size):
    numbered = F.least_squares(np.ones((7, 1)), [8.0**i for i in range(7)])
    per_epoch = 7 // size
    seen = [
        round(rows_seen(s) * size)
        for s in samples(ng.epochs(numbered, size), seed, (1, 1), 3 * per_epoch)
    ]
    for epoch in range(3):
        digits = [
            place
            for total in seen[epoch * per_epoch : (epoch + 1) * per_epoch]
            for place, digit in enumerate(f"{total:o}"[::-1])
            for _ in range(int(digit))
        ]
        assert len(digits) == len(set(digits)) == per_epoch * size


def test_examples_come_in_order_in_a_cycle():
    numbered = F.least_squares(np.ones((3, 1)), [5.0, 6.0, 7.0])
    seen = [rows_seen(s) for s in samples(ng.cyclic(numbered), None, (1, 1), 7)]
    assert seen == [5, 6, 7, 5, 6, 7, 5]


def test_a_full_epoch_at_once_is_the_whole_landscape():
    (sample,) = samples(ng.epochs(LINEAR, 7), 0, (2, 5), 1)
    w = np.random.default_rng(1).normal(size=(2, 5))
    np.testing.assert_allclose(sample.grad(w), LINEAR.grad(w), rtol=1e-12)


# --------------------------------------------------------------- what the noise does to rules


def test_sgd_finds_the_mean_and_the_unit_step_the_median():
    rate = ng.schedules.inverse_sqrt(1.0)
    start = np.full((1, 60), 7.0)
    mean = ng.descend(ng.minibatch(DATA), start, ng.gd(ng.schedules.inverse(1.0)), 4000, rng=1)
    median = ng.descend(ng.minibatch(DATA), start, ng.ngd(rate), 4000, rng=1)
    # With steps 1/(t+1), SGD on (w - a)²/2 is the running mean: variance 16/n.
    assert mean.last.mean() == pytest.approx(2, abs=5 * 4 / math.sqrt(4000 * 60))
    assert np.abs(median.last).max() < 0.2


@pytest.mark.parametrize("d", [1, 10, 100])
def test_gaussian_noise_gives_the_unit_gradient_a_length_again(d):
    # E[ĝ/‖ĝ‖] → ∇J/σ · Γ((d+1)/2) / (√2 Γ(d/2 + 1)) for small gradients; here ‖∇J‖/σ = 0.02.
    J, runs = ng.noisy(F.quadratic([1.0] * d), 1.0), 1_000_000 // (d + 4)
    w = np.zeros((d, runs))
    w[0] = 0.02
    (sample,) = samples(J, 8, w.shape, 1)
    direction = ng.unit(sample.grad(w))[0]
    slope = math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2 + 1)) / math.sqrt(2)
    error = direction.std() / math.sqrt(runs)
    assert direction.mean() == pytest.approx(0.02 * slope, abs=5 * error + 1e-5)


@pytest.mark.parametrize("batch", [(), (2,), (3, 2)])
@pytest.mark.parametrize(
    ("noise", "expected"),  # at coordinate i of 2 and entry k of the batch's last axis
    [
        (0.5, lambda i, k: 0.5),
        (np.array(0.5), lambda i, k: 0.5),
        ([0.0, 7.0], lambda i, k: 7 * i),
        ([3], lambda i, k: 3),
        ([[1.0, 2.0]], lambda i, k: k + 1),
        ([[0, 1], [2, 3]], lambda i, k: 2 * i + k),
    ],
)
def test_an_array_of_deviations_has_its_coordinates_first(noise, expected, batch):
    if np.ndim(noise) == 2 and not batch:
        with pytest.raises(ValueError, match=r"noise must broadcast with w.*shape \(\d, 2\) for w"):
            samples(ng.noisy(LINEAR, noise), 1, (2,), 1)
        return
    w = np.zeros((2, *batch))
    seen, drawn = (samples(ng.noisy(LINEAR, s), 1, w.shape, 9) for s in (noise, 1.0))
    for one, standard in zip(seen, drawn, strict=True):
        xi, unscaled = (sample.grad(w) - LINEAR.grad(w) for sample in (one, standard))
        for i, *entry in np.ndindex(w.shape):
            ratio = xi[i, *entry] / unscaled[i, *entry]
            assert ratio == pytest.approx(expected(i, entry[-1] if entry else 0), abs=1e-12)


def test_noise_on_minibatches_adds_its_variance_to_theirs():
    w = np.broadcast_to([[0.3], [-0.8]], (2, 40_000))
    J = ng.noisy(ng.minibatch(LINEAR, 2), [0.0, 1.5])
    assert J.J is LINEAR
    assert J.name == "noisy least_squares, minibatches of 2"
    singles = LINEAR.examples(np.arange(7)[None]).grad(w[:, :7])
    (sample,) = samples(J, 5, w.shape, 1)
    # The deviation of a variance is √2/n of it for a Gaussian; minibatches have lighter tails.
    assert sample.grad(w).var(axis=1) == pytest.approx(
        singles.var(axis=1) / 2 + [0, 1.5**2], rel=5 * math.sqrt(2 / 40_000)
    )


def test_noise_upon_noise_adds_up():
    J = ng.noisy(ng.noisy(LINEAR, 3.0), 4.0)
    (sample,) = samples(J, 6, (2, 40_000), 1)
    assert sample.grad(np.zeros((2, 40_000))).std() == pytest.approx(5, rel=0.02)


def test_deviations_changed_later_change_nothing():
    sigma = np.ones(2)
    J = ng.noisy(LINEAR, sigma)
    (before,) = samples(J, 1, (2,), 1)
    sigma[:] = 9
    (after,) = samples(J, 1, (2,), 1)
    assert np.array_equal(before.grad([0, 0]), after.grad([0, 0]))


def test_a_students_own_noise():
    def flipped(rng, shape):
        while True:
            s = np.where(rng.random(shape[1:]) < 0.25, -1.0, 1.0)
            yield ng.Function(lambda w, s=s: s * LINEAR(w), lambda w, s=s: s * LINEAR.grad(w))

    J = ng.Noisy(LINEAR, flipped)
    path = ng.descend(J, (1, 1), ng.gd(0.1), 50, repeats=1000, rng=1)
    signs = path.g[0, 0] / LINEAR.grad((1.0, 1.0))[0]
    assert set(signs.tolist()) == {-1, 1}
    assert abs((signs < 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 1000)


def test_rules_that_look_at_J_look_at_the_sample_their_gradient_is_from():
    # Each sample of DATA is (w - a)²/2: one exact Polyak step halves the distance to its own a.
    path = ng.descend(ng.cyclic(DATA), 6.0, ng.polyak(), 5)
    assert path.w[:, 0] == pytest.approx([6, 3, 1.5, 0.75, 0.375, 5.1875])


# ------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda: ng.minibatch(F.rosenbrock), TypeError, "J must be a mean over examples"),
        (lambda: ng.minibatch(3), TypeError, "J must be a landscape or a function of w; got 3"),
        (lambda: ng.minibatch(LINEAR, 0), ValueError, "size must be at least 1; got 0"),
        (lambda: ng.minibatch(LINEAR, 2.0), TypeError, "size must be a whole number; got 2.0"),
        (lambda: ng.minibatch(LINEAR, True), TypeError, "size must be a whole number; got True"),
        (lambda: ng.epochs(LINEAR, 8), ValueError, "size must be at most 7, .* examples; got 8"),
        (lambda: ng.epochs(F.cone), TypeError, "J must be a mean over examples"),
        (lambda: ng.epochs(LINEAR, -1), ValueError, "size must be at least 1; got -1"),
        (lambda: ng.cyclic(F.cone), TypeError, "J must be a mean over examples"),
        (lambda: ng.noisy(F.cone, -1), ValueError, "noise must be finite and at least 0; got -1"),
        (lambda: ng.noisy(F.cone, math.nan), ValueError, "noise must be finite and at least 0"),
        (lambda: ng.noisy(F.cone, [1, -1]), ValueError, r"noise must be finite .*; got \[1, -1\]"),
        (lambda: ng.noisy(F.cone, "1"), TypeError, "noise must be a number, an array of them or a"),
        (lambda: ng.noisy(F.cone, True), TypeError, "noise must be a number, an array .* got True"),
        (lambda: ng.noisy(F.cone, [[1], [1, 2]]), TypeError, "noise must be a number, an array of"),
        (
            lambda: samples(ng.noisy(LINEAR, [1, 2, 3]), 1, (2, 3), 1),
            ValueError,
            r"noise must broadcast .* of shape \(3,\) for w of shape \(2, 3\)",
        ),
        (
            lambda: samples(ng.noisy(LINEAR, np.ones((2, 3))), 1, (2, 1), 1),
            ValueError,
            r"noise must broadcast .* of shape \(2, 3\) for w of shape \(2, 1\)",
        ),
        (lambda: ng.noisy(None, 1), TypeError, "J must be a landscape or a function of w"),
        (lambda: ng.Noisy(LINEAR, 3), TypeError, "samples must be a function of rng and shape"),
        (lambda: ng.Noisy("J", iter), TypeError, "J must be a landscape or a function of w"),
        (lambda: run(rng=-1), ValueError, "rng must be a seed .* got -1"),
        (lambda: run(rng=True), TypeError, "rng must be a seed .* got True"),
        (lambda: run(rng=0.5), TypeError, "rng must be a seed .* got 0.5"),
        (lambda: run(rng="seed"), (TypeError, ValueError), "rng must be a seed .* got 'seed'"),
        (lambda: run(repeats=-1), ValueError, "repeats must be at least 0; got -1"),
        (lambda: run(repeats=2.0), TypeError, "repeats must be a whole number; got 2.0"),
    ],
)
def test_bad_input_is_refused_by_name(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()


def run(**more):
    return ng.descend(ng.minibatch(LINEAR), (1, 1), ng.ngd(1), 3, **more)
