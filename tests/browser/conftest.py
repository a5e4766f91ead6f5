"""A real browser against a real server. Each page leaves its picture in a folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests_support.processes import kill_all
from tests_support.studio import ROOT, Server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What stood on each open page is part of a failure's report: a time-out alone tells
    nothing.
    """
    report = yield
    browser = item.funcargs.get("browser")
    if report.when == "call" and report.failed and browser:
        for context in browser.contexts:
            for page in context.pages:
                report.sections.append((page.url, page.locator("body").inner_text(timeout=5000)))
    return report


@pytest.fixture(scope="package")
def server(tmp_path_factory, browser, unpacked):
    home = tmp_path_factory.mktemp("browser") / "home"
    home.mkdir()
    (home / "starters").symlink_to(unpacked)
    shared = Path(os.environ.get("TL_TEST_SHARED", ROOT.parent / "shared"))
    own = Server(home, {"TL_MODELS_DIR": str(shared / "models"), "TL_DATA_DIRS": str(home.parent)})
    yield own
    own.process.kill()
    own.process.wait()
    kill_all(home)


@pytest.fixture(scope="package")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("needs Chromium (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=60_000)  # its own 5 s are few beside trainings
    with sync_api.sync_playwright() as play:
        launched = play.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def visits(browser):
    """What one browser keeps from page to page: the programs of all pages are loaded once."""
    made = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture
def page(visits, server):
    """A page that remembers nothing of earlier tests."""
    opened = visits.new_page()
    opened.set_default_timeout(120_000)
    yield opened
    assert not opened.get_by_text("Traceback").count()
    if opened.url.startswith("http"):
        opened.evaluate("localStorage.clear()")
    opened.close()
    visits.clear_cookies()


@pytest.fixture(scope="package")
def picture():
    """`picture(page, name)`: a screenshot in the folder that TL_TEST_SCREENSHOTS names; nothing
    without one.
    """
    folder = os.environ.get("TL_TEST_SCREENSHOTS")

    def take(page, name, height=900):
        if not folder:
            return
        page.set_viewport_size({"width": 1280, "height": height})
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(folder) / f"{name}.png")
        page.set_viewport_size({"width": 1280, "height": 900})

    return take
