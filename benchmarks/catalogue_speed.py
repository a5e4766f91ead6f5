"""How long the Backbone page takes to show all its cards, in a real browser: `PYTHONPATH=. python
benchmarks/catalogue_speed.py`; needs chromium.

From the click on the page's link to the last card of the catalogue (20 of texts, or 20 of pictures,
beside what is at hand), all of them unfolded; the page has been open once before.
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

from common import machine, write_result
from playwright.sync_api import sync_playwright

from tl_core.backbones.sources.catalogue import choose
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[1]
ROUNDS = 8


def main() -> None:
    """Open the page again and again, coming from another one."""
    with (
        tempfile.TemporaryDirectory() as home,
        sync_playwright() as play,
        socket.create_server(("", 0)) as probe,
    ):
        port = probe.getsockname()[1]
        probe.close()
        os.environ.update(TL_HOME=home, HF_HUB_OFFLINE="1")
        settings = read_settings()
        store = DatasetStore(open_database(settings), settings.user, settings.home_path)
        add_dataset(store, settings, "sample:messages", "messages", ImportOptions())
        page = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        ).new_page()
        page.set_default_timeout(60_000)
        server = subprocess.Popen(
            [sys.executable, "-m", "pages.shell.launch", "--port", str(port)], cwd=ROOT
        )
        try:
            for _ in range(100):
                if not socket.socket().connect_ex(("127.0.0.1", port)):
                    break
                time.sleep(0.2)
            page.goto(f"http://localhost:{port}/backbone?dataset=messages")
            page.get_by_text("Show all", exact=False).last.click()
            last = choose("text")[-1].name
            times = []
            for _ in range(ROUNDS):
                page.get_by_text(last).first.wait_for()
                page.get_by_role("link", name="Design", exact=True).first.click()
                page.get_by_role("heading", name="Design", level=1).wait_for()
                page.wait_for_timeout(500)
                started = time.perf_counter()
                page.get_by_role("link", name="Backbone", exact=True).first.click()
                page.get_by_text(last).first.wait_for()
                times.append(1000 * (time.perf_counter() - started))
        finally:
            server.kill()
    write_result(
        "catalogue_speed",
        {
            "machine": machine(),
            "cards": len(choose("text")),
            "median_ms": round(statistics.median(times)),
            "slowest_ms": round(max(times)),
        },
    )


if __name__ == "__main__":
    main()
