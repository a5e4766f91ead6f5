"""The report in tabs: each reads only what it shows, and a link leads to each of them."""

from __future__ import annotations

import json

import pytest
from tests_support.pages import everything, opened

from pages.sections.evaluate import sharing, test_score
from pages.sections.evaluate.report_tabs import TABS
from pages.sections.evaluate.subject import Subject
from tl_core.data.dataset_version import ImportOptions
from tl_core.evaluate.report import load_report
from tl_core.services.datasets import add_dataset

PAGE = "pages/evaluate/report.py"


@pytest.fixture
def probe(studio, mail):
    return studio.do(mail, pooling="mean")


@pytest.fixture
def of_many_classes(studio, tmp_path):
    """A training without transfer on 18 classes, of which neighbours share their words."""
    lines = ["text,label"]
    for item in range(18 * 14):
        place = item % 18
        lines.append(f"word{place} word{place // 2} thing{item % 5} more{item % 7},class {place}")
    source = tmp_path / "many.csv"
    source.write_text("\n".join(lines) + "\n")
    record = add_dataset(studio.datasets, studio.settings, str(source), "many", ImportOptions())[0]
    return studio.do(record, recipe="baseline")


@pytest.mark.parametrize("tab", TABS)
def test_a_link_leads_to_every_tab_and_names_stay_words(probe, tab):
    app = opened(PAGE, run=probe.id, tab=tab)
    assert not app.exception
    assert [one.label for one in app.tabs] == list(TABS)
    for element in (*app.markdown, *app.caption, *app.warning, *app.subheader):
        assert ":red[x]" not in str(element.value)


def test_the_head_is_whole_beside_the_overview_and_a_line_beside_the_rest(probe):
    whole = opened(PAGE, run=probe.id)
    assert {"Accuracy", "Without transfer", "Gain from transfer"} <= {
        metric.label for metric in whole.metric
    }
    slim = opened(PAGE, run=probe.id, tab="Slices")
    assert not slim.metric
    for app in (whole, slim):
        assert "Right" in everything(app)
        assert "Use it on new items" in [button.label for button in app.button]


def test_closed_tabs_read_no_item(probe, monkeypatch):
    asked = []
    monkeypatch.setattr(
        test_score, "answers_of", lambda *arguments: asked.append(arguments) or pytest.fail()
    )
    for tab in ("Overview", "Confidence", "Slices", "Details"):
        assert not opened(PAGE, run=probe.id, tab=tab).exception
    assert not asked


def test_cells_show_counts_or_shares_and_boxes_lead_to_their_items(probe):
    app = opened(PAGE, run=probe.id, tab="Errors")
    for way in ("rows", "columns", "counts"):
        app.segmented_control(key="cells_show").set_value(way).run()
        assert not app.exception
    assert "cells_of" not in [one.key for one in app.segmented_control]
    true = next(box for box in app.selectbox if box.label == "True class")
    called = next(box for box in app.selectbox if box.label == "Predicted class")
    true.select("bad")
    called.select("bad").run()
    counts = load_report(probe.folder)["test"]["confusion"]
    place = counts["labels"].index("bad")
    assert f"{counts['counts'][place][place]:,} texts" in everything(app)


def test_more_than_fifteen_classes_are_ordered_and_can_be_narrowed(of_many_classes):
    app = opened(PAGE, run=of_many_classes.id, tab="Errors")
    assert not app.exception
    assert "Drag to zoom" in everything(app)
    app.segmented_control(key="cells_of").set_value("worst").run()
    assert not app.exception
    assert "Drag to zoom" not in everything(app)


def test_mistakes_are_paged(of_many_classes, monkeypatch):
    monkeypatch.setattr("pages.sections.items.items.SHOWN", 3)
    app = opened(PAGE, run=of_many_classes.id, tab="Errors")
    app.selectbox(key="mistake_order").select("unsure").run()
    first = app.dataframe[-1].value["text"].tolist()
    pages = app.get("pagination")
    assert pages and len(first) == 3


def test_the_exported_page_holds_items_only_where_it_is_wished(studio, probe):
    subject = Subject(
        probe, load_report(probe.folder), studio.datasets.get(probe.dataset).folder, []
    )
    table = subject.answers()
    wrong = table[table["true"] != table["label"]]
    assert len(wrong)
    plain, with_items = (sharing.page(subject, with_items=one) for one in (False, True))
    assert "Mistakes it was surest of" not in plain
    assert "Mistakes it was surest of" in with_items
    assert len(with_items) > len(plain)


def test_everything_to_take_away_stands_behind_one_button(probe):
    app = opened(PAGE, run=probe.id)
    assert not app.code
    app.session_state["share"] = True
    app.run()
    assert not app.exception
    assert not app.checkbox(key="share_items").value  # items may be private
    assert len(app.get("download_button")) == 3


def test_a_report_without_later_sections_opens_in_every_tab(probe):
    path = probe.folder / "report.json"
    report = json.loads(path.read_text())
    for name in ("slices", "conformal", "reliability", "ranking", "brier"):
        report["test"].pop(name, None)
    report.pop("sweep", None)
    path.write_text(json.dumps(report))
    for tab in TABS:
        assert not opened(PAGE, run=probe.id, tab=tab).exception
