"""First paint, page switches and page latency while a run is going, in a real browser.

`python benchmarks/page_speed.py`; needs chromium. First paint is from starting the server's process
to the first title, and from asking a running server; a switch is from the click on a place to the
title of its first page, with the project of a sample in hand.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from common import machine, write_result
from playwright.sync_api import Error, Page, sync_playwright

ROOT = Path(__file__).parents[1]
TITLES = {
    "Graft Studio": "Graft Studio",
    "Data": "Items",
    "Train": "Backbone",
    "Evaluate": "Report",
    "Use": "Predict",
}
ROUNDS = 8


def switches(page: Page, rounds: int) -> list[float]:
    """Milliseconds from click to title, over all pages in turn."""
    times = []
    for _ in range(rounds):
        for link, title in TITLES.items():
            started = time.perf_counter()
            page.get_by_role("link", name=link, exact=True).first.click()
            page.get_by_role("heading", name=title, level=1).wait_for()
            times.append(1000 * (time.perf_counter() - started))
            page.wait_for_timeout(200)
    return times


def summary(values: list[float]) -> dict[str, int]:
    """Median and 95th percentile, in milliseconds."""
    return {
        "median_ms": round(statistics.median(values)),
        "p95_ms": round(statistics.quantiles(values, n=20)[-1]),
    }


def main() -> None:
    """Start a server, measure idle, start a run, measure again."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)
        environment = {**os.environ, "TL_HOME": home, "HF_HUB_OFFLINE": "1"}
        empty = first_paint_of_an_empty_app(page, Path(home))
        started = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "-m", "pages.shell.launch", "--port", str(port)],
            cwd=ROOT,
            env=environment,
        )
        try:
            results = measure(page, f"http://localhost:{port}", started)
            results["empty_app_start_to_first_paint_s"] = empty
            maps = Path(f"/proc/{server.pid}/maps").read_text()
            results["app_imports_torch"] = "libtorch" in maps
            results["app_memory_mb"] = round(psutil.Process(server.pid).memory_info().rss / 1e6)
        finally:
            server.kill()
            for process in psutil.process_iter():
                try:
                    if process.environ().get("TL_HOME") == home:
                        process.kill()
                except psutil.Error:
                    continue
        write_result("page_speed", {"machine": machine(), **results})


def first_paint_of_an_empty_app(page: Page, folder: Path) -> float:
    """The same for a Streamlit app of one line: what the framework itself takes here."""
    (folder / "empty.py").write_text('import streamlit as st\nst.title("Empty")\n')
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "empty.py",
            "--server.port",
            str(port),
            "--server.headless",
            "true",
            "--browser.gatherUsageStats",
            "false",
        ],
        cwd=folder,
    )
    try:
        visit(page, f"http://localhost:{port}", "Empty")
        return round(time.perf_counter() - started, 2)
    finally:
        server.kill()
        server.wait()


def visit(page: Page, url: str, title: str) -> None:
    """Open a server that may not be up yet, until its title is there."""
    while True:
        try:
            page.goto(url)
            break
        except Error as error:
            if "ERR_CONNECTION" not in str(error):
                raise
            time.sleep(0.05)
    page.get_by_role("heading", name=title, level=1).wait_for()


def measure(page: Page, url: str, started: float) -> dict[str, object]:
    """All figures, in the order of a visit."""
    visit(page, url, TITLES["Graft Studio"])
    results: dict[str, object] = {"start_to_first_paint_s": round(time.perf_counter() - started, 2)}
    again = time.perf_counter()
    page.goto(url)
    page.get_by_role("heading", name=TITLES["Graft Studio"], level=1).wait_for()
    results["reload_to_paint_s"] = round(time.perf_counter() - again, 2)
    page.wait_for_timeout(25_000)  # the worker that stands by imports its libraries meanwhile
    page.get_by_role("button", name="Try it").nth(1).click()
    page.get_by_role("button", name="Read the report").click(timeout=300_000)
    page.get_by_text("Class by class", exact=True).wait_for()
    switches(page, 2)
    results["page_switch"] = summary(switches(page, ROUNDS))
    page.get_by_role("link", name="Graft Studio", exact=True).first.click()
    page.get_by_text("Try a sample", exact=True).click()
    page.get_by_role("button", name="Try it").first.click()
    page.get_by_text("How is it going?").wait_for()
    busy: list[float] = []
    end = time.monotonic() + 12
    while time.monotonic() < end:
        busy += switches(page, 1)
    results["page_switch_while_a_run_is_going"] = summary(busy)
    return results


if __name__ == "__main__":
    main()
