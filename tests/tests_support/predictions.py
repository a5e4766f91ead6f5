"""Inputs of predictions, and what is told about how they were read."""

from __future__ import annotations


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def columns(summary):
    return [(one["name"], one["role"], one["certain"]) for one in summary["plan"]["columns"]]


def sampled(summary):
    return [one["text"] for one in summary["plan"]["sample"]]
