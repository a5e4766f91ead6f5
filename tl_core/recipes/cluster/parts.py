"""Parts of a run that machines of a cluster do at the same time, each as it would be done here;
what they find lies in the folder of each, as ever. `part_work` is the other end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tl_core.errors import TrainingError
from tl_core.json_files import find_object
from tl_core.progress import Part, Progress
from tl_core.recipes.shared.distributed import MARK, STOP, forward, launch

FAILED = "failed.json"
LATE = "late"  # a file that ends a part at once; `STOP` in its folder asks it to end early
OVER = "over"  # what a part says when it is
WHOLE, HALVES = "whole", "halves"  # whether what was asked to end early counts


def do_elsewhere(
    parts: Mapping[Path, Part],
    at_once: int,
    folder: Path,
    cache: Path,
    progress: Progress,
    *,
    called: str = "Trainings",
    share: float = 0.9,
    halves: bool = False,
) -> dict[Path, TrainingError]:
    """Do the parts whose configs lie in these folders, on the cluster of this run; gives why some
    came apart.

    Args:
        parts: the progress of each, which also says when it is to end.
        at_once: how many at the same time.
        folder: of the whole.
        cache: of features.
        progress: of the whole.
        called: what they are, in the plural.
        share: of the whole that they are together.
        halves: whether a training that was asked to end early is kept.

    Raises:
        TrainingError: when the cluster could not do it.
        Cancelled: when the progress object says so.
    """
    (folder / STOP).unlink(missing_ok=True)
    for part in parts:
        for name in (FAILED, STOP, LATE):
            (part / name).unlink(missing_ok=True)
    progress.stage(f"{called} on the cluster", len(parts), share=share)
    numbered, ended = list(parts), set[str]()

    def hear(line: str) -> None:
        number, _, said = line.partition(" ")
        if said.startswith(MARK):
            # how far one of several is says nothing about the whole
            forward(said, parts[numbered[int(number)]], but="batch")
        elif said.strip() == OVER:
            ended.add(number)
            progress.batch(len(ended), len(parts))
        _end({part: parts[part] for i, part in enumerate(numbered) if str(i) not in ended})

    counted = HALVES if halves else WHOLE
    command = (sys.executable, "-m", "tl_core.recipes.cluster.ray_parts", str(at_once), counted)
    places = [str(place) for place in (folder, cache, *numbered)]
    if launch([*command, *places], dict(os.environ), folder, progress, hear):
        raise TrainingError(
            "The cluster could not do all parts.",
            "See the run's log.",
            "Resume the run; parts that are finished are kept.",
        )
    failed = {part: find_object(part / FAILED) for part in parts}
    return {part: _error(facts) for part, facts in failed.items() if facts}


def come_apart(failed: Mapping[Path, TrainingError], parts: Mapping[Path, Progress]) -> set[Path]:
    """The trainings that came apart by themselves, told of.

    Raises:
        TrainingError: what none of them could be trained with.
    """
    for part, error in failed.items():
        if error.code != TrainingError.code:
            raise error
        parts[part].log(f"left out. {error}")
    return set(failed)


def _end(running: Mapping[Path, Part]) -> None:
    """Tell those whose time is up."""
    for part, heard in running.items():
        if heard.late:
            (part / LATE).touch()
        elif heard.should_stop():
            (part / STOP).touch()


def _error(facts: Mapping[str, object]) -> TrainingError:
    """What a part left when it came apart, with the code of its kind."""
    error = TrainingError(*(str(facts[name]) for name in ("what", "why", "try_this")))
    error.code = str(facts["code"])
    return error
