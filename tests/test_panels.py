"""The small explorers in a browser, on a page of their own."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_explorers import PANELS
from test_site import Visit, violations

import course_site
from normgd import front
from normgd.explorers.panel import Choice, Point

pytestmark = pytest.mark.site

EXT = Path(course_site.__file__).parent
PAGE = """<!doctype html>
<html lang="en" data-theme="{scheme}"><head><meta charset="utf-8"><title>Panels</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="explore.css"><script src="explore.js" defer></script>
<style>:root {{ color-scheme: {scheme} }} main {{ max-width: 46rem; margin: auto }}</style></head>
<body><main><h1>Panels</h1>{panels}</main></body></html>
"""
each = pytest.mark.parametrize("name", PANELS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page for each panel, and one of all, in both schemes."""
    folder = tmp_path_factory.mktemp("site")
    shim = (EXT / "explore_page.js").read_text(encoding="utf-8")
    (folder / "explore.js").write_text(course_site.bundle(front.script(), shim), encoding="utf-8")
    (folder / "explore.css").write_text(front.style(), encoding="utf-8")
    html = {name: panel._html() for name, panel in PANELS.items()}
    for scheme in ("light", "dark"):
        for name, panels in {**html, "all": "".join(html.values())}.items():
            text = PAGE.format(scheme=scheme, panels=panels)
            (folder / f"{name}-{scheme}.html").write_text(text, encoding="utf-8")
    return folder


def url(site: Path, name: str, scheme: str = "light") -> str:
    return (site / f"{name}-{scheme}.html").as_uri()


@pytest.fixture
def visit(site: Path, browser: Any, name: str) -> Iterator[Visit]:
    """The page of one panel; in the end it has complained of nothing."""
    with Visit(browser, url(site, name)) as visit:
        yield visit
        assert visit.complaints == []


def drawn(page: Any) -> dict[str, str]:
    """What is drawn and told, once the frame is."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))")
    paths = "all => all.map((e) => [e.dataset.mark, e.getAttribute('d')])"
    told = page.locator(".normgd-facts").all_inner_texts()
    return {**dict(page.locator("[data-mark]").evaluate_all(paths)), "told": str(told)}


def handles(page: Any) -> list[Any]:
    return page.locator("[data-handle]").all()


def said(page: Any, before: str = "") -> str:
    """What is said to those who listen, when the hand rests."""
    from playwright.sync_api import expect

    summary = page.locator("output.normgd-summary")
    expect(summary).not_to_have_text(before, timeout=3000)
    return summary.inner_text()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Any, site: Path, scheme: str, width: int) -> None:
    with Visit(browser, url(site, "all", scheme), width, scheme) as visit:
        assert visit.page.locator(".normgd-live").count() == len(PANELS)
        assert violations(visit.page) == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert visit.complaints == []


@each
def test_the_script_takes_over_what_python_drew(browser: Any, site: Path, name: str) -> None:
    with Visit(browser, url(site, name), java_script_enabled=False) as still:
        paths = still.page.locator("[data-mark]")
        before = {path.get_attribute("data-mark"): path.get_attribute("d") for path in paths.all()}
        assert still.page.locator(".normgd-about").is_visible()
    with Visit(browser, url(site, name)) as visit:
        after = drawn(visit.page)
    assert before.keys() == after.keys() - {"told"}
    for mark, data in before.items():
        commands = [re.sub(r"[-\d. ]+", "", text) for text in (data, after[mark])]
        assert commands[0] == commands[1], mark
        numbers = [
            [float(x) for x in re.findall(r"-?[\d.]+", text)] for text in (data, after[mark])
        ]
        assert numbers[0] == pytest.approx(numbers[1], abs=0.11), mark


@each
def test_a_handle_is_dragged(visit: Visit) -> None:
    page = visit.page
    for handle in handles(page):
        handle.scroll_into_view_if_needed()
        before, told, box = drawn(page), said(page), handle.bounding_box()
        x, y = box["x"] + box["width"] / 2 + 5, box["y"] + box["height"] / 2 + 4
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 40, y - 30, steps=4)
        assert drawn(page) != before
        said(page, told)
        page.mouse.move(x, y)
        assert drawn(page) == before  # though it was held off its centre
        page.mouse.up()


@each
def test_a_finger_on_the_handle_drags_it_and_scrolls_nothing(
    browser: Any, site: Path, name: str
) -> None:
    with Visit(browser, url(site, name), width=390, has_touch=True, is_mobile=True) as visit:
        page = visit.page
        handle = handles(page)[0]
        before, scrolled, box = drawn(page), page.evaluate("scrollY"), handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        session = visit.context.new_cdp_session(page)
        for kind, points in (
            ("touchStart", [{"x": x, "y": y}]),
            *(("touchMove", [{"x": x - 8 * k, "y": y - 6 * k}]) for k in range(1, 6)),
            ("touchEnd", []),
        ):
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        assert drawn(page) != before
        assert page.evaluate("scrollY") == scrolled
        assert visit.complaints == []


@each
def test_a_handle_follows_the_arrow_keys(visit: Visit, name: str) -> None:
    page, panel = visit.page, PANELS[name]
    for handle, declared in zip(handles(page), panel.handles, strict=True):
        keys = ["ArrowLeft", "ArrowRight"]
        value = next(value for value in panel.declared if value.name == declared.across)
        if declared.up or isinstance(value, Point):
            keys += ["ArrowDown", "ArrowUp"]
        for key in keys:
            before = handle.get_attribute("aria-valuetext")
            handle.press(key)
            drawn(page)
            assert handle.get_attribute("aria-valuetext") != before, key


@each
def test_each_control_redraws_the_link_keeps_it_and_reset_undoes_it(
    browser: Any, site: Path, name: str
) -> None:
    panel = PANELS[name]
    with Visit(browser, url(site, name)) as visit:
        page = visit.page
        first = drawn(page)
        for value in panel.declared:
            if isinstance(value, Point):
                continue
            before = drawn(page)
            if isinstance(value, Choice):
                other = next(x for x in value.options if x != panel.values[value.name])
                page.get_by_role("radio", name=other, exact=True).check()
            else:
                slider = page.get_by_role("slider", name=value.meaning)
                slider.press("PageDown")
                if drawn(page) == before:  # it was at its end
                    slider.press("PageUp")
            assert drawn(page) != before, value.name
            page.wait_for_function(f"location.hash.includes('1.{value.name}=')", timeout=3000)
        after, link = drawn(page), page.url
        page.get_by_role("button", name="Reset").click()
        page.wait_for_function("location.hash === ''", timeout=3000)
        assert drawn(page) == first
        assert visit.complaints == []
    with Visit(browser, link) as visit:
        assert drawn(visit.page) == after
        assert visit.complaints == []


@each
def test_a_redraw_fits_a_frame(visit: Visit) -> None:
    """The slowest control, on a machine that may have other work: a few frames at most."""
    page = visit.page
    cost = page.evaluate(
        """async () => {
            const costs = [];
            for (const input of document.querySelectorAll("input[type=range]")) {
                for (let k = 1; k < 8; k++) {
                    input.value = Math.round(input.max * k / 8);
                    input.dispatchEvent(new Event("input"));
                    const begin = await new Promise(requestAnimationFrame);
                    costs.push(performance.now() - begin);
                }
            }
            return costs.sort((a, b) => a - b)[Math.floor(costs.length / 2)] ?? 0;
        }"""
    )
    assert cost < 50


@each
def test_the_code_is_copied(browser: Any, site: Path, name: str) -> None:
    with Visit(browser, url(site, name)) as visit:
        page = visit.page
        page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        page.get_by_role("button", name="Copy as Python").click()
        page.get_by_label("Python code").wait_for()
        code = page.evaluate("getSelection().toString()")
        assert "import normgd as ng" in code
        compile(code, "copied", "exec")


def test_several_on_a_page_share_no_id_and_keep_to_themselves(browser: Any, site: Path) -> None:
    with Visit(browser, url(site, "all")) as visit:
        page = visit.page
        ids = page.locator("[id]").evaluate_all("all => all.map((e) => e.id)")
        assert len(ids) == len(set(ids))
        second = page.locator(".normgd-explorer").nth(1)
        before = [e.inner_html() for e in page.locator(".normgd-facts").all()]
        second.locator("input[type=range]").first.press("PageDown")
        page.wait_for_function("location.hash.includes('2.')", timeout=3000)
        after = [e.inner_html() for e in page.locator(".normgd-facts").all()]
        assert [old != new for old, new in zip(before, after, strict=True)] == [
            k == 1 for k in range(len(PANELS))
        ]


@pytest.mark.parametrize("name", ["U-curve"])
def test_the_mouse_over_the_curve_shows_the_run_behind_it(visit: Visit) -> None:
    page = visit.page
    box = page.locator('[data-figure="chart"]').bounding_box()
    before = drawn(page)
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    after = drawn(page)
    assert after["path 0"] != before["path 0"]
    assert after["curve 0"] == before["curve 0"]
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] + 200)
    assert drawn(page) == after
