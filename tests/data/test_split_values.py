"""What cells of a split column mean, in words and as flags; what they do not say is never
guessed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tl_core.data.cells.split_cells import as_split, split_values
from tl_core.data.checks.text_facts import text_facts
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.sources.intake import Chunk
from tl_core.data.versions.collector import Collector
from tl_core.errors import DataError

WORDS = {
    "train": [
        "train",
        "TRAIN ",
        "Training",
        "Training set",
        "train_set",
        "trn",
        "entraînement",
        "Jeu d'entraînement",
        "apprentissage",
        "Entrenamiento",
        "conjunto de entrenamiento",
        "Trainingsdaten",
        "treino",
        "addestramento",
        "训练",
        "训练集",
        "訓練データ",
        "学習用",
        "обучение",
    ],
    "validation": [
        "val",
        "Valid",
        "dev",
        "Validation set",
        "validierung",
        "Validierungsdaten",
        "validación",
        "validação",
        "PublicTest",
        "验证",
        "验证集",
        "検証",
        "Ensemble de validation",
    ],
    "test": [
        "test",
        "Test Set",
        "testing",
        "tst",
        "hold-out",
        "Hold out",
        "PrivateTest",
        "prueba",
        "Pruebas",
        "teste",
        "Testdaten",
        "Données de test",
        "测试",
        "测试集",
        "テスト",
        "test1",
    ],
    "": [
        "",
        "tset",
        "trian",
        "2",
        "A",
        "fold1",
        "0",
        "latest",
        "best",
        "contest",
        "train+val",
        "training day",
        "Trainer",
        "unlabeled",
    ],
}


@pytest.mark.parametrize(
    ("split", "name"), [(split, name) for split, names in WORDS.items() for name in names]
)
def test_words_for_splits(split, name):
    assert as_split(name) == split


FLAGS = [
    ("is_test", "test", "train"),
    ("test", "test", "train"),
    ("isTest", "test", "train"),
    ("Is Test", "test", "train"),
    ("TEST_SET", "test", "train"),
    ("is_holdout", "test", "train"),
    ("is_train", "train", "test"),
    ("train", "train", "test"),
    ("training", "train", "test"),
    ("in_train", "train", "test"),
    ("is_training_image", "train", "test"),
    ("is_valid", "validation", "train"),
    ("is_val", "validation", "train"),
    ("isValidation", "validation", "train"),
    ("is_dev", "validation", "train"),
]


@pytest.mark.parametrize(("column", "yes", "no"), FLAGS)
@pytest.mark.parametrize(
    "cells",
    [
        ("1", "0"),
        ("true", "false"),
        ("True", "False"),
        ("TRUE", "FALSE"),
        ("yes", "no"),
        ("Y", "N"),
        ("t", "f"),
        ("1.0", "0.0"),
        ("ja", "nein"),
        ("oui", "non"),
        ("sí", "no"),
        ("x", ""),
        (" X ", " "),
    ],
)
def test_flags_say_yes_or_no(column, yes, no, cells):
    assert split_values(column, [*cells, cells[0]]) == {cells[0]: yes, cells[1]: no}


def test_a_blank_beside_yes_and_no_says_nothing():
    assert split_values("is_test", ["1", "0", ""]) == {"1": "test", "0": "train", "": ""}
    assert split_values("is_test", ["0", "0"]) == {"0": "train"}


def test_words_may_stand_in_a_column_named_like_a_flag():
    assert split_values("test", ["train", "test", ""]) == {"train": "train", "test": "test", "": ""}
    assert split_values("is_test", ["yes", "no", "train"]) == {
        "yes": "test",
        "no": "train",
        "train": "train",
    }


def test_words_that_all_cells_share_are_overlooked():
    assert split_values("source", ["imdb_train", "imdb_test"]) == {
        "imdb_train": "train",
        "imdb_test": "test",
    }


def test_rows_marked_as_unlabelled_have_no_split():
    assert split_values("split", ["train", "unsup", "Unlabeled"]) == {
        "train": "train",
        "unsup": "",
        "Unlabeled": "",
    }


@pytest.mark.parametrize(
    ("column", "cells", "told"),
    [
        ("split", {"train": 7, "tset": 3}, r"'tset' \(3 rows\): did you mean test\?"),
        ("split", {"trian": 1, "test": 3}, r"'trian' \(1 row\): did you mean train\?"),
        ("set", {"train": 7, "A": 1200}, r"'A' \(1,200 rows\)[^:]"),
        ("split", {"validaton": 2, "train": 3}, "did you mean validation"),
        ("split", ["0", "1", "1"], r"'0' \(1 row\); '1' \(2 rows\)"),
        ("is_test", ["0", "1", "2"], r"'2' \(1 row\)"),
        ("train_test", ["0", "1"], "name no split"),
        ("part", ["true", "false"], "name no split"),
        ("split", ["A", "B", "C"], "name no split"),
    ],
)
def test_unknown_values_are_named_and_refused(column, cells, told):
    with pytest.raises(DataError, match=told) as caught:
        split_values(column, cells)
    assert column in str(caught.value)


def chunk(splits, dates=()):
    count = len(splits)
    texts = pa.array([f"text {number}" for number in range(count)])
    return Chunk(
        pa.table({"text": texts}),
        pa.array(["b", '["a"]'] * count)[:count],
        pa.array(splits, pa.string()),
        pa.array([""] * count),
        pa.array([*dates, *[""] * (count - len(dates))], pa.string()),
        text_facts(texts),
        b"",
        b"",
    )


def collected(chunks, split_column="", **options):
    collector = Collector("text", ImportOptions(**options), split_column)
    for one in chunks:
        collector.add(one)
    return collector.finish(), collector


def test_rows_remember_what_their_cell_means():
    rows, collector = collected(
        [chunk(["Train", "", "test set"]), chunk(["TEST", "dev", " "])], split_column="split"
    )
    assert rows.given.tolist() == ["train", "", "test", "test", "validation", ""]
    assert collector.blank_splits == 2
    assert rows.classes == ["a", "b"]


def test_blanks_are_no_gap_where_x_is_yes_or_all_are_blank():
    rows, collector = collected([chunk(["x", ""]), chunk(["", ""])], split_column="is_test")
    assert (rows.given.tolist(), collector.blank_splits) == (["test", "train", "train", "train"], 0)
    rows, collector = collected([chunk(["", ""])])
    assert (rows.given.tolist(), collector.blank_splits) == (["", ""], 0)


def test_a_flag_that_only_later_rows_set_is_read_as_a_whole():
    rows, _ = collected([chunk(["0", "0"]), chunk(["1", "0"])], split_column="is_train")
    assert rows.given.tolist() == ["test", "test", "train", "test"]


def test_unknown_cells_are_refused_with_their_number_of_rows():
    with pytest.raises(DataError, match=r"'tset' \(2 rows\)"):
        collected([chunk(["train", "tset"]), chunk(["tset", "test"])], split_column="split")


def test_a_column_of_texts_is_no_split_column():
    with pytest.raises(DataError, match="over 200 different values"):
        collected([chunk([f"text {number}" for number in range(300)])], split_column="notes")


def test_dates_are_read_in_one_order_over_all_chunks():
    rows, collector = collected(
        [chunk(["", ""], ["03/04/2025", "x"]), chunk(["", ""], ["25/04/2025"])]
    )
    assert rows.dates[2] - rows.dates[0] == 22 * 86_400
    assert np.isnan(rows.dates[[1, 3]]).all()
    assert collector.dates.unreadable == 1
    rows, _ = collected([chunk(["", ""], ["03/04/2025", "03/05/2025"])], date_order="mdy")
    assert rows.dates[1] - rows.dates[0] == 86_400
