"""How the command line is read: order, repeated and missing options, wrong use, defects."""

from __future__ import annotations

import io
import json
import sys

import pytest

from tl_core.cli.commands.backbones import backbones
from tl_core.cli.commands.bundles import export
from tl_core.cli.commands.prediction import explain
from tl_core.cli.main import command_line, main
from tl_core.errors import UserError


@pytest.fixture
def error(capsys):
    """The error object of wrong use, which ends with 2."""

    def run(*arguments):
        assert main([*arguments, "--json"]) == 2
        printed = json.loads(capsys.readouterr().out)
        assert list(printed) == ["error"]
        assert set(printed["error"]) == {"code", "what", "why", "try_this"}
        return printed["error"]

    return run


@pytest.fixture
def received(monkeypatch):
    """What a command's function is called with, instead of being carried out."""

    def run(command, *arguments):
        values = {}
        monkeypatch.setattr(command, "callback", lambda **given: values.update(given) or 0)
        assert main([*arguments]) == 0
        return values

    return run


@pytest.mark.parametrize(
    ("arguments", "what", "hint"),
    [
        (["exprot", "x"], "no command 'exprot'", "Did you mean export"),
        (["runs", "cancle", "x"], "no command 'cancle'", "Did you mean cancel"),
        (["train", "--recpie", "probe"], "no option '--recpie'", "Did you mean --recipe"),
        (["train", "--recpie=probe"], "no option '--recpie'", "Did you mean --recipe"),
        (["data", "add", "-x.csv", "--name", "m"], "no option '-x.csv'", "--"),
        (["export", "x", "-o", "d", "--format", "onx"], "no choice 'onx'", "Did you mean onnx"),
        (["labels", "decide", "m", "1", "kep"], "no choice 'kep'", "Did you mean keep"),
        (["labels", "decide", "m", "x", "keep"], "ROW", "NAME ROW DECISION"),
        (["labels"], "command is required", "--help"),
        (["data", "add", "t.csv"], "--name is required", "data add [OPTIONS] SOURCE"),
        (["data", "show"], "NAME is required", "data show [OPTIONS] NAME"),
        (["runs", "stop", "x"], "--keep-best is required", "runs stop"),
        (["backbones", "rank", "--dataset", "m"], "REFERENCE... is required", "rank"),
        (["data", "list", "more"], "more", "data list"),
        (["serve", "x", "--port", "many"], "--port", "serve"),
        (["runs", "resume", "x", "--detach=yes"], "--detach", "--help"),
    ],
)
def test_wrong_use_names_what_is_wrong_and_the_nearest(error, arguments, what, hint):
    problem = error(*arguments)
    assert problem["code"] == "usage"
    assert what in problem["what"]
    assert hint in problem["try_this"]


@pytest.mark.parametrize("follower", ["--yes", "-o", "--", "--nothing"])
def test_an_option_never_takes_the_next_one_for_its_value(error, follower):
    assert "requires a value" in error("data", "add", "t.csv", "--name", follower)["what"]


def test_options_stand_anywhere_and_the_last_one_counts(received):
    for arguments in (
        ("export", "-o", "a", "RUN", "--format", "hf", "--zip", "--output=b", "--format=onnx"),
        ("export", "--format=onnx", "--zip", "-ob", "RUN"),
        ("export", "--zip", "--format", "onnx", "-o=b", "--", "RUN"),
    ):
        assert received(export, *arguments) == {
            "run_id": "RUN",
            "target": "b",
            "form": "onnx",
            "int8": False,
            "include_examples": False,
            "zipped": True,
        }


@pytest.mark.parametrize("text", ["-5 degrees outside", "- a list", "--title is a word", "-5", "-"])
def test_a_text_may_begin_with_a_dash(received, text):
    assert received(explain, "explain", "RUN", text)["item"] == text
    assert received(explain, "explain", "RUN", "--title", text, "x")["title"] == text
    assert received(explain, "explain", "RUN", f"--title={text}", "x")["title"] == text


def test_what_follows_two_dashes_are_words(received):
    assert received(explain, "explain", "RUN", "--", "--title")["item"] == "--title"


def test_repeated_options_and_several_words_are_all_kept(received):
    shown = received(
        backbones.commands["show"], "backbones", "show", "--set", "a=1", "x", "--set", "b=-2"
    )
    assert shown == {"reference": "x", "settings": ("a=1", "b=-2")}
    ranked = received(
        backbones.commands["rank"], "backbones", "rank", "a", "--dataset", "m", "b", "--rows", "30"
    )
    assert (ranked["references"], ranked["rows"], ranked["depths"]) == (("a", "b"), 30, False)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_json_is_asked_for_anywhere(capsys, place):
    arguments = ["recipes", "list"]
    arguments.insert(place, "--json")
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["recipes"]


def test_without_json_errors_are_one_line_on_standard_error(capsys):
    assert main(["recipes", "show", "porbe"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "Error: There is no recipe 'porbe'. Did you mean probe?\n"


@pytest.mark.parametrize(
    ("problem", "code", "shown"),
    [
        (UserError("It is so.", "Because.", "Do this."), 2, "Do this."),
        (RuntimeError("bang"), 1, "RuntimeError: bang"),
        (EOFError("gone"), 1, "EOFError: gone"),
    ],
)
def test_what_a_command_raises_becomes_an_error_object(monkeypatch, capsys, problem, code, shown):
    def fail(**_given):
        raise problem

    monkeypatch.setattr(command_line.commands["doctor"], "callback", fail)
    assert main(["doctor", "--json"]) == code
    assert shown in json.loads(capsys.readouterr().out)["error"].values()


def test_a_reader_that_goes_away_ends_with_1(monkeypatch):
    def fail(**_given):
        raise BrokenPipeError

    stream = io.StringIO()
    monkeypatch.setattr(command_line.commands["doctor"], "callback", fail)
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["doctor"]) == 1
    assert stream.closed


def test_interrupting_is_left_to_the_command(monkeypatch):
    def interrupt(**_given):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line.commands["doctor"], "callback", interrupt)
    with pytest.raises(KeyboardInterrupt):
        main(["doctor"])
