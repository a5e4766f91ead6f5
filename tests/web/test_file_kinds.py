"""What files are by their first bytes; what is what it says passes, whatever is in it."""

from __future__ import annotations

import gzip
import io
import time
import zipfile

import pandas as pd
import pytest
from PIL import Image
from tests_support.recordings import encoded, vowel

from tl_core.web.file_kinds import HEAD, UnfitFileError, check_kind, kind_of

WORDS = "text,label\nGrüße aus München,good\nnaïve café,bad\n" * 50


def picture(form):
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(target, form)
    return target.getvalue()


def written(way, **options):
    target = io.BytesIO()
    frame = pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]})
    getattr(frame, way)(target, index=False, **options)
    return target.getvalue()


def packed():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a/1.jpg", picture("JPEG"))
    return target.getvalue()


COMMENTS = [
    b"<!---->" * 60 + b"x",
    b"<!--" * 9000,
    b"<!-- a -->\n\t " * 4000,
    b"<?xml ?>" * 8000 + b"<",
    b" \n" * 30_000,
    b"P1\n" + b"# a\n " * 9000,
]


@pytest.mark.parametrize("head", COMMENTS, ids=lambda head: head[:9].decode())
def test_looking_takes_no_time_whatever_stands_there(head):
    began = time.process_time()
    assert kind_of(head) == "text"
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xef\xbb\xbf",
        b" \n\t",
        b"<!-- a -->" * 500,
        b'<?xml version="1.0"?>\n<!-- > -- -->\n',
        b"\n<!----><?xml ?> ",
    ],
)
@pytest.mark.parametrize("page", [b"<html>", b"<!DOCTYPE html>", b"<SVG x='1'>", b"<script>"])
def test_a_page_is_found_behind_what_may_stand_before_it(before, page):
    assert kind_of(before + page) == "a web page or an SVG drawing"


FINE = {
    "notes.csv": WORDS.encode(),
    "utf16.csv": WORDS.encode("utf-16"),
    "unmarked.csv": WORDS.encode("utf-16-le"),
    "marked.tsv": b"\xef\xbb\xbf" + WORDS.encode(),
    "western.txt": WORDS.encode("cp1252"),
    "chinese.csv": ("文本,标签\n" + "你好世界,好\n" * 100).encode("gb18030"),
    "stray.csv": WORDS.encode() + b"\0" + WORDS.encode(),
    "odd.csv": b"P1 12 30 hello\nBM of it,x\n",
    "begins.csv": b"MZ is a postcode,x\n" * 90,
    "quoted.csv": b'"<b>Great film</b>",pos\n' * 90,
    "tags.tsv": b"<p>Great film</p>\tpos\n" * 90,
    "comments.csv": b"#! made by a tool\na,b\n",
    "rows.jsonl": b'{"text": "<html>", "label": "x"}\n' * 90,
    "book.xlsx": written("to_excel"),
    "renamed.xls": written("to_excel"),
    "renamed.csv": written("to_excel"),
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    "rows.parquet": written("to_parquet"),
    "photos.zip": packed(),
    "rows.csv.gz": gzip.compress(WORDS.encode()),
    "vectors.bin": bytes(range(256)) * 9,
    "nothing known": bytes(range(256)) * 9,
    **{f"photo.{form.lower()}": picture(form) for form in ("JPEG", "PNG", "GIF", "BMP", "TIFF")},
    **{f"photo.{form.lower()}": picture(form) for form in ("WEBP", "PPM", "AVIF")},
    "really_a.png": picture("JPEG"),
}
WRONG = {
    "table.parquet": WORDS.encode(),
    "table.csv": written("to_parquet"),
    "table.json": packed(),
    "photos.zip": picture("PNG"),
    "photo.png": WORDS.encode(),
    "photo.jpg": packed(),
    "rows.jsonl": gzip.compress(WORDS.encode()),
    "rows.txt": b"%PDF-1.7\n" + bytes(range(256)) * 9,
    "rows.tsv": bytes(range(256)) * 9,
    "rows.gz": WORDS.encode(),
}
REFUSED = {
    "elf": b"\x7fELF\x02\x01\x01\0" + bytes(64),
    "windows": b"MZ\x90\0\x03\0\0\0" + bytes(52) + b"\x40\0\0\0PE\0\0",
    "mac": b"\xcf\xfa\xed\xfe\x07\0\0\x01" + bytes(64),
    "fat mac or java": b"\xca\xfe\xba\xbe\0\0\0\x02",
    "web assembly": b"\0asm\x01\0\0\0",
    "script": b"#!/bin/sh\nrm -rf /\n",
    "link": b"L\0\0\0\x01\x14\x02\0" + bytes(64),
    "html": b"<!DOCTYPE html>\n<html>",
    "html after blanks": b"\xef\xbb\xbf \n\t<HTML lang=en>",
    "html after a comment": b"<!-- hello --><html>",
    "html in utf-16": "<html><body>".encode("utf-16"),
    "bare script": b"<script>alert(1)</script>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'>",
    "svg as xml": b"<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE svg PUBLIC ''>\n<svg>",
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_what_it_says_passes(name):
    check_kind(name, FINE[name][:HEAD])
    check_kind(name.upper(), FINE[name][:HEAD])


@pytest.mark.parametrize("name", WRONG)
def test_another_content_than_the_name_says_is_refused(name):
    with pytest.raises(UnfitFileError, match="not what its name says"):
        check_kind(name, WRONG[name][:HEAD])


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", ["data.csv", "data.zip", "data.png", "data", "data.bin"])
def test_what_can_run_is_refused_under_any_name(kind, name):
    with pytest.raises(UnfitFileError, match="can run code"):
        check_kind(name, REFUSED[kind])


def test_hardly_anything_can_be_said_of_a_byte():
    assert kind_of(b"a") == "text" and kind_of(b"\0") == "text" and kind_of(b"\x89") == "text"


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF"])
def test_recordings_pass_under_their_own_endings_alone(form):
    data = encoded(vowel("a"), format=form)
    assert kind_of(data[:HEAD]) == "a recording"
    check_kind(f"clip.{form.lower()}", data[:HEAD])
    with pytest.raises(UnfitFileError, match="not what its name says"):
        check_kind("clip.png", data[:HEAD])
    with pytest.raises(UnfitFileError, match="not what its name says"):
        check_kind(f"clip.{form.lower()}", picture("PNG"))
