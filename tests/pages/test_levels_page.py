"""Class names with levels in a report: the table, the sentence, and another separator."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened

from tl_core.data import class_levels
from tl_core.data.dataset_version import ImportOptions
from tl_core.evaluate.report import load_report
from tl_core.services.datasets import add_dataset

PAGE = "pages/evaluate/report.py"
NAMES = ["animal{}dog", "animal{}cat", "plant{}oak", "plant{}rose"]


def trained_on(studio, tmp_path, sign):
    names = [name.format(sign) for name in NAMES]
    lines = [
        f"{names[place].split(sign)[-1]} {'some' if item % 3 else 'dog'} {item},{names[place]}"
        for item in range(20)
        for place in range(4)
    ]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    record, *_ = add_dataset(
        studio.datasets, studio.settings, str(tmp_path / "t.csv"), "beings", ImportOptions()
    )
    return record, studio.do(record, recipe="baseline")


def table_of(app):
    return next((one.value for one in app.dataframe if "level" in one.value), None)


def test_levels_are_told_where_names_are_paths(studio, tmp_path):
    _, run = trained_on(studio, tmp_path, "/")
    report = load_report(run.folder)
    section = report["test"]["levels"]
    assert section["separator"] == "/" and report["validation"]["levels"]
    app = opened(PAGE, run=run.id, tab="Errors")
    table = table_of(app)
    assert table["level"].tolist() == ["1", "classes"]
    assert table["names"][0] == "animal, plant"
    assert table["accuracy"][0] == pytest.approx(100 * section["levels"][0]["accuracy"]["value"])
    assert table["accuracy"][0] >= table["accuracy"][1]
    said = everything(app)
    assert "Level by level" in said
    assert ("right one level up" in said) == bool(section["wrong"])


def test_another_separator_is_chosen_and_the_report_follows(studio, tmp_path):
    record, run = trained_on(studio, tmp_path, "~")
    assert load_report(run.folder)["test"]["levels"] is None
    app = opened(PAGE, run=run.id, tab="Errors")
    assert table_of(app) is None
    box = next(one for one in app.selectbox if one.label == "Separator")
    assert box.value == "auto"
    class_levels.choose(record.folder, "~", ["animal~cat", "animal~dog"])
    app = opened(PAGE, run=run.id, tab="Errors")
    table = table_of(app)
    assert table["level"].tolist() == ["1", "classes"] and table["by summed probability"][0] >= 0
    next(one for one in app.selectbox if one.label == "Separator").select("none").run()
    assert not app.exception and class_levels.choice_of(record.folder) == "none"
    assert table_of(app) is None


def test_whoever_may_only_look_by_now_chooses_no_separator(studio, tmp_path, team):
    record, run = trained_on(studio, tmp_path, "/")
    team.sharing().share("project", "beings", "ben", "editor")
    team.be("id-ben")
    app = opened(PAGE, run=run.id, tab="Errors")
    team.be("local")
    team.sharing().share("project", "beings", "ben", "viewer")
    team.be("id-ben")
    next(one for one in app.selectbox if one.label == "Separator").select("none").run()
    assert class_levels.choice_of(record.folder) == "auto"
    assert "may not change" in app.error[0].value
