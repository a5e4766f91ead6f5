"""Dates are read in one order for the whole column, in the spellings that people and programs
use.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tl_core.data.cells.dates import DateReader
from tl_core.data.versions.collector import as_seconds
from tl_core.errors import AmbiguousError, DataError


def read(*dates, order="", chunk=0):
    reader = DateReader(order)
    cells = pa.array(dates, pa.string())
    for start in range(0, len(dates), chunk or len(dates)):
        reader.add(cells.slice(start, chunk or len(dates)))
    return [
        (
            None
            if np.isnan(value)
            else (datetime(1970, 1, 1) + timedelta(seconds=value))
            .isoformat(" ")
            .removesuffix(" 00:00:00")
        )
        for value in reader.finish().tolist()
    ], reader


@pytest.mark.parametrize("sign", ["/", "-", ".", " "])
@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_a_value_above_twelve_decides_the_order_of_all(sign, chunk):
    days = [
        text.replace("/", sign) for text in ("03/01/2024", "04/06/2024", "25/06/2024", "05/07/2024")
    ]
    assert read(*days, chunk=chunk)[0] == ["2024-01-03", "2024-06-04", "2024-06-25", "2024-07-05"]
    months = [text.replace("/", sign) for text in ("03/01/2024", "04/06/2024", "06/25/2024")]
    assert read(*months, chunk=chunk)[0] == ["2024-03-01", "2024-04-06", "2024-06-25"]


@pytest.mark.parametrize(
    ("dates", "found"),
    [
        (("25.12.23", "05.01.24"), ["2023-12-25", "2024-01-05"]),
        (("12/25/99", "01/05/00"), ["1999-12-25", "2000-01-05"]),
        (("99-12-31", "01-02-03"), ["1999-12-31", "2001-02-03"]),
        (
            ("5/13/2024 1:05 PM", "5/2/2024 12:30 am"),
            ["2024-05-13 13:05:00", "2024-05-02 00:30:00"],
        ),
        (("13/5/2024 13:05:59", "2/5/2024, 08:00"), ["2024-05-13 13:05:59", "2024-05-02 08:00:00"]),
        (("Mon 03/02/2026", "Fri, 13/02/2026"), ["2026-02-03", "2026-02-13"]),
        (("15. 3. 2024 14.30 Uhr", "5.3.2024"), ["2024-03-15 14:30:00", "2024-03-05"]),
        (("31122024", "05012024"), ["2024-12-31", "2024-01-05"]),
        (("31/12/2024", "", "  ", "31/02/2024", "soon", "13/13/2024"), ["2024-12-31"] + [None] * 5),
    ],
)
def test_dates_of_three_numbers(dates, found):
    assert read(*dates)[0] == found


@pytest.mark.parametrize(
    "dates",
    [
        ("01/02/2024", "03/04/2024"),
        ("1-2-24", "3-4-24"),
        ("01.02.2024",),
        ("02/02/2024", "2024-05-31", "05/06/2024"),
        ("01/02/2024 10:00", "11/12/2024 11:00"),
    ],
)
def test_dates_that_could_be_either_are_asked_about(dates):
    with pytest.raises(AmbiguousError) as caught:
        read(*dates)
    assert (caught.value.option, list(caught.value.choices)) == ("date_order", ["dmy", "mdy"])
    assert read(*dates, order="dmy")[0] != read(*dates, order="mdy")[0]


def test_the_question_shows_what_each_answer_means():
    with pytest.raises(AmbiguousError) as caught:
        read("01/01/2024", "03/04/2025")
    assert caught.value.choices == {
        "dmy": "day, month, year: 03/04/2025 is 3 April 2025",
        "mdy": "month, day, year: 03/04/2025 is 4 March 2025",
    }


def test_an_order_that_some_rows_contradict_is_asked_about():
    with pytest.raises(AmbiguousError, match="not all written in the same order") as caught:
        read("25/12/2024", "12/26/2024")
    assert "25 December 2024" in caught.value.choices["dmy"]
    found, reader = read("25/12/2024", "12/26/2024", "01/02/2024", order="dmy")
    assert (found, reader.unreadable) == (["2024-12-25", None, "2024-02-01"], 1)


def test_years_first_with_two_digits_are_asked_about_where_years_are_few():
    with pytest.raises(AmbiguousError) as caught:
        read("24-01-05", "24-02-17", "23-12-31")
    assert list(caught.value.choices) == ["dmy", "ymd"]
    assert read("24-01-05", order="ymd")[0] == ["2024-01-05"]


def test_what_is_the_same_both_ways_is_not_asked_about():
    assert read("01/01/2024", "02/02/2024", "12.12.2024")[0] == [
        "2024-01-01",
        "2024-02-02",
        "2024-12-12",
    ]


@pytest.mark.parametrize(
    "dates", [("2024/13/01", "2024/05/06"), ("2024-31-12",), ("2024.25.06", "2024.01.02")]
)
def test_a_day_between_year_and_month_is_refused(dates):
    with pytest.raises(DataError, match="year, day, month"):
        read(*dates)


def test_one_slip_among_iso_dates_has_no_date():
    assert read("2024-12-31", "2024-31-12")[0] == ["2024-12-31", None]


@pytest.mark.parametrize(
    ("date", "found"),
    [
        ("2024-01-02T10:20:30Z", "2024-01-02 10:20:30"),
        ("2024-01-02 10:20:30.5+02:00", "2024-01-02 08:20:30.500000"),
        ("2024-01-02T10:20:30-0530", "2024-01-02 15:50:30"),
        ("2024-1-2", "2024-01-02"),
        ("2024/01/02", "2024-01-02"),
        ("20240102T102030Z", "2024-01-02 10:20:30"),
        ("20240102102030", "2024-01-02 10:20:30"),
        ("2024-01-02T10", "2024-01-02 10:00:00"),
        ("1850-07-01", "1850-07-01"),
        ("0001-01-01", "0001-01-01"),
        ("3 Feb 2026", "2026-02-03"),
        ("Feb 3, 2026", "2026-02-03"),
        ("February 3rd 2026", "2026-02-03"),
        ("5th of March 2023", "2023-03-05"),
        ("03-FEB-26", "2026-02-03"),
        ("2026-Feb-03", "2026-02-03"),
        ("Tue, 3 Feb 2026 10:00:00 +0100", "2026-02-03 09:00:00"),
        ("Sunday, March 5, 2023 3:04 PM", "2023-03-05 15:04:00"),
        ("Mon Apr 06 22:19:45 PDT 2009", "2009-04-07 05:19:45"),
        ("Mon Apr 06 22:19:45 +0000 2009", "2009-04-06 22:19:45"),
        ("Mon Apr 06 2009 22:19:45 GMT-0700 (PDT)", "2009-04-07 05:19:45"),
        ("Thu Apr  2 2:19:45 2009", "2009-04-02 02:19:45"),
        ("06/Apr/2009:22:19:45 +0000", "2009-04-06 22:19:45"),
        ("10:30 AM · Feb 3, 2026", "2026-02-03 10:30:00"),
        ("3. März 2026", "2026-03-03"),
        ("12. Okt. 2025", "2025-10-12"),
        ("den 1. Jänner 2025", "2025-01-01"),
        ("1er août 2024", "2024-08-01"),
        ("14 févr. 2024 10h30", "2024-02-14 10:30:00"),
        ("lundi 3 juin 2024", "2024-06-03"),
        ("5 de enero de 2024", "2024-01-05"),
        ("7 ago 2024", "2024-08-07"),
        ("9 settembre 2023", "2023-09-09"),
        ("25 de dezembro de 2024", "2024-12-25"),
        ("2 mrt 2024", "2024-03-02"),
        ("2024年1月5日", "2024-01-05"),
        ("２０２４／１２／３１", "2024-12-31"),
        ("2024년 1월 5일", "2024-01-05"),
        ("Feb 2024", "2024-02-01"),
        ("Jan-24", "2024-01-01"),
        ("05/2024", "2024-05-01"),
        ("2024-05", "2024-05-01"),
        ("2024", "2024-01-01"),
        ("20240105", "2024-01-05"),
        ("202405", "2024-05-01"),
        ("1700000000", "2023-11-14 22:13:20"),
        ("1700000000123", "2023-11-14 22:13:20.123000"),
        ("999648000", "2001-09-05"),
        ("45321", "2024-01-30"),
        ("45321.5", "2024-01-30 12:00:00"),
        ("nonsense", None),
        ("12", None),
        ("70000", None),
        ("10:30", None),
        ("Tuesday", None),
        ("2024-02-30", None),
        ("3 Foo 2024", None),
        ("2024-01-02 25:00", None),
        ("123456", None),
    ],
)
def test_one_date_in_each_usual_spelling(date, found):
    read_dates, reader = read(date, "")
    assert read_dates == [found, None]
    assert reader.unreadable == (found is None)


def test_numbers_mean_one_thing_in_the_whole_column():
    assert read("45321", "2024-01-01")[0] == [None, "2024-01-01"]
    assert read("1700000000", "12")[0] == ["2023-11-14 22:13:20", None]
    assert read("2021", "2021-05", "2021-05-03", chunk=1)[0] == [
        "2021-01-01",
        "2021-05-01",
        "2021-05-03",
    ]
    assert read("45321", "45322", "", chunk=1)[0] == ["2024-01-30", "2024-01-31", None]
    assert read("45321", "99999")[0] == [None, None]


def test_what_was_taken_is_said():
    assert read("25/12/2024", "01/02/2024")[1].notes == [
        "Dates are read as day, month, year, because '25/12/2024' has no other meaning."
    ]
    assert "spreadsheets" in read("45321")[1].notes[0]
    assert "1970" in read("1700000000")[1].notes[0]
    assert read("2024-01-01", "")[1].notes == []


def test_columns_without_dates_and_single_calls():
    assert read("", "")[0] == [None, None]
    assert DateReader().finish().tolist() == []
    assert as_seconds(pa.array(["01/02/1970"]), "mdy").tolist() == [86_400.0]


@pytest.mark.parametrize(
    "spelling",
    [
        "%Y-%m-%d %H:%M:%S",
        "%m/%d/%Y %I:%M:%S %p",
        "%d.%m.%y %H:%M",
        "%d %B %Y",
        "%a %b %d %H:%M:%S UTC %Y",
        "%Y%m%d",
    ],
)
def test_many_dates_are_what_python_wrote(spelling):
    moments = [
        datetime(1999, 3, 1, tzinfo=UTC) + timedelta(days=3.01 * number) for number in range(3000)
    ]
    written = [moment.strftime(spelling) for moment in moments]
    wanted = [datetime.strptime(text, spelling).replace(tzinfo=UTC).timestamp() for text in written]
    reader = DateReader()
    for start in range(0, 3000, 700):
        reader.add(pa.array(written[start : start + 700]))
    start_time = time.perf_counter()
    assert np.allclose(reader.finish(), wanted, atol=1e-3)
    assert time.perf_counter() - start_time < 1
