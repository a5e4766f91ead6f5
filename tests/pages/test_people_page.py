"""The page People: who is here, with numbers and sizes alone; roles, access, ways in."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened
from tests_support.team import ANA, BEN, CLEO, Team

from tl_core.access.accounts import Accounts
from tl_core.access.activity_log import ActivityLog
from tl_core.access.people import Administration

PAGE = "pages/admin/people.py"


def keys(app):
    return {button.key for button in app.button}


def of(app, person):
    """The page with this person in hand."""
    app.selectbox(key="person_in_hand").set_value(person).run()
    assert not app.exception
    return app


@pytest.mark.parametrize("person", [BEN, CLEO])
def test_it_is_for_administrators(team, person):
    team.be(person)
    app = opened(PAGE)
    assert "Only an administrator" in app.error[0].value
    assert not app.dataframe and not app.selectbox


def test_everybody_is_there_with_numbers_and_sizes_and_nothing_of_their_content(
    team, studio, record
):
    studio.do(record)
    app = opened(PAGE)
    assert not app.exception
    [table] = [one.value for one in app.dataframe]
    assert list(table["handle"]) == ["ana", "ben", "cleo"]
    assert list(table["role"]) == ["Administrator", "Member", "Viewer"]
    assert list(table["projects"]) == [1, 0, 0] and list(table["runs"]) == [1, 0, 0]
    assert table["disk"][0] != "0 B" and table["disk"][1] == "0 B"
    team.be(BEN)
    team.datasets(BEN).add("secret-plan", team.datasets(BEN).new_folder(), FACTS)
    team.be(ANA)
    app = opened(PAGE)
    shown = everything(app) + app.dataframe[0].value.to_csv()
    assert "secret-plan" not in shown and list(app.dataframe[0].value["projects"]) == [1, 1, 0]


FACTS = {
    "fingerprint": "f", "modality": "text", "task": "single_label", "rows": 4, "classes": 2,
}  # fmt: skip


def test_a_role_is_set_and_the_last_administrator_keeps_it(team):
    app = of(opened(PAGE), BEN)
    app.selectbox(key=f"role_{BEN}").set_value("viewer").run()
    assert team.people.get(BEN).role == "viewer"
    app = of(opened(PAGE), ANA)
    app.selectbox(key=f"role_{ANA}").set_value("member").run()
    assert "Nobody would be left" in app.error[0].value
    assert team.people.get(ANA).role == "admin"
    role = app.selectbox(key=f"role_{ANA}")  # the browser is told, else it shows what was refused
    assert (role.value, role.proto.set_value) == ("admin", True)
    assert app.dataframe and "disable" in keys(app)


def test_somebody_is_kept_out_after_a_question_and_let_in_again(team):
    app = of(opened(PAGE), BEN)
    assert {"disable", "sign_out"} <= keys(app) and "enable" not in keys(app)
    app.button(key="disable").click().run()
    assert not team.people.get(BEN).disabled  # only asked
    app.button(key="disable_sure").click().run()
    assert not app.exception and team.people.get(BEN).disabled
    app = of(opened(PAGE), BEN)
    assert list(app.dataframe[0].value["access"]) == ["", "disabled", ""]
    app.button(key="enable").click().run()
    assert not team.people.get(BEN).disabled


def test_who_is_kept_out_is_erased_after_their_handle_was_typed(team):
    Administration(team.engine, team.people.get(ANA).principal()).disable(BEN)
    erase(typed="cleo")
    assert team.people.get(BEN)
    app = erase(typed="ben")
    assert not app.exception
    assert list(opened(PAGE).dataframe[0].value["handle"]) == ["ana", "cleo"]


def erase(typed):
    app = of(opened(PAGE), BEN)
    app.button(key="erase_person").click().run()
    app.text_input(key="erase_person_typed").set_value(typed)
    next(one for one in app.button if one.label == "Erase them for good").click().run()
    if typed != "ben":
        assert "not their handle" in str(app.session_state["dialog_refused"])
    return app


def test_somebody_is_signed_out_everywhere_after_a_question(team):
    app = of(opened(PAGE), BEN)
    app.button(key="sign_out").click().run()
    assert team.people.get(BEN).sessions_valid_after == 0
    app.button(key="sign_out_sure").click().run()
    assert not app.exception and team.people.get(BEN).sessions_valid_after > 0


def test_an_invitation_is_shown_once_and_makes_an_account(studio, monkeypatch):
    team = Team(studio, monkeypatch, "accounts")
    app = opened(PAGE)
    next(one for one in app.selectbox if one.label == "Role").set_value("viewer")
    next(one for one in app.text_input if one.label == "For whom").set_value("Dora")
    next(one for one in app.button if one.label == "Make a link").click().run()
    [link] = [one.value for one in app.code]
    start, _, secret = link.rpartition("/")
    assert start == "https://graft.example.org/invite"
    app.run()
    assert not app.code
    accounts = Accounts(studio.engine, team.settings)
    assert accounts.accept(secret, "dora", "Dora", "four random words here").role == "viewer"
    log = ActivityLog(studio.engine, team.who(ANA)).everything(action="invite")
    assert [deed.who for deed in log] == ["ana"]


def test_an_open_invitation_is_shown_and_ended(studio, monkeypatch):
    team = Team(studio, monkeypatch, "accounts")
    accounts = Accounts(studio.engine, team.settings)
    secrets = [accounts.invite(team.who(ANA), "viewer", note) for note in ("Dora :red[x]", "")]
    app = opened(PAGE)
    assert "Dora" in everything(app) and "without a note" in everything(app)
    assert not any(secret in everything(app) for secret in secrets)
    ends = [one for one in app.button if one.label == "End it"]
    ends[0].click().run()
    assert not app.exception and not app.error
    assert len([one for one in app.button if one.label == "End it"]) == 1
    accounts.uninvite(team.who(ANA), accounts.invitations(team.who(ANA))[0].key)
    next(one for one in app.button if one.label == "End it").click().run()
    assert "no such invitation" in app.error[0].value and app.dataframe


def test_roles_by_group_are_told_and_nobody_is_invited(team, monkeypatch):
    assert "Groups are not mapped" in everything(opened(PAGE)).replace("\\", "")
    assert not [one for one in opened(PAGE).button if one.label == "Make a link"]
    monkeypatch.setenv("TL_GROUP_ROLES", "it=admin,*=viewer")
    monkeypatch.setenv("TL_ADMINS", "boss@example.org")
    app = opened(PAGE)
    roles = next(one.value for one in app.dataframe if "group" in one.value)
    assert [tuple(line) for line in roles.to_numpy()] == [
        ("it", "Administrator"),
        ("everybody else", "Viewer"),
    ]
    assert "boss@example.org" in everything(app).replace("\\", "")
