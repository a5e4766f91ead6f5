"""Folders and names of files: what is a split, a fold, a wrapper, a copy, a mask, and what is the
class.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tl_core.data.layouts.folders import label_in_name, read_folders
from tl_core.data.sources.names import is_submission, part_of, readable, split_of
from tl_core.errors import AmbiguousError


def paths(*patterns: str, count: int = 4) -> list[PurePosixPath]:
    """`count` files for each pattern, whose `#` is their number."""
    return [
        PurePosixPath(pattern.replace("#", str(number)))
        for pattern in patterns
        for number in range(count)
    ]


def read(*patterns: str, **options: object):
    found = read_folders(paths(*patterns), **options)
    labels = sorted(found.classes)
    splits = sorted({one.split for one in found.placed if not one.aside})
    return labels, splits, sum(bool(one.aside) for one in found.placed)


PLAIN = {
    "one wrapper": (("photos/cat/#.png", "photos/dog/#.png"), ["cat", "dog"], [""], 0),
    "folders inside a class": (
        ("cat/a/#.png", "dog/#.png", "dog/x/y/#.png"),
        ["cat", "dog"],
        [""],
        0,
    ),
    "splits above": (
        ("train/cat/#", "train/dog/#", "val/cat/#", "test/dog/#"),
        ["cat", "dog"],
        ["test", "train", "validation"],
        0,
    ),
    "splits below": (
        ("apple/train/#", "apple/test/#", "pear/train/#", "pear/test/#"),
        ["apple", "pear"],
        ["test", "train"],
        0,
    ),
    "splits in two levels": (
        ("d/training/images/cat/#", "d/training/images/dog/#", "d/testing/images/cat/#"),
        ["cat", "dog"],
        ["test", "train"],
        0,
    ),
    "capitals and numbers": (
        ("TRAIN2017/cat/#", "TRAIN2017/dog/#", "Val2017/cat/#"),
        ["cat", "dog"],
        ["train", "validation"],
        0,
    ),
    "German": (
        ("Trainingsdaten/Hund/#", "Trainingsdaten/Katze/#", "Testdaten/Hund/#"),
        ["Hund", "Katze"],
        ["test", "train"],
        0,
    ),
    "French with accents": (
        ("Entraînement/u/#", "Entraînement/v/#", "Test/u/#"),
        ["u", "v"],
        ["test", "train"],
        0,
    ),
    "Chinese": (("训练集/u/#", "训练集/v/#", "测试集/u/#"), ["u", "v"], ["test", "train"], 0),
    "camel case": (
        ("trainingSet/1/#", "trainingSet/2/#", "testSet/1/#"),
        ["1", "2"],
        ["test", "train"],
        0,
    ),
    "a shared prefix": (
        ("seg_train/sea/#", "seg_train/ice/#", "seg_test/sea/#"),
        ["ice", "sea"],
        ["test", "train"],
        0,
    ),
    "a class called train": (("bus/#", "car/#", "train/#"), ["bus", "car", "train"], [""], 0),
    "a class called test strip": (("test strip/#", "flask/#"), ["flask", "test strip"], [""], 0),
    "classes called dev and ops": (("dev/#", "ops/#"), ["dev", "ops"], [""], 0),
    "everything in one split": (("test/cat/#", "test/dog/#"), ["cat", "dog"], [""], 0),
    "class and split in one name": (
        ("cats_train/#", "cats_test/#", "dogs_train/#", "dogs_test/#"),
        ["cats", "dogs"],
        ["test", "train"],
        0,
    ),
    "a flat test": (("train/cat/#", "train/dog/#", "test/#"), ["cat", "dog"], ["test", "train"], 0),
    "a test in a folder of images": (
        ("train/cat/#", "train/dog/#", "test/images/#"),
        ["cat", "dog"],
        ["test", "train"],
        0,
    ),
    "a test in a folder unknown": (
        ("train/cat/#", "train/dog/#", "test/unknown/#"),
        ["cat", "dog"],
        ["test", "train"],
        0,
    ),
    "unlabelled beside classes": (
        ("cat/#", "dog/#", "unlabeled/#"),
        ["cat", "dog"],
        ["", "unlabelled"],
        0,
    ),
    "unlabelled in train": (
        ("train/neg/#", "train/pos/#", "train/unsup/#", "test/neg/#", "test/pos/#"),
        ["neg", "pos"],
        ["test", "train", "unlabelled"],
        0,
    ),
    "labelled and unlabelled": (
        ("labeled/u/#", "labeled/v/#", "unlabeled/#"),
        ["u", "v"],
        ["", "unlabelled"],
        0,
    ),
    "something beside splits": (
        ("train/u/#", "train/v/#", "test/u/#", "extras/#"),
        ["u", "v"],
        ["test", "train"],
        4,
    ),
    "a loose one": (("photos/cat/#", "photos/dog/#", "photos/cover#.png"), ["cat", "dog"], [""], 4),
    "parts": (("x_part_1/cat/#", "x_part_2/dog/#"), ["cat", "dog"], [""], 0),
    "numbered classes": (("class1/#", "class2/#"), ["class1", "class2"], [""], 0),
    "images below the classes": (("cat/images/#", "dog/images/#"), ["cat", "dog"], [""], 0),
    "the same name twice": (("data/data/cat/#", "data/data/dog/#"), ["cat", "dog"], [""], 0),
    "masks to wear": (("mask/#", "no_mask/#"), ["mask", "no_mask"], [""], 0),
    "classes without words": (("+/#", "-/#", "_/#", "😀/#"), ["+", "-", "_", "😀"], [""], 0),
    "a class without words": (("data/_/#", "data/1/#", "data/2/#"), ["1", "2", "_"], [""], 0),
    "masks of pictures": (
        ("COVID/images/#", "COVID/masks/#", "Normal/images/#", "Normal/masks/#"),
        ["COVID", "Normal"],
        [""],
        8,
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_folders_say_what_a_person_would_read_off_them(name):
    patterns, labels, splits, aside = PLAIN[name]
    assert read(*patterns) == (labels, splits, aside)


@pytest.mark.parametrize(
    "patterns",
    [
        ("FR/cat/#", "FR/dog/#", "DE/cat/#", "DE/dog/#"),
        ("2019/ok/#", "2020/ok/#", "2020/faulty/#"),
        ("patient1/0/#", "patient1/1/#", "patient2/0/#"),
        ("amazon/images/bike/#", "amazon/images/mug/#", "dslr/images/bike/#"),
        ("natural/a/#", "natural/b/#", "data/natural/a/#"),
    ],
)
def test_which_level_is_the_class_is_asked_where_names_repeat(patterns):
    with pytest.raises(AmbiguousError) as error:
        read(*patterns)
    assert error.value.option == "class_level"
    assert set(error.value.choices) == {"1", "2"}
    assert len(read(*patterns, class_level=2)[0]) >= 2


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        (("fold0/cat/#", "fold1/dog/#"), "--test-fold"),
        (("2024-01-03/#", "2024-01-04/#"), "days or years"),
        (("cat/#", "dog/#", "New folder (2)/#"), "New folder"),
        (("yes/#", "no/#", "copy/yes/#", "copy/no/#"), "second copy"),
        (("train/1/#", "train/2/#", "test/1/#", "extra/1/#", "extra/2/#"), "extra"),
        (("a/p (#).png", "a/p (#)_mask.png", "b/q (#).png"), "masks"),
    ],
)
def test_a_doubtful_reading_is_said(patterns, words):
    assert words in " ".join(read_folders(paths(*patterns)).plan.uncertain())


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("cat.12.jpg", "cat"),
        ("great_dane_003.png", "great_dane"),
        ("Cat (4).JPG", "Cat"),
        ("tabby-7.webp", "tabby"),
        ("IMG_0001.jpg", ""),
        ("DSC00012.JPG", ""),
        ("0001.png", ""),
        ("cat.jpg", ""),
        ("Photo 3.jpg", ""),
    ],
)
def test_classes_are_read_off_names_but_not_off_cameras(name, label):
    assert label_in_name(name) == label


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("test1", "test"),
        ("my_final_train_images", "train"),
        ("val2017", "validation"),
        ("PublicTest", "validation"),
        ("hold-out", "test"),
        ("Validierung", "validation"),
        ("trainLabels", "train"),
        ("testing_list", "test"),
        ("train_audio", "train"),
        ("val_clips", "validation"),
        ("listing", ""),
        ("train station", ""),
        ("testing ground", ""),
        ("strain", ""),
        ("latest", ""),
        ("train_test", ""),
        ("developer", ""),
    ],
)
def test_names_of_splits(name, split):
    assert split_of(name) == split


def test_numbered_parts_submissions_and_odd_bytes():
    assert (
        part_of("HAM10000_images_part_1", ["HAM10000_images_part_1", "HAM10000_images_part_2"])
        == "part"
    )
    assert part_of("fold_3", ["fold_3", "fold_4"]) == "fold"
    assert part_of("class 1", ["class 1", "class 2"]) == ""
    assert [
        is_submission(name)
        for name in (
            "sample_submission.csv",
            "sampleSubmission.csv",
            "gender_submission.csv",
            "train.csv",
        )
    ] == [True, True, True, False]
    assert readable("caf\udce9") == "café"
