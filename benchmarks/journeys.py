"""What three people have to do from the open app to their goal: clicks and seconds.

`python benchmarks/journeys.py [TABLE] [--only NAME ...]`; needs chromium. A first-timer tries a
sample; an analyst brings a table of texts and takes predictions for a file away; a team lead
compares strategies, looks for wrong labels and takes a bundle away. Seconds hold uploads, training
and all waiting; nobody thinks or reads in between. Without a table the customer messages of the
sample serve. The team lead goes on with the analyst's data; figures that are not measured stay.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import psutil
from common import RESULTS, machine, write_result
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
_COUNT = "addEventListener('pointerdown', () => sessionStorage.n = 1 + +(sessionStorage.n ?? 0));"
_LONG = 900_000  # milliseconds


def button(page: Page, name: str, **options: int) -> None:
    """Press a button once it is there."""
    page.get_by_role("button", name=name, exact=True).first.click(**options)


def settle(page: Page) -> None:
    """Until no script has run for a while: widgets of the last drawing take no input."""
    page.wait_for_timeout(400)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def sample(page: Page, url: str, _: Path) -> None:
    """Home, a sample, its report."""
    page.goto(url)
    button(page, "Try it")
    page.get_by_role("button", name="Read the report").click(timeout=_LONG)
    page.get_by_text("Class by class", exact=True).wait_for()


def analyst(page: Page, url: str, table: Path) -> None:
    """A table in, predictions for a file out."""
    page.goto(url)
    page.get_by_role("link", name="Add data").first.click()
    page.get_by_role("heading", name="Add data", level=1).wait_for()
    settle(page)
    page.locator("input[type=file]").first.set_input_files(table)
    button(page, "Save as dataset")
    button(page, "Choose a backbone", timeout=_LONG)
    button(page, "Use this")
    button(page, "Start training")
    page.get_by_role("button", name="Read the report").click(timeout=_LONG)
    button(page, "Use it on new items")
    page.get_by_role("link", name="A whole file").click()
    page.get_by_text("The file", exact=True).wait_for()
    settle(page)
    page.locator("input[type=file]").first.set_input_files(table)
    with page.expect_download(timeout=_LONG):
        page.get_by_role("link", name="Download the CSV").click(timeout=_LONG)


def lead(page: Page, url: str, _: Path) -> None:
    """Strategies compared on three seeds, wrong labels, a bundle: with the analyst's data."""
    page.goto(f"{url}/design")
    button(page, "I choose myself")
    button(page, "All strategies compared (ladder)")
    button(page, "Start training")
    page.get_by_role("button", name="Read the report").click(timeout=_LONG)
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_role("heading", name="Is the difference more than chance?").wait_for()
    page.get_by_role("link", name="Data", exact=True).click()
    page.get_by_role("link", name="Labels", exact=True).click()
    button(page, "Look for wrong labels")
    page.get_by_text(re.compile("are probably labelled wrongly|looks wrong")).first.wait_for(
        timeout=_LONG
    )
    page.get_by_role("link", name="Use", exact=True).click()
    page.get_by_role("link", name="Bundle", exact=True).click()
    button(page, "Make the bundle")
    with page.expect_download(timeout=_LONG):
        page.get_by_role("link", name="Download").first.click(timeout=_LONG)


JOURNEYS: dict[str, Callable[[Page, str, Path], None]] = {
    "first-timer": sample,
    "analyst": analyst,
    "team lead": lead,
}


def messages(folder: Path) -> Path:
    """The sample's messages as a table of one's own."""
    target = folder / "tickets.csv"
    source = files("tl_core.data.sources") / "messages.csv"
    with target.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(csv.reader(source.read_text(encoding="utf-8").splitlines()))
    return target


def main(table: Path | None, wanted: list[str]) -> None:
    """Each journey in a browser of its own, one after the other on one server."""
    kept = json.loads((RESULTS / "journeys.json").read_text())
    results: dict[str, object] = {**kept, "machine": machine()}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home, sync_playwright() as play:
        table = table or messages(Path(home))
        server = subprocess.Popen(
            [sys.executable, "-m", "pages.shell.launch", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "TL_HOME": f"{home}/home", "HF_HUB_OFFLINE": "1"},
        )
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.2)
            time.sleep(25)  # a server that is warm, with a worker that stands by
            for name in wanted:
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.set_default_timeout(60_000)
                page.add_init_script(_COUNT)
                started = time.monotonic()
                JOURNEYS[name](page, f"http://localhost:{port}", table)
                results[name] = {
                    "clicks": int(page.evaluate("+(sessionStorage.n ?? 0)")),
                    "seconds": round(time.monotonic() - started, 1),
                }
                sys.stderr.write(f"{name}: {results[name]}\n")
                page.close()
        finally:
            server.kill()
            for process in psutil.process_iter():
                try:
                    if process.environ().get("TL_HOME") == f"{home}/home":
                        process.kill()
                except psutil.Error:
                    continue
    write_result("journeys", results)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--only", nargs="*", choices=list(JOURNEYS), default=list(JOURNEYS))
    given = parser.parse_args()
    main(given.table, given.only)
