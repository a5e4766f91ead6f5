"""What is kept of a served model: windows that fill, several writers, bounded files, other weights
apart.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from tests_support.studio import ROOT

from tl_core.errors import NotFoundError
from tl_core.watch import journal as journal_module
from tl_core.watch.journal import About, Journal, journal_of, journals

ABOUT = About("mail", "r1", "mail@1", "a" * 64, "text")


@pytest.fixture
def begun(world, tmp_path):
    return Journal.begun(tmp_path, ABOUT, world.reference())


def test_a_window_is_judged_when_it_is_full(world, tally, begun):
    for count in (60, 30, 20):
        begun.add(tally(begun.reference, world.items(count)), window=100)
    again = Journal(begun.folder)  # as after a restart
    (past,) = again.past
    assert past["items"] == 110 and sum(past["classes"]) == 110
    assert not past["drifted"] and len(past["comparisons"]) == 3
    assert again.open_window.items == 0 and again.about == ABOUT
    again.add(tally(again.reference, world.items(7)), window=100)
    assert Journal(begun.folder).open_window.items == 7


def test_it_does_not_grow(world, tally, begun, monkeypatch):
    monkeypatch.setattr(journal_module, "_WINDOWS", 3)
    for number in range(5):
        begun.add(tally(begun.reference, world.items(50 + number)), window=50)
    assert [one["items"] for one in begun.past] == [52, 53, 54]


def test_several_processes_lose_nothing(world, tally, begun):
    """Four writers at once, each with ten additions."""
    tally(begun.reference, world.items(5)).write(begun.folder / "given")
    code = (
        "import sys; from pathlib import Path\n"
        "from tl_core.watch.journal import Journal; from tl_core.watch.tally import Tally\n"
        "one = Journal(Path(sys.argv[1])); seen = Tally.read(one.folder / 'given', one.reference)\n"
        "for _ in range(10): one.add(seen)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(begun.folder)], cwd=ROOT)
        for _ in range(4)
    ]
    assert [one.wait() for one in writers] == [0] * 4
    assert begun.open_window.items == 4 * 10 * 5


def test_other_weights_of_the_same_name_begin_anew(world, tally, begun, tmp_path):
    begun.add(tally(begun.reference, world.items(9)))
    other = Journal.begun(tmp_path, replace(ABOUT, weights="b" * 64), world.reference())
    assert other.folder != begun.folder and other.open_window.items == 0
    assert Journal.begun(tmp_path, ABOUT, world.reference()).open_window.items == 9
    assert {one.folder for one in journals(tmp_path)} == {begun.folder, other.folder}
    assert journal_of(tmp_path, other.folder.name).folder == other.folder
    with pytest.raises(NotFoundError, match="Did you mean mail"):
        journal_of(tmp_path, "mial")


def test_what_is_damaged_hides_nothing_else(world, begun, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/about.json").write_text("{")
    assert [one.about.name for one in journals(tmp_path)] == ["mail"]
