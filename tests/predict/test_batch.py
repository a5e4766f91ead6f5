"""Whole files: every row has its line, whatever is wrong with it, and a kill costs one window."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from tests_support.clustered import pieces_here
from tests_support.datasets import write_pictures

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.load import load_backbone
from tl_core.errors import Cancelled, DataError, QuotaError
from tl_core.predict import table_rows
from tl_core.predict.batch import predict_source
from tl_core.progress import Progress
from tl_core.settings import Settings, read_settings


@pytest.fixture
def model(tiny, tmp_path):
    save_classifier(
        load_backbone(f"local:{tiny('bert')}", ["=a", "b"], Settings()), tmp_path / "model"
    )
    return tmp_path / "model"


def lines_of(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_rows_keep_their_order_columns_and_errors(model, tmp_path):
    (tmp_path / "in.csv").write_text(
        'id,text,label,note\n7,good film,x,=1+1\n8,,y,-5\n9,"my, order",z,@me\n'
    )
    counts = predict_source(
        model, tmp_path / "in.csv", tmp_path / "out.csv", read_settings(), text_column="text"
    )
    plan = counts.pop("plan")
    assert counts == {
        "rows": 3,
        "errors": 1,
        "precision": "float32: too few items for bf16 to matter",
    }
    assert [one["name"] for one in plan["columns"]] == ["text"] and plan["uncertain"] == []
    lines = lines_of(tmp_path / "out.csv")
    assert list(lines[0]) == [
        "row",
        "label",
        "confidence",
        "abstain",
        "p:=a",
        "p:b",
        "error",
        "id",
        "text",
        "input_label",
        "note",
    ]
    assert [line["id"] for line in lines] == ["7", "8", "9"]
    assert lines[1]["error"] == "The text is empty."
    assert lines[0]["note"] == "=1+1"
    total = float(lines[0]["p:=a"]) + float(lines[0]["p:b"])
    assert total == pytest.approx(1, abs=1e-6)
    assert float(lines[0]["confidence"]) == max(float(lines[0]["p:=a"]), float(lines[0]["p:b"]))


def test_spreadsheet_guards_formulas_also_in_classes_and_names_but_no_numbers(tiny, tmp_path):
    classes = ["=1+1", "@me", "-5", "plain"]
    save_classifier(load_backbone(f"local:{tiny('bert')}", classes, Settings()), tmp_path / "model")
    (tmp_path / "in.csv").write_text(
        "text,note,=2+2\n"
        + "\n".join(
            f"good film {i},{cell},x"
            for i, cell in enumerate(["=1+1", "-5", "+49 30", "1e5", "plain"] * 4)
        )
    )
    for spreadsheet in (False, True):
        predict_source(
            tmp_path / "model",
            tmp_path / "in.csv",
            tmp_path / "out.csv",
            read_settings(),
            spreadsheet=spreadsheet,
        )
        lines, mark = lines_of(tmp_path / "out.csv"), "'" if spreadsheet else ""
        assert [line["note"] for line in lines[:5]] == [
            f"{mark}=1+1",
            "-5",
            f"{mark}+49 30",
            "1e5",
            "plain",
        ]
        assert {"p:=1+1", f"{mark}=2+2"} <= set(lines[0])
        expected = {name: f"{mark}{name}" if name in ("=1+1", "@me") else name for name in classes}
        for line in lines:
            best = max(classes, key=lambda name, line=line: float(line[f"p:{name}"]))
            assert line["label"] == expected[best]
        assert float(lines[0]["confidence"]) > 0


def many(path, count=5000):
    path.write_text("text\n" + "\n".join(f"order {'x ' * (i % 50)} {i}" for i in range(count)))
    return path


def test_more_rows_than_are_allowed_are_refused_before_the_work(model, tmp_path):
    many(tmp_path / "in.csv", 5)
    about = (model, tmp_path / "in.csv", tmp_path / "out.csv", read_settings())
    with pytest.raises(QuotaError, match="5 rows to predict.*The limit is 4 rows"):
        predict_source(*about, most=4)
    assert not list(tmp_path.glob("out*"))
    assert predict_source(*about, most=5)["rows"] == 5


def test_many_rows_are_streamed_in_order(model, tmp_path):
    assert (
        predict_source(model, many(tmp_path / "in.csv"), tmp_path / "out.csv", read_settings())[
            "rows"
        ]
        == 5000
    )
    assert [line["row"] for line in lines_of(tmp_path / "out.csv")] == [
        str(i) for i in range(1, 5001)
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("out")) == [
        "out.csv"
    ]


def test_parquet_holds_the_same_with_numbers_as_numbers(model, tmp_path):
    (tmp_path / "in.csv").write_text("text,label,input_label\ngood film,x,1\n,y,2\n")
    for name in ("out.csv", "out.parquet"):
        predict_source(
            model, tmp_path / "in.csv", tmp_path / name, read_settings(), text_column="text"
        )
    table, lines = (
        pq.read_table(tmp_path / "out.parquet").to_pylist(),
        lines_of(tmp_path / "out.csv"),
    )
    assert (
        list(table[0])
        == list(lines[0])
        == [
            "row",
            "label",
            "confidence",
            "abstain",
            "p:=a",
            "p:b",
            "error",
            "text",
            "input_label",
            "input_input_label",
        ]
    )
    assert table[0]["p:b"] == pytest.approx(float(lines[0]["p:b"]), abs=1e-8)
    assert (table[1]["label"], table[1]["p:b"], table[1]["abstain"]) == (None, None, None)
    assert table[1]["error"] == "The text is empty."
    with pytest.raises(DataError, match="neither"):
        predict_source(model, tmp_path / "in.csv", tmp_path / "out.xlsx", read_settings())


def test_a_column_that_comes_later_is_empty_before(model, tmp_path):
    rows = [{"text": f"good film {i}"} for i in range(2100)] + [{"text": "late", "note": "new"}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    predict_source(model, tmp_path / "in.jsonl", tmp_path / "out.csv", read_settings())
    assert [line["note"] for line in lines_of(tmp_path / "out.csv")] == [""] * 2100 + ["new"]


class Breaking(Progress):
    """Ends the work after some items, as a power cut would."""

    def __init__(self, after):
        self.after, self.counts = after, []

    def batch(self, done, total):
        self.counts.append(done)
        if done >= self.after:
            raise KeyboardInterrupt


def test_after_an_end_the_same_call_goes_on(model, tmp_path):
    source, out = many(tmp_path / "in.csv"), tmp_path / "out.csv"
    predict_source(model, source, tmp_path / "whole.csv", read_settings(), precision="float32")
    with pytest.raises(KeyboardInterrupt):
        predict_source(
            model, source, out, read_settings(), progress=Breaking(2500), precision="float32"
        )
    assert not out.exists()
    again = Breaking(10**9)
    predict_source(model, source, out, read_settings(), progress=again, precision="float32")
    assert again.counts[0] == 2048  # the first window was not computed again
    assert out.read_text() == (tmp_path / "whole.csv").read_text()


@pytest.mark.parametrize("change", ["source", "model", "column"])
def test_another_source_or_model_starts_over(model, tmp_path, change, tiny):
    source, out = many(tmp_path / "in.csv"), tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        predict_source(model, source, out, read_settings(), progress=Breaking(2500))
    if change == "source":
        source.write_text(source.read_text().replace("order", "other"))
    if change == "model":
        save_classifier(
            load_backbone(f"local:{tiny('distilbert')}", ["=a", "b"], Settings()), model
        )
    again = Breaking(10**9)
    predict_source(
        model,
        source,
        out,
        read_settings(),
        progress=again,
        text_column="text" if change == "column" else "",
    )
    assert again.counts[0] < 2048
    assert len(lines_of(out)) == 5000


def test_a_killed_command_goes_on_where_it_was(model, tmp_path):
    source, out = many(tmp_path / "in.csv", 9_000), tmp_path / "out.csv"
    words = [sys.executable, "-m", "tl_core", "predict", str(model), str(source), "-o", str(out)]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    first = tmp_path / "out.csv.parts" / "00000000.parquet"
    for _ in range(600):
        if first.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert first.exists() and not out.exists()
    written = first.stat().st_mtime_ns
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while first.exists():
        assert first.stat().st_mtime_ns == written
        time.sleep(0.02)
    shown = process.communicate()[1]
    assert process.returncode == 0 and "9,000 of 9,000" in shown and "a second" in shown
    assert [line["row"] for line in lines_of(out)] == [str(i) for i in range(1, 9_001)]


def test_a_table_that_breaks_off_is_refused_before_the_work(model, tmp_path):
    rows = "\n".join(["good film,1"] * 3000 + ["one,too,many"] * 2000)
    (tmp_path / "in.csv").write_text(f"text,n\n{rows}\n")
    breaking = Breaking(10**9)
    with pytest.raises(DataError, match="cannot be read"):
        predict_source(
            model, tmp_path / "in.csv", tmp_path / "out.csv", read_settings(), progress=breaking
        )
    assert not breaking.counts and not list(tmp_path.glob("out*"))


def test_pictures_that_cannot_be_read_stand_in_their_place(tiny, tmp_path):
    save_classifier(
        load_backbone(f"local:{tiny('resnet')}", ["a", "b"], Settings()), tmp_path / "model"
    )
    folder = write_pictures(tmp_path / "d")
    broken = sorted(folder.rglob("*.png"))[3]
    broken.write_bytes(b"no picture")
    counts = predict_source(tmp_path / "model", folder, tmp_path / "out.csv", read_settings())
    lines = {line["file"]: line for line in lines_of(tmp_path / "out.csv")}
    assert counts["errors"] == 1 and list(lines) == sorted(lines)
    assert "not an image" in lines.pop(broken.relative_to(folder).as_posix())["error"]
    assert all(line["label"] in ("a", "b") and not line["error"] for line in lines.values())


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
    counts = predict_source(
        model,
        version.folder / "unlabelled.csv",
        tmp_path / "out.csv",
        read_settings(),
        text_column="text",
    )
    assert (counts["rows"], counts["errors"]) == (1, 0)
    assert [(line["text"], line["id"]) for line in lines_of(tmp_path / "out.csv")] == [
        ("what is it", "8")
    ]


def test_a_cluster_answers_each_row_as_this_machine_does(model, tmp_path, monkeypatch):
    """Windows that are finished stay, damaged rows keep their place, a cancelled one goes on."""
    source = tmp_path / "in.csv"
    lines = [f"{'order ' * (1 + i % 50) if i != 300 else ''},{i}" for i in range(302)]
    source.write_text("\n".join(["text,note", *lines]))
    monkeypatch.setattr(table_rows, "TEXT_WINDOW", 64)
    about = (model, source)
    predict_source(*about, tmp_path / "here.csv", read_settings(), text_column="text")
    calls = pieces_here(monkeypatch)

    class Leaves(Progress):
        def batch(self, done, total):
            if done >= 128:
                raise Cancelled

    with pytest.raises(Cancelled):
        predict_source(
            *about,
            tmp_path / "there.csv",
            read_settings(),
            progress=Leaves(),
            text_column="text",
            processes=3,
        )
    counts = predict_source(
        *about, tmp_path / "there.csv", read_settings(), text_column="text", processes=3
    )
    assert calls == [[0, 1, 2, 3, 4], [2, 3, 4]]
    assert (counts["rows"], counts["errors"]) == (302, 1)
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} >= {"here.csv", "there.csv"}
    assert not list(tmp_path.glob("there.csv.*"))


def test_pictures_are_answered_here_whatever_was_asked(tiny, tmp_path, monkeypatch):
    save_classifier(
        load_backbone(f"local:{tiny('resnet')}", ["a", "b"], Settings()), tmp_path / "model"
    )
    write_pictures(tmp_path / "p", each=2)
    calls = pieces_here(monkeypatch)
    counts = predict_source(
        tmp_path / "model", tmp_path / "p", tmp_path / "out.csv", read_settings(), processes=3
    )
    assert counts["rows"] and not calls
