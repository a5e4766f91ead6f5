"""The page Account: who I am, tokens, what I did, my data; nothing of it where nobody signs in."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from tests_support.pages import everything, opened
from tests_support.team import ANA, BEN, CLEO, Team

from pages.sections.admin import my_data
from tl_core.access.access_tokens import Tokens, principal_of_token
from tl_core.access.accounts import Accounts
from tl_core.access.people import Administration
from tl_core.errors import NotFoundError, SignInError

PAGE = "pages/admin/account.py"


def labels(app):
    return {button.label for button in app.button}


def menu(app):
    """The pages that the person's menu offers."""
    app.session_state["menu"] = True
    app.run()
    return [link.proto.label for link in app.main.get("page_link")]


def test_where_nobody_signs_in_there_is_no_account(record):
    app = opened(PAGE)
    assert not app.exception
    assert "Nobody signs in" in app.info[0].value
    assert not {"Make a token", "Sign out everywhere"} & labels(app)
    assert not {"Account", "People", "Activity"} & set(menu(opened()))


@pytest.mark.parametrize(
    ("person", "offered"),
    [(ANA, {"Account", "People", "Activity"}), (BEN, {"Account"}), (CLEO, {"Account"})],
)
def test_the_menu_offers_what_is_for_somebody_and_names_them_with_their_role(team, person, offered):
    team.be(person)
    app = opened()
    assert {"Account", "People", "Activity"} & set(menu(app)) == offered
    role = {ANA: "Administrator", BEN: "Member", CLEO: "Viewer"}[person]
    assert any(role in caption.value for caption in app.caption)


def test_a_profile_is_shown_as_it_is_written(team):
    said = everything(opened(PAGE))
    assert "Ana \\*Lima\\* \\:red\\[x\\]" in said
    assert "ana@example.org" in said.replace("\\", "") and "Administrator" in said


def test_a_token_is_shown_once_and_does_what_was_ticked(team, studio):
    team.be(BEN)
    app = opened(PAGE)
    app.text_input[0].set_value("my *laptop*")
    app.get("button_group")[0].set_value(["predict", "runs:read"])
    next(one for one in app.button if one.label == "Make a token").click().run()
    secret, line = (code.value for code in app.code)
    assert secret in line and "TL_SERVER=https://graft.example.org" in line
    acting = principal_of_token(studio.engine, secret)
    assert acting.id == BEN and acting.scopes == {"predict", "runs:read"}
    app.run()
    assert not app.code and "my \\*laptop\\*" in everything(app) and "in 90 days" in everything(app)
    [token] = Tokens(studio.engine, team.who(BEN)).list()
    app.button(key=f"revoke_{token.id}").click().run()
    assert principal_of_token(studio.engine, secret)  # only asked
    app.button(key="revoke_sure").click().run()
    assert not app.exception
    assert principal_of_token(studio.engine, secret) is None and "You have none" in everything(app)


def test_a_token_without_a_right_is_refused_in_words(team):
    app = opened(PAGE)
    app.text_input[0].set_value("x")
    app.get("button_group")[0].set_value([])
    next(one for one in app.button if one.label == "Make a token").click().run()
    assert "cannot be made" in app.error[0].value and not app.code


def test_signing_out_everywhere_asks_once(team):
    app = opened(PAGE)
    app.button(key="sign_out_everywhere").click().run()
    assert team.people.get(ANA).sessions_valid_after == 0
    app.button(key="everywhere_sure").click().run()
    assert not app.exception and team.people.get(ANA).sessions_valid_after > 0


def test_a_proxy_signs_out_itself_and_keeps_no_password_here(studio, monkeypatch):
    Team(studio, monkeypatch, "header")
    app = opened(PAGE)
    assert not app.exception
    assert "sign_out_everywhere" not in {button.key for button in app.button}
    assert not [one for one in app.get("html") if "/sign-out" in one.proto.body]
    assert not [one for one in app.text_input if one.label == "Password now"]


def test_a_password_is_changed_where_this_server_keeps_it(studio, monkeypatch):
    team = Team(studio, monkeypatch, "accounts")
    accounts = Accounts(studio.engine, team.settings)
    secret = accounts.invite(team.who(ANA))
    dora = accounts.accept(secret, "dora", "Dora", "an old password")
    team.be(dora.id)

    def change(old, new, again):
        app = opened(PAGE)
        for label, value in (("Password now", old), ("New password", new), ("Once more", again)):
            next(one for one in app.text_input if one.label == label).set_value(value)
        next(one for one in app.button if one.label == "Change it").click().run()
        return app

    assert (
        "two ways" in change("an old password", "a new password", "a mew password").warning[0].value
    )
    assert (
        "not your password"
        in change("wrong password", "a new password", "a new password").error[0].value
    )
    assert "cannot be used" in change("an old password", "short", "short").error[0].value
    assert accounts.sign_in("dora", "an old password", "")
    assert not change("an old password", "a new password", "a new password").exception
    assert accounts.sign_in("dora", "a new password", "")
    with pytest.raises(SignInError):
        accounts.sign_in("dora", "an old password", "")


def test_what_i_did_is_listed_and_not_what_others_did(team, studio, record):
    team.be(BEN)
    assert "Nothing that the log keeps" in everything(opened(PAGE))
    Tokens(studio.engine, team.who(BEN)).make("laptop", ["predict"], 3)
    [shown] = [one.value for one in opened(PAGE).dataframe if "what" in one.value]
    assert list(shown["what"]) == ["make"] and "laptop" in shown["details"][0]
    team.be(ANA)
    [shown] = [one.value for one in opened(PAGE).dataframe if "what" in one.value]
    assert list(shown["which"]) == ["ana/notes@1"]


def test_my_data_come_as_a_zip(team, record):
    app = opened(PAGE)
    app.session_state["my_data"] = True
    app.run()
    assert not app.exception
    assert [one.label for one in app.get("download_button")] == ["Download my data"]
    content = my_data._zipped(my_data._data(), files=True)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert json.loads(archive.read("profile.json"))["handle"] == "ana"
    assert [one for one in archive.namelist() if one.startswith("files/datasets/notes@1/")]


def test_an_account_is_erased_after_its_handle_was_typed(team, studio, record):
    Administration(studio.engine, team.who(ANA)).set_role(BEN, "admin")

    def erase(typed):
        app = opened(PAGE)
        app.session_state["my_data"] = True
        app.run()
        app.button(key="erase").click().run()
        assert "1 dataset versions" in everything(app)
        app.text_input(key="erase_typed").set_value(typed)
        next(one for one in app.button if one.label == "Erase it for good").click()
        return app

    erase("anna").run()
    assert record.folder.is_dir() and team.people.get(ANA)
    app = erase("ana").run()
    assert not app.exception and app.title[0].value == "Sign in again"
    assert not record.folder.exists()
    with pytest.raises(NotFoundError):
        team.people.get(ANA)


def test_the_last_administrator_is_not_erased(team, record):
    app = opened(PAGE)
    app.session_state["my_data"] = True
    app.run()
    app.button(key="erase").click().run()
    app.text_input(key="erase_typed").set_value("ana")
    next(one for one in app.button if one.label == "Erase it for good").click().run()
    assert record.folder.is_dir() and team.people.get(ANA)
    assert "last administrator" in str(app.session_state["dialog_refused"])
