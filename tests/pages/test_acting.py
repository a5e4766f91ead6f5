"""Who is acting is asked once in a run of a page, and anew soon: a session that ends ends here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import streamlit as st

from pages.shell import services
from tl_core.access.principal import Principal
from tl_core.errors import SignInError

ANA, BEN = Principal("ana"), Principal("ben")


@pytest.fixture
def tab(monkeypatch, home):
    """A tab on a server with sign-in: its cookies, the time, and whom the server knows by them."""
    monkeypatch.setenv("TL_SIGN_IN", "accounts")
    monkeypatch.setenv("TL_URL", "https://graft.example.org")
    made = SimpleNamespace(cookies={"graft_session": "a"}, now=100.0, asked=0, state={})
    made.known = {"a": ANA, "b": BEN}

    class Known:
        def of(self, cookies, _headers, *, address):
            made.asked += 1
            return SimpleNamespace(principal=made.known.get(cookies.get("graft_session")))

    context = SimpleNamespace(
        cookies=SimpleNamespace(to_dict=lambda: dict(made.cookies)), headers={}, ip_address=None
    )
    monkeypatch.setattr(services, "identity", lambda _settings: Known())
    monkeypatch.setattr(st, "context", context)
    monkeypatch.setattr(st, "session_state", made.state)
    monkeypatch.setattr(services.time, "monotonic", lambda: made.now)
    return made


def test_one_run_of_a_page_asks_once(tab):
    assert {services.principal() for _ in range(30)} == {ANA} and tab.asked == 1


def test_a_session_that_has_ended_opens_nothing_at_the_next_click(tab):
    assert services.principal() == ANA
    del tab.known["a"]
    tab.now += 1
    with pytest.raises(SignInError):
        services.principal()
    with pytest.raises(SignInError):
        services.principal()


def test_other_cookies_are_asked_for_at_once(tab):
    assert services.principal() == ANA
    tab.cookies["graft_session"] = "b"
    assert services.principal() == BEN
    tab.cookies["graft_session"] = "forged"
    with pytest.raises(SignInError):
        services.principal()
