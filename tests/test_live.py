"""The explorer in a running JupyterLab: what the reader moves is what Python reads, and back."""

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import require
from test_site import Visit

pytestmark = pytest.mark.live

PATIENCE = 20  # seconds, for a machine that has other work
RACE = "ng.explore(ng.functions.quadratic([1, 10]), ng.gd(alpha=0.05), ng.ngd(eta=0.1), steps=9)"
CELLS = ("import json\n\nimport ipywidgets as widgets\n\nimport normgd as ng", RACE)
# JupyterLab asks at its first start whether it may fetch its news.
SETTINGS = {"@jupyterlab/apputils-extension/notification": {"fetchNews": "false"}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a notebook in a JupyterLab that knows nothing of the user's settings."""
    require(importlib.util.find_spec("jupyterlab"), "JupyterLab is not installed; use make test")
    home = tmp_path_factory.mktemp("lab")
    for name, settings in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    (home / "work").mkdir()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, home / "work" / "live.ipynb")

    environment = {k: v for k, v in os.environ.items() if k != "NORMGD_STATIC"}
    environment |= {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    log = home / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--LabApp.extension_manager=readonly"],
            cwd=home / "work",
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _address(server, home / "runtime", log)
    finally:
        server.terminate()  # which ends its kernels first
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()  # and a kernel ends when its parent is gone
            server.wait()


def _address(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Wait until the server has written where it listens; it finds itself a free port."""
    end = time.monotonic() + 3 * PATIENCE
    while server.poll() is None and time.monotonic() < end:
        for file in runtime.glob("jpserver-*.json"):
            if text := file.read_text(encoding="utf-8"):
                told = json.loads(text)
                return f"{told['url']}lab/tree/live.ipynb?reset&token={told['token']}"
        time.sleep(0.05)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


class Notebook:
    """An open notebook, whose last cell is empty and is typed into."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")

    def run_all(self) -> None:
        self.page.get_by_text(re.compile(r"\| Idle$")).wait_for()
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        for i in range(len(CELLS)):
            self.ended(self.cells.nth(i))
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")  # a new cell below

    def ended(self, cell: Any) -> Any:
        """Wait until a cell has run, and return what it shows."""
        from playwright.sync_api import expect

        expect(cell.locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]:"))
        shown = cell.locator(".jp-OutputArea")
        error = shown.locator("[data-mime-type='application/vnd.jupyter.error']")
        assert error.all_inner_texts() == []
        return shown

    def run(self, code: str) -> Any:
        """Type code into the last cell and run it, which adds an empty cell."""
        cell = self.cells.nth(self.cells.count() - 1)
        cell.get_by_role("textbox").click()
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        return self.ended(cell)

    def explore(self, code: str) -> Any:
        """Run code that shows an explorer, and return it when it is live."""
        explorer = self.run(code).locator(".normgd-explorer:has(.normgd-live)")
        explorer.wait_for()
        return explorer

    def read(self, expression: str) -> Any:
        """What an expression is in Python."""
        return json.loads(self.run(f"print(json.dumps({expression}))").inner_text())

    def read_until(self, expression: str, as_wanted: Callable[[Any], bool]) -> Any:
        """What an expression is once Python has heard of what was done on the page."""
        end = time.monotonic() + PATIENCE
        while not as_wanted(value := self.read(expression)):
            assert time.monotonic() < end, f"{expression} is still {value}"
        return value

    def drag(self, explorer: Any, across: int, down: int) -> list[float]:
        """Drag the start so many pixels, and return where it is then."""
        from playwright.sync_api import expect

        handle, mouse = explorer.locator(".normgd-start"), self.page.mouse
        before = handle.get_attribute("data-w")
        handle.hover()  # which waits until nothing moves it
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse.down()
        mouse.move(x + across, y + down, steps=5)
        mouse.up()
        expect(handle).not_to_have_attribute("data-w", before)
        # The last move is drawn with the next frame.
        self.page.evaluate(
            "() => new Promise((done) => setTimeout(() => requestAnimationFrame(done)))"
        )
        return start(explorer)


def start(explorer: Any) -> list[float]:
    return [float(x) for x in explorer.locator(".normgd-start").get_attribute("data-w").split(",")]


def readout(explorer: Any, rule: str) -> dict[str, str]:
    """The table's row of a rule: what stands under each heading."""
    table = explorer.locator(".normgd-readout")
    name = explorer.page.get_by_role("rowheader", name=re.compile(rf"^{rule}\b"))
    row = table.get_by_role("row").filter(has=name)
    headings = table.get_by_role("columnheader").all_inner_texts()
    cells = row.get_by_role("cell").all_inner_texts()
    return dict(zip(headings[1:], cells, strict=True))


def slider(explorer: Any, letter: str) -> Any:
    return explorer.get_by_role("slider", name=re.compile(rf"^{letter}(\W|$)"))


@pytest.fixture(scope="module")
def visit(lab: str, browser: Any) -> Iterator[Visit]:
    from playwright.sync_api import expect

    expect.set_options(timeout=1000 * PATIENCE)
    visit = Visit(browser, lab)
    visit.page.set_default_timeout(1000 * PATIENCE)
    with visit:
        yield visit
    expect.set_options(timeout=None)


@pytest.fixture(scope="module")
def opened(visit: Visit) -> Notebook:
    notebook = Notebook(visit.page)
    notebook.run_all()
    return notebook


@pytest.fixture
def notebook(opened: Notebook, visit: Visit, lab: str) -> Iterator[Notebook]:
    """The notebook; in the end nothing was complained of, nor asked for from elsewhere."""
    yield opened
    home = lab.partition("/lab/")[0]
    mine = (home, home.replace("http", "ws"), "data:", "blob:")
    assert [url for url in visit.requests if not url.startswith(mine)] == []
    assert visit.complaints == []


def test_running_all_cells_shows_an_explorer_that_lives(notebook: Notebook) -> None:
    explorer = notebook.cells.nth(len(CELLS) - 1).locator(".normgd-explorer")
    explorer.locator(".normgd-live svg.normgd-figure").wait_for()
    assert readout(explorer, "ngd")["state"]


def test_explorers_on_one_page_share_no_id(notebook: Notebook) -> None:
    # A label names the control that has its id, wherever that is.
    explorer = notebook.explore(RACE)
    notebook.explore(RACE)
    ids = notebook.page.locator(".normgd-explorer [id]").evaluate_all("all => all.map((e) => e.id)")
    assert len(ids) >= 3 * explorer.locator("input[type=range]").count()
    assert [id for id, count in Counter(ids).items() if count > 1] == []


def test_where_the_start_is_dragged_python_reads_it_and_goes_where_the_table_says(
    notebook: Notebook,
) -> None:
    explorer = notebook.explore(f"e = {RACE}\ne")
    dragged = notebook.drag(explorer, 60, 40)
    notebook.read_until("e.start", lambda start: start == dragged)
    for i, rule in enumerate(("gd", "ngd")):
        told = readout(explorer, rule)
        x, y = notebook.read(f"e.paths[{i}].last.tolist()")
        assert float(told["J"]) == pytest.approx((x**2 + 10 * y**2) / 2, rel=5e-3)
        assert float(told["distance"]) == pytest.approx(math.hypot(x, y), rel=5e-3)


def test_what_is_set_in_python_moves_the_page(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    explorer = notebook.explore(f"e = {RACE}\ne")
    notebook.run("e.start = (0.5, -0.25)")
    expect(explorer.locator(".normgd-start")).to_have_attribute("data-w", "0.5,-0.25")
    notebook.run("e.steps = 7")
    expect(explorer.get_by_role("caption")).to_contain_text("After 7 steps from (0.5, −0.25)")
    notebook.run("e.rates = {'ngd': {'eta': 0.125}}")
    expect(slider(explorer, "η")).to_have_attribute("aria-valuetext", "0.125")
    notebook.run("e.shown = ['gd']")
    expect(explorer.get_by_role("checkbox", name="ngd")).not_to_be_checked()
    assert readout(explorer, "gd")["J"] != "–"
    assert readout(explorer, "ngd")["J"] == "–"


def test_the_controls_set_what_python_reads(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    explorer = notebook.explore(f"e = {RACE}\ne")
    before = notebook.read("e.rates")
    slider(explorer, "η").press("ArrowRight")
    rates = notebook.read_until("e.rates", lambda rates: rates != before)
    assert rates["gd"] == before["gd"]
    assert rates["ngd"]["eta"] > before["ngd"]["eta"]
    expect(slider(explorer, "η")).to_have_attribute("aria-valuetext", str(rates["ngd"]["eta"]))

    slider(explorer, "steps").press("ArrowRight")
    notebook.read_until("e.steps", lambda steps: steps == 10)
    explorer.get_by_role("checkbox", name="ngd").click()
    notebook.read_until("e.shown", lambda shown: shown == ["gd"])
    explorer.get_by_role("button", name="Reset").click()
    notebook.read_until("[e.rates, e.steps, e.shown]", [before, 9, ["gd", "ngd"]].__eq__)


MINE = """\
class mine(ng.Rule):
    alpha: float
    beta: float = 0.5

    def __call__(self, g, m):
        m = self.beta * m + g / ng.norm(g)
        return self.alpha * m, m


def bowl(w):
    return w[0] ** 2 + w[0] * w[1] + w[1] ** 2


e = ng.explore(bowl, mine(alpha=0.125), start=(1.5, -1), steps=5)
e"""


def test_a_rule_typed_into_a_cell_can_be_dragged(notebook: Notebook) -> None:
    explorer = notebook.explore(MINE)
    assert notebook.read("e.rates") == {"mine": {"alpha": 0.125, "beta": 0.5}}
    dragged = notebook.drag(explorer, -50, 30)
    notebook.read_until("e.start", lambda start: start == dragged)
    x, y = notebook.read("e.paths[0].last.tolist()")
    told = readout(explorer, "mine")
    assert float(told["J"]) == pytest.approx(x**2 + x * y + y**2, rel=5e-3)


def test_a_widget_beside_it_follows_what_is_dragged(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    explorer = notebook.explore(
        f"e = {RACE}\n"
        "label = widgets.Label('not moved')\n"
        "def tell(change):\n    label.value = f'moved to {change.new}'\n\n\n"
        "e.widget.observe(tell, 'start')\n"
        "widgets.HBox([e.widget, label])"
    )
    label = notebook.page.locator(".widget-label", has_text="moved").last
    expect(label).to_have_text("not moved")
    dragged = notebook.drag(explorer, 30, 30)
    x, y = (f"{x:g}" for x in dragged)
    expect(label).to_have_text(f"moved to [{x}, {y}]")


def test_another_widget_can_lead_it(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    explorer = notebook.explore(f"e = {RACE}\ne")
    control = notebook.run(
        "@widgets.interact(steps=(1, 50))\ndef run(steps=20):\n    e.steps = steps"
    )
    expect(explorer.get_by_role("caption")).to_contain_text("After 20 steps")
    control.get_by_role("slider").press("ArrowRight")
    expect(explorer.get_by_role("caption")).to_contain_text("After 21 steps")
    explorer.locator(".normgd-start").press("ArrowRight")
    moved = start(explorer)
    notebook.read_until("[e.start, e.steps]", lambda value: value == [moved, 21])


def test_a_panel_follows_the_hand_and_python(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    panel = notebook.explore("c = ng.explorers.compass(ng.functions.quadratic([1, 10]))\nc")
    handle = panel.locator("[data-handle=approach]")
    handle.press("ArrowRight")
    notebook.read_until("c.angle", lambda angle: angle == 31)
    expect(panel.locator(".normgd-facts")).to_contain_text(
        f"{math.degrees(math.atan(10 * math.tan(math.radians(31)))):.1f}°"
    )
    slider(panel, "r").press("ArrowLeft")
    notebook.read_until("dict(c.values)", lambda values: values["radius"] < 1)
    notebook.run("c.values = {'angle': -45, 'radius': 0.25}")
    expect(handle).to_have_attribute("aria-valuetext", "φ = −45°, r = 0.25")
    panel.get_by_role("button", name="Reset").click()
    notebook.read_until("dict(c.values)", {"angle": 30, "radius": 1}.__eq__)


BRAKING = """\
class braking(ng.Rule):
    eta: float

    def __call__(self, g):
        if abs(g[0]) > 1:  # a branch, so that it has no formula
            return self.eta * ng.unit(g)
        return self.eta * g


e = ng.explore(ng.functions.quadratic([1, 10]), braking(eta=0.125), ng.gd(alpha=0.05), steps=9)
e"""


def test_a_rule_that_branches_follows_what_is_moved(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    explorer = notebook.explore(BRAKING)
    expect(explorer.locator(".normgd-why")).to_contain_text("braking: computed by Python, because")
    path = explorer.locator("path.normgd-path[data-rule=braking]")
    before = path.get_attribute("d")
    dragged = notebook.drag(explorer, 40, 30)
    expect(path).not_to_have_attribute("d", before)
    slider(explorer, "η").press("ArrowRight")
    slider(explorer, "steps").press("ArrowRight")
    notebook.read_until("[e.start, e.steps]", [dragged, 10].__eq__)
    state = explorer.locator("tbody tr").first.locator("td").last
    expect(state).not_to_have_text("…")
    x, y = notebook.read("e.paths[0].last.tolist()")
    told = readout(explorer, "braking")
    assert float(told["J"]) == pytest.approx((x**2 + 10 * y**2) / 2, rel=5e-3)
    assert float(told["distance"]) == pytest.approx(math.hypot(x, y), rel=5e-3)


def test_the_view_is_pythons_too(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    explorer = notebook.explore(
        "e = ng.explore(ng.functions.double_well, ng.ngd(0.3), start=-1.4, steps=9)\n"
        "e.t = 4\ne.cobweb = True\ne"
    )
    caption = explorer.get_by_role("caption")
    expect(caption).to_contain_text("After 4 steps")
    expect(explorer.get_by_role("button", name="Cobweb")).to_have_attribute("aria-pressed", "true")
    explorer.get_by_role("button", name="one step on").click()
    explorer.get_by_role("button", name="Zoom in").click()
    notebook.read_until("[e.t, e.zoom[0]]", [5, 2].__eq__)
    explorer.get_by_role("button", name="Reset").click()
    notebook.read_until("[e.t, e.cobweb, e.zoom[0]]", [None, False, 1].__eq__)
    notebook.run("e.zoom = [4, -1.0]")
    expect(explorer.locator(".normgd-figure")).to_have_attribute(
        "aria-label", re.compile("4 times")
    )


# An exercise's answer: on a page the figure of the call is a still, and a notebook has the line
# below it, which is Markdown there, run.
INTERACT = """\
import matplotlib.pyplot as plt


def see(eta=0.5, steps=20):
    J = ng.functions.quadratic([1, 10])
    ng.plot.contour(J, ng.descend(J, (-2.1, 1.3), ng.ngd(eta), steps))
    plt.show()


see()"""


def test_a_learners_function_gets_sliders(notebook: Notebook) -> None:
    from playwright.sync_api import expect

    notebook.run(INTERACT).locator("img").wait_for()
    control = notebook.run("widgets.interact(see, eta=(0.1, 1.0, 0.1), steps=(1, 100));")
    picture = control.locator("img")
    before = picture.get_attribute("src")
    control.get_by_role("slider").first.press("ArrowRight")
    expect(picture).not_to_have_attribute("src", before)
    assert control.locator("img").count() == 1
