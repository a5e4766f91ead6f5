"""A column of dates, read in one order of day, month and year from its first row to its last.

No single date says what 03/04/2025 means; the column does, by any value above 12. Both readings are
kept until all rows have passed, at most 24 bytes a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.cells.date_texts import Floats, calendar, full_years, numbered, rewritten, worded
from tl_core.errors import AmbiguousError, DataError

if TYPE_CHECKING:
    import pyarrow as pa

_ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}
_ISO, _PLAIN = r"^\d{4}-\d{1,2}-\d{1,2}(?:[ T]\d|$)", r"^\d{4,19}(?:[.,]\d*)?$"
_ROUGH = r"^\d\d|[^\x00-\x7f]"  # what may have to be written anew before it can be read
_DAY = 86_400.0
_EXCEL_ZERO = -25_569  # days from 1970 to the day that spreadsheets count as 0
_UNITS = {
    9: 1.0,
    10: 1.0,
    12: 1e3,
    13: 1e3,
    15: 1e6,
    16: 1e6,
    18: 1e9,
    19: 1e9,
}  # digits to parts of a second


@dataclass
class _Part:
    """Some rows: their seconds read with each order (the first stands for those left out), and bare
    numbers.
    """

    blank: NDArray[np.bool_] | None
    count: int
    seconds: dict[str, Floats] = field(default_factory=dict)
    bare: Floats | None = None


class DateReader:
    """Takes a column of dates piece by piece and gives its seconds since 1970 at the end.

    `filled` counts the cells that hold something, `unreadable` those of them that are no date, and
    `notes` says in sentences how the dates were taken, all once `finish` was called.
    """

    def __init__(self, order: str = "") -> None:
        self._order = order
        self._parts: list[_Part] = []
        self._fitting: dict[
            tuple[str, ...], str
        ] = {}  # sets of orders that some date fits, with an example
        self._example = ""  # a date that means two days
        self._firsts: set[int] = set()
        self._thirds: set[int] = set()
        self._late_day = False  # a year first, and a day above 12 in the last place
        self._day_second = ""
        self._digits: dict[int, str] = {}  # lengths of bare numbers, with an example
        self._dated = False
        self.unreadable = self.filled = 0
        self.notes: list[str] = []

    def add(self, dates: pa.Array) -> None:
        """Read some rows; "" is no date."""
        import pyarrow.compute as pc

        blank = pc.equal(dates, "").to_numpy(zero_copy_only=False)
        if blank.all():
            self._parts.append(_Part(None, len(dates)))
            return
        packed = dates.dictionary_encode()
        texts = pc.utf8_trim_whitespace(packed.dictionary)
        rows = packed.indices.to_numpy(zero_copy_only=False)
        part = _Part(pc.equal(texts, "").to_numpy(zero_copy_only=False)[rows], len(dates))
        readings, bare = self._read(texts)
        first = readings["dmy"]
        part.seconds = {
            name: values[rows]
            for name, values in readings.items()
            if name == "dmy" or not np.array_equal(values, first, equal_nan=True)
        }
        part.bare = bare[rows] if bare is not None else None
        self._parts.append(part)

    def _read(self, texts: pa.Array) -> tuple[dict[str, Floats], Floats | None]:
        import pyarrow as pa
        import pyarrow.compute as pc

        plain = self._iso(texts)
        readings = {name: plain.copy() for name in _ORDERS}
        places = np.flatnonzero(np.isnan(plain))
        lower = pc.utf8_lower(texts.take(pa.array(places)))
        for again in (False, True):
            if again:
                if not pc.any(pc.match_substring_regex(lower, _ROUGH)).as_py():
                    break
                lower = rewritten(lower)
            numbered_rows = self._numbers(lower, places, readings)
            places, lower = places[~numbered_rows], lower.filter(pa.array(~numbered_rows))
        words = worded(lower)
        for name in _ORDERS:
            readings[name][places] = words
        read = ~np.isnan(words)
        self._dated |= bool(read.any()) or len(places) < len(plain)
        places, lower = places[~read], lower.filter(pa.array(~read))
        return readings, self._bare(lower, places, len(plain))

    def _iso(self, texts: pa.Array) -> Floats:
        """Seconds of the dates in ISO 8601, by the fastest parser there is; NaN for the others."""
        import pandas as pd
        import pyarrow.compute as pc

        seconds = np.full(len(texts), np.nan)
        own = pc.match_substring_regex(texts, _ISO)
        places = np.flatnonzero(own.to_numpy(zero_copy_only=False))
        if len(places):
            read = pd.to_datetime(
                texts.filter(own).to_pandas(), errors="coerce", format="ISO8601", utc=True
            )
            exact = read.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
            seconds[places] = np.where(np.isnat(exact), np.nan, exact.astype(np.int64) / 1e6)
            self._late_day |= bool((read.dt.day > 12).any())
        return seconds

    def _numbers(
        self, texts: pa.Array, places: NDArray[np.int64], readings: dict[str, Floats]
    ) -> NDArray[np.bool_]:
        """Read dates of three numbers in all orders and remember what speaks for each; gives which
        rows they are.
        """
        if not len(texts):
            return np.zeros(0, dtype=np.bool_)
        parts = numbered(texts)
        fitting = parts.fitting
        if not fitting.any():
            return fitting
        a, b, c, clock, year_first = parts.a, parts.b, parts.c, parts.clock, ~parts.short_a
        last, short = full_years(c, parts.short_c), parts.short_a & parts.short_c
        iso = calendar(a, b, c)
        ways = {
            "dmy": calendar(last, b, a),
            "mdy": calendar(last, a, b),
            "ymd": np.where(short, calendar(full_years(a, short), b, c), np.nan),
        }
        self._late_day |= bool((year_first & ~np.isnan(iso) & (c > 12)).any())
        swapped = np.flatnonzero(year_first & np.isnan(iso) & ~np.isnan(calendar(a, c, b)))
        shown = texts.filter(_mask(fitting))
        if len(swapped) and not self._day_second:
            self._day_second = shown[int(swapped[0])].as_py()
        for name, seconds in ways.items():
            readings[name][places[fitting]] = np.where(year_first, iso, seconds) + clock
        self._weigh(ways, ~year_first & ~np.isnan(clock), shown)
        if short.any():
            self._firsts.update(a[short].tolist())
            self._thirds.update(c[short].tolist())
        return fitting

    def _weigh(self, ways: dict[str, Floats], counted: NDArray[np.bool_], texts: pa.Array) -> None:
        """Remember which orders there are that some date fits, with an example for each set of
        them.
        """
        fits = {name: counted & ~np.isnan(seconds) for name, seconds in ways.items()}
        codes = sum(
            (fits[name].astype(np.int64) << list(_ORDERS).index(name) for name in ways),
            np.zeros(len(counted), dtype=np.int64),
        )
        for code, place in zip(*np.unique(codes, return_index=True), strict=True):
            names = tuple(name for bit, name in enumerate(_ORDERS) if code >> bit & 1)
            if names:
                self._fitting.setdefault(names, texts[int(place)].as_py())
        apart = np.flatnonzero(fits["dmy"] & fits["mdy"] & (ways["dmy"] != ways["mdy"]))
        if len(apart) and not self._example:
            self._example = texts[int(apart[0])].as_py()

    def _bare(self, texts: pa.Array, places: NDArray[np.int64], count: int) -> Floats | None:
        """Numbers without any sign between, whose meaning only the whole column can tell."""
        import pyarrow as pa
        import pyarrow.compute as pc

        own = pc.match_substring_regex(texts, _PLAIN)
        if not pc.any(own).as_py():
            return None
        texts, places = (
            pc.replace_substring(texts.filter(own), ",", "."),
            places[own.to_numpy(zero_copy_only=False)],
        )
        numbers = np.full(count, np.nan)
        numbers[places] = texts.cast(pa.float64()).to_numpy()
        lengths = pc.utf8_length(pc.replace_substring_regex(texts, r"\..*", "")).to_numpy()
        for length, place in zip(*np.unique(lengths, return_index=True), strict=True):
            self._digits.setdefault(int(length), texts[int(place)].as_py())
        return numbers

    def finish(self) -> Floats:
        """Seconds since 1970 for all rows, NaN where there is no date or none that can be read.

        Raises:
            AmbiguousError: when the dates can be read in several orders, and mean other days then.
            DataError: when they are written with the day between year and month.
        """
        if self._day_second and not self._late_day:
            raise DataError(
                "The dates are written as year, day, month.",
                f"{self._day_second!r} has no other meaning.",
                "Write them as year-month-day, such as 2025-12-31.",
            )
        self._read_bare()
        order = self._order or self._decided()
        whole = [
            part.seconds.get(order, part.seconds.get("dmy", np.full(part.count, np.nan)))
            for part in self._parts
        ]
        self.unreadable = sum(
            int((np.isnan(values) & ~part.blank).sum())
            for values, part in zip(whole, self._parts, strict=True)
            if part.blank is not None
        )
        self.filled = sum(
            int((~part.blank).sum()) for part in self._parts if part.blank is not None
        )
        self._parts = []
        return np.concatenate(whole) if whole else np.empty(0)

    def _decided(self) -> str:
        """The one order that all dates fit, else the one that makes no difference."""
        possible = [name for name in _ORDERS if all(name in names for names in self._fitting)]
        if "ymd" in possible and len(possible) > 1 and len(self._firsts) >= len(self._thirds):
            possible.remove("ymd")  # days are many, years are few: the last place holds the year
        if len(possible) == 1:
            example = next((text for names, text in self._fitting.items() if len(names) == 1), "")
            because = f", because {example!r} has no other meaning" if example else ""
            self.notes.append(f"Dates are read as {_ORDERS[possible[0]]}{because}.")
            return possible[0]
        if possible and not self._example and "ymd" not in possible:
            return possible[0]
        rivals = possible or [
            name
            for name in _ORDERS
            if any(name in names for names in self._fitting)
            and (name != "ymd" or ("ymd",) in self._fitting)
        ]
        if possible:
            example = self._example or next(
                text for names, text in self._fitting.items() if len(names) > 1
            )
            why = (
                f"{example!r} could be {' or '.join(_shown(example, name) for name in rivals)}; no"
                " date decides it."
            )
            raise AmbiguousError(
                "It is not clear which number of the dates is the day and which the month.",
                why,
                "date_order",
                {name: f"{_ORDERS[name]}: {example} is {_shown(example, name)}" for name in rivals},
            )
        alone = {
            name: next(
                (
                    text
                    for names, text in self._fitting.items()
                    if name in names and not {*rivals} <= {*names}
                ),
                "",
            )
            for name in rivals
        }
        raise AmbiguousError(
            "The dates are not all written in the same order.",
            "; ".join(f"{text!r} can only be {_shown(text, name)}" for name, text in alone.items())
            + ".",
            "date_order",
            {
                name: (
                    f"{_ORDERS[name]}: {alone[name]} is {_shown(alone[name], name)}; rows that do"
                    " not fit have no date"
                )
                for name in rivals
            },
        )

    def _read_bare(self) -> None:
        """Give bare numbers the one meaning that all of them have."""
        held = [(part, part.bare) for part in self._parts if part.bare is not None]
        if not held:
            return
        numbers = np.concatenate([bare[~np.isnan(bare)] for _, bare in held])
        meanings, start = self._meanings(numbers, {*self._digits}), 0
        for part, bare in held:
            here = ~np.isnan(bare)
            end = start + int(here.sum())
            plain = part.seconds["dmy"].copy()
            for name, seconds in meanings.items():
                part.seconds.setdefault(name, plain.copy())[here] = seconds[start:end]
            part.bare, start = None, end

    def _meanings(self, numbers: Floats, lengths: set[int]) -> dict[str, Floats]:
        """Seconds for each order in which numbers of these lengths can be read."""
        if lengths <= {4, 6, 7, 8}:
            whole = numbers.astype(np.int64)
            years_first = _run_together(whole)
            if not lengths <= {7, 8} or not np.isnan(years_first).any():
                return dict.fromkeys(_ORDERS, years_first)
            first, second, years = whole // 10**6, whole // 10**4 % 100, whole % 10**4
            ways = {"dmy": calendar(years, second, first), "mdy": calendar(years, first, second)}
            if max(int((~np.isnan(way)).sum()) for way in ways.values()) <= int(
                (~np.isnan(years_first)).sum()
            ):
                return dict.fromkeys(_ORDERS, years_first)
            self._weigh(ways, np.ones(len(whole), dtype=np.bool_), _texts(whole))
            return {**ways, "ymd": years_first}
        if self._dated:
            return {}
        if lengths == {5} and ((numbers >= 20_000) & (numbers <= 60_000)).all():
            self.notes.append(
                "Dates are numbers of days since 1900, as spreadsheets keep them"
                f" ({self._digits[5]})."
            )
            return dict.fromkeys(_ORDERS, (numbers + _EXCEL_ZERO) * _DAY)
        if lengths <= {*_UNITS}:
            self.notes.append(
                "Dates are numbers of seconds or milliseconds since 1970 (Unix time)."
            )
            parts = np.ones_like(numbers)
            for digits, unit in _UNITS.items():
                parts[numbers >= 10.0 ** (digits - 1)] = unit
            return dict.fromkeys(_ORDERS, numbers / parts)
        return {}


def _run_together(numbers: NDArray[np.int64]) -> Floats:
    """Seconds of 2025, 202512 and 20251231; NaN for what is none of these."""
    day, month = numbers >= 10**7, (numbers >= 10**5) & (numbers < 10**7)
    years = np.where(day, numbers // 10**4, np.where(month, numbers // 100, numbers))
    months = np.where(day, numbers // 100 % 100, np.where(month, numbers % 100, 1))
    seconds = calendar(years, months, np.where(day, numbers % 100, 1))
    return np.where((years >= 1000) & (years < 3000), seconds, np.nan)


def _texts(numbers: NDArray[np.int64]) -> pa.Array:
    """Numbers as dates with signs between."""
    import pyarrow as pa

    return pa.array(
        [
            f"{number // 10**6:02}/{number // 10**4 % 100:02}/{number % 10**4}"
            for number in numbers.tolist()
        ]
    )


def _mask(values: NDArray[np.bool_]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values)


def _shown(text: str, order: str) -> str:
    """A date as a person would say it, read in one order."""
    import pyarrow as pa

    parts = numbered(rewritten(pa.array([text])))
    if not parts.fitting.any():
        return "no date"
    a, b, c = int(parts.a[0]), int(parts.b[0]), int(parts.c[0])
    day, month, year = {"dmy": (a, b, c), "mdy": (b, a, c), "ymd": (c, b, a)}[order]
    whole = int(full_years(np.array([year]), np.array([year < 100]))[0])
    seconds = float(calendar([whole], [month], [day])[0])
    return (
        f"{np.datetime64(int(seconds), 's').item():%-d %B %Y}"
        if np.isfinite(seconds)
        else "no date"
    )
