"""The HTML report: people's words stay words."""

from __future__ import annotations

import numpy as np

from tl_core.evaluate.html import render
from tl_core.evaluate.report import evaluate_rows


def test_class_names_cannot_become_markup():
    labels = ["<script>alert(1)</script>", "b & c"]
    section = evaluate_rows(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), labels, "split")
    page = render({"headline": "Right <b>", "dataset": "d@1", "backbone": "", "recipe": "probe", "test": section,
                   "baselines": {"majority": {"test": {"accuracy": section["accuracy"]}}}})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "b &amp; c" in page
    assert page.count("<table>") == 3
