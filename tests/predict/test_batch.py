"""Whole files: every row has its line, whatever is wrong with it."""

from __future__ import annotations

import csv

import pytest
from tests_support.datasets import write_pictures

from tl_core.errors import DataError
from tl_core.models.backbones import load_backbone, save_classifier
from tl_core.predict.batch import predict_source
from tl_core.settings import Settings, read_settings


@pytest.fixture
def model(tiny, tmp_path):
    save_classifier(load_backbone(f"local:{tiny('bert')}", ["=a", "b"], Settings()), tmp_path / "model")
    return tmp_path / "model"


def lines_of(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_rows_keep_their_order_columns_and_errors(model, tmp_path):
    (tmp_path / "in.csv").write_text('id,text,label,note\n7,good film,x,=1+1\n8,,y,-5\n9,"my, order",z,@me\n')
    assert predict_source(model, tmp_path / "in.csv", tmp_path / "out.csv", read_settings(),
                          text_column="text") == {"rows": 3, "errors": 1}
    lines = lines_of(tmp_path / "out.csv")
    assert list(lines[0]) == ["row", "label", "confidence", "abstain", "p:=a", "p:b", "error", "id", "text",
                              "input_label", "note"]
    assert [line["id"] for line in lines] == ["7", "8", "9"]
    assert lines[1]["error"] == "The text is empty."
    assert lines[0]["note"] == "=1+1"
    total = float(lines[0]["p:=a"]) + float(lines[0]["p:b"])
    assert total == pytest.approx(1, abs=1e-6)
    assert float(lines[0]["confidence"]) == max(float(lines[0]["p:=a"]), float(lines[0]["p:b"]))


def test_spreadsheet_guards_formulas_but_no_numbers_or_classes(model, tmp_path):
    (tmp_path / "in.csv").write_text("text,note\ngood film,=1+1\nbad,-5\n")
    predict_source(model, tmp_path / "in.csv", tmp_path / "out.csv", read_settings(), spreadsheet=True)
    lines = lines_of(tmp_path / "out.csv")
    assert [line["note"] for line in lines] == ["'=1+1", "-5"]
    assert "p:=a" in lines[0]
    assert not any(line["label"].startswith("'") for line in lines)


def test_many_rows_are_streamed_in_order(model, tmp_path):
    (tmp_path / "in.csv").write_text("text\n" + "\n".join(f"order {'x' * (i % 50)} {i}" for i in range(2500)))
    assert predict_source(model, tmp_path / "in.csv", tmp_path / "out.csv", read_settings())["rows"] == 2500
    assert [line["row"] for line in lines_of(tmp_path / "out.csv")] == [str(i) for i in range(1, 2501)]


def test_the_wrong_kind_of_input_is_a_sentence(model, tmp_path):
    with pytest.raises(DataError, match="nothing in"):
        predict_source(model, write_pictures(tmp_path / "d"), tmp_path / "out.csv", read_settings())
    with pytest.raises(DataError, match="no file"):
        predict_source(model, tmp_path / "nix", tmp_path / "out.csv", read_settings())
    assert not (tmp_path / "out.csv").exists()


def test_rows_without_a_class_can_be_predicted(model, tmp_path):
    from tests_support.datasets import build

    rows = [f"good film {i},{'ab'[i % 2]},7" for i in range(20)] + ["what is it,,8"]
    (tmp_path / "t.csv").write_text("text,label,id\n" + "\n".join(rows))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    assert predict_source(model, version.folder / "unlabelled.csv", tmp_path / "out.csv", read_settings(),
                          text_column="text") == {"rows": 1, "errors": 0}
    assert [(line["text"], line["id"]) for line in lines_of(tmp_path / "out.csv")] == [("what is it", "8")]
