"""The model card of a bundle: what it is for, how good it is, and how to use it, with metadata that
the Hub reads.
"""

from __future__ import annotations

from typing import Any

from tl_core.data.preparation import Preparation
from tl_core.evaluate.report import migrate, rivals
from tl_core.models.catalogue import read_catalogue
from tl_core.models.describe import STARTERS
from tl_core.models.references import parse_reference

_SCORES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "balanced_accuracy": "Balanced accuracy",
    "log_loss": "Log loss",
}
_TASKS = {"image": "image-classification", "text": "text-classification"}


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


def shown_backbone(backbone: str) -> str:
    """The reference without folders of this machine."""
    kind, _, target = backbone.rpartition(":")
    return (
        f"{kind}:{target.replace(chr(92), '/').rpartition('/')[2]}"
        if kind.endswith("local") or (kind == "static")
        else backbone
    )


def render(told: dict[str, Any], report: dict[str, Any], name: str) -> str:
    """The card as Markdown.

    Args:
        told: what `graft.json` of the bundle says.
        report: of the run.
        name: of the bundle.
    """
    from huggingface_hub import EvalResult, ModelCardData

    test, task = report.get("test"), _TASKS[told["modality"]]
    inside = told["backbone"].removeprefix("static:")
    reference = parse_reference(inside) if inside.startswith("hub:") else None
    results = [
        EvalResult(
            task_type=task,
            dataset_type=told["dataset"],
            dataset_name=told["dataset"],
            metric_type=key,
            metric_name=title,
            metric_value=round(test[key]["value"], 4),
        )
        for key, title in _SCORES.items()
        if test and key in test
    ]
    data = ModelCardData(
        license=licence_of(told["backbone"]),
        library_name="transformers",
        pipeline_tag=task,
        base_model=reference.target if reference else None,
        tags=["graft-studio"],
        model_name=name,
        eval_results=results or None,
    )
    classes = "\n".join(f"- {_plain(label)}: {counts}" for label, counts in _counts(report).items())
    return f"""---
{data.to_yaml()}
---

# {name}

Tells {told["modality"]}s apart in {len(told["labels"])} classes. Made with Graft Studio from
`{told["backbone"]}` by the recipe `{told["recipe"]}`.

## How good is it?
{report["headline"]}

{
        _table(test, "test items")
        if test
        else _table(report["validation"], "items kept for choosing; the test score is still closed")
    }

Without transfer, on the same items: {_rivals(report)}.

## Data
Dataset `{told["dataset"]}`, fingerprint `{told["data_fingerprint"][:16]}`; {_splits(report)}.
Items of each class that judged it:

{classes}

## Limits
It knows these classes alone and answers with one of them whatever it is shown. The scores hold for
items like those of the dataset; other cameras, writers or times can be harder. {_threshold(told)}

## What it reads
{_reads(Preparation.from_dict(told.get("preparation", {})), told["modality"])}

## Use
```
pip install -r requirements.txt
python predict.py {_example(told)}
```

{_pipeline(told, task)}

`graft.json` says how it was made; `golden/` holds inputs with the answers that it must give.
`python -m tl_core verify FOLDER` compares them, and the checksums in `manifest.json`.
"""


def _example(told: dict[str, Any]) -> str:
    kept = Preparation.from_dict(told.get("preparation", {}))
    if told["modality"] == "image":
        return "pictures.csv -o answers.csv" if kept.pixels else "photo.jpg"
    return "messages.csv -o answers.csv" if kept.joined else '"a text"'


def _reads(kept: Preparation, modality: str) -> str:
    """What training did to a row, in words; `predict.py` and the server repeat it."""
    names = [f"`{name}`" for name in kept.columns]
    shown = f"{names[0]} to {names[-1]}" if len(names) > 8 else " and ".join(names)
    if kept.pixels:
        width, height, channels = kept.pixels
        first = (
            f"Pictures of {width} x {height} pixels{' in colour' if channels == 3 else ''}, as"
            f" files or as numbers in {shown} of a table."
        )
    elif modality == "image":
        first = "Pictures."
    elif kept.joined:
        first = (
            f"The columns {shown} of a row, joined by a line break; a text alone is not what it was"
            " trained on."
        )
    else:
        first = f"Texts; in its training they stood in the column {shown}." if names else "Texts."
    return " ".join(
        [
            first,
            *(
                [
                    "Texts are repaired first (ftfy): wrongly decoded signs, HTML entities, control"
                    " characters."
                ]
                if kept.repair
                else []
            ),
            *(
                [
                    f"Values of pictures with more than 8 bits are scaled from {kept.scale[0]:g}"
                    f" (black) to {kept.scale[1]:g} (white)."
                ]
                if kept.scale
                else []
            ),
            *(["Each page of a file is a picture of its own."] if kept.page == "all" else []),
        ]
    )


def _pipeline(told: dict[str, Any], task: str) -> str:
    if told["runs_with"] == "onnxruntime":
        return (
            "Its classifier or pooling is none of its family's own, so `predict.py` runs"
            " `model.onnx`; plain `transformers` pipelines cannot read it."
        )
    if told["family"] == "static_vectors":
        return (
            "`import static_vectors` (beside this file) makes its class known to the pipelines of"
            " transformers."
        )
    joined = Preparation.from_dict(told.get("preparation", {})).joined
    text = r"the title\nthe text" if joined else "a text"
    item = f'"{text}", truncation=True' if told["modality"] == "text" else '"photo.jpg"'
    return f"""```python
from transformers import pipeline
pipeline("{task}", model="FOLDER")({item})
```"""


def _table(section: dict[str, Any], of: str) -> str:
    rows = [
        f"| {title} | {section[key]['value']:.3f} | {section[key]['low']:.3f} to"
        f" {section[key]['high']:.3f} |"
        for key, title in _SCORES.items()
        if key in section
    ]
    return "\n".join([f"| {section['n']:,} {of} | value | 95 % interval |", "|---|---|---|", *rows])


def _rivals(report: dict[str, Any]) -> str:
    return (
        ", ".join(
            f"{name} {accuracy['value']:.3f}" for name, accuracy in rivals(migrate(report)).items()
        )
        or "not shown"
    )


def _counts(report: dict[str, Any]) -> dict[str, int]:
    section = report.get("test") or report["validation"]
    return {row["label"]: int(row.get("support", 0)) for row in section["per_class"]}


def _splits(report: dict[str, Any]) -> str:
    return ", ".join(
        f"{count:,} {name}" for name, count in report["data"]["splits"].items() if count
    )


def _threshold(told: dict[str, Any]) -> str:
    return (
        f"Below {told['threshold']:.0%} a person should decide (`abstain`)."
        if told["threshold"]
        else ""
    )


def _plain(label: str) -> str:
    """A class name that is no Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>()#+-!|" else sign for sign in label)
