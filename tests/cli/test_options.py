"""The options of every command, as scripts rely on them, in the help and in the docs."""

from __future__ import annotations

import re
from dataclasses import fields

import click
import pytest
from tests_support.studio import ROOT

from tl_core.cli.main import command_line, main
from tl_core.data.dataset_version import ImportOptions

ADD = "SOURCE --name --test --append --yes --strict"
CONTRACT = {
    "data add": ADD,
    "data list": "",
    "data show": "NAME",
    "data check": "NAME --shortcuts",
    "data domains": "NAME --column --backbone --rule",
    "data hold-out": "NAME --column --methods --backbone --set --estimate --detach",
    "data fix": "NAME FINDING --action",
    "data versions": "NAME",
    "data compare": "FIRST SECOND",
    "data restore": "NAME",
    "data export": "NAME -o --output --format",
    "data delete": "NAME --with-runs",
    "data levels": "NAME --separator",
    "data search": "NAME --like --words --file --backbone --top",
    "backbones list": "",
    "backbones show": "REFERENCE --set",
    "backbones rank": "REFERENCE... --dataset --rows --depths --processes",
    "recipes list": "",
    "recipes show": "RECIPE",
    "train": (
        "--dataset --recipe --backbone --set --config --continue --budget --estimate --sealed "
        "--detach"
    ),
    "runs list": "",
    "runs show": "RUN",
    "runs cancel": "RUN",
    "runs open": "RUN",
    "runs delete": "RUN",
    "runs stop": "RUN --keep-best",
    "runs compare": "FIRST SECOND",
    "runs resume": "RUN --detach",
    "runs thresholds": "RUN --for --at --set",
    "labels suggest": "NAME --backbone",
    "labels next": "NAME --backbone --strategy --class --batch --random-share",
    "labels decide": "NAME ROW DECISION --to",
    "labels take": "NAME --count",
    "labels give": "NAME ROW CLASS --new",
    "labels skip": "NAME ROW",
    "labels undo": "NAME",
    "labels settle": "NAME ROW CLASS",
    "labels status": "NAME",
    "labels export": "NAME -o --output",
    "labels import": "NAME FILE --new",
    "labels apply": "NAME",
    "store check": "--content",
    "store push": "FOLDER... --again",
    "store pull": "FOLDER...",
    "store collect": "",
    "executors list": "",
    "executors check": "EXECUTOR",
    "report": "RUN --html",
    "predict": (
        "MODEL INPUT -o --output --precision --spreadsheet --text-column --title-column --yes "
        "--strict --processes"
    ),
    "explain": "MODEL INPUT --title --label",
    "export": "RUN -o --output --format --int8 --include-examples --zip",
    "push": "BUNDLE OWNER/NAME --public",
    "verify": "DIR",
    "serve": (
        "BUNDLE... --host --port --workers --batch --wait-ms --room --seconds --memory-mb "
        "--canary --share --window --unsure --keep-unsure --unwatched --ray --gpus"
    ),
    "served list": "",
    "served drift": "NAME",
    "served canary": "NAME",
    "served collect": "NAME --dataset",
    "reproduce": "RUN --script",
    "doctor": "",
    "people list": "",
    "people invite": "--role --note",
    "people role": "PERSON ROLE",
    "people disable": "PERSON",
    "people enable": "PERSON",
    "people erase": "PERSON --yes",
    "people sign-out": "PERSON",
    "quota show": "[PERSON]",
    "quota set": "PERSON NAME VALUE",
    "queue list": "",
    "queue priority": "RUN N",
    "backup": "FILE",
    "restore": "FILE --into",
}
DEFAULTS = {
    "backbones rank x --dataset m": {"rows": 1000, "depths": False, "processes": 1},
    "backbones show x": {"settings": ()},
    "data domains m --column shop": {"backbone": "", "rule": "within"},
    "data hold-out m --column shop": {
        "methods": "erm,swad",
        "backbone": "",
        "settings": (),
        "estimate": False,
        "detach": False,
    },
    "data search m --like 3": {"like": 3, "words": "", "path": "", "backbone": "", "top": 20},
    "data fix m leak": {"action": ""},
    "export r -o d": {"form": "hf", "int8": False, "include_examples": False, "zipped": False},
    "predict r x -o d": {
        "precision": "auto",
        "spreadsheet": False,
        "text_column": "",
        "title_column": "",
        "yes": False,
        "strict": False,
        "processes": 1,
    },
    "explain r x": {"title": None, "label": ""},
    "report r": {"html": ""},
    "reproduce r": {"file": None},
    "train": {
        **dict.fromkeys(("dataset", "recipe", "backbone", "config", "continue_run", "budget"), ""),
        "settings": (),
        **dict.fromkeys(("estimate", "sealed", "detach"), False),
    },
    "serve b": {
        "host": "127.0.0.1",
        "port": 8000,
        "workers": 1,
        "batch": 32,
        "wait_ms": 4.0,
        "room": 1024,
        "seconds": 30.0,
        "memory_mb": 0,
        "canary": "",
        "share": 0.1,
        "window": 1000,
        "unsure": 0.0,
        "keep_unsure": 0,
        "unwatched": False,
        "ray": False,
        "gpus": 0.0,
    },
}


def commands(group=command_line, path=""):
    """Every command that does something, by the words that call it."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield words, command


def received(monkeypatch, line):
    """What a command's function is called with, instead of being carried out."""
    values = {}
    for words, command in commands():
        if f"{line} ".startswith(f"{words} "):
            monkeypatch.setattr(command, "callback", lambda **given: values.update(given) or 0)
    assert main(line.split()) == 0
    return values


def flag(field):
    return "--" + field.name.replace("_", "-")


def test_commands_and_their_options_are_those_of_the_contract():
    built = {}
    for words, command in commands():
        context = click.Context(command)
        built[words] = " ".join(
            word
            for param in command.params
            for word in (
                [param.make_metavar(context)] if isinstance(param, click.Argument) else param.opts
            )
        )
    imports = " ".join(map(flag, fields(ImportOptions)))
    assert built == {**CONTRACT, "data add": f"{ADD} {imports}"}


@pytest.mark.parametrize("words", CONTRACT)
def test_help_says_what_every_option_is(capsys, words):
    assert main([*words.split(), "--help"]) == 0
    text = capsys.readouterr().out
    command = dict(commands())[words]
    for param in command.params:
        assert param.help, f"{words}: {param.name} is not explained"
    for word in (*CONTRACT[words].split(), "--json", "-h, --help"):
        assert word in text


@pytest.mark.parametrize(
    "group", ["", "data", "backbones", "recipes", "runs", "labels", "quota", "queue"]
)
def test_help_of_a_group_lists_its_commands_whole(capsys, group):
    assert main([*group.split(), "-h"]) == 0
    text = capsys.readouterr().out
    inner = command_line.commands[group] if group else command_line
    for name in inner.commands:
        assert re.search(rf"^  {name}  +\w", text, re.MULTILINE), name
    assert "..." not in text.split("Commands:")[1]


@pytest.mark.parametrize("line", DEFAULTS)
def test_defaults(monkeypatch, line):
    values = received(monkeypatch, line)
    assert {name: values[name] for name in DEFAULTS[line]} == DEFAULTS[line]


def test_options_of_an_import_are_the_fields_with_their_words_and_defaults(monkeypatch):
    params = {param.opts[0]: param for param in dict(commands())["data add"].params}
    for field in fields(ImportOptions):
        assert params[flag(field)].help == field.metadata["help"]
    values = received(monkeypatch, "data add t.csv --name m")
    choices = {field.name: values[field.name] for field in fields(ImportOptions)}
    assert ImportOptions(**choices) == ImportOptions()


def test_options_in_the_readme_exist():
    known = {words: {o for p in c.params for o in p.opts} for words, c in commands()}
    table = (ROOT / "docs/reference/command-line.md").read_text().split("\n```")[0]
    named = 0
    for cell in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE):
        for usage in re.findall(r"`([^`]+)`", cell):
            words = max((w for w in known if f"{usage} ".startswith(f"{w} ")), key=len)
            for option in re.findall(r"(?<=[ \[])--?[a-z][a-z0-9-]*", usage):
                assert option in known[words], f"{words} has no {option}"
                named += 1
    assert named > 30
