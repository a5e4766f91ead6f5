"""Which column of a table is the text: its name, its length, and whether another one would do as
well.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tl_core.data.readers.headers import is_sentence
from tl_core.data.roles import column_names as words
from tl_core.data.sources.file_kind import FILE_KINDS

if TYPE_CHECKING:
    import pandas as pd

_ADDRESS = re.compile(r"^(https?|ftp|s3|gs|file|data):\S+$", re.IGNORECASE)
_FILE = re.compile(
    r"[^\n]{1,300}\.(txt|md|pdf|docx?|html?|xml|wav|mp3|mp4|json|csv|rtf|eml)", re.IGNORECASE
)
_FILLED = 0.8  # of its cells, from which on a column's name counts without doubt
_SHORTER = 3  # times as long must another column of sentences be to cast doubt on a name
_LOOKED = 200
_PROSE = 0.5  # of its cells are sentences
_SAME, _ALIKE = (
    0.9,
    0.5,
)  # of the words of two columns, from which on they are versions of one text; less is enough
# where their names share a word


def text_column(head: pd.DataFrame, names: list[str], used: set[str]) -> tuple[str, str, bool]:
    """The column with the text, why, and whether that is sure; "" where there is none."""
    free = [
        name
        for name in names
        if name not in used
        and head[name].str.strip().str.len().mean() > 0
        and not other_kind(head[name])
    ]
    lengths = {name: float(head[name].str.len().mean()) for name in free}
    free = _without_markup(head, free)
    longest = max(free, key=lambda name: lengths[name], default="")
    known = {words.joined(name): name for name in reversed(free)}
    exact = [
        known[word]
        for word in sorted(words.TEXT_NAMES, key=words.TITLE_NAMES.__contains__)
        if word in known
    ]
    doubted: list[str] = []
    for name in exact:
        doubt = _doubt(head, name, free, lengths)
        if doubt == "no":
            return (
                name,
                "its name says so",
                all(words.joined(one) in words.TITLE_NAMES for one in doubted),
            )
        if doubt == "some" and not doubted:
            return name, "its name says so, but another column holds more text", False
        doubted.append(name)
    endings = [
        name
        for name in free
        if (parts := words.parts(name))
        and not {parts[-1], parts[0]}.isdisjoint(words.TEXT_WORDS)
        and _doubt(head, name, free, lengths) != "yes"
    ]
    if endings:
        best = max(endings, key=lambda name: lengths[name])
        return best, "its name says so", len(endings) == 1 and best == longest
    if not longest:
        return "", "", False
    alone = len(free) == 1 or all(
        lengths[name] * 3 < lengths[longest] for name in free if name != longest
    )
    return (
        longest,
        "it is the only other column" if len(free) == 1 else "it holds the longest texts",
        alone
        and lengths[longest] > 15
        and all(words.joined(name) in words.TITLE_NAMES for name in doubted),
    )


def second_texts(head: pd.DataFrame, names: list[str], text: str) -> list[str]:
    """Columns among `names` with sentences of about the length of the text, which say something
    else.
    """
    length = float(head[text].str.len().mean())
    texts = [name for name in names if is_prose(head[name]) and not other_kind(head[name])]
    seconds = []
    for name in _without_markup(head, [text, *texts]):
        ratio = float(head[name].str.len().mean()) / max(length, 1)
        if (
            name != text
            and 1 / _SHORTER <= ratio <= _SHORTER
            and _share_filled(head, name) >= _PROSE
            and head[name].nunique() > len(head) / 3
            and not _is_version(head, name, text)
        ):
            seconds.append(name)
    return seconds


def is_prose(cells: pd.Series[str]) -> bool:
    """Whether a column holds sentences."""
    filled = _first(cells)
    sentences = sum(is_sentence(cell) and (" " in cell or not cell.isascii()) for cell in filled)
    return bool(filled) and sentences >= _PROSE * len(filled)


def other_kind(cells: pd.Series[str]) -> str:
    """What a column holds when it is no text: addresses, names of files, numbers; "" for texts."""
    filled = _first(cells)
    if not filled:
        return ""
    if sum(bool(_ADDRESS.match(cell)) for cell in filled) >= 0.9 * len(filled):
        return "addresses (URLs)"
    for kind in FILE_KINDS.values():
        if sum(
            PurePosixPath(cell.replace("\\", "/")).suffix.lower() in kind.suffixes
            and len(cell) < 300
            for cell in filled
        ) >= 0.9 * len(filled):
            return f"paths of {kind.many}"
    if sum(bool(_FILE.fullmatch(cell)) for cell in filled) >= 0.9 * len(filled):
        return "names of files"
    if sum(bool(re.fullmatch(r"[\d\s.,:;+-]*", cell)) for cell in filled) >= 0.95 * len(filled):
        return "numbers"
    return ""


def _doubt(head: pd.DataFrame, name: str, free: list[str], lengths: dict[str, float]) -> str:
    """Whether a column named like the text is in doubt: `no`, `some` where another one says more,
    `yes` where that one is likelier."""
    plain = words.joined(name)
    longer = [other for other in free if other != name and lengths[other] > lengths[name]]
    if plain in words.TITLE_NAMES:
        return "no" if all(lengths[name] * 2 > lengths[other] for other in longer) else "yes"
    filled = _share_filled(head, name)
    if filled >= _FILLED and all(lengths[name] * _SHORTER >= lengths[other] for other in longer):
        return "no"
    rivals = [
        other
        for other in longer
        if is_prose(head[other])
        and (
            filled < _FILLED <= _share_filled(head, other)
            or lengths[name] * _SHORTER < lengths[other]
        )
    ]
    if not rivals:
        return "no"
    few = head[name].nunique() * _SHORTER <= filled * len(head)  # ok, see ticket
    return "yes" if plain in words.REMARK_NAMES or filled < _PROSE or few else "some"


def _first(cells: pd.Series[str]) -> list[str]:
    """The first cells that hold anything."""
    return list(islice((cell.strip() for cell in cells if cell.strip()), _LOOKED))


def _share_filled(head: pd.DataFrame, name: str) -> float:
    return float((head[name].str.strip() != "").mean())


def _without_markup(head: pd.DataFrame, free: list[str]) -> list[str]:
    """`free` without columns of markup or raw text that another one holds as plain text."""
    marked = {
        name
        for name in free
        if (parts := words.parts(name))
        and parts[-1] in words.MARKUP_WORDS
        or _is_markup(head[name])
    }

    def in_plain(name: str) -> bool:
        return any(
            other not in marked
            and words.joined(other) not in words.TITLE_NAMES
            and (_share_a_word(name, other) or _is_version(head, other, name))
            for other in free
        )

    return [name for name in free if name not in marked or not in_plain(name)]


def _is_markup(cells: pd.Series[str]) -> bool:
    filled = _first(cells)
    return bool(filled) and sum(cell.startswith("<") for cell in filled) >= _FILLED * len(filled)


def _is_version(head: pd.DataFrame, name: str, text: str) -> bool:
    """Whether a column holds the text once more: cleaned, in small letters, with a few words
    changed.
    """
    pairs = [
        ({*re.findall(r"\w+", one.casefold())}, {*re.findall(r"\w+", other.casefold())})
        for one, other in zip(head[name].iloc[:50], head[text].iloc[:50], strict=True)
        if one.strip()
    ]
    least = _ALIKE if _share_a_word(name, text) else _SAME
    alike = sum(
        len(one & other) >= least * max(1, min(len(one), len(other))) for one, other in pairs
    )
    return alike > len(pairs) / 2


def _share_a_word(one: str, other: str) -> bool:
    """Whether two names have a word in common, as versions of a text do (text, text_clean); those
    that differ in a number alone (question1, question2) are a pair.
    """
    parts = words.parts(one), words.parts(other)
    return parts[0] != parts[1] and not {*parts[0]}.isdisjoint(parts[1])
