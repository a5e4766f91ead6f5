"""Trainings inside a training that machines of a cluster do at the same time, each as it would be
done here; what they find lies in the folder of each, as ever.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import TrainingError, UserError
from tl_core.json_files import find_object, write_json
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import load_training
from tl_core.recipes.shared import trials
from tl_core.recipes.shared.common import SealedVersion
from tl_core.recipes.shared.distributed import MARK, STOP, Pipe, forward, launch

FAILED = "failed.json"
OVER = "over"  # what a part says when it is


def train_elsewhere(
    parts: Mapping[Path, Progress], at_once: int, folder: Path, cache: Path, progress: Progress
) -> set[Path]:
    """Train the parts whose configs lie in these folders, on the cluster of this run; gives those
    that came apart.

    Args:
        parts: the progress of each.
        at_once: how many at the same time.
        folder: of the whole.
        cache: of features.
        progress: of the whole.

    Raises:
        TrainingError: when the cluster could not do it, or what they share is refused.
        Cancelled: when the progress object says so.
    """
    (folder / STOP).unlink(missing_ok=True)
    for part in parts:
        (part / FAILED).unlink(missing_ok=True)
    progress.stage("Trainings on the cluster", len(parts), share=0.9)
    numbered, ended = list(parts), set[str]()

    def hear(line: str) -> None:
        number, _, said = line.partition(" ")
        if said.startswith(MARK):
            # how far one of several is says nothing about the whole
            forward(said, parts[numbered[int(number)]], but="batch")
        elif said.strip() == OVER:
            ended.add(number)
            progress.batch(len(ended), len(parts))

    command = (sys.executable, "-m", "tl_core.recipes.cluster.ray_parts", str(at_once))
    places = [str(place) for place in (folder, cache, *numbered)]
    if launch([*command, *places], dict(os.environ), folder, progress, hear):
        raise TrainingError(
            "The cluster could not train all parts.",
            "See the run's log.",
            "Resume the run; parts that are finished are kept.",
        )
    failed = {part: find_object(part / FAILED) for part in parts}
    for facts in failed.values():
        if facts and facts["code"] != TrainingError.code:  # what no part could be trained with
            raise TrainingError(*(str(facts[name]) for name in ("what", "why", "try_this")))
    return {part for part, facts in failed.items() if facts}


def train_part(part: Path, folder: Path, cache: Path, say: Callable[[str], None]) -> None:
    """One of them, where it is done; a part that came apart leaves its reason."""
    quiet_libraries()
    if trials.recall(part) is not None:
        return
    config = RunConfig.read(part)
    version = SealedVersion(DatasetVersion(Path(config.dataset_dir)))
    pipe = Pipe(folder, 0, say)
    try:
        trained = load_training(config.recipe)(config, version, part, cache, pipe)
    except UserError as error:
        pipe.log(f"left out. {error}")
        write_json(part / FAILED, error.as_dict())
        return
    if not pipe.should_stop():  # half a training would be compared as a whole one
        trials.keep(part, trained)
