"""The explorer: its numbers are the library's, its page is whole, its widget follows."""

import functools
import gzip
import html.parser
import inspect
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import normgd as ng
from normgd import front
from normgd.explore import STATE, explore
from normgd.front.words import letter, rule_code
from normgd.pixels import javascript_value
from tests.conftest import require

F = ng.functions
RNG = np.random.default_rng(20261122)
X = RNG.normal(size=(8, 2))
LOGISTIC = F.logistic(X, np.where(X[:, 0] + 0.3 > 0, 1, -1))
LANDSCAPES = [
    *(J for J in vars(F).values() if isinstance(J, ng.Function) and J.dim in (None, 2)),
    F.quadratic([1, 1]),
    F.quadratic([1, 100]),
    F.quadratic([1, 30], angle=0.5, minimiser=(0.1, 0.2)),
    LOGISTIC,
]
LINES = [
    *(J for J in vars(F).values() if isinstance(J, ng.Function) and J.dim in (None, 1)),
    F.quadratic([2]),
    F.power(1.5),
]
RULES = [
    ng.gd(alpha=1e-3),
    ng.ngd(eta=0.05),
    ng.momentum(alpha=1e-3, beta=0.9),
    ng.sign(eta=0.05),
    ng.clipped(alpha=0.01, eta=0.1),
    ng.Momentum(beta=0.9) >> ng.Unit() >> ng.gd(alpha=0.01),
    ng.Clip(c=1.0) >> ng.gd(alpha=0.3),
    ng.ngd(eta=ng.schedules.inverse_sqrt(0.3)),
    ng.ngd(eta=ng.schedules.cosine(0.05, T=250)),
    ng.gd(alpha=lambda t: 1e-3 if t < 20 else 1e-4),
]
STEPS = 300


@pytest.fixture(scope="module")
def rosenbrock():
    return explore(F.rosenbrock, ng.gd(alpha=0.001), ng.ngd(eta=0.05), steps=500)


class State(html.parser.HTMLParser):
    """Reads the text of the script out of an explorer's HTML, as a browser does."""

    inside, text = False, ""

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "script"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.text += data if self.inside else ""


def state(explorer) -> dict:
    parser = State()
    parser.feed(explorer._html())
    return json.loads(parser.text)


# ------------------------------------------------------------------- the page's numbers

DRIVER = """
import explorer from "./explore.mjs";
import fs from "node:fs";
const { compile, trajectory, fate } = explorer.render;
const { plots, starts, steps } = JSON.parse(fs.readFileSync("job.json", "utf8"));
const numbers = [], fates = [];
plots.forEach((plot, k) => {
  const program = compile(plot);
  plot.rules.forEach((rule, i) => {
    for (const start of starts[k]) {
      const rates = plot.initial.rates[rule.label];
      const run = trajectory(program.steps[i], rule, rates, start, steps);
      for (let t = 0; t <= steps; t++) {
        const w = run.path[t] ?? plot.box.map(() => NaN);
        numbers.push(...w, program.value(w));
      }
      fates.push(fate(run, plot.box, plot.minimisers));
    }
  });
});
fs.writeFileSync("numbers.bin", Buffer.from(new Float64Array(numbers).buffer));
fs.writeFileSync("fates.json", JSON.stringify(fates));
"""


def run_in_node(folder: Path, explorers, starts, steps):
    """Run every rule from every start with the code of explore.js; return w and J, and fates."""
    job = {"plots": [state(e)["plot"] for e in explorers], "starts": starts, "steps": steps}
    subprocess.run(prepare(folder, DRIVER, job), cwd=folder, check=True)
    d = len(explorers[0].start)
    numbers = np.fromfile(folder / "numbers.bin").reshape(-1, steps + 1, d + 1)
    return numbers, json.loads((folder / "fates.json").read_text(encoding="utf-8"))


def prepare(folder: Path, driver: str, job) -> list[str]:
    """Put a driver, the code of explore.js and a job into a folder; return how to run it there."""
    node = shutil.which("node")
    require(node, "there is no Node")
    (folder / "explore.mjs").write_text(front.script(), encoding="utf-8")
    (folder / "driver.mjs").write_text(driver, encoding="utf-8")
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    return [node, "driver.mjs"]


@pytest.mark.parametrize(("landscapes", "d"), [(LANDSCAPES, 2), (LINES, 1)], ids=["plane", "line"])
def test_the_page_iterates_as_the_library_does(tmp_path, landscapes, d):
    explorers = [explore(J, *RULES, box=J.box[:d], steps=STEPS) for J in landscapes]
    starts = []
    for J in landscapes:
        low, high = np.transpose(J.box[:d])
        starts.append(RNG.uniform(low, high, size=(50, d)))
    numbers, _ = run_in_node(tmp_path, explorers, [s.tolist() for s in starts], STEPS)
    numbers = numbers.reshape(len(landscapes), len(RULES), 50, STEPS + 1, d + 1)
    for J, of_J, points in zip(landscapes, numbers, starts, strict=True):
        for rule, found in zip(RULES, of_J, strict=True):
            path = ng.descend(J, points.T, rule, STEPS)
            finite = np.isfinite(path.w).all(axis=1).T
            w, values = np.moveaxis(path.w, 2, 0), path.J.T
            assert np.array_equal(np.isfinite(found[..., :d]).all(axis=-1), finite), (J, rule)
            if re.search(r"Math\.(?!sqrt|abs|sign)", javascript_value(J, d)):
                # Of exp, log1p, sinh, ... the last digit may differ, and bouncing amplifies it.
                found, w, values = found[:, :101], w[:, :101], values[:, :101]
                np.testing.assert_allclose(found[..., :d], w, rtol=1e-9, atol=1e-9)
                np.testing.assert_allclose(found[..., d], values, rtol=1e-9, atol=1e-12)
            else:  # nothing but + - * / and square roots: the same bits, however long the path
                assert np.array_equal(found[..., :d][finite], w[finite]), (J, rule)
                same = np.array_equal(found[..., d][finite], values[finite], equal_nan=True)
                assert same, (J, rule)


def test_a_path_is_called_what_it_is(tmp_path):
    bowl = F.quadratic([1, 10])
    rules = [
        ng.gd(alpha=0.1), ng.gd(alpha=0.21), ng.gd(alpha=0.001), ng.gd(alpha=0), ng.ngd(eta=0.3),
        ng.gd(alpha=9),
    ]  # fmt: skip
    start = (-2.1, 1.3)
    _, fates = run_in_node(tmp_path, [explore(bowl, *rules)], [[start]], 300)
    lost = np.argmin(np.isfinite(ng.descend(bowl, start, rules[-1], 300).w).all(axis=1))
    assert fates == [
        "landed", "outside", "on its way", "at rest", "bouncing",
        f"diverged at step {lost}",
    ]  # fmt: skip


def test_a_two_cycle_is_told_with_its_points(tmp_path):
    # By the theorem of the orbit on a line: 7.3 = 3 * 2 + 1.3 = 29 * 0.25 + 0.05, and 7.25 lands.
    rules = [ng.ngd(eta=2.0), ng.ngd(eta=0.25), ng.gd(alpha=1.0), ng.gd(alpha=0.9)]
    bowl = explore(F.quadratic([2]), *rules, box=(-8, 8), start=7.3)
    _, fates = run_in_node(tmp_path, [bowl], [[[7.3], [7.25]]], 60)
    assert fates == [
        "−0.700 ⇄ 1.30", "−0.750 ⇄ 1.25", "−0.200 ⇄ 0.0500", "landed",
        "−7.30 ⇄ 7.30", "−7.25 ⇄ 7.25", "landed", "landed",
    ]  # fmt: skip


# ------------------------------------------------------------------- what Python computes


class braking(ng.Rule):
    eta: float

    def __call__(self, g):
        if np.abs(g[0]) > 1:
            return self.eta * ng.unit(g)
        return self.eta * g


def huber(w):
    r = ng.norm(w)
    return np.where(r < 1, r * r / 2, r - 0.5)


def huber_grad(w):
    return w / np.maximum(ng.norm(w), 1.0)


def test_a_rule_without_a_formula_is_computed_by_python():
    explorer = explore(F.rosenbrock, ng.line_search(), ng.gd(alpha=0.001), braking(eta=0.01))
    found = state(explorer)
    assert [bool(rule["step"]) for rule in found["plot"]["rules"]] == [False, True, False]
    assert found["computed"].keys() == {"line_search", "braking"}
    for label, path in zip(explorer.labels, explorer.paths, strict=True):
        if run := found["computed"].get(label):
            np.testing.assert_allclose(run["path"], path.w, rtol=1e-9)
            np.testing.assert_allclose(run["J"], path.J, rtol=1e-9)
            assert (run["diverged"], run["start"], run["steps"]) == (None, [-1.5, 2.0], 100)
            assert run["rates"] == explorer.rates[label]
    still, live = explorer._html(), explorer._picture(live=True)
    assert "line_search: a still. It moves in a live notebook only" in still
    assert "it branches on values" in still
    assert "braking: computed by Python, because its code does not run on symbols" in live
    assert "a still" not in live
    assert "normgd-still" not in still


def test_a_landscape_without_a_formula_is_computed_by_python():
    J = ng.Function(huber, huber_grad, dim=2, name="huber", minimisers=[(0, 0)])
    explorer = explore(J, GD, braking(eta=0.1), start=(1.5, 1))
    found = state(explorer)
    assert found["computed"].keys() == {"gd", "braking"}
    assert found["plot"]["value"] is None
    assert not found["plot"]["log"]
    text = (
        "gd, braking: a still. It moves in a live notebook only, where Python computes it, because"
    )
    assert f"{text} the code of huber does not run on symbols" in explorer._html()
    assert "normgd-still" in explorer._html()
    assert explorer._html().count("normgd-why") == 1
    line = ng.Function(lambda w: huber(w), huber_grad, dim=1)
    samples = state(explore(line, GD, start=1.0, box=(-3, 3)))["plot"]["samples"]
    np.testing.assert_allclose(samples, huber(np.linspace(-3, 3, len(samples))[None]), rtol=1e-9)


def test_a_computed_path_ends_where_it_diverges():
    def explode(g):
        return -1e200 * g if abs(g[0]) > 0 else g

    explorer = explore(F.quadratic([1, 1]), explode, start=(1, 1), steps=9)
    run = state(explorer)["computed"]["explode"]
    assert run["path"] == [[1, 1], [1e200, 1e200]]
    assert run["J"] == [1, None]  # it overflows before w does
    assert run["diverged"] == 2


def test_what_python_computes_follows_the_widget():
    pytest.importorskip("anywidget")
    explorer = explore(F.rosenbrock, ng.line_search(), ng.gd(alpha=0.001), steps=20)
    widget, heard = explorer.widget, []
    widget.observe(lambda change: heard.append(change.new), "computed")
    widget.set_state({"start": [0.5, 0.25]})
    rates = {**explorer.rates["line_search"], "alpha": 0.25, "shrink": 0.75}
    widget.set_state({"rates": {**explorer.rates, "line_search": rates}})
    widget.set_state({"steps": 5})
    widget.set_state({"shown": ["gd"]})  # nothing to compute
    assert [len(run["line_search"]["path"]) for run in heard] == [21, 21, 6]
    found, path = widget.computed["line_search"], explorer.paths[0]
    assert explorer.rules[0] == ng.line_search(alpha=0.25, shrink=0.75)
    np.testing.assert_allclose(found["path"], path.w, rtol=1e-9)
    assert found["rates"] == explorer.rates["line_search"]
    assert explore(F.rosenbrock, ng.gd(alpha=0.001)).widget.computed == {}


@pytest.mark.parametrize(
    ("name", "shown"), [("eta", "η"), ("beta1", "β₁"), ("beta2_0", "β₂"), ("J_star", "J*")]
)
def test_a_hyper_parameter_has_its_letter_wherever_it_stands_in_a_chain(name, shown):
    assert letter(name) == shown


def test_a_slider_stays_in_its_letters_range():
    (rule,) = state(explore(F.cone, ng.line_search(), steps=5))["plot"]["rules"]
    for control in rule["controls"]:
        letter = ng.rule.LETTERS[control["name"]]
        assert control.get("low", 0) >= letter.lowest
        assert control.get("high", np.inf) <= letter.highest


def test_a_table_bounds_the_steps():
    explorer = explore(F.cone, ng.ngd(eta=ng.schedules.cosine(0.3, T=50)), GD, steps=60)
    plot = state(explorer)["plot"]
    assert plot["rules"][0]["tables"] == {
        "eta": [ng.schedules.cosine(0.3, T=50)(t) for t in range(60)]
    }
    assert plot["most"]["steps"] == 60
    with pytest.raises(ValueError, match="steps must be at most 60; got 61"):
        explorer.steps = 61
    traced = state(explore(F.cone, ng.ngd(eta=ng.schedules.inverse(0.3)), steps=60))["plot"]
    assert traced["rules"][0]["tables"] == {}
    assert traced["most"]["steps"] == 10_000


# ---------------------------------------------------------------------------- the formulas


def test_a_rule_shows_its_formula_if_it_has_one():
    rules = explore(F.cone, ng.gd(alpha=0.1), ng.line_search(), cautious, steps=5)._plot["rules"]
    shown = [[ET.fromstring(f"<math>{line}</math>") for line in rule["formula"]] for rule in rules]
    assert [len(lines) for lines in shown] == [1, 0, 1]
    assert "".join(shown[0][0].itertext()) == "wt+1=wt−αgt"


# ---------------------------------------------------------------------------- the settings

SETTINGS = """
import explorer from "./explore.mjs";
import fs from "node:fs";
import readline from "node:readline";
const { readSettings, writeSettings } = explorer.render;
const plots = JSON.parse(fs.readFileSync("job.json", "utf8"));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const fragment = asked.fragment ?? "explore&" + new URLSearchParams(
    plots.flatMap((plot, i) => writeSettings(i + 1, asked.states[i], plot)));
  const states = plots.map((plot, i) => readSettings(i + 1, fragment, plot));
  console.log(JSON.stringify({ fragment, states }));
}
"""
NASTY = "</script>&1.start=#%"


@functools.cache
def explored():
    def nasty(g):
        return 0.1 * g

    nasty.__name__ = NASTY
    return [
        explore(F.cone, ng.gd(alpha=0.1), ng.gd(alpha=0.2), ng.adam(eta=0.1), nasty, steps=60),
        explore(F.quadratic([2]), ng.Momentum(beta=0.9) >> ng.polyak(), start=1.0),
    ]


def drawn_state(data, explorer):
    """A state that the page's controls can reach, or a little beyond them."""
    box = explorer._frame.box
    rates = {}
    for rule in explorer._plot["rules"]:
        rates[rule["label"]] = own = {}
        for control in rule["controls"]:
            low = control.get("low", 0.0)
            high = control.get("high", 99 * control.get("middle", 0.0))
            own[control["name"]] = data.draw(st.floats(low, high))
    return {
        "start": [data.draw(st.floats(low, high)) for low, high in box],
        "rates": rates,
        "steps": (steps := data.draw(st.integers(1, 10_000))),
        "shown": [label for label in explorer.labels if data.draw(st.booleans())],
        "t": data.draw(st.none() | st.integers(0, steps - 1)),
        "cobweb": len(box) == 1 and data.draw(st.booleans()),
        "zoom": [data.draw(st.floats(1, 1e6)), *(data.draw(st.floats(*side)) for side in box)],
    }


def without_signed_zeros(state):
    return json.loads(json.dumps(state).replace("-0.0,", "0.0,").replace("-0.0]", "0.0]"))


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Write states into a fragment, or take the fragment that is given, and read it."""
    folder = tmp_path_factory.mktemp("settings")
    command = prepare(folder, SETTINGS, [state(e)["plot"] for e in explored()])
    with subprocess.Popen(command, cwd=folder, stdin=-1, stdout=-1, encoding="utf-8") as node:

        def ask(**asked):
            node.stdin.write(json.dumps(asked) + "\n")
            node.stdin.flush()
            return json.loads(node.stdout.readline())

        yield ask
        node.stdin.close()


@given(st.data())
def test_written_settings_read_back_exactly(ask, data):
    states = [without_signed_zeros(drawn_state(data, e)) for e in explored()]
    found = ask(states=states)
    assert found["states"] == states
    assert re.fullmatch(r"[-\w.&=%+*]*", found["fragment"])


def test_what_nobody_changed_is_not_written(ask):
    assert ask(states=[e._initial for e in explored()])["fragment"] == "explore&"


KEYS = [
    "start", "steps", "t", "cobweb", "zoom", "gd 1.alpha", "gd+2.alpha", "adam.beta1", "adam.eps",
    "hide", "show", "",
]  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(["NaN", "Infinity", "1e999", "0x10", " 1", "1_0", "-1", "1.5", "", "9" * 5000]),
    st.floats().map(str), st.integers().map(str), st.text(max_size=30),
    st.lists(st.floats().map(str), max_size=4).map(",".join),
    st.lists(st.integers(-2, 3).map(str), max_size=4).map(",".join),
    st.sampled_from(["gd 1", "adam", "__proto__", NASTY]),
)  # fmt: skip
NAMES = st.tuples(st.sampled_from("12"), st.sampled_from([*KEYS, "__proto__", "rates"]))
PAIRS = st.tuples(NAMES.map(".".join), VALUES)
FRAGMENTS = st.one_of(
    st.text(),
    st.text().map("explore&".__add__),
    st.lists(PAIRS).map(lambda pairs: "explore&" + "&".join(f"{k}={v}" for k, v in pairs)),
    st.lists(PAIRS).map(lambda pairs: "explore&" + urlencode(pairs)),
)


@given(FRAGMENTS)
def test_any_fragment_leaves_a_state_that_the_library_takes(ask, fragment):
    for explorer, read in zip(explored(), ask(fragment=fragment)["states"], strict=True):
        assert read.keys() == set(STATE)
        for name, value in read.items():
            setattr(explorer, name, value)
            assert getattr(explorer, name) == value


ONE_BY_ONE = [
    ("1.start=0.5,-1", {"start": [0.5, -1]}),
    ("1.start=0.5", {}),
    ("1.start=0.5,-1,2", {}),
    ("1.start=0.5,9", {}),
    ("1.start=-9,0.5", {}),
    ("1.start=0.5,NaN", {}),
    ("1.start=&1.steps=7", {"steps": 7}),
    ("1.steps=7.5", {}),
    ("1.steps=10001", {}),
    ("1.steps=0", {}),
    ("1.steps=7,8", {}),
    ("1.steps=" + "7" * 10_000, {}),
    ("1.hide=gd+1&1.hide=nobody", {"shown": ["gd 2", "adam", NASTY]}),
    ("1.adam.beta1=1", {}),
    ("1.adam.nobody=1&2.steps=9", {}),
    ("1.t=17", {"t": 17}),
    ("1.t=60", {}),
    ("1.t=60&1.steps=61", {"t": 60, "steps": 61}),
    ("1.t=-1", {}),
    ("1.t=1.5", {}),
    ("1.cobweb=1", {}),
    ("1.zoom=8,0.5,-1", {"zoom": [8, 0.5, -1]}),
    ("1.zoom=0.5,0.5,-1", {}),
    ("1.zoom=1e7,0.5,-1", {}),
    ("1.zoom=8,9,-1", {}),
    ("1.zoom=8,0.5", {}),
    ("1.zoom=8,0.5,-1,1", {}),
    ("3.steps=7", {}),
    ("steps=7", {}),
]


@pytest.mark.parametrize(("text", "change"), ONE_BY_ONE)
def test_what_is_wrong_in_a_link_is_passed_over_and_the_rest_read(ask, text, change):
    first, _ = ask(fragment=f"explore&{text}")["states"]
    assert first == {**explored()[0]._initial, **change}


@pytest.mark.parametrize(("text", "cobweb"), [("1", True), ("0", False), ("11", False)])
def test_a_link_shows_the_cobweb_of_a_line(ask, text, cobweb):
    _, second = ask(fragment=f"explore&2.cobweb={text}")["states"]
    assert second == {**explored()[1]._initial, "cobweb": cobweb}


@pytest.mark.parametrize(
    "anchor",
    ["", "travel", "explore1.steps=7", "explored1.steps=7", "1.steps=7", "Explore&1.steps=7"],
)
def test_an_anchor_is_no_setting(ask, anchor):
    assert ask(fragment=anchor)["states"] == [e._initial for e in explored()]


# ------------------------------------------------------------------------ the code to copy

PYTHON = """
import explorer from "./explore.mjs";
import fs from "node:fs";
const plots = JSON.parse(fs.readFileSync("job.json", "utf8"));
console.log(JSON.stringify(plots.map((plot) => explorer.render.python(plot, plot.initial))));
"""


def cautious(g):
    return 0.01 * g


def test_the_code_to_copy_computes_the_paths(tmp_path):
    tilted = F.quadratic([1, 10], angle=0.4)
    explorers = [
        explore(F.rosenbrock, ng.gd(alpha=1e-7), ng.ngd(eta=0.05), steps=50),
        explore(tilted, *RULES[:-1], cautious, steps=20),
        explore(F.double_well, *RULES[:-1], start=-1e-7),
        explore(LOGISTIC, ng.ngd(eta=ng.schedules.warmup(ng.schedules.inverse(0.1), 10))),
    ]
    command = prepare(tmp_path, PYTHON, [state(e)["plot"] for e in explorers])
    copied = json.loads(subprocess.run(command, cwd=tmp_path, check=True, stdout=-1).stdout)
    assert copied[0].splitlines() == [
        "import normgd as ng",
        "ng.descend(ng.functions.rosenbrock, (-1.5, 2), ng.gd(alpha=1e-7), steps=50)",
        "ng.descend(ng.functions.rosenbrock, (-1.5, 2), ng.ngd(eta=0.05), steps=50)",
    ]
    for explorer, text in zip(explorers, copied, strict=True):
        first, *calls = text.splitlines()
        names = {"J": LOGISTIC, "cautious": cautious}
        exec(first, names)
        for call, path in zip(calls, explorer.paths, strict=True):
            again = eval(call, names)
            assert np.array_equal(again.w, path.w), call


@pytest.mark.parametrize("name", ng.rules.__all__)
def test_the_code_of_every_rule_is_the_rule(name):
    made = getattr(ng, name)
    required = {"blocks": ((1, 2),), "c": 1.0}
    parameters = inspect.signature(made).parameters
    given = {k: required.get(k, 0.5) for k, p in parameters.items() if p.default is p.empty}
    rule = made(**given)
    code = rule_code(rule).format(**rule.rates())
    assert eval(code, {"ng": ng}) == rule


# --------------------------------------------------------------------------- the kernel

ECHO = """
import explorer from "./explore.mjs";
const sent = [], model = {};
const tell = explorer.render.telling({
  set: (name, value) => (model[name] = value),
  save_changes: () => sent.push({ ...model }),
});
const rest = () => new Promise((done) => setTimeout(done, 200));
tell("start", [1, 1]);
await rest();
tell("start", [2, 2]);
model.start = [1, 1]; // only now does the kernel confirm what it was told first
const owed = [tell.owes("start"), tell.owes("steps")];
await rest();
console.log(JSON.stringify({ sent, owed: [...owed, tell.owes("start")] }));
"""


def test_a_late_echo_does_not_undo_the_last_move(tmp_path):
    command = prepare(tmp_path, ECHO, [])
    told = json.loads(subprocess.run(command, cwd=tmp_path, check=True, stdout=-1).stdout)
    assert told["sent"] == [{"start": [1, 1]}, {"start": [2, 2]}]
    assert told["owed"] == [True, False, False]


# ---------------------------------------------------------------------------- the page


def test_it_is_a_function_however_it_is_reached():
    assert ng.explore is explore


def test_a_diverging_path_leaves_the_picture():
    explorer = explore(F.rosenbrock, ng.gd(alpha=1.0), ng.ngd(eta=1e300))
    for path in ET.fromstring(explorer._picture(live=True)).iterfind(".//path[@data-rule]"):
        numbers = np.array(re.findall(r"-?[\d.]+", path.get("d")), dtype=float)
        assert 1e3 < np.abs(numbers).max() < 1e5


def test_repr(rosenbrock):
    text = "explore(rosenbrock, gd(alpha=0.001), ngd(eta=0.05), start=(-1.5, 2.0), steps=500)"
    assert repr(rosenbrock) == text


def test_static_bundle(monkeypatch, rosenbrock):
    monkeypatch.setenv("NORMGD_STATIC", "1")
    bundle = rosenbrock._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/html"}
    again = explore(F.rosenbrock, ng.gd(alpha=0.001), ng.ngd(eta=0.05), steps=500)
    assert bundle == rosenbrock._repr_mimebundle_() == again._repr_mimebundle_()


def test_state(rosenbrock):
    found = state(rosenbrock)
    assert found["start"] == [-1.5, 2.0]
    assert found["steps"] == 500
    assert found["rates"] == {"gd": {"alpha": 0.001}, "ngd": {"eta": 0.05}}
    assert found["shown"] == ["gd", "ngd"]
    assert found["plot"]["minimisers"] == [[1.0, 1.0]]
    assert found["plot"]["box"] == [[-2.0, 2.0], [-1.0, 3.0]]


def test_nothing_ends_the_script_early():
    def nasty(g):
        return 0.1 * g

    nasty.__name__ = "</script><!--<script>"
    explorer = explore(F.cone, nasty)
    assert state(explorer)["shown"] == ["</script><!--<script>"]
    assert explorer._html().count("</script>") == 1
    ET.fromstring(explorer._picture(live=True))


@pytest.mark.parametrize("J", LANDSCAPES, ids=lambda J: J.name)
def test_picture(J):
    explorer = explore(J, *RULES[:3], steps=300)
    picture = ET.fromstring(explorer._picture(live=True))
    assert picture.find(".//title").text.startswith(J.name)
    paths = [path.get("data-rule") for path in picture.iterfind(".//path[@data-rule]")]
    assert paths == ["gd", "ngd", "momentum"]
    assert len(picture.find(".//g[@class='normgd-contours']")) >= 7
    handle = picture.find(".//g[@class='normgd-start']")
    assert handle.get("data-w") == ",".join(map(repr, explorer.start))
    assert len(gzip.compress(explorer._html().encode())) <= 8_000


@pytest.mark.parametrize("J", LINES, ids=lambda J: J.name)
def test_picture_of_a_line(J):
    explorer = explore(J, *RULES[:3], box=J.box[0])
    picture = ET.fromstring(explorer._picture(live=True))
    assert picture.find(".//title").text.startswith(J.name)
    frame = explorer._frame
    handle = picture.find(".//g[@class='normgd-start']")
    x, y = map(float, re.findall(r"-?[\d.]+", handle.get("transform")))
    # The handle is on the curve: where it is across and down tells w and J(w).
    (left, right), (bottom, top) = frame.window
    assert left + (x - frame.left) / frame.width * (right - left) == pytest.approx(
        explorer.start[0], abs=(right - left) / frame.width
    )
    assert top - (y - frame.top) / frame.height * (top - bottom) == pytest.approx(
        float(J(explorer.start)), abs=(top - bottom) / frame.height
    )
    paths = [path.get("data-rule") for path in picture.iterfind(".//path[@data-rule]")]
    assert paths == ["gd", "ngd", "momentum"]
    assert "nan" not in explorer._picture(live=True)
    assert len(gzip.compress(explorer._html().encode())) <= 8_000


def test_one_coordinate_or_two():
    one = [
        explore(F.absolute, GD, box=(-1, 1)),
        explore(F.absolute, GD, box=[(-1, 1)]),
        explore(F.absolute, GD, start=0.5),
        explore(F.absolute, GD, start=[0.5]),
        explore(F.double_well, GD),
        explore(lambda w: w[0] ** 2, GD, start=3),
    ]
    assert [len(e.start) for e in one] == [1] * 6
    assert one[-1]._frame.box == ((-3.75, 3.75),)
    assert repr(one[2]) == "explore(absolute, gd(alpha=0.1), start=0.5, steps=100)"
    assert one[2].paths[0].w.shape == (101, 1)
    assert len(explore(F.absolute, GD).start) == 2


def test_a_curve_has_gaps_where_there_is_no_landscape():
    J = ng.Function(lambda w: w[0] - ng.ops.log(w[0]), dim=1, domain=lambda w: w[0] > 0)
    explorer = explore(J, GD, start=1, box=(-1, 3))
    curve = ET.fromstring(explorer._picture(live=True)).find(".//g[@class='normgd-contours']/path")
    first = int(re.match(r"M(\d+)", curve.get("d"))[1])
    assert first >= explorer._frame.width  # a quarter of the box, in quarters of a pixel


def test_front_end_is_small():
    code = front.script() + front.style()
    assert len(gzip.compress(code.encode())) <= 40_000


def test_two_of_a_kind():
    explorer = explore(F.cone, ng.gd(alpha=0.1), ng.gd(alpha=0.2), ng.ngd(eta=0.1))
    assert explorer.labels == ["gd 1", "gd 2", "ngd"]
    picture = ET.fromstring(explorer._picture(live=True))
    first, second, _ = picture.iterfind(".//path[@data-rule]")
    assert first.get("stroke") == second.get("stroke")
    assert first.get("stroke-dasharray") != second.get("stroke-dasharray")


def test_a_plain_function_and_a_plain_rule():
    def cautious(g):
        return 0.01 * g

    explorer = explore(lambda w: w[0] ** 2 + w[1] ** 4, cautious, start=(3, 1))
    assert explorer.labels == ["cautious"]
    assert explorer.rates == {"cautious": {}}
    assert explorer._frame.box == ((-3.75, 3.75), (-3.75, 3.75))
    ET.fromstring(explorer._picture(live=True))


def test_a_domain_leaves_a_gap():
    J = ng.Function(lambda w: w[1] ** 2 + w[0] - ng.ops.log(w[0]), domain=lambda w: w[0] > 0)
    explorer = explore(J, ng.gd(alpha=0.1), start=(1, 1))
    ET.fromstring(explorer._picture(live=True))
    with pytest.raises(ValueError, match="domain"):
        explorer.start = (-1, 1)


# --------------------------------------------------------------------------- the state


def test_rules_and_paths_follow_the_state():
    chain = ng.Momentum(beta=0.9) >> ng.Unit() >> ng.gd(alpha=0.01)
    scheduled = ng.ngd(eta=ng.schedules.inverse_sqrt(0.3))
    explorer = explore(F.himmelblau, ng.clipped(alpha=0.01, eta=0.1), chain, scheduled)
    label = "Momentum >> Unit >> gd"
    assert explorer.rates == {
        "clipped": {"alpha": 0.01, "eta": 0.1}, label: {"beta_0": 0.9, "alpha_2": 0.01}, "ngd": {},
    }  # fmt: skip
    explorer.rates = {label: {"beta_0": 0.5}, "clipped": {"eta": 0}}
    explorer.start, explorer.steps, explorer.shown = (1, 2), 7, ["ngd"]
    assert explorer.rates["clipped"] == {"alpha": 0.01, "eta": 0.0}
    slower = ng.Momentum(beta=0.5) >> ng.Unit() >> ng.gd(alpha=0.01)
    expected = (ng.clipped(alpha=0.01, eta=0), slower, scheduled)
    assert explorer.rules == expected
    for path, rule in zip(explorer.paths, expected, strict=True):
        assert np.array_equal(path.w, ng.descend(F.himmelblau, (1, 2), rule, 7).w)


def one_by_one(w):
    return w[0] if w[0] > w[1] else w[1]


def late(t):
    if t > 6:
        raise ValueError("too late")
    return 0.1 if t < 3 else 0.01


CONE, GD = F.cone, ng.gd(alpha=0.1)
BAD = [
    (ValueError, "1 or 2 coordinates", lambda: explore(F.quadratic([1, 2, 3]), GD)),
    (ValueError, "start must have 1 coord", lambda: explore(F.double_well, GD, start=(1, 1))),
    (ValueError, "start must be one point", lambda: explore(CONE, GD, start=(1, 1), box=(0, 2))),
    (ValueError, "start must lie in the box", lambda: explore(F.double_well, GD, start=9)),
    (TypeError, "J must be a landscape", lambda: explore("rosenbrock", GD)),
    (ValueError, "at least one rule", lambda: explore(CONE)),
    (TypeError, "without its hyper-parameters", lambda: explore(CONE, ng.gd)),
    (ValueError, "not arrays", lambda: explore(CONE, ng.gd([0.1, 0.2]))),
    (ValueError, "many points at once", lambda: explore(lambda w: max(w[0], w[1]), GD)),
    (TypeError, "its derivatives must be given", lambda: explore(huber, GD)),
    (ValueError, "many points at once", lambda: explore(ng.Function(one_by_one, lambda w: w), GD)),
    (TypeError, "step of .* must be", lambda: explore(CONE, lambda g: "down")),
    (ValueError, "too late", lambda: explore(CONE, ng.gd(alpha=late), steps=8)),
    (ValueError, "start must lie in the box", lambda: explore(CONE, GD, start=(9, 0))),
    (ValueError, "start must", lambda: explore(CONE, GD, start=(1, 0, 0))),
    (ValueError, "start must be one point", lambda: explore(CONE, GD, start=np.eye(2))),
    (ValueError, "start must be finite", lambda: explore(CONE, GD, start=(np.nan, 0))),
    (TypeError, "start must", lambda: explore(CONE, GD, start="here")),
    (TypeError, "steps must be a whole number", lambda: explore(CONE, GD, steps=1.5)),
    (ValueError, "steps must be at least 1", lambda: explore(CONE, GD, steps=0)),
    (ValueError, "steps must be at most", lambda: explore(CONE, GD, steps=10**6)),
    (TypeError, "box must be two pairs", lambda: explore(F.saddle, GD, box=(-1, 1))),
    (TypeError, "box must be a pair", lambda: explore(F.double_well, GD, box=F.saddle.box)),
    (TypeError, "box must be a pair", lambda: explore(F.double_well, GD, box=(1, 2, 3))),
    (ValueError, "low < high", lambda: explore(F.double_well, GD, box=(1, -1))),
    (ValueError, "low < high", lambda: explore(CONE, GD, box=((1, -1), (0, 1)))),
    (ValueError, "box must be finite", lambda: explore(CONE, GD, box=((0, np.inf), (0, 1)))),
    (ValueError, "width must be at least", lambda: explore(CONE, GD, width=20)),
]


@pytest.mark.parametrize(("kind", "message", "call"), BAD)
def test_bad_arguments(kind, message, call):
    with pytest.raises(kind, match=message):
        call()


BAD_STATE = [
    (ValueError, "rates must", "rates", {"adam": {"eta": 1}}),
    (ValueError, "rates must", "rates", [0.1]),
    (ValueError, r"rates\['ngd'\] must", "rates", {"ngd": {"alpha": 1}}),
    (ValueError, "must be at least 0", "rates", {"ngd": {"eta": -1}}),
    (TypeError, "must be a real number", "rates", {"ngd": {"eta": "fast"}}),
    (ValueError, "not arrays", "rates", {"ngd": {"eta": [0.1, 0.2]}}),
    (TypeError, "must be numbers", "rates", {"ngd": {"eta": ng.schedules.inverse(0.1)}}),
    (ValueError, "shown must", "shown", ["adam"]),
    (ValueError, "shown must", "shown", "ngd"),
    (ValueError, "box", "start", (7, 7)),
    (ValueError, "t must be at least 0", "t", -1),
    (TypeError, "t must be a whole number", "t", 1.5),
    (ValueError, "cobweb must be False", "cobweb", True),
    (TypeError, "zoom must be a factor and a point of 2", "zoom", [2, 0]),
    (TypeError, "zoom must be a factor", "zoom", 2),
    (TypeError, "zoom must be a real number", "zoom", [2, "here", 0]),
    (ValueError, "zoom must begin with 1 to", "zoom", [0.5, 0, 0]),
    (ValueError, "zoom must have its point in the box", "zoom", [2, 7, 7]),
]


@pytest.mark.parametrize(("kind", "message", "name", "value"), BAD_STATE)
def test_bad_state_changes_nothing(rosenbrock, kind, message, name, value):
    before = repr(rosenbrock)
    with pytest.raises(kind, match=message):
        setattr(rosenbrock, name, value)
    assert repr(rosenbrock) == before


# -------------------------------------------------------------------------- the widget


def test_live_widget(monkeypatch):
    pytest.importorskip("anywidget")
    monkeypatch.delenv("NORMGD_STATIC", raising=False)
    explorer = explore(F.rosenbrock, ng.gd(alpha=0.001), ng.ngd(eta=0.05), steps=20)
    explorer.start = (0.5, 0.25)
    bundle = explorer._repr_mimebundle_()
    widget = explorer.widget
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    assert widget.start == [0.5, 0.25]
    heard = []
    widget.observe(lambda change: heard.append(change.new), "start")

    # What a drag and a slider send.
    widget.set_state({"start": [1, 2], "rates": {"gd": {"alpha": 0.002}, "ngd": {"eta": 0}}})
    assert explorer.start == [1.0, 2.0] == heard[-1]
    assert explorer.rules == (ng.gd(alpha=0.002), ng.ngd(eta=0))
    expected = ng.descend(F.rosenbrock, (1, 2), ng.gd(alpha=0.002), 20).w
    assert np.array_equal(explorer.paths[0].w, expected)

    explorer.start, explorer.steps = (0.25, 0.5), 30
    assert (widget.start, widget.steps) == ([0.25, 0.5], 30)
    assert heard[-1] == [0.25, 0.5]
    with pytest.raises(ValueError, match="box"):
        widget.start = [5.0, 5.0]
    assert explorer.start == [0.25, 0.5]


def test_a_widget_lives_beside_others():
    pytest.importorskip("anywidget")
    import ipywidgets

    explorer = explore(F.cone, ng.ngd(eta=0.1))
    box = ipywidgets.VBox([ipywidgets.FloatSlider(), explorer.widget])
    assert explorer.widget in box.children
