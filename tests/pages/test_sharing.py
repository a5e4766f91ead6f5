"""Sharing from the pages: who has access, handing over, links to a report; what is shared is told
apart from what is one's own.
"""

from __future__ import annotations

import pytest
from tests_support.datasets import write_texts
from tests_support.pages import everything, opened, press
from tests_support.team import ANA, BEN, CLEO

from pages.sections.sharing import report_links
from tl_core.access.links import ReportLinks, open_link
from tl_core.access.policy import EVERYBODY, WORK
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import decide
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError, NotFoundError
from tl_core.services.datasets import add_dataset, relabel_dataset, restore_dataset
from tl_core.settings import read_settings

VERSIONS = "pages/data/versions.py"


def keys(app):
    return {button.key for button in app.button}


def dialog(app, key):
    """The page after its button `key` has opened the dialog."""
    app.button(key=key).click().run()
    assert not app.exception
    return app


def grants(team, kind="project", reference="notes"):
    return {(one.grantee, one.access) for one in team.sharing().of(kind, reference)}


def share(app, whom, how):
    app.selectbox(key="share_whom").set_value(whom)
    app.selectbox(key="share_how").set_value(how)
    app.button(key="grant").click().run()
    assert not app.exception


def test_alone_on_a_computer_nothing_speaks_of_others(record, studio):
    run = studio.do(record)
    for page in ("pages/home/home.py", VERSIONS, "pages/evaluate/runs.py"):
        app = opened(page, dataset=record.reference, run=run.id)
        assert not [key for key in keys(app) if str(key).startswith("share_")]
        assert ":material/group:" not in everything(app) and ":material/lock:" not in everything(
            app
        )
    app = opened("pages/evaluate/report.py", run=run.id)
    app.session_state["share"] = True
    app.run()
    assert "A link for readers" in everything(app) and "share_report" not in keys(app)


def test_a_project_is_shared_from_its_card_changed_and_taken_away(team, record):
    app = opened()
    assert "Only you see it" in everything(app)
    app = dialog(app, f"share_{record.id}")
    assert "nobody else sees it" in everything(app)
    assert app.selectbox(key="share_whom").options == [
        "Everybody here",
        "Ben Okafor (ben)",
        "Cleo Sato (cleo) · viewer here",
    ]
    share(app, BEN, "viewer")
    assert grants(team) == {(BEN, "viewer")}
    app = opened()
    assert "Shared with Ben Okafor" in everything(app)
    app = dialog(app, f"share_{record.id}")
    assert app.selectbox(key="share_whom").options[1:] == ["Cleo Sato (cleo) · viewer here"]
    app.selectbox(key=f"access_{BEN}").set_value("editor").run()
    assert grants(team) == {(BEN, "editor")}
    app = dialog(opened(), f"share_{record.id}")
    app.button(key=f"unshare_{BEN}").click().run()
    assert grants(team) == set() and not app.exception


def test_a_project_is_shared_with_everybody(team, record):
    share(dialog(opened(VERSIONS), "share_project"), EVERYBODY, "viewer")
    assert grants(team) == {(EVERYBODY, "viewer")}
    assert "Shared with Everybody here" in everything(opened(VERSIONS))
    for person in (BEN, CLEO):
        team.be(person)
        assert "you may look" in everything(opened())


@pytest.mark.parametrize(
    ("access", "said"), [("viewer", "you may look"), ("editor", "you may work on it")]
)
def test_what_is_shared_says_whose_it_is_on_card_and_bar_and_offers_no_sharing(
    team, record, access, said
):
    team.sharing().share("project", "notes", BEN, access)
    team.be(BEN)
    app = opened()
    assert not app.exception
    told = everything(app)
    assert "Ana \\*Lima\\* \\:red\\[x\\] shares it" in told and said in told
    assert f"share_{record.id}" not in keys(app)
    assert app.session_state["dataset"] == "ana/notes@1"
    assert any(":material/group: Ana" in one.value for one in app.caption)  # in the bar
    app = opened(VERSIONS, dataset="ana/notes@1")
    assert said in everything(app) and "share_project" not in keys(app)


def test_a_project_is_handed_over_once_its_name_was_typed(team, record, studio):
    run = studio.do(record)

    def hand(typed, whom=BEN):
        app = dialog(opened(VERSIONS), "share_project")
        assert CLEO not in app.selectbox(key="hand_to").options  # a viewer can have no project
        app.selectbox(key="hand_to").set_value(whom)
        app.text_input(key="hand_typed").set_value(typed)
        next(one for one in app.button if one.label == "Hand it over").click().run()
        return app

    assert "not handed over" in str(hand("note").session_state["dialog_refused"])
    assert team.datasets(ANA).get("notes").owner == ANA
    assert not hand("notes").exception
    assert team.datasets(BEN).get("notes").owner == BEN
    assert team.runs(BEN).get(run.id).dataset == "notes@1"
    with pytest.raises(NotFoundError):
        team.datasets(ANA).get("notes")
    assert not opened().exception


def test_a_run_is_shared_alone_from_the_list_and_from_its_report(team, record, studio):
    run = studio.do(record)
    app = opened("pages/evaluate/runs.py")
    app.multiselect(key="picked_runs").set_value([run.id]).run()
    share(dialog(app, f"share_{run.id}"), BEN, "viewer")
    assert grants(team, "run", run.id) == {(BEN, "viewer")}
    app = opened("pages/evaluate/report.py", run=run.id)
    app.session_state["share"] = True
    app.run()
    app = dialog(app, "share_report")
    assert "without the items" in everything(app) and f"access_{BEN}" in [
        one.key for one in app.selectbox
    ]
    team.be(BEN)
    assert [one.id for one in team.runs(BEN).list()] == [run.id]
    app = opened("pages/evaluate/report.py", run=run.id)
    assert not app.exception and not app.error and "%" in app.metric[0].value


def test_a_link_to_a_report_is_shown_once_and_ends_when_it_is_revoked(team, record, studio):
    run = studio.do(record)

    def page():
        app = opened("pages/evaluate/runs.py")
        app.multiselect(key="picked_runs").set_value([run.id]).run()
        return dialog(app, f"share_{run.id}")

    app = page()
    app.number_input(key="link_days").set_value(3)
    next(one for one in app.button if one.label == "Make a link").click().run()
    link = app.session_state["link_made"]
    start, _, secret = link.rpartition("/")
    assert start == "https://graft.example.org/shared"
    assert open_link(studio.engine, secret)[0] == run.id
    [kept] = ReportLinks(studio.engine, team.who(ANA)).of(run.id)
    app = page()
    said = everything(app)
    assert "in 3 days" in said and "opened 1 time" in said and secret not in said
    app.button(key=f"revoke_{kept.id}").click().run()
    assert not app.exception and open_link(studio.engine, secret) is None


def test_a_run_that_has_no_report_has_no_link(team, record, studio):
    config = RunConfig("train", ANA, record.reference, str(record.folder), studio.backbone, "probe")
    run = studio.runs.create(config)
    app = opened("pages/evaluate/runs.py")
    app.multiselect(key="picked_runs").set_value([run.id]).run()
    app = dialog(app, f"share_{run.id}")
    assert "link_days" not in [one.key for one in app.number_input]
    assert report_links.address("x") == "https://graft.example.org/shared/x"


def test_lists_say_who_started_a_run_where_there_are_several(team, record, studio):
    mine = studio.do(record)
    app = opened("pages/evaluate/runs.py", dataset=record.reference)
    assert "who" not in app.dataframe[0].proto.column_order
    team.sharing().share("project", "notes", BEN, "editor")
    config = RunConfig("train", BEN, "ana/notes@1", str(record.folder), "starter:text", "probe")
    theirs = team.runs(BEN).create(config)
    app = opened("pages/evaluate/runs.py", dataset=record.reference)
    table = app.dataframe[0].value.set_index("run")["who"]
    assert table[theirs.id] == "Ben Okafor" and table[mine.id].startswith("Ana")
    assert "who" in app.dataframe[0].proto.column_order
    assert "by Ben Okafor" in everything(opened())  # the queue on Home
    queue = next(
        one.value for one in opened("pages/admin/system.py").dataframe if "done" in one.value
    )
    assert list(queue["who"]) == ["Ben Okafor"]


def test_presets_of_others_bear_their_handle(team, record):
    from pages.shell import services

    services.presets().keep("careful", "probe", {}, shared=True)
    team.sharing().share("project", "notes", BEN, "editor")
    team.be(BEN)
    services.presets().keep("own", "probe", {})
    app = opened("pages/train/design.py", dataset="ana/notes@1")
    options = app.selectbox(key="preset").options
    assert any("shared by ana" in one for one in options) and ANA not in " ".join(options)


def test_an_editor_repeats_what_the_owner_did_as_their_own_run_in_the_owners_project(
    team, record, studio
):
    studio.settings, studio.backbone = read_settings(), "local:mine"
    studio.do(record)
    version = DatasetVersion(record.folder)
    decide(version, 3, "drop")
    team.sharing().share("project", "notes", BEN, "editor")
    team.be(BEN)
    made, _, _ = relabel_dataset(team.datasets(BEN), "ana/notes@1")
    assert made.reference == "ana/notes@2" and made.owner == ANA
    assert team.datasets(BEN).may(made, WORK) and team.datasets(ANA).get("notes").version == 2
    app = opened("pages/data/labels.py", dataset="ana/notes@2")
    press(app, "Train again on this version")
    [run] = [one for one in team.runs(BEN).list(kind="train") if one.status == "queued"]
    assert (run.owner, run.dataset) == (BEN, "ana/notes@2")
    assert team.runs(ANA).get(run.id).dataset == "notes@2"


def test_an_item_of_a_shared_project_has_the_past_of_that_project_not_of_ones_own(
    team, studio, record, tmp_path
):
    version = DatasetVersion(record.folder)
    names = version.info.labels
    decide(version, 3, "relabel", names[1 - version.labels[3]])
    relabel_dataset(studio.datasets, record.reference)
    team.sharing().share("project", "notes", BEN, "viewer")
    other = write_texts(tmp_path / "other.csv", 90)
    add_dataset(team.datasets(BEN), team.settings, str(other), "notes", ImportOptions())
    team.be(BEN)
    app = opened("pages/data/items.py", dataset="ana/notes@2", row="3")
    assert not app.exception and not app.error
    said = everything(app).replace("\\", "")
    assert f"{names[version.labels[3]]} → {names[1 - version.labels[3]]}" in said
    assert "ana/notes@1" in said


def test_rows_that_an_editor_adds_or_restores_go_to_the_owners_project(team, record, tmp_path):
    team.sharing().share("project", "notes", BEN, "editor")
    store = team.datasets(BEN)
    more = write_texts(tmp_path / "more.csv", 80)
    added, _, _ = add_dataset(
        store, team.settings, str(more), "ana/notes", ImportOptions(), append=True
    )
    assert added.reference == "ana/notes@2" and added.rows == 140
    restored, _, _ = restore_dataset(store, "ana/notes@1")
    assert restored.reference == "ana/notes@3" and restored.rows == 60
    assert [one.called for one in store.list()] == ["ana/notes"]
    for name in ("ana/other", "ana/notes@1"):
        with pytest.raises((NotFoundError, DataError)):
            add_dataset(store, team.settings, str(more), name, ImportOptions(), append=True)
    with pytest.raises(DataError, match="cannot be the name"):
        add_dataset(store, team.settings, str(more), "ana/notes", ImportOptions())
