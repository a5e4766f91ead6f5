"""Files that people really bring, each with what must come of it: classes and splits, or a question, or a refusal."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

Files = dict[str, bytes | str]


@dataclass(frozen=True)
class Case:
    """What is brought, the options given, and what must come of it.

    `classes` and `splits` are the counts that must be found (`splits` only those named); `asks` is the import option
    that the question is about; `refuses` words of a refusal; `sure` False where a guess must be said.
    """

    files: Files
    classes: dict[str, int] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    asks: str = ""
    refuses: str = ""
    sure: bool = True
    options: dict[str, object] = field(default_factory=dict)
    aside: str = ""  # words among the reasons of what was set aside
    finding: str = ""  # id of a finding
    told: str = ""  # words among notes or doubts
    columns: dict[str, str] = field(default_factory=dict)  # role to column


def bring(files: Files, folder: Path, *, zipped: bool = False) -> Path:
    """Write the files; a single one is brought as it is, several as a folder or zip."""
    content = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
    if zipped:
        with zipfile.ZipFile(folder / "brought.zip", "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return folder / "brought.zip"
    root = folder if len(content) == 1 and "/" not in next(iter(content)) else folder / "brought"
    for name, data in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root / next(iter(content)) if root == folder else root


def png(seed: int = 0, side: int = 24) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def deep(values: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


def pictures(*names: str) -> Files:
    return {name: png(seed + 1) for seed, name in enumerate(names)}


def each(count: int, *patterns: str) -> Files:
    """`count` pictures for each pattern, whose `#` is their number."""
    return pictures(*(pattern.replace("#", str(number)) for pattern in patterns for number in range(count)))


def table(header: str, rows: list[tuple], separator: str = ",") -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    if header:
        writer.writerow(header.split(","))
    writer.writerows(rows)
    return buffer.getvalue()


def sentence(number: int) -> str:
    words = random.Random(number)
    return " ".join(words.choice("parcel order late refund thanks broken invoice where when delivery colour size "
                                 "again never always blue red green box phone".split())
                                     for _ in range(8)) + f" {number}"


def rows(count: int, *columns) -> list[tuple]:
    """Rows of a sentence followed by what each column function gives for the number of the row."""
    return [(sentence(number), *(column(number) for column in columns)) for number in range(count)]


def ab(number: int) -> str:
    return "ab"[number % 2]


def lines(records: list[dict]) -> str:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n"


def sheets(**frames: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as writer:
        for name, frame in frames.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return buffer.getvalue()


def frame(count: int = 20, start: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"text": [sentence(n) for n in range(start, start + count)],
                         "label": [ab(n) for n in range(count)]})


def mnist(count: int, header: bool = True, label_last: bool = False, side: int = 28, channels: int = 1) -> str:
    pixels = np.random.default_rng(3).integers(0, 256, (count, side * side * channels))
    pixels[:, 0] = pixels[:, -1] = 0
    names = [f"pixel{place}" for place in range(pixels.shape[1])]
    body = [[*row, place % 3] if label_last else [place % 3, *row] for place, row in enumerate(pixels.tolist())]
    head = [[*names, "label"] if label_last else ["label", *names]] if header else []
    return "\n".join(",".join(map(str, row)) for row in head + body) + "\n"


def fer(count: int) -> str:
    random_pixels = np.random.default_rng(4).integers(0, 256, (count, 48 * 48))
    usage = ["Training", "Training", "PublicTest", "PrivateTest"]
    return table("emotion,pixels,Usage", [(place % 2, " ".join(map(str, row)), usage[place // 2 % 4])
                                          for place, row in enumerate(random_pixels.tolist())])


TWO = {"a": 10, "b": 10}
PETS = {"cat": 4, "dog": 4}
STUDIO = [{"id": n, "data": {"text": sentence(n)}, "annotations": [{"result": [
    {"type": "choices", "from_name": "x", "to_name": "text", "value": {"choices": [ab(n)]}}]}]} for n in range(20)]
CASES: dict[str, Case] = {
    # folders
    "train and test1 with loose test pictures": Case(
        {**each(4, "train/cat/#.png", "train/dog/#.png"), **each(3, "test1/#.png")}, PETS, {"unlabelled": 3}),
    "training_set and test_set": Case(
        {**each(4, "training_set/cat/#.png", "training_set/dog/#.png"), **each(2, "test_set/cat/a#.png",
                                                                              "test_set/dog/a#.png")},
        {"cat": 6, "dog": 6}, {"test": 4}),
    "splits named twice, and pictures to predict": Case(
        {**each(4, "seg_train/seg_train/sea/#.png", "seg_train/seg_train/forest/#.png"),
         **each(2, "seg_test/seg_test/sea/#.png", "seg_test/seg_test/forest/#.png"), **each(3,
             "seg_pred/seg_pred/#.png")},
        {"sea": 6, "forest": 6}, {"test": 4, "unlabelled": 3}),
    "folds as folders": Case({**each(4, "fold0/cat/#.png", "fold0/dog/#.png"), **each(4, "fold1/cat/#.png",
                                                                                     "fold1/dog/#.png")},
                             {"cat": 8, "dog": 8}, sure=False, told="--test-fold"),
    "a fold chosen as the test": Case(
        {**each(4, "fold0/cat/#.png", "fold0/dog/#.png"), **each(4, "fold1/cat/#.png", "fold1/dog/#.png")},
        {"cat": 8, "dog": 8}, {"test": 8}, options={"test_fold": "fold1"}, sure=False),
    "a fold that is not there": Case({**each(4, "fold0/cat/#.png", "fold1/dog/#.png")}, refuses="no fold 'fold7'",
                                     options={"test_fold": "fold7"}),
    "a loose picture beside class folders": Case({**each(4, "data/cat/#.png", "data/dog/#.png"),
                                                  **pictures("cover.png", "data/logo.png")}, PETS,
                                                 aside="in no class folder"),
    "splits below the classes": Case(
        {**each(4, "apple/train/#.png", "pear/train/#.png"), **each(2, "apple/test/#.png", "pear/test/#.png")},
        {"apple": 6, "pear": 6}, {"test": 4}),
    "classes with splits in their names": Case(
        {**each(4, "cats_train/#.png", "dogs_train/#.png"), **each(2, "cats_test/#.png", "dogs_test/#.png")},
        {"cats": 6, "dogs": 6}, {"test": 4}),
    "a class called train": Case(each(4, "bus/#.png", "car/#.png", "train/#.png"), {"bus": 4, "car": 4, "train": 4}),
    "a class called test tube": Case(each(4, "flask/#.png", "test tube/#.png"), {"flask": 4, "test tube": 4}),
    "class names that repeat below": Case(each(4, "FR/cat/#.png", "FR/dog/#.png", "DE/cat/#.png", "DE/dog/#.png"),
                                          asks="class_level"),
    "the lower level chosen": Case(each(4, "FR/cat/#.png", "FR/dog/#.png", "DE/cat/#.png", "DE/dog/#.png"),
                                   {"cat": 8, "dog": 8}, options={"class_level": 2}),
    "part folders without classes": Case(each(4, "photos_part_1/1#.png", "photos_part_2/2#.png"),
                                         refuses="no folders, so there are no class names"),
    "names of files as classes, a flat test": Case(
        {**each(4, "train/cat.#.png", "train/dog.#.png"), **each(3, "test/#.png")}, PETS, {"unlabelled": 3},
            sure=False),
    "names of files with blanks and brackets": Case(each(4, "pets/Great Dane (#).png", "pets/tabby_#.png"),
                                                    {"Great Dane": 4, "tabby": 4}, sure=False),
    "pictures of a camera": Case(each(6, "IMG_000#.png", "DSC0#.png"), refuses="no class names"),
    "pictures without an ending": Case({name.removesuffix(".png"): data for name, data in
                                        each(4, "cat/#.png", "dog/#.png").items()}, PETS),
    "portable pixmaps": Case({f"{label}/{n}.ppm": b"P6 4 4 255\n" + bytes([n * 9 % 256, place, 3] * 16) for place, label
                              in enumerate(("cat", "dog")) for n in range(4)}, PETS),
    "one text a file in class folders": Case(
        {f"{split}/{label}/{n}.txt": sentence(n + 50 * (split == "test") + 200 * (label == "neg"))
         for split, count in (("train", 8), ("test", 4)) for label in ("pos", "neg") for n in range(count)},
        {"pos": 12, "neg": 12}, {"test": 8}),
    # tables of pictures
    "a row that names a missing picture of another folder": Case(
        {**each(4, "cat/#.png"), **each(3, "dog/#.png"), "labels.csv": table("file_name,label", [
            (f"{label}/{n}.png", label) for label in ("cat", "dog") for n in range(4)])}, {"cat": 4, "dog": 3},
        aside="there is no picture"),
    "names that differ in capitals alone": Case(
        {**pictures("IMG1.png", "img1.png", "IMG2.png", "img2.png"), "labels.csv": table("file_name,label", [
            ("IMG1.png", "cat"), ("img1.png", "dog"), ("IMG2.png", "cat"), ("img2.png", "dog")])}, {"cat": 2,
                "dog": 2}),
    "bare names that fit two pictures": Case(
        {**each(4, "x/#.png", "y/#.png"), "labels.csv": table("file_name,label", [(f"{n}.png", ab(n))
            for n in range(4)])},
        refuses="could be 2 pictures"),
    "names in NFD from a Mac": Case(
        {**pictures(*(f"café{n}.png" for n in range(8))), "labels.csv": table("file_name,label", [
            (f"café{n}.png", ab(n)) for n in range(8)])}, {"a": 4, "b": 4}),
    "ids in the second column, parts as folders": Case(
        {**each(4, "HAM10000_images_part_1/ISIC_00#.png", "HAM10000_images_part_2/ISIC_01#.png"),
         "HAM10000_metadata.csv": table("lesion_id,image_id,dx,dx_type,age,sex", [
             (f"HAM_{n // 2}", f"ISIC_0{n // 4}{n % 4}", "nv" if n % 2 else "mel", "histo" if n % 3 else "follow_up",
                 40 + n,
              "male" if n % 3 == 1 else "female") for n in range(8)])}, {"mel": 4, "nv": 4}, told="--group-column"),
    "boxes beside class folders": Case(
        {**each(6, "train/00000/a#.png", "train/00001/b#.png"), "train.csv": table(
            "Width,Height,Roi.X1,Roi.Y1,ClassId,Path", [(30 + n % 2, 30, 5 + n % 2, 5, n // 6,
                                                         f"train/0000{n // 6}/{'ab'[n // 6]}{n % 6}.png")
                                                        for n in range(12)])}, {"00000": 6, "00001": 6}),
    "a table that matches nothing beside class folders": Case(
        {**each(4, "cat/#.png", "dog/#.png"), "notes.csv": table("file,kind", [(f"old/{n}x.png", ab(n))
            for n in range(9)])},
        PETS, aside="names none of the pictures"),
    "a table against its folders": Case(
        {**each(4, "cat/#.png", "dog/#.png"), "labels.csv": table("file_name,label", [
            (f"{label}/{n}.png", "young" if n < 2 else "old") for label in ("cat", "dog") for n in range(4)])},
        asks="labels_from"),
    "a competition folder": Case(
        {**each(8, "train/#.png"), **each(3, "test/9#.png"), "train.csv": table("id,breed", [(n, ab(n))
            for n in range(8)]),
         "sample_submission.csv": table("id,breed", [(f"9{n}", "a") for n in range(3)])}, {"a": 4, "b": 4},
        {"unlabelled": 3}, aside="placeholders"),
    "a competition of texts": Case(
        {"train.csv": table("id,text,target", [(n, sentence(n), n % 2) for n in range(20)]),
         "test.csv": table("id,text", [(n, sentence(n)) for n in range(20, 26)]),
         "sampleSubmission.csv": table("id,target", [(n, 0) for n in range(20, 26)])}, {"0": 10, "1": 10},
        {"unlabelled": 6}, aside="placeholders"),
    "dogs, cats and an answer sheet": Case(
        {**each(4, "train/cat.#.png", "train/dog.#.png"), **each(3, "test1/#.png"),
         "sampleSubmission.csv": table("id,label", [(n, 0) for n in range(3)])}, PETS, {"unlabelled": 3}, sure=False),
    "Roboflow classes": Case(
        {**each(8, "train/img_#.png"), "train/_classes.csv": "filename, cat, dog\n" + "".join(
            f"img_{n}.png, {n % 2}, {1 - n % 2}\n" for n in range(8))}, PETS),
    "plant columns": Case(
        {**each(9, "images/p#.png"), "train.csv": table("image_id,healthy,rust,scab", [
            (f"p{n}", int(n % 3 == 0), int(n % 3 == 1), int(n % 3 == 2)) for n in range(9)])},
        {"healthy": 3, "rust": 3, "scab": 3}),
    "a list of paths and numbers with names": Case(
        {**each(4, "img/a#.png", "img/b#.png"), "list.txt": "".join(f"img/{'ab'[k]}{n}.png {k}\n" for k in (0, 1)
                                                                    for n in range(4)), "classes.txt": "cat\ndog\n"},
        PETS),
    "the lists of CUB": Case(
        {**each(4, "images/001.Crow/#.png", "images/002.Gull/#.png"),
         "images.txt": "".join(f"{k * 4 + n + 1} {name}/{n}.png\n" for k, name in enumerate(("001.Crow", "002.Gull"))
                               for n in range(4)),
         "image_class_labels.txt": "".join(f"{i + 1} {i // 4 + 1}\n" for i in range(8)),
         "classes.txt": "1 001.Crow\n2 002.Gull\n",
         "train_test_split.txt": "".join(f"{i + 1} {int(i % 4 < 3)}\n" for i in range(8))},
        {"001.Crow": 4, "002.Gull": 4}, {"test": 2}),
    "annotators who disagree about pictures": Case(
        {**each(6, "#.png"), "labels.csv": table("file,annotator,label", [
            (f"{n}.png", who, "cat" if n < 3 or who == "eva" and n == 5 else "dog") for n in range(6)
            for who in ("ann", "bob", "eva")])}, {"cat": 3, "dog": 3}, finding="disagreement"),
    "pixels": Case({"train.csv": mnist(30)}, {"0": 10, "1": 10, "2": 10}, columns={"label": "label"}),
    "pixels without a header": Case({"mnist_train.csv": mnist(30, header=False)}, {"0": 10, "1": 10, "2": 10}),
    "pixels with the class last": Case({"digits.csv": mnist(30, label_last=True)}, {"0": 10, "1": 10, "2": 10}),
    "pixels in RGB": Case({"hmnist_28_28_RGB.csv": mnist(30, label_last=True, channels=3)},
                          {"0": 10, "1": 10, "2": 10}),
    "strings of pixels with their own splits": Case({"fer2013.csv": fer(32)}, {"0": 16, "1": 16},
                                                    {"train": 16, "validation": 8, "test": 8}),
    "addresses of pictures as text": Case({"t.csv": table("image_url,label", [
        (f"https://example.org/{n}.jpg", ab(n)) for n in range(20)])}, refuses="addresses"),
    "paths of pictures that are not there": Case({"t.csv": table("image,label", [
        (f"upload/{n}.jpg", ab(n)) for n in range(20)])}, refuses="paths of pictures"),
    "12 bits in 16": Case(
        {f"{label}/{n}.png": deep(np.random.default_rng(n).integers(0, top, (24, 24)).astype(np.uint16))
         for label, top in (("dark", 1500), ("bright", 4095)) for n in range(4)}, {"dark": 4, "bright": 4},
        told="12 bits"),
    "fractions from 0 to 1": Case(
        {f"{label}/{n}.tif": deep(np.random.default_rng(n).random((24, 24)).astype(np.float32) * top, "TIFF")
         for label, top in (("dark", 0.3), ("bright", 1.0)) for n in range(4)}, {"dark": 4, "bright": 4},
             told="fractions"),
    # tables of texts
    "no header, class first": Case({"sms.tsv": table("", [("ham" if n % 3 else "spam", sentence(n)) for n in range(30)],
                                                    "\t")}, {"ham": 20, "spam": 10}, sure=False),
    "dates with the day first": Case(
        {"t.csv": table("text,label,date", rows(40, ab, lambda n: f"{n % 28 + 1:02}/{n % 12 + 1:02}/2025"))},
        {"a": 20, "b": 20}, options={"date_column": "date"}),
    "dates that could be either": Case(
        {"t.csv": table("text,label,date", rows(40, ab, lambda n: f"{n % 12 + 1:02}/{(n * 7) % 12 + 1:02}/2025"))},
        asks="date_order", options={"date_column": "date"}),
    "one-hot classes of texts": Case({"t.csv": table("text,ham,spam", rows(20, lambda n: n % 2, lambda n: 1 - n % 2))},
                                     {"ham": 10, "spam": 10}),
    "several labels in columns": Case({"t.csv": table("comment_text,toxic,insult,threat", rows(
        30, lambda n: n % 2, lambda n: n % 3 == 0 and 1 or 0, lambda n: 0))}, refuses="[Ss]everal labels"),
    "one of several labels chosen": Case({"t.csv": table("comment_text,toxic,insult,threat", rows(
        30, lambda n: n % 2, lambda n: n % 3 == 0 and 1 or 0, lambda n: 0))}, {"0": 15, "1": 15},
        options={"label_column": "toxic"}),
    "is_test": Case({"t.csv": table("text,label,is_test", rows(20, ab, lambda n: int(n >= 16)))}, TWO, {"test": 4}),
    "a split that is no word": Case({"t.csv": table("text,label,split", rows(
        20, ab, lambda n: "tset" if n in (3, 5) else "train" if n < 16 else "test"))}, refuses="'tset' \\(2 rows\\)"),
    "blank splits": Case({"t.csv": table("text,label,split", rows(20, ab, lambda n: "" if n < 3 else "train" if n < 16
        else
                                                                "test"))}, TWO, {"test": 4}, finding="blank_splits"),
    "a fold column": Case({"t.csv": table("text,label,fold", rows(20, ab, lambda n: n % 5))}, TWO, sure=False),
    "a fold column, one chosen": Case({"t.csv": table("text,label,fold", rows(20, ab, lambda n: n % 5))}, TWO,
        {"test": 4},
                                      options={"test_fold": "3"}),
    "a column that is not there": Case({"t.csv": table("text,label", rows(20, ab))}, refuses="no column 'lable'",
                                       options={"label_column": "lable"}),
    "stars beside funny": Case({"yelp.csv": table("text,stars,funny,useful,type", rows(
        30, lambda n: n % 5 + 1, lambda n: n % 3, lambda n: n % 2, lambda n: "review"))},
        {str(s): 6 for s in range(1, 6)}, sure=False),
    "Score beside Summary": Case({"reviews.csv": table("Text,Id,ProductId,HelpfulnessNumerator,Score,Summary", rows(
        30, lambda n: n, lambda n: f"B{n:05}", lambda n: n % 2, lambda n: n % 3 + 1, lambda n: f"Good {n}"))},
        {"1": 10, "2": 10, "3": 10}, sure=False, columns={"text": "Text", "label": "Score"}),
    "two columns that could be the class": Case({"t.csv": table("text,topic,sentiment", rows(
        24, lambda n: "xyz"[n % 3], lambda n: ["good", "bad"][n // 3 % 2]))}, asks="label_column"),
    "a number and its name": Case({"t.csv": table("text,label,label_text", rows(
        20, lambda n: n % 2, lambda n: ["ham", "spam"][n % 2]))}, {"ham": 10, "spam": 10}),
    "a class for each row": Case({"t.csv": table("text,label", rows(60, lambda n: f"name {n}"))},
        refuses="of their own"),
    "lists of one": Case({"t.csv": table("text,label", rows(20, lambda n: json.dumps([ab(n)])))}, TWO),
    "names in brackets": Case({"t.csv": table("text,label", rows(20, lambda n: ["[spam]", "[ham]"][n % 2]))},
                              {"[spam]": 10, "[ham]": 10}),
    "joined names": Case({"t.csv": table("text,label", rows(30, lambda n: ["x|y", "y|z", "x"][n % 3]))},
                         refuses="[Ss]everal"),
    "joined names that are one": Case({"t.csv": table("text,label", rows(30, lambda n: ["x|y", "y|z", "x"][n % 3]))},
                                      {"x|y": 10, "y|z": 10, "x": 10}, options={"task": "single_label"}),
    "blanks of all kinds in names": Case({"t.csv": table("text,label", rows(
        20, lambda n: ["New York", "New\u00a0York", "Rome", "Rome\u3000"][n % 4]))}, {"New York": 10, "Rome": 10}),
    "Persian joiners": Case({"t.csv": table("text,label", rows(20, lambda n: ["می\u200cخواهم", "خوب"][n % 2]))},
                            {"می\u200cخواهم": 10, "خوب": 10}),
    "two spellings of a number": Case({"t.csv": table("text,label", rows(20, lambda n: ["1", "2", "1.0",
        "2.0"][n % 4]))},
                                      {"1": 5, "1.0": 5, "2": 5, "2.0": 5}, finding="similar_names"),
    "files put behind each other": Case({"t.csv": table("text,label", rows(10, ab)) + table("text,label", [
        (sentence(n), ab(n)) for n in range(10, 20)])}, TWO, aside="names of the columns"),
    "quotation marks late in a file": Case({"t.tsv": "text\tlabel\n" + "".join(
        (f'"So he said {n}' if n in (250, 431) else sentence(n)) + f"\t{ab(n)}\n" for n in range(600))},
        {"a": 300, "b": 300}),
    "one NUL byte": Case({"t.csv": table("text,label", rows(200, ab)).replace("late", "la\0te", 1)}, {"a": 100,
        "b": 100},
                         told="NUL"),
    "UTF-8 and cp1252 in one file": Case({"t.csv": b"text,label\n" + b"".join(
        f"schöne Grüße aus Köln {n},{ab(n)}\n".encode("utf-8" if n % 2 else "cp1252") for n in range(20))},
        TWO, sure=False, told="UTF-8"),
    "decoded wrongly once": Case({"t.csv": table("text,label", [
        (f"schöne Grüße aus Köln {n}".encode().decode("cp1252") if n < 6 else sentence(n), ab(n)) for n in range(20)])},
        TWO, finding="mojibake"),
    "tables of shards": Case({f"data/train-0000{k}-of-00002.csv": table("text,label", [
        (sentence(n + 10 * k), ab(n)) for n in range(10)]) for k in (0, 1)}, TWO),
    "a table for each class": Case({f"{name}.csv": table("title,body", [(f"News {n}", sentence(n + 50 * k)) for n in
                                                                       range(10)]) for k, name in
                                    enumerate(("Fake", "True"))}, {"Fake": 10, "True": 10}, sure=False),
    "AG News": Case({"train.csv": table("", [(n % 4 + 1, f"Title {n}", sentence(n) + " and more of it")
        for n in range(40)]),
                     "test.csv": table("", [(n % 4 + 1, f"Title {n}", sentence(n) + " and more of it")
                                            for n in range(40, 48)]),
                     "classes.txt": "World\nSports\nBusiness\nTech\n", "readme.txt": "AG News\n"},
                    {"World": 12, "Sports": 12, "Business": 12, "Tech": 12}, {"test": 8}, sure=False),
    # exports of tools
    "Label Studio JSON": Case({"project.json": json.dumps(STUDIO)}, TWO),
    "Label Studio, two annotators": Case({"project.json": json.dumps([
        {**task, "annotations": task["annotations"] * 2 + [{"result": [
            {"type": "choices", "from_name": "x", "to_name": "text", "value": {"choices": ["a"]}}]}]}
                for task in STUDIO])},
        TWO, finding="disagreement"),
    "Label Studio JSON-MIN": Case({"min.json": json.dumps([
        {"id": n, "text": sentence(n), "sentiment": ab(n), "annotator": 1, "annotation_id": n,
         "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z", "lead_time": 1.5}
             for n in range(20)])},
        TWO),
    "Label Studio CSV": Case({"export.csv": table(
        "annotation_id,annotator,created_at,id,lead_time,sentiment,text,updated_at",
        [(n * 2 + k, k + 1, "2025-01-01T00:00:00Z", n, 2.5, ab(n), sentence(n), "2025-01-01T00:00:00Z")
         for n in range(20) for k in (0, 1)])}, TWO),
    "doccano": Case({"all.jsonl": lines([{"id": n, "text": sentence(n), "label": [ab(n)]} for n in range(20)])}, TWO),
    "Prodigy": Case({"annotations.jsonl": lines([
        {"text": sentence(n), "_input_hash": n, "_task_hash": n, "label": ab(n),
         "answer": "accept" if n < 20 else ["reject", "ignore"][n % 2]} for n in range(26)])}, TWO, aside="Prodigy"),
    "Argilla": Case({"records.json": json.dumps([
        {"id": str(n), "fields": {"text": sentence(n)}, "status": "completed",
         "suggestions": {"label": {"value": "b" if ab(n) == "a" else "a", "score": 0.5}},
         "responses": {"label": [{"value": ab(n), "user_id": "u1", "status": "submitted"}]}} for n in range(20)])},
             TWO),
    "a JSON with splits": Case({"set.json": json.dumps({
        "train": [{"text": sentence(n), "label": ab(n)} for n in range(14)],
        "validation": [{"text": sentence(n), "label": ab(n)} for n in range(14, 17)],
        "test": [{"text": sentence(n), "label": ab(n)} for n in range(17, 20)]}, indent=1)}, TWO,
        {"train": 14, "validation": 3, "test": 3}),
    "a JSON with rows under a key, over lines": Case({"set.json": json.dumps({"data": [
        {"text": sentence(n), "label": ab(n)} for n in range(20)]}, indent=2)}, TWO),
    "NaN as a class": Case({"t.jsonl": "".join(json.dumps({"text": sentence(n), "label": float("nan") if n >= 20
        else ab(n)})
                                               + "\n" for n in range(24))}, TWO, {"unlabelled": 4}),
    "intents with patterns": Case({"intents.json": json.dumps({"intents": [
        {"tag": tag, "patterns": [f"{word} number {n}" for n in range(6)], "responses": ["ok"]}
        for tag, word in (("greeting", "hello"), ("parting", "bye"))]})}, {"greeting": 6, "parting": 6}),
    "fastText": Case({"train.txt": "".join(f"__label__{ab(n)} {sentence(n)}, and so on\n" for n in range(20))}, TWO),
    "sheets called train and test": Case({"t.xlsx": sheets(train=frame(20), test=frame(6, 100))}, {"a": 13, "b": 13},
                                         {"test": 6}),
    "a second sheet": Case({"t.xlsx": sheets(January=frame(20), February=frame(20, 100))}, TWO, sure=False,
        told="February"),
    "Hugging Face Parquet with names and -1": Case({"t.parquet": b"made below"}, TWO, {"unlabelled": 4}),
    # small and one-sided
    "two rows": Case({"t.csv": "text,label\nhello you,a\ngood bye,b\n"}, {"a": 1, "b": 1}, finding="too_small"),
    "a test of one class": Case({"t.csv": table("text,label,split", rows(
        20, ab, lambda n: "test" if n in (1, 3, 5) else "train"))}, TWO, {"test": 3}, finding="one_class_test"),
}


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": ["a", "b"], "_type": "ClassLabel"}}
    schema = pa.schema([("text", pa.string()), ("label", pa.int64())],
                       metadata={"huggingface": json.dumps({"info": {"features": features}})})
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": [sentence(n) for n in range(24)],
                             "label": [n % 2 if n < 20 else -1 for n in range(24)]}, schema=schema), buffer)
    return buffer.getvalue()


CASES["Hugging Face Parquet with names and -1"] = Case({"t.parquet": _parquet()}, TWO, {"unlabelled": 4})
