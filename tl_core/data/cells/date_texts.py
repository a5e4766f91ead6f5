"""Dates as people write them, many at a time: which fields stand where, and what time of the day it
was.

Everything is done on whole columns by Arrow's regular expressions, which run at about a microsecond
a cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
_DAY = 86_400.0
_OLD_YEARS = 69  # two digits from here on are of the last century, as POSIX reads them

_TIME = r"(?:(?:,?\s+(?:-\s+|at |um |à |a las |alle )?|[t,:])(?P<t>\d.*))?$"
_NUMBERS = (
    r"^(?:\p{L}{2,12}\.?,?\s+)?(?P<a>\d{4}|\d{1,2})(?:\s?[/.\-]\s?|\s)(?P<b>\d{1,2})(?:\s?[/.\-]\s?|\s)"
    r"(?P<c>\d{4}|\d{1,2})\.?" + _TIME
)
_CLOCK = (
    r"^(?P<h>\d{1,2})(?:[:.h](?P<m>\d{2})(?:[:.](?P<s>\d{2}(?:[.,]\d{1,9})?))?)?\s?(?P<p>[ap]\.?\s?m\.?)?"
    r"(?:\s?uhr|\s?h)?\s?(?P<z>(?:utc|gmt)?\s?[+\-]\d{1,2}:?(?:\d{2})?|[a-z]{1,5})?(?:\s?\(.*\))?$"
)
_WORDED = (
    r"^(?:\p{L}+\.?,?\s+){0,2}(?P<c>\d{1,2})(?:st|nd|rd|th|er|º|ª|°)?\.?[\s\-/.,]*(?:of |de"
    r" |d'|d’|di )?"
    r"(?P<w>\p{L}+)\.?[\s\-/.,]*(?:of |de |del |di )?'?(?P<a>\d{4}|\d{2})" + _TIME,
    r"^(?:\p{L}+\.?,?\s+)?(?P<w>\p{L}+)\.?[\s\-/]*(?P<c>\d{1,2})(?:st|nd|rd|th)?,?[\s\-/]+'?(?P<a>\d{4}|\d{2})"
    + _TIME,
    r"^\p{L}+\.?,?\s+(?P<w>\p{L}+)\s+(?P<c>\d{1,2})\s+(?P<t>\d{1,2}:\d{2}(?::\d{2})?(?:\s(?:[a-z]{2,5}|[+\-]\d{4}))*)"
    r"\s+(?P<a>\d{4})$",
    r"^(?P<a>\d{4})[\s\-/.]+(?P<w>\p{L}+)\.?[\s\-/.]+(?P<c>\d{1,2})" + _TIME,
    # Jan 2024, Jan-24
    r"^(?P<w>\p{L}+)\.?(?:[\s\-/.,]+(?:of |de |del )?'?(?P<a>\d{4})|[\-/']+(?P<c>\d{2}))$",
)
_MONTH_ONLY = (r"^(?P<a>\d{4})[/.\-](?P<b>\d{1,2})$", r"^(?P<b>\d{1,2})[/.\-](?P<a>\d{4})$")
_REWRITTEN = (
    (r"^(\d{4})(\d\d)(\d\d)[t _\-]?(\d\d)(\d\d)(\d\d)(\D.*)?$", r"\1-\2-\3t\4:\5:\6\7"),
    (r"^(\d{4})(\d\d)(\d\d)[t _\-](\d\d):?(\d\d)(\D.*)?$", r"\1-\2-\3t\4:\5\6"),
    (r"^(\d{1,2}:\d\d(?::\d\d)?(?:\s?[ap]m)?)[\s,·\-]+(\S.*)$", r"\2 \1"),  # the time first
    (r"^(\d{2,4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]?", r"\1-\2-\3"),
)
_MONTHS = """
january jan januar janner jaenner janvier janv enero ene gennaio gen janeiro januari января янв
february feb februar febr fevrier fevr fev febrero febbraio fevereiro februari февраля фев
march mar marz maerz mrz mars marzo marco maart mrt марта мар
april apr avril avr abril abr aprile апреля апр
may mai mayo maggio mag maio mei мая
june jun juni juin junio giugno giu junho июня июн
july jul juli juillet juil julio luglio lug julho июля июл
august aug aout agosto ago augustus августа авг
september sep sept septembre septiembre setiembre settembre set setembro сентября сен
october oct oktober okt octobre octubre ottobre ott outubro out октября окт
november nov novembre noviembre novembro ноября ноя
december dec dezember dez decembre diciembre dic dicembre dezembro декабря дек
"""
_MONTH_OF = {
    word: number
    for number, line in enumerate(_MONTHS.strip().splitlines(), 1)
    for word in line.split()
}
_ZONES = {
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
    "akst": -9,
    "akdt": -8,
    "hst": -10,
    "cet": 1,
    "cest": 2,
    "mez": 1,
    "mesz": 2,
    "bst": 1,
    "west": 1,
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "ist": 5.5,
    "jst": 9,
    "kst": 9,
    "sgt": 8,
    "hkt": 8,
    "aest": 10,
    "aedt": 11,
    "brt": -3,
}


def calendar(years: ArrayLike, months: ArrayLike, days: ArrayLike) -> Floats:
    """Seconds since 1970 at midnight; NaN where there is no such day."""
    years, months, days = (np.asarray(part, dtype=np.int64) for part in (years, months, days))
    fits = (years > 0) & (years < 10_000) & (months >= 1) & (months <= 12) & (days >= 1)
    month = np.where(fits, (years - 1970) * 12 + months - 1, 0).astype("datetime64[M]")
    first = month.astype("datetime64[D]").astype(np.int64)
    after = (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64)
    return np.where(fits & (days <= after - first), (first + days - 1) * _DAY, np.nan)


def full_years(years: NDArray[np.int64], short: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Two digits as a year of this century or the last."""
    whole_years: NDArray[np.int64] = np.where(
        short, years + np.where(years < _OLD_YEARS, 2000, 1900), years
    )
    return whole_years


def rewritten(texts: pa.Array) -> pa.Array:
    """Wide digits, Chinese, Japanese and Korean dates and run-together ISO 8601 as numbers with
    signs between.
    """
    import pyarrow.compute as pc

    texts = pc.utf8_normalize(texts, "NFKC")
    for pattern, by in _REWRITTEN:
        texts = pc.replace_substring_regex(texts, pattern, by)
    return texts


class Numbered(NamedTuple):
    """Dates of three numbers: which of the texts are written so, and the numbers of those alone.

    `short_a` and `short_c` mark numbers of two digits at most; `clock` is in seconds.
    """

    fitting: NDArray[np.bool_]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    c: NDArray[np.int64]
    clock: Floats
    short_a: NDArray[np.bool_]
    short_c: NDArray[np.bool_]


def numbered(texts: pa.Array) -> Numbered:
    """The dates among `texts` that are three numbers, in any order."""
    fitting, fields = _fields(texts, _NUMBERS)
    return Numbered(
        fitting,
        _whole(fields["a"]),
        _whole(fields["b"]),
        _whole(fields["c"]),
        _clock(fields["t"]),
        _lengths(fields["a"]) < 4,
        _lengths(fields["c"]) < 4,
    )


def worded(texts: pa.Array) -> Floats:
    """Seconds of dates whose month is a word or that name no day; NaN for all others."""
    seconds = np.full(len(texts), np.nan)
    for pattern in (*_WORDED, *_MONTH_ONLY):
        rest = np.flatnonzero(np.isnan(seconds))
        if not len(rest):
            break
        fitting, fields = _fields(texts.take(_array(rest)), pattern)
        if fitting.any():
            seconds[rest[fitting]] = _one_way(fields)
    return seconds


def _one_way(fields: dict[str, pa.Array]) -> Floats:
    years, text = _whole(fields["a"]), _lengths(fields["a"])
    months = _month_numbers(fields["w"]) if "w" in fields else _whole(fields["b"])
    days = _whole(fields["c"]) if "c" in fields else np.ones(len(years), dtype=np.int64)
    bare = text == 0  # Jan-24, as spreadsheets write a month
    years, days = np.where(bare, days, years), np.where(bare | (days < 0), 1, days)
    seconds = calendar(full_years(years, text < 4), months, days)
    return seconds + _clock(fields["t"]) if "t" in fields else seconds


def _fields(texts: pa.Array, pattern: str) -> tuple[NDArray[np.bool_], dict[str, pa.Array]]:
    """Which texts fit, and the named parts of those."""
    import pyarrow.compute as pc

    parts = pc.extract_regex(texts, pattern)
    is_fitting = pc.is_valid(parts).to_numpy(zero_copy_only=False)
    fitting = parts.filter(pc.is_valid(parts))
    return is_fitting, {
        name: pc.struct_field(fitting, [name]) for name in re.findall(r"\(\?P<(\w)>", pattern)
    }


def _clock(texts: pa.Array) -> Floats:
    """Seconds from midnight in Greenwich: 0 for "", NaN for what is no time."""
    seconds = np.zeros(len(texts))
    given = np.flatnonzero(_lengths(texts) > 0)
    if not len(given):
        return seconds
    fitting, fields = _fields(texts.take(_array(given)), _CLOCK)
    hours, minutes = _whole(fields["h"]), np.maximum(_whole(fields["m"]), 0)
    exact = _numbers(fields["s"])
    half = _coded(fields["p"], lambda word: float(ord(word[0])) if word else 0.0)
    evening, morning = half == ord("p"), half == ord("a")
    hours = np.where(
        evening & (hours < 12), hours + 12, np.where(morning & (hours == 12), 0, hours)
    )
    good = (hours < 24) & (minutes < 60) & (exact < 61) | (hours == 24) & (minutes == 0) & (
        exact == 0
    )
    whole = hours * 3600.0 + minutes * 60.0 + exact - _coded(fields["z"], _offset)
    seconds[given] = np.nan
    seconds[given[fitting]] = np.where(good, whole, np.nan)
    return seconds


def _offset(zone: str) -> float:
    """Seconds east of Greenwich; names that are not known count as Greenwich."""
    numbers = re.fullmatch(r"(?:utc|gmt)?\s?([+-])(\d{1,2}):?(\d\d)?", zone)
    if numbers is None:
        return 3600.0 * _ZONES.get(zone, 0)
    sign, hours, minutes = numbers.groups()
    return (-1.0 if sign == "-" else 1.0) * (3600 * int(hours) + 60 * int(minutes or 0))


def _month_numbers(words: pa.Array) -> NDArray[np.int64]:
    def number(word: str) -> float:
        plain = unicodedata.normalize("NFD", word)
        return float(
            _MONTH_OF.get(word)
            or _MONTH_OF.get("".join(s for s in plain if not unicodedata.combining(s)), 0)
        )

    return _coded(words, number).astype(np.int64)


def _coded(texts: pa.Array, value: Callable[[str], float]) -> Floats:
    """A number for each text, worked out once for each different one."""
    packed = texts.dictionary_encode()
    values = np.array(
        [value(word) for word in packed.dictionary.to_pylist()] or [0.0], dtype=np.float64
    )
    coded: Floats = values[packed.indices.to_numpy(zero_copy_only=False)]
    return coded


def _lengths(texts: pa.Array) -> NDArray[np.int64]:
    import pyarrow.compute as pc

    lengths: NDArray[np.int64] = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    return lengths


def _whole(texts: pa.Array) -> NDArray[np.int64]:
    """Digits as numbers, -1 for none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole: NDArray[np.int64] = (
        pc.if_else(pc.equal(texts, ""), "-1", texts).cast(pa.int64()).to_numpy()
    )
    return whole


def _numbers(texts: pa.Array) -> Floats:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.replace_substring(pc.if_else(pc.equal(texts, ""), "0", texts), ",", ".")
    numbers: Floats = texts.cast(pa.float64()).to_numpy()
    return numbers


def _array(rows: NDArray[np.int64]) -> pa.Array:
    import pyarrow as pa

    return pa.array(rows)
