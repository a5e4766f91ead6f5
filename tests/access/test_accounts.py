"""Names and passwords kept by the server itself: invitations, sessions, guessing."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from tl_core.access.accounts import Accounts, clear_sessions
from tl_core.access.people import Administration
from tl_core.database.tables import attempts, invites, passwords, sessions, users
from tl_core.errors import AccessError, ConfigError, NotFoundError, SignInError, StateError

WORDS = "correct horse battery"


@pytest.fixture
def accounts(engine, settings):
    return Accounts(engine, settings)


@pytest.fixture
def eve(accounts, admin):
    return accounts.accept(accounts.invite(admin, "member", "for Eve"), "Eve", "Eve Adams", WORDS)


def test_an_invitation_makes_one_account_with_its_role(accounts, admin, engine):
    secret = accounts.invite(admin, "viewer")
    assert accounts.invited(secret) == "viewer"
    person = accounts.accept(secret, "bob", "", WORDS)
    assert (person.handle, person.role, person.name) == ("bob", "viewer", "bob")
    for second in (secret, "gsi_made-up", ""):
        with pytest.raises(NotFoundError, match="does not hold"):
            accounts.accept(second, "eve", "Eve", WORDS)
    with engine.connect() as connection:
        kept = str(connection.execute(select(invites)).all())
        assert secret not in kept and WORDS not in str(connection.execute(select(passwords)).all())


def test_only_administrators_invite_and_invitations_grow_old(accounts, ana, admin, clock):
    with pytest.raises(AccessError):
        accounts.invite(ana.principal())
    with pytest.raises(ConfigError):
        accounts.invite(admin, "king")
    secret = accounts.invite(admin)
    clock.ahead = 8 * 86_400
    with pytest.raises(NotFoundError):
        accounts.accept(secret, "late", "", WORDS)


def test_open_invitations_are_listed_and_ended_by_administrators_alone(accounts, ana, admin, clock):
    late, early, used = (accounts.invite(admin, "viewer", note) for note in ("late", "soon", "x"))
    accounts.accept(used, "bob", "", WORDS)
    listed = accounts.invitations(admin)
    assert [one.note for one in listed] == ["late", "soon"] and listed[0].role == "viewer"
    assert {one.by for one in listed} == {admin.id}
    assert not any(secret in str(listed) for secret in (late, early, used))
    for refused in (
        lambda: accounts.invitations(ana.principal()),
        lambda: accounts.uninvite(ana.principal(), listed[0].key),
    ):
        with pytest.raises(AccessError):
            refused()
    accounts.uninvite(admin, listed[0].key)
    with pytest.raises(NotFoundError, match="does not hold"):
        accounts.accept(late, "eve", "", WORDS)
    with pytest.raises(NotFoundError, match="no such invitation"):
        accounts.uninvite(admin, listed[0].key)
    clock.ahead = 8 * 86_400
    assert accounts.invitations(admin) == []


@pytest.mark.parametrize(
    "handle", ["", "a", "Ana Lima", "../x", "x" * 33, "*", "ana/x", "0a1b2c3d4e5f"]
)
def test_names_to_sign_in_with_are_plain(accounts, admin, handle):
    with pytest.raises(StateError):
        accounts.accept(accounts.invite(admin), handle, "", WORDS)


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "my-name-is-mallory"])
def test_passwords_have_a_length_and_are_not_the_name(accounts, admin, password):
    with pytest.raises(StateError, match="password"):
        accounts.accept(accounts.invite(admin), "mallory", "", password)


def test_a_name_is_given_once(accounts, admin, eve):
    with pytest.raises(StateError, match="already"):
        accounts.accept(accounts.invite(admin), "EVE", "", WORDS)


def test_a_session_begins_with_the_password_and_ends_on_asking(accounts, engine, eve):
    secret = accounts.sign_in(" EVE ", WORDS, "10.0.0.1")
    user, began = accounts.session(secret)
    assert user == eve.id and began > 0
    with engine.connect() as connection:
        assert secret not in str(connection.execute(select(sessions)).all())
    for forged in ("", "gss_x", secret[:-1], secret.upper()):
        assert accounts.session(forged) is None
    accounts.sign_out(secret)
    accounts.sign_out(secret)
    assert accounts.session(secret) is None


@pytest.mark.parametrize(("name", "word"), [("eve", "wrong"), ("nobody", WORDS), ("", "")])
def test_what_does_not_belong_together_is_refused_with_one_sentence(accounts, eve, name, word):
    with pytest.raises(SignInError) as refused:
        accounts.sign_in(name, word, "10.0.0.1")
    assert refused.value.what == "Name and password do not belong together."


def test_somebody_disabled_does_not_come_in(accounts, engine, eve, admin):
    Administration(engine, admin).disable(eve.id)
    with pytest.raises(SignInError):
        accounts.sign_in("eve", WORDS, "10.0.0.1")


def test_guessing_is_stopped_by_account_and_by_address_and_time_opens_again(
    accounts, engine, eve, clock
):
    for number in range(8):
        with pytest.raises(SignInError, match="belong together"):
            accounts.sign_in("eve", "wrong", f"10.0.0.{number}")
    with pytest.raises(SignInError, match="Too many"):  # even the right one, from anywhere
        accounts.sign_in("eve", WORDS, "10.0.0.99")
    clock.ahead = 901
    assert accounts.sign_in("eve", WORDS, "10.0.0.99")
    for number in range(40):
        with pytest.raises(SignInError, match="belong together"):
            accounts.sign_in(f"guess-{number}", WORDS, "10.6.6.6")
    with pytest.raises(SignInError, match="Too many"):
        accounts.sign_in("eve", WORDS, "10.6.6.6")
    assert accounts.sign_in("eve", WORDS, "10.0.0.1")
    with engine.connect() as connection:
        assert len(connection.execute(select(attempts)).all()) <= 80


def test_sessions_that_are_too_old_are_removed(accounts, engine, settings, eve, clock):
    accounts.sign_in("eve", WORDS, "")
    clock.ahead = 3600 * (settings.number("session_hours") - 1)
    kept = accounts.sign_in("eve", WORDS, "")
    assert clear_sessions(engine, settings) == 0
    clock.ahead += 3601
    assert clear_sessions(engine, settings) == 1
    assert accounts.session(kept)[0] == eve.id
    assert clear_sessions(engine, settings) == 0


def test_nobody_is_called_by_an_id_that_there_is(accounts, engine, admin, eve):
    with engine.begin() as connection:
        connection.execute(update(users).where(users.c.id == eve.id).values(id="plain-id"))
    with pytest.raises(StateError, match="already"):
        accounts.accept(accounts.invite(admin), "plain-id", "", WORDS)


def test_a_changed_password_ends_all_sessions(accounts, people, eve, clock):
    _, began = accounts.session(accounts.sign_in("eve", WORDS, ""))
    with pytest.raises(SignInError):
        accounts.change_password(eve, "wrong", "another good one")
    clock.ahead = 5
    accounts.change_password(eve, WORDS, "another good one")
    assert people.standing(eve.id, began) is None
    with pytest.raises(SignInError):
        accounts.sign_in("eve", WORDS, "")
    clock.ahead = 10
    _, later = accounts.session(accounts.sign_in("eve", "another good one", ""))
    assert people.standing(eve.id, later)
