"""Quotas and the queue at the command line, as JSON and in words."""

from __future__ import annotations

import json

import pytest
from tests_support.office import Office

from tl_core.access.people import Claims, People
from tl_core.cli.main import main
from tl_core.database.engine import open_database
from tl_core.settings import read_settings


@pytest.fixture
def call(capsys):
    def run(*arguments, code=0):
        assert main([*map(str, arguments), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def said(capsys):
    def run(*arguments, code=0):
        assert main([*map(str, arguments)]) == code
        shown = capsys.readouterr()
        return shown.out + shown.err

    return run


@pytest.fixture
def office(home):
    return Office(open_database(read_settings()), home)


def test_quotas_are_shown_set_and_taken_back(call, monkeypatch):
    monkeypatch.setenv("TL_QUOTAS", "running=2")
    shown = call("quota", "show", "local")
    assert shown["person"] == "local"
    limits = {one["name"]: (one["limit"], one["own"]) for one in shown["quotas"]}
    assert limits["running"] == (2, False) and limits["queued"] == (None, False)
    answer = call("quota", "set", "local", "running", 5)
    assert (answer["person"], answer["name"], answer["limit"]) == ("local", "running", 5)
    assert call("quota", "set", "local", "running", 0)["limit"] is None
    assert call("quota", "set", "local", "running", "default")["limit"] == 2
    assert [one["person"] for one in call("quota", "show")] == ["local"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["quota", "set", "local", "runing", 2], "running"),
        (["quota", "set", "local", "running", "-2"], "whole number"),
        (["quota", "set", "local", "running", "many"], "default"),
        (["quota", "set", "nobody", "running", 2], "nobody here"),
        (["quota", "show", "nobody"], "nobody here"),
        (["queue", "priority", "nix", 3], "no run"),
        (["queue", "priority", "nix", "much"], "much"),
    ],
)
def test_wrong_use_is_answered_in_words(call, arguments, words):
    error = call(*arguments, code=2)["error"]
    assert words in " ".join((error["what"], error["why"], error["try_this"]))


def test_the_queue_is_listed_in_the_order_of_turns(call, said, office):
    assert "Nothing runs or waits." in said("queue", "list")
    runs = [office.queue(who, 0) for who in ("ann", "ann", "bob")]
    listed = call("queue", "list")
    assert [(one["run"], one["owner"], one["place"]) for one in listed] == [
        (runs[0], "ann", 1),
        (runs[2], "bob", 2),
        (runs[1], "ann", 3),
    ]
    assert call("queue", "priority", runs[1], 4) == {
        "run_id": runs[1],
        "priority": 4,
        "place": 1,
    }
    assert call("queue", "priority", runs[1], -4)["place"] == 3
    assert "place 3" in said("queue", "priority", runs[1], -4)
    office.next()
    text = said("queue", "list")
    assert "running, 0%" in text and "place 1" in text and "d@1" not in text


def test_who_is_no_administrator_sees_only_their_own_quotas(call, office, monkeypatch):
    person = People(office.engine, read_settings()).arrive(Claims("x", "ann", "Ann"))
    monkeypatch.setenv("TL_USER", person.handle)
    assert call("quota", "show", person.handle)["person"] == person.handle
    for line in (
        ("quota", "show"),
        ("quota", "set", person.handle, "running", 9),
        ("queue", "list"),
        ("queue", "priority", office.queue("bob"), 1),
    ):
        assert call(*line, code=2)["error"]["code"] == "access"
