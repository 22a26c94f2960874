"""Where every rule ends against the one number it leaves open: `python benchmarks/u_curves.py`.

Writes book/data/u_curves.json, which chapter 14 draws and tables.

Every run may evaluate the gradient 1000 times, on one example or a minibatch where the problem is
noisy.  The value at a point comes with its gradient.  A line search also pays for each value that
it tries, as much as for a gradient, and stays where it is when nothing is left.

What is kept is J less its infimum, over what it was at the start: after the last step and at the
best iterate, the median of three starts, or of three seeds of the same start where the problem is
noisy.  Numbers are decimal logarithms, rounded to tenths, from -12 (arrived) to 3 (a thousand times
worse than the start, or not finite).  Each run is repeated from starts moved by a billionth;
"loose" lists the numbers of the knobs for which that moved a result by more than a tenth of a
decade.  There the runs are chaotic, and another machine may find something else.
"""

import itertools
import json
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import normgd as ng
from normgd.functions import cliff, least_squares, logistic, quadratic, rosenbrock, wall
from normgd.ops import equal, where
from normgd.schedules import cosine, inverse_sqrt

STORED = Path(__file__).resolve().parent.parent / "book" / "data" / "u_curves.json"
BUDGET = 1000
A_DECADE = 4
KNOBS = 10.0 ** (np.arange(-10 * A_DECADE, 4 * A_DECADE + 1) / A_DECADE)
REPEATS = 3
LOWEST, HIGHEST = -12.0, 3.0


# ----------------------------------------------------------------------------------- rules


class frugal_line_search(ng.Rule):
    """A line search that pays one evaluation for each gradient and for each value it tries."""

    alpha: Any
    budget: Any = BUDGET

    def __call__(self, g, a, spent, w, J, t):
        search = ng.line_search(self.alpha)
        first = where(equal(t, 0), self.alpha, search.grow * a)
        step, a = search(g, a, w, J, t)
        refusals = np.log(a / first) / np.log(search.shrink)
        spent = spent + np.where(np.isfinite(refusals), 2 + np.rint(refusals), self.budget)
        return where(spent <= self.budget, step, 0.0), a, spent


class Contestant(NamedTuple):
    """A rule, the letter of its knob and the value that those take who do not tune."""

    rule: Any  # (knobs, infimum of J) -> rule
    knob: str
    untuned: float


def of(rule, knob, untuned, schedule=None):
    """A rule whose first number is the knob, or the first value of a schedule."""
    turned = (lambda k: schedule(k, BUDGET)) if schedule else (lambda k: k)
    return Contestant(lambda k, lowest: rule(turned(k)), knob, untuned)


RULES = {
    "gd": of(ng.gd, "alpha", 1e-2),
    "gd cosine": of(ng.gd, "alpha", 1e-2, cosine),
    "momentum": of(ng.momentum, "alpha", 1e-2),
    "ngd": of(ng.ngd, "eta", 1.0),
    "ngd 1/sqrt": of(ng.ngd, "eta", 1.0, lambda k, T: inverse_sqrt(k)),
    "ngd cosine": of(ng.ngd, "eta", 1.0, cosine),
    "sign cosine": of(ng.sign, "eta", 1.0, cosine),
    "adagrad": of(ng.adagrad, "eta", 1e-2),
    "adagrad_norm": of(ng.adagrad_norm, "eta", 1.0),
    "rmsprop": of(ng.rmsprop, "eta", 1e-2),
    "adam": of(ng.adam, "eta", 1e-3),
    "adam cosine": of(ng.adam, "eta", 1e-3, cosine),
    "dog": of(lambda r: ng.dog(r_eps=r), "r_eps", 1e-6),
    "dowg": of(lambda r: ng.dowg(r_eps=r), "r_eps", 1e-6),
    "dadapt": of(ng.dadapt, "d0", 1e-6),
    "prodigy": of(lambda d: ng.prodigy(d0=d), "d0", 1e-6),
    "prodigy cosine": of(lambda d: ng.prodigy(cosine(1.0, BUDGET), d), "d0", 1e-6),
    "line_search": of(frugal_line_search, "alpha", 1.0),
    "barzilai_borwein": of(ng.barzilai_borwein, "alpha", 1.0),
    "polyak": Contestant(lambda k, lowest: ng.polyak(J_star=lowest - k), "J_star error", 1e-10),
}


# -------------------------------------------------------------------------------- problems


class Problem(NamedTuple):
    """A landscape, noisy or not, its infimum and the starts: one if it is noisy."""

    J: Any
    lowest: float
    starts: Any


def seeded(number):
    return np.random.default_rng([14, number])


def scaled(J, cost=1.0, unit=1.0):
    """J in other units: cost times J(z / unit)."""
    return ng.Function(
        lambda z: cost * J.value(z / unit), lambda z: cost / unit * J.grad(z / unit), dim=J.dim
    )


def bowl():
    """Curvatures from 1 to 100 in directions that are not the axes."""
    rng = seeded(0)
    basis, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    return quadratic(np.geomspace(1, 100, 10), basis=basis), rng.normal(size=(10, REPEATS))


def absolute_regression():
    """Thirty examples, three weights, a fifth of outliers; one of the best fits meets 3 points."""
    rng = seeded(1)
    X = rng.normal(size=(30, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=30) + 5 * (rng.random(30) < 0.2)
    J = ng.Function(
        lambda w: abs(_residual(X, y, w)).mean(axis=0),
        lambda w: np.tensordot(X.T, np.sign(_residual(X, y, w)), 1) / len(y),
        dim=3,
    )
    triples = np.array(list(itertools.combinations(range(30), 3)))
    vertices = np.linalg.solve(X[triples], y[triples][..., None])[..., 0]
    return Problem(J, float(J(vertices.T).min()), 3 * rng.normal(size=(3, REPEATS)))


def _residual(X, y, w):
    return np.tensordot(X, w, 1) - y.reshape(-1, *(1,) * (w.ndim - 1))


def classes():
    """Two classes that no line separates, by Newton's method to the last digit."""
    rng = seeded(2)
    X = rng.normal(size=(60, 5)) * [3, 1, 1, 1, 0.3]
    J = logistic(X, np.where(X @ [0.5, 1, -1, 0, 0] + rng.normal(size=60) > 0, 1, -1))
    w = np.zeros(5)
    for _ in range(30):
        w = w - np.linalg.solve(J.hess(w), J.grad(w))
    return J, float(J(w)), 2 * rng.normal(size=(5, REPEATS))


def noisy_regression():
    rng = seeded(3)
    X = rng.normal(size=(100, 5)) * [2, 1, 1, 0.5, 0.5]
    J = least_squares(X, X @ rng.normal(size=5) + 0.5 * rng.normal(size=100))
    return Problem(ng.minibatch(J, 4), J.minimum, 3 * rng.normal(size=5))


def problems():
    """The ten problems by name, in the order of the tables."""
    round_bowl, starts = bowl()
    margins, lowest, weights = classes()
    banana = np.array([[-1.2], [1.0]]) + seeded(4).uniform(-0.3, 0.3, size=(2, REPEATS))
    return {
        "bowl": Problem(round_bowl, 0.0, starts),
        "bowl, 1e6 J": Problem(scaled(round_bowl, cost=1e6), 0.0, starts),
        "bowl, 1e-3 w": Problem(scaled(round_bowl, unit=1e-3), 0.0, 1e-3 * starts),
        "L1 regression": absolute_regression(),
        "logistic": Problem(margins, lowest, weights),
        "rosenbrock": Problem(rosenbrock, 0.0, banana),
        "sum of cosh": Problem(wall, 0.0, seeded(5).uniform(2, 4, size=(5, REPEATS))),
        "cliff": Problem(cliff, 0.0, seeded(6).uniform(12, 20, size=(1, REPEATS))),
        "noisy regression": noisy_regression(),
        "noisy logistic": Problem(ng.minibatch(margins, 4), lowest, weights[:, 0]),
    }


# ------------------------------------------------------------------------------------ runs


def ends(problem, contestant, knobs, nudge=0.0):
    """Return the logarithms of the last and the best relative gap, shape ``(2, knobs)``."""
    J, lowest, starts = problem
    landscape = J.J if isinstance(J, ng.Noisy) else J
    starts = starts * (1 + nudge)
    repeated = {"seeds": REPEATS} if starts.ndim == 1 else {}
    before = landscape(starts) - lowest
    runs = ng.sweep(
        J, starts, {"one": contestant.rule(knobs, lowest)}, BUDGET, progress=False, **repeated
    )["one"]
    with np.errstate(all="ignore"):
        gaps = (np.stack([runs.last, runs.best]) - lowest) / before
        gaps = np.where(np.isnan(gaps), np.inf, np.maximum(gaps, 10**LOWEST))
        return np.clip(np.log10(np.median(gaps, axis=-1)), LOWEST, HIGHEST)


def curve(problem, contestant, knobs=KNOBS):
    """Return what is stored of one rule on one problem."""
    found, again = ends(problem, contestant, knobs), ends(problem, contestant, knobs, 1e-9)
    loose = np.any(abs(found - again) > 0.1, axis=0)
    last, best = (found.round(1) + 0.0).tolist()
    return {"last": last, "best": best, "loose": np.flatnonzero(loose).tolist()}


def as_text(result):
    """JSON with a line for each list of numbers."""
    text = json.dumps(result, indent=1, ensure_ascii=False)
    lines, inside = [], False
    for line in text.splitlines():
        if inside:
            lines[-1] += line.strip() + " " * line.endswith(",")
            inside = not line.strip().startswith("]")
        else:
            lines.append(line)
            inside = line.endswith("[")
    return "\n".join(lines) + "\n"


def curves_of(name):
    """Return the curves of all rules on the problem of this name."""
    problem = problems()[name]
    return {label: curve(problem, entry) for label, entry in RULES.items()}


def main():
    begun, curves = time.perf_counter(), {}
    with ProcessPoolExecutor() as pool:
        for name, found in zip(problems(), pool.map(curves_of, problems()), strict=True):
            curves[name] = found
            print(f"{name:18}{time.perf_counter() - begun:6.0f} s", flush=True)
    result = {
        "about": " ".join(__doc__.split("\n\n", 2)[2].split()),
        "budget": BUDGET,
        "a_decade": A_DECADE,
        "knobs": [float(f"{k:.3g}") for k in KNOBS],
        "rules": {name: {"knob": e.knob, "untuned": e.untuned} for name, e in RULES.items()},
        "curves": curves,
    }
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text(as_text(result), encoding="utf-8")
    print(f"Written: {STORED}")


if __name__ == "__main__":
    main()
