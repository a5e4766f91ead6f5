"""Names that people give to splits, folds and parts, as folders, files, columns and cells; and
names of files.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "tr": "train",
    "learn": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "validate": "validation",
    "dev": "validation",
    "devel": "validation",
    "development": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "publictest": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "te": "test",
    "holdout": "test",
    "privatetest": "test",
}
_WORDS = {
    "train": (
        "trainings trainingsset trainingsdaten trainingsdatensatz trainingsmenge lernen lerndaten "
        "entrainement apprentissage entrenamiento entreno treino treinamento treinar addestramento "
        "trainset traindata trainingset trainingdata trainingsbilder trainingsfotos trainbilder "
        "обучение обучающая обучающий "
        "训练 訓練 学习 学習 トレーニング 훈련 학습"
    ),
    "validation": (
        "validierungsbilder validierung validierungs validierungsset validierungsdaten "
        "validierungsdatensatz validacion "
        "validacao validazione valset validset validationset devset валидация валидационная "
        "验证 驗證 検証 评估 バリデーション 검증"
    ),
    "test": (
        "tests testset testbilder testfotos testdata testdaten testdatensatz testmenge prueba"
        " pruebas teste testes prova prufung prufen тест тестовая тестирование 测试 測試 テスト"
        " 試験 评测 테스트"
    ),
}
FOREIGN_SPLITS = {word: split for split, words in _WORDS.items() for word in words.split()}
_ENDINGS = (
    "数据集",
    "資料集",
    "样本",
    "数据",
    "データセット",
    "データ",
    "セット",
    "用",
    "集",
    "组",
    "組",
    "용",
    "세트",
)
ASIDE_NAMES = frozenset(
    (
        "pred",
        "unassigned",
        "predict",
        "prediction",
        "predictions",
        "unlabeled",
        "unlabelled",
        "unsup",
        "unsupervised",
        "nolabel",
        "inference",
    )
)
"""Folders whose items have no class and wait to be predicted."""
UNLABELLED = frozenset(
    ("unassigned", "unlabeled", "unlabelled", "unsup", "unsupervised", "nolabel", "nolabels")
)
_SHORT = {"tr", "te"}  # too short to mean a split beside other words
_GENERIC = frozenset(
    (
        "set",
        "sets",
        "data",
        "dataset",
        "datasets",
        "split",
        "image",
        "images",
        "img",
        "imgs",
        "photo",
        "photos",
        "pic",
        "pics",
        "picture",
        "pictures",
        "jpg",
        "jpeg",
        "png",
        "audio",
        "sound",
        "sounds",
        "recording",
        "recordings",
        "clip",
        "clips",
        "wav",
        "list",
        "file",
        "files",
        "folder",
        "final",
        "my",
        "new",
        "all",
        "raw",
        "clean",
        "cleaned",
        "sample",
        "samples",
        "text",
        "texts",
        "txt",
        "docs",
        "documents",
        "labeled",
        "labelled",
        "small",
        "full",
        "original",
        "resized",
        "cropped",
        "of",
        "the",
        "and",
        "with",
        "labels",
        "label",
        "csv",
        "examples",
        "bilder",
        "fotos",
        "daten",
        "imagenes",
        "datos",
    )
)
_FOLD = frozenset(("fold", "cv", "kfold", "folds"))
_PART = frozenset(
    ("part", "parts", "batch", "chunk", "shard", "archive", "volume", "vol", "disc", "disk", "zip")
)
_RUN = re.compile(r"[^\W\d_]+|\d+")


def words_of(name: str) -> list[str]:
    """The words and numbers in a name: `seg_train2`, `SegTrain2` and `seg-train 2` give seg, train,
    2.

    A name of signs alone (`+`, `_`, an emoji) is one word: it says something, if nothing that is
    known here.
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.lower() for word in _RUN.findall(apart)] or [name.strip()][: bool(name.strip())]


def plain_name(text: str) -> str:
    """Small letters without accents, blanks around or full stops behind."""
    apart = unicodedata.normalize("NFKD", text.strip().casefold())
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not _accent(sign))).strip(
        " ."
    )


def _accent(sign: str) -> bool:
    return "\u0300" <= sign <= "\u036f"


def split_word(word: str) -> str:
    """The split that one word names in any of the usual languages, else ""; the word as
    `plain_name` gives it.
    """
    for ending in ("", *_ENDINGS):
        if ending and not word.endswith(ending):
            continue
        bare = word.removesuffix(ending)
        if split := SPLIT_NAMES.get(bare) or FOREIGN_SPLITS.get(bare):
            return split
    return ""


def split_of(name: str, siblings: Iterable[str] = ()) -> str:
    """train, validation, test or unlabelled for a folder or file named after a split, else "".

    Beside the word for the split a name may hold numbers, words without meaning of their own (set,
    images) and words that all `siblings` share (`seg_train`, `seg_test`).
    """
    words = words_of(plain_name(name)) if not name.isascii() else words_of(name)
    marks = {
        word: split_word(word) or ("unlabelled" if word in ASIDE_NAMES else "") for word in words
    }
    splits = {split for split in marks.values() if split}
    if "".join(words) in SPLIT_NAMES:  # publicTest, hold-out
        return SPLIT_NAMES["".join(words)]
    if len(splits) != 1:
        return ""
    others = [{*words_of(other)} for other in siblings]
    shared = set.intersection(*others) if others else set()
    rest = [
        word
        for word in words
        if not (marks[word] or word.isdecimal() or word in _GENERIC or word in shared)
    ]
    if rest or (_SHORT & {*words} and len(words) > 1):
        return ""
    return splits.pop()


def part_of(name: str, siblings: Iterable[str]) -> str:
    """`fold` or `part` for a folder that is one of several numbered pieces (`fold0`,
    `photos_part_2`), else nothing."""
    words, others = words_of(name), [words_of(other) for other in siblings]
    shared = set.intersection(*map(set, others)) if others else set()
    numbers = [word for word in words if word.isdecimal() and word not in shared]
    kind = "fold" if _FOLD & {*words} else "part" if _PART & {*words} else ""
    if not kind or len(numbers) != 1:
        return ""
    rest = [
        word
        for word in words
        if not word.isdecimal() and word not in _FOLD | _PART | _GENERIC | shared
    ]
    return "" if rest else kind


def is_submission(name: str) -> bool:
    """Whether a table is the empty answer sheet of a competition; its classes are placeholders."""
    return (
        any(word.startswith("submission") for word in words_of(name))
        or "submission" in name.lower()
    )


def is_generic(name: str) -> bool:
    """Whether a folder's name says nothing about what is in it."""
    return all(word in _GENERIC or word.isdecimal() for word in words_of(name))


def readable(name: str) -> str:
    """A file name as text that can be stored: bytes that are not UTF-8 are read as Windows-1252,
    Latin-1 otherwise.
    """
    try:
        name.encode("utf-8")
        return name
    except UnicodeEncodeError:
        raw = os.fsencode(name)
        try:
            return raw.decode("cp1252")
        except UnicodeDecodeError:
            return raw.decode("latin-1")


def composed(name: str) -> str:
    """A name in NFC, so that names from a Mac (NFD) and from elsewhere can be compared."""
    return unicodedata.normalize("NFC", readable(name))
