"""Sweeps: every run is the run that `descend` makes, whoever does the work."""

import math
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import normgd as ng
from normgd import functions as F

J = F.quadratic([1, 10], minimiser=(1.0, -2.0))
STARTS = np.array([[10.2, 3.0, -1.0], [1.0, 2.0, 0.5]])
ALPHAS, BETAS, ETAS = [0.01, 0.1, 0.3], [0.0, 0.5], [0.1, 0.7]
LINEAR = F.least_squares(np.random.default_rng(0).normal(size=(9, 2)), np.arange(9.0))


def rules():
    return {
        "momentum": ng.momentum(ALPHAS, BETAS),
        "annealed": ng.Momentum(0.5) >> ng.Unit() >> ng.gd(ng.schedules.cosine(ETAS, 40)),
        "adam": ng.adam(0.1),
    }


def same(one, other):
    assert list(one) == list(other)
    for label in one:
        a, b = one[label], other[label]
        assert list(a.axes) == list(b.axes)
        for name in ("w", "last", "late", "best", "first", "diverged", "recorded"):
            assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True), name


def reference(rule, start, rng=None, landscape=J, tolerance=0.05):
    """The numbers of a run, from the path that `descend` records."""
    path = ng.descend(landscape, start, rule, 40, rng=rng)
    below = np.flatnonzero(tolerance >= path.J)
    return {
        "w": path.last,
        "last": path.J[-1],
        "late": max(path.J[-2:]),
        "best": path.J.min(),
        "first": below[0] if below.size else -1,
        "diverged": path.diverged,
        "recorded": path.J[[0, 5, 40]],
    }


# --------------------------------------------------------------------------- what is run


def test_every_run_is_the_run_that_descend_makes():
    result = ng.sweep(J, STARTS, rules(), 40, tolerance=0.05, record=[40, 0, 5, 5])
    assert result.record == (0, 5, 40)
    singles = {
        "momentum": (("alpha", "beta"), lambda i, k: ng.momentum(ALPHAS[i], BETAS[k])),
        "annealed": (
            ("alpha",),
            lambda i: ng.Momentum(0.5) >> ng.Unit() >> ng.gd(ng.schedules.cosine(ETAS[i], 40)),
        ),
        "adam": ((), lambda: ng.adam(0.1)),
    }
    for label, (names, rule) in singles.items():
        runs = result[label]
        assert list(runs.axes) == [*names, "start"]
        assert runs.last.shape == tuple(map(len, runs.axes.values()))
        for *place, s in np.ndindex(runs.last.shape):
            for name, value in reference(rule(*place), STARTS[:, s]).items():
                assert np.array_equal(getattr(runs, name)[..., *place, s], value), (label, name)


def test_runs_with_the_same_seed_see_the_same_samples_as_descend():
    noisy = ng.minibatch(LINEAR, 2)
    result = ng.sweep(
        noisy, STARTS, ng.ngd(ETAS), 40, seeds=[3, 11], tolerance=9, record=[0, 5, 40]
    )
    runs = result["ngd"]
    assert list(runs.axes) == ["eta", "start", "seed"]
    for i, s, k in np.ndindex(2, 3, 2):
        expected = reference(ng.ngd(ETAS[i]), STARTS[:, s], [3, 11][k], noisy, tolerance=9)
        for name, value in expected.items():
            assert np.array_equal(getattr(runs, name)[..., i, s, k], value), name
    assert len(set(runs.last.ravel().tolist())) == 12
    counted = ng.sweep(noisy, STARTS, ng.ngd(ETAS), 40, seeds=4)["ngd"]
    assert counted.axes["seed"].tolist() == [0, 1, 2, 3]
    assert np.array_equal(counted.last[..., 3], runs.last[..., 0])


def test_axes_appear_only_for_what_was_varied():
    runs = ng.sweep(J, (1.0, 2.0), ng.gd(0.1), 5)["gd"]
    assert (runs.axes, runs.last.shape, runs.w.shape) == ({}, (), (2,))
    assert list(ng.sweep(J, STARTS[:, :1], ng.gd(0.1), 5)["gd"].axes) == ["start"]
    assert list(ng.sweep(J, (1.0, 2.0), ng.gd([0.1]), 5, seeds=1)["gd"].axes) == ["alpha", "seed"]
    twice = ng.Average([0.1, 0.2]) >> ng.Momentum([0.5]) >> ng.gd(0.1)
    assert list(ng.sweep(J, (1.0, 2.0), {"twice": twice}, 5)["twice"].axes) == ["beta_0", "beta_1"]


def test_rules_are_labelled_by_their_names_or_by_the_caller():
    both = ng.sweep(J, (1.0, 2.0), [ng.gd(0.1), ng.Unit() >> ng.gd(0.1)], 1)
    assert list(both) == ["gd", "Unit >> gd"]
    two = ng.sweep(J, (1.0, 2.0), {"slow": ng.gd(0.01), "fast": ng.gd(0.1)}, 9)
    assert two["fast"].last < two["slow"].last
    assert len(two) == 2
    plain = ng.sweep(J, (1.0, 2.0), lambda g: 0.1 * g, 3)
    assert list(plain) == ["<lambda>"]


def test_schedules_are_swept_by_what_they_are_proportional_to():
    S = ng.schedules
    for make in (
        S.inverse_sqrt, lambda r: S.horizon(r, 9), lambda r: S.warmup(r, 3),
        lambda r: S.warmup(S.cosine(r, 40), 5), lambda r: S.corrected(r),
    ):  # fmt: skip
        runs = ng.sweep(J, (3.0, 1.0), ng.ngd(make(ETAS)), 40)["ngd"]
        assert runs.axes["eta"].tolist() == ETAS
        for eta, last in zip(ETAS, runs.last, strict=True):
            assert last == ng.descend(J, (3.0, 1.0), ng.ngd(make(eta)), 40).J[-1]


def test_without_seeds_all_runs_still_see_the_same_samples(monkeypatch):
    noisy, starts = ng.noisy(J, 1.0), np.ones((2, 50))
    monkeypatch.setattr(sys.modules["normgd.sweep"], "NUMBERS_AT_ONCE", 8)
    runs = ng.sweep(noisy, starts, {"a": ng.gd(0.1), "b": ng.gd(0.1)}, 5)
    assert len({*runs["a"].last.tolist(), *runs["b"].last.tolist()}) == 1
    again = ng.sweep(noisy, starts, ng.gd(0.1), 5)
    assert again["gd"].last[0] != runs["a"].last[0]


def test_a_worker_that_fails_ends_the_sweep():
    class Refuses(Exception):
        pass

    def refuse(w):
        raise Refuses

    noisy = ng.Function(lambda w: w[0], grad=lambda w: 1 / 0 if w[0].size == 64 else 0 * w)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        ng.sweep(noisy, np.ones((1, 2048)), ng.gd(0.1), 3, executor=pool)
    with pytest.raises(Refuses):
        ng.sweep(J, STARTS, ng.gd(0.1), 3, measure=refuse)


# -------------------------------------------------------------------------- what is measured


def test_the_measures_are_those_of_a_path():
    path = ng.descend(J, STARTS, ng.ngd(0.7), 30)
    expected = {
        "J": path.J,
        "gap": path.J - J.minimum,
        "distance": path.distance,
        "grad_norm": path.grad_norm,
    }
    for measure, values in expected.items():
        runs = ng.sweep(J, STARTS, ng.ngd(0.7), 30, measure=measure)["ngd"]
        np.testing.assert_allclose(runs.last, values[-1], rtol=1e-13)
        np.testing.assert_allclose(runs.best, values.min(axis=0), rtol=1e-13)
        assert np.array_equal(runs.late, np.maximum(runs.late, runs.last))
        np.testing.assert_allclose(runs.late, values[-2:].max(axis=0), rtol=1e-13)
    own = ng.sweep(J, STARTS, ng.ngd(0.7), 30, measure=lambda w: abs(w[0]))["ngd"]
    assert np.array_equal(own.last, abs(path.last[0]))


def test_a_run_that_diverges_is_told_and_keeps_its_best():
    runs = ng.sweep(J, (1.0, 2.0), ng.gd([0.1, 5.0]), 900, tolerance=1e-6)["gd"]
    assert runs.diverged.tolist() == [False, True]
    assert not np.isfinite(runs.last[1])
    assert runs.best[1] == J((1.0, 2.0))
    assert runs.first[0] > 0
    assert runs.first[1] == -1


def test_no_steps_leave_the_start():
    runs = ng.sweep(J, STARTS, ng.gd([0.1, 0.2]), 0, tolerance=1e9, record=[0])["gd"]
    for name in ("last", "late", "best"):
        assert np.array_equal(getattr(runs, name), [J(STARTS)] * 2)
    assert np.array_equal(runs.recorded, [[J(STARTS)] * 2])
    assert not runs.first.any()
    assert ng.sweep(J, STARTS, ng.gd(0.1), 0)["gd"].first is None


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(0, 30))
def test_the_first_step_below_the_tolerance_is_the_first(n, seed):
    starts = np.random.default_rng(seed).uniform(-3, 3, (2, n))
    runs = ng.sweep(J, starts, ng.momentum(0.05), 60, tolerance=0.5, record=range(61))["momentum"]
    for s in range(n):
        below = runs.recorded[:, s] <= 0.5
        assert runs.first[s] == (int(np.argmax(below)) if below.any() else -1)


def test_rows_name_every_place_and_number():
    result = ng.sweep(J, STARTS, [ng.gd(ALPHAS), ng.ngd(0.5)], 9, tolerance=1.0)
    rows = result.rows()
    assert len(rows) == 9 + 3
    assert list(rows[0]) == [
        "rule", "alpha", "start", "last", "late", "best", "first", "diverged",
    ]  # fmt: skip
    for row in rows[:9]:
        place = ALPHAS.index(row["alpha"]), row["start"]
        assert row["last"] == result["gd"].last[place]
        assert row["first"] == result["gd"].first[place]
    assert rows[-1]["rule"] == "ngd"
    assert repr(result) == "Sweep(quadratic, 9 steps: gd 3 alpha, 3 start; ngd 3 start)"
    assert repr(ng.sweep(J, (1.0, 2.0), ng.gd(1), 1)["gd"]) == "Runs(1 run)"


# ------------------------------------------------------------------------ who does the work


@pytest.mark.parametrize("noisy", [False, True])
def test_the_result_does_not_depend_on_who_works_and_in_which_pieces(noisy, monkeypatch):
    J, starts = ng.minibatch(LINEAR, 2) if noisy else LINEAR, np.ones((2, 200))
    seeds = [5, 6] if noisy else None

    def run(executor=None):
        return ng.sweep(
            J, starts, [ng.adam([0.1, 0.2]), ng.ngd(0.1)], 15,
            seeds=seeds, tolerance=40, record=[3], executor=executor,
        )  # fmt: skip

    alone = run()
    monkeypatch.setattr(sys.modules["normgd.sweep"], "NUMBERS_AT_ONCE", 14)
    same(run(), alone)
    with ThreadPoolExecutor(3) as pool:
        same(run(pool), alone)
    monkeypatch.undo()
    with ProcessPoolExecutor(2) as pool:
        same(run(pool), alone)


@pytest.mark.peers
def test_a_cluster_can_do_the_work():
    from dask.distributed import Client, LocalCluster

    noisy = ng.minibatch(LINEAR, 2)
    alone = ng.sweep(noisy, STARTS, rules(), 40, seeds=3, tolerance=9.0, record=[7])
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        executor = client.get_executor()
        same(ng.sweep(noisy, STARTS, rules(), 40, seeds=3, tolerance=9.0, record=[7],
                      executor=executor), alone)  # fmt: skip


def test_memory_does_not_grow_with_the_steps():
    import tracemalloc

    def peak(steps):
        tracemalloc.start()
        ng.sweep(J, np.ones((2, 2000)), ng.gd(0.01), steps, record=[0, steps])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(5)
    assert peak(400) < 1.2 * peak(40)
    assert peak(400) < 401 * 2 * 2000 * 8 / 4  # a quarter of the path's iterates alone


def test_what_a_sweep_sends_can_be_pickled():
    for rule in rules().values():
        assert pickle.loads(pickle.dumps(rule)) == rule


def test_a_progress_bar_is_shown_on_request(capsys):
    ng.sweep(J, (1.0, 2.0), ng.gd(ALPHAS), 50, progress=True)
    assert "51/51" in capsys.readouterr().err
    ng.sweep(J, (1.0, 2.0), ng.gd(ALPHAS), 50)
    ng.sweep(J, (1.0, 2.0), ng.gd(ALPHAS), 50, progress=False)
    assert capsys.readouterr().err == ""


# ------------------------------------------------------------------------------- bad input


class Best(ng.Rule):
    best: float

    def __call__(self, g):
        return self.best * g


def call(landscape=J, starts=(1.0, 2.0), rules=None, steps=3, **more):
    return lambda: ng.sweep(
        landscape, starts, ng.gd(0.1) if rules is None else rules, steps, **more
    )


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (call(landscape=3), TypeError, "J must be a landscape or a function of w; got 3"),
        (call(starts=(1.0, 2.0, 3.0)), ValueError, "start must have 2 coordinates"),
        (call(starts=np.ones((2, 3, 4))), ValueError, r"starts must have shape .* \(2, 3, 4\)"),
        (call(starts=np.ones((2, 0))), ValueError, r"starts must have shape .* n > 0"),
        (call(starts=(1.0, math.inf)), ValueError, "start must be finite"),
        (call(rules=[]), ValueError, "rules must hold at least one rule; got none"),
        (call(rules={}), ValueError, "rules must hold at least one rule; got none"),
        (call(rules=[ng.gd(1), ng.gd(2)]), ValueError, "rules must have distinct labels.*'gd'"),
        (call(rules=[ng.gd]), TypeError, "rule must be a rule .* the class gd"),
        (call(rules={"a": 3}), TypeError, "rule must be a rule such as .*; got 3"),
        (call(rules=ng.gd([[1.0]])), ValueError, r"alpha must be .*one-dimensional.* \(1, 1\)"),
        (call(rules=ng.gd([])), ValueError, "alpha must have at least one value in a sweep"),
        (
            call(rules=ng.gd(lambda t: np.ones(3))),
            ValueError,
            "the arrays of gd.* must be hyper-parameters or first rates",
        ),
        (call(steps=-1), ValueError, "steps must be at least 0; got -1"),
        (call(steps=2.5), TypeError, "steps must be a whole number; got 2.5"),
        (call(seeds=0), ValueError, "seeds must be at least 1; got 0"),
        (call(seeds=[]), ValueError, "seeds must hold at least one seed; got none"),
        (call(seeds=[-1]), ValueError, "seeds must be at least 0; got -1"),
        (call(seeds=1.5), TypeError, "seeds must be a whole number; got 1.5"),
        (call(seeds="12"), TypeError, "seeds must be a whole number; got '12'"),
        (call(measure="loss"), ValueError, "measure must be one of J, gap, .*; got 'loss'"),
        (call(measure=None), ValueError, "measure must be one of J, gap, .*; got None"),
        (
            call(lambda w: w[0] + w[1], measure="gap"),
            ValueError,
            "measure cannot be the gap: no minimum of J is known",
        ),
        (call(F.saddle, measure="distance"), ValueError, "no minimiser of saddle is known"),
        (call(measure=lambda w: w), ValueError, r"measure must return shape \(1,\) .* \(2, 1\)"),
        (call(measure=np.linalg.norm), ValueError, r"measure must return shape \(1,\) .* got"),
        (call(record=5), TypeError, r"record must be steps, such as \(0, 10, 100\); got 5"),
        (call(rules=Best([0.1])), ValueError, "best cannot be swept: a sweep has results of that"),
        (call(tolerance="0.1"), TypeError, "tolerance must be a number; got '0.1'"),
        (call(record=[4]), ValueError, "record must hold steps from 0 to 3; got 4"),
        (call(record=[-1]), ValueError, "record must be at least 0; got -1"),
        (call(record=[0.5]), TypeError, "record must be a whole number; got 0.5"),
        (call(executor=2), TypeError, "executor must be a concurrent.futures.Executor; got 2"),
    ],
)
def test_bad_input_is_refused_by_name(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()
