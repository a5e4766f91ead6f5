"""Texts without a pretrained network: words, pairs of words and pieces of words, weighted by how
rare they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.base import TransformerMixin

_MAX_TERMS = 100_000
_HANDFUL = 20  # texts that may not share a single piece
_WORD = re.compile(r"\w")


def text_features(texts: list[str] | None = None) -> TransformerMixin:
    """Words and pairs of words beside pieces of words, which also work where words are not set
    apart.

    Args:
        texts: to be fitted on; of a handful every piece is kept, and without any word (emoji alone)
            there are pieces only.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    words = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, max_features=_MAX_TERMS, token_pattern=r"(?u)\b\w+\b"
    )
    pieces = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 5),
        sublinear_tf=True,
        max_features=_MAX_TERMS,
        min_df=1 if texts is not None and len(texts) < _HANDFUL else 2,
    )
    worded = texts is None or any(_WORD.search(text) for text in texts)
    return make_union(words, pieces) if worded else pieces
