"""Which backbone suits these data? Several of them on the same sample of the training rows, none of them tuned.

Each reads the sample once; what counts is the cross-validated accuracy of a probe on its features. LogME, the H-score
and nearest neighbours stand beside it, LEEP and NCE where a backbone brings a classifier of its own. Test rows are left
alone.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.config import ProbeSettings, RunConfig
from tl_core.data.store import DatasetVersion, write_json
from tl_core.errors import BackboneError, DataError, UserError
from tl_core.evaluate.candidates import arrange
from tl_core.evaluate.intervals import proportion
from tl_core.evaluate.learning_curve import nested
from tl_core.evaluate.report import noun_of
from tl_core.models.backbones import load_backbone
from tl_core.models.classifier import load_classifier
from tl_core.models.references import has_classifier, parse_reference, read_json, resolve_folder
from tl_core.progress import Part, Progress
from tl_core.recipes import common
from tl_core.select import scores
from tl_core.settings import read_settings
from tl_core.train.linear_probe import fit_probe, folds_of
from tl_core.train.probing import probe_features, read_inputs
from tl_core.train.seeds import seed_everything

FILE = "rank.json"
SPEEDS = "speeds.json"  # in TL_HOME
ROWS = 1000
_TIMED = 64  # items whose reading is timed; features may come from the cache
_FOLDS = 5
Ints = NDArray[np.int64]


def rank(config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress) -> dict[str, Any]:
    """Rank `config.options["backbones"]` on at most `config.options["rows"]` training rows; writes `folder/rank.json`.

    Returns:
        `n`, `ranking`: of each backbone that could be used `backbone`, `probe` (accuracy with its interval), `knn`,
        `logme`, `h_score`, `leep` and `nce` (None without a classifier of its own), `parameters`, `bytes`,
        `items_per_second`, `width`, the best by its probe first; `failed`: of each other `backbone` and the error;
        `agreement`: Kendall's tau of each score with the probe; `pairs` and `sentence`: what the best is worth.

    Raises:
        DataError: when fewer than two classes or too few rows can take part.
        BackboneError: when no backbone could be used.
    """
    space = common.label_space(version)
    rows, labels = _sample(version, space, int(config.options.get("rows", ROWS)))
    groups = version.groups[rows]
    asked: list[str] = config.options["backbones"]
    references = list(dict.fromkeys(asked))
    found, said = [], []
    failed: list[dict[str, Any]] = []
    for reference in references:
        part = Part(progress, reference, 1 / len(references))
        try:
            one, answers = _judge(reference, version, rows, labels, groups, space.model_names, cache, part)
        except UserError as error:  # one that cannot be used must not cost the others
            part.log(f"left out. {error}")
            failed.append({"backbone": reference, "error": error.as_dict()})
            continue
        found.append(one)
        said.append(answers == labels)
    if not found:
        raise BackboneError("None of the backbones could be used.", str(failed[0]["error"]["what"]), "Choose others.")
    out = {"n": len(rows), "failed": failed, **arrange(found, said, noun_of(version.info.modality))}
    write_json(folder / FILE, out)
    _remember(cache.parent / SPEEDS, {one["backbone"]: one["items_per_second"] for one in found})
    return out


def _remember(path: Path, speeds: dict[str, float]) -> None:
    """How fast this machine reads with each backbone, for its card."""
    write_json(path, {**read_json(path), **speeds})


def _sample(version: DatasetVersion, space: common.LabelSpace, most: int) -> tuple[Ints, Ints]:
    """Training rows, a stratified part of them where there are many, and their classes."""
    train = version.rows_of("train")
    labels = space.to_model(version.labels)[train]
    if len(space.kept) < 2 or len(train) < 2 * _FOLDS:
        raise DataError("There are too few training rows to rank backbones by.", f"There are {len(train)} in "
                        f"{len(space.kept)} classes.", "Add more labelled items.")
    some = np.sort(nested(labels, 0)[:most])
    return train[some], labels[some]


def _judge(reference: str, version: DatasetVersion, rows: Ints, labels: Ints, groups: Ints, names: list[str],
           cache: Path, progress: Progress) -> tuple[dict[str, Any], Ints]:
    """Scores and price of one backbone, and what its probe calls each row."""
    settings = ProbeSettings()
    seed_everything(settings.seed)
    progress.stage("opening", share=0.1)
    backbone = load_backbone(reference, names, read_settings(), max_length=settings.max_length)
    common.refuse_other_modality(backbone, version)
    features = np.asarray(probe_features(settings, version, {"sampled": rows}, backbone, cache, progress, share=0.6))
    speed = _items_per_second(backbone, version, rows)
    progress.stage("judging", share=0.3)
    fit = fit_probe((features, labels), (features[:0], labels[:0]), groups, classes=len(names),
                    c_values=settings.c_values, selection="cv", folds=_FOLDS, balanced=False, intercept=True,
                    seed=settings.seed, progress=progress)
    answers = np.full(len(rows), -1)
    answers[fit.held_out_rows] = fit.held_out.argmax(axis=1)
    near = scores.nearest_answers(features, labels, list(folds_of(labels, groups, _FOLDS, settings.seed)))
    source = _source(reference, version, rows, progress)
    return {"backbone": reference, "probe": proportion(int((answers == labels).sum()), len(rows)),
            "knn": float((near == labels).mean()), "logme": scores.logme(features, labels),
            "h_score": scores.h_score(features, labels),
            "leep": None if source is None else scores.leep(source, labels),
            "nce": None if source is None else scores.nce(source, labels),
            "parameters": sum(p.numel() for p in backbone.model.parameters()),
            "bytes": sum(path.stat().st_size for path in backbone.folder.glob("*.safetensors")),
            "items_per_second": speed, "width": int(features.shape[1])}, answers


def _items_per_second(backbone: Any, version: DatasetVersion, rows: Ints) -> float:  # noqa: ANN401
    """How fast the backbone reads here, decoding included; timed afresh, since features may come from the cache."""
    some = rows[:_TIMED]
    with backbone.extracting() as extractor:
        extractor(backbone.encode(read_inputs(version, some[:2])), bf16=False)
        started = time.perf_counter()
        for start in range(0, len(some), 32):
            extractor(backbone.encode(read_inputs(version, some[start:start + 32])), bf16=False)
    return float(len(some) / (time.perf_counter() - started))


def _source(reference: str, version: DatasetVersion, rows: Ints, progress: Progress) -> Any:  # noqa: ANN401
    """What the backbone's own classifier says of the rows, where it has kept one."""
    folder = resolve_folder(parse_reference(reference), read_settings())
    if not has_classifier(folder):
        return None
    progress.stage("asking its own classifier", len(rows))
    return common.predict_rows(load_classifier(folder), version, rows, progress)
