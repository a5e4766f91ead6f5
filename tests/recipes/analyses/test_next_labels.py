"""What to label next, by the real work on disk: proposals, the lot, scores and their curve over
several rounds, for texts, photos and sounds.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.waves import write_recordings

from tl_core.config.specs import ProposeSpec
from tl_core.data.labelling.rounds import Round, add_round, carry_over, history
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError, DataError
from tl_core.labelling import draw
from tl_core.progress import Progress
from tl_core.recipes.analyses.next_labels import propose
from tl_core.results import LABEL_QUEUE


def mail(tmp_path, labelled=24, waiting=120):
    """Texts of two classes, of which the last ones have lost theirs; and what these would be."""
    source = write_texts(tmp_path / "mail.csv", labelled + waiting)
    lines = source.read_text().splitlines()
    known = lines[: labelled + 1]
    source.write_text(
        "\n".join([*known, *(line.rpartition(",")[0] + "," for line in lines[labelled + 1 :])])
    )
    version = build(source, tmp_path / "v")
    rows = version.rows_of("unlabelled")
    texts = version.texts(rows)
    truth = {
        int(row): "bad" if ("late" in text or "bad" in text) else "good"
        for row, text in zip(rows, texts, strict=True)
    }
    assert len(truth) == waiting
    return version, truth


@pytest.fixture
def ask(tmp_path, tiny):
    """`ask(version, labels, **options)`: one run of the kind, each in a folder of its own."""
    numbers = iter(range(100))

    def run(version, labels, family="bert", **options):
        folder = tmp_path / f"run{next(numbers)}"
        folder.mkdir()
        queue = propose(
            ProposeSpec(**options),
            f"local:{tiny(family)}",
            version,
            labels,
            folder,
            tmp_path / "cache",
            Progress(),
        )
        assert LABEL_QUEUE.load(folder) == json.loads(json.dumps(queue))
        return queue

    return run


def test_rounds_of_a_labelling(tmp_path, ask):
    version, truth = mail(tmp_path)
    order = draw.random_order(np.array(sorted(truth)), 0).tolist()
    labels = {}
    for number in range(3):
        queue = ask(version, labels, batch=20, random_share=0.25, strategy="margin")
        rows = [one["row"] for one in queue["rows"]]
        assert len({*rows}) == 20 and not {*rows} & {*labels} and {*rows} <= {*truth}
        random = [one["row"] for one in queue["rows"] if one["why"] == "random"]
        assert {*random} == {*order[: 5 * (number + 1)]} - {*labels}
        assert all(one["suggestion"] in ("bad", "good") for one in queue["rows"])
        assert all(0.5 <= one["confidence"] <= 1 for one in queue["rows"])
        assert len(queue["curve"]) == number + 1
        point = queue["curve"][-1]
        assert (point["labels"], point["drawn"], point["strategy"]) == (
            20 * number,
            5 * number,
            "margin",
        )
        assert (point["score"] is None) == (5 * number < 5)
        assert (point["gain"] is None) == (5 * number < 10)
        assert (queue["labels"], queue["left"], queue["population"]) == (
            20 * number,
            120 - 20 * number,
            120,
        )
        labels |= {row: truth[row] for row in rows}
    assert "stand for all 120 that had no class at first" in queue["sentence"]
    # nothing new was read, and asking once more before anything is labelled changes nothing
    again = ask(version, {row: truth[row] for row in [*labels][:40]}, batch=20, strategy="margin")
    assert {one["row"] for one in again["rows"]} == {*rows}


def test_what_may_be_drawn_is_never_accepted_in_bulk(tmp_path, ask):
    version, truth = mail(tmp_path)
    queue = ask(version, {})
    fair = {*draw.reserved(np.array(sorted(truth)), 0).tolist()}
    listed = [row for one in queue["clusters"] for row in one["rows"]]
    assert listed and not {*listed} & fair
    assert sum(one["size"] for one in queue["clusters"]) == 120
    assert {one["cluster"] for one in queue["rows"]} <= {one["number"] for one in queue["clusters"]}
    assert all(0.5 <= one["agreement"] <= 1 for one in queue["clusters"])


def test_test_rows_have_no_say(tmp_path, ask):
    version, truth = mail(tmp_path, labelled=40)

    class Poisoned(DatasetVersion):
        @property
        def labels(self):
            known = np.array(super().labels)
            test = self.rows_of("test")
            known[test] = 1 - known[test]
            return known

    first = ask(version, {}, strategy="margin", batch=10)
    (version.folder / "labelling.jsonl").unlink()
    assert ask(Poisoned(version.folder), {}, strategy="margin", batch=10) == first
    assert not {one["row"] for one in first["rows"]} & {*version.rows_of("test").tolist()}


def test_labels_that_became_a_version_go_on_counting(tmp_path, ask):
    version, truth = mail(tmp_path)
    queue = ask(version, {}, strategy="margin", batch=20, random_share=0.5)
    given = {one["row"]: truth[one["row"]] for one in queue["rows"]}
    before = ask(version, given, strategy="margin", batch=20, random_share=0.5)

    class Later(DatasetVersion):
        """The version that these labels would make, as an overlay."""

        @property
        def labels(self):
            known = np.array(super().labels)
            for row, name in given.items():
                known[row] = self.info.labels.index(name)
            return known

        @property
        def splits(self):
            names = np.array(super().splits)
            names[[*given]] = "train"
            return names

    folder = tmp_path / "later"
    folder.mkdir()
    for path in version.folder.iterdir():
        if path.is_file() and path.name != "labelling.jsonl":
            (folder / path.name).write_bytes(path.read_bytes())
    kept = (version.folder / "labelling.jsonl").read_text().splitlines()
    (version.folder / "labelling.jsonl").write_text(kept[0] + "\n")
    carry_over(version.folder, folder, given)
    after = ask(Later(folder), {}, strategy="margin", batch=20, random_share=0.5)
    assert after == before


def test_the_beginning_without_a_probe_and_classes_that_people_add(tmp_path, ask):
    version, truth = mail(tmp_path, labelled=8)
    assert ask(version, {}, batch=6)["strategy"] == "typical"
    rows = [*truth]
    labels = {row: truth[row] for row in rows[:30]} | {rows[40]: "odd one"}
    queue = ask(version, labels, strategy="class", wanted="odd one", batch=5)
    assert queue["classes"] == ["bad", "good", "odd one"]
    assert {one["why"] for one in queue["rows"]} == {"class", "random"}
    assert ask(version, labels, batch=5)["strategy"] == "margin"
    assert ask(version, labels, strategy="diversity", batch=5)["strategy"] == "diversity"
    assert {one["why"] for one in ask(version, labels, strategy="random", batch=9)["rows"]} == {
        "random"
    }
    with pytest.raises(DataError, match="no class 'odd two'"):
        ask(version, labels, strategy="class", wanted="odd two")


def test_skipped_rows_are_not_proposed_again(tmp_path, ask):
    version, truth = mail(tmp_path)
    first = [one["row"] for one in ask(version, {}, batch=20, strategy="entropy")["rows"]]
    again = ask(version, {}, batch=20, strategy="entropy", skip=tuple(first[:5]))
    assert not {one["row"] for one in again["rows"]} & {*first[:5]}


def test_nothing_to_propose_is_said(tmp_path, ask):
    version, truth = mail(tmp_path, waiting=12)
    with pytest.raises(DataError, match="nothing left to propose"):
        ask(version, truth)
    full = build(write_texts(tmp_path / "all.csv"), tmp_path / "all")
    with pytest.raises(DataError, match="Every row of this dataset has a class"):
        ask(full, {})
    several = build(write_texts(tmp_path / "s.csv"), tmp_path / "several", task="multi_label")
    with pytest.raises(DataError, match="Every row of this dataset has a class"):
        ask(several, {})
    with pytest.raises(ConfigError, match="belong together"):
        ProposeSpec(strategy="class")


def test_photos_are_proposed_and_well_told(tmp_path, ask):
    source = write_pictures(tmp_path / "d", each=30)
    waiting = source / "unlabelled"
    waiting.mkdir()
    for path in sorted(source.glob("*/*.png")):
        if int(path.stem) >= 8:
            path.rename(waiting / f"{path.parent.name}_{path.name}")
    version = build(source, tmp_path / "v")
    rows = version.rows_of("unlabelled")
    truth = {
        int(row): name.split("/")[-1].split("_")[0]
        for row, name in zip(rows, version.names(rows), strict=True)
    }
    assert len(truth) == 66
    first = ask(version, {}, family="convnext", batch=24, random_share=0.4, strategy="margin")
    assert len(first["rows"]) == 24 and first["classes"] == ["blue", "green", "red"]
    given = {one["row"]: truth[one["row"]] for one in first["rows"]}
    score = ask(version, given, family="convnext")["curve"][-1]["score"]
    assert score["value"] > 0.85 and score["low"] < score["value"] <= score["high"]


def test_sounds_are_proposed_too(tmp_path, ask):
    source = write_recordings(tmp_path / "d", each=12)
    for path in sorted(source.glob("*/*.wav")):
        if int(path.stem) >= 7:
            (source / "unlabelled").mkdir(exist_ok=True)
            path.rename(source / "unlabelled" / f"{path.parent.name}_{path.name}")
    version = build(source, tmp_path / "v")
    queue = ask(version, {}, family="wav2vec2", batch=5)
    assert queue["population"] == 15 and len(queue["rows"]) == 5
    assert "recordings" in queue["sentence"]


def test_rounds_are_kept_and_go_along(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    assert history(old).rounds == [] and history(old).drawn == 0
    add_round(old, Round([3, 1], ["margin", "random"], 1, 7, {"labels": 0}))
    add_round(old, Round([2], ["typical"], 4))
    carry_over(old, new, [3, 1])
    carry_over(tmp_path / "nowhere", new, [])
    found = history(new)
    assert [one.rows for one in found.rounds] == [[3, 1], [2]]
    assert found.rounds[0].point == {"labels": 0}
    assert (found.drawn, found.rounds[0].seed, found.labelled) == (4, 7, [1, 3])


def moods(tmp_path, labelled=30, waiting=60):
    """Texts with none, one or two labels, each of which shows in a word, and some without; and
    what those would have.
    """
    random = np.random.default_rng(0)
    words = {"anger": "late", "joy": "good", "money": "money"}
    lines, said = ["text,label"], {}
    for number in range(labelled + waiting):
        own = [name for name in words if random.random() < 0.4]
        text = " ".join([*(words[name] for name in own), str(number)])
        said[text] = json.dumps(own)
        cell = said[text].replace('"', '""') if number < labelled else ""
        lines.append(f'{text},"{cell}"' if cell else f"{text},")
    (tmp_path / "moods.csv").write_text("\n".join(lines) + "\n")
    version = build(tmp_path / "moods.csv", tmp_path / "v")
    rows = version.rows_of("unlabelled")
    assert version.sets.several and len(rows) == waiting
    texts = version.texts(rows)
    return version, {int(row): said[text] for row, text in zip(rows, texts, strict=True)}


@pytest.mark.parametrize("strategy", ["auto", "margin", "entropy", "diversity", "class", "random"])
def test_items_with_several_labels_are_proposed_too(tmp_path, ask, strategy):
    version, truth = moods(tmp_path)
    wanted, labels, rows = "joy" if strategy == "class" else "", {}, []
    for _ in range(2):
        queue = ask(version, labels, batch=16, random_share=0.4, strategy=strategy, wanted=wanted)
        rows = [one["row"] for one in queue["rows"]]
        assert len({*rows}) == 16 and {*rows} <= {*truth} - {*labels}
        for one in queue["rows"]:
            assert {*json.loads(one["suggestion"])} <= {"anger", "joy", "money"}
            assert 0 < one["confidence"] <= 1
        labels |= {row: truth[row] for row in rows}
    labels[rows[0]] = '["fear", "joy"]'  # a label that the version does not have
    queue = ask(version, labels, batch=16, strategy=strategy, wanted=wanted)
    assert queue["classes"] == ["anger", "fear", "joy", "money"]
    assert queue["strategy"] == ("margin" if strategy == "auto" else strategy)
    assert "right about all labels on" in queue["sentence"] and queue["curve"][-1]["score"]
    assert all(isinstance(json.loads(one["suggestion"]), list) for one in queue["clusters"])


def test_a_label_that_nobody_has_given_cannot_be_looked_for(tmp_path, ask):
    version, _ = moods(tmp_path)
    with pytest.raises(DataError, match="no class"):
        ask(version, {}, batch=8, strategy="class", wanted="fear")
