"""The report as one HTML file: no script, no network, prints on A4, and none of the user's texts or
photos unless they are handed over.

What is drawn is prepared here; `templates/report.html.j2` says how, and escapes every text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from tl_core.evaluate.html_charts import Points, separation_charts, span_text, training_charts
from tl_core.evaluate.html_tables import Table, confusion_table
from tl_core.evaluate.measures import ConformalSets, ScoredRows
from tl_core.evaluate.report import Report, beside, compared_by, rivals, taught_itself
from tl_core.evaluate.scores.slices import value_of
from tl_core.modalities import items_of

_ACCENT, _SLATE, _DARK = "#009E73", "#7A8793", "#3E4843"
_NAMES = {
    "exact_match": "exact match",
    "accuracy": "accuracy",
    "micro_f1": "micro F1",
    "weighted_f1": "weighted F1",
    "item_f1": "F1 of an item",
    "map": "mean average precision",
    "hamming_loss": "Hamming loss",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "mcc": "Matthews correlation",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
}
_LONGEST_TEXT = 400


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tl_core.evaluate"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html.j2")


@dataclass(frozen=True)
class Example:
    """A mistake that goes along: its class, what it was called, how sure, and the item itself: a
    text, or a small JPEG.
    """

    true: str
    called: str
    confidence: float
    item: str | bytes


def render(report: Report, loss: Points = (), examples: Sequence[Example] = ()) -> str:
    """The whole report as a page.

    Args:
        report: what is told.
        loss: the loss of the training by epoch, which a report does not hold.
        examples: mistakes to be shown; none of the user's items goes along without them.
    """
    section = report["test"] or report["validation"]
    compared = report.get("against_baseline")
    page = _template().render(
        accent=_ACCENT,
        slate=_SLATE,
        dark=_DARK,
        headline=report["headline"],
        about=_about(report, section),
        looks=_looks(report),
        bars=_bars(report, section),
        compared=" ".join(
            [
                *([compared["sentence"]] if compared else []),
                *beside(report),
                *taught_itself(report),
            ]
        ),
        scores=_scores(section),
        classes=_classes(section),
        confusion=confusion_table(section),
        levels=_level_table(section),
        slices=_slices(section),
        reliability=_reliability(section),
        curves=training_charts(report, loss),
        separations=separation_charts(section),
        examples=[_example(one) for one in examples],
        promises=[_promise(sets) for sets in section.get("conformal", [])],
        made_with=_made_with(report),
    )
    return page.strip() + "\n"


def _about(report: Report, section: ScoredRows) -> str:
    """Data, backbone and items; of a local backbone the last part of its path alone."""
    noun = items_of(report.get("modality", ""))
    kind = f"test {noun}" if report["test"] else f"validation {noun}"
    backbone = report["backbone"]
    made_from = backbone.rsplit("/", 1)[-1] if backbone.startswith("local:") else backbone
    return f"{report['dataset']}, {made_from or report['recipe']}, {section['n']:,} {kind}"


def _looks(report: Report) -> str:
    if not report["test"]:
        return "The test score is closed."
    noun, looks = items_of(report.get("modality", "")), report.get("test_looks", 1)
    return (
        f"These test {noun} had scored {looks} run{'s' * (looks != 1)} when this one was finished."
    )


@dataclass(frozen=True)
class Bar:
    """An accuracy as a bar with a whisker; `value`, `low` and `high` are places from the left."""

    name: str
    colour: str
    top: int
    value: float
    low: float
    high: float
    shown: str


@dataclass(frozen=True)
class Bars:
    """Bars below each other; they begin at `left`, and their numbers stand at `label`."""

    rows: list[Bar]
    left: int
    label: int
    width: int
    height: int


def _bars(report: Report, section: ScoredRows) -> Bars:
    """The score of the run and of what there would be without transfer."""
    left, length, step = 190, 420, 32
    scores = [("this run", compared_by(section)[1], _ACCENT)]
    scores += [(f"without transfer: {name}", one, _SLATE) for name, one in rivals(report).items()]
    bars = [
        Bar(
            name,
            colour,
            8 + step * place,
            left + length * score["value"],
            left + length * score["low"],
            left + length * score["high"],
            f"{100 * score['value']:.0f}",
        )
        for place, (name, score, colour) in enumerate(scores)
    ]
    return Bars(bars, left, left + length + 10, left + length + 50, 16 + step * len(bars))


def _scores(section: ScoredRows) -> Table:
    parts = [(name, part) for name, part in section.items() if isinstance(part, dict)]
    return Table(
        ["score", "value", "95 % interval", "method"],
        [
            [
                _NAMES.get(name, name),
                f"{part['value']:.3f}",
                f"{part['low']:.3f} to {part['high']:.3f}",
                part["method"],
            ]
            for name, part in parts
            if "value" in part
        ],
    )


def _classes(section: ScoredRows) -> Table:
    return Table(
        ["class", "items", "recall", "precision", "F1"],
        [
            [
                row["label"],
                f"{row['support']:,}",
                span_text(row["recall"]),
                span_text(row["precision"]),
                span_text(row["f1"]),
            ]
            for row in section["per_class"]
        ],
    )


@dataclass(frozen=True)
class LevelTable:
    """Scores at each level of class names that are paths, and the share of wrong answers that are
    right one level up, in a sentence.
    """

    sentence: str
    table: Table


def _level_table(section: ScoredRows) -> LevelTable | None:
    """The levels of a section; None where its class names have none."""
    found = section.get("levels")
    if not found:
        return None
    share = found["one_up"]
    rows = [
        [
            str(part["level"]),
            f"{len(part['confusion']['labels']):,}",
            span_text(part["accuracy"]),
            span_text(part["macro_f1"]),
            span_text(part["summed_accuracy"]) if "summed_accuracy" in part else "",
        ]
        for part in found["levels"]
    ]
    return LevelTable(
        f"Of {found['wrong']:,} wrong answers {round(share['value'] * found['wrong']):,} are right"
        " one level above the true class.",
        Table(["level", "names", "accuracy", "macro F1", "by summed probability"], rows),
    )


@dataclass(frozen=True)
class SliceTable:
    """Kinds of items, with a note where none stands out."""

    note: str
    table: Table


def _slices(section: ScoredRows) -> SliceTable | None:
    parts = section.get("slices", [])
    if not parts:
        return None
    weak = [part for part in parts if part["worse"]]
    table = Table(
        ["slice", "items", "accuracy", "on the rest", "p (Holm)"],
        [
            [
                f"{part['by']}: {value_of(part)}",
                f"{part['n']:,}",
                span_text(part["accuracy"]),
                f"{part['rest']:.2f}",
                f"{part['p_value']:.3f}",
            ]
            for part in weak or parts
        ],
    )
    none_weak = (
        f"None of the {len(parts)} slices tested is worse than the rest by more than chance."
    )
    return SliceTable("" if weak else none_weak, table)


@dataclass(frozen=True)
class Dot:
    """A bin of confidences: its place, its whisker as a path, and its radius."""

    x: float
    y: float
    whisker: str
    radius: float


@dataclass(frozen=True)
class ReliabilityChart:
    """Confidence against accuracy in a square, its paths and texts in place."""

    dots: list[Dot]
    diagonal: str
    frame: str
    middle: float
    below: int
    beside: float
    width: int
    height: int


def _reliability(section: ScoredRows) -> ReliabilityChart | None:
    """None where an older report has no such bins."""
    bins = section.get("reliability", [])
    if not bins:
        return None
    side, edge, top = 240, 36, 8

    def at(x: float, y: float) -> str:
        return f"{edge + side * x:.1f} {top + side * (1 - y):.1f}"

    dots = [
        Dot(
            edge + side * part["confidence"],
            top + side * (1 - part["accuracy"]["value"]),
            f"M{at(part['confidence'], part['accuracy']['low'])}"
            f"L{at(part['confidence'], part['accuracy']['high'])}",
            3 + 6 * (part["n"] / section["n"]) ** 0.5,
        )
        for part in bins
    ]
    return ReliabilityChart(
        dots,
        diagonal=f"M{at(0, 0)}L{at(1, 1)}",
        frame=f"M{at(0, 1)}L{at(0, 0)}L{at(1, 0)}",
        middle=edge + side / 2,
        below=side + 30,
        beside=top + side / 2,
        width=side + 60,
        height=side + 44,
    )


@dataclass(frozen=True)
class ShownExample:
    """An example as the page holds it: a text, or the address of a picture that is in itself."""

    caption: str
    text: str
    picture: str


def _example(one: Example) -> ShownExample:
    caption = f"{one.true}, called {one.called} ({min(99, int(100 * one.confidence))} % sure)"
    if isinstance(one.item, bytes):
        return ShownExample(caption, "", f"data:image/jpeg;base64,{b64encode(one.item).decode()}")
    text = one.item
    return ShownExample(
        caption, text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…", ""
    )


def _promise(sets: ConformalSets) -> str:
    return (
        "Conformal prediction sets that promise to cover the true class"
        f" {100 * sets['promised']:.0f} times in 100 hold {sets['mean_size']:.2f} classes on"
        f" average; measured coverage: {span_text(sets['covered'])}."
    )


def _made_with(report: Report) -> Table:
    facts: dict[str, object] = dict(report.get("settings", {}))
    if "data" in report:
        facts["data fingerprint"] = report["data"]["fingerprint"]
    if "environment" in report:
        packages = report["environment"]["packages"]
        facts |= {f"version of {name}": version for name, version in packages.items()}
    return Table(
        ["setting", "value"],
        [
            [name.replace("_", " "), str(value)]
            for name, value in facts.items()
            if value not in ("", None, [], ())
        ],
    )
