"""Every page with what strains it, at four widths, in light and dark: nothing sticks out, nothing
stands apart, and axe finds nothing serious.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests_support.edge_states import CLASSES, LONG, RARE, RARE_EVERY, ROWS
from tests_support.processes import kill_all
from tests_support.studio import ROOT, Server, settled

from pages.shell.navigation import PLACES, STUDIO
from tl_core.database.engine import open_database
from tl_core.evaluate.report import load_report
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings

pytestmark = pytest.mark.browser
ADDRESSES = [tab.address for place in (*PLACES, STUDIO) for tab in place.tabs]
WIDTHS = {1280: 800, 1440: 900, 1920: 1080, 834: 1112}
_STYLED = "() => getComputedStyle(document.querySelector('.st-key-bar-row')).minHeight === '48px'"
_FITS = """width => Math.max(
    document.scrollingElement.scrollWidth,
    document.querySelector('[data-testid=stMain]').scrollWidth) <= width"""
_LIGHTNESS = """() => getComputedStyle(document.querySelector('[data-testid=stApp]'))
    .backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0)"""
_CELL = """([down, across]) => {
    const plot = document.querySelector('.js-plotly-plot'), at = plot.getBoundingClientRect();
    const {xaxis, yaxis} = plot._fullLayout;
    return [at.x + xaxis._offset + xaxis.c2p(across), at.y + yaxis._offset + yaxis.c2p(down)];
}"""  # where a place of the confusion matrix is on the screen; a cell is one wide and one high
_HEAD = 24  # pixels between the bar and the first content, at most


@pytest.fixture(scope="module")
def strained(tmp_path_factory):
    """A studio whose home `edge_states` has filled."""
    home = tmp_path_factory.mktemp("strained") / "home"
    home.mkdir()
    subprocess.run(
        [sys.executable, "-m", "tests_support.edge_states"],
        cwd=ROOT / "tests",
        env={
            **os.environ,
            "TL_HOME": str(home),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
            "HF_HUB_OFFLINE": "1",
        },
        check=True,
        capture_output=True,
    )
    server = Server(home, {"HF_HUB_OFFLINE": "1", "TL_DISPATCHER": "external"})
    yield server
    server.process.kill()
    server.process.wait()
    kill_all(home)


@pytest.fixture(scope="module")
def runs(strained):
    """The newest finished run of each dataset."""
    settings = Settings(home=str(strained.home))
    store = RunStore(open_database(settings), settings.user, settings.home_path)
    found = {}
    for run in reversed(store.list(kind="train", status="done")):
        found[run.dataset.partition("@")[0]] = run.id
    return found


@pytest.fixture(scope="module")
def tab(browser):
    """A browser tab, one for all pages: what they have in common is loaded once."""
    opened = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


def visit(tab, server, address: str, /, **parameters: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    tab.goto(f"{server.url}/{'' if address == 'home' else address}?{query}")
    tab.locator("h1").first.wait_for()
    tab.wait_for_function(_STYLED, polling=50)  # the stylesheet comes after the first words
    settled(tab)
    assert not tab.get_by_text("Something went wrong").count()


def press(page, start, end) -> None:
    """Click in the confusion matrix, or drag: from a place (down, across) to another."""
    page.mouse.move(*page.evaluate(_CELL, start), steps=2)
    page.wait_for_timeout(200)  # a click is one on what Plotly has found below the pointer
    page.mouse.down()
    if start != end:
        page.mouse.move(*page.evaluate(_CELL, end), steps=5)
    page.mouse.up()
    settled(page)


def serious(tab) -> list[str]:
    """What axe finds that keeps somebody from using the page."""
    found = Axe().run(tab).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0].get('failureSummary')}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing_serious_and_the_content_stands_close_below_the_bar(
    strained, runs, tab, address
):
    tab.emulate_media(color_scheme="light")
    visit(tab, strained, address, dataset="discs@1", run=runs["discs"])
    bar = tab.locator(".st-key-bar").bounding_box()
    head = tab.locator("h1").first.bounding_box()
    assert 0 <= head["y"] - (bar["y"] + bar["height"]) <= _HEAD
    assert serious(tab) == []
    lightness = tab.evaluate(_LIGHTNESS)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(f"light => ({_LIGHTNESS})() < light / 2", arg=lightness, polling=50)
    settled(tab)
    assert serious(tab) == []


@pytest.mark.parametrize("project", [LONG, "many-classes", "arabic"])
def test_no_page_sticks_out_at_any_width(strained, runs, page, project, picture):
    assert len(project) > 60 or CLASSES == 500
    for address in ADDRESSES:
        visit(page, strained, address, dataset=f"{project}@1", run=runs[project])
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(_FITS, arg=width, timeout=20_000, polling=50)
        picture(page, f"edge-{project[:12]}-{address}")


def test_a_hundred_thousand_rows_are_looked_through(strained, page, picture):
    page.set_viewport_size({"width": 1280, "height": 800})
    visit(page, strained, "data", dataset="many-rows@1")
    page.get_by_text(f"{ROWS:,} texts in 50 classes").wait_for()
    page.wait_for_function(_FITS, arg=1280)
    classes, table = (page.get_by_test_id("stDataFrame").nth(which) for which in (0, 1))
    table.wait_for()  # what draws tables comes to the browser after the page
    wide = classes.locator(".dvn-scroller").evaluate("list => list.scrollWidth - list.clientWidth")
    assert wide <= 0  # what sticks out of the list of classes is their number of items
    page.get_by_role("button", name=f"Page {ROWS // 50}").click()
    settled(page)
    table.scroll_into_view_if_needed()
    table.get_by_text(f"note {ROWS - 50} on").wait_for(state="attached")  # drawn; words for readers
    picture(page, "edge-many-rows-last-page")
    page.get_by_text("Gallery", exact=True).click()
    page.get_by_role("button", name=f"Page {-(-ROWS // 24)}").click()
    page.get_by_text(f"note {ROWS - 1} on").wait_for()
    page.get_by_role("searchbox", name="Search").fill(RARE)
    page.get_by_text(f"{-(-ROWS // RARE_EVERY)} of {ROWS:,} texts").wait_for()
    settled(page)
    expect(page.get_by_text(f"and a {RARE}")).to_have_count(-(-ROWS // RARE_EVERY))
    page.wait_for_function(_FITS, arg=1280)
    picture(page, "edge-many-rows-rare")
    assert not page.get_by_test_id("stAlert").count()
    assert not page.get_by_test_id("stException").count()


def test_a_click_anywhere_in_a_cell_of_a_zoomed_matrix_opens_its_items(
    strained, runs, page, picture
):
    page.set_viewport_size({"width": 1280, "height": 1000})
    visit(page, strained, "report", run=runs["many-classes"], tab="Errors")
    chart = page.locator(".js-plotly-plot").first
    chart.scroll_into_view_if_needed()
    settled(page)
    order = chart.evaluate("plot => plot._fullLayout.xaxis._categories.map(c => +c.split(' ')[1])")
    confusion = load_report(strained.home / "runs" / runs["many-classes"])["test"]["confusion"]
    counts = np.array(confusion["counts"])[np.ix_(order, order)]
    cells = [(int(one), int(other)) for one, other in np.argwhere(counts) if one != other]
    first = next(cell for cell in cells if min(cell) > 50)

    def leads_to(cell):
        for box, place in zip(("True class", "Predicted class"), cell, strict=True):
            name = confusion["labels"][order[place]]
            expect(page.get_by_role("combobox", name=box)).to_have_value(name, timeout=20_000)
        page.get_by_text(f"{counts[cell]} texts", exact=True).wait_for()
        settled(page)

    press(page, first, first)  # before any zoom a cell is a pixel: one close by is met
    expect(page.get_by_role("combobox", name="True class")).not_to_have_value("")
    for half in (25.5, 5.5):  # to 51 classes, and of these to 11
        press(page, [place - half for place in first], [place + half for place in first])
    seen = [cell for cell in cells if 0 < np.abs(np.subtract(cell, first)).max() <= 4]
    down, across = seen[0]
    press(page, [down + 0.42, across - 0.42], [down + 0.42, across - 0.42])  # near its corner
    leads_to(seen[0])
    press(page, first, first)
    leads_to(first)
    picture(page, "edge-confusion-zoomed", 1000)
    empty = next((down, n) for n in range(first[1] - 4, first[1] + 5) if not counts[down, n])
    press(page, empty, empty)
    settled(page)
    leads_to(first)  # an empty cell leads nowhere, not to its neighbour


def test_the_bar_stays_while_the_page_scrolls(strained, runs, page):
    page.set_viewport_size({"width": 1440, "height": 500})
    visit(page, strained, "report", run=runs["many-classes"])
    page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 400)")
    assert page.locator(".st-key-bar").bounding_box()["y"] == 0
    expect(page.get_by_role("link", name="Evaluate")).to_be_visible()


def test_places_are_reached_by_keyboard(strained, page):
    visit(page, strained, "home")
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.innerText").split("\n")[-1])
    steps = ["Data", "Train", "Evaluate", "Use"]
    assert [name for name in names if name in steps] == steps


def test_an_empty_studio_says_what_to_do_on_every_page(browser, tmp_path, picture):
    (tmp_path / "empty").mkdir()
    server = Server(tmp_path / "empty", {"HF_HUB_OFFLINE": "1", "TL_DISPATCHER": "external"})
    opened = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(60_000)
    try:
        for address in ADDRESSES:
            visit(opened, server, address)
            assert opened.locator("[data-testid=stMain] a, [data-testid=stMain] button").count()
            assert not opened.get_by_test_id("stException").count()
            assert serious(opened) == []
            picture(opened, f"empty-{address}")
    finally:
        opened.close()
        server.process.kill()
        server.process.wait()
        kill_all(tmp_path / "empty")
