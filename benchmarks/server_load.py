"""A bundle's server under load: requests a second and waiting times, micro-batching on and off,
overload, its end.

`python benchmarks/server_load.py DATA_FOLDER`, with `trec` in DATA_FOLDER. Clients on the same
machine ask one text at a time, the next as soon as the last is answered; they share the cores with
the server. Batching on and off take turns; medians count.
"""

from __future__ import annotations

import asyncio
import csv
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import numpy as np
from batch_prediction import trained
from common import machine, write_result

from tl_core.log import quiet_libraries

ROOT = Path(__file__).parents[1]
CLIENTS, SECONDS, ROUNDS = (1, 8, 32), 8.0, 3


@contextmanager
def serving(model: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of its own process, ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tl_core", "serve", str(model), "--port", str(port), *words],
        cwd=ROOT,
        env=os.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        asyncio.run(_ready(address))
        yield address, process
    finally:
        process.kill()
        process.wait()


async def _ready(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{address}/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def load(
    address: str, texts: list[str], clients: int, seconds: float
) -> tuple[list[float], Counter[int]]:
    """Seconds of each answered request, and how often each status came."""
    taken, status, end = list[float](), Counter[int](), time.perf_counter() + seconds

    async def client(number: int, session: aiohttp.ClientSession) -> None:
        place = number
        while time.perf_counter() < end:
            started = time.perf_counter()
            async with session.post(
                f"{address}/predict", json={"texts": [texts[place % len(texts)]]}
            ) as answer:
                await answer.read()
            status[answer.status] += 1
            if answer.status == 200:
                taken.append(time.perf_counter() - started)
            place += clients

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(number, session) for number in range(clients)))
    return taken, status


def figures(taken: list[float], seconds: float) -> dict[str, float]:
    low, high, most = np.percentile(taken, [50, 95, 99]) * 1000
    return {
        "requests_per_second": round(len(taken) / seconds, 1),
        "p50_ms": round(float(low), 1),
        "p95_ms": round(float(high), 1),
        "p99_ms": round(float(most), 1),
    }


def measure(model: Path, texts: list[str]) -> dict[str, object]:
    """Both ways at each number of clients, in turns; the turn with the median rate."""
    figures: dict[str, dict[str, list[dict[str, float]]]] = {}
    for _ in range(ROUNDS):
        for name, words in (("batching", ()), ("one_by_one", ("--batch", "1"))):
            with serving(model, *words) as (address, _process):
                asyncio.run(load(address, texts, 8, 2.0))  # warm
                for clients in CLIENTS:
                    taken, _ = asyncio.run(load(address, texts, clients, SECONDS))
                    figures.setdefault(name, {}).setdefault(str(clients), []).append(
                        figures(taken, SECONDS)
                    )
    middle = {
        name: {
            clients: sorted(turns, key=lambda one: one["requests_per_second"])[ROUNDS // 2]
            for clients, turns in by.items()
        }
        for name, by in figures.items()
    }
    return {
        **middle,
        "batching_over_one_by_one": {
            clients: round(
                middle["batching"][clients]["requests_per_second"]
                / middle["one_by_one"][clients]["requests_per_second"],
                2,
            )
            for clients in map(str, CLIENTS)
        },
    }


def overload(model: Path, texts: list[str]) -> dict[str, object]:
    """200 clients where 16 may wait, then one."""
    with serving(model, "--room", "16") as (address, _process):
        _, status = asyncio.run(load(address, texts, 200, 5.0))
        after, calm = asyncio.run(load(address, texts, 1, 2.0))
    return {
        "answers_by_status": {str(key): count for key, count in sorted(status.items())},
        "afterwards_by_status": {str(key): count for key, count in sorted(calm.items())},
        "afterwards": figures(after, 2.0),
    }


def end(model: Path, texts: list[str]) -> dict[str, object]:
    """SIGTERM while 64 clients ask on: what the server says that it accepted, and what arrived at
    the clients.

    A kept connection may be closed while a client writes its next request into it; the server has
    not seen that one.
    """

    async def ask(address: str, process: subprocess.Popen[str]) -> Counter[str]:
        outcome, ending = Counter[str](), asyncio.Event()

        async def client(number: int) -> None:
            async with aiohttp.ClientSession() as session:
                while True:
                    try:
                        async with session.post(
                            f"{address}/predict", json={"texts": [texts[number]]}
                        ) as answer:
                            await answer.read()
                        outcome[str(answer.status)] += 1
                    except aiohttp.ClientConnectorError:
                        outcome["refused at the door"] += 1
                        return
                    except aiohttp.ClientError:
                        outcome["connection closed"] += 1
                        return
                    if ending.is_set() and process.poll() is not None:
                        return

        asking = [asyncio.create_task(client(number)) for number in range(64)]
        await asyncio.sleep(2)
        process.send_signal(signal.SIGTERM)
        ending.set()
        await asyncio.gather(*asking)
        return outcome

    with serving(model, "--wait-ms", "50") as (address, process):
        outcome = asyncio.run(ask(address, process))
        started = time.perf_counter()
        said = process.communicate(timeout=60)[1]
    counted = re.search(r"(\d+) requests were accepted, (\d+) of them", said)
    accepted, answered = map(int, counted.groups() if counted else (0, 0))
    return {
        "clients": dict(outcome),
        "accepted": accepted,
        "answered": answered,
        "lost": accepted - outcome["200"],
        "seconds_to_the_end": round(time.perf_counter() - started, 1),
    }


if __name__ == "__main__":
    quiet_libraries()
    data = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as place:
        model = trained(data / "trec", "starter:text", Path(place))
        with (data / "trec" / "train.csv").open(newline="") as handle:
            texts = [row["text"] for row in csv.DictReader(handle)]
        write_result(
            "server_load",
            {
                "machine": machine(),
                "end": end(model, texts),
                "overload": overload(model, texts),
                **measure(model, texts),
            },
        )
