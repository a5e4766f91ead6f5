"""Facts about each text, computed for thousands at a time: length, script, personal data, and two
fingerprints.

The exact fingerprint is equal for texts that differ only in capitals and blanks. The MinHash
signature (Broder 1997, "On the resemblance and containment of documents") estimates how many of
their different words two texts share.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

SIGNATURE = 18  # six bands of three: 99 of 100 pairs that share 85 % of their words meet in a band
SCRIPTS = (
    "Latin",
    "Han",
    "Cyrillic",
    "Arabic",
    "Hiragana",
    "Katakana",
    "Hangul",
    "Devanagari",
    "Greek",
    "Hebrew",
    "Thai",
)
EMAIL, PHONE, CARD = 1, 2, 4
_UNSPACED = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}])"
_BASE = np.uint64(6364136223846793005)
_NO_WORD = np.uint32(0xFFFFFFFF)
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
_SHAPELESS = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad"
    "\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0001-\U000e007f]"
)  # controls, marks of direction, signs of no width
Places = NDArray[np.int32] | NDArray[np.int64]  # as Arrow counts
Number = TypeVar("Number", np.uint32, np.uint64)
_MIX = np.random.default_rng(20).integers(1, 2**63, (2, SIGNATURE), dtype=np.uint64) | np.uint64(1)


def text_facts(texts: pa.Array) -> dict[str, NDArray[Any]]:
    """Facts of `texts` (no nulls, none empty), each an array with one entry per text.

    Returns `key` uint64, `signature` uint32 (n, 18), `chars` and `words` int32, `script` int8
    (place in SCRIPTS, -1 where there are no letters), `private` int8 (EMAIL, PHONE and CARD added
    up), `faults` int8 (see `text_faults`).
    """
    import pyarrow.compute as pc

    from tl_core.data.checks.text_faults import text_faults

    plain = pc.string_is_ascii(texts).to_numpy(zero_copy_only=False)
    prepared = pc.utf8_lower(texts if plain.all() else pc.utf8_normalize(texts, form="NFC"))
    if not plain.all():
        prepared = pc.replace_substring_regex(prepared, _UNSPACED, r" \1 ")
    words = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(prepared))
    starts = words.offsets.to_numpy()
    tokens = words.values.dictionary_encode()
    codes = tokens.indices.to_numpy()[starts[0] : starts[-1]]
    spelled = tokens.dictionary.to_pylist()
    starts = starts - starts[0]
    hashes = _hash(spelled)
    return {
        "key": _ordered_hash(codes, hashes, starts),
        "signature": _signature(codes, spelled, hashes, starts),
        "chars": pc.utf8_length(texts).to_numpy().astype(np.int32),
        "words": np.diff(starts).astype(np.int32),
        "script": _scripts(texts, plain),
        "private": _private(texts),
        "faults": text_faults(texts, plain),
    }


def _hash(words: list[str]) -> NDArray[np.uint64]:
    import pandas as pd

    hashes: NDArray[np.uint64] = pd.util.hash_array(np.array(words, dtype=object), categorize=False)
    return hashes


def _ordered_hash(codes: Places, hashes: NDArray[np.uint64], starts: Places) -> NDArray[np.uint64]:
    """A polynomial in an odd base modulo 2^64 over the words of each text."""
    lengths = np.diff(starts)
    places = np.arange(len(codes)) - np.repeat(starts[:-1], lengths)
    powers = np.cumprod(np.full(int(lengths.max(initial=0)) + 1, _BASE, dtype=np.uint64))
    mixed: NDArray[np.uint64] = _reduced(np.add, hashes[codes] * powers[places], starts)
    return mixed ^ (lengths.astype(np.uint64) << np.uint64(48))


def _reduced(ufunc: np.ufunc, values: NDArray[Number], starts: Places) -> NDArray[Number]:
    """`ufunc` over each text's words; texts without any give 0."""
    filled = np.diff(starts) > 0
    reduced = np.zeros(len(filled), dtype=values.dtype)
    if filled.any():
        reduced[filled] = ufunc.reduceat(values, starts[:-1][filled])
    return reduced


def _signature(
    codes: Places, spelled: list[str], hashes: NDArray[np.uint64], starts: Places
) -> NDArray[np.uint32]:
    """Smallest hash of each text's words under 18 hash functions; signs around words do not
    count.
    """
    hashes, empty = hashes.copy(), np.zeros(len(hashes), dtype=bool)
    signed = [place for place, word in enumerate(spelled) if not word.isalnum()]
    if signed:
        bare = ["".join(filter(str.isalnum, spelled[place])) for place in signed]
        hashes[signed] = _hash(bare)
        empty[signed] = [not word for word in bare]
    signature = np.empty((len(starts) - 1, SIGNATURE), dtype=np.uint32)
    for place in range(SIGNATURE):
        mixed = ((hashes * _MIX[0, place] + _MIX[1, place]) >> np.uint64(32)).astype(np.uint32)
        mixed[empty] = _NO_WORD
        signature[:, place] = _reduced(np.minimum, mixed[codes], starts)
    return signature


def _scripts(texts: pa.Array, plain: NDArray[np.bool_]) -> NDArray[np.int8]:
    """The script that most letters belong to."""
    import pyarrow as pa
    import pyarrow.compute as pc

    scripts = np.full(len(plain), -1, dtype=np.int8)
    letters = pc.match_substring_regex(texts, "[A-Za-z]").to_numpy(zero_copy_only=False)
    scripts[letters] = 0
    odd = np.flatnonzero(~plain)
    if len(odd):
        some = texts.take(pa.array(odd))
        counts = np.stack(
            [pc.count_substring_regex(some, rf"\p{{{name}}}").to_numpy() for name in SCRIPTS]
        )
        scripts[odd] = np.where(counts.max(axis=0) > 0, counts.argmax(axis=0), -1)
    return scripts


def _private(texts: pa.Array) -> NDArray[np.int8]:
    """Which texts seem to hold an e-mail address, a phone number or a payment card's number (Luhn's
    check).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    marks = np.zeros(len(texts), dtype=np.int8)
    maybe = np.flatnonzero(pc.match_substring(texts, "@").to_numpy(zero_copy_only=False))
    sure = pc.match_substring_regex(texts.take(pa.array(maybe)), r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}")
    marks[maybe[sure.to_numpy(zero_copy_only=False)]] |= EMAIL
    maybe = np.flatnonzero(
        pc.match_substring_regex(texts, r"\d[\d ()./-]{7,}\d").to_numpy(zero_copy_only=False)
    )
    for place, text in zip(maybe, texts.take(pa.array(maybe)).to_pylist(), strict=True):
        marks[place] |= _numbers(text)
    return marks


def _numbers(text: str) -> int:
    marks = 0
    for run in re.findall(r"\+?\d[\d ()./-]{7,}\d", text):
        digits = [int(sign) for sign in run if sign.isdecimal()]
        if 13 <= len(digits) <= 19 and _luhn(digits):
            marks |= CARD
        elif (
            not _DATE.match(run)
            and (8 if run.startswith(("+", "0")) else 9) <= len(digits) <= 15
            and (run.startswith(("+", "0")) or re.search(r"\d[ ()/-]+\d", run))
        ):
            marks |= PHONE
    return marks


def _luhn(digits: list[int]) -> bool:
    """The check digit of payment cards (ISO/IEC 7812)."""
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return any(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def clean_label(name: str) -> str:
    """A class name as it is stored: composed signs, one plain blank for any run of blanks, no signs
    without a shape.

    Joiners, variation selectors and the tags of flags are part of Persian, Hindi and emoji names,
    and stay.
    """
    shaped = unicodedata.normalize("NFC", _SHAPELESS.sub(lambda match: match[1] or "", name))
    return " ".join(shaped.split()) if shaped.strip(_JOINERS) else ""
