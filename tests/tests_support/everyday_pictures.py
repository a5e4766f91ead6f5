"""Everyday folders, tables and lists of pictures."""

from __future__ import annotations

import numpy as np

from tests_support.everyday import Case, ab, deep, each, fer, mnist, pictures, sentence, table

PETS = {"cat": 4, "dog": 4}
PICTURES: dict[str, Case] = {
    "train and test1 with loose test pictures": Case(
        {**each(4, "train/cat/#.png", "train/dog/#.png"), **each(3, "test1/#.png")},
        PETS,
        {"unlabelled": 3},
    ),
    "training_set and test_set": Case(
        {
            **each(4, "training_set/cat/#.png", "training_set/dog/#.png"),
            **each(2, "test_set/cat/a#.png", "test_set/dog/a#.png"),
        },
        {"cat": 6, "dog": 6},
        {"test": 4},
    ),
    "splits named twice, and pictures to predict": Case(
        {
            **each(4, "seg_train/seg_train/sea/#.png", "seg_train/seg_train/forest/#.png"),
            **each(2, "seg_test/seg_test/sea/#.png", "seg_test/seg_test/forest/#.png"),
            **each(3, "seg_pred/seg_pred/#.png"),
        },
        {"sea": 6, "forest": 6},
        {"test": 4, "unlabelled": 3},
    ),
    "folds as folders": Case(
        {
            **each(4, "fold0/cat/#.png", "fold0/dog/#.png"),
            **each(4, "fold1/cat/#.png", "fold1/dog/#.png"),
        },
        {"cat": 8, "dog": 8},
        sure=False,
        told="--test-fold",
    ),
    "a fold chosen as the test": Case(
        {
            **each(4, "fold0/cat/#.png", "fold0/dog/#.png"),
            **each(4, "fold1/cat/#.png", "fold1/dog/#.png"),
        },
        {"cat": 8, "dog": 8},
        {"test": 8},
        options={"test_fold": "fold1"},
        sure=False,
    ),
    "a fold that is not there": Case(
        {**each(4, "fold0/cat/#.png", "fold1/dog/#.png")},
        refuses="no fold 'fold7'",
        options={"test_fold": "fold7"},
    ),
    "a loose picture beside class folders": Case(
        {**each(4, "data/cat/#.png", "data/dog/#.png"), **pictures("cover.png", "data/logo.png")},
        PETS,
        aside="in no class folder",
    ),
    "splits below the classes": Case(
        {
            **each(4, "apple/train/#.png", "pear/train/#.png"),
            **each(2, "apple/test/#.png", "pear/test/#.png"),
        },
        {"apple": 6, "pear": 6},
        {"test": 4},
    ),
    "classes with splits in their names": Case(
        {
            **each(4, "cats_train/#.png", "dogs_train/#.png"),
            **each(2, "cats_test/#.png", "dogs_test/#.png"),
        },
        {"cats": 6, "dogs": 6},
        {"test": 4},
    ),
    "a class called train": Case(
        each(4, "bus/#.png", "car/#.png", "train/#.png"), {"bus": 4, "car": 4, "train": 4}
    ),
    "a class called test tube": Case(
        each(4, "flask/#.png", "test tube/#.png"), {"flask": 4, "test tube": 4}
    ),
    "class names that repeat below": Case(
        each(4, "FR/cat/#.png", "FR/dog/#.png", "DE/cat/#.png", "DE/dog/#.png"), asks="class_level"
    ),
    "the lower level chosen": Case(
        each(4, "FR/cat/#.png", "FR/dog/#.png", "DE/cat/#.png", "DE/dog/#.png"),
        {"cat": 8, "dog": 8},
        options={"class_level": 2},
    ),
    "part folders without classes": Case(
        each(4, "photos_part_1/1#.png", "photos_part_2/2#.png"),
        refuses="no folders, so there are no class names",
    ),
    "names of files as classes, a flat test": Case(
        {**each(4, "train/cat.#.png", "train/dog.#.png"), **each(3, "test/#.png")},
        PETS,
        {"unlabelled": 3},
        sure=False,
    ),
    "names of files with blanks and brackets": Case(
        each(4, "pets/Great Dane (#).png", "pets/tabby_#.png"),
        {"Great Dane": 4, "tabby": 4},
        sure=False,
    ),
    "pictures of a camera": Case(each(6, "IMG_000#.png", "DSC0#.png"), refuses="no class names"),
    "pictures without an ending": Case(
        {
            name.removesuffix(".png"): data
            for name, data in each(4, "cat/#.png", "dog/#.png").items()
        },
        PETS,
    ),
    "portable pixmaps": Case(
        {
            f"{label}/{n}.ppm": b"P6 4 4 255\n" + bytes([n * 9 % 256, place, 3] * 16)
            for place, label in enumerate(("cat", "dog"))
            for n in range(4)
        },
        PETS,
    ),
    "one text a file in class folders": Case(
        {
            f"{split}/{label}/{n}.txt": sentence(
                n + 50 * (split == "test") + 200 * (label == "neg")
            )
            for split, count in (("train", 8), ("test", 4))
            for label in ("pos", "neg")
            for n in range(count)
        },
        {"pos": 12, "neg": 12},
        {"test": 8},
    ),
    # tables of pictures
    "a row that names a missing picture of another folder": Case(
        {
            **each(4, "cat/#.png"),
            **each(3, "dog/#.png"),
            "labels.csv": table(
                "file_name,label",
                [(f"{label}/{n}.png", label) for label in ("cat", "dog") for n in range(4)],
            ),
        },
        {"cat": 4, "dog": 3},
        aside="there is no picture",
    ),
    "names that differ in capitals alone": Case(
        {
            **pictures("IMG1.png", "img1.png", "IMG2.png", "img2.png"),
            "labels.csv": table(
                "file_name,label",
                [
                    ("IMG1.png", "cat"),
                    ("img1.png", "dog"),
                    ("IMG2.png", "cat"),
                    ("img2.png", "dog"),
                ],
            ),
        },
        {"cat": 2, "dog": 2},
    ),
    "bare names that fit two pictures": Case(
        {
            **each(4, "x/#.png", "y/#.png"),
            "labels.csv": table("file_name,label", [(f"{n}.png", ab(n)) for n in range(4)]),
        },
        refuses="could be 2 pictures",
    ),
    "names in NFD from a Mac": Case(
        {
            **pictures(*(f"café{n}.png" for n in range(8))),
            "labels.csv": table("file_name,label", [(f"café{n}.png", ab(n)) for n in range(8)]),
        },
        {"a": 4, "b": 4},
    ),
    "ids in the second column, parts as folders": Case(
        {
            **each(4, "HAM10000_images_part_1/ISIC_00#.png", "HAM10000_images_part_2/ISIC_01#.png"),
            "HAM10000_metadata.csv": table(
                "lesion_id,image_id,dx,dx_type,age,sex",
                [
                    (
                        f"HAM_{n // 2}",
                        f"ISIC_0{n // 4}{n % 4}",
                        "nv" if n % 2 else "mel",
                        "histo" if n % 3 else "follow_up",
                        40 + n,
                        "male" if n % 3 == 1 else "female",
                    )
                    for n in range(8)
                ],
            ),
        },
        {"mel": 4, "nv": 4},
        told="--group-column",
    ),
    "boxes beside class folders": Case(
        {
            **each(6, "train/00000/a#.png", "train/00001/b#.png"),
            "train.csv": table(
                "Width,Height,Roi.X1,Roi.Y1,ClassId,Path",
                [
                    (
                        30 + n % 2,
                        30,
                        5 + n % 2,
                        5,
                        n // 6,
                        f"train/0000{n // 6}/{'ab'[n // 6]}{n % 6}.png",
                    )
                    for n in range(12)
                ],
            ),
        },
        {"00000": 6, "00001": 6},
    ),
    "a table that matches nothing beside class folders": Case(
        {
            **each(4, "cat/#.png", "dog/#.png"),
            "notes.csv": table("file,kind", [(f"old/{n}x.png", ab(n)) for n in range(9)]),
        },
        PETS,
        aside="names none of the pictures",
    ),
    "a table against its folders": Case(
        {
            **each(4, "cat/#.png", "dog/#.png"),
            "labels.csv": table(
                "file_name,label",
                [
                    (f"{label}/{n}.png", "young" if n < 2 else "old")
                    for label in ("cat", "dog")
                    for n in range(4)
                ],
            ),
        },
        asks="labels_from",
    ),
    "a competition folder": Case(
        {
            **each(8, "train/#.png"),
            **each(3, "test/9#.png"),
            "train.csv": table("id,breed", [(n, ab(n)) for n in range(8)]),
            "sample_submission.csv": table("id,breed", [(f"9{n}", "a") for n in range(3)]),
        },
        {"a": 4, "b": 4},
        {"unlabelled": 3},
        aside="placeholders",
    ),
    "a competition of texts": Case(
        {
            "train.csv": table("id,text,target", [(n, sentence(n), n % 2) for n in range(20)]),
            "test.csv": table("id,text", [(n, sentence(n)) for n in range(20, 26)]),
            "sampleSubmission.csv": table("id,target", [(n, 0) for n in range(20, 26)]),
        },
        {"0": 10, "1": 10},
        {"unlabelled": 6},
        aside="placeholders",
    ),
    "dogs, cats and an answer sheet": Case(
        {
            **each(4, "train/cat.#.png", "train/dog.#.png"),
            **each(3, "test1/#.png"),
            "sampleSubmission.csv": table("id,label", [(n, 0) for n in range(3)]),
        },
        PETS,
        {"unlabelled": 3},
        sure=False,
    ),
    "Roboflow classes": Case(
        {
            **each(8, "train/img_#.png"),
            "train/_classes.csv": (
                "filename, cat, dog\n"
                + "".join(f"img_{n}.png, {n % 2}, {1 - n % 2}\n" for n in range(8))
            ),
        },
        PETS,
    ),
    "plant columns": Case(
        {
            **each(9, "images/p#.png"),
            "train.csv": table(
                "image_id,healthy,rust,scab",
                [(f"p{n}", int(n % 3 == 0), int(n % 3 == 1), int(n % 3 == 2)) for n in range(9)],
            ),
        },
        {"healthy": 3, "rust": 3, "scab": 3},
    ),
    "a list of paths and numbers with names": Case(
        {
            **each(4, "img/a#.png", "img/b#.png"),
            "list.txt": "".join(f"img/{'ab'[k]}{n}.png {k}\n" for k in (0, 1) for n in range(4)),
            "classes.txt": "cat\ndog\n",
        },
        PETS,
    ),
    "the lists of CUB": Case(
        {
            **each(4, "images/001.Crow/#.png", "images/002.Gull/#.png"),
            "images.txt": "".join(
                f"{k * 4 + n + 1} {name}/{n}.png\n"
                for k, name in enumerate(("001.Crow", "002.Gull"))
                for n in range(4)
            ),
            "image_class_labels.txt": "".join(f"{i + 1} {i // 4 + 1}\n" for i in range(8)),
            "classes.txt": "1 001.Crow\n2 002.Gull\n",
            "train_test_split.txt": "".join(f"{i + 1} {int(i % 4 < 3)}\n" for i in range(8)),
        },
        {"001.Crow": 4, "002.Gull": 4},
        {"test": 2},
    ),
    "annotators who disagree about pictures": Case(
        {
            **each(6, "#.png"),
            "labels.csv": table(
                "file,annotator,label",
                [
                    (f"{n}.png", who, "cat" if n < 3 or who == "eva" and n == 5 else "dog")
                    for n in range(6)
                    for who in ("ann", "bob", "eva")
                ],
            ),
        },
        {"cat": 3, "dog": 3},
        finding="disagreement",
    ),
    "pixels": Case(
        {"train.csv": mnist(30)}, {"0": 10, "1": 10, "2": 10}, columns={"label": "label"}
    ),
    "pixels without a header": Case(
        {"mnist_train.csv": mnist(30, header=False)}, {"0": 10, "1": 10, "2": 10}
    ),
    "pixels with the class last": Case(
        {"digits.csv": mnist(30, label_last=True)}, {"0": 10, "1": 10, "2": 10}
    ),
    "pixels in RGB": Case(
        {"hmnist_28_28_RGB.csv": mnist(30, label_last=True, channels=3)},
        {"0": 10, "1": 10, "2": 10},
    ),
    "strings of pixels with their own splits": Case(
        {"fer2013.csv": fer(32)}, {"0": 16, "1": 16}, {"train": 16, "validation": 8, "test": 8}
    ),
    "addresses of pictures as text": Case(
        {
            "t.csv": table(
                "image_url,label", [(f"https://example.org/{n}.jpg", ab(n)) for n in range(20)]
            )
        },
        refuses="addresses",
    ),
    "paths of pictures that are not there": Case(
        {"t.csv": table("image,label", [(f"upload/{n}.jpg", ab(n)) for n in range(20)])},
        refuses="paths of pictures",
    ),
    "12 bits in 16": Case(
        {
            f"{label}/{n}.png": deep(
                np.random.default_rng(n).integers(0, top, (24, 24)).astype(np.uint16)
            )
            for label, top in (("dark", 1500), ("bright", 4095))
            for n in range(4)
        },
        {"dark": 4, "bright": 4},
        told="12 bits",
    ),
    "fractions from 0 to 1": Case(
        {
            f"{label}/{n}.tif": deep(
                np.random.default_rng(n).random((24, 24)).astype(np.float32) * top, "TIFF"
            )
            for label, top in (("dark", 0.3), ("bright", 1.0))
            for n in range(4)
        },
        {"dark": 4, "bright": 4},
        told="fractions",
    ),
}
