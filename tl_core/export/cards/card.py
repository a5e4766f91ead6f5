"""The model card of a bundle: what it is for, how good it is, and how to use it, with metadata that
the Hub reads. Its text stands in `card.md.jinja`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tl_core.backbones.describe import STARTERS
from tl_core.backbones.own_networks import own_module
from tl_core.backbones.sources.catalogue import read_catalogue
from tl_core.backbones.sources.reference import parse_reference
from tl_core.data.preparation import Preparation
from tl_core.evaluate.measures import Score, ScoredRows
from tl_core.evaluate.report import Report, rivals
from tl_core.export.bundle_facts import Facts
from tl_core.export.exported_items import exported_items_of
from tl_core.modalities import items_of, modality_of

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

_TEMPLATE = "card.md.jinja"
_SCORES = {
    "exact_match": "Exact match",
    "accuracy": "Accuracy",
    "micro_f1": "Micro F1",
    "macro_f1": "Macro F1",
    "map": "Mean average precision",
    "hamming_loss": "Hamming loss",
    "balanced_accuracy": "Balanced accuracy",
    "log_loss": "Log loss",
}


def licence_of(backbone: str) -> str:
    """The licence of a backbone where it is known, else `other`."""
    inside = backbone.removeprefix("static:")
    if inside in STARTERS:
        return STARTERS[inside]["licence"].lower()
    name = inside.partition("@")[0]
    return next(
        (card.licence for card in read_catalogue() if card.reference == name and card.licence),
        "other",
    )


def render(facts: Facts, report: Report, name: str) -> str:
    """The card of the bundle `name` as Markdown.

    Args:
        facts: of the bundle.
        report: of the run.
        name: of the bundle.
    """
    preparation = Preparation.from_dict(facts.get("preparation", {}))
    words = exported_items_of(facts["modality"]).card_words(preparation)
    words["reads"] = " ".join([words["reads"], *_done_to_rows(preparation)])
    judged = report.get("test") or report["validation"]
    baselines = [f"{key} {accuracy['value']:.3f}" for key, accuracy in rivals(report).items()]
    splits = [f"{count:,} {split}" for split, count in report["data"]["splits"].items() if count]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # it is Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = _plain
    return environment.get_template(_TEMPLATE).render(
        name=name,
        facts=facts,
        report=report,
        judged=judged,
        metadata=_metadata(facts, report, name).to_yaml(),
        scores=[(_SCORES[key], score) for key, score in _scores(judged).items()],
        baselines=", ".join(baselines),
        splits=", ".join(splits),
        task=_pipeline_task(facts),
        own_module=own_module(facts["family"]),
        items=items_of(facts["modality"]),
        **words,
    )


def _scores(section: ScoredRows) -> dict[str, Score]:
    """The scores that a card shows, as far as the section has them."""
    scores = cast("Mapping[str, Score]", section)
    doubled = "accuracy" if "exact_match" in scores else ""  # one number under two names
    return {key: scores[key] for key in _SCORES if key in scores and key != doubled}


def _metadata(facts: Facts, report: Report, name: str) -> ModelCardData:
    """What the Hub reads of a card: licence, base model, task, and the scores on the test items,
    where these are open.
    """
    from huggingface_hub import EvalResult, ModelCardData

    test, task = report["test"], _pipeline_task(facts)
    inside = facts["backbone"].removeprefix("static:")
    reference = parse_reference(inside) if inside.startswith("hub:") else None
    results = [
        EvalResult(
            task_type=task,
            dataset_type=facts["dataset"],
            dataset_name=facts["dataset"],
            metric_type=key,
            metric_name=_SCORES[key],
            metric_value=round(score["value"], 4),
        )
        for key, score in (_scores(test).items() if test else ())
    ]
    return ModelCardData(
        license=licence_of(facts["backbone"]),
        library_name="transformers",
        pipeline_tag=task,
        base_model=reference.target if reference else None,
        tags=["graft-studio"],
        model_name=name,
        eval_results=results or None,
    )


def _pipeline_task(facts: Facts) -> str:
    """What the Hub and pipelines of transformers call such a classifier."""
    return modality_of(facts["modality"]).hub_tasks[0]


def _done_to_rows(preparation: Preparation) -> list[str]:
    """What training did to every row, in sentences; `predict.py` and the server repeat it."""
    sentences = []
    if preparation.repair:
        sentences.append(
            "Texts are repaired first (ftfy): wrongly decoded signs, HTML entities, control"
            " characters."
        )
    if preparation.scale:
        black, white = preparation.scale
        sentences.append(
            f"Values of pictures with more than 8 bits are scaled from {black:g} (black) to"
            f" {white:g} (white)."
        )
    if preparation.page == "all":
        sentences.append("Each page of a file is a picture of its own.")
    return sentences


def _plain(label: str) -> str:
    """A class name that is no Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>()#+-!|" else sign for sign in label)
