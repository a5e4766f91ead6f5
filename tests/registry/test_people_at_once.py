"""What people do at the same moment: accounts, sign-ins and administrators, on both databases."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from tl_core.access import accounts as module
from tl_core.access import people as people_module
from tl_core.access.accounts import Accounts
from tl_core.access.people import Administration, Claims, People
from tl_core.access.principal import ADMIN, Principal
from tl_core.database.tables import attempts, passwords, users
from tl_core.errors import NotFoundError, SignInError, StateError
from tl_core.services.personal_data import PersonalData
from tl_core.settings import Settings

WORDS = "correct horse battery"
ROOT = Principal("root", role=ADMIN)


@pytest.fixture
def settings(home):
    return Settings(home=str(home), sign_in="accounts")


@pytest.fixture
def accounts(engine, settings):
    return Accounts(engine, settings)


def outcomes(*calls):
    """What comes of calls that are made at once, errors among them."""
    with ThreadPoolExecutor(len(calls)) as threads:
        made = [threads.submit(call) for call in calls]
    return [one.exception() or one.result() for one in made]


def meeting(monkeypatch, owner, name, count):
    """Let the first `count` calls of a method go on only when all of them have been made."""
    barrier, real, left = threading.Barrier(count), getattr(owner, name), iter(range(count))

    def called(*given, **named):
        result = real(*given, **named)
        if next(left, None) is not None:
            barrier.wait(10)
        return result

    monkeypatch.setattr(owner, name, called)


@pytest.mark.parametrize("names", [("eve", "eve"), ("eve", "bob")])
def test_one_invitation_sent_twice_makes_one_account_that_works(
    accounts, engine, monkeypatch, names
):
    secret = accounts.invite(ROOT)
    meeting(monkeypatch, Accounts, "invited", 2)
    found = outcomes(
        *(lambda name=name: accounts.accept(secret, name, "", WORDS) for name in names)
    )
    made = [one for one in found if not isinstance(one, Exception)]
    assert len(made) == 1
    assert [type(one) for one in found if one not in made] in ([NotFoundError], [StateError])
    with engine.connect() as connection:
        assert connection.execute(select(users.c.id)).scalars().all() == [made[0].id]
    assert accounts.session(accounts.sign_in(made[0].handle, WORDS, ""))[0] == made[0].id


def test_two_invitations_for_one_name_make_one_account_and_keep_the_other(accounts, monkeypatch):
    secrets = [accounts.invite(ROOT), accounts.invite(ROOT)]
    meeting(monkeypatch, Accounts, "_exists", 2)
    words = dict(zip(secrets, (WORDS, "another good one"), strict=True))
    found = outcomes(
        *(lambda one=one: accounts.accept(one, "eve", "", words[one]) for one in secrets)
    )
    assert sorted(isinstance(one, StateError) for one in found) == [False, True]
    winner = next(i for i, one in enumerate(found) if not isinstance(one, Exception))
    assert accounts.sign_in("eve", words[secrets[winner]], "")
    assert accounts.accept(secrets[1 - winner], "bob", "", WORDS).handle == "bob"


def test_an_account_without_its_password_is_not_left_behind(accounts, engine, monkeypatch):
    def broken(*_given):
        raise MemoryError

    secret = accounts.invite(ROOT)
    with monkeypatch.context() as patched:
        patched.setattr(module._HASHER.__class__, "hash", broken)
        with pytest.raises(MemoryError):
            accounts.accept(secret, "eve", "", WORDS)
    with engine.connect() as connection:
        assert not connection.execute(select(users)).all()
        assert not connection.execute(select(passwords)).all()
    assert accounts.accept(secret, "eve", "", WORDS).handle == "eve"


def test_many_guesses_at_once_are_no_more_than_one_after_another(accounts, monkeypatch):
    accounts.accept(accounts.invite(ROOT), "eve", "", WORDS)

    def matches(_kept, password):
        time.sleep(0.3)
        return password == WORDS

    monkeypatch.setattr(module, "_matches", matches)
    guesses = [
        lambda number=number: accounts.sign_in("eve", "wrong", f"10.0.0.{number}")
        for number in range(30)
    ]
    found = outcomes(*guesses)
    assert {type(one) for one in found} == {SignInError}
    assert sum("belong together" in str(one) for one in found) == 8


def test_a_right_password_takes_its_attempt_back(accounts, engine):
    accounts.accept(accounts.invite(ROOT), "eve", "", WORDS)
    for _ in range(12):
        assert accounts.sign_in("eve", WORDS, "10.0.0.1")
    with engine.connect() as connection:
        assert not connection.execute(select(attempts)).all()


@pytest.fixture
def two(engine, settings):
    """Two administrators, and nobody else."""
    people = People(engine, replace(settings, admins="one,two"))
    return [people.arrive(Claims("https://idp", name, name)) for name in ("one", "two")]


def administrators(engine):
    query = select(users.c.id).where(users.c.role == ADMIN, ~users.c.disabled)
    with engine.connect() as connection:
        return connection.execute(query).scalars().all()


def test_two_administrators_who_demote_each_other_leave_one(engine, two, monkeypatch):
    real = people_module._administrators

    def slow(connection):
        count = real(connection)
        time.sleep(0.3)
        return count

    monkeypatch.setattr(people_module, "_administrators", slow)
    one, other = two
    found = outcomes(
        lambda: Administration(engine, one.principal()).set_role(other.id, "member"),
        lambda: Administration(engine, other.principal()).disable(one.id),
    )
    assert sorted(isinstance(result, StateError) for result in found) == [False, True]
    assert len(administrators(engine)) == 1


def test_two_administrators_who_leave_at_once_leave_one(engine, two, home, monkeypatch):
    real = PersonalData._forget

    def slow(self, connection):
        time.sleep(0.3)
        real(self, connection)

    monkeypatch.setattr(PersonalData, "_forget", slow)
    found = outcomes(
        *(lambda one=one: PersonalData(engine, home, one.principal()).erase() for one in two)
    )
    assert sorted(isinstance(result, StateError) for result in found) == [False, True]
    assert len(administrators(engine)) == 1
