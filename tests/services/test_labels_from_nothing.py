"""From data without a class to a version that is trained on: who judges, by the real work."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import Poisoned
from tests_support.no_class_yet import truth_of, write_bare_texts

from tl_core.config import RunConfig
from tl_core.config.specs import ProposeSpec
from tl_core.data.checks.small import check_trainable
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.label_sets import as_cell
from tl_core.data.labelling.rounds import history
from tl_core.database.engine import open_database
from tl_core.errors import DataError
from tl_core.labelling import draw
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.next_labels import propose
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.label_answers import AnswerStore
from tl_core.services.datasets import add_dataset, relabel_dataset
from tl_core.services.labelling import Labelling
from tl_core.settings import read_settings

TOPICS = ("film", "money", "order")


class Desk:
    """A dataset of texts without any class, and somebody who labels it as the program asks; with
    `several` an item has a label for each of three words that it may hold.
    """

    def __init__(self, tmp_path, tiny, several=False):
        self.folder, self.backbone = tmp_path, f"local:{tiny('bert')}"
        settings = read_settings()
        self.store = DatasetStore(open_database(settings), "local", settings.home_path)
        source = write_bare_texts(tmp_path / "mail.csv", 120)
        options = (
            ImportOptions(label_here=True, task="multi_label")
            if several
            else ImportOptions(label_here=True, classes="good, bad")
        )
        self.record, self.info, _ = add_dataset(self.store, settings, str(source), "mail", options)
        version = self.labelling.version
        self.truth = truth_of(version)
        if several:
            self.truth = {
                row: as_cell(word for word in TOPICS if word in version.texts(np.array([row]))[0])
                for row in self.truth
            }
        self.rounds = 0

    @property
    def labelling(self):
        return Labelling(AnswerStore(self.store), self.record)

    def ask(self, version=None, **options):
        """One choice of what to label next."""
        labelling = self.labelling
        self.rounds += 1
        folder = self.folder / f"round{self.rounds}"
        folder.mkdir()
        spec = ProposeSpec(**options)
        version = version or labelling.version
        given = dict(labelling.standing.labels)
        out = self.folder / "cache"
        return propose(spec, self.backbone, version, given, folder, out, Progress())

    def label(self, queue, named=lambda name: name):
        said = {one["row"]: named(self.truth[one["row"]]) for one in queue["rows"]}
        self.labelling.give(said, new=True)
        return self.labelling.test_outlook()

    def make(self):
        self.record, self.info, is_new = relabel_dataset(self.store, self.record.reference)
        assert is_new
        return self.labelling.version


@pytest.fixture
def desk(home, tmp_path, tiny):
    return Desk(tmp_path, tiny)


def drawn_of(version):
    """The rows at the front of the one order, as far as it was drawn."""
    past = history(version.folder)
    order = draw.random_order(np.arange(len(version.labels)), past.rounds[0].seed)
    return {*order[: past.drawn].tolist()}


def test_from_nothing_to_a_test_that_grows(desk):
    assert desk.info.splits == {"unlabelled": 120} and desk.labelling.classes == ["good", "bad"]
    assert "at least 8 more" in desk.labelling.test_outlook()
    first = desk.ask(batch=10, strategy="margin")
    # nothing can be learnt: typical items, half of them drawn; no score, no hint
    assert (first["strategy"], first["note"].count("drawn at random")) == ("typical", 1)
    assert "A probe needs labels of two classes" in first["note"]
    assert [one["why"] for one in first["rows"]].count("random") == 5
    assert not any(one["suggestion"] for one in [*first["rows"], *first["clusters"]])
    assert "two classes have labels" in first["sentence"] and first["curve"][-1]["score"] is None

    # a version with too few drawn items: all are learnt from, and no training begins
    outlook = desk.label(first)
    assert "more" in outlook
    version = desk.make()
    assert desk.info.splits == {"train": 10, "unlabelled": 110}
    with pytest.raises(DataError, match="no test rows yet") as refused:
        check_trainable(version)
    assert "Labelling" in refused.value.try_this

    while desk.label(desk.ask(batch=10)):
        assert desk.rounds < 8
    version = desk.make()
    check_trainable(version)
    judges = {*version.rows_of("validation", "test").tolist()}
    assert judges <= drawn_of(version) and desk.info.splits["test"] >= 6
    chosen = {
        row
        for one in history(version.folder).rounds
        for row, why in zip(one.rows, one.why, strict=True)
        if why != "random"
    }
    assert chosen - drawn_of(version) and not (chosen - drawn_of(version)) & judges
    for name in ("good", "bad"):
        assert version.info.class_splits[name]["test"] >= 3

    # poisoned test labels change no proposal and no score of the labelling
    queue = desk.ask(batch=20)
    (version.folder / "labelling.jsonl").rename(desk.folder / "kept.jsonl")
    lines = (desk.folder / "kept.jsonl").read_text().splitlines()
    (version.folder / "labelling.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    assert desk.ask(Poisoned(version.folder), batch=20) == queue
    assert [one["why"] for one in queue["rows"]].count("random") == 3  # the usual share again
    assert not {one["row"] for one in queue["rows"]} & {*np.flatnonzero(version.labels >= 0)}
    assert f"{desk.info.splits['test']} of them are test rows" in queue["sentence"]
    assert queue["curve"][-1]["score"] and "Rare classes are scarcer" in queue["sentence"]
    assert "Rare classes" not in first["sentence"]

    before = version.splits
    desk.label(queue)
    version = desk.make()
    known = before != "unlabelled"
    assert (version.splits[known] == before[known]).all()
    judges = {*version.rows_of("validation", "test").tolist()}
    assert judges <= drawn_of(version)
    assert desk.labelling.test_outlook() == ""
    # a version has its classes by the alphabet; the keys stay where they were
    assert desk.info.labels == ["bad", "good"] and desk.labelling.classes == ["good", "bad"]


def test_several_labels_from_nothing_to_a_version_that_is_trained_on(home, tmp_path, tiny):
    desk = Desk(tmp_path, tiny, several=True)
    assert (desk.info.task, desk.info.splits) == ("multi_label", {"unlabelled": 120})
    assert "at least 8 more" in desk.labelling.test_outlook()
    first = desk.ask(batch=10)
    assert (first["strategy"], first["classes"]) == ("typical", [])
    assert [one["why"] for one in first["rows"]].count("random") == 5
    while desk.label(desk.ask(batch=10)):
        assert desk.rounds < 8
    version = desk.make()
    check_trainable(version)
    assert (version.info.task, version.info.labels) == ("multi_label", [*TOPICS])
    judges = {*version.rows_of("validation", "test").tolist()}
    assert judges <= drawn_of(version)
    tested = [version.info.class_splits[name]["test"] for name in TOPICS]
    assert sorted(tested)[-2] >= 3, tested

    queue = desk.ask(batch=20)
    assert queue["strategy"] == "margin" and queue["rows"][0]["suggestion"].startswith("[")
    assert "right about all labels" in queue["sentence"]
    before = version.splits
    desk.label(queue)
    version = desk.make()
    known = before != "unlabelled"
    assert (version.splits[known] == before[known]).all()
    assert {*version.rows_of("validation", "test").tolist()} <= drawn_of(version)

    folder = tmp_path / "run"
    folder.mkdir()
    options = {"baseline": False, "repeats": 0}
    config = RunConfig(
        "train", "local", "mail@3", str(version.folder), desk.backbone, "probe", options
    )
    report = run_recipe(config, version, folder, tmp_path / "cache", Progress())
    assert report["test"]["n"] == desk.info.splits["test"]


def test_labels_of_chosen_rows_have_no_say_in_who_judges(home, tmp_path, tiny):
    """The same rows judge, whatever label the chosen ones have got."""
    splits = []
    for name, wrong in (("one", False), ("other", True)):
        (tmp_path / name).mkdir()
        desk = Desk.__new__(Desk)
        home_of = tmp_path / name
        desk.__init__(home_of, tiny)
        queue = desk.ask(batch=40, strategy="typical", random_share=0.5)
        drawn = {one["row"] for one in queue["rows"] if one["why"] == "random"}
        swap = {"good": "bad", "bad": "good"}
        desk.labelling.give(
            {
                one["row"]: swap[desk.truth[one["row"]]]
                if wrong and one["row"] not in drawn
                else desk.truth[one["row"]]
                for one in queue["rows"]
            }
        )
        version = desk.make()
        splits.append(version.splits)
        for row in version.rows_of("validation", "test").tolist():
            assert row in drawn
        # a name of its own for the second
        desk.store.delete("mail")
    assert (splits[0] == splits[1]).all() and (splits[0] == "test").sum() >= 6


def test_labels_that_nobody_drew_are_learnt_from(desk):
    """Given in any order, in a file: the one who chose them has chosen a test, too."""
    labelling = desk.labelling
    labelling.give({row: desk.truth[row] for row in range(40)})
    assert "none; at least 8 more" in labelling.test_outlook()
    version = desk.make()
    assert desk.info.splits == {"train": 40, "unlabelled": 80}
    # once every row has a class nobody has chosen any more
    desk.labelling.give({row: desk.truth[row] for row in range(40, 120)})
    assert desk.labelling.test_outlook() == ""
    version = desk.make()
    assert desk.info.splits["test"] >= 6 and "unlabelled" not in desk.info.splits
    check_trainable(version)


def test_one_answer_for_all_is_nothing_to_judge_or_learn(home, tmp_path, tiny):
    """A label that every item has tells nothing apart; that is said before a training."""
    desk = Desk(tmp_path, tiny, several=True)
    desk.truth = dict.fromkeys(desk.truth, as_cell(["film", "money"]))
    for _ in range(3):
        desk.label(desk.ask(batch=20))
    assert "as many without it" in desk.labelling.test_outlook()
    version = desk.make()
    assert "test" not in desk.info.splits
    with pytest.raises(DataError, match="nothing to tell apart"):
        check_trainable(version, judged=False)


def test_classes_that_are_given_at_once_are_told_apart(home, tmp_path, tiny):
    labelling = Desk(tmp_path, tiny, several=True).labelling
    with pytest.raises(DataError, match="There is the class 'film' already"):
        labelling.give({1: as_cell(["film"]), 2: as_cell(["Film"])}, new=True)
    with pytest.raises(DataError, match="There is the class 'film' already"):
        labelling.label([1], as_cell(["film", "Film"]), new=True)
    with pytest.raises(DataError, match="reads like 2 classes") as refused:
        labelling.label([1], "film; money", new=True)
    assert '["film", "money"]' in refused.value.try_this
    assert not labelling.standing.labels
