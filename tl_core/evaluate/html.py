"""The report as one HTML file that prints well and holds none of the user's texts or photos."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = ("body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1e2a24}"
          "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #dde3dd;padding:.3rem .6rem;"
          "text-align:right}th:first-child,td:first-child{text-align:left}h1{font-size:1.5rem}")


def render(report: dict[str, Any]) -> str:
    """The whole report as a page: headline, scores with intervals, yardsticks, classes, confusion."""
    test = report["test"]
    scores = [[name, *_cells(part)] for name, part in test.items() if isinstance(part, dict) and "value" in part]
    rivals = [[f"without transfer: {name}", *_cells(part["test"]["accuracy"])]
              for name, part in report["baselines"].items()]
    classes = [[row["label"], str(row["support"]), *(f"{row[key]['value']:.3f}" for key in
                                                     ("precision", "recall", "f1"))] for row in test["per_class"]]
    labels = test["confusion"]["labels"]
    matrix = [[label, *map(str, counts)] for label, counts in zip(labels, test["confusion"]["counts"], strict=True)]
    paired = (report.get("against_baseline") or {}).get("sentence", "")
    about = f"{report['dataset']}, {report['backbone'] or report['recipe']}, {test['n']} test items"
    return ("<!doctype html><html lang=en><meta charset=utf-8><title>Graft Studio report</title>"
            f"<style>{_STYLE}</style><h1>{escape(report['headline'])}</h1><p>{escape(about)}</p><p>{escape(paired)}</p>"
            + _table(["score", "value", "low", "high", "interval"], scores + rivals)
            + _table(["class", "test items", "precision", "recall", "F1"], classes)
            + "<p>Rows: what it is. Columns: what it was called.</p>" + _table(["", *labels], matrix) + "</html>\n")


def _cells(part: dict[str, Any]) -> list[str]:
    return [f"{part['value']:.3f}", f"{part['low']:.3f}", f"{part['high']:.3f}", f"95 %, {part['method']}"]


def _table(head: list[str], rows: list[list[str]]) -> str:
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return "<table><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + f"</tr>{body}</table>"
