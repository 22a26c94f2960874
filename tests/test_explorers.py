"""The small explorers: what the page computes is what Python computes, and all of it is true."""

import gzip
import itertools
import json
import math
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_explore import prepare, state

import normgd as ng
from normgd import front
from normgd.explorers import compass, epsilon, minibatch, norm_ball, u_curve
from normgd.explorers.panel import Choice, Linear, Log, Panel, Point, Whole

F = ng.functions
BOWL = F.quadratic([1, 10], angle=0.4, minimiser=(0.5, -0.25))
# One of each kind at least; the generic tests run over all of them.
PANELS: dict[str, Panel] = {
    "compass": compass(BOWL),
    "compass at a saddle": compass(F.saddle, at=(0, 0), radius=0.1),
    "compass, degenerate": compass(F.degenerate, angle=90),
    "epsilon": epsilon(),
    "epsilon, not a bowl": epsilon(F.double_well, eps=0.3, start=-2.1),
    "compass on Rosenbrock": compass(F.rosenbrock, radius=0.01),
    "U-curve": u_curve(F.quadratic([1, 10]), ng.gd(0.1), ng.ngd(0.1), start=(10.2, 1)),
    "norm ball": norm_ball(),
    "minibatch": minibatch(),
    "minibatch of three": minibatch([[0, 0], [1, 0], [0, 2]], w=(1, 1), batch=4),
    "U-curve of three": u_curve(
        F.rosenbrock, ng.gd(0.001), ng.momentum(0.001), ng.sign(0.05), start=(-1.5, 2), steps=60
    ),
}
each = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)


# ------------------------------------------------------------------- the page's numbers

DRIVER = """
import explorer from "./explore.mjs";
import fs from "node:fs";
import readline from "node:readline";
const plots = JSON.parse(fs.readFileSync("job.json", "utf8"));
const { readSettings, writeSettings, own } = explorer.render;
const panels = plots.map(own);
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { number, values, fragment } = JSON.parse(line);
  const plot = plots[number];
  let answer;
  if (fragment !== undefined) {
    answer = readSettings(number + 1, fragment, plot).values;
  } else {
    const { marks, numbers } = panels[number].compute(values);
    answer = {
      marks, numbers, told: panels[number].tell(values, numbers),
      python: panels[number].python(values),
      pairs: writeSettings(number + 1, { values }, plot),
    };
  }
  console.log(JSON.stringify(answer));
}
"""


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Ask the page's code about a panel: what it computes of values, or reads in a fragment."""
    folder = tmp_path_factory.mktemp("panels")
    plots = [state(panel)["plot"] for panel in PANELS.values()]
    command = prepare(folder, DRIVER, plots)
    with subprocess.Popen(command, cwd=folder, stdin=-1, stdout=-1, encoding="utf-8") as node:

        def ask(panel: Panel, **asked: Any) -> Any:
            number = [*PANELS.values()].index(panel)
            node.stdin.write(json.dumps({"number": number, **asked}) + "\n")
            node.stdin.flush()
            return json.loads(node.stdout.readline())

        yield ask
        node.stdin.close()


def some(value: Any) -> st.SearchStrategy[Any]:
    """Values that the page's controls can reach."""
    match value:
        case Linear():
            return st.floats(value.low, value.high)
        case Log():
            return st.floats(math.log(value.low), math.log(value.high)).map(
                lambda x: min(max(math.exp(x), value.low), value.high)
            )
        case Whole():
            return st.integers(value.low, value.high)
        case Choice():
            return st.sampled_from(value.options)
        case Point():
            return st.tuples(*(st.floats(*pair) for pair in value.box)).map(list)
    raise TypeError(value)


def values_of(panel: Panel) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({value.name: some(value) for value in panel.declared})


def numeric(found: Any) -> np.ndarray:
    return np.array(found, dtype=float)  # where JSON has null there was NaN


@each
def test_the_page_computes_what_python_computes(panel: Panel, ask: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    for _ in range(8):
        values = {}
        for value in panel.declared:
            match value:
                case Linear() | Whole():
                    x = rng.uniform(value.low, value.high)
                    values[value.name] = round(x) if isinstance(value, Whole) else x
                case Log():
                    values[value.name] = math.exp(
                        rng.uniform(math.log(value.low), math.log(value.high))
                    )
                case Choice():
                    values[value.name] = str(rng.choice(value.options))
                case Point():
                    values[value.name] = [rng.uniform(*pair) for pair in value.box]
        found, (marks, numbers) = ask(panel, values=values), panel.compute(values)
        assert found["marks"].keys() == marks.keys()
        for name, points in marks.items():
            np.testing.assert_allclose(
                numeric(found["marks"][name]).reshape(-1, 2), points, rtol=1e-6, atol=1e-7,
                err_msg=name,
            )  # fmt: skip
        assert found["numbers"].keys() == numbers.keys()
        for name, number in numbers.items():
            told = numeric(found["numbers"][name])
            np.testing.assert_allclose(told, number, rtol=1e-6, atol=1e-7, err_msg=name)
        assert all(isinstance(text, str) and "NaN" not in text for _, text in found["told"])


# -------------------------------------------------------------------- settings in a link


@pytest.mark.parametrize("name", PANELS)
@given(data=st.data())
def test_written_values_read_back_exactly(ask: Callable[..., Any], name: str, data: Any) -> None:
    panel = PANELS[name]
    values = data.draw(values_of(panel))
    pairs = ask(panel, values=values)["pairs"]
    assert ask(panel, fragment="explore&" + urlencode([*map(tuple, pairs)])) == values


@each
def test_what_nobody_changed_is_not_written(panel: Panel, ask: Callable[..., Any]) -> None:
    assert ask(panel, values=dict(panel.values))["pairs"] == []


TEXTS = st.one_of(
    st.sampled_from(["NaN", "Infinity", "1e999", "0x10", " 1", "1_0", "-1", "1.5", "", "9" * 5000]),
    st.floats().map(str), st.integers().map(str), st.text(max_size=20),
    st.lists(st.floats().map(str), max_size=4).map(",".join),
)  # fmt: skip


@pytest.mark.parametrize("name", PANELS)
@given(data=st.data())
def test_any_fragment_leaves_values_that_the_library_takes(
    ask: Callable[..., Any], name: str, data: Any
) -> None:
    panel, number = PANELS[name], [*PANELS].index(name) + 1
    names = st.sampled_from([*(value.name for value in panel.declared), "__proto__", "values"])
    pairs = data.draw(st.lists(st.tuples(names.map(lambda name: f"{number}.{name}"), TEXTS)))
    fragment = data.draw(st.one_of(st.text(), st.just("explore&" + urlencode(pairs))))
    read = ask(panel, fragment=fragment)
    assert panel._checked(read) == read
    assert read.keys() == panel.values.keys()


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("1.angle=45", {"angle": 45}),
        ("1.angle=181&1.radius=0.5", {"radius": 0.5}),
        ("1.radius=0", {}),
        ("1.angle=45,46", {}),
        ("2.angle=45", {}),
        ("angle=45", {}),
    ],
)
def test_what_is_wrong_in_a_link_is_passed_over(
    ask: Callable[..., Any], text: str, change: dict[str, float]
) -> None:
    panel = PANELS["compass"]
    assert ask(panel, fragment=f"explore&{text}") == {**panel._initial, **change}


# ----------------------------------------------------------------------- the still picture


@each
def test_the_still_is_a_labelled_picture(panel: Panel) -> None:
    body = ET.fromstring(panel._picture())
    for figure in panel.figures:
        svg = body.find(f".//svg[@data-figure='{figure.name}']")
        assert svg.get("role") == "img"
        assert svg.find("title").text.strip() == figure.title
        assert svg.find("desc").text.strip() == panel.about()
        texts = [text.text.strip() for text in svg.iterfind("text")]
        assert {figure.x.name, figure.y.name} <= set(texts)
        assert len(texts) >= 2 + 3 + 2  # the axes' names and a few numbers along each
    points, _ = panel.compute(panel.values)
    drawn = {path.get("data-mark"): path.get("d") for path in body.iterfind(".//*[@data-mark]")}
    assert drawn.keys() == {mark.name for mark in panel.marks}
    for name, data in drawn.items():
        assert bool(data) == bool(np.isfinite(points[name]).all(axis=1).any()), name
        assert not re.search("nan|inf", data)
    handles = {node.get("data-handle") for node in body.iterfind(".//*[@data-handle]")}
    assert handles == {handle.name for handle in panel.handles}
    key = [
        item.findtext(".").strip() or "".join(item.itertext()).strip() for item in body.iter("li")
    ]
    assert key == [mark.label for mark in panel.marks if mark.label]


@each
def test_the_html_is_small_and_holds_its_state(panel: Panel) -> None:
    assert state(panel)["values"] == dict(panel.values)
    assert panel._html().count("</script>") == 1
    assert len(gzip.compress(panel._html().encode())) <= 12_000


def test_the_front_end_is_small() -> None:
    code = front.script() + front.style()
    assert len(gzip.compress(code.encode())) <= 40_000


def test_a_page_without_a_kernel_gets_no_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORMGD_STATIC", "1")
    panel = compass(BOWL)
    assert panel._repr_mimebundle_().keys() == {"text/plain", "text/html"}
    assert panel._repr_mimebundle_() == compass(BOWL)._repr_mimebundle_()


# ------------------------------------------------------------------------------- the state


@each
def test_values_are_set_together_or_one_by_one(panel: Panel) -> None:
    first = dict(panel.values)
    for name, value in first.items():
        setattr(panel, name, value)
        assert getattr(panel, name) == value
    panel.values = {}
    assert panel.values == first
    with pytest.raises(TypeError):
        panel.values["more"] = 1  # type: ignore[index]


BAD = [
    (ValueError, "2 coordinates", lambda: compass(F.double_well)),
    (TypeError, "J must be a landscape", lambda: compass("bowl")),
    (ValueError, "at must be given", lambda: compass(F.saddle)),
    (ValueError, "gradient is 0", lambda: compass(F.saddle, at=(1, 0))),
    (ValueError, "angle must be between", lambda: compass(BOWL, angle=200)),
    (ValueError, "angle must be finite", lambda: compass(BOWL, angle=math.nan)),
    (TypeError, "radius must be a real", lambda: compass(BOWL, radius="small")),
    (ValueError, "radius must be between 1e-06 and 1; got 0", lambda: compass(BOWL, radius=0)),
    (ValueError, "at must", lambda: compass(BOWL, at=(math.inf, 0))),
    (ValueError, "smooth at", lambda: compass(F.cone)),
    (ValueError, "smooth at", lambda: compass(F.crawl)),
    (ValueError, "smooth at its minimiser", lambda: epsilon(F.cone)),
    (ValueError, "1 coordinate", lambda: epsilon(F.rosenbrock)),
    (ValueError, "known minimiser", lambda: epsilon(lambda w: w[0] ** 2)),
    (ValueError, "curved at its minimiser", lambda: epsilon(F.quartic)),
    (ValueError, "eps must be between 1e-06 and 1; got 0", lambda: epsilon(eps=0)),
    (ValueError, "angle must be between", lambda: norm_ball(181)),
    (ValueError, "points must be 2 to 6", lambda: minibatch([[0, 0]])),
    (ValueError, "points must be 2 to 6", lambda: minibatch([[0, 0], [0, 0]])),
    (ValueError, "points must be 2 to 6", lambda: minibatch(np.eye(3))),
    (TypeError, "points must", lambda: minibatch("abc")),
    (ValueError, "batch must be at most 8", lambda: minibatch(batch=9)),
    (ValueError, "w must be between", lambda: minibatch(w=(99, 0))),
    (ValueError, "2 coordinates", lambda: u_curve(F.double_well, ng.gd(1), start=(0, 0))),
    (ValueError, "known minimum", lambda: u_curve(F.saddle, ng.gd(1), start=(0, 0))),
    (ValueError, "at least one rule", lambda: u_curve(BOWL, start=(0, 0))),
    (ValueError, "number to turn", lambda: u_curve(BOWL, ng.Unit(), start=(0, 0))),
    (ValueError, "rates must be pos", lambda: u_curve(BOWL, ng.gd(1), start=(0, 0), rates=(1, 1))),
    (ValueError, "start must", lambda: u_curve(BOWL, ng.gd(1), start=1)),
    (ValueError, "steps must be at", lambda: u_curve(BOWL, ng.gd(1), start=(0, 0), steps=0)),
    (ValueError, "rate must be", lambda: u_curve(BOWL, ng.gd(1), start=(0, 0), rate=-1)),
    (TypeError, "a rule", lambda: u_curve(BOWL, 3, start=(0, 0))),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "message", "call"), BAD)
def test_bad_arguments(kind: type[Exception], message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    ("kind", "message", "new"),
    [
        (ValueError, "keys out of", {"phi": 1}),
        (ValueError, "keys out of", [1, 2]),
        (ValueError, "angle must be between -180 and 180; got 181", {"radius": 0.5, "angle": 181}),
        (TypeError, "angle must be a real number", {"angle": None}),
    ],
)
def test_bad_values_change_nothing(kind: type[Exception], message: str, new: Any) -> None:
    panel = compass(BOWL)
    with pytest.raises(kind, match=message):
        panel.values = new
    assert panel.values == panel._initial


@pytest.mark.parametrize(
    ("value", "good", "bad"),
    [
        (Whole("n", "n", "how many", 1, 9), (1, 9), (0, 10, 1.5, True)),
        (Choice("norm", "", "which", ("l1", "l2")), ("l1", "l2"), ("l3", "", None)),
        (Point("w", "w", "where", ((0, 1), (-1, 0))), ([1.0, -1.0],), ([1], [1, 1], "01", 1, None)),
        (Log("eta", "η", "length", 0.1, 10), (0.1, 10.0), (0, 11, math.inf)),
    ],
)
def test_each_kind_of_value_takes_its_own(value: Any, good: Any, bad: Any) -> None:
    assert [value.check(x) for x in good] == [*good]
    for x in bad:
        with pytest.raises((TypeError, ValueError), match=f"{value.name} must be"):
            value.check(x)


def test_a_live_panel_follows_the_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("anywidget")
    monkeypatch.delenv("NORMGD_STATIC", raising=False)
    panel = compass(BOWL)
    panel.angle = 45
    widget = panel.widget
    bundle = panel._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    widget.set_state({"values": {"angle": -90, "radius": 0.01}})  # what a drag sends
    assert panel.values == {"angle": -90.0, "radius": 0.01}
    panel.radius = 0.5
    assert widget.values == {"angle": -90.0, "radius": 0.5}
    with pytest.raises(ValueError, match="angle"):
        widget.values = {"angle": 999}
    assert widget.values == {"angle": -90.0, "radius": 0.5}


# ------------------------------------------------------------------------------- epsilon


@pytest.mark.parametrize(("eta", "eps", "curvature"), [(0.2, 0.01, 1), (0.5, 0.2, 3), (1, 1e-3, 8)])
def test_the_two_cycle_of_a_bowl_is_a_cycle(eta: float, eps: float, curvature: float) -> None:
    panel = epsilon(F.quadratic([curvature]), eta=eta, eps=eps)
    size = panel.numbers["amplitude"]
    assert size == pytest.approx(eta / 2 - eps / curvature)
    assert panel.step(size, eta, eps) == pytest.approx(-size)
    for name, x in (("at zero", 0.0), ("on the cycle", size)):
        h = 1e-7 * eps
        slope = (panel.step(x + h, eta, eps) - panel.step(x - h, eta, eps)) / (2 * h)
        assert panel.numbers[name] == pytest.approx(slope, rel=1e-4, abs=1e-6), name


def test_at_the_threshold_it_stops_converging() -> None:
    for eps, size in ((0.11, 0.0), (0.09, 0.01)):
        told = epsilon(eta=0.2, eps=eps).numbers
        assert told["threshold"] == pytest.approx(0.1)
        assert [told["late"], told["later"]] == pytest.approx([size, size], abs=1e-9)


def late(panel: Panel) -> list[float]:
    return sorted(panel.numbers[name] for name in ("late", "later"))


@pytest.mark.parametrize(("eta", "curvature"), [(0.2, 1.0), (0.4, 3.0)])
def test_at_the_threshold_it_converges_like_eta_over_4t(eta: float, curvature: float) -> None:
    told = epsilon(F.quadratic([curvature]), eta=eta, eps=eta * curvature / 2).numbers
    assert told["late"] == pytest.approx(eta / (4 * 400), rel=0.02)
    assert told["later"] == pytest.approx(eta / (4 * 401), rel=0.02)


def test_far_below_the_threshold_it_drifts_from_its_start_in_proportion_to_eps() -> None:
    # 0.77 = 3 · 0.2 + 0.17: without ε the cycle is {0.17, 0.03}.
    drifts = [np.abs(np.array(late(epsilon(eps=eps))) - [0.03, 0.17]) for eps in (1e-6, 2e-6)]
    assert drifts[1] / drifts[0] == pytest.approx([2, 2], rel=0.05)
    # 0.71 = 3 · 0.2 + 0.11
    assert late(epsilon(eps=1e-6, start=0.71)) == pytest.approx([0.09, 0.11], abs=1e-3)


def test_the_diagram_shows_the_late_iterates_of_each_column() -> None:
    panel = epsilon()
    marks, _ = panel.compute(panel.values)

    def orbit(eps: float) -> ng.Path:
        return ng.descend(panel.J, 0.77, lambda g: 0.2 * g / (ng.norm(g) + eps), steps=440)

    for eps, height in marks["mine"][::20]:
        heights = np.abs(orbit(eps).w[400:, 0]) / 0.2
        assert np.abs(heights - height).min() < 1.05 / 480


@pytest.mark.parametrize(
    ("eps", "state"),
    [(0.5, "converges"), (0.1, "at the threshold"), (0.05, "two-cycle"), (1e-5, "still drifts")],
)
def test_it_tells_what_happens(ask: Callable[..., Any], eps: float, state: str) -> None:
    panel = PANELS["epsilon"]
    told = dict(ask(panel, values={**panel.values, "eps": eps})["told"])
    assert told["state"].startswith(state)


def test_the_epsilon_to_copy_prints_the_late_iterates(
    ask: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for panel in (PANELS["epsilon"], PANELS["epsilon, not a bowl"]):
        exec(ask(panel, values=dict(panel.values))["python"], {})
        printed = [float(x) for x in capsys.readouterr().out.strip("[]\n").split()]
        told = panel.numbers
        assert printed == pytest.approx([told["late"], told["later"]], rel=1e-6)


# ------------------------------------------------------------------------------ the compass


@pytest.mark.parametrize("angle", [0, 10, 45, 89, 90, 135, -30])
def test_in_a_bowl_the_tangent_is_multiplied_by_the_condition_number(angle: float) -> None:
    x, y = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    for radius in (1.0, 1e-6):
        told = compass(F.quadratic([1, 10]), radius=radius, angle=angle).numbers
        assert told["direction"] == pytest.approx(math.degrees(math.atan2(10 * y, x)))
        assert told["limit"] == pytest.approx(told["direction"])
        assert told["distance"] < 1e-9
        assert told["gradient"] == pytest.approx(radius * math.hypot(x, 10 * y))


def test_the_direction_nears_its_limit_in_proportion_to_the_distance() -> None:
    radii = np.array([1e-2, 1e-3, 1e-4])
    gaps = [compass(F.rosenbrock, radius=r, angle=-70).numbers["distance"] for r in radii]
    assert np.diff(np.log10(gaps)) == pytest.approx(-1, abs=0.05)


def test_gradient_descent_comes_in_along_the_weakest_direction() -> None:
    # BOWL's axes are turned by 0.4 rad, and at 60° v has a positive part along the weak one.
    told = compass(BOWL, angle=60).numbers
    assert told["way"] == pytest.approx(math.degrees(0.4), abs=0.1)
    assert told["end"] < 2e-3


def test_it_leaves_a_saddle() -> None:
    assert compass(F.saddle, at=(0, 0), angle=45).numbers["end"] > 1


def test_where_the_second_derivatives_vanish_it_says_so(ask: Callable[..., Any]) -> None:
    panel = PANELS["compass, degenerate"]  # x² + y⁴, approached along y
    assert math.isnan(panel.numbers["limit"])
    assert "Hv = 0" in panel.about()
    assert "Hv = 0" in str(ask(panel, values=dict(panel.values))["told"])


def test_the_compass_to_copy_prints_the_angles(
    ask: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    panel = PANELS["compass on Rosenbrock"]
    told = panel.numbers
    exec(ask(panel, values=dict(panel.values))["python"], {})
    printed = [float(x) for x in capsys.readouterr().out.split()]
    assert printed == pytest.approx([told["direction"], told["limit"]])


# ------------------------------------------------------------------------------ the U-curve


def test_the_u_curve_is_that_of_a_quadratic():
    # (1 - alpha lambda)^t in each coordinate, and the worse one of the last two gaps.
    panel = u_curve(F.quadratic([1, 10]), ng.gd(0.1), start=(10.2, 1.0), steps=40)
    marks, numbers = panel.compute(panel.values)
    rates, gaps = marks["curve 0"].T
    one, ten = (abs(1 - rates * curvature) for curvature in (1, 10))
    expected = [(10.2 * one**t) ** 2 / 2 + 10 * ten ** (2 * t) / 2 for t in (39, 40)]
    small = np.max(expected, axis=0) < 1e99
    np.testing.assert_allclose(gaps[small], np.max(expected, axis=0)[small], rtol=1e-9)
    assert np.all(gaps[~small] == 1e100)
    assert numbers["gd: best rate"] == rates[np.argmin(np.max(expected, axis=0))]
    assert abs(numbers["gd: best rate"] / (2 / 11) - 1) < 0.06  # a twentieth of a decade


def test_the_code_of_the_u_curve_computes_what_is_seen(ask: Callable[..., Any]):
    panel = PANELS["U-curve"]
    values = {**panel.values, "rate": 0.2, "steps": 33, "start": [3.0, -2.0]}
    names: dict[str, Any] = {}
    exec(ask(panel, values=values)["python"], names)
    marks, _ = panel.compute(values)
    assert np.array_equal(names["ends"], marks["curve 1"][:, 1])
    assert np.array_equal(names["path"].w, marks["path 1"])


def test_the_rate_is_the_first_rules_unless_it_is_given():
    panel = u_curve(BOWL, ng.gd(0.3), ng.ngd(0.1), start=(0, 0))
    assert panel.rate == 0.3
    assert u_curve(BOWL, ng.gd(0.3), start=(0, 0), rate=2).rate == 2
    assert u_curve(BOWL, ng.gd(1e9), start=(0, 0)).rate == 100


# ----------------------------------------------------------------------------- the norm ball


@given(angle=st.floats(-180, 180))
def test_no_step_of_length_1_is_steeper_in_its_norm(angle: float):
    panel = norm_ball(angle)
    marks, numbers = panel.compute(panel.values)
    g = marks["gradient"][1]
    orders = {"Unit": (2, 2), "Sign": (np.inf, 1), "Greedy": (1, np.inf)}  # and that of the dual
    others = np.random.default_rng(0).normal(size=(500, 2))
    for name, (order, dual) in orders.items():
        step = marks[f"step {name}"][1]
        slope = numbers[f"slope of {name}"]
        assert np.linalg.norm(step, order) <= 1 + 1e-12
        assert slope == pytest.approx(-np.linalg.norm(g, dual))
        lengths = np.linalg.norm(others, order, axis=1)
        assert (others @ g / lengths).min() >= slope - 1e-12
        assert np.allclose(np.linalg.norm(marks[f"ball {name}"], order, axis=1), 1)
        # The line through the step is at right angles to g, and no point of the ball is beyond it.
        a, b = marks[f"edge {name}"]
        assert (b - a) @ g == pytest.approx(0, abs=1e-12)
        assert (marks[f"ball {name}"] @ g).min() >= a @ g - 1e-9


def test_two_of_the_steps_jump_and_one_turns():
    curves = norm_ball().compute({"angle": 0.0})[0]
    names = ("Unit", "Sign", "Greedy")
    jumps = {name: np.isnan(curves[f"turn {name}"]).any(axis=1).sum() for name in names}
    assert jumps["Unit"] == 1  # from 180 to -180 degrees, which are the same
    assert jumps["Sign"] >= 4
    assert jumps["Greedy"] >= 4


# ----------------------------------------------------------------------------- the minibatch


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_mean_step_is_that_of_all_batches_drawn(batch: int):
    panel = minibatch([[0, 0], [1, 0], [0, 2], [5, 5]], w=(1.3, 0.4), batch=batch)
    marks, numbers = panel.compute(panel.values)
    w, points = np.array(panel.w), panel.points
    steps = [
        -ng.unit(w - points[list(drawn)].mean(axis=0))
        for drawn in itertools.product(range(4), repeat=batch)
    ]
    mean = np.mean(steps, axis=0)
    np.testing.assert_allclose(marks["mean"][1] - w, mean, atol=1e-12)
    assert numbers["length"] == pytest.approx(np.linalg.norm(mean))
    downhill = points.mean(axis=0) - w
    cosine = mean @ downhill / np.linalg.norm(mean) / np.linalg.norm(downhill)
    assert numbers["angle"] == pytest.approx(np.degrees(np.arccos(cosine)))


@pytest.mark.parametrize("name", ["minibatch", "minibatch of three"])
def test_the_mean_step_vanishes_where_the_picture_says(name: str):
    panel: Any = PANELS[name]
    for size, root in enumerate(panel.roots[:-1], 1):
        means, weights = panel.batches[size - 1]
        assert weights.sum() == pytest.approx(1)
        away = np.linalg.norm(means - root, axis=1)
        at = away < 1e-7  # there the mean distance has a corner
        pull = (weights[~at, None] * (means[~at] - root) / away[~at, None]).sum(axis=0)
        assert np.linalg.norm(pull) <= weights[at].sum() + 1e-6
    assert np.array_equal(panel.roots[-1], panel.points.mean(axis=0))
    # With more points in a batch it comes nearer to the minimum.
    shifts = np.linalg.norm(panel.roots - panel.roots[-1], axis=1)
    assert shifts[7] < shifts[0] / 3
