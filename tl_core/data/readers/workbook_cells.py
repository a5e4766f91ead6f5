"""The cells of a workbook as a person sees them on the sheet: number formats, dates, blanks."""

from __future__ import annotations

import datetime as dates
import math
import re
from decimal import Decimal
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from tl_core.data.tables.reading import cell as plain

if TYPE_CHECKING:
    from openpyxl.cell.read_only import ReadOnlyCell

_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|\[([^\]]*)\]|[_*].|(General)|([0#?.,]+)|(.)', re.DOTALL | re.IGNORECASE
)
_PIECE = re.compile(r'((?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[])*)(?:;|$)', re.DOTALL)
_CONDITION = re.compile(r"(<=|>=|<>|=|<|>)\s*(-?\d+(?:\.\d+)?)")
_COLOUR = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|color\s*\d+", re.IGNORECASE)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EXACT = 10**15  # digits of a number that a sheet keeps


class _Section(NamedTuple):
    """A number format has up to four, between semicolons; `parts` are literals, percent signs and
    slots for digits.
    """

    condition: tuple[str, float] | None
    parts: tuple[tuple[str, str], ...]  # (literal, percent, slot or general; its signs)


def shown(cell: ReadOnlyCell) -> str:
    """What the sheet shows for a cell, where that tells values apart (001, 50%, Class 1); else its
    plain value.
    """
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        text = plain(value.replace("_x000D_", "") if "_x000D_" in value else value)
        return "" if text.isspace() else text
    if isinstance(value, bool):
        return plain(value)
    if isinstance(value, int | float):
        return (_formatted(value, cell.number_format or "") if cell.has_style else "") or _number(
            value
        )
    if isinstance(value, dates.timedelta):
        seconds = round(value.total_seconds())
        minutes, sign = abs(seconds) // 60, "-" if seconds < 0 else ""
        return f"{sign}{minutes // 60}:{minutes % 60:02}:{abs(seconds) % 60:02}"
    if isinstance(value, dates.date):
        return _date(value, cell.number_format or "")
    return plain(value)


def _number(value: float) -> str:
    """A number without the noise of arithmetic: a sheet shows 0.3 for 0.1 + 0.2."""
    text = plain(value)
    if len(text) > 17 and not float(value).is_integer():
        short = f"{value:.15g}"
        return short if len(short) + 3 <= len(text) else text
    return text


def _date(value: dates.date, code: str) -> str:
    """ISO, without a time at midnight; a format that shows only a year, a month or a weekday means
    just that.
    """
    signs = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", code.partition(";")[0]).lower()
    letters = "".join(sign for sign in signs if sign in "ymdhs")
    if letters in ("yy", "yyyy"):
        return str(value.year)
    if letters in ("mmm", "mmmm"):
        return _MONTHS[value.month - 1][: 3 if letters == "mmm" else None]
    if letters in ("ddd", "dddd"):
        return _DAYS[value.weekday()][: 3 if letters == "ddd" else None]
    if isinstance(value, dates.datetime) and value.time() == dates.time():
        return value.date().isoformat()
    return str(value)


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[_Section | None, ...]:
    """The sections of a format; None for one whose display is not worth keeping (decimals,
    currency, fractions).
    """
    return tuple(_section(piece) for piece in _PIECE.findall(code)[:-1][:3])


def _section(code: str) -> _Section | None:
    condition, parts = None, []
    for quoted, escaped, bracket, general, digits, other in _TOKEN.findall(code):
        if bracket:
            match = _CONDITION.fullmatch(bracket.strip())
            if match:
                condition = match[1], float(match[2])
            elif not _COLOUR.fullmatch(bracket.strip()) and not re.fullmatch(
                r"\$-[\w,-]*", bracket
            ):
                return None
        elif general:
            parts.append(("general", ""))
        elif digits:
            parts.append(("slot", digits))
        elif other == "%":
            parts.append(("percent", "%"))
        elif other and other not in " -/():+!'":
            return None
        elif quoted or escaped or other:
            parts.append(("literal", quoted or escaped or other))
    return _Section(condition, tuple(parts))


def _formatted(value: float, code: str) -> str:
    """The value in its format; "" where the plain number says as much."""
    if code in ("General", "@", "0") or len(code) > 255 or not math.isfinite(value):
        return ""
    sections = _sections(code)
    if not sections:
        return ""
    place, signed = _which(value, sections)
    section = sections[place]
    if section is None or not section.parts:
        return ""
    if len(sections) == 1 and all(kind == "literal" for kind, _ in section.parts):
        return ""  # it would hide every value
    text = _filled(abs(value), section.parts)
    return f"-{text}" if text and value < 0 and signed else text


def _which(value: float, sections: tuple[_Section | None, ...]) -> tuple[int, bool]:
    """The section for a value, and whether a minus has to be put before it."""
    if any(section and section.condition for section in sections):
        for place, section in enumerate(sections):
            if section is None or section.condition is None or _holds(value, *section.condition):
                return place, True
        return len(sections) - 1, True
    if value < 0 and len(sections) > 1:
        return 1, False
    return (2, False) if value == 0 and len(sections) > 2 else (0, True)


def _holds(value: float, sign: str, bound: float) -> bool:
    return {
        "=": value == bound,
        "<>": value != bound,
        "<": value < bound,
        ">": value > bound,
        "<=": value <= bound,
        ">=": value >= bound,
    }[sign]


def _filled(value: float, parts: tuple[tuple[str, str], ...]) -> str:
    slots = [signs for kind, signs in parts if kind == "slot"]
    before = "".join(signs for kind, signs in takewhile(lambda part: part[0] == "literal", parts))
    named = any(
        sign.isalnum() for sign in before
    )  # Class 1; a unit behind it leaves a number a number
    if value >= _EXACT:
        return ""
    if any(kind == "percent" for kind, _ in parts):
        return _percent(value, parts, slots)
    if any(kind == "general" for kind, _ in parts):
        return (
            "".join(_number(value) if kind == "general" else signs for kind, signs in parts)
            if named
            else ""
        )
    if not slots:
        return before.strip() if named else ""
    places = "".join(slots)
    if set(places) - {"0", "#"} or value != int(value) or not (named or places.count("0") > 1):
        return ""
    digits, pieces, left = str(int(value)) if value else "", [], len(slots)
    for kind, signs in reversed(parts):
        if kind == "literal":
            pieces.append(signs)
            continue
        left -= 1
        taken = digits[max(0, len(digits) - len(signs)) :] if left else digits
        digits = digits[: len(digits) - len(taken)]
        pieces.append(taken.rjust(signs.count("0"), "0"))
    return "".join(reversed(pieces))


def _percent(value: float, parts: tuple[tuple[str, str], ...], slots: list[str]) -> str:
    """As shown, with more decimals where rounding would make different values equal."""
    if len(slots) != 1 or not re.fullmatch(r"#*0+(\.[0#]+)?", slots[0]):
        return ""
    exact = round(Decimal(repr(value)) * 100, 10)
    text = f"{exact:.{len(slots[0].partition('.')[2])}f}"
    if Decimal(text) != exact:
        text = f"{exact.normalize():f}"
    return "".join(text if kind == "slot" else signs for kind, signs in parts)
