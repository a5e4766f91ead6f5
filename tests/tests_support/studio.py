"""The studio as a process of its own, and what browser tests do again and again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

from tl_core.database.engine import open_database
from tl_core.registry.run import ACTIVE, Run
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Server:
    """The studio as `make app` starts it, on a port and in a home of its own; `{port}` in its
    environment is the port.
    """

    def __init__(self, home: Path, environment: dict[str, str]):
        self.home, self.port = home, free_port()
        own = {name: value.replace("{port}", str(self.port)) for name, value in environment.items()}
        self.environment = {**os.environ, "TL_HOME": str(home), **own}
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pages.shell.launch", "--port", str(self.port)],
            cwd=ROOT,
            env=self.environment,
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError("the server did not start")

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


_SETTLED = """calm => {
    const app = document.querySelector('[data-testid=stApp]');
    const now = performance.now();
    if (app?.dataset.testScriptState !== 'notRunning') { window.calmSince = null; return false; }
    window.calmSince ??= now;
    return now - window.calmSince >= calm;
}"""


def settled(page, calm: int = 400) -> None:
    """Wait until the page has been drawn to its end: no script has run for `calm` milliseconds.

    Before that, widgets of the last drawing still stand there, and what is given to them is lost.
    """
    page.evaluate("window.calmSince = null")
    page.wait_for_function(_SETTLED, arg=calm, polling=50)


def upload(page, *paths: Path) -> None:
    """Give files to the page's first upload widget."""
    settled(page)
    page.locator("input[type=file]").first.set_input_files(paths)


def downloaded(page, words: str) -> bytes:
    """What the link with these words leads to, asked for as the browser does, with its cookies."""
    link = page.get_by_role("link", name=words).first
    link.wait_for()
    answer = page.request.get(urljoin(page.url, link.get_attribute("href")))
    assert answer.ok and "attachment" in answer.headers["content-disposition"]
    return answer.body()


def pick(page, box: str, option: str) -> None:
    """Choose in a select box; a list that is open closes when what lies above it is still being
    drawn.
    """
    found = page.get_by_role("combobox", name=box)
    found.scroll_into_view_if_needed()
    settled(page)
    found.click()
    page.get_by_role("option", name=option, exact=True).click()


def add_from_server(page, url: str, source: Path) -> None:
    """Make a dataset of a folder or file that lies on the server, by the page."""
    page.goto(f"{url}/add-data")
    page.get_by_text("This server", exact=True).click()
    page.get_by_role("textbox", name="Folder or file on this server").fill(str(source))
    page.get_by_role("button", name="Look inside").click()
    page.get_by_role("button", name="Save as dataset").click()
    page.get_by_role("heading", name="Items", exact=True).wait_for()


def trained(page, server: Server, seconds: float = 240.0) -> str:
    """The run that the live page shows, once it is done. Nobody looks at it until then: a page that
    is drawn anew every second takes its processor from the training.
    """
    page.wait_for_url("**/live?*run=*")
    run = parse_qs(urlsplit(page.url).query)["run"][0]
    page.goto("about:blank")
    return _done(server, lambda runs: runs.get(run), seconds)


def finished(page, server: Server, kind: str, dataset: str, seconds: float = 240.0) -> str:
    """The newest run of a kind on a dataset, which the page began, once it is done; nobody looks at
    the page.
    """

    def newest(runs: RunStore) -> Run | None:
        found = (run for run in runs.list(kind=kind) if run.dataset.startswith(f"{dataset}@"))
        return next(found, None)

    settled(page)
    page.goto("about:blank")
    return _done(server, newest, seconds)


def _done(server: Server, find: Callable[[RunStore], Run | None], seconds: float) -> str:
    settings = Settings(home=str(server.home))
    runs = RunStore(open_database(settings), settings.user, settings.home_path)
    end = time.monotonic() + seconds
    while (found := find(runs)) is None or found.status in ACTIVE:
        status = found.status if found else "not there"
        assert time.monotonic() < end, f"the run is {status} after {seconds:.0f} s"
        time.sleep(0.2)
    assert found.status == "done", found.reason
    return found.id
