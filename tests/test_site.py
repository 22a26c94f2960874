"""The built site as a browser shows it: `make book`, then `make test-site`."""

import functools
import http.server
import importlib.resources
import importlib.util
import itertools
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import yaml
from conftest import require

import course_site
import normgd as ng
from normgd import front

pytestmark = pytest.mark.site

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
# What a page must not show: maths, directives and roles that were not understood.
RAW = re.compile(
    r"\$\$|:::|\\\(|\\\[|\\frac|\\nabla"
    r"|\{(?:prf|cite|numref|ref|eq|exercise|math|figure)\b[^}]*\}"
)


@pytest.fixture(scope="session")
def site() -> Path:
    require((SITE / "index.html").is_file(), "there is no site; run make book")
    return SITE


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Visit:
    """One page in a fresh profile, with everything that it asked for and complained of."""

    def __init__(
        self, browser: Any, url: str, width: int = 1280, scheme: str = "light", **options: Any
    ) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on(
            "requestfailed", lambda request: self.complaints.append(f"failed: {request.url}")
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.heard)
        self.url = url

    def heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def __enter__(self) -> "Visit":
        self.page.goto(self.url, wait_until="load")
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def settle(self) -> Any:
        """The page when the maths stands."""
        self.page.evaluate("window.MathJax?.startup?.promise?.then(() => null)")
        return self.page


def unfold(page: Any) -> None:
    page.eval_on_selector_all("details", "all => all.forEach((e) => (e.open = true))")
    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")


def address(page: str, way: str, served: str) -> str:
    return f"{served}/{page}.html" if way == "http" else (SITE / f"{page}.html").as_uri()


def test_the_front_door_leads_to_the_first_page(browser: Any) -> None:
    with Visit(browser, (SITE / "index.html").as_uri()) as visit:
        visit.page.wait_for_url(f"**/{TOC['root']}.html")


def wants(visit: Visit, home: str) -> list[str]:
    """What a visit asked for from elsewhere, and what it complained of."""
    mine = (home, "data:", "blob:")
    return [url for url in visit.requests if not url.startswith(mine)] + visit.complaints


@pytest.mark.parametrize("page", [*PAGES, "search"])
def test_a_file_needs_nothing_from_elsewhere_and_complains_of_nothing(
    browser: Any, page: str
) -> None:
    with Visit(browser, address(page, "file", "")) as visit:
        visit.settle().wait_for_load_state("networkidle")
        assert wants(visit, SITE.as_uri()) == []


# A large page takes seconds to open: in each setting it is opened once for all who look at it.
SETTINGS = list(itertools.product(PAGES, (1280, 390), ("light", "dark")))
WIDE = [
    (page, width, scheme) for page, width, scheme in SETTINGS if (width, scheme) == (1280, "light")
]
NARROW = [
    (page, width, scheme) for page, width, scheme in SETTINGS if (width, scheme) == (390, "light")
]


def opened_as(settings: list[tuple[str, int, str]]) -> pytest.MarkDecorator:
    ids = ["-".join(map(str, setting)) for setting in settings]
    return pytest.mark.parametrize("opened", settings, ids=ids, indirect=True)


@pytest.fixture(scope="module")
def opened(browser: Any, served: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A page that has come to rest, with all that it folds unfolded."""
    page, width, scheme = request.param
    with Visit(browser, address(page, "http", served), width, scheme) as visit:
        visit.settle().wait_for_load_state("networkidle")
        unfold(visit.page)
        yield visit


@opened_as(WIDE)
def test_a_page_needs_nothing_from_elsewhere_and_complains_of_nothing(
    opened: Visit, served: str
) -> None:
    assert wants(opened, served) == []


@opened_as(WIDE)
def test_maths_and_markup_are_rendered(opened: Visit) -> None:
    shown = opened.page
    formulas = shown.locator("article .math").count()
    assert shown.locator("article .math mjx-container").count() >= formulas
    assert shown.locator("mjx-merror, [data-mjx-error]").count() == 0
    text = shown.evaluate(
        """() => {
            const article = document.querySelector("article").cloneNode(true);
            const not_text = article.querySelectorAll("pre, code, script, mjx-container");
            not_text.forEach((e) => e.remove());
            return article.textContent;
        }"""
    )
    assert RAW.findall(text) == []


@opened_as(WIDE)
def test_each_picture_says_what_it_shows(opened: Visit) -> None:
    alts = opened.page.eval_on_selector_all("article img", "all => all.map((e) => e.alt)")
    assert [
        alt
        for alt in alts
        if not alt.strip() or "_images/" in alt or alt.endswith((".png", ".svg"))
    ] == []


@functools.cache
def anchors(path: Path) -> set[str]:
    return set(re.findall(r'\sid="([^"]+)"', path.read_text(encoding="utf-8")))


@opened_as(WIDE)
def test_links_within_the_book_arrive(opened: Visit, served: str) -> None:
    links = opened.page.eval_on_selector_all("a[href]", "all => all.map((e) => e.href)")
    lost = []
    for link in {link for link in links if link.startswith(served)}:
        parts = urlsplit(link)
        target = SITE / unquote(parts.path).lstrip("/")
        fragment = unquote(parts.fragment)
        anchored = not fragment or fragment.startswith("explore&") or fragment in anchors(target)
        if not (target.is_file() and anchored):
            lost.append(link)
    assert lost == []


def test_a_lecturers_link_sets_the_playground(browser: Any, served: str) -> None:
    with Visit(browser, f"{served}/book/for_lecturers.html") as visit:
        links = visit.page.eval_on_selector_all(
            "a[href*='#explore&']", "all => all.map((e) => e.href)"
        )
    assert len(links) == 3
    for link in links:
        with Visit(browser, link) as visit:
            explorer = visit.settle().locator(RACE).first
            # What it read, it writes again as soon as anything is changed.
            explorer.get_by_role("slider", name="steps").press("ArrowRight")
            visit.page.wait_for_url("**1.steps=61*")
            given, kept = (urlsplit(url).fragment for url in (link, visit.page.url))
            assert {*given.split("&")} < {*unquote(kept).split("&")}


@opened_as(NARROW)
def test_a_phone_scrolls_only_down(opened: Visit) -> None:
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


def violations(page: Any) -> list[tuple[str, str]]:
    """What axe complains of; that it lists nothing else saves it most of its time.

    Without a preload: a page that is a file may not read its own style sheet.
    """
    axe = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js")
    page.evaluate(axe.read_text("utf-8"))
    run = "axe.run(document, {preload: false, resultTypes: ['violations']})"
    found = page.evaluate(run)["violations"]
    return [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]]


@opened_as(SETTINGS)
def test_axe_finds_no_violation(opened: Visit) -> None:
    assert violations(opened.page) == []


# --- explorers --------------------------------------------------------------------------


RACE = ".normgd-explorer:is([data-normgd=plane], [data-normgd=line])"


def kinds(page: str) -> list[str]:
    """The kinds of a page's explorers."""
    path = SITE / f"{page}.html"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return re.findall(r'class="normgd-explorer" data-normgd="(\w+)"', text)


EXPLORED = [page for page in PAGES if kinds(page)]
RACED = [page for page in PAGES if {"plane", "line"} & {*kinds(page)}]
# Opened as files, as a reader may; the first of them from a server as well.
WAYS = [*((page, "file") for page in RACED), (TOC["root"], "http")]


def test_each_explorer_has_its_chapter(site: Path) -> None:
    assert TOC["root"] in RACED
    shown = {kind for page in PAGES for kind in kinds(page)}
    assert shown == {"plane", "line", *front.PANELS}


@pytest.mark.parametrize("page", EXPLORED)
def test_every_explorer_comes_to_life(browser: Any, served: str, page: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        shown = visit.settle()
        shown.wait_for_timeout(100)
        assert shown.locator(".normgd-explorer > .normgd-live").count() == len(kinds(page))
        assert visit.complaints == []


def races(shown: Any) -> list[tuple[int, Any]]:
    """The races of a page, each with its number among the explorers."""
    every = enumerate(shown.locator(".normgd-explorer").all(), 1)
    return [(i, e) for i, e in every if e.get_attribute("data-normgd") in ("plane", "line")]


def state(explorer: Any) -> tuple[str, list[str], str]:
    """Where the start is, the drawn paths, and what is said of them, once the frame is drawn."""
    explorer.evaluate(
        "() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 50))"
    )
    return (
        explorer.locator(".normgd-start").first.get_attribute("data-w"),
        explorer.locator("path.normgd-path[data-rule]").evaluate_all(
            "all => all.map((e) => e.getAttribute('d'))"
        ),
        explorer.locator("output.normgd-summary").first.inner_text(),
    )


def assert_all_changed(explorer: Any, before: tuple[str, list[str], str]) -> None:
    # What is said waits until the hand rests.
    from playwright.sync_api import expect

    expect(explorer.locator("output.normgd-summary").first).not_to_have_text(
        before[2], timeout=3000
    )
    after = state(explorer)
    assert before[0] != after[0]
    assert before[1]
    assert all(old != new for old, new in zip(before[1], after[1], strict=True))


@pytest.mark.parametrize(("page", "way"), WAYS)
def test_the_start_can_be_dragged(browser: Any, served: str, page: str, way: str) -> None:
    with Visit(browser, address(page, way, served)) as visit:
        visit.settle()
        for _, explorer in races(visit.page):
            handle = explorer.locator(".normgd-start").first
            handle.scroll_into_view_if_needed()
            before, box, mouse = state(explorer), handle.bounding_box(), visit.page.mouse
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            mouse.move(x, y)
            mouse.down()
            mouse.move(x + 21, y + 13, steps=4)
            mouse.up()
            assert_all_changed(explorer, before)
        assert visit.complaints == []


@pytest.mark.parametrize("page", RACED)
def test_the_start_follows_the_arrow_keys(browser: Any, served: str, page: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        visit.settle()
        for _, explorer in races(visit.page):
            handle = explorer.locator(".normgd-start").first
            assert handle.get_attribute("tabindex") == "0"
            before = state(explorer)
            handle.press("ArrowRight")
            handle.press("ArrowUp")
            assert_all_changed(explorer, before)
            for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
                before = state(explorer)
                handle.press(key)
                assert before[0] != state(explorer)[0], key


def wait_for(page: Any, condition: str) -> None:
    page.wait_for_function(condition, timeout=3000)


def told(page: Any) -> list[tuple[str, list[str], str]]:
    """Where the start of each explorer is, its paths, and all settings and results shown."""
    explorers = [explorer for _, explorer in races(page)]
    page.wait_for_timeout(500)  # what is said to those who listen is said when all is at rest
    drawn = "all => all.map((e) => e.getAttribute('d'))"
    return [
        (
            state(e)[0],
            e.locator("path.normgd-path[data-rule]:visible").evaluate_all(drawn),
            e.locator(".normgd-body").inner_text(),
        )
        for e in explorers
    ]


@pytest.mark.parametrize(("page", "way"), WAYS)
def test_settings_are_kept_in_the_address(browser: Any, served: str, page: str, way: str) -> None:
    with Visit(browser, address(page, way, served) + "#references") as visit:
        shown = visit.settle()
        shown.wait_for_timeout(500)
        assert shown.url.endswith("#references")  # loading a page writes nothing
        before = told(shown)
        for _, explorer in races(shown):
            explorer.locator(".normgd-start").press("ArrowLeft")
            if slides := explorer.locator("fieldset input[type=range]").all():
                slides[0].press("ArrowRight")
            explorer.get_by_label("steps").press("ArrowLeft")
            explorer.get_by_label("t, step that is shown").press("ArrowLeft")
            explorer.get_by_role("button", name="Zoom in").press("Enter")
            if explorer.get_attribute("data-normgd") == "line":
                explorer.get_by_role("button", name="Cobweb").press("Enter")
            explorer.locator("input[type=checkbox]").last.uncheck()
        last = races(shown)[-1][0]
        wait_for(shown, f"location.hash.includes('&{last}.hide=')")
        shown.wait_for_timeout(500)
        after = told(shown)
        assert all(old[0] != new[0] for old, new in zip(before, after, strict=True))
        link = shown.url
        assert visit.complaints == []
    with Visit(browser, link) as visit:
        shown = visit.settle()
        shown.wait_for_timeout(500)
        assert told(shown) == after
        assert shown.url == link
        # Another link to the same page; and back to what it shows at first.
        number, explorer = races(shown)[0]
        shown.evaluate(f"location.hash = 'explore&{number}.steps=3'")
        wait_for(shown, "document.querySelector('.normgd-readout').innerText.includes('After 3')")
        explorer.get_by_role("button", name="Reset").click()
        wait_for(shown, "location.hash === ''")
        assert told(shown) == before
        assert visit.complaints == []


@pytest.mark.parametrize(
    "fragment",
    [
        "explore&", "explore&&=&1&1.=&.start=", "explore&1.steps=NaN&1.start=,,,",
        "explore&1.start=1e999,<script>alert(1)</script>&1.__proto__.x=1",
        "explore&1.steps=" + "9" * 50_000,
    ],
)  # fmt: skip
def test_a_fragment_without_a_setting_changes_nothing(
    browser: Any, served: str, fragment: str
) -> None:
    with Visit(browser, address(EXPLORED[0], "file", served)) as visit:
        before = [state(e)[:2] for e in visit.settle().locator(".normgd-explorer").all()]
    with Visit(browser, address(EXPLORED[0], "file", served) + f"#{fragment}") as visit:
        after = [state(e)[:2] for e in visit.settle().locator(".normgd-explorer").all()]
        assert visit.complaints == []
    assert after == before


# A call that names nothing but the library.
OURS = re.compile(r"(?:ng\.[\w.]+\(|ng\.[\w.]+|\w+=|[-\d.e(),\[\] ]|True|False|None)*")


@pytest.mark.parametrize("way", ["clipboard", "box"])
@pytest.mark.parametrize("page", RACED)
def test_the_copied_code_computes_what_is_shown(
    browser: Any, served: str, page: str, way: str
) -> None:
    granted = ["clipboard-read", "clipboard-write"] if way == "clipboard" else []
    with Visit(browser, address(page, "http", served), permissions=granted) as visit:
        shown = visit.settle()
        if way == "box":
            shown.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        for _, explorer in races(shown):
            explorer.locator(".normgd-start").press("ArrowLeft")
            if slides := explorer.locator("fieldset input[type=range]").all():
                slides[0].press("ArrowRight")
            explorer.get_by_role("button", name="Copy as Python").click()
            if way == "clipboard":
                explorer.get_by_role("button", name="Copied").wait_for()
                code = shown.evaluate("navigator.clipboard.readText()")
            else:
                explorer.get_by_label("Python code").wait_for()
                code = shown.evaluate("getSelection().toString()")
            ends = explorer.locator(".normgd-paths > [data-w]").evaluate_all(
                "all => all.map((e) => e.dataset.w)"
            )
            first, *calls = code.splitlines()
            assert first == "import normgd as ng"
            for call, end in zip(calls, ends, strict=True):
                if not OURS.fullmatch(call):  # a rule or a landscape that the chapter has written
                    continue
                path = eval(call, {"ng": ng})
                # To the last bit but for exp and its like, which browsers round in their own way.
                shown_end = [float(x) for x in end.split(",")]
                np.testing.assert_allclose(path.last, shown_end, rtol=1e-9, err_msg=call)
        assert visit.complaints == []


@pytest.mark.parametrize("page", RACED)
def test_the_steps_can_be_seen_one_by_one(browser: Any, served: str, page: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        visit.settle()
        for _, explorer in races(visit.page):
            whole = state(explorer)
            explorer.get_by_label("t, step that is shown").fill("0")
            assert state(explorer)[0] == whole[0]
            starts = explorer.locator("path.normgd-path[data-rule]").evaluate_all(
                "all => all.map((e) => e.getTotalLength())"
            )
            assert starts == [0] * len(starts)
            caption = explorer.locator("caption")
            assert caption.inner_text().startswith("After 0 steps")
            for name, step in (("one step on", 1), ("one step on", 2), ("one step back", 1)):
                explorer.get_by_role("button", name=name).press("Enter")
                wait = f"{step} step"
                caption.filter(has_text=wait).wait_for()
            explorer.get_by_role("button", name="Play").press("Enter")
            visit.page.wait_for_function(
                "(e) => parseInt(e.textContent.match(/\\d+/)[0]) > 3", arg=caption.element_handle()
            )
            explorer.get_by_role("button", name="Pause").press("Enter")
            explorer.get_by_role("button", name="Play").wait_for()  # drawn with the last step
            paused = caption.inner_text()
            visit.page.wait_for_timeout(400)
            assert caption.inner_text() == paused
            explorer.get_by_role("button", name="Play").press("Enter")
            explorer.get_by_role("button", name="Pause").wait_for()  # it says so a frame later
            explorer.get_by_role("button", name="Play").wait_for(timeout=15_000)
            assert state(explorer)[:2] == whole[:2]
        assert visit.complaints == []


def test_less_motion_leaves_the_stepping(browser: Any, served: str) -> None:
    url = address(EXPLORED[0], "file", served)
    with Visit(browser, url, reduced_motion="reduce") as visit:
        time = visit.settle().locator(".normgd-time").first
        assert time.get_by_role("button").all_inner_texts() == ["−1", "+1"]


# --- a page of explorers alone, for what no chapter shows


def braking(g: Any) -> Any:
    return 0.1 * ng.unit(g) if abs(g[0]) > 1 else 0.1 * g


BOWL, WELL = ng.functions.quadratic([1, 10]), ng.functions.double_well
PLANE, LINE, MIXED, STILL = range(4)
BENCH = [
    ng.explore(ng.functions.rosenbrock, ng.gd(0.001), ng.ngd(0.05), ng.adam(0.05)),
    ng.explore(WELL, ng.gd(0.02), ng.ngd(0.3), start=-1.4),
    ng.explore(BOWL, ng.line_search(), ng.gd(0.05), braking, start=(-2.5, 1), steps=40),
    ng.explore(BOWL, ng.line_search(), steps=40),
]
THEME = "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bench")
    shim = (ROOT / "book" / "_ext" / "explore_page.js").read_text(encoding="utf-8")
    script = course_site.bundle(front.script(), shim)
    (folder / "explore.js").write_text(script, encoding="utf-8")
    (folder / "explore.css").write_text(front.style(), encoding="utf-8")
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explorers</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<script>document.documentElement.dataset.theme = {THEME}</script>"
        "<style>:root { color-scheme: light dark; font-family: sans-serif }</style>"
        '<link rel="stylesheet" href="explore.css"><script defer src="explore.js"></script></head>'
        f"<body><main><h1>Explorers</h1>{''.join(e._html() for e in BENCH)}</main></body></html>",
        encoding="utf-8",
    )
    return (folder / "index.html").as_uri()


def nth(visit: Visit, i: int) -> Any:
    return visit.page.locator(".normgd-explorer").nth(i)


AXES = """(figure) => {
  const shown = [...figure.querySelectorAll("text")].filter((e) => e.getClientRects().length);
  const { x, y } = figure.querySelector("svg");
  return shown.map((e) => [
    e.textContent.trim(), e.getAttribute("text-anchor"),
    e.getAttribute("x") - x.baseVal.value, e.getAttribute("y") - y.baseVal.value,
  ]);
}"""


class Axes:
    """What the axes of a picture say: which numbers are where."""

    def __init__(self, explorer: Any) -> None:
        labels = explorer.locator(".normgd-figure").evaluate(AXES)
        number = re.compile(r"−?[\d.]+(e−?\d+)?")
        ticks = [(text, *rest) for text, *rest in labels if number.fullmatch(text)]
        self.names = [text for text, *_ in labels if not number.fullmatch(text)]
        self.across = self.fit([(x, text) for text, anchor, x, _ in ticks if anchor == "middle"])
        self.up = self.fit([(y - 4.5, text) for text, anchor, _, y in ticks if anchor == "end"])

    @staticmethod
    def fit(ticks: list[tuple[float, str]]) -> Any:
        """The line through the ticks: an axis that is told wrong has none."""
        places, texts = zip(*ticks, strict=True)
        numbers = [float(text.replace("−", "-")) for text in texts]
        line = np.polynomial.Polynomial.fit(places, numbers, 1)
        assert len(ticks) >= 2
        assert max(map(len, texts)) <= 6  # or it would not fit beside the picture
        assert np.ptp(numbers) > 0
        assert np.allclose(line(np.array(places)), numbers, atol=np.ptp(numbers) / 500)
        return line

    def base(self, axis: str) -> float:
        """What the numbers of an axis leave out: of "w₁ − 0.25" it is 0.25."""
        (name,) = (name for name in self.names if name.startswith(axis))
        sign, _, number = name.removeprefix(axis).strip().partition(" ")
        return float(number) * (1 if sign == "−" else -1) if number else 0.0


def places(data: str) -> list[list[tuple[float, float]]]:
    """The points of each piece of an SVG path of straight lines, absolute."""
    pieces = [re.findall(r"-?[\d.]+", piece) for piece in data.split("M")[1:]]
    numbers = [[float(x) for x in piece] for piece in pieces]
    return [list(zip(piece[::2], piece[1::2], strict=True)) for piece in numbers]


ON_PAGE = """(figure, [x, y]) => {
  const frame = figure.querySelector("svg");
  const at = new DOMPoint(frame.x.baseVal.value + x, frame.y.baseVal.value + y);
  const { x: left, y: top } = at.matrixTransform(figure.getScreenCTM());
  return [left, top];
}"""


def on_page(explorer: Any, x: float, y: float) -> list[float]:
    """Where a place in a picture, in its pixels, is on the page."""
    return explorer.locator(".normgd-figure").evaluate(ON_PAGE, [x, y])


def press(explorer: Any, name: str, times: int = 1) -> None:
    for _ in range(times):
        explorer.get_by_role("button", name=name).press("Enter")
        state(explorer)


@pytest.mark.parametrize("times", [2, 12])
def test_a_zoomed_plane_shows_the_end_of_the_first_path_and_true_contours(
    browser: Any, bench: str, times: int
) -> None:
    with Visit(browser, bench) as visit:
        explorer = nth(visit, PLANE)
        before = state(explorer)
        press(explorer, "Zoom in", times)
        after, axes = state(explorer), Axes(explorer)
        assert after[0] == before[0]
        base = np.array([axes.base("w₁"), axes.base("w₂")])
        end = explorer.locator(".normgd-paths > [data-w]").first
        w = [float(x) for x in end.get_attribute("data-w").split(",")]
        x, y = re.findall(r"-?[\d.]+", end.locator(".normgd-mark").get_attribute("transform"))
        width = 4 / 2**times  # of the window; the box is 4 wide
        found = base + np.array([axes.across(float(x)), axes.up(float(y))])
        assert found == pytest.approx(w, abs=width / 300)
        assert [float(x), float(y)] == pytest.approx([192, 192], abs=1)

        drawn = [float(x) for data in after[1] for x in re.findall(r"-?[\d.]+", data)]
        assert np.abs(drawn).max() < 20_000  # dashes out to there would take a browser for ever

        contours = explorer.locator(".normgd-contours path")
        (data,) = (path.get_attribute("d") for path in contours.all() if path.is_visible())
        pieces = np.array(places(data)) / 4  # they are in quarters of a pixel
        assert len(pieces) > 300
        points = base[:, None, None] + [axes.across(pieces[..., 0]), axes.up(pieces[..., 1])]
        J = np.log(ng.functions.rosenbrock(points.reshape(2, -1)))
        # 15 levels, each a geometric step from the next: the values fall into as many heaps.
        levels = np.sort(J)
        gaps = np.diff(levels)
        heaps = np.split(levels, np.flatnonzero(gaps > 0.3 * np.ptp(levels) / 14) + 1)
        assert len(heaps) == 15
        assert visit.complaints == []


def test_zooming_out_and_reset_give_the_whole_again(browser: Any, bench: str) -> None:
    with Visit(browser, bench) as visit:
        for i in (PLANE, LINE):
            explorer = nth(visit, i)
            whole, axes = state(explorer), explorer.locator(".normgd-figure").evaluate(AXES)
            for back in ((("Zoom out", 3),), (("Reset", 1),), (("Zoom out", 9),)):
                press(explorer, "Zoom in", 3)
                assert state(explorer)[1] != whole[1]
                for name, times in back:
                    press(explorer, name, times)
                assert state(explorer)[1] == whole[1]
                assert explorer.locator(".normgd-figure").evaluate(AXES) == axes
        visit.page.wait_for_timeout(500)
        assert "zoom" not in visit.page.url


@pytest.mark.parametrize("link", ["2.zoom=16,-1.2", "2.zoom=400,0.5", "2.zoom=1.5,-1.4"])
def test_a_zoomed_line_shows_its_curve(browser: Any, bench: str, link: str) -> None:
    with Visit(browser, f"{bench}#explore&{link}") as visit:
        explorer = nth(visit, LINE)
        axes = Axes(explorer)
        curve = explorer.locator(".normgd-contours path").locator("visible=true")
        (points,) = places(curve.get_attribute("d").replace("L", " "))
        x, y = np.array(points).T / 4
        w, J = axes.base("w") + axes.across(x), axes.base("J(w)") + axes.up(y)
        factor, centre = map(float, link.removeprefix("2.zoom=").split(","))
        low, high = WELL.box[0]
        half = (high - low) / 2 / factor
        centre = min(max(centre, low + half), high - half)  # nothing beyond the box is seen
        assert [w[0], w[-1]] == pytest.approx([centre - half, centre + half], abs=half / 200)
        assert np.abs(J - WELL(w[None])).max() < np.ptp(J) / 100
        assert visit.complaints == []


def test_the_wheel_zooms_only_with_control_and_about_the_pointer(browser: Any, bench: str) -> None:
    with Visit(browser, bench) as visit:
        explorer, page = nth(visit, PLANE), visit.page
        page.mouse.move(*on_page(explorer, 288, 96))
        before = state(explorer)
        page.keyboard.down("Control")
        for _ in range(2):
            page.mouse.wheel(0, -100)
            state(explorer)
        page.keyboard.up("Control")
        axes = Axes(explorer)
        assert [axes.across(288), axes.up(96)] == pytest.approx([1, 2], abs=0.01)
        assert axes.across(384) - axes.across(0) == pytest.approx(1, abs=0.01)
        assert page.evaluate("scrollY") == 0
        seen = state(explorer)
        assert seen[1] != before[1]
        page.mouse.wheel(0, 100)
        page.wait_for_function("scrollY > 0")
        assert state(explorer)[1] == seen[1]


def test_a_start_beyond_the_edge_can_be_fetched_back(browser: Any, bench: str) -> None:
    with Visit(browser, f"{bench}#explore&1.zoom=16,1,1") as visit:
        explorer = nth(visit, PLANE)
        handle = explorer.locator(".normgd-start")
        assert "normgd-beyond" in handle.get_attribute("class")
        assert handle.get_attribute("data-w") == "-1.5,2"
        handle.press("ArrowRight")
        assert float(state(explorer)[0].split(",")[0]) == pytest.approx(-1.5 + 0.25 / 100)
        visit.page.mouse.click(*on_page(explorer, 192, 192))
        state(explorer)
        assert "normgd-beyond" not in handle.get_attribute("class")
        x, y = map(float, handle.get_attribute("data-w").split(","))
        assert [x, y] == pytest.approx([1, 1], abs=0.01)


def test_the_step_of_a_link_is_seen_and_written(browser: Any, bench: str) -> None:
    with Visit(browser, f"{bench}#explore&1.t=17&1.gd.alpha=0.1") as visit:  # and gd diverges
        explorer = nth(visit, PLANE)
        caption = explorer.locator("caption")
        assert caption.inner_text().startswith("After 17 steps")
        explorer.get_by_role("button", name="one step on").press("Enter")
        visit.page.wait_for_function("location.hash.includes('1.t=18')")
        press(explorer, "Reset")
        assert caption.inner_text().startswith("After 100 steps")
        visit.page.wait_for_function("location.hash === ''")
        assert visit.complaints == []


def test_a_rule_that_python_computes_is_a_still_that_says_so(browser: Any, bench: str) -> None:
    with Visit(browser, bench) as visit:
        explorer, still = nth(visit, MIXED), nth(visit, STILL)
        why = explorer.locator(".normgd-why").all_inner_texts()
        assert [text.partition(":")[0] for text in why] == ["line_search", "braking"]
        assert all("a still. It moves in a live notebook only" in text for text in why)
        assert explorer.locator("fieldset input[type=range]").count() == 1  # that of gd
        row = explorer.locator("tbody tr").first
        assert row.locator("td").last.inner_text() == "landed"
        before = state(explorer)
        explorer.get_by_label("steps").press("ArrowLeft")  # it has fewer steps, not more
        assert row.locator("td").last.inner_text() == "landed"
        explorer.locator(".normgd-start").press("ArrowRight")
        after = state(explorer)
        assert [old != new for old, new in zip(before[1], after[1], strict=True)][1]
        assert [row.locator("td").nth(k).inner_text() for k in (0, 3)] == ["–", "a still"]
        press(explorer, "Reset")
        assert state(explorer)[1] == before[1]
        # Where nothing can move there is nothing to be moved.
        assert still.locator("input, button, [tabindex]").count() == 0
        assert still.locator(".normgd-why").is_visible()
        picture = still.locator(".normgd-body").bounding_box()
        assert picture["height"] < 800  # no room is kept for what will not come
        assert visit.complaints == []


def test_formulas_are_folded_and_read_as_mathematics(browser: Any, bench: str) -> None:
    with Visit(browser, bench) as visit:
        formulas = nth(visit, PLANE).locator("details", has_text="Formulas")
        assert not formulas.locator("math").first.is_visible()
        formulas.locator("summary").press("Enter")
        formulas.locator("math").first.wait_for()
        assert formulas.locator("dt").all_inner_texts() == ["gd", "ngd", "adam"]
        assert formulas.locator("dd").nth(0).text_content() == "wt+1=wt−αgt"
        assert nth(visit, MIXED).locator("dt").all_text_contents() == ["gd"]


@pytest.mark.parametrize("page", RACED)
def test_mathjax_sets_the_formulas(browser: Any, served: str, page: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        visit.settle()
        for formulas in visit.page.locator(".normgd-formulas").all():
            formulas.locator("summary").press("Enter")
            formulas.locator("mjx-container:visible").first.wait_for()
            lines = formulas.locator("dd > *").count()
            assert formulas.locator("dd > mjx-container").count() == lines
            assert formulas.locator("mjx-merror").count() == 0
        assert visit.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_whatever_is_shown(
    browser: Any, bench: str, scheme: str, width: int
) -> None:
    link = "1.zoom=900,1,1&1.t=9&2.zoom=5,-1&2.cobweb=1&3.start=1,1&3.steps=200"
    with Visit(browser, f"{bench}#explore&{link}", width, scheme) as visit:
        shown = visit.page
        unfold(shown)
        shown.wait_for_timeout(100)
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(shown) == []


TIMED = """() => {
  const frames = window.frames_ = [], request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) => request((time) => {
    const begin = performance.now();
    draw(time);
    frames.push(performance.now() - begin);
  });
}"""


def test_a_drag_tells_how_long_a_redraw_takes(browser: Any, bench: str, capsys: Any) -> None:
    with Visit(browser, f"{bench}#explore&1.steps=300") as visit:
        page, explorer = visit.page, nth(visit, PLANE)
        assert explorer.locator("caption").inner_text().startswith("After 300 steps")
        handle = explorer.locator(".normgd-start").bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        page.evaluate(TIMED)
        page.mouse.move(x, y)
        page.mouse.down()
        for k in range(60):
            page.mouse.move(x + 2 * k, y + k)
            page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
        page.mouse.up()
        frames = page.evaluate("frames_.filter((ms) => ms > 0.2)")
        assert len(frames) >= 30  # the others were of the test's own
        median, slowest = np.median(frames), max(frames)
    with capsys.disabled():  # to where it is seen from pytest-xdist's workers, too
        print(
            f"\na redraw while dragging, 3 rules × 300 steps: median {median:.1f} ms, "
            f"slowest {slowest:.1f} ms of script",
            file=sys.stderr,
        )


# --- the line ---------------------------------------------------------------------------


def test_a_line_has_one_coordinate_and_tells_its_cycle(browser: Any, served: str) -> None:
    page = "book/04_the_students_rule"
    with Visit(browser, address(page, "file", served) + "#explore&2.start=7.3") as visit:
        explorer = visit.settle().locator(".normgd-explorer[data-normgd=line]")
        assert "−0.700 ⇄ 1.30" in explorer.locator(".normgd-readout").inner_text()
        marks = explorer.locator(".normgd-paths > :not(.normgd-later) > .normgd-cycle")
        assert [
            bool(d) for d in marks.evaluate_all("all => all.map((e) => e.getAttribute('d'))")
        ] == [
            True,
            False,
        ]
        handle = explorer.locator(".normgd-start")
        assert handle.get_attribute("aria-valuetext") == "w = 7.3"


def test_a_cobweb_goes_between_the_map_and_the_diagonal(browser: Any, served: str) -> None:
    page = "book/04_the_students_rule"
    with Visit(browser, address(page, "file", served)) as visit:
        explorer = visit.settle().locator(".normgd-explorer[data-normgd=line]")
        before = state(explorer)
        button = explorer.get_by_role("button", name="Cobweb")
        button.press("Enter")
        after = state(explorer)
        assert after[0] == before[0]
        numbers = [float(x) for x in re.findall(r"-?[\d.]+", after[1][0])]
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))
        width, height = explorer.locator(".normgd-figure > svg").evaluate(
            "(e) => [e.width.baseVal.value, e.height.baseVal.value]"
        )
        for (x0, y0), (x1, y1), (x2, y2) in zip(
            corners[::2], corners[1::2], corners[2::2], strict=False
        ):
            assert (x0, y1) == (x1, y2)  # up or down, and across
            for x, y in ((x0, y0), (x2, y2)):
                assert x / width == pytest.approx(1 - y / height, abs=2e-3)
        assert explorer.locator(".normgd-map").first.get_attribute("d").startswith("M0 ")
        explorer.locator(".normgd-start").press("ArrowLeft")
        assert_all_changed(explorer, after)
        explorer.locator(".normgd-start").press("ArrowRight")
        button.press("Enter")
        assert state(explorer)[1] == before[1]
        assert visit.complaints == []


@pytest.mark.parametrize("page", EXPLORED)
def test_without_scripts_the_picture_stays(browser: Any, served: str, page: str) -> None:
    with Visit(browser, address(page, "file", served), java_script_enabled=False) as visit:
        assert visit.page.locator(".normgd-explorer").first.locator("svg, img").first.is_visible()


@pytest.mark.parametrize("page", EXPLORED)
def test_an_explorer_that_fails_leaves_its_picture(browser: Any, served: str, page: str) -> None:
    shim = (ROOT / "book" / "_ext" / "explore_page.js").read_text(encoding="utf-8")
    failing = 'function render() { throw new Error("on purpose"); }\nexport default { render };\n'
    script = course_site.bundle(failing, shim)
    visit = Visit(browser, address(page, "http", served))
    visit.page.route(
        "**/explore.js*", lambda route: route.fulfill(body=script, content_type="text/javascript")
    )
    with visit:
        visit.settle()
        assert visit.page.locator(".normgd-explorer").first.locator("svg, img").first.is_visible()
        assert any("on purpose" in text or "could not start" in text for text in visit.complaints)


# --- the library ------------------------------------------------------------------------


def test_the_search_finds_a_rule(browser: Any, served: str) -> None:
    with Visit(browser, f"{served}/search.html?q=adam") as visit:
        first = visit.page.locator("#search-results li a").first
        first.wait_for()
        assert first.get_attribute("href").endswith("book/library_rules.html#normgd.adam")


def test_an_entry_is_shown_as_it_is_typed(browser: Any, served: str) -> None:
    with Visit(browser, address("book/library_rules", "file", served)) as visit:
        shown = visit.settle().locator('dt[id="normgd.adam"]').inner_text()
    assert shown.startswith("ng.adam(eta=0.001, beta1=0.9, beta2=0.999, eps=1e-08")
