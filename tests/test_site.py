"""The built site as a browser shows it: `make book`, then `make test-site`."""

import functools
import http.server
import importlib.resources
import importlib.util
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pytest
import yaml
from conftest import require

import course_site
import normgd as ng

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


@pytest.mark.parametrize("way", ["file", "http"])
@pytest.mark.parametrize("page", [*PAGES, "search"])
def test_a_page_needs_nothing_from_elsewhere_and_complains_of_nothing(
    browser: Any, served: str, page: str, way: str
) -> None:
    with Visit(browser, address(page, way, served)) as visit:
        visit.settle().wait_for_load_state("networkidle")
        home = served if way == "http" else SITE.as_uri()
        assert [url for url in visit.requests if not url.startswith((home, "data:", "blob:"))] == []
        assert visit.complaints == []


@pytest.mark.parametrize("page", PAGES)
def test_maths_and_markup_are_rendered(browser: Any, page: str, served: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        shown = visit.settle()
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


@pytest.mark.parametrize("page", PAGES)
def test_each_picture_says_what_it_shows(browser: Any, page: str, served: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        alts = visit.page.eval_on_selector_all("article img", "all => all.map((e) => e.alt)")
        assert [
            alt
            for alt in alts
            if not alt.strip() or "_images/" in alt or alt.endswith((".png", ".svg"))
        ] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_scrolls_only_down(browser: Any, page: str, served: str) -> None:
    with Visit(browser, address(page, "file", served), width=390) as visit:
        shown = visit.settle()
        unfold(shown)
        assert shown.evaluate("document.documentElement.scrollWidth") <= 390


@functools.cache
def anchors(path: Path) -> set[str]:
    return set(re.findall(r'\sid="([^"]+)"', path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_book_arrive(browser: Any, page: str, served: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        links = visit.page.eval_on_selector_all("a[href]", "all => all.map((e) => e.href)")
    lost = []
    for link in set(links):
        parts = urlsplit(link)
        if parts.scheme == "file":
            target = Path(url2pathname(parts.path))
            fragment = unquote(parts.fragment)
            if not target.is_file() or (fragment and fragment not in anchors(target)):
                lost.append(link)
    assert lost == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_no_violation(
    browser: Any, served: str, page: str, scheme: str, width: int
) -> None:
    axe = (
        importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    )
    with Visit(browser, address(page, "http", served), width, scheme) as visit:
        shown = visit.settle()
        unfold(shown)
        shown.evaluate(axe)
        found = shown.evaluate("axe.run()")["violations"]
    assert [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]] == []


# --- explorers --------------------------------------------------------------------------


def explorers(page: str) -> int:
    path = SITE / f"{page}.html"
    return path.read_text(encoding="utf-8").count('class="normgd-explorer"') if path.exists() else 0


EXPLORED = [page for page in PAGES if explorers(page)]


def test_there_is_an_explorer(site: Path) -> None:
    assert TOC["root"] in EXPLORED


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


@pytest.mark.parametrize("way", ["file", "http"])
@pytest.mark.parametrize("page", EXPLORED)
def test_the_start_can_be_dragged(browser: Any, served: str, page: str, way: str) -> None:
    with Visit(browser, address(page, way, served)) as visit:
        visit.settle()
        for explorer in visit.page.locator(".normgd-explorer").all():
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


@pytest.mark.parametrize("page", EXPLORED)
def test_the_start_follows_the_arrow_keys(browser: Any, served: str, page: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        visit.settle()
        for explorer in visit.page.locator(".normgd-explorer").all():
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


def told(page: Any) -> list[tuple[str, str]]:
    """Where the start of each explorer is, and all settings and results that it shows."""
    explorers = page.locator(".normgd-explorer").all()
    page.wait_for_timeout(500)  # what is said to those who listen is said when all is at rest
    return [(state(e)[0], e.locator(".normgd-body").inner_text()) for e in explorers]


@pytest.mark.parametrize("way", ["file", "http"])
@pytest.mark.parametrize("page", EXPLORED)
def test_settings_are_kept_in_the_address(browser: Any, served: str, page: str, way: str) -> None:
    with Visit(browser, address(page, way, served) + "#references") as visit:
        shown = visit.settle()
        shown.wait_for_timeout(500)
        assert shown.url.endswith("#references")  # loading a page writes nothing
        before = told(shown)
        for explorer in shown.locator(".normgd-explorer").all():
            explorer.locator(".normgd-start").press("ArrowLeft")
            explorer.locator("fieldset input[type=range]").first.press("ArrowRight")
            explorer.get_by_label("steps").press("ArrowLeft")
            explorer.locator("input[type=checkbox]").last.uncheck()
        wait_for(shown, f"location.hash.includes('&{len(before)}.hide=')")
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
        shown.evaluate("location.hash = 'explore&1.steps=3'")
        explorer = shown.locator(".normgd-explorer").first
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


@pytest.mark.parametrize("way", ["clipboard", "box"])
@pytest.mark.parametrize("page", EXPLORED)
def test_the_copied_code_computes_what_is_shown(
    browser: Any, served: str, page: str, way: str
) -> None:
    granted = ["clipboard-read", "clipboard-write"] if way == "clipboard" else []
    with Visit(browser, address(page, "http", served), permissions=granted) as visit:
        shown = visit.settle()
        if way == "box":
            shown.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        for explorer in shown.locator(".normgd-explorer").all():
            explorer.locator(".normgd-start").press("ArrowLeft")
            explorer.locator("fieldset input[type=range]").first.press("ArrowRight")
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
                path = eval(call, {"ng": ng})
                assert path.last.tolist() == [float(x) for x in end.split(",")], call
        assert visit.complaints == []


@pytest.mark.parametrize("page", EXPLORED)
def test_the_steps_can_be_seen_one_by_one(browser: Any, served: str, page: str) -> None:
    with Visit(browser, address(page, "file", served)) as visit:
        visit.settle()
        for explorer in visit.page.locator(".normgd-explorer").all():
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
