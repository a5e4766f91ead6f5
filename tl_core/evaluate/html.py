"""The report as one HTML file: no script, no network, none of the user's texts or photos; prints on
A4.
"""

from __future__ import annotations

from html import escape

from tl_core.evaluate.report import Report, noun_of, rivals
from tl_core.evaluate.schema import Score, ScoredRows
from tl_core.evaluate.slices import value_of

_STYLE = """
body{font:15px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1e2a24}
h1{font-size:1.5rem;line-height:1.3}
h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;margin:1rem 0}
td,th{border:1px solid #dde3dd;padding:.25rem .55rem;text-align:right}
th:first-child,td:first-child{text-align:left}
.note{color:#56655d}
svg{max-width:100%}
section{break-inside:avoid}
@page{size:A4;margin:16mm}
@media print{body{margin:0;max-width:none;font-size:11px}}
"""
_ACCENT, _SLATE, _DARK = "#009E73", "#7A8793", "#3E4843"
_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "mcc": "Matthews correlation",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
}
_MOST_CLASSES = 60


def render(report: Report) -> str:
    """The whole report as a page."""
    test, noun = report["test"] or report["validation"], noun_of(report.get("modality", ""))
    kind = f"test {noun}" if report["test"] else f"{noun} kept for choosing"
    made_from = (
        report["backbone"].rsplit("/", 1)[-1]
        if report["backbone"].startswith("local:")
        else report["backbone"]
    )
    about = f"{report['dataset']}, {made_from or report['recipe']}, {test['n']:,} {kind}"
    looks = report.get("test_looks", 1)
    asked = (
        f"These test {noun} had judged {looks} run{'s' * (looks != 1)} when this one was through."
        if report["test"]
        else "The test score is closed."
    )
    parts = [
        f"<h1>{escape(report['headline'])}</h1><p class=note>{escape(about)}. {asked}</p>",
        _rivals(report, test),
        "<h2>Scores</h2>"
        + _table(
            ["score", "value", "95 % interval", "method"],
            [
                [
                    _NAMES.get(name, name),
                    f"{part['value']:.3f}",
                    f"{part['low']:.3f} to {part['high']:.3f}",
                    part["method"],
                ]
                for name, part in test.items()
                if isinstance(part, dict) and "value" in part
            ],
        ),
        _classes(test),
        _confusion(test),
        _slices(test),
        _calibration(test),
        _made_with(report),
    ]
    sections = "".join(f"<section>{part}</section>" for part in parts if part)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport"
        " content='width=device-width'><title>Graft Studio"
        f" report</title><style>{_STYLE}</style>{sections}</html>\n"
    )


def _rivals(report: Report, judged: ScoredRows) -> str:
    bars = [("this run", judged["accuracy"], _ACCENT)]
    bars += [
        (f"without transfer: {name}", accuracy, _SLATE) for name, accuracy in rivals(report).items()
    ]
    compared = report.get("against_baseline")
    said = compared["sentence"] if compared else ""
    return _bars(bars) + (f"<p>{escape(said)}</p>" if said else "")


def _bars(bars: list[tuple[str, Score, str]]) -> str:
    """Accuracies as bars with whiskers."""
    rows, left, width = [], 190, 420
    for place, (name, score, colour) in enumerate(bars):
        top = 8 + 32 * place
        value, low, high = (left + width * score[key] for key in ("value", "low", "high"))
        rows.append(
            f"<text x={left - 8} y={top + 15} text-anchor=end>{escape(name)}</text><rect x={left}"
            f" y={top} width={value - left:.1f} height=20 fill='{colour}'/><path d='M{low:.1f}"
            f" {top + 10}H{high:.1f}M{low:.1f} {top + 5}v10M{high:.1f} {top + 5}v10'"
            f" stroke='{_DARK}' fill=none /><text x={left + width + 10}"
            f" y={top + 15}>{100 * score['value']:.0f}</text>"
        )
    return _svg(
        left + width + 50, 16 + 32 * len(bars), "Right in 100, with 95 % intervals", "".join(rows)
    )


def _classes(test: ScoredRows) -> str:
    return "<h2>Class by class</h2>" + _table(
        ["class", "items", "found", "right when named", "F1"],
        [
            [
                row["label"],
                f"{row['support']:,}",
                *(_span(row[key]) for key in ("recall", "precision", "f1")),
            ]
            for row in test["per_class"]
        ],
    )


def _confusion(test: ScoredRows) -> str:
    labels, counts = test["confusion"]["labels"], test["confusion"]["counts"]
    if len(labels) > _MOST_CLASSES:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in ["", *labels])
    body = ""
    for i, (label, row) in enumerate(zip(labels, counts, strict=True)):
        cells = "".join(
            f"<td style='background:rgba({'0,158,115' if i == j else '213,94,0'},"
            f"{0.55 * count / max(sum(row), 1):.2f})'>{count}</td>"
            for j, count in enumerate(row)
        )
        body += f"<tr><td>{escape(label)}</td>{cells}</tr>"
    return (
        "<h2>What it confuses</h2><p class=note>Rows: what it is. Columns: what it was called.</p>"
        f"<table><tr>{head}</tr>{body}</table>"
    )


def _slices(test: ScoredRows) -> str:
    parts = test.get("slices", [])
    if not parts:
        return ""
    weak = [part for part in parts if part["worse"]]
    note = "" if weak else f"<p>None of {len(parts)} kinds of items stands out beyond chance.</p>"
    return (
        "<h2>Kinds of items</h2>"
        + note
        + _table(
            ["kind", "items", "right", "on the rest", "p (Holm)"],
            [
                [
                    f"{part['by']}: {value_of(part)}",
                    f"{part['n']:,}",
                    _span(part["accuracy"]),
                    f"{part['rest']:.2f}",
                    f"{part['p_value']:.3f}",
                ]
                for part in weak or parts
            ],
        )
    )


def _calibration(test: ScoredRows) -> str:
    bins = test.get("reliability", [])
    if not bins:
        return ""
    side, edge = 240, 36

    def at(x: float, y: float) -> str:
        return f"{edge + side * x:.1f} {8 + side * (1 - y):.1f}"

    dots = f"<path d='M{at(0, 0)}L{at(1, 1)}' stroke='{_SLATE}' stroke-dasharray='3 4' fill=none />"
    for part in bins:
        x, score = part["confidence"], part["accuracy"]
        across, up = at(x, score["value"]).split()
        dots += (
            f"<path d='M{at(x, score['low'])}L{at(x, score['high'])}' stroke='{_SLATE}' /><circle"
            f" cx={across} cy={up} r={3 + 6 * (part['n'] / test['n']) ** 0.5:.1f}"
            f" fill='{_ACCENT}'/>"
        )
    frame = (
        f"<path d='M{at(0, 1)}L{at(0, 0)}L{at(1, 0)}' stroke='{_DARK}' fill=none /><text"
        f" x={edge + side / 2} y={side + 30} text-anchor=middle>how sure it says it is (0 to"
        f" 1)</text><text transform='translate(14 {8 + side / 2}) rotate(-90)'"
        " text-anchor=middle>how often it is right</text>"
    )
    sets = "".join(
        f"<li>Sets that promise the truth {100 * one['promised']:.0f} times in 100 hold"
        f" {one['mean_size']:.2f} classes on average and had it {_span(one['covered'])} of the"
        " time.</li>"
        for one in test.get("conformal", [])
    )
    return (
        "<h2>Can its confidence be trusted?</h2>"
        + _svg(side + 60, side + 44, "Confidence against accuracy", frame + dots)
        + (f"<ul>{sets}</ul>" if sets else "")
    )


def _made_with(report: Report) -> str:
    facts = {
        **report.get("settings", {}),
        "data fingerprint": report.get("data", {}).get("fingerprint", ""),
        **{
            f"version of {name}": value
            for name, value in report.get("environment", {}).get("packages", {}).items()
        },
    }
    return "<h2>How it was made</h2>" + _table(
        ["setting", "value"],
        [
            [name.replace("_", " "), str(value)]
            for name, value in facts.items()
            if value not in ("", None, [], ())
        ],
    )


def _span(score: Score) -> str:
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"


def _svg(width: float, height: float, title: str, content: str) -> str:
    return (
        f"<svg viewBox='0 0 {width} {height}' width={width} height={height} font-size=13 role=img "
        f"aria-label='{escape(title)}'><title>{escape(title)}</title>{content}</svg>"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        "<table><tr>"
        + "".join(f"<th>{escape(cell)}</th>" for cell in head)
        + f"</tr>{body}</table>"
    )
