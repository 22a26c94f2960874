"""Pixels: the JavaScript that is printed computes, in Node, what the library computes in NumPy."""

import json
import re
import shutil
import subprocess
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import require

import normgd as ng
from normgd.pixels import javascript, javascript_value
from normgd.symbols import JAVASCRIPT_PRELUDE

STEPS = 200
TIMES = (0, 1, 2, 30)  # when single steps are compared, too
STARTS = 4
LANDSCAPES = [
    (J, d)
    for J in ng.functions.LANDSCAPES.values()
    for d in (1, 2)
    if J.dim == d or (J.dim is None and d == 2)
]
S = ng.schedules
SCHEDULES = [
    S.constant(0.1), S.corrected(0.1), S.cosine(0.1, T=150), S.geometric(0.1, q=0.99),
    S.horizon(2.0, K=200), S.inverse(0.1), S.inverse_sqrt(0.1), S.linear(0.1, T=150),
    S.warmup(S.inverse_sqrt(0.1), T=10),
]  # fmt: skip


def dropped(t):
    return 0.1 if t < 50 else 0.01


PLAIN = [dropped, lambda t: 0.1 * 0.9 ** (t // 20), lambda t: 0.1 / np.log(t + 2.0)]


def rules_in(d):
    """One of every rule, and a chain, in d coordinates."""
    blocks = ((d, 1),)
    return [
        ng.Average(0.9), ng.Clip(1.0), ng.ClipEach(1.0), ng.Greedy(), ng.Momentum(0.5),
        ng.Nesterov(0.5), ng.NewtonSchulz(blocks), ng.Sign(), ng.Trust(), ng.Unit(),
        ng.WeightDecay(0.1),
        ng.gd(0.01), ng.ngd(0.1), ng.sign(0.1), ng.clipped(0.1, 0.2),
        ng.momentum(0.01), ng.nesterov(0.01), ng.normalized_momentum(0.1), ng.lion(0.1),
        ng.adagrad(0.1), ng.adagrad_norm(0.1), ng.rmsprop(0.1), ng.rmsprop_norm(0.1),
        ng.adadelta(), ng.adam(0.1), ng.amsgrad(0.1), ng.nadam(0.1),
        ng.lars(0.1, decay=0.1, blocks=(1,) * d), ng.lamb(0.1, decay=0.1), ng.muon(0.1, blocks),
        ng.polyak(), ng.barzilai_borwein(0.01), ng.barzilai_borwein_short(0.01),
        ng.dog(r_eps=0.01), ng.dowg(r_eps=0.01), ng.dadapt(d0=0.01), ng.dadapt_adam(d0=0.01),
        ng.prodigy(d0=0.01),
        ng.Momentum(0.9) >> ng.Unit() >> ng.gd(0.02),
    ]  # fmt: skip


# These have no JavaScript: the rule, and what the error says.
EXEMPT = {
    "line_search": (ng.line_search(0.1), "branches on values"),
    "Polar": (ng.Polar([2]), "an SVD cannot be traced"),
}

# Of exp, log1p, sinh, pow, ... the last bit may differ between Node and NumPy.  These rules amplify
# it along a path, and their paths are not compared: (rule, landscape): why.
BOUNCES = "steps that do not shrink with the gradient bounce over the minimum"
LEAPS = "from the plateau its steps grow until they leap over the well"
NOISE = "its infimum is at infinity: the step is a quotient of two vanishing numbers"
AMPLIFIED = {
    ("Chain", "wall"): BOUNCES,
    ("normalized_momentum", "wall"): BOUNCES,
    ("muon", "wall"): BOUNCES,
    ("rmsprop", "logistic"): BOUNCES,
    ("lamb", "logistic"): BOUNCES,
    ("lamb", "separable"): BOUNCES,
    ("dog", "gaussian_well"): LEAPS,
    ("dowg", "gaussian_well"): LEAPS,
    ("polyak", "logistic"): NOISE,
    ("barzilai_borwein", "logistic"): NOISE,
    ("barzilai_borwein_short", "logistic"): NOISE,
}
TRANSCENDENTAL = r"Math\.(?!sqrt|abs|sign)"  # all but + - * / and roots, which are rounded alike

# ---------------------------------------------------------------------------- the driver

DRIVER = """
import fs from "node:fs";
const { prelude, programs } = JSON.parse(fs.readFileSync("job.json", "utf8"));
const states = new Float64Array(new Uint8Array(fs.readFileSync("states.bin")).buffer);
const found = [];
let at = 0;
const take = (n) => [...states.subarray(at, (at += n))];
for (const { step, d, memory, rates, tables, count, starts, steps } of programs) {
  const f = new Function(`"use strict"; ${prelude}; return (w, m, t, p) => {\\n${step}\\n};`)();
  const given = Array.from({ length: count }, () => [take(d), take(memory), take(1)[0]]);
  for (const state of given) found.push(...f(...state, { ...rates, ...tables }).flat());
  for (let [w, m] of given.slice(0, starts)) {
    for (let t = 0; t < steps; t++) {
      [w, m] = f(w, m, t, { ...rates, ...tables });
      found.push(...w);
    }
  }
}
fs.writeFileSync("found.bin", Buffer.from(new Float64Array(found).buffer));
"""


def run_in_node(folder, programs, states):
    """Return the numbers that Node computes, one after the other."""
    require(shutil.which("node"), "Node is needed to run the printed JavaScript")
    (folder / "driver.mjs").write_text(DRIVER, encoding="utf-8")
    job = {"prelude": JAVASCRIPT_PRELUDE, "programs": programs}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    np.concatenate([np.ravel(state) for state in states]).tofile(folder / "states.bin")
    subprocess.run(["node", "driver.mjs"], cwd=folder, check=True)
    return np.fromfile(folder / "found.bin")


# --------------------------------------------------------------------------- the library


class Run(NamedTuple):
    """A rule on a landscape by NumPy and, once Node has run, by JavaScript."""

    rule: Any
    J: Any
    program: dict[str, Any]
    states: np.ndarray  # one (w, memory, t) a row: the starts first
    after: np.ndarray  # the (w, memory) that follows each
    size: np.ndarray  # the largest coordinate of the vector that each number of `after` is in;
    # of w and the step, for w
    path: np.ndarray  # w after each step, shape (STARTS, STEPS, d)
    after_in_node: Any = None
    path_in_node: Any = None

    @property
    def name(self):
        return f"{self.rule!r} on {self.J.name}"

    @property
    def exact(self):
        """Whether nothing in it may differ by a bit."""
        return not re.search(TRANSCENDENTAL, self.program["step"])


def hard_points(J, d):
    """Return a stationary point, nearly 0, far out, NaN: zero, vanishing and infinite gradients."""
    rest = np.resize(J.minimisers[0], d) if J.minimisers else np.zeros(d)
    signs = np.array([3.0, -4.0])[:d]
    return np.stack([rest, 1e-200 * signs, 1e160 * signs, np.full(d, np.nan)], axis=1)


def vectors(memory):
    """List the vectors and numbers in a rule's memory, each of shape (size, STARTS)."""
    if isinstance(memory, tuple):
        return [vector for item in memory for vector in vectors(item)]
    return [np.broadcast_to(memory, (len(memory) if np.ndim(memory) == 2 else 1, STARTS))]


def largest(vector):
    """Return the largest finite coordinate, by absolute value."""
    return np.max(np.abs(vector), axis=0, initial=0.0, where=np.isfinite(vector))


def run(rule, J, d):
    """Run the library: a whole path from each start, and single steps along it and beside it."""
    program = javascript(rule, J, d, STEPS)
    low, high = np.transpose(J.box[:d])
    w = np.random.default_rng(d).uniform(low, high, size=(STARTS, d)).T
    memory, path, states, after, size = rule.start(), [], [], [], []
    for t in range(STEPS):
        step, new = rule.step(J.grad(w), memory, t, w, J)
        if t in TIMES:
            before = vectors(memory) if t else [np.zeros((program["memory"], STARTS))]
            hard = hard_points(J, d)
            beside = rule.step(J.grad(hard), memory, t, hard, J)
            for point, (s, m) in ((w, (step, new)), (hard, beside)):
                states += np.concatenate([point, *before, np.full((1, STARTS), t)]).T.tolist()
                after += np.concatenate([point - s, *vectors(m)]).T.tolist()
                terms = [np.maximum(np.abs(point), np.abs(s)), *vectors(m)]
                size += np.concatenate(
                    [np.broadcast_to(largest(v), v.shape) for v in terms]
                ).T.tolist()
        w, memory = w - step, new
        path.append(w.T)
    return Run(rule, J, program, *map(np.array, (states, after, size)), np.stack(path, axis=1))


PAIRS = [(rule, J, d) for J, d in LANDSCAPES for rule in rules_in(d)]
SCHEDULED = [*map(ng.gd, [*SCHEDULES, *PLAIN]), ng.Momentum(beta=0.9) >> ng.ngd(PLAIN[0])]
MORE = [*SCHEDULED, ng.nadam(0.01, warmup=0.5)]
PAIRS += [(rule, ng.functions.quadratic([1, 10]), 2) for rule in MORE]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    with np.errstate(all="ignore"):
        runs = [run(*pair) for pair in PAIRS]
    programs = [
        {**run.program, "d": d, "count": len(run.states), "starts": STARTS, "steps": STEPS}
        for run, (_, _, d) in zip(runs, PAIRS, strict=True)
    ]
    folder = tmp_path_factory.mktemp("pixels")
    found = run_in_node(folder, programs, [run.states for run in runs])
    ends = np.cumsum([(run.after.size, run.path.size) for run in runs])
    *parts, rest = np.split(found, ends)
    assert rest.size == 0
    return [
        run._replace(
            after_in_node=after.reshape(run.after.shape), path_in_node=path.reshape(run.path.shape)
        )
        for run, after, path in zip(runs, parts[::2], parts[1::2], strict=True)
    ]


# ----------------------------------------------------------------------------- the tests


def test_every_rule_is_here_or_says_why_it_has_no_javascript():
    here = {type(rule).__name__ for rule, _, _ in PAIRS}
    assert here - {"Chain"} == set(ng.rules.__all__) - set(EXEMPT)
    for name, (rule, reason) in EXEMPT.items():
        message = rf"{name}\(.*\) on cone cannot be printed as JavaScript, .*: .*{reason}"
        with pytest.raises(TypeError, match=message):
            javascript(rule, ng.functions.cone)


def test_every_landscape_of_one_or_two_coordinates_is_here():
    large = {name for name, J in ng.functions.LANDSCAPES.items() if (J.dim or 0) > 2}
    assert {J.name for J, _ in LANDSCAPES} == set(ng.functions.LANDSCAPES) - large
    assert {type(rate).__name__ for rate in SCHEDULES} == set(S.__all__)


def within(found, expected, tolerance):
    """Whether numbers agree: the same if not finite (NaN is NaN), else within the tolerance."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        near = np.abs(found - expected) <= np.where(np.isfinite(tolerance), tolerance, 0.0)
    return np.all(same | near)


def test_a_single_step_is_the_librarys(runs):
    for run in runs:
        tolerance = 0.0 if run.exact else 1e-12 * run.size
        assert within(run.after_in_node, run.after, tolerance), run.name


def test_a_path_of_200_steps_is_the_librarys(runs):
    for run in runs:
        tolerance = 0.0 if run.exact else 1e-9 * np.maximum(1.0, np.abs(run.path))
        if (type(run.rule).__name__, run.J.name) not in AMPLIFIED:
            assert within(run.path_in_node, run.path, tolerance), run.name


def test_most_pairs_have_the_same_bits_and_some_cannot(runs):
    inexact = {run.J.name for run in runs if not run.exact and run.rule == ng.gd(0.01)}
    assert inexact == {"gaussian_well", "wall", "logistic", "separable"}
    assert sum(run.exact for run in runs) > 0.8 * len(runs)


def nudged(J, rng):
    """Return J with the last bit of its values and gradients changed at random."""

    def nudge(x):
        return x * (1 + np.finfo(float).eps * rng.choice([-1, 1], size=np.shape(x)))

    return ng.Function(lambda w: nudge(J(w)), lambda w: nudge(J.grad(w)), dim=J.dim)


def test_what_is_excused_does_amplify_the_last_bit(runs):
    excused = [run for run in runs if (type(run.rule).__name__, run.J.name) in AMPLIFIED]
    assert len(excused) == len(AMPLIFIED)
    for run in excused:
        start = run.states[:STARTS, :2].T
        path = ng.descend(nudged(run.J, np.random.default_rng(1)), start, run.rule, STEPS).w[1:]
        error = np.max(np.abs(np.moveaxis(path, 2, 0) - run.path))
        assert error > 1e4 * np.finfo(float).eps, run.name


def test_values_are_the_librarys(tmp_path):
    rng = np.random.default_rng(7)
    programs, points, expected = [], [], []
    for J, d in LANDSCAPES:
        low, high = np.transpose(J.box[:d])
        inside = np.concatenate([rng.uniform(low, high, size=(100, d)), hard_points(J, d).T])
        with np.errstate(all="ignore"):
            expected.append(J(inside.T))
        code = f"return [[(() => {{\n{javascript_value(J, d)}\n}})()], []];"
        program = {"step": code, "d": d, "memory": 0, "rates": {}, "steps": 0, "starts": 0}
        programs.append({**program, "count": len(inside)})
        points.append(np.pad(inside, ((0, 0), (0, 1))))  # and t = 0
    found = run_in_node(tmp_path, programs, points).reshape(len(LANDSCAPES), -1)
    for (J, d), values, ours in zip(LANDSCAPES, found, expected, strict=True):
        exact = not re.search(TRANSCENDENTAL, javascript_value(J, d))
        assert within(values, ours, 0.0 if exact else 1e-12 * np.abs(ours)), J.name


def test_no_schedule_may_differ_in_a_bit(runs):
    scheduled = [run for run in runs if run.rule in SCHEDULED]
    assert len(scheduled) == len(SCHEDULED)
    assert all(run.exact for run in scheduled)


@pytest.mark.parametrize("schedule", [*SCHEDULES, *PLAIN])
def test_a_schedule_is_a_table_only_where_it_must_be(schedule):
    program = javascript(ng.gd(schedule), ng.functions.absolute, d=1, steps=7)
    tables = program["tables"]
    inexact = schedule in PLAIN or isinstance(schedule, (S.cosine, S.geometric))
    assert tables == ({"alpha": [schedule(t) for t in range(7)]} if inexact else {})
    assert ("p.alpha[t]" in program["step"]) == inexact


def test_the_tables_of_a_chain_have_its_links_numbers():
    chain = ng.Momentum(beta=S.cosine(0.5, T=9)) >> ng.gd(alpha=0.1) >> ng.Clip(c=dropped)
    program = javascript(chain, ng.functions.cone, steps=3)
    assert program["rates"] == {"alpha_1": 0.1}
    assert {k: len(v) for k, v in program["tables"].items()} == {"beta_0": 3, "c_2": 3}


def test_a_schedule_is_printed_as_a_formula_of_t():
    step = javascript(ng.gd(S.inverse_sqrt(0.5)), ng.functions.absolute, d=1)["step"]
    assert step.startswith("const _0 = t + 1.0;\nconst _1 = Math.sqrt(_0);\nconst _2 = 0.5 / _1;")


BAD = [
    (ValueError, "single numbers, not arrays", lambda J: javascript(ng.gd([0.1, 0.2]), J)),
    (ValueError, "not arrays", lambda J: javascript(ng.gd(S.inverse([0.1, 0.2])), J)),
    (ValueError, "2 coordinates for rosenbrock", lambda J: javascript(ng.gd(1), J, d=1)),
    (TypeError, "must return a step of 2 coordinates", lambda J: javascript(lambda g: 1.0, J)),
    (TypeError, "no truth value", lambda J: javascript(lambda g: max(g, -g), J)),
    (TypeError, "run on symbols", lambda J: javascript(lambda g: np.eye(2)[g], J)),
    (
        TypeError, "max cannot be printed as JavaScript, .* no truth value",
        lambda _: javascript_value(ng.Function(lambda w: max(w), name="max")),
    ),
    (
        TypeError, r"gd\(alpha=1.0\) on J cannot be printed as JavaScript, .* no truth value",
        lambda J: javascript(ng.gd(1), ng.Function(J.value, lambda w: w if w[0] > 0 else -w)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "message", "call"), BAD)
def test_what_cannot_be_printed_is_refused(kind, message, call):
    with pytest.raises(kind, match=message):
        call(ng.functions.rosenbrock)
