"""Which columns, pages and files are read when a trained model is asked: as in training, as named,
or said aloud.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests_support.datasets import build
from tests_support.pages import carried_out, everything, opened, runs

from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.data.preparation import Preparation
from tl_core.data.schema import ImportOptions
from tl_core.data.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.intake import add_dataset
from tl_core.jobs import compute, dispatch
from tl_core.models.backbones import load_backbone, save_classifier
from tl_core.models.classifier import load_classifier
from tl_core.predict import carried
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.settings import Settings, read_settings


@pytest.fixture
def model(tiny, tmp_path):
    """`model(family, preparation)`: the folder of a model that carries it."""

    def make(family="bert", **kept):
        folder = tmp_path / f"model-{family}"
        if not folder.exists():
            save_classifier(load_backbone(f"local:{tiny(family)}", ["a", "b"], Settings()), folder)
        Preparation(**kept).write(folder)
        return folder

    return make


@pytest.fixture
def call(capsys, tmp_path):
    """A prediction by command: what it gives as JSON with the lines of the file, and standard
    error.
    """

    def run(folder, source, *words, code=0):
        out = tmp_path / "out.csv"
        out.unlink(missing_ok=True)
        assert main(["predict", str(folder), str(source), "-o", str(out), "--json", *words]) == code
        said = capsys.readouterr()
        told = json.loads(said.out)
        if code:
            assert not list(tmp_path.glob("out.csv*"))
            return " ".join(told["error"].values()), said.err
        with out.open(encoding="utf-8", newline="") as handle:
            return told | {"lines": list(csv.DictReader(handle))}, said.err

    return run


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def columns(told):
    return [(one["name"], one["role"], one["certain"]) for one in told["plan"]["columns"]]


def sampled(told):
    return [one["text"] for one in told["plan"]["sample"]]


@pytest.mark.parametrize(
    ("header", "lacking"),
    [
        ("body,subject", "title"),
        ("title,message", "body"),
        ("Title,Body", "title"),
        ("body", "title"),
        ("text,label", "title"),
    ],
)
def test_a_model_of_joined_columns_refuses_a_table_without_one(
    model, call, tmp_path, header, lacking
):
    source = write(
        tmp_path / "in.csv", header, *([",".join(["good film"] * len(header.split(",")))] * 3)
    )
    words, _ = call(model(columns=("title", "body")), source, code=2)
    assert (
        f"no column {lacking!r}" in words
        and "'title' and 'body'" in words
        and "--title-column" in words
    )


def test_text_lines_are_not_enough_for_joined_columns(model, call, tmp_path):
    words, _ = call(
        model(columns=("title", "body")),
        write(tmp_path / "in.txt", "good film", "bad order"),
        code=2,
    )
    assert "'title'" in words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--title-column", "subject"), "late\ngood film"),
        (("--text-column", "subject"), None),
        (("--title-column", "subject", "--text-column", "note"), "late\nx"),
        (("--title-column", "body"), None),
        (("--text-column", "bdoy"), None),
        (("--title-column", "Subject"), None),
    ],
)
def test_columns_of_other_names_are_named(model, call, tmp_path, words, text):
    source = write(tmp_path / "in.csv", "subject,body,note", "late,good film,x")
    told, _ = call(model(columns=("title", "body")), source, *words, code=0 if text else 2)
    if text:
        assert sampled(told) == [text] and all(certain for _, _, certain in columns(told))
    else:
        assert "no column" in told or "twice" in told


@pytest.mark.parametrize(
    ("named", "offered"), [("txet", "text"), ("Message", "message"), ("text ", ""), ("nix", "")]
)
@pytest.mark.parametrize("known", [("message",), ()])
def test_a_column_that_is_named_and_not_there_is_never_replaced(
    model, call, tmp_path, named, offered, known
):
    source = write(tmp_path / "in.csv", "text,message,n", "good film,bad order,1", "late,money,2")
    words, _ = call(model(columns=known), source, "--text-column", named, code=2)
    assert f"no column {named!r}" in words and (f"Did you mean {offered}" in words or not offered)


def test_a_guess_is_said_or_silent_or_refused(model, call, tmp_path):
    folder, source = (
        model(columns=("message",)),
        write(tmp_path / "in.csv", "id,review", "1,good film", "2,bad order"),
    )
    told, said = call(folder, source)
    assert columns(told) == [("review", "text", False)] and sampled(told) == [
        "good film",
        "bad order",
    ]
    assert "Warning" in said and "'review'" in said and "'message'" in said and told["rows"] == 2
    assert "Warning" not in call(folder, source, "--yes")[1]
    words, _ = call(folder, source, "--strict", code=2)
    assert "'review'" in words and "--text-column" in words
    told, said = call(folder, source, "--strict", "--text-column", "review")
    assert columns(told) == [("review", "text", True)] and "Warning" not in said


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("one.csv", ["review", "good film", "bad order"]),
        ("lines.txt", ["good film", "bad order"]),
        ("in.csv", ["text,message", "never,good film", "never,bad order"]),
        ("in.jsonl", ['{"review": "good film"}', '{"review": "bad order"}']),
    ],
)
def test_one_column_and_the_name_of_the_training_are_sure(model, call, tmp_path, name, lines):
    told, said = call(model(columns=("message",)), write(tmp_path / name, *lines), "--strict")
    assert sampled(told) == ["good film", "bad order"] and "Warning" not in said


def test_a_title_is_not_put_before_the_text_of_a_model_that_never_read_one(model, call, tmp_path):
    source = write(tmp_path / "in.csv", "title,text", "late,good film")
    words, _ = call(model(columns=("text",)), source, "--title-column", "title", code=2)
    assert "'text' alone" in words
    folder = model()
    (folder / "preparation.json").unlink()  # nobody knows: a person may say it
    told, _ = call(folder, source, "--title-column", "title", "--text-column", "text")
    assert sampled(told) == ["late\ngood film"]


def test_without_json_the_plan_stands_in_lines(model, tmp_path, capsys):
    source = write(tmp_path / "in.csv", "title,body", "late,good film")
    assert (
        main(
            [
                "predict",
                str(model(columns=("title", "body"))),
                str(source),
                "-o",
                str(tmp_path / "o.csv"),
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert (
        "title: title" in said
        and "text: body" in said
        and "sample 1" in said
        and "'late\\ngood film'" in said
    )


def test_damaged_rows_are_set_aside_with_their_reason(model, call, tmp_path):
    source = write(tmp_path / "in.jsonl", *['{"text": "good film"}'] * 3, "{]", '{"text": ""}')
    told, _ = call(model(columns=("text",)), source)
    assert [line["error"] != "" for line in told["lines"]] == [False] * 3 + [True, True]
    assert (
        told["plan"]["set_aside"][0]["count"] == 1
        and told["plan"]["set_aside"][0]["example"] == "row 4"
    )


@pytest.fixture
def record(tmp_path, tiny, monkeypatch):
    """A dataset whose title was joined, with rows without a class, and a backbone for it."""
    (tmp_path / "models").mkdir()
    shutil.copytree(tiny("bert"), tmp_path / "models" / "mine")
    monkeypatch.setenv("TL_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(dispatch, "ensure_dispatcher", lambda _settings: None)
    rows = [f"{'late order' if n % 2 else 'good film'},number {n},{'ab'[n % 2]}" for n in range(40)]
    source = write(
        tmp_path / "mail.csv", "subject,body,label", *rows, "late order,what is it,", "late,again,"
    )
    settings = read_settings()
    store = DatasetStore(open_database(settings), "local", settings.home_path)
    return add_dataset(
        store,
        settings,
        str(source),
        "mail",
        ImportOptions(text_column="body", title_column="subject", label_column="label"),
    )[0]


def train(record, recipe="probe", **settings):
    run = carried_out(
        RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            "local:mine",
            recipe,
            settings or {"max_length": 24, "baseline": False, "repeats": 0},
        )
    )
    assert run.status == "done", run.reason
    return run


def test_a_training_leaves_it_with_the_model(record, call, tmp_path):
    run = train(record)
    assert Preparation.read(run.folder / "model").columns == ("subject", "body")
    told, _ = call(run.id, tmp_path / "mail.csv", "--strict")
    assert sampled(told)[0] == "good film\nnumber 0"
    asked = DatasetVersion(record.folder).texts(np.arange(3))
    expected = load_classifier(run.folder / "model").probabilities(asked)
    found = [[float(line["p:a"]), float(line["p:b"])] for line in told["lines"][:3]]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    (run.folder / "model" / "preparation.json").unlink()  # as trained before models carried it
    assert call(run.id, tmp_path / "mail.csv", "--strict")[0]["lines"] == told["lines"]
    write(tmp_path / "other.csv", "text,body", "a,b")
    assert "'subject'" in call(run.id, tmp_path / "other.csv", code=2)[0]


def test_a_ladder_leaves_it_too(record):
    run = train(record, "ladder", rungs=["probe"], seeds=1)
    assert Preparation.read(run.folder / "model").columns == ("subject", "body")


def test_rows_without_a_class_are_not_joined_or_repaired_twice(record, call, tmp_path):
    run = train(record)
    told, _ = call(run.id, "unlabelled:mail", "--strict")
    assert sampled(told) == ["late order\nwhat is it", "late\nagain"]
    model, info = run.folder / "model", DatasetVersion(record.folder).info
    Preparation(("subject", "body"), repair=True).write(model)
    version = DatasetVersion(record.folder)
    assert carried.unlabelled(version, carried.preparation_of(model))[
        1
    ].repair  # the dataset has not done it
    version.info.preparation.update(Preparation(("subject", "body"), repair=True).as_dict())
    assert not carried.unlabelled(version, carried.preparation_of(model))[1].repair
    Preparation(("body",)).write(model)
    assert "'subject' and 'body', joined" in call(run.id, "unlabelled:mail", code=2)[0]
    assert carried.of_version(info).columns == ("subject", "body")


def test_the_page_has_a_field_for_each_column_and_shows_what_was_read(record, tmp_path):
    run = train(record)
    app = opened("pages/ship/predict.py", run=run.id)
    assert not app.exception and [box.label for box in app.text_area] == ["subject", "body"]
    job = carried_out(
        RunConfig(
            "predict",
            "local",
            record.reference,
            options={"run": run.id, "prepared": True, "spreadsheet": True},
        )
    )
    assert job.status == "done" and job.headline.startswith("2 predicted")
    app.session_state["predict_job"] = job.id
    app.run()
    assert not app.exception and "what is it" in everything(app)
    Preparation(("message",)).write(run.folder / "model")
    write(tmp_path / "in.csv", "id,review", "1,good film", "2,bad order")
    job = carried_out(
        RunConfig(
            "predict",
            "local",
            record.reference,
            options={"run": run.id, "source": str(tmp_path / "in.csv")},
        )
    )
    assert job.summary["plan"]["uncertain"]
    app = opened("pages/ship/predict.py", run=run.id)
    assert [box.label for box in app.text_area] == ["A text"]
    app.session_state["predict_job"] = job.id
    app.run()
    assert any("'review'" in one.value for one in app.warning)


def test_pages_and_explanations_prepare_what_they_ask(model, tmp_path, capsys):
    folder = model(columns=("title", "body"), repair=True)
    classifier = load_classifier(folder)
    wanted = classifier.probabilities(["schön\ngood film"])[0]
    compute._loaded.clear()
    assert dict(compute.predict_one(str(folder), "schÃ¶n\ngood film"))["a"] == pytest.approx(
        wanted[0], abs=1e-6
    )
    assert compute.predict_texts(str(folder), ["schÃ¶n\ngood film"])["probabilities"][
        0
    ] == pytest.approx(wanted)
    assert compute.explain(str(folder), "schÃ¶n good", ["a"])[0]["words"] == ["schön", "good"]
    assert main(["explain", str(folder), "good film", "--json"]) == 2
    assert "'title' and 'body'" in capsys.readouterr().out
    assert main(["explain", str(folder), "good film", "--title", "schÃ¶n", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["words"] == ["schön", "good", "film"]
    pictures = model("vit", scale=(0.0, 4095.0))
    Image.fromarray(np.full((20, 20), 200, np.uint16)).save(tmp_path / "dark.png")
    seen = load_classifier(pictures).probabilities([Image.new("RGB", (20, 20), (12, 12, 12))])[0]
    compute._loaded.clear()
    found = dict(compute.predict_one(str(pictures), (tmp_path / "dark.png").read_bytes()))
    assert found["a"] == pytest.approx(seen[0], abs=1e-6)


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
    told, _ = call(model("vit"), source)
    errors = {line["file"]: line["error"] for line in told["lines"]}
    assert set(errors) == good | set(bad) and not [name for name in good if errors[name]]
    assert all(word in errors[name] for name, word in bad.items())
    assert told["errors"] == len(bad) and told["plan"]["set_aside"][0]["count"] == 6
    assert {one["picture"] for one in told["plan"]["sample"]} == {"20 x 20"}


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
    told, _ = call(model("vit"), tmp_path / "p")
    assert [line["file"] for line in told["lines"]] == [shown] and told["errors"] == 0
    single, _ = call(model("vit"), tmp_path / "p" / os.fsdecode(raw))
    assert [line["file"] for line in single["lines"]] == [shown]


def test_links_and_broken_pages_keep_their_rows(model, call, tmp_path):
    (tmp_path / "p").mkdir()
    Image.new("RGB", (20, 20), "red").save(tmp_path / "p" / "a.png")
    (tmp_path / "p" / "link.png").symlink_to(tmp_path / "p" / "a.png")
    pages = [Image.new("L", (20, 20), grey) for grey in (10, 200)]
    pages[0].save(tmp_path / "p" / "two.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "p" / "cut.tif").write_bytes((tmp_path / "p" / "two.tif").read_bytes()[:60])
    told, _ = call(model("vit", page="all"), tmp_path / "p")
    errors = {line["file"]: line["error"] for line in told["lines"]}
    assert list(errors) == ["a.png", "cut.tif", "link.png", "two.tif#1", "two.tif#2"]
    assert "link" in errors["link.png"] and errors["cut.tif"] and not errors["two.tif#2"]


def test_pixels_under_other_names_are_a_guess_and_fewer_are_refused(model, call, tmp_path):
    names = [f"pixel{n}" for n in range(64)]
    folder = model("vit", columns=tuple(names), pixels=(8, 8, 1))
    row = ",".join(str(n * 3) for n in range(64))
    told, said = call(
        folder, write(tmp_path / "in.csv", ",".join(f"p{n}" for n in range(64)), row, row)
    )
    assert told["errors"] == 0 and "Warning" in said and not columns(told)[0][2]
    words, _ = call(
        folder, write(tmp_path / "in.csv", ",".join(names[:63]), row.rpartition(",")[0]), code=2
    )
    assert "'pixel63'" in words and "8 x 8" in words
    told, _ = call(
        folder, write(tmp_path / "in.csv", ",".join(names), row, row.replace("189", "x"))
    )
    assert [bool(line["error"]) for line in told["lines"]] == [False, True]


def test_the_pictures_of_a_dataset_without_a_class_are_predicted(model, tmp_path):
    from tl_core.predict.batch import predict_source

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
    told, said = call(model(), new, "--strict")
    assert [line["file"] for line in told["lines"]] == [
        "1.txt",
        "11.txt",
        "3.txt",
        "5.txt",
        "7.txt",
        "9.txt",
    ]
    assert (
        sampled(told)[0] == "good film, größer\nnumber 1 and more of it" and "Warning" not in said
    )
    told, said = call(model(), new / "1.txt")  # lines would be something else, and that is said
    assert told["rows"] == 2 and "whole files" in said
    words, _ = call(model(columns=("title", "body")), new, code=2)
    assert "'title'" in words or "title and" in words or "no columns" in words
    shutil.rmtree(new)
    new.mkdir()
    write(new / "README.txt", "about it", "and more")
    write(new / "in.csv", "text,n", "good film,1")
    assert call(model(columns=("text",)), new, "--strict")[0]["rows"] == 1


def test_a_damaged_note_of_the_training_is_refused(model):
    folder = model()
    (folder / "preparation.json").write_text("[]")
    with pytest.raises(DataError, match="damaged"):
        carried.preparation_of(folder)
    assert runs().list() == []
