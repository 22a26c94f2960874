"""The gallery shows every rule on every landscape, and what it says of each run is so."""

import dataclasses
import functools
import math
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import gallery_page
import normgd as ng
from normgd import rules
from normgd.front.words import letter
from normgd.functions import LANDSCAPES, Function
from normgd.rule import Rule

BOOK = Path(__file__).resolve().parent.parent / "book"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in BOOK.glob("gallery*.md")}
RULES = {
    name: kind
    for name, kind in vars(rules).items()
    if name[0].islower() and isinstance(kind, type) and kind.__module__ == rules.__name__
}
STEPS, TRIES, NEGLIGIBLE = 100, 13, 1e-12
EVERY_LANDSCAPE = pytest.mark.parametrize("J", LANDSCAPES.values(), ids=list(LANDSCAPES))
# With and without J*, and with a domain.
SOME = pytest.mark.parametrize("J", [LANDSCAPES[n] for n in ("rosenbrock", "saddle", "barrier")])


@functools.cache
def figures(J: Function) -> dict[str, Any]:
    """The figures of a landscape by the name of the rule."""
    page = ElementTree.fromstring(f"<div>{gallery_page.pictures(J)}</div>")
    found = {"".join(figure.find("figcaption/a").itertext()): figure for figure in page[1]}
    assert len(found) == len(page[1])
    return found


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("−", "-")


def lines(figure: Any) -> list[str]:
    """What stands below the rule's name."""
    return [plain(br.tail or "") for br in figure.findall("figcaption/br")]


def start(J: Function) -> np.ndarray:
    """The start as the page tells it."""
    told = re.search(r"Start (.*), where", plain(gallery_page.facts(J)))
    return np.array([float(x) for x in told[1].strip("()").split(", ")])


def told(kind: type[Rule], J: Function, settings: str) -> Rule:
    """The rule as its caption describes it."""
    fields = {letter(field.name): field.name for field in dataclasses.fields(kind)}
    pairs = (item.split(" = ") for item in settings.split(", "))
    given: dict[str, Any] = {fields[key]: float(value) for key, value in pairs}
    if "J_star" in given:
        given["J_star"] = J.minimum
    if J.blocks and "blocks" in fields.values():
        given["blocks"] = J.blocks
    return kind(**given)


@functools.cache
def again(J: Function) -> dict[str, ng.Path]:
    """The runs that the captions describe, one by one."""
    runs = {name: lines(figure) for name, figure in figures(J).items()}
    return {
        name: ng.descend(J, start(J), told(RULES[name], J, told_lines[0]), STEPS)
        for name, told_lines in runs.items()
        if len(told_lines) == 2
    }


def lost(path: ng.Path) -> np.ndarray:
    """At which steps the path is outside the finite numbers or the domain."""
    J, gone = path.function, ~np.isfinite(path.w).all(axis=1) | ~np.isfinite(path.J)
    return gone if J.domain is None else gone | ~J.domain(path.w.T)


def digits(path: ng.Path) -> float:
    """How many decimal digits of J − J* a path has gained."""
    share = (path.J[-1] - path.function.minimum) / (path.J[0] - path.function.minimum)
    return -math.log10(max(share, NEGLIGIBLE))


# --- everything is there, once ----------------------------------------------------------


def test_every_rule_meets_every_landscape_on_exactly_one_page() -> None:
    shown = Counter(
        figure.attrib["id"]
        for page, text in TEXTS.items()
        if "```{gallery}" in text
        for J in LANDSCAPES.values()
        if gallery_page.page_of(J) == page
        for figure in figures(J).values()
    )
    wanted = [f"{gallery_page.name_of(J)}-{name}" for J in LANDSCAPES.values() for name in RULES]
    assert shown == Counter(wanted)
    assert len(shown) == len(wanted)


@EVERY_LANDSCAPE
def test_a_picture_is_missing_only_for_want_of_j_star_or_of_a_matrix(J: Function) -> None:
    wanting = {"polyak"} if J.minimum is None else set()
    wanting |= set() if J.blocks else {"muon"}
    pictured = {name: figure.find("svg") is not None for name, figure in figures(J).items()}
    assert pictured == {name: name not in wanting for name in RULES}
    assert all("does not run: it " in lines(figures(J)[name])[0] for name in wanting)


def test_ids_are_unique() -> None:
    ids = [
        found
        for J in LANDSCAPES.values()
        for found in re.findall(r'\bid="([^"]+)"', gallery_page.pictures(J))
    ] + [gallery_page.name_of(J) for J in LANDSCAPES.values()]
    assert [name for name, count in Counter(ids).items() if count > 1] == []


@EVERY_LANDSCAPE
def test_each_picture_is_drawn_and_says_in_words_what_it_shows(J: Function) -> None:
    known = set(re.findall(r'<g id="([^"]+)"', gallery_page.pictures(J)))
    for name, figure in figures(J).items():
        if (picture := figure.find("svg")) is None:
            continue
        assert picture.attrib["role"] == "img"
        assert picture.attrib["aria-label"].startswith(f"{name} on {J.name}: ")
        assert picture.find("use").attrib["href"].removeprefix("#") in known
        for path in picture.findall("path"):
            number = r"-?\d+[ ]?"
            assert re.fullmatch(rf"M({number}){{2}}(l({number})+|h0(m({number}){{2}}h0)*)",
                                path.attrib["d"])  # fmt: skip


def test_the_pages_are_light() -> None:
    assert sum(len(gallery_page.pictures(J).encode()) for J in LANDSCAPES.values()) < 700_000


# --- what is said is so -----------------------------------------------------------------


@EVERY_LANDSCAPE
def test_a_caption_tells_how_its_run_ends(J: Function) -> None:
    low, high = np.array(J.box).T
    for name, path in again(J).items():
        end = lines(figures(J)[name])[1]
        if lost(path).any():
            assert re.fullmatch(rf"(diverged|left the domain) at step {lost(path).argmax()}", end)
            continue
        value, _, where = end.partition(", ")
        symbol, number = value.split(" = ")
        assert symbol == ("J" if J.minimum is None else "J - J*")
        last = path.J[-1] - (J.minimum or 0.0)
        first = path.J[0] - (J.minimum or 0.0)
        assert float(number) == pytest.approx(last, rel=0.051, abs=abs(first) * NEGLIGIBLE), name
        inside = np.all((low <= path.last) & (path.last <= high)) or len(J.box) > 2
        assert where == ("" if inside else "outside the picture"), name


@EVERY_LANDSCAPE
def test_a_path_is_drawn_from_its_start_to_its_end(J: Function) -> None:
    if len(J.box) != 2:
        return
    (left, right), (bottom, top) = J.box
    for name, path in again(J).items():
        picture = figures(J)[name].find("svg")
        width, height = map(float, picture.attrib["viewBox"].split()[2:])
        scale = np.array([width / (right - left), -height / (top - bottom)])
        points = (path.w - [left, top]) * scale
        if lost(path).any() or np.abs(points).max() > 1000:
            continue
        drawn, *_, end = (p.attrib["d"] for p in picture.findall("path"))
        steps = np.array(re.findall(r"-?\d+", drawn), dtype=int).reshape(-1, 2).cumsum(axis=0)
        mark = np.array(re.findall(r"-?\d+", end)[:2], dtype=int)
        # Up to a pixel, two units: iterates are rounded to half of one, and lines simplified.
        assert np.abs(steps[[0, -1]] - points[[0, -1]]).max() <= 1, name
        assert np.abs(mark - points[-1]).max() <= 1, name
        assert np.abs(steps.max(axis=0) - points.max(axis=0)).max() <= 2, name


@EVERY_LANDSCAPE
def test_the_table_counts_the_digits(J: Function) -> None:
    row = re.search(rf">{re.escape(J.name)}</a></th>(.*)</tr>", gallery_page.table())
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row[1])
    if J.minimum is None:
        assert cells == ["J* is not known"]
        return
    for name, cell in zip(RULES, cells, strict=True):
        if name not in again(J):
            assert cell == "–"
        elif lost(again(J)[name]).any():
            assert cell == "×"
        else:
            assert int(cell) == pytest.approx(max(0.5, digits(again(J)[name])) - 0.5, abs=0.501)


# --- the choice is the best of equal tries ------------------------------------------------


def tries(kind: type[Rule], J: Function) -> list[Rule]:
    """All tries of a rule, by the words of the page."""
    fields = {field.name for field in dataclasses.fields(kind)}
    side = max(high - low for low, high in J.box)
    w = start(J)
    g = J.grad(w)
    given: dict[str, Any] = {"blocks": J.blocks} if J.blocks and "blocks" in fields else {}
    if "J_star" in fields:
        return [kind(J_star=J.minimum)]
    found = []
    for k in range(TRIES):
        eta = side / math.sqrt(10) ** k
        sizes = {"alpha": eta / math.hypot(*g), "eta": eta, "gamma": eta / math.hypot(*w)}
        sizes |= {"r_eps": eta, "d0": eta, "eps": eta * eta}
        names = fields & {"r_eps", "d0"} or fields & {"alpha", "eta", "gamma"} or {"eps"}
        found.append(kind(**given, **{name: float(f"{sizes[name]:.3g}") for name in names}))
    return found


@pytest.mark.slow
@SOME
def test_the_chosen_try_is_the_best(J: Function) -> None:
    low, high = np.array(J.box).T
    for name, path in again(J).items():
        ends = []
        for rule in tries(RULES[name], J):
            other = ng.descend(J, start(J), rule, STEPS)
            counts = not lost(other).any()
            if J.minimum is None:
                counts = counts and bool(np.all((low <= other.last) & (other.last <= high)))
            ends.append((rule, counts, float(other.J[-1])))
        assert path.rule in [rule for rule, *_ in ends], name
        counted = [value for _, counts, value in ends if counts]
        if counted:
            first = float(path.J[0]) - (J.minimum or 0.0)
            slack = 1e-5 * abs(min(counted) - (J.minimum or 0.0)) + NEGLIGIBLE * abs(first)
            equals = [
                rule for rule, counts, value in ends if counts and value <= min(counted) + slack
            ]
            assert path.rule == equals[0], name  # the largest size comes first


@EVERY_LANDSCAPE
def test_no_start_is_commensurate_with_a_step(J: Function) -> None:
    """Where a minimiser can be reached at all, no whole or half number of steps leads there."""
    for point in J.minimisers:
        away = np.abs(start(J) - np.broadcast_to(point, len(J.box)))
        for rule in tries(ng.ngd, J):
            halves = 2 * away[away < STEPS * rule.eta] / rule.eta
            assert np.all(np.abs(halves - np.round(halves)) > 1e-3), (rule, point)


def test_the_text_tells_the_numbers_of_the_code() -> None:
    text = TEXTS["gallery"]
    assert f"makes {gallery_page.STEPS} steps" in text
    assert f"has {gallery_page.HALF_DECADES} tries" in text
    assert f"0, \\dots, {gallery_page.HALF_DECADES - 1}$" in text
    assert f"{gallery_page.DECADES} stands for {gallery_page.DECADES} or more" in text
    assert (gallery_page.STEPS, gallery_page.HALF_DECADES) == (STEPS, TRIES)
    assert gallery_page.NEGLIGIBLE == 10.0**-gallery_page.DECADES == NEGLIGIBLE


def test_another_process_draws_the_same_bytes() -> None:
    code = "import gallery_page as g; print(g.pictures(g.LANDSCAPES['double_well']), end='')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7",
             "PYTHONIOENCODING": "utf-8"},
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.decode() == gallery_page.pictures(LANDSCAPES["double_well"])


def test_a_run_that_leaves_the_domain_is_lost_even_if_j_is_a_number_there() -> None:
    J = LANDSCAPES["quasi_convex"]
    runs = gallery_page.runs(rules.momentum, J)
    left = [run for run in runs if not J.domain(run.w.T).all()]
    assert left
    for run in left:
        step = int(np.argmin(J.domain(run.w.T)))
        assert np.isfinite(run.values[step])
        assert run.end == f"left the domain at step {step}"
        assert run.score > min(run.score for run in runs)
