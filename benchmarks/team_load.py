"""Fifty people in browsers, without and with two trainings beside them, against a bare page.

`python benchmarks/team_load.py [SESSIONS] [SECONDS]` (50 and 600 as a rule): page script time as a
client sees it, 50th and 95th percentile; memory a session; failed pages. The sessions speak
Streamlit's protocol, three of them from real browsers; each is signed in with an account of its
own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from common import free_port, machine, write_result
from session_client import BrowserTab, Session, crowd, together

from tl_core.access.accounts import Accounts
from tl_core.access.people import Claims, People
from tl_core.access.principal import ADMIN, Principal
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = ["", "data", "design", "runs", "versions", "backbone"]
PAUSE = 7.0  # seconds that somebody looks at a page, in the mean: what TPC-W takes
CROWD = 50  # people; the figures of other crowds are files of their own
BROWSERS = 3  # of the sessions; they compute on the same machine, with what the server leaves
WORDS = "correct horse battery"


@contextmanager
def served(command: list[str], port: int, environment: dict[str, str]) -> Iterator[psutil.Process]:
    """A server until its address answers, and its end with all that it has started."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                httpx.get(f"http://localhost:{port}/_stcore/health", timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        home = environment.get("TL_HOME")
        for one in psutil.process_iter():
            try:
                named = f"{one.environ().get('TL_HOME')} {' '.join(one.cmdline())}"
                if home and home in named:  # a worker's title hides its environment
                    one.kill()
            except psutil.Error:
                continue


def figures(seconds: list[float], failed: int) -> dict[str, object]:
    """Percentiles in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20)
    return {
        "pages": len(seconds),
        "failed": failed,
        "median_ms": round(1000 * statistics.median(seconds)),
        "p95_ms": round(1000 * cuts[-1]),
    }


def people_of(settings: Settings, count: int) -> list[Principal]:
    """Accounts with a small dataset each."""
    engine = open_database(settings)
    accounts, people = Accounts(engine, settings), People(engine, settings)
    root, made = Principal("root", role=ADMIN), []
    table = settings.home_path / "rows.csv"
    lines = [f"the {n}th message about {'rain' if n % 2 else 'sun'},{n % 2}" for n in range(400)]
    table.write_text("text,label\n" + "\n".join(lines) + "\n")
    for number in range(count):
        handle = f"person-{number}"
        accounts.accept(accounts.invite(root), handle, "", WORDS)
        person = people.arrive(Claims("here", handle)).principal()
        made.append(person)
        store = DatasetStore(engine, person, settings.home_path)
        add_dataset(store, settings, str(table), "messages", ImportOptions())
    return made


def sessions_of(
    settings: Settings, url: str, people: list[Principal], browsers: int = 0
) -> list[Session | BrowserTab]:
    """A signed-in session for each, the first of them in real browsers."""
    accounts = Accounts(open_database(settings), settings)
    return [
        (BrowserTab if number < browsers else Session)(
            url, f"graft_session={accounts.sign_in(one.handle, WORDS, '127.0.0.1')}"
        )
        for number, one in enumerate(people)
    ]


def phase(
    settings: Settings, url: str, people: list[Principal], seconds: float
) -> dict[str, object]:
    """Everybody for some time; the real browsers apart, since they draw as well."""
    made = sessions_of(settings, url, people, BROWSERS)
    asyncio.run(crowd(made, PAGES, seconds, PAUSE))
    drawn, spoken = made[:BROWSERS], made[BROWSERS:]
    return {
        **figures(*together(spoken)),
        "in_browsers": figures(*together(drawn)),
    }


def train(settings: Settings, people: list[Principal]) -> None:
    """Two long trainings, of two people."""
    engine = open_database(settings)
    for person in people[:2]:
        record = DatasetStore(engine, person, settings.home_path).get("messages")
        config = RunConfig(
            "train",
            person.id,
            record.reference,
            str(record.folder),
            "starter:text",
            "finetune",
            {"epochs": 400, "patience": 0},
        )
        RunStore(engine, person, settings.home_path).create(config)


def bare(count: int, seconds: float) -> dict[str, object]:
    """The same crowd on a Streamlit page of one line."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "bare.py"
        page.write_text('import streamlit as st\nst.title("Bare")\n')
        command = [sys.executable, "-m", "streamlit", "run", str(page), "--server.port", str(port)]
        command += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
        with served(command, port, {}):
            made = [Session(f"http://localhost:{port}") for _ in range(count)]
            return figures(*asyncio.run(crowd(made, [""], seconds, PAUSE)))


def ours(count: int, seconds: float) -> dict[str, object]:
    """Our pages, without and with two trainings."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        url = f"http://localhost:{port}"
        settings = Settings(home=home, sign_in="accounts", url=url)
        people = people_of(settings, count)
        environment = {"TL_HOME": home, "TL_SIGN_IN": "accounts", "TL_URL": url}
        environment |= {"TL_WORKERS": "2", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", "pages.shell.launch", "--port", str(port)]
        with served(command, port, environment) as server:
            time.sleep(10)  # what pages need is imported meanwhile
            asyncio.run(crowd(sessions_of(settings, url, people[:1]), PAGES, 10, 0.1))
            before = server.memory_info().rss
            quiet = phase(settings, url, people, seconds)
            grown = server.memory_info().rss - before
            train(settings, people)
            time.sleep(15)  # until both have begun
            busy = phase(settings, url, people, seconds)
    return {
        "without_runs": quiet,
        "with_two_runs": busy,
        "mb_a_session": round(grown / count / 1e6, 1),
    }


def main(count: int, seconds: float) -> None:
    """Measure and keep the figures."""
    plain = bare(count, min(seconds, 120))
    found = ours(count, seconds)
    ratio = {
        name: round(found[name]["p95_ms"] / max(plain["p95_ms"], 1), 2)  # type: ignore[index]
        for name in ("without_runs", "with_two_runs")
    }
    write_result(
        "team_load" if count == CROWD else f"team_load_{count}",
        {
            "machine": machine(),
            "sessions": count,
            "seconds": seconds,
            "bare_page": plain,
            **found,
            "p95_over_bare_page": ratio,
        },
    )


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:3]]
    main(int(given[0]) if given else CROWD, given[1] if len(given) > 1 else 600.0)
