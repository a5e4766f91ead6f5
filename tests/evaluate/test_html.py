"""The HTML report: whole, without script or network, and people's words stay words."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from tl_core.evaluate.html import render
from tl_core.evaluate.report import evaluate_rows
from tl_core.evaluate.scores.calibration import conformal_sets
from tl_core.evaluate.scores.slices import slices


def a_report(labels, rows=60, **more):
    random = np.random.default_rng(0)
    truth = random.integers(0, len(labels), rows)
    probabilities = random.dirichlet(np.ones(len(labels)), rows)
    section = evaluate_rows(truth, probabilities, labels, "split")
    section["conformal"] = conformal_sets((truth, probabilities), (truth, probabilities))
    section["slices"] = slices(
        probabilities.argmax(axis=1) == truth, {"<i>shop</i>": random.choice(["a", "b<"], rows)}
    )
    return {
        "headline": "Right <b>",
        "dataset": "d@1",
        "backbone": "local:/srv/secret/vit",
        "recipe": "probe",
        "modality": "text",
        "test": section,
        "settings": {"note": "<u>"},
        "test_looks": 3,
        "baselines": {"majority": {"test": {"accuracy": section["accuracy"]}}},
        **more,
    }


class Checker(HTMLParser):
    """Every tag that must be closed is, in order; nothing is fetched or run."""

    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "iframe", "img", "object")
        assert not any(name.startswith("on") or (name in ("src", "href")) for name, _ in attributes)
        if tag not in ("meta", "html"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag != "html":
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_whole_fetches_nothing_and_tells_all_sections():
    page = render(a_report(["a", "b", "c"]))
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    said = " ".join(checker.words)
    for words in (
        "Scores",
        "Class by class",
        "Confusion matrix",
        "Slices",
        "Calibration",
        "How it was made",
        "had scored 3 runs",
        "times in 100 hold",
    ):
        assert words in said
    assert "secret" not in page
    assert "http" not in page


def test_names_cannot_become_markup():
    page = render(a_report(["<script>alert(1)</script>", "b & c"]))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "b &amp; c" in page
    assert "<i>shop" not in page
    assert "<u>" not in page


def test_hundreds_of_classes_and_an_older_report_are_drawn():
    assert "Confusion matrix" not in render(a_report([f"c{i}" for i in range(80)], rows=400))
    old = a_report(["a", "b"])
    for name in ("slices", "conformal", "reliability"):
        del old["test"][name]
    del old["settings"]
    assert "Class by class" in render(old)
