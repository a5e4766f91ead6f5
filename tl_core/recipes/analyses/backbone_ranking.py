"""Which backbone suits these data? Several of them on the same sample of the training rows, none of
them tuned.

Each reads the sample once, or is read after each of its blocks; what counts is the cross-validated
accuracy of a probe on its features. LogME, the H-score and nearest neighbours stand beside it, LEEP
and NCE where a backbone brings a classifier of its own. Test rows are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.config import RunConfig
from tl_core.config.specs import RankSpec
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError, DataError, UserError
from tl_core.evaluate.backbone_order import arrange
from tl_core.evaluate.learning_curve import nested
from tl_core.modalities import items_of
from tl_core.progress import Part, Progress
from tl_core.recipes.analyses.backbone_scores import FOLDS, Judged, Sample, judge_backbone
from tl_core.recipes.cluster.parts import do_elsewhere
from tl_core.recipes.shared import common
from tl_core.results import JUDGED, RANKING, SPEEDS, FailedBackbone, RankedBackbones
from tl_core.settings import spread_by
from tl_core.train.probe.folds import folds_of

_RIGHT = "right.npy"  # of one backbone, for each of its depths: which rows it has right


def rank(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> RankedBackbones:
    """Rank the backbones of its `RankSpec` on at most `rows` training rows; writes
    `folder/rank.json`.

    With `depths` each of them is read after every one of its blocks, after all
    side by side (depth -1), and at its end (depth 0), and these are ranked. With `processes` so
    many of them are judged at the same time where a cluster carries the run out.

    Returns:
        `n`, `ranking`: of each backbone that could be used `backbone`, `depth` and `blocks`, `name`
        (with its depth), `probe` (accuracy with its interval), `knn`, `logme`, `h_score`, `leep`
        and `nce` (None without a classifier of its own), `parameters`, `bytes`, `items_per_second`,
        `width`, the best by its probe first; `failed`: of each other `backbone` and the error;
        `agreement`: Kendall's tau of each score with the probe; `pairs` and
        `sentence`: what the best is worth.

    Raises:
        DataError: when fewer than two classes or too few rows can take part.
        BackboneError: when no backbone could be used.
    """
    spec = RankSpec.from_dict(config.options)
    sample = _sample(version, spec.rows, cache)
    if spec.processes > 1 and spread_by() and len(spec.backbones) > 1:
        judged, failed = _judge_elsewhere(config, spec, sample, folder, progress)
    else:
        judged, failed = _judge_all(spec, sample, progress)
    if not judged:
        raise BackboneError(
            "None of the backbones could be used.",
            str(failed[0]["error"]["what"]),
            "Choose others.",
        )
    return _ranked(judged, failed, sample, folder)


def rank_one(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> None:
    """Judge the one backbone of its `RankSpec`; writes what `rank` writes, and for whoever ranks it
    among others its scores and which rows it has right, unless they are there.

    Raises:
        UserError: when it cannot be used.
    """
    if JUDGED.find(folder):
        return
    spec = RankSpec.from_dict(config.options)
    sample = _sample(version, spec.rows, cache)
    judged = list(judge_backbone(spec.backbones[0], sample, progress, depths=spec.depths))
    _ranked(judged, [], sample, folder)
    np.save(folder / _RIGHT, np.stack([one.right for one in judged]))
    JUDGED.write(folder, {"scores": [one.scores for one in judged]})


def _ranked(
    judged: list[Judged], failed: list[FailedBackbone], sample: Sample, folder: Path
) -> RankedBackbones:
    """The ranking, written down; how fast they read is remembered."""
    ranking = arrange(
        [one.scores for one in judged],
        [one.right for one in judged],
        items_of(sample.version.info.modality),
    )
    out: RankedBackbones = {"n": len(sample.rows), "failed": failed, **ranking}
    RANKING.write(folder, out)
    _remember(sample.cache.parent, judged)
    return out


def _judge_all(
    spec: RankSpec, sample: Sample, progress: Progress
) -> tuple[list[Judged], list[FailedBackbone]]:
    """Every backbone that could be used, or its depths; and the others, with the error."""
    judged: list[Judged] = []
    failed: list[FailedBackbone] = []
    references = list(dict.fromkeys(spec.backbones))
    for reference in references:
        part = Part(progress, reference, 1 / len(references))
        try:
            judged += list(judge_backbone(reference, sample, part, depths=spec.depths))
        except UserError as error:  # one that cannot be used must not cost the others
            part.log(f"left out. {error}")
            failed.append({"backbone": reference, "error": error.as_dict()})
    return judged, failed


def _judge_elsewhere(
    config: RunConfig, spec: RankSpec, sample: Sample, folder: Path, progress: Progress
) -> tuple[list[Judged], list[FailedBackbone]]:
    """The same, several at a time, each on a machine of the cluster."""
    references = list(dict.fromkeys(spec.backbones))
    places = [folder / "backbones" / str(number) for number in range(len(references))]
    parts = write_parts(config, references, places, rows=spec.rows, depths=spec.depths)
    heard = {part: Part(progress, name, 1.0) for part, name in zip(parts, references, strict=True)}
    errors = do_elsewhere(heard, spec.processes, folder, sample.cache, progress, called="Backbones")
    judged: list[Judged] = []
    failed: list[FailedBackbone] = []
    for part, reference in zip(parts, references, strict=True):
        if error := errors.get(part):
            heard[part].log(f"left out. {error}")
            failed.append({"backbone": reference, "error": error.as_dict()})
            continue
        rights = np.load(part / _RIGHT)
        scores = JUDGED.load(part)["scores"]
        judged += [Judged(one, right) for one, right in zip(scores, rights, strict=True)]
    return judged, failed


def write_parts(
    config: RunConfig,
    references: Sequence[str],
    places: Sequence[Path],
    *,
    rows: int,
    depths: bool = False,
) -> list[Path]:
    """The folders `places`, made, each with the config of ranking one backbone alone."""
    for reference, place in zip(references, places, strict=True):
        place.mkdir(parents=True, exist_ok=True)
        options = {"backbones": [reference], "rows": rows, "depths": depths}
        replace(config, kind="rank", recipe="", backbone="", options=options).write(place)
    return list(places)


def _remember(home: Path, judged: list[Judged]) -> None:
    """How fast this machine reads with each backbone, for its card."""
    speeds = {
        one.scores["backbone"]: one.scores["items_per_second"]
        for one in judged
        if not one.scores["depth"]
    }
    SPEEDS.write(home, {**(SPEEDS.find(home) or {}), **speeds})


def _sample(version: DatasetVersion, most: int, cache: Path) -> Sample:
    """Training rows, a stratified part of them where there are many, and their classes.

    Raises:
        DataError: when fewer than two classes or too few rows can take part.
    """
    space, train = common.label_space(version), version.rows_of("train")
    labels, codes = space.to_model(version.targets)[train], version.labels[train]
    if (
        len(space.kept) < 2
        or len(train) < 2 * FOLDS
        or not list(folds_of(labels, version.groups[train], FOLDS, 0))
    ):
        raise DataError(
            "There are too few training rows to rank backbones by.",
            f"There are {len(train)} in "
            f"{len(space.kept)} classes and {len(np.unique(version.groups[train]))} groups.",
            "Add more labelled items.",
        )
    some = np.sort(nested(codes, 0)[:most])
    rows = train[some]
    return Sample(
        version,
        rows,
        labels[some],
        codes[some],
        version.groups[rows],
        space.model_names,
        cache,
    )
