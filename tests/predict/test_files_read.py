"""Which files of a folder are read when a trained model is asked; what is said of the others."""

from __future__ import annotations

import csv
import os
import shutil
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests_support.datasets import build
from tests_support.predictions import columns, sampled, write

from tl_core.data.preparation import Preparation
from tl_core.predict import carried
from tl_core.predict.batch import predict_source
from tl_core.settings import read_settings


def write_mixed(folder):
    """Pictures, things that are none, and things that lie beside pictures."""
    picture = Image.new("RGB", (20, 20), "red")
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "noending", "sub/b.xyz", unicodedata.normalize("NFD", "ü") + ".png"):
        picture.save(folder / name, "PNG")
    (folder / "scan.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
    (folder / "IM0001").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7")
    (folder / "shot.raw").write_bytes(b"\1" * 50)
    for name in (
        "notes.txt",
        "README.md",
        "labels.csv",
        "coco.json",
        "t.xlsx",
        "t.parquet",
        "Thumbs.db",
        ".DS_Store",
    ):
        (folder / name).write_text("x")
    return {"a.png", "noending", "sub/b.xyz", unicodedata.normalize("NFD", "ü") + ".png"}, {
        "scan.dcm": "DICOM",
        "IM0001": "DICOM",
        "letter.pdf": "PDF",
        "shot.raw": "raw file",
    }


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_every_file_of_a_folder_has_its_row(model, call, tmp_path, kind):
    good, bad = write_mixed(tmp_path / "p")
    source = tmp_path / "p"
    if kind == "zip":
        source = tmp_path / "p.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in sorted((tmp_path / "p").rglob("*")):
                archive.write(path, path.relative_to(tmp_path / "p"))
    summary, _ = call(model("vit"), source)
    errors = {line["file"]: line["error"] for line in summary["lines"]}
    assert set(errors) == good | set(bad) and not [name for name in good if errors[name]]
    assert all(word in errors[name] for name, word in bad.items())
    assert summary["errors"] == len(bad) and summary["plan"]["set_aside"][0]["count"] == 6
    assert {one["picture"] for one in summary["plan"]["sample"]} == {"20 x 20"}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"caf\xe9.png", "café.png"),
        (b"\xfcber\x80.png", "über€.png"),
        (b"\x81\x8d.png", "\x81\x8d.png"),
    ],
)
def test_names_that_are_no_utf8_are_readable_in_the_answers(model, call, tmp_path, raw, shown):
    (tmp_path / "p").mkdir()
    Image.new("RGB", (20, 20), "red").save(tmp_path / "p" / "x.png")
    os.rename(tmp_path / "p" / "x.png", os.fsencode(tmp_path / "p") + b"/" + raw)
    summary, _ = call(model("vit"), tmp_path / "p")
    assert [line["file"] for line in summary["lines"]] == [shown] and summary["errors"] == 0
    single, _ = call(model("vit"), tmp_path / "p" / os.fsdecode(raw))
    assert [line["file"] for line in single["lines"]] == [shown]


def test_links_and_broken_pages_keep_their_rows(model, call, tmp_path):
    (tmp_path / "p").mkdir()
    Image.new("RGB", (20, 20), "red").save(tmp_path / "p" / "a.png")
    (tmp_path / "p" / "link.png").symlink_to(tmp_path / "p" / "a.png")
    pages = [Image.new("L", (20, 20), grey) for grey in (10, 200)]
    pages[0].save(tmp_path / "p" / "two.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "p" / "cut.tif").write_bytes((tmp_path / "p" / "two.tif").read_bytes()[:60])
    summary, _ = call(model("vit", page="all"), tmp_path / "p")
    errors = {line["file"]: line["error"] for line in summary["lines"]}
    assert list(errors) == ["a.png", "cut.tif", "link.png", "two.tif#1", "two.tif#2"]
    assert "link" in errors["link.png"] and errors["cut.tif"] and not errors["two.tif#2"]


def test_pixels_under_other_names_are_a_guess_and_fewer_are_refused(model, call, tmp_path):
    names = [f"pixel{n}" for n in range(64)]
    folder = model("vit", columns=tuple(names), pixels=(8, 8, 1))
    row = ",".join(str(n * 3) for n in range(64))
    summary, said = call(
        folder, write(tmp_path / "in.csv", ",".join(f"p{n}" for n in range(64)), row, row)
    )
    assert summary["errors"] == 0 and "Warning" in said and not columns(summary)[0][2]
    words, _ = call(
        folder, write(tmp_path / "in.csv", ",".join(names[:63]), row.rpartition(",")[0]), code=2
    )
    assert "'pixel63'" in words and "8 x 8" in words
    summary, _ = call(
        folder, write(tmp_path / "in.csv", ",".join(names), row, row.replace("189", "x"))
    )
    assert [bool(line["error"]) for line in summary["lines"]] == [False, True]


def test_the_pictures_of_a_dataset_without_a_class_are_predicted(model, tmp_path):
    (tmp_path / "d").mkdir()
    lines = []
    for number in range(14):
        grey = np.random.default_rng(number).integers(0, 255, (20, 20)).astype(np.uint8)
        Image.fromarray(grey).save(tmp_path / "d" / f"{number}.png")
        lines.append(f"{number}.png,{'ab'[number % 2] if number < 12 else ''}")
    write(tmp_path / "d" / "labels.csv", "file_name,label", *lines)
    version = build(tmp_path / "d", tmp_path / "v")
    folder = model("vit")
    source, kept = carried.unlabelled(version, carried.preparation_of(folder))
    counts = predict_source(
        folder, source, tmp_path / "out.csv", read_settings(), preparation=kept, prepared=True
    )
    assert (counts["rows"], counts["errors"]) == (2, 0)
    with (tmp_path / "out.csv").open() as handle:
        assert [line["file"] for line in csv.DictReader(handle)] == ["12.png", "13.png"]


def write_letters(root):
    for number in range(12):
        folder = root / ("good" if number % 2 else "bad")
        folder.mkdir(parents=True, exist_ok=True)
        words = "good film, größer" if number % 2 else "late order, bad money"
        (folder / f"{number}.txt").write_text(
            f"{words}\nnumber {number} and more of it\n", encoding="cp1252"
        )
    return root


def test_files_that_are_one_text_each_are_predicted_file_by_file(model, call, tmp_path):
    version = build(write_letters(tmp_path / "letters"), tmp_path / "v")
    kept = carried.of_version(version.info)
    assert kept == Preparation()
    new = tmp_path / "new"
    shutil.copytree(tmp_path / "letters" / "good", new)
    write(new / "README.txt", "about")
    summary, said = call(model(), new, "--strict")
    assert [line["file"] for line in summary["lines"]] == [
        "1.txt",
        "11.txt",
        "3.txt",
        "5.txt",
        "7.txt",
        "9.txt",
    ]
    assert (
        sampled(summary)[0] == "good film, größer\nnumber 1 and more of it"
        and "Warning" not in said
    )
    summary, said = call(model(), new / "1.txt")  # lines would be something else, and that is said
    assert summary["rows"] == 2 and "whole files" in said
    words, _ = call(model(columns=("title", "body")), new, code=2)
    assert "'title'" in words or "title and" in words or "no columns" in words
    shutil.rmtree(new)
    new.mkdir()
    write(new / "README.txt", "about it", "and more")
    write(new / "in.csv", "text,n", "good film,1")
    assert call(model(columns=("text",)), new, "--strict")[0]["rows"] == 1
