"""Which backbone suits these data? Several of them on the same sample of the training rows, none of
them tuned.

Each reads the sample once, or is read after each of its blocks; what counts is the cross-validated
accuracy of a probe on its features. LogME, the H-score and nearest neighbours stand beside it, LEEP
and NCE where a backbone brings a classifier of its own. Test rows are left alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.config import ProbeSettings, RunConfig
from tl_core.config.specs import RankSpec
from tl_core.data.store import DatasetVersion
from tl_core.errors import BackboneError, DataError, UserError
from tl_core.evaluate.candidates import arrange
from tl_core.evaluate.intervals import proportion
from tl_core.evaluate.learning_curve import nested
from tl_core.evaluate.report import noun_of
from tl_core.evaluate.schema import JudgedBackbone
from tl_core.models.backbones import load_backbone
from tl_core.models.classifier import load_classifier
from tl_core.models.depths import KIND
from tl_core.models.references import has_classifier, parse_reference, resolve_folder
from tl_core.progress import Part, Progress
from tl_core.recipes import common
from tl_core.results import RANKING, SPEEDS, FailedBackbone, RankedBackbones
from tl_core.select import scores
from tl_core.settings import read_settings
from tl_core.train.linear_probe import fit_probe, folds_of
from tl_core.train.probing import probe_features, read_inputs
from tl_core.train.seeds import seed_everything

_TIMED = 64  # items whose reading is timed; features may come from the cache
_FOLDS = 5
Ints = NDArray[np.int64]


def rank(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> RankedBackbones:
    """Rank the backbones of its `RankSpec` on at most `rows` training rows; writes
    `folder/rank.json`.

    With `depths` each of them is read after every one of its blocks, after all
    side by side (depth
    -1), and at its end (depth 0), and these are ranked.

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
    space = common.label_space(version)
    rows, labels = _sample(version, space, spec.rows)
    groups = version.groups[rows]
    references = list(dict.fromkeys(spec.backbones))
    found: list[JudgedBackbone] = []
    said = []
    failed: list[FailedBackbone] = []
    for reference in references:
        part = Part(progress, reference, 1 / len(references))
        try:
            judged = list(
                _judge(
                    reference,
                    version,
                    rows,
                    labels,
                    groups,
                    space.model_names,
                    cache,
                    part,
                    depths=spec.depths,
                )
            )
        except UserError as error:  # one that cannot be used must not cost the others
            part.log(f"left out. {error}")
            failed.append({"backbone": reference, "error": error.as_dict()})
            continue
        for one, answers in judged:
            found.append(one)
            said.append(answers == labels)
    if not found:
        raise BackboneError(
            "None of the backbones could be used.",
            str(failed[0]["error"]["what"]),
            "Choose others.",
        )
    out: RankedBackbones = {
        "n": len(rows),
        "failed": failed,
        **arrange(found, said, noun_of(version.info.modality)),
    }
    RANKING.write(folder, out)
    _remember(
        cache.parent,
        {one["backbone"]: one["items_per_second"] for one in found if not one["depth"]},
    )
    return out


def _remember(home: Path, speeds: dict[str, float]) -> None:
    """How fast this machine reads with each backbone, for its card."""
    SPEEDS.write(home, {**(SPEEDS.find(home) or {}), **speeds})


def _sample(version: DatasetVersion, space: common.LabelSpace, most: int) -> tuple[Ints, Ints]:
    """Training rows, a stratified part of them where there are many, and their classes."""
    train = version.rows_of("train")
    labels = space.to_model(version.labels)[train]
    if (
        len(space.kept) < 2
        or len(train) < 2 * _FOLDS
        or not list(folds_of(labels, version.groups[train], _FOLDS, 0))
    ):
        raise DataError(
            "There are too few training rows to rank backbones by.",
            f"There are {len(train)} in "
            f"{len(space.kept)} classes and {len(np.unique(version.groups[train]))} groups.",
            "Add more labelled items.",
        )
    some = np.sort(nested(labels, 0)[:most])
    return train[some], labels[some]


def _judge(
    reference: str,
    version: DatasetVersion,
    rows: Ints,
    labels: Ints,
    groups: Ints,
    names: list[str],
    cache: Path,
    progress: Progress,
    *,
    depths: bool,
) -> Iterator[tuple[JudgedBackbone, Ints]]:
    """Scores and price of one backbone, or of each of its depths, and what its probe calls each
    row.
    """
    from tl_core.models.static_vectors import FAMILY

    settings = ProbeSettings()
    seed_everything(settings.seed)
    progress.stage("opening", share=0.1)
    backbone = load_backbone(reference, names, read_settings(), max_length=settings.max_length)
    common.refuse_other_modality(backbone, version)
    features = np.asarray(
        probe_features(settings, version, {"sampled": rows}, backbone, cache, progress, share=0.3)
    )
    source = None if depths else _source(reference, version, rows, progress)
    facts = {
        "backbone": reference,
        "parameters": sum(p.numel() for p in backbone.model.parameters()),
        "bytes": sum(path.stat().st_size for path in backbone.folder.glob("*.safetensors")),
        "items_per_second": _items_per_second(backbone, version, rows),
        "depth": 0,
        "blocks": 0,
        "leep": None if source is None else scores.leep(source, labels),
        "nce": None if source is None else scores.nce(source, labels),
    }
    parts = [(facts, features)]
    if depths and backbone.family != FAMILY:  # word vectors have none
        parts += _depths(reference, facts, settings, version, rows, names, cache, progress)
    for told, read in parts:
        progress.stage(
            f"judging depth {told['depth']}" if depths else "judging", share=0.3 / len(parts)
        )
        scored, answers = _score(read, labels, groups, len(names), settings, progress)
        yield cast(JudgedBackbone, {**told, **scored}), answers


def _depths(
    reference: str,
    facts: dict[str, Any],
    settings: ProbeSettings,
    version: DatasetVersion,
    rows: Ints,
    names: list[str],
    cache: Path,
    progress: Progress,
) -> list[tuple[dict[str, Any], Any]]:
    """Price and features after each block and after all of them; the sample is read once for
    all.
    """
    whole = load_backbone(
        reference, names, read_settings(), pooling=f"{KIND}all", max_length=settings.max_length
    )
    features = np.asarray(
        probe_features(settings, version, {"sampled": rows}, whole, cache, progress, share=0.3)
    )
    blocks, found, start = whole.model.blocks, [], 0
    for number, width in enumerate(whole.model.widths, 1):
        cut = replace(whole, model=whole.model.at(number))
        found.append(
            (
                {
                    **facts,
                    "depth": number,
                    "blocks": blocks,
                    "items_per_second": _items_per_second(cut, version, rows),
                },
                features[:, start : start + width],
            )
        )
        start += width
    return [
        *found,
        (
            {
                **facts,
                "depth": -1,
                "blocks": blocks,
                "items_per_second": _items_per_second(whole, version, rows),
            },
            features,
        ),
    ]


def _score(
    features: Any,  # noqa: ANN401
    labels: Ints,
    groups: Ints,
    classes: int,
    settings: ProbeSettings,
    progress: Progress,
) -> tuple[dict[str, Any], Ints]:
    """What features (rows, width) are worth, and what a probe on them calls each row that it has
    not seen.
    """
    fit = fit_probe(
        (features, labels),
        (features[:0], labels[:0]),
        groups,
        classes=classes,
        c_values=settings.c_values,
        selection="cv",
        folds=_FOLDS,
        balanced=False,
        intercept=True,
        seed=settings.seed,
        progress=progress,
    )
    answers = np.full(len(labels), -1)
    answers[fit.held_out_rows] = fit.held_out.argmax(axis=1)
    near = scores.nearest_answers(
        features, labels, list(folds_of(labels, groups, _FOLDS, settings.seed))
    )
    return {
        "probe": proportion(int((answers == labels).sum()), len(labels)),
        "knn": float((near == labels).mean()),
        "logme": scores.logme(features, labels),
        "h_score": scores.h_score(features, labels),
        "width": int(features.shape[1]),
    }, answers


def _items_per_second(backbone: Any, version: DatasetVersion, rows: Ints) -> float:  # noqa: ANN401
    """How fast the backbone reads here, decoding included; timed afresh, since features may come
    from the cache.
    """
    some = rows[:_TIMED]
    with backbone.extracting() as extractor:
        extractor(backbone.encode(read_inputs(version, some[:2])), bf16=False)
        started = time.perf_counter()
        for start in range(0, len(some), 32):
            extractor(backbone.encode(read_inputs(version, some[start : start + 32])), bf16=False)
    return float(len(some) / (time.perf_counter() - started))


def _source(reference: str, version: DatasetVersion, rows: Ints, progress: Progress) -> Any:  # noqa: ANN401
    """What the backbone's own classifier says of the rows, where it has kept one."""
    folder = resolve_folder(parse_reference(reference), read_settings())
    if not has_classifier(folder):
        return None
    progress.stage("asking its own classifier", len(rows))
    return common.predict_rows(load_classifier(folder), version, rows, progress)
