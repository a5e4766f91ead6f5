"""Planted faults are found, and each fix makes a new version without the fault and without touching
anything else.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests_support.datasets import build
from tests_support.planted import plant_pictures

from tl_core.data.versions.diff import compare_versions
from tl_core.data.versions.revise import fix_finding, restore
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError


def found(version):
    return {finding["id"]: finding for finding in version.info.findings}


def fixed(version, finding, action, folder):
    folder.mkdir()
    fix_finding(version, finding, action, folder, "it@1")
    return DatasetVersion(folder)


def texts(path, rows):
    path.write_text(
        "text,label,split\n" + "\n".join(f'"{text}",{label},{split}' for text, label, split in rows)
    )
    return path


PLAIN = [
    (
        f"a quite different sentence about subject {word} and nothing else but {word * 2} today",
        "ab"[i % 2],
        "test" if i % 5 == 0 else "train",
    )
    for i, word in enumerate(
        f"{a}{b}"
        for a in ("kilo", "mega", "giga", "tera", "peta")
        for b in ("lux", "bar", "ton", "pod", "zin", "fra", "gol", "mik")
    )
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("planted")
    plant_pictures(root / "d")
    return build(root / "d", root / "v")


@pytest.mark.parametrize(
    ("finding", "action", "count"),
    [
        ("leak", "remove", 20),
        ("conflicting_labels", "remove", 30),
        ("near_duplicates", "keep_one", 10),
        ("damaged", "accept", 5),
        ("similar_names", "merge", 1),
    ],
)
def test_every_planted_fault_is_found_and_fixed(pictures, tmp_path, finding, action, count):
    assert found(pictures)[finding]["count"] == count
    mended = fixed(pictures, finding, action, tmp_path / "w")
    assert finding not in found(mended)
    assert mended.info.parent == "it@1"
    assert mended.info.change
    others = set(found(pictures)) - {finding, "skipped", "duplicates", "imbalance"}
    assert others <= set(found(mended))


def test_all_fixes_in_a_row_leave_nothing_serious(pictures, tmp_path):
    version = pictures
    for number, (finding, action) in enumerate(
        (
            ("leak", "remove"),
            ("conflicting_labels", "majority"),
            ("near_duplicates", "keep_one"),
            ("damaged", "accept"),
            ("similar_names", "merge"),
        )
    ):
        version = fixed(version, finding, action, tmp_path / str(number))
    assert not [f for f in version.info.findings if f["severity"] != "info"]
    assert set(version.info.labels) == {"Spots", "stripes"}
    assert (version.folder / "items.arrow").stat().st_ino == (
        pictures.folder / "items.arrow"
    ).stat().st_ino


def test_a_fix_moves_no_row_to_another_split(pictures, tmp_path):
    mended = fixed(pictures, "leak", "remove", tmp_path / "w")
    kept = mended.splits != "removed"
    assert (mended.splits[kept] == pictures.splits[kept]).all()
    assert compare_versions(pictures, mended)["removed"]["count"] == 20
    assert (mended.folds[kept] == pictures.folds[kept]).all()
    assert (mended.folds[~kept] == -1).all()


def test_restoring_brings_back_what_was_left_out(pictures, tmp_path):
    mended = fixed(pictures, "leak", "remove", tmp_path / "w")
    (tmp_path / "r").mkdir()
    again = restore(pictures, tmp_path / "r", "it@2", "it@1")
    assert again.fingerprint == pictures.info.fingerprint
    assert again.change == "Restored it@1."
    assert mended.info.fingerprint != again.fingerprint


def test_an_unknown_finding_or_fix_is_explained(pictures, tmp_path):
    with pytest.raises(DataError, match="Did you mean leak"):
        fix_finding(pictures, "leaks", "remove", tmp_path, "it@1")
    with pytest.raises(DataError, match="has no fix 'explode'"):
        fix_finding(pictures, "leak", "explode", tmp_path, "it@1")


def test_the_commoner_class_wins(tmp_path):
    rows = [
        *PLAIN,
        *(("which class is this one of all", label, "train") for label in ("a", "a", "b")),
        *(("and who knows about that other one", label, "train") for label in ("a", "b")),
    ]
    version = build(texts(tmp_path / "t.csv", rows), tmp_path / "v")
    assert found(version)["conflicting_labels"]["count"] == 5
    mended = fixed(version, "conflicting_labels", "majority", tmp_path / "w")
    kept = mended.splits != "removed"
    assert [
        mended.info.labels[mended.labels[row]] for row in range(len(PLAIN), len(PLAIN) + 3)
    ] == ["a"] * 3
    assert kept.sum() == len(PLAIN) + 3


def test_near_duplicates_of_texts_are_pairs_that_share_four_fifths_of_their_words(tmp_path):
    long = (
        "the parcel came late and the box was wet so please send me another one as soon as you can"
    )
    rows = [
        *PLAIN,
        (long, "a", "train"),
        (long + " thanks", "a", "train"),
        (long.replace("wet", "open"), "a", "test"),
        (long.upper() + "!!!", "a", "train"),
    ]
    version = build(texts(tmp_path / "t.csv", rows), tmp_path / "v")
    start = len(PLAIN)
    assert {tuple(pair) for pair in version.row_facts().pairs.tolist()} == {
        (start, start + 1),
        (start, start + 2),
        (start, start + 3),
        (start + 1, start + 2),
        (start + 1, start + 3),
        (start + 2, start + 3),
    }
    assert found(version)["near_leak"]["count"] == 3


def test_personal_data_scripts_and_lengths_are_noticed(tmp_path):
    rows = [
        *PLAIN,
        ("write to jane.doe@example.org please", "a", "train"),
        ("call +44 20 7946 0958 now", "a", "train"),
        ("my card is 4111 1111 1111 1111 thanks", "b", "train"),
        ("card 4111 1111 1111 1112 is none", "b", "train"),
        ("快递今天还没有到，请帮我查一下", "a", "train"),
        ("ok", "b", "train"),
        ("word " * 600, "a", "train"),
    ]
    version = build(texts(tmp_path / "t.csv", rows), tmp_path / "v")
    private = found(version)["private"]
    assert "1 with e-mail addresses" in private["text"]
    assert "payment card numbers" in private["text"]
    assert {"mixed_scripts", "short_texts", "long_texts", "truncation"} <= set(found(version))
    assert not private["actions"]


def test_a_foreign_script_warns_about_the_backbone(tmp_path):
    rows = [(f"商品质量很差我要退款{chr(0x4E00 + i)}", "ab"[i % 2], "train") for i in range(30)]
    assert "Han" in found(build(texts(tmp_path / "t.csv", rows), tmp_path / "v"))["script"]["text"]


def test_dark_blank_blurred_and_tiny_pictures_are_noticed(tmp_path):
    random = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        for number in range(10):
            values = random.integers(0, 255, (60, 60, 3), dtype=np.uint8)
            Image.fromarray(values).save(tmp_path / "d" / label / f"{number}.png")
    base = Image.fromarray(random.integers(0, 255, (20, 20, 3), dtype=np.uint8)).resize(
        (160, 160), 0
    )
    base.point(lambda value: value // 12).save(tmp_path / "d" / "a" / "dark.png")
    Image.new("RGB", (60, 60), "green").save(tmp_path / "d" / "a" / "blank.png")
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "d" / "b" / "blurred.png")
    base.resize((20, 20)).save(tmp_path / "d" / "b" / "tiny.png")
    base.resize((300, 60)).save(tmp_path / "d" / "b" / "long.png")
    version = build(tmp_path / "d", tmp_path / "v")
    names = {
        finding: [version.names(version.finding_rows(finding))[0]]
        for finding in ("dark", "blank", "blurred", "tiny", "odd_ratio")
    }
    assert names == {
        "dark": ["a/dark.png"],
        "blank": ["a/blank.png"],
        "blurred": ["b/blurred.png"],
        "tiny": ["b/tiny.png"],
        "odd_ratio": ["b/long.png"],
    }
    assert "blank" not in found(fixed(version, "blank", "remove", tmp_path / "w"))


def test_classes_without_training_rows_or_with_few_are_named(tmp_path):
    rows = [
        *PLAIN,
        ("a thing never seen in training at all", "c", "test"),
        ("only one of this", "d", "train"),
    ]
    version = build(texts(tmp_path / "t.csv", rows), tmp_path / "v")
    assert found(version)["unseen_classes"]["items"] == ["c"]
    assert found(version)["small_classes"]["items"] == ["c", "d"]
    mended = fixed(version, "small_classes", "remove_classes", tmp_path / "w")
    assert mended.info.labels == ["a", "b"]
    assert "numeric_labels" not in found(mended)


def test_a_fix_that_leaves_one_class_is_refused(tmp_path):
    rows = [(f"word{i} other{i} third{i}", "a", "train") for i in range(20)] + [
        ("hi", "b", "train")
    ] * 3
    rows += [(f"x{i}", "b", "train") for i in range(2)]
    version = build(texts(tmp_path / "t.csv", rows), tmp_path / "v")
    with pytest.raises(DataError, match="Fewer than two classes"):
        fixed(version, "short_texts", "remove", tmp_path / "w")
