"""Layouts that people really bring, each with what must come of it: accepted as meant, or refused
in words.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from tests_support.datasets import LIMITS

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.errors import DataError


def picture(number: int = 0, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((40, 40), 60 + number).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def pictures(names: list[str]) -> dict[str, bytes]:
    kinds = {
        "jpg": "JPEG",
        "jpeg": "JPEG",
        "webp": "WEBP",
        "gif": "GIF",
        "tif": "TIFF",
        "avif": "AVIF",
    }
    return {
        name: picture(place, kinds.get(name.rpartition(".")[2].lower(), "PNG"))
        for place, name in enumerate(names)
    }


def folders(*classes: str, each: int = 4, prefix: str = "") -> dict[str, bytes]:
    return pictures([f"{prefix}{name}/{number}.png" for name in classes for number in range(each)])


def csv(
    rows: int = 12, header: str = "text,label", separator: str = ",", classes: str = "ab"
) -> str:
    lines = [header.replace(",", separator)] if header else []
    lines += [
        separator.join((f"message number {i} of many", classes[i % len(classes)]))
        for i in range(rows)
    ]
    return "\n".join(lines) + "\n"


def sheet(*frames: tuple[str, pd.DataFrame]) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as writer:
        for name, frame in frames:
            frame.to_excel(writer, sheet_name=name, index=False)
    return buffer.getvalue()


FRAME = pd.DataFrame(
    {"Message": [f"letter {i} to you" for i in range(12)], "Topic": list("xy") * 6}
)
LISTED = "file_name,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(8))
FLAT = pictures([f"{i}.png" for i in range(8)])

# name: files (or a single file), then expected classes, splits, skipped, or words of the refusal
ACCEPTED = {
    "plain class folders": (folders("cat", "dog"), {"cat": 4, "dog": 4}),
    "one wrapper folder": (folders("cat", "dog", prefix="photos/"), {"cat": 4, "dog": 4}),
    "two wrapper folders with blanks": (
        folders("cat", "dog", prefix="My Data (1)/final v2/"),
        {"cat": 4, "dog": 4},
    ),
    "folders inside a class": (
        pictures(["cat/a/1.png", "cat/b/2.png", "dog/3.png", "dog/x/y/4.png"]),
        {"cat": 2, "dog": 2},
    ),
    "upper-case endings": (
        pictures(["cat/1.JPG", "cat/2.Jpeg", "dog/3.PNG", "dog/4.GIF"]),
        {"cat": 2, "dog": 2},
    ),
    "formats mixed in a class": (
        pictures(["cat/1.webp", "cat/2.tif", "dog/3.avif", "dog/4.jpg"]),
        {"cat": 2, "dog": 2},
    ),
    "__MACOSX and .DS_Store": (
        {
            **folders("cat", "dog"),
            "__MACOSX/cat/._0.png": b"x",
            "cat/.DS_Store": b"x",
            "Thumbs.db": b"x",
        },
        {"cat": 4, "dog": 4},
    ),
    "notebook checkpoints": (
        {**folders("cat", "dog"), **folders("cat-checkpoint", prefix=".ipynb_checkpoints/")},
        {"cat": 4, "dog": 4},
    ),
    "a README beside the folders": (
        {**folders("cat", "dog"), "README.md": b"hi", "licence.txt": b"free"},
        {"cat": 4, "dog": 4},
    ),
    "one corrupt image": (
        {**folders("cat", "dog"), "cat/bad.png": picture()[:60]},
        {"cat": 4, "dog": 4},
    ),
    "an empty class folder file": (
        {**folders("cat", "dog"), "bird/empty.png": b""},
        {"cat": 4, "dog": 4},
    ),
    "classes twice by letter case": (folders("Cat", "cat ", "dog"), {"Cat": 4, "cat": 4, "dog": 4}),
    "a class of one picture": (
        {**folders("cat", "dog"), **folders("bird", each=1)},
        {"bird": 1, "cat": 4, "dog": 4},
    ),
    "Chinese class folders": (folders("猫", "狗"), {"狗": 4, "猫": 4}),
    "numbers as class folders": (folders("0", "1"), {"0": 4, "1": 4}),
    "metadata.csv at the root": (
        {
            **{f"images/{k}": v for k, v in FLAT.items()},
            "metadata.csv": LISTED.replace("\n", "\nimages/").removesuffix("images/").encode(),
        },
        {"a": 4, "b": 4},
    ),
    "metadata.jsonl in the folder": (
        {
            **FLAT,
            "metadata.jsonl": (
                "\n".join(
                    json.dumps({"file_name": f"{i}.png", "label": "ab"[i % 2]}) for i in range(8)
                ).encode()
            ),
        },
        {"a": 4, "b": 4},
    ),
    "a table of bare file names": (
        {**{f"all/of/them/{k}": v for k, v in FLAT.items()}, "labels.csv": LISTED.encode()},
        {"a": 4, "b": 4},
    ),
    "ids without endings (Kaggle)": (
        {
            **{f"train_images/{k}": v for k, v in FLAT.items()},
            "train.csv": (
                LISTED.replace(".png", "")
                .replace("file_name", "id_code")
                .replace("label", "diagnosis")
                .encode()
            ),
        },
        {"a": 4, "b": 4},
    ),
    "Windows paths in the table": (
        {
            **{f"img/{k}": v for k, v in FLAT.items()},
            "metadata.csv": (
                LISTED.replace("\n", "\nC:\\photos\\img\\")
                .removesuffix("C:\\photos\\img\\")
                .encode()
            ),
        },
        {"a": 4, "b": 4},
    ),
    "comma": ({"t.csv": csv()}, {"a": 6, "b": 6}),
    "semicolon (European Excel)": ({"t.csv": csv(separator=";")}, {"a": 6, "b": 6}),
    "tabs in a .txt": ({"t.txt": csv(separator="\t")}, {"a": 6, "b": 6}),
    "pipes": ({"t.csv": csv(separator="|")}, {"a": 6, "b": 6}),
    "sep= on the first line": ({"t.csv": "sep=;\n" + csv(separator=";")}, {"a": 6, "b": 6}),
    "no header at all": ({"t.csv": csv(header="")}, {"a": 6, "b": 6}),
    "BOM and Windows line ends": (
        {"t.csv": "\ufeff" + csv().replace("\n", "\r\n")},
        {"a": 6, "b": 6},
    ),
    "old Mac line ends": ({"t.csv": csv().replace("\n", "\r")}, {"a": 6, "b": 6}),
    "UTF-16 from Excel": ({"t.csv": csv(separator="\t").encode("utf-16")}, {"a": 6, "b": 6}),
    "GBK from a Chinese Excel": (
        {"t.csv": csv().replace("message", "快递今天还没有到").encode("gb18030")},
        {"a": 6, "b": 6},
    ),
    "Shift-JIS": (
        {"t.csv": csv().replace("message", "荷物がまだ届いていません").encode("cp932")},
        {"a": 6, "b": 6},
    ),
    "Latin-1": (
        {"t.csv": csv().replace("message", "schöne Grüße").encode("latin-1")},
        {"a": 6, "b": 6},
    ),
    "other column names": ({"t.csv": csv(header="Ticket,Intent")}, {"a": 6, "b": 6}),
    "an index column in front": (
        {"t.csv": pd.read_csv(io.StringIO(csv())).to_csv()},
        {"a": 6, "b": 6},
    ),
    "a first sheet that is empty": (
        {"t.xlsx": sheet(("Cover", pd.DataFrame()), ("Data", FRAME))},
        {"x": 6, "y": 6},
    ),
    "blank rows above the header": ({"t.xlsx": sheet(("S", FRAME))}, {"x": 6, "y": 6}),
    "JSON list": ({"t.json": FRAME.to_json(orient="records")}, {"x": 6, "y": 6}),
    "JSON under a key": (
        {"t.json": json.dumps({"data": json.loads(FRAME.to_json(orient="records"))})},
        {"x": 6, "y": 6},
    ),
    "one bad row of many": ({"t.csv": csv(60) + "too,many,cells\n"}, {"a": 30, "b": 30}),
    "apostrophes and stray quotes": (
        {"t.tsv": csv(separator="\t").replace("message", '"hello')},
        {"a": 6, "b": 6},
    ),
    "NA, None and 007 as classes": (
        {
            "t.csv": (
                "text,label\n"
                + "".join(f"t {i} x,{n}\n" for i in range(4) for n in ("NA", "None", "007"))
            )
        },
        {"007": 4, "NA": 4, "None": 4},
    ),
}
SPLIT = {
    "train and test folders": (
        {**folders("cat", "dog", prefix="train/"), **folders("cat", "dog", prefix="test/", each=1)},
        {"test": 2},
    ),
    "train, valid and test": (
        {
            **folders("cat", "dog", prefix="x/train/"),
            **folders("cat", "dog", prefix="x/valid/"),
            **folders("cat", "dog", prefix="x/test/"),
        },
        {"train": 8, "validation": 8, "test": 8},
    ),
    "a test that lacks a class": (
        {**folders("cat", "dog", prefix="train/"), **folders("cat", prefix="test/")},
        {"test": 4},
    ),
    "metadata in each split": (
        {
            **{f"train/{k}": v for k, v in FLAT.items()},
            "train/metadata.csv": LISTED.encode(),
            "test/90.png": picture(90),
            "test/91.png": picture(91),
            "test/metadata.csv": b"file_name,label\n90.png,a\n91.png,b\n",
        },
        {"test": 2},
    ),
    "tables named by split": (
        {"my_train.csv": csv(), "my-test.csv": csv(6).replace("message", "other")},
        {"test": 6},
    ),
    "a split column": (
        {
            "t.csv": (
                csv(header="text,label,split")
                .replace("a\n", "a,train\n")
                .replace("b\n", "b,train\n")
                + "one more,a,test\nand one,b,test\n"
            )
        },
        {"test": 2},
    ),
}
REFUSED = {
    "photos without folders": (FLAT, "no folders"),
    "only one class": (folders("cat"), "no folders|only one class"),
    "nothing of use": ({"a.docx": b"x", "b.docx": b"y"}, "no photos, recordings, texts or tables"),
    "a number for each row": (
        {"t.csv": "text,label\n" + "".join(f"t {i},{i / 7:.4f}\n" for i in range(600))},
        "600 different classes",
    ),
    "no class column": ({"t.csv": "text\n" + "hello\n" * 9}, "which column holds the class"),
    "old Excel": ({"t.xls": b"\xd0\xcf\x11\xe0"}, "before 2007"),
    "two tables that do not belong together": (
        {"a.csv": csv(), "b.csv": csv()},
        "not clear how they belong",
    ),
}


def brought(files: dict[str, bytes | str], tmp_path: Path, *, zipped: bool) -> Path:
    if len(files) == 1 and not zipped:
        ((name, content),) = files.items()
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name
    if zipped:
        with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return tmp_path / "z.zip"
    for name, content in files.items():
        path = tmp_path / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path / "d"


def made(files, tmp_path, *, zipped=False):
    source = open_source(brought(files, tmp_path, zipped=zipped), tmp_path / "s", LIMITS)
    (tmp_path / "v").mkdir()
    return build_version({"": source}, ImportOptions(), tmp_path / "v", "source")


@pytest.mark.parametrize("zipped", [False, True], ids=["as it is", "zipped"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_what_people_bring_is_read_as_they_mean_it(name, zipped, tmp_path):
    files, classes = ACCEPTED[name]
    assert made(files, tmp_path, zipped=zipped).classes == classes


@pytest.mark.parametrize("name", SPLIT)
def test_their_own_splits_are_kept(name, tmp_path):
    files, splits = SPLIT[name]
    found = made(files, tmp_path).splits
    assert {part: found.get(part, 0) for part in splits} == splits
    assert found["train"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learnt_from_is_explained(name, tmp_path):
    files, words = REFUSED[name]
    with pytest.raises(DataError, match=words):
        made(files, tmp_path)


def test_there_are_at_least_thirty():
    assert len(ACCEPTED) + len(SPLIT) + len(REFUSED) >= 30
