"""Parts of a run as tasks of a Ray cluster, each on a GPU, or processors, of its own.

`python -m tl_core.recipes.cluster.ray_parts AT_ONCE whole|halves FOLDER CACHE PART...`, inside of a
job of the cluster; prints what each part says, a line each with the part's number before it. Ray
begins a task again whose machine is lost; it goes on from its own newest checkpoint.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import ray
from ray.actor import ActorHandle

from tl_core.recipes.cluster.mailbox import printed, sayer
from tl_core.recipes.cluster.part_work import do_part
from tl_core.recipes.cluster.parts import HALVES, OVER

_LOSSES = 3  # machines that one part may lose


def _work(
    number: int, part: str, counted: str, folder: str, cache: str, mailbox: ActorHandle
) -> None:
    """What Ray runs for each."""
    say = _numbered(number, sayer(mailbox))
    do_part(Path(part), Path(folder), Path(cache), say, halves=counted == HALVES)
    say(OVER)


def _numbered(number: int, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda line: say(f"{number} {line}")


def main(at_once: int, counted: str, folder: str, cache: str, parts: list[str]) -> int:
    """Do them all, so many at the same time."""
    ray.init(logging_level="WARNING")
    task = ray.remote(
        num_cpus=int(os.environ.get("OMP_NUM_THREADS", "1")),
        num_gpus=1 if ray.cluster_resources().get("GPU", 0) else 0,
        max_retries=_LOSSES,
        max_calls=1,  # a process of its own: nothing that one leaves behind meets the next
    )(_work)
    with printed() as mailbox:
        told = (counted, folder, cache, mailbox)
        waiting = [(number, part, *told) for number, part in enumerate(parts)]
        running: list[ray.ObjectRef] = []
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(task.remote(*waiting.pop(0)))
            [done], running = ray.wait(running, num_returns=1)
            ray.get(done)
    return 0


if __name__ == "__main__":
    at_once, counted, folder, cache, *parts = sys.argv[1:]
    sys.exit(main(int(at_once), counted, folder, cache, parts))
