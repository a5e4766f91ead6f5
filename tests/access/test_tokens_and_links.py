"""What acts in somebody's name: tokens of programs, and links to one report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from tl_core.access.access_tokens import Tokens, principal_of_token
from tl_core.access.links import ReportLinks, open_link
from tl_core.access.people import Administration
from tl_core.config import RunConfig
from tl_core.database.tables import links, runs, tokens
from tl_core.errors import AccessError, NotFoundError, StateError
from tl_core.registry.runs import RunStore


def test_a_token_acts_for_its_person_within_scopes_until_it_expires(engine, ana, clock):
    own = Tokens(engine, ana.principal())
    secret = own.make("nightly job", ["runs:read", "predict"], 30)
    acting = principal_of_token(engine, secret, "10.0.0.7")
    assert (acting.id, acting.handle, acting.way) == (ana.id, "ana", "api")
    assert acting.scopes == {"runs:read", "predict"} and acting.address == "10.0.0.7"
    with engine.connect() as connection:
        assert secret not in str(connection.execute(select(tokens)).all())
    assert own.list()[0].used is not None
    clock.ahead = 31 * 86_400
    assert principal_of_token(engine, secret) is None


def test_a_revoked_a_forged_and_a_disabled_token_are_nobody(engine, ana, admin):
    own = Tokens(engine, ana.principal())
    secret = own.make("a", ["runs:read"], 1)
    for forged in ("", "gst_", secret[:-1], secret + "x", secret.lower()):
        assert principal_of_token(engine, forged) is None
    Administration(engine, admin).disable(ana.id)
    assert principal_of_token(engine, secret) is None
    Administration(engine, admin).enable(ana.id)
    assert principal_of_token(engine, secret)
    with pytest.raises(NotFoundError):
        Tokens(engine, replace(ana.principal(), id="other")).revoke(own.list()[0].id)
    own.revoke(own.list()[0].id)
    assert principal_of_token(engine, secret) is None and own.list() == []


def test_a_token_makes_no_tokens(engine, ana):
    acting = replace(ana.principal(), scopes=frozenset({"runs:read"}))
    with pytest.raises(AccessError):
        Tokens(engine, acting).make("more", ["runs:write"], 1)
    with pytest.raises(AccessError):
        Tokens(engine, acting).revoke("x")


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", ["runs:read"], 1),
        ("x", [], 1),
        ("x", ["admin"], 1),
        ("x", ["runs:read"], 0),
        ("x", ["runs:read"], 366),
    ],
)
def test_tokens_need_a_name_known_scopes_and_an_end(engine, ana, name, scopes, days):
    with pytest.raises(StateError):
        Tokens(engine, ana.principal()).make(name, scopes, days)


@pytest.fixture
def run(engine, ana, home):
    store = RunStore(engine, ana.principal(), home)
    made = store.create(RunConfig("train", ana.id, "d@1", "", "starter:text", "probe"))
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.id == made.id).values(status="done"))
    return made


def test_a_link_opens_one_report_until_it_expires_or_is_revoked(engine, ana, run, home, clock):
    own = ReportLinks(engine, ana.principal())
    secret = own.make(run.id, 7)
    assert open_link(engine, secret) == (run.id, f"runs/{run.id}")
    with engine.connect() as connection:
        assert secret not in str(connection.execute(select(links)).all())
    assert own.of(run.id)[0].opened == 1
    for forged in ("", secret[:-1], run.id):
        assert open_link(engine, forged) is None
    clock.ahead = 8 * 86_400
    assert open_link(engine, secret) is None
    other = own.make(run.id, 7)
    own.revoke(run.id, own.of(run.id)[0].id)
    assert open_link(engine, other) is None
    last = own.make(run.id, 7)
    RunStore(engine, ana.principal(), home).delete([run.id])
    assert open_link(engine, last) is None


def test_only_the_owner_makes_links(engine, ana, run):
    other = ReportLinks(engine, replace(ana.principal(), id="other"))
    for refused in (lambda: other.make(run.id, 7), lambda: other.of(run.id)):
        with pytest.raises(NotFoundError):
            refused()
    acting = ReportLinks(engine, replace(ana.principal(), scopes=frozenset({"runs:write"})))
    with pytest.raises(AccessError):
        acting.make(run.id, 7)
    for days in (0, 91):
        with pytest.raises(StateError):
            ReportLinks(engine, ana.principal()).make(run.id, days)
