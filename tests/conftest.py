import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import Any

import hypothesis
import matplotlib as mpl
import pytest

mpl.use("Agg")  # not through the environment, which notebooks' kernels would inherit

hypothesis.settings.register_profile("local", deadline=None)
# The same examples on every run: a failure in CI is then a failure here too.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def require(condition: object, reason: str) -> None:
    """Skip where something is missing; in CI, where nothing may be, fail."""
    if not condition:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without what a browser asks the network for by itself: whatever is asked for, the page asks for.
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
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
