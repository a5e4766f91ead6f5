"""Items of a dataset from the command line: similar ones, and the levels of class names."""

from __future__ import annotations

import json

import pytest
from tests_support.datasets import write_texts

from tl_core.cli.main import main


@pytest.fixture
def call(home, capsys):
    def run(*arguments, code=0):
        assert main([*map(str, arguments), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def mail(call, tmp_path, tiny):
    """A dataset of texts and a backbone for it."""
    call("data", "add", write_texts(tmp_path / "mail.csv", 40), "--name", "mail")
    return f"local:{tiny('bert')}"


def test_an_item_is_most_like_itself_and_words_and_files_are_asked_alike(call, mail, tmp_path):
    wanted = ("data", "search", "mail", "--backbone", mail, "--top", "5")
    first = call(*wanted, "--words", "the parcel came late")
    assert len(first["items"]) == 5
    cosines = [one["cosine"] for one in first["items"]]
    assert cosines == sorted(cosines, reverse=True)
    row = first["items"][0]["row"]
    like = call(*wanted, "--like", row)
    assert row not in {one["row"] for one in like["items"]} or like["items"][0]["row"] == row
    (tmp_path / "asked.txt").write_text("the parcel came late")
    assert call(*wanted, "--file", tmp_path / "asked.txt")["items"] == first["items"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "one thing to search by"),
        (("--words", "a", "--like", "1"), "one thing to search by"),
        (("--file", "there/is/none.txt"), "cannot be read"),
        (("--like", "100000"), "100,000"),
    ],
)
def test_a_search_that_cannot_be_is_explained(call, mail, asked, said):
    error = call("data", "search", "mail", "--backbone", mail, *asked, code=2)["error"]
    assert said in " ".join(error.values())


def test_levels_are_recognised_chosen_and_put_off(call, tmp_path):
    path = tmp_path / "beasts.csv"
    names = ("animal/dog", "animal/cat", "plant/oak", "plant/fir")
    rows = [f"note {n} of {names[n % 4]} and {n * 7},{names[n % 4]}" for n in range(80)]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    call("data", "add", path, "--name", "beasts")
    shown = call("data", "levels", "beasts")
    assert (shown["separator"], shown["depth"], shown["topmost"]) == ("/", 2, ["animal", "plant"])
    assert call("data", "levels", "beasts", "--separator", "none")["depth"] == 1
    assert call("data", "levels", "beasts")["depth"] == 1
    assert call("data", "levels", "beasts", "--separator", "auto")["depth"] == 2
    call("data", "levels", "beasts", "--separator", "~", code=2)
