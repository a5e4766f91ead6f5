"""From a cookie or header to a person; whatever is old, forged or odd is nobody."""

from __future__ import annotations

import time

import pytest

from tests.web.conftest import URL, changed, identity_of
from tl_core.access.accounts import Accounts
from tl_core.access.people import Administration, People, sign_out_everywhere
from tl_core.access.principal import ADMIN, Principal

ROOT = Principal("root", role=ADMIN)


def asked(identity, who="ana"):
    return identity.of({"_streamlit_user": who}, {})


def test_somebody_new_becomes_a_person_and_stays_the_same(identity, engine, settings):
    first = asked(identity).principal
    assert (first.handle, first.name, first.role) == ("ana", "Ana", "member")
    assert asked(identity).principal == first and len(People(engine, settings).list()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://other.example"},
        {"origin": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"iss": None},
        {"iat": None},
        {"iat": "yesterday"},
        {"iat": True},
        {"iat": 1.0},
        {"iat": 4e9},
    ],
    ids=str,
)
def test_odd_claims_are_nobody(settings, engine, claims, change):
    odd = {name: value for name, value in {**claims["ana"], **change}.items() if value is not None}
    assert asked(identity_of(settings, engine, {"ana": odd})).principal is None


def test_the_age_counts_from_the_newest_sign_in(settings, engine, claims):
    long_known = {**claims["ana"], "auth_time": time.time() - 40 * 86_400}
    assert asked(identity_of(settings, engine, {"ana": long_known})).principal
    old = {**claims["ana"], "iat": time.time() - 13 * 3600}
    refused = asked(identity_of(settings, engine, {"ana": old}))
    assert refused.principal is None and "session is over" in refused.why


def test_a_replayed_cookie_is_nobody_after_signing_out_everywhere(identity, engine):
    person = asked(identity).principal
    sign_out_everywhere(engine, person)
    assert asked(identity).principal is None


def test_somebody_disabled_is_out_at_once_and_is_told(identity, engine, settings, claims):
    person = asked(identity).principal
    Administration(engine, ROOT).disable(person.id)
    assert asked(identity).principal is None
    claims["ana"]["iat"] = time.time() + 2  # they sign in again
    assert "disabled" in asked(identity).why


def test_groups_count_at_the_next_sign_in(settings, engine, claims):
    mapped = changed(settings, group_roles="it=admin,staff=member")
    identity = identity_of(mapped, engine, claims)
    claims["ana"]["groups"] = ["staff"]
    assert asked(identity).principal.role == "member"
    claims["ana"]["groups"] = ["it"]
    assert asked(identity).principal.role == "member"
    claims["ana"]["iat"] += 2
    assert asked(identity).principal.role == "admin"
    claims["ana"] |= {"groups": "it", "iat": claims["ana"]["iat"] + 2}  # no list of groups
    assert asked(identity).principal is None


def test_a_role_given_by_an_administrator_counts_at_once(identity, engine):
    person = asked(identity).principal
    Administration(engine, ROOT).set_role(person.id, "viewer")
    assert asked(identity).principal.role == "viewer"


def test_a_session_of_an_account_is_told_by_its_cookie(settings, engine):
    own = changed(settings, sign_in="accounts")
    accounts, identity = Accounts(engine, own), identity_of(own, engine)
    accounts.accept(accounts.invite(ROOT), "eve", "Eve", "correct horse battery")
    secret = accounts.sign_in("eve", "correct horse battery", "")
    assert identity.of({"graft_session": secret}, {}).principal.handle == "eve"
    for forged in ("", "x", secret + "x", secret[::-1]):
        assert identity.of({"graft_session": forged}, {}).principal is None
    assert identity.of({"_streamlit_user": secret}, {}).principal is None
    accounts.sign_out(secret)
    assert identity.of({"graft_session": secret}, {}).principal is None


def test_without_sign_in_there_is_one_person(settings, engine):
    alone = changed(settings, sign_in="", user="me")
    assert identity_of(alone, engine).of({}, {}).principal.id == "me"
    assert identity_of(alone, engine).of_token({"authorization": "Bearer x"}) is None


def test_streamlits_cookie_is_believed_only_when_this_server_signed_it(monkeypatch):
    from streamlit import config
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    from pages.shell.streamlit_login import provider_claims

    monkeypatch.setattr(config, "get_option", lambda _name: "s" * 32)
    signed = create_signed_value("s" * 32, "_streamlit_user", '{"sub": "ana"}').decode()
    assert provider_claims({"_streamlit_user": signed}) == {"sub": "ana"}
    forged = create_signed_value("t" * 32, "_streamlit_user", '{"sub": "ana"}').decode()
    other = create_signed_value("s" * 32, "_streamlit_user_tokens", '{"sub": "ana"}').decode()
    listed = create_signed_value("s" * 32, "_streamlit_user", '["ana"]').decode()
    for wrong in (forged, other, listed, signed[:-2], signed[1:], "", "{}", '{"sub": "ana"}', URL):
        assert provider_claims({"_streamlit_user": wrong}) is None
    assert provider_claims({}) is None
