"""The stored U-curves are what the benchmark finds, and it counts what it says."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize

import normgd as ng
from normgd.functions import quadratic

ROOT = Path(__file__).resolve().parent.parent
u = SimpleNamespace(**runpy.run_path(str(ROOT / "benchmarks" / "u_curves.py")))
STORED = json.loads(u.STORED.read_text(encoding="utf-8"))
PROBLEMS = u.problems()


def sample():
    """A cell of each rule, drawn with a fixed seed: not chaotic, and if possible not at an end."""
    rng = np.random.default_rng(20)
    quick = [name for name in PROBLEMS if not name.startswith(("noisy", "bowl,"))]
    for label in u.RULES:
        problem = "noisy regression" if label == "dog" else str(rng.choice(quick))
        kept = STORED["curves"][problem][label]
        steady = np.setdiff1d(np.arange(len(u.KNOBS)), kept["loose"])
        telling = [i for i in steady if -11.5 < kept["last"][i] < -0.2]
        yield problem, label, int(rng.choice(telling or steady))


@pytest.mark.parametrize(("problem", "label", "place"), list(sample()))
def test_a_cell_drawn_at_random_is_found_again(problem, label, place):
    found = u.ends(PROBLEMS[problem], u.RULES[label], u.KNOBS[[place, place]])[:, 0]
    kept = STORED["curves"][problem][label]
    stored = [kept["last"][place], kept["best"][place]]
    assert np.allclose(found, stored, atol=0.16)  # a tenth, and half of one for the rounding


def test_the_file_holds_all_rules_on_all_problems_as_it_would_be_written():
    assert u.as_text(STORED) == u.STORED.read_text(encoding="utf-8")
    assert list(STORED["curves"]) == list(PROBLEMS)
    assert len(PROBLEMS) >= 8
    assert len(u.RULES) >= 12
    assert u.KNOBS[-1] / u.KNOBS[0] >= 1e12
    for curves in STORED["curves"].values():
        assert list(curves) == list(u.RULES) == list(STORED["rules"])
        for kept in curves.values():
            last, best = np.array([kept["last"], kept["best"]])
            assert len(last) == len(u.KNOBS) == len(STORED["knobs"])
            assert np.all(best <= np.maximum(last, 0.0))
            assert min(best) >= u.LOWEST
            assert max(last) <= u.HIGHEST
    assert all(entry["untuned"] in STORED["knobs"] for entry in STORED["rules"].values())


def test_most_cells_are_steady():
    loose = [len(kept["loose"]) for c in STORED["curves"].values() for kept in c.values()]
    assert sum(loose) < 0.2 * len(loose) * len(u.KNOBS)


def test_the_line_search_pays_for_every_value_it_tries():
    J, asked = quadratic([1, 10]), []
    counted = ng.Function(lambda w: asked.append(1) or J.value(w), J.grad, dim=2)
    rule, w = u.frugal_line_search(1e3, 60), np.array([3.0, 2.0])
    memory, paid = rule.start(), []
    for t in range(30):
        step, memory = rule.step(J.grad(w), memory, t, w, counted)
        paid.append(memory[1])  # J(w), which comes with the gradient, and each trial
        assert memory[1] == len(asked)
        if memory[1] > 60:
            assert not step.any()
            break
        assert step.any()
        w = w - step
    assert paid[0] > 10
    assert paid[-1] > 60


def test_the_same_bowl_in_other_units_is_the_same_bowl():
    (J, _, starts), (dear, _, same), (small, _, shrunk) = (
        PROBLEMS[name] for name in ("bowl", "bowl, 1e6 J", "bowl, 1e-3 w")
    )
    assert np.allclose(dear(same), 1e6 * J(starts))
    assert np.allclose(small(shrunk), J(starts))
    assert np.allclose(dear.grad(same), 1e6 * J.grad(starts))
    assert np.allclose(small.grad(shrunk), 1e3 * J.grad(starts))


@pytest.mark.parametrize(
    ("label", "dear", "small"),
    [("gd", 6, 6), ("ngd", 0, 3), ("adagrad", 0, 3), ("dog", 0, 3), ("dadapt", 0, 3)],
)
def test_in_other_units_the_stored_curves_are_shifted(label, dear, small):
    curves, n = STORED["curves"], len(u.KNOBS)
    for name, decades in (("bowl, 1e6 J", dear), ("bowl, 1e-3 w", small)):
        one, other, shift = curves["bowl"][label], curves[name][label], decades * u.A_DECADE
        steady = [
            i for i in range(shift, n) if i not in one["loose"] and i - shift not in other["loose"]
        ]
        assert len(steady) > n // 2 - 5
        for iterate in ("last", "best"):
            before = np.array([one[iterate][i] for i in steady])
            after = np.array([other[iterate][i - shift] for i in steady])
            assert np.allclose(before, after, atol=0.25), (name, iterate)


def test_on_the_noisy_logistic_regression_dowg_averaged_beats_its_last_iterate():
    noisy, lowest, start = PROBLEMS["noisy logistic"]
    rule = ng.dowg(r_eps=np.array([1e-8, 1e-4, 1]))
    path = ng.descend(noisy, start, rule, u.BUDGET, repeats=25, rng=4)
    points = path.last, path.w[500:].mean(axis=0)
    last, mean = (np.median(noisy.J(w) - lowest, axis=0) for w in points)
    assert np.all(mean < last / 3)
    assert np.all(mean / (noisy.J(start) - lowest) < 10**-1.8)


def test_infima_are_lowest_values():
    rng = np.random.default_rng(21)
    for name, (J, lowest, starts) in PROBLEMS.items():
        landscape = J.J if isinstance(J, ng.Noisy) else J
        w = rng.normal(size=(len(starts), 2000)) * 10 ** rng.uniform(-3, 1, size=2000)
        assert landscape(w).min() >= lowest - 1e-12, name
    for name, method, close in (
        ("L1 regression", "Nelder-Mead", 1e-4),
        ("noisy logistic", "BFGS", 1e-9),
    ):
        J, lowest, starts = PROBLEMS[name]
        landscape = J.J if isinstance(J, ng.Noisy) else J
        found = minimize(landscape, starts.reshape(len(starts), -1)[:, 0], method=method, tol=1e-9)
        assert lowest - 1e-12 <= found.fun <= lowest + close, name
