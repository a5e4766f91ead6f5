"""What the cells of a split column mean: words for train, validation and test in many languages,
and yes or no.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from tl_core.data.sources.names import (
    FOREIGN_SPLITS,
    SPLIT_NAMES,
    plain_name,
    split_of,
    split_word,
    words_of,
)
from tl_core.errors import DataError

_FILLERS = frozenset(
    (
        "jeu",
        "donnees",
        "ensemble",
        "echantillon",
        "conjunto",
        "datos",
        "dados",
        "dati",
        "insieme",
        "muestra",
        "daten",
        "datensatz",
        "menge",
        "de",
        "d",
        "des",
        "di",
        "del",
        "da",
        "do",
        "du",
        "la",
        "für",
        "fur",
        "for",
        "the",
        "set",
        "data",
        "dataset",
        "split",
        "sample",
        "subset",
        "partition",
        "集",
        "数据",
        "数据集",
        "データ",
    )
)
_FLAG_FILLERS = frozenset(
    (
        "is",
        "in",
        "flag",
        "set",
        "data",
        "sample",
        "row",
        "used",
        "use",
        "for",
        "the",
        "ist",
        "es",
        "est",
        "split",
        "instance",
        "image",
        "img",
        "example",
        "subset",
        "dataset",
        "part",
        "of",
        "has",
        "belongs",
        "to",
        "mask",
        "indicator",
    )
)
_YES = frozenset(
    (
        "1",
        "1.0",
        "true",
        "t",
        "yes",
        "y",
        "x",
        "ja",
        "j",
        "wahr",
        "oui",
        "o",
        "vrai",
        "si",
        "s",
        "sim",
        "verdadero",
        "verdadeiro",
        "vero",
        "on",
        "✓",
        "✔",
        "是",
        "はい",
        "да",
    )
)
_NO = frozenset(
    (
        "0",
        "0.0",
        "false",
        "f",
        "no",
        "n",
        "nein",
        "falsch",
        "non",
        "faux",
        "falso",
        "nao",
        "off",
        "-",
        "否",
        "いいえ",
        "нет",
    )
)
_OTHER = {"train": "test", "validation": "train", "test": "train"}


def as_split(name: str) -> str:
    """`train`, `validation` or `test` for any usual name of them in the languages of most users,
    else "".
    """
    name = unicodedata.normalize("NFKC", name).strip()
    return (
        SPLIT_NAMES.get(name.lower())
        or split_word(plain_name(name))
        or _named(name)
        or _phrase(name)
    )


def split_values(column_name: str, values: Mapping[str, int] | Iterable[str]) -> dict[str, str]:
    """The split that each different cell of a split column stands for; "" for one that says
    nothing.

    Args:
        column_name: decides what yes and no mean (`is_test`, `in_train`); may be "" where no column
        is known.
        values: the cells, or how many rows there are of each.

    Raises:
        DataError: when cells say something that names no split.
    """
    counts = Counter(dict(values) if isinstance(values, Mapping) else list(values))
    plain = {value: plain_name(value) for value in counts}
    flag = flag_of(column_name)
    answers = {text for text in plain.values() if text in _YES or text in _NO}
    if flag and answers:
        yes, no = flag, _OTHER[flag]
        splits = {
            value: yes if text in _YES else no if text in _NO else as_split(value)
            for value, text in plain.items()
        }
        if not answers & _NO:  # x or blank
            splits.update({value: no for value, text in plain.items() if not text})
    else:
        splits = {value: as_split(value) or _named(value, counts) for value in counts}
    unknown = {
        value: counts[value]
        for value, split in splits.items()
        if plain[value] and not split and split_of(value, counts) != "unlabelled"
    }
    if unknown:
        raise _refused(column_name, unknown)
    return splits


def flag_of(column_name: str) -> str:
    """The split that a column answers with yes or no (`is_test`, `inTrain`, `holdout`), else ""."""
    words = [word for word in map(plain_name, words_of(column_name)) if word not in _FLAG_FILLERS]
    named = [word for word in words if word not in ("set", "data")]
    return as_split(" ".join(named)) if named else ""


def _named(name: str, siblings: Iterable[str] = ()) -> str:
    split = split_of(name, siblings)
    return "" if split == "unlabelled" else split


def _phrase(name: str) -> str:
    """A split among words that only say that it is one: `Jeu d'entraînement`, `conjunto de
    prueba`.
    """
    words = [
        word for word in words_of(plain_name(name)) if word not in _FILLERS and not word.isdecimal()
    ]
    splits = {split_word(word) for word in words}
    return splits.pop() if len(splits) == 1 else ""


def _refused(column: str, unknown: dict[str, int]) -> DataError:
    where = f"The split column {column!r}" if column else "The column or folder with the splits"
    return DataError(
        f"{where} holds values that name no split.",
        "; ".join(_described(value, count) for value, count in list(unknown.items())[:8])
        + (f"; and {len(unknown) - 8:,} more" if len(unknown) > 8 else "")
        + ".",
        "Write train, validation or test there, or name another column as the split. With "
        "--ignore-splits the rows are split anew.",
    )


def _described(value: str, count: int) -> str:
    known = {**FOREIGN_SPLITS, **SPLIT_NAMES}
    near = difflib.get_close_matches(plain_name(value), known, n=1, cutoff=0.6)
    guess = f": did you mean {known[near[0]]}?" if near else ""
    return f"{value[:40]!r} ({count:,} row{'' if count == 1 else 's'}){guess}"
