"""The page Queue: everybody's turns and quotas, for administrators; own quotas on Account."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened
from tests_support.team import ANA, BEN, CLEO

from tl_core.config import RunConfig
from tl_core.registry.queue import RunWriter
from tl_core.registry.scheduling.oversight import Oversight

PAGE = "pages/admin/queue.py"


@pytest.fixture
def waiting(team, record):
    """Runs of Ana and Ben, of whom hers runs; gives Ben's two in their order."""
    team.sharing().share("project", "notes", BEN, "editor")
    made = []
    for person, reference in ((ANA, "notes@1"), (BEN, "ana/notes@1"), (BEN, "ana/notes@1")):
        config = RunConfig("train", person, reference, str(record.folder), "starter:text", "probe")
        made.append(team.runs(person).create(config).id)
    assert RunWriter(team.engine).claim_next("train")[0] == made[0]
    return made[1:]


@pytest.mark.parametrize("person", [BEN, CLEO])
def test_it_is_for_administrators(team, person):
    team.be(person)
    app = opened(PAGE)
    assert "Only an administrator" in app.error[0].value
    assert not app.dataframe and not app.selectbox and not app.number_input


def test_where_nobody_signs_in_there_is_one_person(record):
    assert "one person's" in opened(PAGE).info[0].value


def test_everybodys_turns_are_there_without_what_they_are_about(team, waiting):
    app = opened(PAGE)
    assert not app.exception and not app.error
    table = app.dataframe[0].value
    assert list(table["who"]) == ["ana", "ben", "ben"] or table["who"][0] == "ben"
    assert sorted(table["state"].str[:7]) == ["place 1", "place 2", "running"]
    assert "notes" not in table.to_csv()


def test_a_priority_changes_whose_turn_it_is(team, waiting):
    app = opened(PAGE)
    app.selectbox(key="turn_run").set_value(waiting[1]).run()
    app.number_input(key="turn_priority").set_value(5).run()
    app.button(key="turn_set").click().run()
    assert not app.exception and not app.error
    table = app.dataframe[0].value.set_index("run")
    assert table["state"][waiting[1]].startswith("place 1") and table["priority"][waiting[1]] == 5


def test_a_run_that_has_begun_meanwhile_has_no_turn_any_more(team, waiting):
    app = opened(PAGE)
    app.selectbox(key="turn_run").set_value(waiting[1]).run()
    team.runs(BEN).cancel(waiting[1])
    app.button(key="turn_set").click().run()
    assert "is cancelled" in app.error[0].value and not app.exception
    assert len(app.dataframe[0].value) == 2 and app.selectbox(key="quota_person")
    app.run()
    assert not app.error


def test_the_chosen_run_stays_chosen_while_the_queue_moves(team, waiting):
    app = opened(PAGE)
    assert app.selectbox(key="turn_run").value is None  # nobody's run is anybody's first choice
    assert app.button(key="turn_set").disabled and "Choose" in app.button(key="turn_set").help
    app.selectbox(key="turn_run").set_value(waiting[1]).run()
    assert not app.button(key="turn_set").disabled
    before = dict(zip(waiting, app.selectbox(key="turn_run").options, strict=True))
    Oversight(team.engine, team.who(ANA), team.settings).prioritise(waiting[1], 9)
    app.run()
    assert app.selectbox(key="turn_run").value == waiting[1]
    assert sorted(app.selectbox(key="turn_run").options) == sorted(before.values())
    team.runs(BEN).cancel(waiting[0])
    app.run()
    assert app.selectbox(key="turn_run").value == waiting[1]
    team.runs(BEN).cancel(waiting[1])
    app.run()
    assert "turn_run" not in {box.key for box in app.selectbox}


def limits(team, person):
    desk = Oversight(team.engine, team.who(ANA), team.settings)
    return {one.name: (one.limit, one.own) for one in desk.standing(person)}


def test_a_quota_is_set_for_one_person_and_taken_back(team, monkeypatch):
    monkeypatch.setenv("TL_QUOTAS", "running=3")
    app = opened(PAGE)
    app.selectbox(key="quota_person").set_value(BEN).run()
    app.selectbox(key="quota_name").set_value("running").run()
    most = app.number_input(key=f"quota_most_{BEN}_running")
    assert most.value == 3 and app.button(key="quota_default").disabled
    most.set_value(1).run()
    app.button(key="quota_set").click().run()
    assert not app.exception and not app.error
    assert limits(team, BEN)["running"] == (1, True)
    table = app.dataframe[-1].value
    assert "an administrator" in list(table["set by"])
    app.button(key="quota_default").click().run()
    most = app.number_input(key=f"quota_most_{BEN}_running")
    assert most.value == 3 and most.proto.set_value  # the browser is told, else it goes on with 1
    assert not limits(team, BEN)["running"][1]


def test_files_are_added_up_once_a_minute_and_when_a_quota_is_set(team, monkeypatch):
    added, standing = [], Oversight.standing
    monkeypatch.setattr(
        Oversight, "standing", lambda desk, who: added.append(who) or standing(desk, who)
    )
    app = opened(PAGE)
    app.selectbox(key="quota_person").set_value(BEN).run()
    app.selectbox(key="quota_name").set_value("running").run()
    app.run()
    assert added == [BEN]
    app.number_input(key=f"quota_most_{BEN}_running").set_value(1)
    app.button(key="quota_set").click().run()
    assert added == [BEN, BEN] and "an administrator" in list(app.dataframe[-1].value["set by"])
    app.selectbox(key="quota_person").set_value(CLEO).run()
    assert added == [BEN, BEN, CLEO]


def test_everybody_sees_what_they_themselves_may_use(team, waiting):
    Oversight(team.engine, team.who(ANA), team.settings).set_quota(BEN, "queued", 7)
    team.be(BEN)
    app = opened("pages/admin/account.py")
    assert not app.exception and not app.error
    table = next(one.value for one in app.dataframe if "at most" in one.value)
    row = table[table["of what"].str.startswith("runs that may wait")].iloc[0]
    assert (row["at most"], row["used"], row["set by"]) == ("7", "2", "an administrator")


@pytest.mark.parametrize("person", [BEN, CLEO])
def test_settings_and_cleaning_are_for_administrators(team, person):
    app = opened("pages/admin/system.py")
    assert "TL_HOME" in app.dataframe[-1].value.to_csv() + everything(app)
    assert [one for one in app.button if "Clean up" in one.label]
    team.be(person)
    app = opened("pages/admin/system.py")
    assert not app.exception and not app.error
    assert "TL_HOME" not in "".join(one.value.to_csv() for one in app.dataframe)
    assert not [one for one in app.button if "Clean up" in one.label]
