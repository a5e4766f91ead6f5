"""Labelling what has no class from the command line, by two people, by hand and by a file."""

from __future__ import annotations

import csv
import json

import pytest

from tl_core.cli.main import main
from tl_core.data.labelling.rounds import Round, add_round
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.settings import read_settings


@pytest.fixture
def call(capsys):
    def call(*arguments, code=0):
        assert main([*map(str, arguments), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def version(home, tmp_path, call):
    """A dataset `mail` with ten rows that wait; four of them were proposed, in this order."""
    lines = ["text,label", *(f"words {n},{'good' if n % 2 else 'bad'}" for n in range(24))]
    source = tmp_path / "mail.csv"
    source.write_text("\n".join([*lines, *(f"unknown {n}," for n in range(10))]) + "\n")
    call("data", "add", source, "--name", "mail")
    store = DatasetStore(open_database(read_settings()), "local", home)
    found = DatasetVersion(store.get("mail").folder)
    rows = found.rows_of("unlabelled")
    proposed = [int(rows[place]) for place in (5, 2, 7, 0)]
    add_round(found.folder, Round(proposed, ["margin", "random", "margin", "margin"], 1))
    return found


def test_taken_given_skipped_undone_and_made_a_version(version, call):
    taken = call("labels", "take", "mail", "--count", 2)["rows"]
    assert [(one["why"], one["item"]) for one in taken] == [
        ("margin", "unknown 5"),
        ("random", "unknown 2"),
    ]
    first, second = (one["row"] for one in taken)
    assert call("labels", "give", "mail", first, "good")["labels"] == {str(first): "good"}
    assert (
        "Did you mean good"
        in call("labels", "give", "mail", second, "god", code=2)["error"]["try_this"]
    )
    call("labels", "give", "mail", second, "so-so", "--new")
    assert call("labels", "undo", "mail")["labels"] == {str(first): "good"}
    call("labels", "give", "mail", second, "so-so", "--new")
    third = call("labels", "take", "mail")["rows"][0]
    assert third["item"] == "unknown 7"
    assert call("labels", "skip", "mail", third["row"])["passed"] == [third["row"]]
    status = call("labels", "status", "mail")
    assert status["without_class"] == 10 and status["disputes"] == []
    assert status["agreement"]["pairs"] == []
    made = call("labels", "apply", "mail")
    assert (made["version"], made["parent"]) == (2, "mail@1")
    assert {*made["classes"]} == {"bad", "good", "so-so"}


def test_nothing_is_taken_before_anything_was_proposed_and_it_says_what_to_do(
    home, tmp_path, capsys, version
):
    (version.folder / "labelling.jsonl").unlink()
    assert main(["labels", "take", "mail"]) == 0
    assert "labels next mail@1" in capsys.readouterr().out


def test_a_table_goes_out_and_comes_back(version, call, tmp_path):
    path = tmp_path / "rows.csv"
    assert call("labels", "export", "mail", "-o", path)["rows"] == 10
    with path.open(encoding="utf-8-sig", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [line["item"] for line in lines[:5]] == [
        *("unknown 5", "unknown 2", "unknown 7", "unknown 0"),  # as proposed, then the others
        "unknown 1",
    ]
    filled = tmp_path / "filled.csv"
    with filled.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, lines[0].keys())
        writer.writeheader()
        writer.writerows({**line, "class": "good"} for line in lines[:3])
    status = call("labels", "import", "mail", filled)
    assert len(status["labels"]) == 3
    filled.write_text("row,class\n30,grand\n")
    assert call("labels", "import", "mail", filled, code=2)["error"]["code"]
    assert "grand" in call("labels", "import", "mail", filled, "--new")["labels"].values()


def test_two_people_differ_and_one_has_the_last_word(version, call, monkeypatch, home):
    from tests_support.office import Office

    from tl_core.access.principal import MEMBER, Principal
    from tl_core.access.sharing import Sharing

    engine = open_database(read_settings())
    Office(engine, home).hire("local", "bob")
    Sharing(engine, Principal("local", role=MEMBER)).share("project", "mail", "bob", "editor")
    row = int(version.rows_of("unlabelled")[0])
    call("labels", "give", "mail", row, "good")
    monkeypatch.setenv("TL_USER", "bob")
    status = call("labels", "give", "local/mail", row, "bad")
    assert status["disputes"] == [{"row": row, "said": {"h-local": "good", "h-bob": "bad"}}]
    [pair] = status["agreement"]["pairs"]
    assert (pair["items"], pair["agreed"]) == (1, 0)
    settled = call("labels", "settle", "local/mail", row, "bad")
    assert settled["labels"] == {str(row): "bad"} and settled["disputes"] == []


def test_a_table_holds_nobody_elses_answers(version, call, monkeypatch, home, tmp_path):
    """Sent back as it came, it would count as agreement."""
    from tests_support.office import Office

    from tl_core.access.principal import MEMBER, Principal
    from tl_core.access.sharing import Sharing

    engine = open_database(read_settings())
    Office(engine, home).hire("local", "bob")
    Sharing(engine, Principal("local", role=MEMBER)).share("project", "mail", "bob", "editor")
    rows = version.rows_of("unlabelled")[:3].tolist()
    for row in rows[:2]:
        call("labels", "give", "mail", row, "good")
    monkeypatch.setenv("TL_USER", "bob")
    call("labels", "give", "local/mail", rows[2], "bad")
    path = tmp_path / "rows.csv"
    written = call("labels", "export", "local/mail", "-o", path)
    assert (written["rows"], written["left_out"]) == (8, 2)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        lines = {int(line["row"]): line["class"] for line in csv.DictReader(handle)}
    assert lines[rows[2]] == "bad" and not {*rows[:2]} & {*lines}
    assert "".join(lines.values()) == "bad"
    status = call("labels", "import", "local/mail", path)
    assert status["agreement"]["pairs"] == [] and len(status["labels"]) == 3


LEVELS = ("data", "levels", "local/mail", "--separator", "none")


def test_whoever_looks_on_writes_nothing_beside_the_rows(version, call, monkeypatch, home):
    from tests_support.office import Office

    from tl_core.access.principal import MEMBER, Principal
    from tl_core.access.sharing import Sharing

    engine = open_database(read_settings())
    Office(engine, home).hire("local", "bob")
    Sharing(engine, Principal("local", role=MEMBER)).share("project", "mail", "bob", "viewer")
    monkeypatch.setenv("TL_USER", "bob")
    before = {path: path.read_bytes() for path in version.folder.iterdir() if path.is_file()}
    for refused in (("labels", "decide", "local/mail", 0, "drop"), LEVELS):
        assert call(*refused, code=2)["error"]["code"] == "access"
    assert {path: path.read_bytes() for path in version.folder.iterdir()} == before
    assert call("data", "levels", "local/mail")["depth"] == 1  # which looking is
