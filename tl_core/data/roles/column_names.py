"""Usual names of columns, by what they hold, in the languages that tables come in; all in lower
case, words joined. The words themselves lie in column_names.json.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

_WORDS: dict[str, list[str]] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)

TEXT_NAMES = tuple(_WORDS["text_names"])
"""Names of texts, the likelier ones first."""
TITLE_NAMES = frozenset(_WORDS["title_names"])
REMARK_NAMES = frozenset(_WORDS["remark_names"])
"""Names of texts that often stand beside the text itself: a remark on it, a line about it."""
TEXT_WORDS = frozenset(_WORDS["text_words"])
MARKUP_WORDS = frozenset(_WORDS["markup_words"])
SURE_LABELS = tuple(_WORDS["sure_labels"])
LIKELY_LABELS = tuple(_WORDS["likely_labels"])
WEAK_LABELS = frozenset(_WORDS["weak_labels"])
"""Names of classes that as often say something about the item beside the class."""
SCORES = tuple(_WORDS["scores"])
LABEL_NAMES = SURE_LABELS + LIKELY_LABELS + SCORES
LABEL_WORDS = frozenset(_WORDS["label_words"])
LABEL_SIGNS = tuple(_WORDS["label_signs"])
"""Words for a class in scripts without blanks: a column's name may hold more than them."""
CONFIDENCES = frozenset(_WORDS["confidences"])
IMAGE_NAMES = tuple(_WORDS["image_names"])
"""Names of pictures' files, the likelier ones first."""
SOUND_NAMES = tuple(_WORDS["sound_names"])
"""Names of recordings' files, the likelier ones first."""
SPLIT_COLUMNS = frozenset(_WORDS["split_columns"])
SPLIT_WORDS = frozenset(_WORDS["split_words"])
GROUP_NAMES = frozenset(_WORDS["group_names"])
SIDE_NAMES = GROUP_NAMES | frozenset(_WORDS["side_names"])
"""Names of columns that tell about an item without being its class."""
_NAME_OF = frozenset(_WORDS["suffixes"])
_FLAG = re.compile(r"^(is|in|for)")
_COPY = re.compile(r"( \(\d+\)|\.\d+)$")


def joined(name: str) -> str:
    """A column's name in lower case without what stands between its words: `Review_Text` gives
    reviewtext.
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", name).casefold())


def parts(name: str) -> list[str]:
    """The words of a column's name: `airline_sentiment` gives airline, sentiment."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFC", name))
    return re.findall(r"[^\W\d_]+", apart.casefold())


def is_flag(name: str) -> bool:
    """Whether a column of splits asks one question (is_test), so that 0 and 1 are its answers and
    no folds.
    """
    return bool(_FLAG.match(joined(name)))


def original(name: str, names: list[str]) -> str:
    """The name that a column shares with another one, where it was numbered for that: `label (2)`
    gives label.
    """
    bare = _COPY.sub("", name)
    return bare if bare in names else name


def ends_in_label(name: str) -> bool:
    """Whether a longer name ends in a word for a class, what it says in brackets aside: `Finding
    Labels (all)`.
    """
    words = parts(name.partition("(")[0]) or parts(name)
    if len(words) > 1 and words[-1] in _NAME_OF:
        words.pop()
    return (
        bool(words)
        and words[-1] in LABEL_WORDS
        or any(sign in joined(name) for sign in LABEL_SIGNS)
    )


def is_confidence(name: str) -> bool:
    """Whether a column says how sure somebody was: `sentiment:confidence`."""
    words = parts(name)
    return bool(words) and words[-1] in CONFIDENCES
