"""Which backbone suits these data? Several of them on the same sample of the training rows, none of
them tuned.

Each reads the sample once, or is read after each of its blocks; what counts is the cross-validated
accuracy of a probe on its features. LogME, the H-score and nearest neighbours stand beside it, LEEP
and NCE where a backbone brings a classifier of its own. Test rows are left alone.
"""

from __future__ import annotations

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
from tl_core.recipes.shared import common
from tl_core.results import RANKING, SPEEDS, FailedBackbone, RankedBackbones
from tl_core.train.probe.folds import folds_of


def rank(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> RankedBackbones:
    """Rank the backbones of its `RankSpec` on at most `rows` training rows; writes
    `folder/rank.json`.

    With `depths` each of them is read after every one of its blocks, after all
    side by side (depth -1), and at its end (depth 0), and these are ranked.

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
    judged, failed = _judge_all(spec, sample, progress)
    if not judged:
        raise BackboneError(
            "None of the backbones could be used.",
            str(failed[0]["error"]["what"]),
            "Choose others.",
        )
    ranking = arrange(
        [one.scores for one in judged],
        [one.right for one in judged],
        items_of(version.info.modality),
    )
    out: RankedBackbones = {"n": len(sample.rows), "failed": failed, **ranking}
    RANKING.write(folder, out)
    _remember(cache.parent, judged)
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
