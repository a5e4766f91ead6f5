"""Signs that a text was decoded wrongly or carries what nobody wrote: found by thousands, then
looked at one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

MOJIBAKE, LOST, HIDDEN, CONTROL, ENTITY = 1, 2, 4, 8, 16

_AFTER = (  # bytes 80 to BF as cp1252 and latin-1 show them
    "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ�]"
)
_AFTER_1250 = "[\u0080-\u00bf€-™ˇ˘łąşŁżŽžśŚťŤľĽź]"
_AFTER_1251 = "[ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—™љ›њќћџ\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јѕї]"
_MAYBE = "|".join(
    (
        f"[Â-ß]{_AFTER}",
        f"[à-ï]{_AFTER}{{2}}",
        f"[ð-ô]{_AFTER}{{3}}",
        "[ÂÃ] ",  # UTF-8 read as cp1252 or latin-1
        f"[ĂĹ]{_AFTER_1250}",
        f"(?:[РС]{_AFTER_1251}){{2}}",
        "вЂ|Г[¤јџ¶©]",  # as cp1250 and cp1251
        "√[©®°±≥¥ºÄ†¢¶ü]|‚Ä|ΓÇ|├",
        "[\u0080-\u009f]",
    )
)  # as Mac Roman and DOS; cp1252 read as latin-1
_GENUINE = re.compile("(?<=[A-ZÀ-Þ])[ÂÃ](?=[”’])")  # “IRMÔ and the like
_LOST = "\ufffd|锟斤拷|ï¿½"
_HIDDEN = "[\u200b\u2060\ufeff\u00ad]"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_ENTITY = "&#?[0-9A-Za-z]{2,24};"


def text_faults(texts: pa.Array, plain: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Marks of the faults in each text, added up.

    Args:
        texts: no nulls.
        plain: which of them are ASCII, where most faults cannot be.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    marks = np.zeros(len(texts), dtype=np.int8)
    marks[_hits(texts, _CONTROL)] |= CONTROL
    entities = np.flatnonzero(pc.match_substring(texts, "&").to_numpy(zero_copy_only=False))
    _mark(
        marks, texts, entities[_hits(texts.take(pa.array(entities)), _ENTITY)], ENTITY, _has_entity
    )
    odd = np.flatnonzero(~plain)
    if len(odd):
        some = texts.take(pa.array(odd))
        marks[odd[_hits(some, _LOST)]] |= LOST
        marks[odd[_hits(some, _HIDDEN)]] |= HIDDEN
        _mark(marks, texts, odd[_hits(some, _MAYBE)], MOJIBAKE, is_mojibake)
    return marks


def _hits(texts: pa.Array, pattern: str) -> NDArray[np.int64]:
    import pyarrow.compute as pc

    return np.flatnonzero(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False))


def _mark(
    marks: NDArray[np.int8],
    texts: pa.Array,
    rows: NDArray[np.int64],
    mark: int,
    test: Callable[[str], bool],
) -> None:
    import pyarrow as pa

    sure = [test(text) for text in texts.take(pa.array(rows)).to_pylist()]
    marks[rows[np.array(sure, dtype=bool)]] |= mark


def _has_entity(text: str) -> bool:
    from ftfy.fixes import unescape_html

    return bool(unescape_html(text) != text)


def is_mojibake(text: str) -> bool:
    """Whether ftfy, which is careful, would decode `text` anew."""
    import ftfy

    if (
        "“" in text or "‘" in text
    ):  # a quotation that ends in a Portuguese capital looks like a wrongly decoded one
        text = _GENUINE.sub("A", text)
    return bool(ftfy.fix_encoding(text) != text)
