"""A part of a run where it is done, on another machine of its cluster; `parts` is the other end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import UserError
from tl_core.json_files import write_json
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import load_training
from tl_core.recipes.analyses import backbone_ranking, estimate
from tl_core.recipes.cluster.parts import FAILED, LATE
from tl_core.recipes.shared import trials
from tl_core.recipes.shared.common import SealedVersion
from tl_core.recipes.shared.distributed import STOP, Pipe
from tl_core.results import ESTIMATE


class _Heard(Pipe):
    """What a part says; it ends when the whole is asked to, when it is asked itself, or at once.

    Args:
        part: its folder.
        folder: of the whole.
        say: takes a line.
    """

    def __init__(self, part: Path, folder: Path, say: Callable[[str], None]) -> None:
        super().__init__(folder, 0, say)
        self._part = part

    def batch(self, done: int, total: int) -> None:
        super().batch(done, total)
        if (self._part / LATE).exists():
            raise trials.out_of_time()

    def should_stop(self) -> bool:
        return super().should_stop() or (self._part / STOP).exists()


def do_part(
    part: Path, folder: Path, cache: Path, say: Callable[[str], None], *, halves: bool = False
) -> None:
    """Do the part whose config lies in its folder, unless it was done before; one that comes apart
    leaves its reason.

    Args:
        part: its folder.
        folder: of the whole.
        cache: of features.
        say: takes a line.
        halves: whether a training that was asked to end early is kept.
    """
    quiet_libraries()
    config, pipe = RunConfig.read(part), _Heard(part, folder, say)
    whole = DatasetVersion(Path(config.dataset_dir))
    version = SealedVersion(whole)
    try:
        if config.kind == "rank":
            backbone_ranking.rank_one(config, version, part, cache, pipe)
        elif config.kind == "preflight":  # which looks whether there are test rows
            ESTIMATE.write(part, estimate.measure(config, whole, part, cache, pipe))
        elif trials.recall(part) is None:
            _train(config, version, part, cache, pipe, halves=halves)
    except UserError as error:
        write_json(part / FAILED, error.as_dict())


def _train(
    config: RunConfig,
    version: DatasetVersion,
    part: Path,
    cache: Path,
    pipe: Progress,
    *,
    halves: bool,
) -> None:
    began = time.monotonic()
    trained = load_training(config.recipe)(config, version, part, cache, pipe)
    if halves or not pipe.should_stop():  # else half a training would be compared as a whole one
        trained.timing["whole"] = time.monotonic() - began
        trials.keep(part, trained)
