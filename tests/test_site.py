"""The built site as a browser shows it: `make book`, then `make test-site`."""

import functools
import http.server
import importlib.resources
import importlib.util
import re
import shutil
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

pytestmark = pytest.mark.site

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without what a browser asks the network for by itself: whatever is asked for, the page asks for.
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
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


@pytest.fixture(scope="session")
def browser(site: Path) -> Iterator[Any]:
    require(
        importlib.util.find_spec("playwright"), "Playwright is not installed; use make test-site"
    )
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    require(program, "no Chromium found")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


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
