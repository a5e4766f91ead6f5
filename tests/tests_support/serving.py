"""A bundle's server as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx

from tests_support.studio import ROOT, free_port


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
