"""Whether a backbone can read the texts: their language, unknown and cut-off tokens, before any
training.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.modalities.text import TEXT
from tl_core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

    from tl_core.backbones.inputs.input_kind import Finding, Items

_SAMPLE = 200
_UNKNOWN = 0.05  # share of unknown tokens above which a text is mostly lost
_TRUNCATED = 0.01
# texts that are judged as one: a short text alone is often taken for a neighbouring language
_TOGETHER = 8
_READ = 500  # letters of each
_ENGLISH = 0.8  # share of them in English from which an encoder of English texts will do


def language_of(texts: Sequence[str]) -> str:
    """The language of some texts, by py3langid: `en` where four fifths are English, else the
    commonest other one.
    """
    import py3langid

    languages: Counter[str] = Counter(
        py3langid.classify(" ".join(text[:_READ] for text in texts[start : start + _TOGETHER]))[0]
        for start in range(0, len(texts), _TOGETHER)
    )
    english = languages.pop("en", 0)
    if not languages or english >= _ENGLISH * (english + languages.total()):
        return "en"
    return languages.most_common(1)[0][0]


def check_fit(
    reference: str, settings: Settings, texts: Sequence[str], max_length: int
) -> list[Finding]:
    """Findings about a sample of texts and a backbone of which only the tokenizer is opened, before
    any run.

    Raises:
        BackboneError: when the backbone cannot be found or opened.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        resolve_folder(parse_reference(reference), settings), trust_remote_code=False
    )
    return check_texts(reference, tokenizer, texts, max_length)


def sample(version: Items, rows: NDArray[np.int64]) -> list[str]:
    """A sample of the texts in these rows, spread over all of them."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.int64))
    return version.texts(rows[places])


def check_texts(
    reference: str,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    limit: int,
) -> list[Finding]:
    """Findings about a sample of texts, of which no more than `limit` tokens are read."""
    unknown = _unknown(tokenizer, texts)
    findings = (unknown or _foreign(reference, texts), _truncated(tokenizer, limit, texts))
    return [finding for finding in findings if finding]


def _foreign(reference: str, texts: Sequence[str]) -> Finding | None:
    """Whether the English starter is to read another language whose letters it knows."""
    code = language_of(texts) if reference.removeprefix("static:") == TEXT.starter else "en"
    if code == "en":
        return None
    return {
        "id": "other_language",
        "severity": "warning",
        "count": 0,
        "items": [],
        "text": (
            f"Most of the texts are not English (language code {code}); this backbone was"
            " pretrained on English alone."
        ),
        "fix": "Choose starter:multilingual, which was pretrained on about 100 languages.",
    }


def _unknown(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Finding | None:
    if tokenizer.unk_token_id is None:
        return None
    ids = [
        token
        for part in tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        for token in part
    ]
    share = sum(token == tokenizer.unk_token_id for token in ids) / max(len(ids), 1)
    if share <= _UNKNOWN:
        return None
    return {
        "id": "unknown_tokens",
        "severity": "problem",
        "count": round(share * 100),
        "items": [],
        "text": (
            f"The backbone does not know {share:.0%} of the characters or words in your texts; its"
            " training was in another language or script."
        ),
        "fix": (
            "Choose a multilingual backbone, such as starter:multilingual; the recipe 'baseline'"
            " works on characters of any script."
        ),
    }


def _truncated(
    tokenizer: PreTrainedTokenizerBase, limit: int, texts: Sequence[str]
) -> Finding | None:
    lengths = [
        len(ids) for ids in tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
    ]
    share = sum(length > limit for length in lengths) / len(lengths)
    if share <= _TRUNCATED:
        return None
    return {
        "id": "truncated",
        "severity": "warning",
        "count": round(share * 100),
        "items": [],
        "text": (
            f"About {share:.0%} of the texts are longer than {limit} tokens and are truncated."
        ),
        "fix": (
            f"With {int(np.percentile(lengths, 99))} tokens 99 of 100 would be read whole. Raise"
            " max_length if the end of the texts matters and the backbone reads that much."
        ),
    }
