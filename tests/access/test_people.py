"""Who somebody is, which role they have, and how long their session holds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import update

from tl_core.access.activity_log import ActivityLog
from tl_core.access.people import Administration, Claims, People, sign_out_everywhere
from tl_core.database.tables import users
from tl_core.errors import AccessError, ConfigError, NotFoundError, SignInError, StateError


def test_a_person_is_known_by_issuer_and_subject_not_by_their_address(people, ana):
    again = people.arrive(Claims("https://idp", "sub-ana", "Ana Costa", "other@example.org"))
    assert (again.id, again.handle, again.name) == (ana.id, "ana", "Ana Costa")
    elsewhere = people.arrive(Claims("https://other", "sub-ana", "Ana", "ana@example.org", True))
    assert elsewhere.id != ana.id and elsewhere.handle == "ana-2"
    for nobody in (Claims("", "x"), Claims("https://idp", ""), Claims("i", "s" * 256)):
        with pytest.raises(SignInError):
            people.arrive(nobody)


@pytest.mark.parametrize(
    ("claims", "handle"),
    [
        (Claims("i", "s", email="Jörg.M@x.org"), "j-rg.m"),
        (Claims("i", "s", name="名前"), "person"),
        (Claims("i", "../../x"), "x"),
        (Claims("i", "*"), "person"),
        (Claims("i", "s" * 255), "s" * 32),
        (Claims("i", "0A1B2C3D4E5F"), "0a1b2c3d4e5f-2"),  # as an id
    ],
)
def test_handles_are_short_and_plain(people, claims, handle):
    assert people.arrive(claims).handle == handle


def test_no_handle_is_somebodys_id(engine, people, ana):
    with engine.begin() as connection:
        connection.execute(update(users).where(users.c.id == ana.id).values(id="boss"))
    assert people.arrive(Claims("i", "s", "Boss")).handle == "boss-2"


def test_many_tabs_that_arrive_at_once_make_one_person(people):
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: people.arrive(Claims("i", "s", "Same")).id, range(16)))
    assert len(ids) == 1 and len(people.list()) == 1


def test_named_administrators_need_a_verified_address(engine, settings):
    people = People(engine, replace(settings, admins="Boss@Example.org, sub-root"))
    claims = Claims("i", "1", email="boss@example.org", verified=True)
    assert people.arrive(claims).role == "admin"
    assert people.arrive(Claims("i", "2", email="boss@example.org")).role == "member"
    assert people.arrive(Claims("i", "sub-root")).role == "admin"


def test_groups_give_the_highest_role_at_each_sign_in_and_keep_others_out(engine, settings):
    people = People(engine, replace(settings, group_roles="staff=member, it=admin,look=viewer"))
    assert people.arrive(Claims("i", "1", groups=("staff", "look"))).role == "member"
    assert people.arrive(Claims("i", "1", groups=("look", "it"))).role == "admin"
    with pytest.raises(SignInError, match="may not come in"):
        people.arrive(Claims("i", "1", groups=("cooks",)))
    everybody = People(engine, replace(settings, group_roles="it=admin,*=viewer"))
    assert everybody.arrive(Claims("i", "3")).role == "viewer"
    for wrong in ("it", "it=king"):
        with pytest.raises(ConfigError):
            People(engine, replace(settings, group_roles=wrong)).arrive(Claims("i", "4"))


def test_a_session_ends_by_age_by_signing_out_everywhere_and_by_being_disabled(
    engine, people, ana, admin, clock
):
    began = time.time()
    assert people.standing(ana.id, began).id == ana.id
    assert people.standing(ana.id, began + 3600) is None  # a time to come is forged
    assert people.standing("nobody", began) is None
    clock.ahead = 12 * 3600 - 60
    assert people.standing(ana.id, began)
    clock.ahead = 12 * 3600 + 60
    assert people.standing(ana.id, began) is None
    again = time.time()
    sign_out_everywhere(engine, ana.principal())
    assert people.standing(ana.id, again) is None
    assert people.standing(ana.id, time.time() + 1)
    Administration(engine, admin).disable(ana.id)
    assert people.standing(ana.id, time.time() + 1) is None
    with pytest.raises(SignInError, match="disabled"):
        people.arrive(Claims("https://idp", "sub-ana"))
    Administration(engine, admin).enable(ana.id)
    assert people.arrive(Claims("https://idp", "sub-ana")).id == ana.id


def test_only_administrators_administer_and_one_always_stays(engine, people, ana):
    member = ana.principal()
    for action in ("disable", "enable", "sign_out"):
        with pytest.raises(AccessError):
            getattr(Administration(engine, member), action)(ana.id)
    with pytest.raises(AccessError):
        Administration(engine, member).set_role(ana.id, "admin")
    token = replace(member, role="admin", scopes=frozenset({"runs:read"}))
    with pytest.raises(AccessError):
        Administration(engine, token).set_role(ana.id, "admin")
    boss = Administration(engine, replace(member, role="admin"))
    boss.set_role(ana.id, "admin")
    for left in (lambda: boss.set_role(ana.id, "member"), lambda: boss.disable(ana.id)):
        with pytest.raises(StateError, match="Nobody would be left"):
            left()
    assert people.get("ana").role == "admin" and not people.get("ana").disabled
    with pytest.raises(ConfigError):
        boss.set_role(ana.id, "king")
    with pytest.raises(NotFoundError):
        boss.disable("nobody")


def test_the_log_shows_everybody_their_own_deeds_and_administrators_all(engine, people, ana, admin):
    Administration(engine, admin).set_role(ana.id, "viewer")
    sign_out_everywhere(engine, ana.principal(address="10.1.2.3"))
    [mine] = ActivityLog(engine, ana.principal()).mine()
    assert (mine.who, mine.action, mine.address) == ("ana", "sign out everywhere", "10.1.2.3")
    with pytest.raises(AccessError):
        ActivityLog(engine, ana.principal()).everything()
    deeds = ActivityLog(engine, admin).everything()
    assert [deed.action for deed in deeds] == ["sign out everywhere", "set role"]
    assert deeds[1].detail == {"role": "viewer"}
