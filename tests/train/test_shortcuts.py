"""Planted shortcuts are named, honest data raises nothing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests_support.datasets import build

from tl_core.train.shortcuts import find_shortcuts, known_shortcuts, look_for_shortcuts


def pictures(root, change, each=60):
    """Two classes of the same noise; `change(picture, label, random)` may spoil one and names the
    file's type.
    """
    random = np.random.default_rng(0)
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        for _ in range(each):
            picture = random.integers(40, 200, (48, 48, 3), dtype=np.uint8)
            picture, suffix = change(picture, label, random)
            Image.fromarray(picture).save(root / label / f"x{random.integers(1e9)}{suffix}")
    return root


def bordered(picture, label, _random):
    if label == "b":
        picture[:6] = picture[-6:] = picture[:, :6] = picture[:, -6:] = (200, 30, 30)
    return picture, ".png"


def dark(picture, label, random):
    return (picture // 3 if label == "b" and random.random() < 0.5 else picture), ".png"


def formats(picture, label, _random):
    return picture, ".jpg" if label == "b" else ".png"


def sizes(picture, label, _random):
    return (
        picture if label == "b" else np.pad(picture, ((0, 9), (0, 0), (0, 0)), mode="reflect")
    ), ".png"


def nothing(picture, _label, _random):
    return picture, ".png"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (bordered, "the colours along the border"),
        (dark, "brightness, contrast and sharpness"),
        (formats, "file format and camera data"),
        (sizes, "size and shape"),
    ],
)
def test_a_planted_shortcut_is_named(tmp_path, change, name):
    shortcuts = {
        part["facts"]: part
        for part in find_shortcuts(build(pictures(tmp_path / "d", change), tmp_path / "v"))
    }
    assert shortcuts[name]["telling"]
    assert shortcuts[name]["accuracy"] > shortcuts[name]["chance"] + 0.15
    assert f"From {name} alone" in shortcuts[name]["sentence"]


def test_honest_pictures_raise_nothing_and_the_answer_is_kept(tmp_path):
    version = build(pictures(tmp_path / "d", nothing), tmp_path / "v")
    assert known_shortcuts(version.folder) is None
    shortcuts = look_for_shortcuts(version)
    assert shortcuts
    assert not any(part["telling"] for part in shortcuts)
    assert known_shortcuts(version.folder) == look_for_shortcuts(version) == shortcuts


def test_texts_whose_length_or_signs_give_the_class_away(tmp_path):
    words = ["shop", "order", "money", "late", "film", "good"]
    random = np.random.default_rng(1)
    lines = ["text,label"]
    for number in range(160):
        text = " ".join(random.choice(words, 8)) + f" {random.integers(1e6)}"
        lines.append(f"{text + ' !' * (number % 2)},{'ab'[number % 2]}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    shortcuts = {
        part["facts"]: part for part in find_shortcuts(build(tmp_path / "t.csv", tmp_path / "v"))
    }
    assert shortcuts["punctuation, capitals and digits"]["telling"]


def test_too_few_rows_say_nothing(tmp_path):
    assert find_shortcuts(build(pictures(tmp_path / "d", bordered, each=12), tmp_path / "v")) == []
