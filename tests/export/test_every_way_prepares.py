"""What training did to a row is repeated by every way out: command, job, bundle, predict.py and
server say the same.
"""

from __future__ import annotations

import csv
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests_support.ways import MAIL, write_table

from tl_core.data.pictures.deep_pictures import colour_png
from tl_core.data.preparation import Preparation

BROKEN = [
    ("bÃ©art", "the cafÃ© is good"),
    ("ham &amp; eggs", "my\u200border is bad"),
    ("plain", "good film"),
    ("VersicherungsschÃ¤den", "my money Ã¼ber"),
    ("a\x07b", "&lt;late&gt;"),
    ("schÃ¶n", "order"),
]
GREY, STRING, COLOUR = (28, 28, 1), (8, 8, 1), (8, 8, 3)


def close(scores, wanted):
    for name, said in scores.items():
        np.testing.assert_allclose(said, wanted, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    "kind", ["csv", "other order", "extra columns", "tsv", "semicolons", "jsonl", "xlsx"]
)
def test_title_and_body_are_joined_by_every_way(joined, tmp_path, kind):
    wanted = joined.expected([f"{title}\n{body}".strip() for title, body in MAIL])
    path = tmp_path / "in.csv"
    if kind in ("csv", "tsv"):
        path = write_table(tmp_path / f"in.{kind}", ["title", "body"], MAIL)
    elif kind == "other order":
        write_table(path, ["body", "title"], [pair[::-1] for pair in MAIL])
    elif kind == "extra columns":
        write_table(
            path,
            ["id", "title", "text", "body", "label"],
            [(7, t, "never", b, "x") for t, b in MAIL],
        )
    elif kind == "semicolons":
        path.write_text("title;body\n" + "\n".join(f"{t};{b}" for t, b in MAIL[:4]) + "\n")
        wanted = wanted[:4]
    elif kind == "jsonl":
        path = tmp_path / "in.jsonl"
        path.write_text(
            "\n".join(json.dumps({"body": body, "n": 1, "title": title}) for title, body in MAIL)
        )
    else:
        import openpyxl

        book, path = openpyxl.Workbook(), tmp_path / "in.xlsx"
        for line in [("title", "body"), *MAIL]:
            book.active.append(line)
        book.save(path)
    scores = joined.commands(path, tmp_path)
    if path.suffix in (".csv", ".tsv"):
        scores["predict.py"] = joined.predict_py(tmp_path, path)
    scores["server"] = joined.served(
        json={
            "rows": [
                {"title": title, "body": body, "note": [1]} for title, body in MAIL[: len(wanted)]
            ]
        }
    )
    close(scores, wanted)


def test_wrongly_decoded_texts_are_repaired_by_every_way(ways, tmp_path):
    way = ways("repair", "bert", Preparation(columns=("title", "body"), repair=True))
    path = write_table(tmp_path / "in.csv", ["title", "body"], BROKEN)
    right = [
        "béart\nthe café is good",
        "ham & eggs\nmyorder is bad",
        "plain\ngood film",
        "Versicherungsschäden\nmy money über",
        "ab\n<late>",
        "schön\norder",
    ]
    scores = {
        **way.commands(path, tmp_path),
        "predict.py": way.predict_py(tmp_path, path),
        "server": way.served(
            json={"rows": [{"title": title, "body": body} for title, body in BROKEN]}
        ),
    }
    close(scores, way.expected(right))
    assert np.abs(way.expected([f"{t}\n{b}" for t, b in BROKEN]) - way.expected(right)).max() > 1e-4
    assert any(
        line.startswith("ftfy==")
        for line in (way.bundle / "requirements.txt").read_text().splitlines()
    )


def test_a_repair_of_one_column_holds_for_plain_texts_too(ways, tmp_path):
    way = ways("plain", "bert", Preparation(columns=("message",), repair=True))
    path = write_table(tmp_path / "in.csv", ["id", "message"], [(1, body) for _, body in BROKEN])
    texts = ["the café is good", "myorder is bad", "good film", "my money über", "<late>", "order"]
    scores = {
        **way.commands(path, tmp_path),
        "predict.py": way.predict_py(tmp_path, path),
        "as words": way.predict_py(tmp_path, *[body for _, body in BROKEN]),
        "texts": way.served(json={"texts": [body for _, body in BROKEN]}),
        "rows": way.served(json={"rows": [{"message": body} for _, body in BROKEN]}),
    }
    close(scores, way.expected(texts))


@pytest.mark.parametrize(
    "shape", [GREY, STRING, COLOUR, (4, 4, 3)], ids=["grey", "string", "colour", "fractions"]
)
def test_rows_of_pixels_are_pictures_for_every_way(ways, tmp_path, shape):
    width, height, channels = shape
    count = width * height * channels
    columns = ("pixels",) if shape == STRING else tuple(f"pixel{place}" for place in range(count))
    way = ways(f"pixels{count}", "resnet", Preparation(columns=columns, pixels=shape))
    values = np.random.default_rng(1).integers(0, 256, (5, height, width, channels))
    cells = [one.ravel().tolist() for one in values]
    if shape == (4, 4, 3):
        cells = [[cell / 255 for cell in one] for one in cells]
    rows = [
        (f"id{n}", " ".join(map(str, one))) if shape == STRING else (f"id{n}", *one)
        for n, one in enumerate(cells)
    ]
    path = write_table(tmp_path / "in.csv", ["id", *columns], rows)
    pictures = [
        Image.fromarray(one.astype(np.uint8).squeeze() if channels == 1 else one.astype(np.uint8))
        for one in values
    ]
    wanted = way.expected([picture.convert("RGB") for picture in pictures])
    scores = {
        **way.commands(path, tmp_path),
        "predict.py": way.predict_py(tmp_path, path),
        "server": way.served(
            json={"rows": [dict(zip(columns, row[1:], strict=True)) for row in rows]}
        ),
    }
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
    files = [tmp_path / f"{number}.png" for number in range(5)]
    scores["files"] = way.served(
        files=[("files", (file.name, file.read_bytes())) for file in files]
    )
    scores["files of predict.py"] = way.predict_py(tmp_path, *files)
    close(scores, wanted)
    with (tmp_path / "run.csv").open() as handle:
        assert next(csv.reader(handle))[-2:] == ["error", "id"]  # pixels do not come back
    assert way.served(json={"texts": ["a"]})[0] == 422
    assert "Row 1" in way.served(json={"rows": [dict.fromkeys(columns, 300)]})[1]


def scaled(values, low, high):
    grey = ((values - low) / (high - low) * 255).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def write_deep(folder, kind):
    """Pictures in a folder that also holds a note, and what the network should see of them."""
    random, shown = np.random.default_rng(2), []
    folder.mkdir()
    (folder / "notes.txt").write_text("not a picture")
    for number in range(4):
        if kind == "twelve bits":  # the first would be one of 8 bits if it were judged alone
            values = random.integers(0, 200 if number == 0 else 4096, (20, 24)).astype(np.uint16)
            Image.fromarray(values).save(folder / f"{number}.png")
            shown.append(scaled(values.astype(float), 0, 4095))
        elif kind == "deep colours":
            values = random.integers(0, 4096, (20, 24, 3)).astype(np.uint16)
            (folder / f"{number}.png").write_bytes(colour_png(values))
            grey = ((values.astype(float)) / 4095 * 255).round().astype(np.uint8)
            shown.append(Image.fromarray(grey))
        elif kind == "floats":
            values = random.normal(0, 0.1 if number == 0 else 1, (20, 24)).astype(np.float32)
            Image.fromarray(values).save(folder / f"{number}.tif")
            shown.append(scaled(values.astype(float), -2, 3))
        else:
            pages = [
                random.integers(0, 256, (16, 20, 3)).astype(np.uint8) for _ in range(number + 1)
            ]
            first, *rest = [Image.fromarray(page) for page in pages]
            first.save(folder / f"{number}.tif", save_all=True, append_images=rest)
            shown += [
                Image.fromarray(page) for page in (pages if kind == "all pages" else pages[:1])
            ]
    return shown


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("twelve bits", Preparation(scale=(0.0, 4095.0))),
        ("deep colours", Preparation(scale=(0.0, 4095.0))),
        ("floats", Preparation(scale=(-2.0, 3.0))),
        ("all pages", Preparation(page="all")),
        ("first pages", Preparation()),
    ],
)
def test_depth_and_pages_are_those_of_the_training_for_every_way(ways, tmp_path, kind, kept):
    way, folder = ways(kind.replace(" ", ""), "resnet", kept), tmp_path / "pictures"
    wanted = way.expected(write_deep(folder, kind))
    files = sorted(path for path in folder.iterdir() if path.suffix != ".txt")
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    scores = {
        **way.commands(folder, tmp_path),
        "predict.py": way.predict_py(tmp_path, folder),
        "zip": way.commands(tmp_path / "p.zip", tmp_path)["bundle"],
        "server": way.served(files=[("files", (path.name, path.read_bytes())) for path in files]),
    }
    close(scores, wanted)
    if kind == "all pages":
        with (tmp_path / "run.csv").open() as handle:
            names = [line["file"] for line in csv.DictReader(handle)]
        assert names[:4] == ["0.tif", "1.tif#1", "1.tif#2", "2.tif#1"]
