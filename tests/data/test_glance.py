"""A version at a glance: rows of different classes, and words that mark the classes."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.data import glance
from tl_core.data.versions.store import DatasetVersion


@pytest.fixture
def made(tmp_path):
    """Makes a version of rows (text, class)."""

    def make(rows):
        source = tmp_path / "rows.csv"
        lines = [f'"{text}",{label}' for text, label in rows]
        source.write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
        return build(source, tmp_path / "v")

    return make


def test_typical_words_are_those_of_one_class_and_never_those_of_all(tmp_path):
    version = build(write_texts(tmp_path / "t.csv", 120), tmp_path / "v")
    words = glance.typical_words(version, 6)
    assert {"good", "bad"} <= set(words)
    assert "film" not in words[:2]


def test_each_class_has_its_turn(made):
    rows = [(f"parcel arrives {n} late today", "delivery") for n in range(60)]
    rows += [(f"refund money {n} please today", "money") for n in range(60)]
    words = glance.typical_words(made(rows), 2)
    assert len({word in ("parcel", "arrives", "late") for word in words}) == 2
    assert "today" not in words


def test_scripts_without_spaces_give_pairs_of_signs(made):
    rows = [(f"我的包裹在哪里{n}", "a") for n in range(40)]
    rows += [(f"请退款给我钱{n}", "b") for n in range(40)]
    words = glance.typical_words(made(rows), 8)
    assert words and all(len(word) == 2 for word in words)
    assert "包裹" in words


def test_words_written_from_right_to_left_are_words(made):
    rows = [(f"أين طلبي رقم {n}", "a") for n in range(40)]
    rows += [(f"أريد استرداد المال {n}", "b") for n in range(40)]
    assert "استرداد" in glance.typical_words(made(rows), 10)


def test_only_a_sample_is_read(made, monkeypatch):
    version = made([(f"word{chr(97 + n % 9)} text", "ab"[n % 2]) for n in range(300)])
    asked = []
    texts = DatasetVersion.texts
    monkeypatch.setattr(glance, "_SAMPLE", 50)
    monkeypatch.setattr(
        DatasetVersion, "texts", lambda self, rows: asked.append(len(rows)) or texts(self, rows)
    )
    glance.typical_words(version, 5)
    assert asked == [50]


def test_rows_come_from_different_classes(tmp_path):
    version = build(write_pictures(tmp_path / "discs", each=20), tmp_path / "v")
    rows = glance.rows_of_classes(version, 3)
    assert len(set(version.labels[rows])) == 3
    assert set(rows) <= set(version.rows_of("train"))


def test_fewer_classes_than_rows_are_filled_up(tmp_path):
    version = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    rows = glance.rows_of_classes(version, 3)
    assert len(rows) == len(set(rows)) == 3
    assert len(set(np.take(version.labels, rows))) == 2
