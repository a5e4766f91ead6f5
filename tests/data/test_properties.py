"""Readers under random input: what is written comes back, and what is no table or picture is
refused in words.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests_support.datasets import LIMITS

from tl_core.data.checks.image_facts import picture_facts
from tl_core.data.checks.text_facts import clean_label, text_facts
from tl_core.data.pictures.images import open_image
from tl_core.data.sources.archive import unpack
from tl_core.data.sources.detect import open_source
from tl_core.data.tables.reading import Reading, clean_names
from tl_core.data.tables.table import read_table
from tl_core.data.versions.export import _place
from tl_core.errors import DataError, UserError

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=40
)
TABLE = st.lists(st.tuples(CELL, CELL, CELL), min_size=2, max_size=12)
NAMES = ("text", "label", "third")


def read(content: bytes, suffix: str, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        path.write_bytes(content)
        rows = [
            row
            for part in read_table(path, Reading(**options), chunk_rows=5)
            for row in part.cells.to_pylist()
        ]
    return [tuple(row[name] for name in NAMES) for row in rows]


@QUICK
@given(
    TABLE,
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_delimited_tables_come_back_as_they_were_written(rows, separator, encoding, ending):
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator=ending)
    writer.writerows([NAMES, *rows])
    assert read(sink.getvalue().encode(encoding), ".csv") == rows


@QUICK
@given(TABLE)
def test_json_lines_come_back(rows):
    lines = "\n".join(json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows)
    assert read(lines.encode(), ".jsonl") == rows
    content = json.dumps([dict(zip(NAMES, row, strict=True)) for row in rows])
    assert read(content.encode(), ".json") == rows


@QUICK
@given(TABLE)
def test_parquet_comes_back(rows):
    sink = io.BytesIO()
    pd.DataFrame(rows, columns=list(NAMES), dtype=str).to_parquet(sink)
    assert read(sink.getvalue(), ".parquet") == rows


@settings(QUICK, max_examples=25)
@given(
    st.lists(
        st.tuples(
            *[st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20)]
            * 3
        ),
        min_size=2,
        max_size=8,
    )
)
def test_sheets_come_back(rows):
    sink = io.BytesIO()
    frame = pd.DataFrame([tuple(f"x{cell}" for cell in row) for row in rows], columns=list(NAMES))
    frame.to_excel(sink, index=False)
    assert read(sink.getvalue(), ".xlsx") == [tuple(row) for row in frame.itertuples(index=False)]


@QUICK
@given(
    st.binary(max_size=3000),
    st.sampled_from([".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".xlsx"]),
)
def test_any_bytes_are_read_or_refused_in_words(content, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        path.write_bytes(content)
        try:
            for _ in read_table(path):
                pass
        except UserError as error:
            assert error.what


@QUICK
@given(st.text(max_size=400), st.sampled_from([".csv", ".jsonl", ".json"]))
def test_any_text_is_read_or_refused_in_words(content, suffix):
    test_any_bytes_are_read_or_refused_in_words.hypothesis.inner_test(
        content.encode("utf-8", "replace"), suffix
    )


def picture(kind):
    buffer = io.BytesIO()
    Image.effect_noise((24, 24), 50).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


PICTURES = {kind: picture(kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")}


@settings(QUICK, max_examples=300)
@given(
    st.sampled_from(sorted(PICTURES)),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=12),
    st.integers(0, 5000),
)
def test_damaged_pictures_open_or_are_refused_in_words(kind, changes, cut):
    data = bytearray(PICTURES[kind])
    for place, value in changes:
        data[place % len(data)] = value
    data = bytes(data[: max(10, cut)])
    for reader in (open_image, picture_facts):
        try:
            reader(data)
        except DataError as error:
            assert error.what


@QUICK
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=8))
def test_zips_never_write_outside_and_never_crash(names):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        try:
            with zipfile.ZipFile(root / "z.zip", "w") as archive:
                for name in dict.fromkeys(names):
                    archive.writestr(name, b"x")
        except (UnicodeError, ValueError, IndexError):  # zipfile cannot write every name
            return
        (root / "in").mkdir()
        try:
            unpack(root / "z.zip", root / "in" / "out", LIMITS)
        except DataError as error:
            assert error.what
        assert {path.name for path in root.iterdir()} == {"z.zip", "in"}
        assert {path.name for path in (root / "in").iterdir()} <= {"out"}


@QUICK
@given(st.binary(max_size=2000))
def test_any_bytes_as_a_zip_are_refused_in_words(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "z.zip"
        path.write_bytes(b"PK\x03\x04" + content)
        with pytest.raises(DataError):
            open_source(path, Path(folder) / "s", LIMITS)


@QUICK
@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=10))
def test_facts_of_any_text_are_whole(texts):
    import pyarrow as pa

    facts = text_facts(
        pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.string())
    )
    assert all(len(values) == len(texts) for values in facts.values())


@QUICK
@given(st.lists(st.text(max_size=20), min_size=1, max_size=10))
def test_column_names_are_clean_different_and_never_empty(names):
    found = clean_names(names)
    assert len(set(found)) == len(names)
    assert all(name and name.isprintable() for name in found)


@QUICK
@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=80))
def test_places_in_a_zip_are_safe_and_different(split, label, name):
    used: set[str] = set()
    first, second = (_place("train", clean_label(label), name, used) for _ in range(2))
    assert first != second
    for place in (first, second):
        assert not place.startswith("/")
        assert ".." not in place.split("/")
        assert not set(':*?"<>|\\\0\n') & set(place)
