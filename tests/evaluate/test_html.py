"""The HTML report: whole, without script or network, and people's words stay words."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from tl_core.evaluate.html import Example, render
from tl_core.evaluate.html_charts import line_chart
from tl_core.evaluate.html_tables import Table, confusion_table
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
        self.open, self.words, self.pictures = [], [], 0

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "iframe", "object")
        for name, value in attributes:
            assert not name.startswith("on") and name != "href"
            assert name != "src" or value.startswith("data:image/jpeg;base64,")
        if tag == "img":
            self.pictures += 1
        elif tag not in ("meta", "html"):
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
        "ROC and precision-recall curves",
        "How it was made",
        "had scored 3 runs",
        "times in 100 hold",
    ):
        assert words in said
    assert "secret" not in page
    assert "http" not in page
    assert checker.pictures == 0
    assert "Mistakes it was surest of" not in said  # items only where somebody wants it


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


def test_curves_of_a_training_are_drawn():
    history = [
        {"step": 0.0, "epoch": 0.0, "accuracy": 0.5, "macro_f1": 0.4, "log_loss": 0.7},
        {"step": 9.0, "epoch": 1.0, "accuracy": 0.8, "macro_f1": 0.7, "log_loss": 0.5},
    ]
    report = a_report(["a", "b"], training={"history": history})
    page = render(report, [(0.1, 2.0), (0.9, 0.5)])
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    for words in ("Loss by epoch", "Scores on the validation items by epoch", "training"):
        assert words in page
    assert "by epoch" not in render(a_report(["a", "b"]))


def test_mistakes_go_along_where_they_are_handed_over():
    examples = [
        Example("a", "<b>", 0.999, "is <i>this</i> & that " * 40),
        Example("b", "a", 0.4, b"\xff\xd8picture"),
    ]
    page = render(a_report(["a", "b"]), examples=examples)
    checker = Checker()
    checker.feed(page)
    assert checker.open == [] and checker.pictures == 1
    assert "Mistakes it was surest of" in page
    assert "<i>this" not in page and "&lt;b&gt;" in page
    assert "99 % sure" in page and "100 %" not in page
    assert "…" in page  # long texts are cut


def test_it_prints_with_its_sections_whole():
    page = render(a_report(["a", "b"]))
    assert "@page{size:A4" in page
    assert "break-inside:avoid" in page and "break-after:avoid" in page
    assert "table-header-group" in page  # heads of tables again on the next sheet


def with_classes(labels, most=12):
    """A report whose confusion matrix has these classes, and counts of up to `most`."""
    report = a_report(labels, rows=60 * len(labels))
    counts = np.random.default_rng(0).integers(0, most, (len(labels), len(labels)))
    report["test"]["confusion"]["counts"] = counts.tolist()
    return report


def test_a_larger_matrix_has_turned_heads_cut_in_the_middle_and_no_zeros():
    few, labels = render(with_classes(["a", "b"])), [f"a class of some breed {n}" for n in range(9)]
    assert 'class="turned"' not in few and "<span>a</span>" in few
    many = with_classes(labels)
    many["test"]["confusion"]["counts"][0][1] = 0
    page = render(many)
    assert 'class="turned"' in page and "<th></th><th" in page.replace("\n", "")
    assert f'title="{labels[3]}"' not in page  # whole, as there is room for it
    assert f"<span>{labels[3]}</span>" in page
    matrix = page.partition("Confusion matrix")[2].partition("</table>")[0]
    assert ">0</td>" not in matrix and "<thead>" in matrix  # again on the next sheet
    long = render(with_classes([f"complaints about deliveries of kind {n}" for n in range(9)]))
    assert "<span>complaints abou…f kind 3</span>" in long
    assert 'title="complaints about deliveries of kind 3"' in long


def test_a_matrix_that_a_standing_sheet_cannot_hold_lies_on_its_side():
    def table(classes, most):
        labels = [f"breed {n}" for n in range(classes)]
        return confusion_table(with_classes(labels, most)["test"])

    assert not table(30, 100).lying
    assert table(60, 100).lying and table(40, 100_000).lying
    assert table(60, 100_000).size < table(60, 100).size  # and its letters are smaller
    assert table(61, 100) is None


def test_many_short_rows_are_printed_in_two_columns():
    head, rest = ["class", "items", "recall", "F1"], ["1", "0.90 (0.80 to 0.95)", "0.9 (0.8 to 1)"]
    assert Table(head, [["a", *rest]] * 20).twice
    assert not Table(head, [["a", *rest]] * 9).twice
    assert not Table([*head, "more"], [["a" * 40, *rest, "1.00 (1.00 to 1.00)"]] * 20).twice
    assert 'class="twice"' in render(a_report([f"c{n}" for n in range(40)], rows=400))


def test_names_of_curves_keep_their_ends_and_stay_apart():
    names = [f"complaints about deliveries that came late ({one}) (area 0.9)" for one in "xy"]
    chart = line_chart("t", "x", "y", {name: [(0, 0), (1, 1)] for name in names})
    shown = [line.name for line in chart.lines]
    assert shown[0].endswith("(x) (area 0.9)") and shown[0] != shown[1]
    assert max(map(len, shown)) <= 44


def test_an_axis_of_a_chart_never_shows_a_hair_as_a_gulf():
    chart = line_chart("t", "x", "y", {"flat": [(0.0, 0.8190), (1.0, 0.8194)]})
    ticks = [float(tick.text) for tick in chart.y_ticks]
    assert ticks[-1] - ticks[0] >= 0.05 and len(ticks) >= 3
    assert line_chart("t", "x", "y", {"one point": [(0.0, 1.0)]}) is None
