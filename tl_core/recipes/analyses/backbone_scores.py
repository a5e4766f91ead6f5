"""What a backbone is worth on a sample of rows, at its end or after each of its blocks, and what
reading with it costs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import numpy as np

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.backbones.sources.model_folder import has_classifier
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import ProbeSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.measures import JudgedBackbone
from tl_core.evaluate.scores.intervals import proportion
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.select import scores
from tl_core.settings import read_settings
from tl_core.surgery.poolings.depth_classifier import KIND
from tl_core.train.arrays import Bools, Features, Floats, Ints
from tl_core.train.items.item_training import read_inputs
from tl_core.train.probe.folds import folds_of
from tl_core.train.probe.linear_probe import cross_validate
from tl_core.train.probe.probing import Reading
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.refusals import refuse_other_modality

FOLDS = 5
_TIMED = 64  # items whose reading is timed; features may come from the cache
_SETTINGS = ProbeSettings(folds=FOLDS)


@dataclass(frozen=True)
class Sample:
    """The rows that backbones are judged on: their labels for the model (rows, ...), the same as
    one number each (`codes`, rows), groups (rows,), the names of the classes, and where features
    are kept.
    """

    version: DatasetVersion
    rows: Ints
    labels: Ints
    codes: Ints
    groups: Ints
    names: list[str]
    cache: Path


class Price(TypedDict):
    """What is known of a backbone, or of one depth of it, before its features are judged."""

    backbone: str
    depth: int
    blocks: int
    leep: float | None
    nce: float | None
    parameters: int
    bytes: int
    items_per_second: float


@dataclass(frozen=True)
class Judged:
    """Scores and price, as in the report, and which rows the probe has right that it has not seen
    (rows,).
    """

    scores: JudgedBackbone
    right: Bools


def judge_backbone(
    reference: str, sample: Sample, progress: Progress, *, depths: bool
) -> Iterator[Judged]:
    """Scores and price of one backbone, or of each of its depths.

    Raises:
        UserError: when it cannot be used.
    """
    from tl_core.backbones.static_vectors import FAMILY

    seed_everything(_SETTINGS.seed)
    progress.stage("opening", share=0.1)
    backbone = load_backbone(
        reference, sample.names, read_settings(), max_length=_SETTINGS.max_length
    )
    refuse_other_modality(backbone, sample.version)
    features = _read(backbone, sample, progress)
    # what its own classes say of a row is compared with one class of the row
    compared = not depths and not sample.version.sets.several
    source = _source(reference, sample, progress) if compared else None
    price: Price = {
        "backbone": reference,
        "parameters": common.parameters_of(backbone),
        "bytes": sum(path.stat().st_size for path in backbone.folder.glob("*.safetensors")),
        "items_per_second": _items_per_second(backbone, sample),
        "depth": 0,
        "blocks": 0,
        "leep": None if source is None else scores.leep(source, sample.labels),
        "nce": None if source is None else scores.nce(source, sample.labels),
    }
    parts = [(price, features)]
    if depths and backbone.family != FAMILY:  # word vectors have none
        parts += _depths(reference, price, sample, progress)
    for own, some in parts:
        progress.stage(
            f"scoring depth {own['depth']}" if depths else "scoring", share=0.3 / len(parts)
        )
        yield _score(some, own, sample, progress)


def _read(backbone: Backbone, sample: Sample, progress: Progress) -> Features:
    rows = {"sampled": sample.rows}
    reading = Reading(_SETTINGS, sample.version, rows, backbone, sample.cache)
    return np.asarray(reading.read_all(progress, share=0.3))


def _depths(
    reference: str, price: Price, sample: Sample, progress: Progress
) -> Iterator[tuple[Price, Features]]:
    """Price and features after each block and after all of them; the sample is read once for
    all.
    """
    whole = load_backbone(
        reference,
        sample.names,
        read_settings(),
        pooling=f"{KIND}all",
        max_length=_SETTINGS.max_length,
    )
    features = _read(whole, sample, progress)

    def priced(backbone: Backbone, depth: int) -> Price:
        speed = _items_per_second(backbone, sample)
        return {**price, "depth": depth, "blocks": whole.model.blocks, "items_per_second": speed}

    start = 0
    for number, width in enumerate(whole.model.widths, 1):
        cut = replace(whole, model=whole.model.at(number))
        yield priced(cut, number), features[:, start : start + width]
        start += width
    yield priced(whole, -1), features


def _score(features: Features, price: Price, sample: Sample, progress: Progress) -> Judged:
    """What features (rows, width) are worth at this price."""
    labels, groups, codes = sample.labels, sample.groups, sample.codes
    task = sample.version.info.task
    fit = cross_validate(
        features, labels, groups, len(sample.names), _SETTINGS, progress, task=task
    )
    evaluation, right = task_evaluation_of(task), np.zeros(len(labels), dtype=bool)
    judged_rows = labels[fit.held_out_rows], fit.held_out
    right[fit.held_out_rows] = evaluation.correct(
        *judged_rows, evaluation.decide_apart(*judged_rows)
    )
    near = scores.nearest_answers(
        features, codes, list(folds_of(labels, groups, FOLDS, _SETTINGS.seed))
    )
    judged: JudgedBackbone = {
        **price,
        "probe": proportion(int(right.sum()), len(labels)),
        "knn": float((near == codes).mean()),
        "logme": scores.logme(features, labels),
        "h_score": scores.h_score(features, codes),
        "width": int(features.shape[1]),
    }
    return Judged(judged, right)


def _items_per_second(backbone: Backbone, sample: Sample) -> float:
    """How fast the backbone reads here, decoding included; timed afresh, since features may come
    from the cache.
    """
    some = sample.rows[:_TIMED]
    with backbone.extracting() as extractor:

        def read(rows: Ints) -> None:
            extractor(backbone.encode(read_inputs(sample.version, rows)), bf16=False)

        read(some[:2])
        started = time.perf_counter()
        for start in range(0, len(some), 32):
            read(some[start : start + 32])
    return float(len(some) / (time.perf_counter() - started))


def _source(reference: str, sample: Sample, progress: Progress) -> Floats | None:
    """What the backbone's own classifier says of the rows, where it has kept one."""
    folder = resolve_folder(parse_reference(reference), read_settings())
    if not has_classifier(folder):
        return None
    progress.stage("scoring its own classifier", len(sample.rows))
    return common.predict_rows(load_classifier(folder), sample.version, sample.rows, progress)
