"""`people`: what whoever has a shell on the server does to those who sign in."""

from __future__ import annotations

import json

import pytest

from tl_core.access.accounts import Accounts
from tl_core.cli.main import main
from tl_core.database.engine import open_database
from tl_core.settings import read_settings


@pytest.fixture
def command(capsys, monkeypatch):
    monkeypatch.setenv("TL_SIGN_IN", "accounts")
    monkeypatch.setenv("TL_URL", "https://graft.example.org")

    def call(*arguments, code=0):
        assert main([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return call


def test_an_invited_administrator_and_what_becomes_of_them(command):
    link = command("people", "invite", "--role", "admin", "--note", "the first")["link"]
    address, _, secret = link.rpartition("/")
    assert address == "https://graft.example.org/invite"
    accounts = Accounts(open_database(read_settings()), read_settings())
    accounts.accept(secret, "eve", "Eve", "correct horse battery")
    [eve] = command("people", "list")["people"]
    assert (eve["handle"], eve["role"], eve["disabled"]) == ("eve", "admin", False)
    refused = command("people", "role", "eve", "member", code=2)
    assert "Nobody would be left" in refused["error"]["what"]
    other = command("people", "invite")["link"].rpartition("/")[2]
    accounts.accept(other, "bob", "Bob", "correct horse battery")
    assert command("people", "role", "bob", "viewer")["role"] == "viewer"
    assert command("people", "disable", "bob")["disabled"]
    assert not command("people", "enable", "bob")["disabled"]
    assert command("people", "sign-out", "bob") == {"handle": "bob"}
    assert "nobody here" in command("people", "disable", "nobody", code=2)["error"]["what"]
    assert command("people", "erase", "bob")["erased"] is False
    assert "kept out" in command("people", "erase", "bob", "--yes", code=2)["error"]["what"]
    command("people", "disable", "bob")
    gone = command("people", "erase", "bob", "--yes")
    assert gone == {"handle": "bob", "erased": True, "datasets": 0, "runs": 0}
    assert [one["handle"] for one in command("people", "list")["people"]] == ["eve"]
