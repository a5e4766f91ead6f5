"""A bundle's server as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import uvicorn

from tests_support.studio import ROOT, free_port


@contextmanager
def serving_here(app):
    """The address of an app that a thread of this process serves by real HTTP."""
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving(folder, *words, said=None, **environment):
    """The address of a server that is ready, and its process, which logs into the file `said`."""
    port = free_port()
    with open(said or os.devnull, "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tl_core", "serve", folder, "--port", str(port), *words],
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{address}/ready").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        yield address, process
    finally:
        process.kill()
        process.wait()
