"""What faults of a network do to artifacts on their way to a bucket and back: for each fault and
each way, how often a folder arrived as it was, how often that was refused in words, whether
anything was lost or silently wrong, and how many requests were made again.

`python benchmarks/store_faults.py [--trials 6]`. An S3 server (moto) stands behind a proxy on the
loopback device that befalls each request with probability 0.3; requests stall for 0.6 seconds,
which is longer than the 0.4 that anybody waits here. Each trial stores a folder of noise: empty,
small, and two larger than a piece, which are 64 KB here (16 MB in earnest). The row without a
fault is what it costs anyway.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from common import machine, write_result

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from tests_support.buckets import FAULTS, KEYS, FaultyProxy, s3_server

from tl_core.artifacts import bucket as buckets
from tl_core.artifacts import manifests
from tl_core.artifacts.bucket import Bucket, StoreError, open_bucket
from tl_core.artifacts.folder_store import FolderStore
from tl_core.errors import UserError
from tl_core.settings import Settings

SIZES = (0, 1, 700, 30_000, 65_536, 65_537, 300_000)
PIECE, SHARE, STALL, PATIENCE = 65_536, 0.3, 0.6, 0.4


def fill(place: Path, seed: str) -> dict[str, bytes]:
    """Files of noise, and what they hold."""
    draw = random.Random(seed)
    contents = {f"model/{number}.bin": draw.randbytes(size) for number, size in enumerate(SIZES)}
    (place / "model").mkdir(parents=True)
    for name, content in contents.items():
        (place / name).write_bytes(content)
    return contents


def content_of(place: Path) -> dict[str, bytes]:
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }


class Trials:
    """Trials of one fault on one way, added up."""

    def __init__(self) -> None:
        self.whole = self.refused = self.lost = self.wrong = self.half = self.mended = 0
        self.retried = self.faults = self.requests = 0
        self.seconds = 0.0

    def carry_out(
        self, number: int, way: str, proxy: FaultyProxy, bucket: Bucket, root: Path
    ) -> None:
        """Store a folder and fetch it on another machine, one of both with the fault."""
        one, other = FolderStore(bucket, root / "one"), FolderStore(bucket, root / "other")
        for home in (one.home, other.home):
            home.mkdir()
        folder = f"runs/{random.randbytes(5).hex()}"
        contents = fill(one.home / folder, f"{proxy.fault} {way} {number}")
        fault, retried, faults, requests = proxy.fault, bucket.retried, proxy.faults, proxy.requests
        started = time.perf_counter()
        try:
            proxy.fault = fault if way == "up" else ""
            one.push(folder)
            proxy.fault = fault if way == "down" else ""
            other.pull(folder)
            arrived = content_of(other.home / folder) == contents
            self.whole, self.wrong = self.whole + arrived, self.wrong + (not arrived)
        except StoreError:
            self.refused += 1
            self.half += (other.home / folder).exists()
            self.mended += self._mend(proxy, one, other, folder, contents)
        finally:
            proxy.fault = fault
        self.seconds += time.perf_counter() - started
        self.lost += content_of(one.home / folder) != contents
        self.retried += bucket.retried - retried
        self.faults += proxy.faults - faults
        self.requests += proxy.requests - requests

    def _mend(
        self,
        proxy: FaultyProxy,
        one: FolderStore,
        other: FolderStore,
        folder: str,
        contents: dict[str, bytes],
    ) -> bool:
        """Do what the refusal says, when the network is well again."""
        proxy.fault = ""
        try:
            one.push(folder, again=True)
            other.pull(folder)
        except UserError:
            return False
        return content_of(other.home / folder) == contents


def measure(trials: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with s3_server() as port:
        proxy = FaultyProxy(port, share=SHARE, methods=("GET", "PUT", "HEAD"), stall=STALL)
        settings = Settings(store="s3://bucket/faults", store_endpoint=proxy.url)
        bucket = open_bucket(settings, seconds=PATIENCE)
        for fault in ("", *FAULTS):
            for way in ("up", "down"):
                proxy.fault, result = fault, Trials()
                for number in range(trials):
                    with tempfile.TemporaryDirectory() as root:
                        result.carry_out(number, way, proxy, bucket, Path(root))
                row = {"fault": fault or "none", "way": way, "trials": trials, **vars(result)}
                rows.append({**row, "seconds": round(result.seconds / trials, 2)})
                print(rows[-1], flush=True)
        proxy.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=6)
    trials = parser.parse_args().trials
    os.environ.update(KEYS)
    logging.disable(logging.WARNING)
    manifests.PIECE_BYTES = PIECE
    rows = measure(trials)
    write_result(
        "store_faults",
        {
            "machine": machine(),
            "share": SHARE,
            "stall_seconds": STALL,
            "patience_seconds": PATIENCE,
            "tries": buckets._TRIES,
            "folder_bytes": sum(SIZES),
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
