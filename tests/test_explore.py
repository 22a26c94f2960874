"""The explorer: its numbers are the library's, its page is whole, its widget follows."""

import gzip
import html.parser
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import normgd as ng
from normgd.explore import HERE, explore
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
RULES = [
    ng.gd(alpha=1e-3),
    ng.ngd(eta=0.05),
    ng.momentum(alpha=1e-3, beta=0.9),
    ng.sign(eta=0.05),
    ng.clipped(alpha=0.01, eta=0.1),
    ng.Momentum(beta=0.9) >> ng.Unit() >> ng.gd(alpha=0.01),
    ng.Clip(c=1.0) >> ng.gd(alpha=0.3),
    ng.ngd(eta=ng.schedules.inverse_sqrt(0.3)),
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
      const run = trajectory(program.steps[i], rule.memory, rates, start, steps);
      for (let t = 0; t <= steps; t++) {
        const w = run.path[t] ?? [NaN, NaN];
        numbers.push(w[0], w[1], program.value(w));
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
    node = shutil.which("node")
    require(node, "there is no Node")
    shutil.copyfile(HERE / "explore.js", folder / "explore.mjs")
    (folder / "driver.mjs").write_text(DRIVER, encoding="utf-8")
    job = {"plots": [state(e)["plot"] for e in explorers], "starts": starts, "steps": steps}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    subprocess.run([node, "driver.mjs"], cwd=folder, check=True)
    numbers = np.fromfile(folder / "numbers.bin").reshape(-1, steps + 1, 3)
    return numbers, json.loads((folder / "fates.json").read_text(encoding="utf-8"))


def test_the_page_iterates_as_the_library_does(tmp_path):
    explorers = [explore(J, *RULES) for J in LANDSCAPES]
    starts = []
    for J in LANDSCAPES:
        low, high = np.transpose(J.box)
        starts.append(RNG.uniform(low, high, size=(50, 2)))
    numbers, _ = run_in_node(tmp_path, explorers, [s.tolist() for s in starts], STEPS)
    numbers = numbers.reshape(len(LANDSCAPES), len(RULES), 50, STEPS + 1, 3)
    for J, of_J, points in zip(LANDSCAPES, numbers, starts, strict=True):
        for rule, found in zip(RULES, of_J, strict=True):
            path = ng.descend(J, points.T, rule, STEPS)
            finite = np.isfinite(path.w).all(axis=1).T
            w, values = np.moveaxis(path.w, 2, 0), path.J.T
            assert np.array_equal(np.isfinite(found[..., :2]).all(axis=-1), finite), (J, rule)
            if re.search(r"Math\.(?!sqrt|abs|sign)", javascript_value(J)):
                # Of exp, log1p, sinh, ... the last digit may differ, and bouncing amplifies it.
                found, w, values = found[:, :101], w[:, :101], values[:, :101]
                np.testing.assert_allclose(found[..., :2], w, rtol=1e-9, atol=1e-9)
                np.testing.assert_allclose(found[..., 2], values, rtol=1e-9, atol=1e-12)
            else:  # nothing but + - * / and square roots: the same bits, however long the path
                assert np.array_equal(found[..., :2][finite], w[finite]), (J, rule)
                same = np.array_equal(found[..., 2][finite], values[finite], equal_nan=True)
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


# ---------------------------------------------------------------------------- the page


def test_it_is_a_function_however_it_is_reached():
    assert ng.explore is explore


def test_a_diverging_path_leaves_the_picture():
    explorer = explore(F.rosenbrock, ng.gd(alpha=1.0), ng.ngd(eta=1e300))
    for path in ET.fromstring(explorer._picture()).iterfind(".//path[@data-rule]"):
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
    ET.fromstring(explorer._picture())


@pytest.mark.parametrize("J", LANDSCAPES, ids=lambda J: J.name)
def test_picture(J):
    explorer = explore(J, *RULES[:3], steps=300)
    picture = ET.fromstring(explorer._picture())
    assert picture.find(".//title").text.startswith(J.name)
    paths = [path.get("data-rule") for path in picture.iterfind(".//path[@data-rule]")]
    assert paths == ["gd", "ngd", "momentum"]
    assert len(picture.find(".//g[@class='normgd-contours']")) >= 7
    handle = picture.find(".//g[@class='normgd-start']")
    assert handle.get("data-w") == ",".join(map(repr, explorer.start))
    assert len(gzip.compress(explorer._html().encode())) <= 8_000


def test_front_end_is_small():
    code = b"".join((HERE / name).read_bytes() for name in ("explore.js", "explore.css"))
    assert len(gzip.compress(code)) <= 12_000


def test_two_of_a_kind():
    explorer = explore(F.cone, ng.gd(alpha=0.1), ng.gd(alpha=0.2), ng.ngd(eta=0.1))
    assert explorer.labels == ["gd 1", "gd 2", "ngd"]
    picture = ET.fromstring(explorer._picture())
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
    ET.fromstring(explorer._picture())


def test_a_domain_leaves_a_gap():
    J = ng.Function(lambda w: w[1] ** 2 + w[0] - ng.ops.log(w[0]), domain=lambda w: w[0] > 0)
    explorer = explore(J, ng.gd(alpha=0.1), start=(1, 1))
    ET.fromstring(explorer._picture())
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


CONE, GD = F.cone, ng.gd(alpha=0.1)
BAD = [
    (ValueError, "2 coordinates", lambda: explore(F.quadratic([1, 2, 3]), GD)),
    (ValueError, "2 coordinates", lambda: explore(F.double_well, GD)),
    (TypeError, "J must be a landscape", lambda: explore("rosenbrock", GD)),
    (ValueError, "at least one rule", lambda: explore(CONE)),
    (TypeError, "without its hyper-parameters", lambda: explore(CONE, ng.gd)),
    (ValueError, "not arrays", lambda: explore(CONE, ng.gd([0.1, 0.2]))),
    (TypeError, "cannot be explored", lambda: explore(CONE, lambda g: g if g[0] > 0 else -g)),
    (TypeError, "cannot be explored", lambda: explore(lambda w: max(w[0], w[1]), GD)),
    (ValueError, "start must lie in the box", lambda: explore(CONE, GD, start=(9, 0))),
    (ValueError, "start must", lambda: explore(CONE, GD, start=(1, 0, 0))),
    (ValueError, "start must be one point", lambda: explore(CONE, GD, start=np.eye(2))),
    (ValueError, "start must be finite", lambda: explore(CONE, GD, start=(np.nan, 0))),
    (TypeError, "start must", lambda: explore(CONE, GD, start="here")),
    (TypeError, "steps must be a whole number", lambda: explore(CONE, GD, steps=1.5)),
    (ValueError, "steps must be at least 1", lambda: explore(CONE, GD, steps=0)),
    (ValueError, "steps must be at most", lambda: explore(CONE, GD, steps=10**6)),
    (TypeError, "box must be two pairs", lambda: explore(CONE, GD, box=(-1, 1))),
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
