"""The page Activity: the log for administrators, filtered, and as a file."""

from __future__ import annotations

import csv
import io

import pytest
from tests_support.pages import opened
from tests_support.team import ANA, BEN, CLEO

from pages.sections.admin import deeds
from tl_core.access.access_tokens import Tokens
from tl_core.access.activity_log import ActivityLog, Deed

PAGE = "pages/admin/activity.py"


@pytest.fixture
def done(team, record, studio):
    """Things that two people did."""
    team.sharing().share("project", "notes", "ben", "viewer")
    Tokens(studio.engine, team.who(BEN)).make("laptop", ["predict"], 3)
    return team


def lines(app):
    return app.dataframe[0].value if app.dataframe else None


@pytest.mark.parametrize("person", [BEN, CLEO])
def test_it_is_for_administrators(team, person):
    team.be(person)
    app = opened(PAGE)
    assert "Only an administrator" in app.error[0].value and not app.dataframe


def test_the_newest_comes_first_and_people_are_named_by_handle(done):
    table = lines(opened(PAGE))
    assert list(table["what"]) == ["make", "share", "add"]
    assert list(table["who"]) == ["ben", "ana", "ana"]
    assert list(table["which"])[1:] == ["ana/notes", "ana/notes@1"]
    assert table["details"][1] == "with ben, access viewer"


def test_it_is_filtered_by_person_by_what_and_by_kind(done):
    app = opened(PAGE)
    assert app.selectbox(key="log_action").options == ["everything", "add", "make", "share"]
    app.selectbox(key="log_who").set_value(BEN).run()
    assert list(lines(app)["what"]) == ["make"]
    app.selectbox(key="log_who").set_value(ANA)
    app.selectbox(key="log_kind").set_value("dataset").run()
    assert list(lines(app)["what"]) == ["add"]
    app.selectbox(key="log_action").set_value("share").run()
    assert lines(app) is None and "nothing like this" in app.caption[-1].value


def test_the_file_has_the_same_and_no_cell_that_a_spreadsheet_would_run(done, studio):
    [button] = opened(PAGE).get("download_button")
    assert button.label == "Download as CSV"
    log = ActivityLog(studio.engine, done.who(ANA)).everything()
    evil = Deed(0.0, "=cmd|' /C calc'!A0", "page", "", "add", "dataset", "@x", {"a": "+1"})
    rows = list(csv.reader(io.StringIO(deeds.csv([*log, evil], {ANA: "ana"}).decode())))
    assert rows[0][:4] == ["when", "who", "what", "kind"] and len(rows) == 5
    assert rows[-1][0] == "1970-01-01T00:00:00+00:00"
    assert rows[-1][1].startswith("'=") and rows[-1][4] == "'@x"
    assert deeds.csv([], {}).decode().split(",")[:2] == ["when", "who"]
