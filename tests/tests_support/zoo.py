"""Files made to do harm: each a name, its content, and words of the sentence that must answer it.

`make` writes them below a folder. Where the words are empty the file must be read, with its sting
drawn.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Maker = Callable[[Path], None]
GOOD = "text,label\n" + "".join(f"message number {i} of many,{'ab'[i % 2]}\n" for i in range(20))


class _Evil:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("/tmp/graft-was-here", "w")


def _png(side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _sized_png(width: int, height: int) -> bytes:
    """A PNG whose header promises more pixels than follow."""
    data = bytearray(_png())
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def _wave(rate: int = 8000, channels: int = 1, seconds: float = 0.5, promised: int = 0) -> bytes:
    """A WAV file of noise, the same for the same arguments; its header may promise other bytes."""
    samples = random.Random(repr((rate, seconds))).randbytes(int(2 * 8000 * min(seconds, 60)))
    samples *= int(-(-seconds // 60)) or 1
    fields = (16, 1, channels, rate, 2 * rate * channels, 2 * channels, 16)
    size = promised or len(samples)
    header = b"WAVEfmt " + struct.pack("<IHHIIHH", *fields) + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", 36 + size) + header + samples


def _sounds(extra: dict[str, bytes]) -> Maker:
    """A good zip of two classes of recordings with something beside it."""
    good = {
        f"{name}/{number}.wav": _wave(seconds=0.5 + 0.01 * number + 0.1 * (name == "meow"))
        for name in ("bark", "meow")
        for number in range(4)
    }
    return _zip(good | extra)


def _zip(entries: dict[str, bytes], **options: int) -> Maker:
    def make(path: Path) -> None:
        with zipfile.ZipFile(
            path, "w", options.get("compression", zipfile.ZIP_DEFLATED)
        ) as archive:
            for name, content in entries.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = options.get("mode", 0o644) << 16
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED)

    return make


def _pictures(more: dict[str, bytes]) -> Maker:
    """A good zip of two classes with something beside it."""
    return _zip(
        {
            f"{label}/{number}.png": _png(30 + number)
            for label in ("cat", "dog")
            for number in range(4)
        }
        | more
    )


def _text(content: str | bytes) -> Maker:
    return lambda path: (
        path.write_bytes(content.encode() if isinstance(content, str) else content) and None
    )


def _long_line(path: Path) -> None:
    with path.open("wb") as sink:
        sink.write(b"text,label\n")
        for _ in range(300):
            sink.write(b"x" * (1 << 20))


def _zeros(path: Path, name: str = "a.csv", count: int = 1 << 30) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as sink,
    ):
        for _ in range(count >> 20):
            sink.write(b"\0" * (1 << 20))


def _encrypted(path: Path) -> None:
    _pictures({})(path)
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(mark, place + 4)
    path.write_bytes(data)


def _lying(path: Path) -> None:
    """The directory promises ten bytes for every file; more come."""
    _zip({"a.csv": GOOD.encode() * 1000})(path)
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    path.write_bytes(data)


def _parquet_bomb(path: Path) -> None:
    """Two megabytes of text, a million times, in a few kilobytes."""
    text = pa.DictionaryArray.from_arrays(
        pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * (2 << 20)])
    )
    pq.write_table(
        pa.table({"text": text, "label": pa.array(["a", "b"] * 500_000)}), path, compression="zstd"
    )


def _wide_parquet(path: Path) -> None:
    pq.write_table(pa.table({f"c{i}": ["x", "y"] for i in range(3000)}), path)


def _xlsx(parts: dict[str, bytes]) -> Maker:
    return _zip({"[Content_Types].xml": b"<Types/>", **parts})


def _xlsx_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as sink:
            for _ in range(500):
                sink.write(b" " * (1 << 20))


def _billion_laughs(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    buffer = io.BytesIO()
    book.save(buffer)
    entity = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    bomb = (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entity}]>'
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&l9;</t></si></sst>'
    )
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, bomb if entry == "xl/workbook.xml" else old.read(entry))


def _deep_json(path: Path) -> None:
    path.write_text('{"text": ' + "[" * 100_000 + "]" * 100_000 + ', "label": "a"}\n')


_BAD_NAMES = (
    "<script>alert(1)</script>",
    "![x](http://evil.example/x.png)",
    ":red[text] $5$",
    "=cmd|' /C calc'!A0",
    "a\u202egnp.exe",
    "tab\there\x07bell",
)
ZOO: dict[str, tuple[str, Maker, str]] = {
    "path up": ("a.zip", _zip({"../../evil.png": b"x"}), "outside itself"),
    "absolute path": ("b.zip", _zip({"/tmp/evil.png": b"x"}), "outside itself"),
    "drive letter": ("c.zip", _zip({"C:\\evil.png": b"x"}), "outside itself"),
    "back slashes": ("d.zip", _zip({"..\\..\\evil.png": b"x"}), "outside itself"),
    "link": ("e.zip", _zip({"cat/1.png": b"/etc/passwd"}, mode=0o120777), "holds a link"),
    "bomb of zeros": ("f.zip", _zeros, "bomb"),
    "bomb of a picture": ("g.zip", lambda path: _zeros(path, "cat/1.png"), "bomb"),
    "200,000 entries": (
        "h.zip",
        _zip({f"{i}.txt": b"" for i in range(200_000)}),
        "limit is 100,000",
    ),
    "40 folders deep": ("i.zip", _zip({"a/" * 40 + "1.png": b"x"}), "folders 41 deep"),
    "password": ("j.zip", _encrypted, "password"),
    "cut zip": ("k.zip", _text(b"PK\x03\x04" + b"\0" * 40), "cannot be read"),
    "zip in a zip": (
        "l.zip",
        _zip({"inner.zip": b"PK\x05\x06" + b"\0" * 18}),
        "no photos, recordings, texts or tables",
    ),
    "lying sizes": ("m.zip", _lying, "cannot be read"),
    "unknown packing": ("n.zip", _text(b""), "cannot be read"),
    "executable as csv": ("o.csv", _text(b"\x7fELF\x02\x01\x01" + b"\0" * 500), "not a text file"),
    "zip as csv": ("p.csv", lambda path: _pictures({})(path), "not a text file"),
    "picture as csv": ("q.csv", _text(_png()), "not a text file"),
    "pickle as csv": ("r.csv", _text(pickle.dumps([_Evil()] * 3)), "not a text file"),
    "pickle as parquet": ("s.parquet", _text(pickle.dumps(_Evil())), "Parquet file"),
    "pickle as xlsx": ("t.xlsx", _text(pickle.dumps(_Evil())), "Excel file"),
    "pickle": ("u.pkl", _text(pickle.dumps(_Evil())), "can run code"),
    "torch weights": ("v.pt", _text(b"x"), "can run code"),
    "numpy pickle": ("w.npy", _text(b"x"), "can run code"),
    "gzip bomb": ("x.gz", _text(gzip.compress(b"\0" * (64 << 20))), "packed with gzip"),
    "line of 300 MB": ("y.csv", _long_line, "longer than 8 MB"),
    "open quotation mark": ("z.csv", _text(GOOD + '"' + "x\n" * (12 << 20)), "never closed"),
    "100,000 columns": (
        "aa.csv",
        _text(",".join(f"c{i}" for i in range(100_000)) + "\n" + "1," * 99_999 + "1\n"),
        "limit is 1,000",
    ),
    "1,500 columns in JSON": (
        "ab.jsonl",
        _text("\n".join(json.dumps({f"c{i}": "x"}) for i in range(1500))),
        "over 1,000 columns",
    ),
    "deep JSON": ("ac.jsonl", _deep_json, "damaged"),
    "deep JSON list": ("ad.json", _text("[" * 200_000), "JSON"),
    "JSON line of 20 MB": (
        "ae.jsonl",
        _text('{"text": "' + "x" * (20 << 20) + '"}'),
        "longer than 8 MB",
    ),
    "NUL in the middle": ("af.csv", _text(GOOD + "\0" * 5), "not a text file"),
    "half the rows ragged": ("ag.csv", _text(GOOD + "a,b,c,d\n" * 30), "Expected 2 columns"),
    "parquet bomb": ("ah.parquet", _parquet_bomb, "as a decompression bomb does"),
    "3,000 columns in Parquet": ("ai.parquet", _wide_parquet, "limit is 1,000"),
    "cut parquet": ("aj.parquet", _text(b"PAR1" + b"\0" * 50 + b"PAR1"), "Parquet file"),
    "xlsx bomb": ("ak.xlsx", _xlsx_bomb, "as a zip bomb does"),
    "billion laughs": ("al.xlsx", _billion_laughs, "Excel file"),
    "xlsx without sheets": ("am.xlsx", _xlsx({}), "Excel file"),
    "zip as xlsx": ("an.xlsx", _zip({"a.txt": b"x"}), "not an Excel file"),
    "200 megapixels": ("ao.zip", _pictures({"cat/huge.png": _sized_png(20_000, 10_000)}), ""),
    "four billion pixels": ("ap.zip", _pictures({"cat/huge.png": _sized_png(60_000, 60_000)}), ""),
    "one pixel": ("aq.zip", _pictures({"cat/dot.png": _png(1)}), ""),
    "cut picture": ("ar.zip", _pictures({"cat/cut.png": _png(90)[:300]}), ""),
    "hours of sound promised": (
        "ba.zip",
        _sounds({"bark/x.wav": _wave(promised=2_000_000_000)}),
        "",
    ),
    "192 channels": ("bb.zip", _sounds({"bark/x.wav": _wave(channels=192)}), ""),
    "sound of no rate": ("bc.zip", _sounds({"bark/x.wav": _wave(rate=0)}), ""),
    "two minutes of sound": ("bd.zip", _sounds({"bark/x.wav": _wave(seconds=120)}), ""),
    "text as sound": ("be.zip", _sounds({"bark/x.wav": b"bark,meow\n" * 99}), ""),
    "no sound": ("bf.zip", _sounds({"bark/x.wav": _wave(seconds=0)}), ""),
    "HTML as picture": (
        "as.zip",
        _pictures({"cat/page.png": b"<html><script>alert(1)</script>"}),
        "",
    ),
    "SVG": ("at.zip", _pictures({"cat/drawing.svg": b"<svg onload='alert(1)'/>"}), ""),
    "program among pictures": (
        "au.zip",
        _pictures({"cat/setup.exe": b"MZ", "cat/x.png.exe": b"MZ"}),
        "",
    ),
    "names that write": (
        "av.csv",
        _text(
            "text,label\n"
            + "".join(f'"message {i} here","{name}"\n' for i in range(5) for name in _BAD_NAMES)
        ),
        "",
    ),
    "columns that write": (
        "aw.csv",
        _text(
            "text,label,<b>x</b>,=1+1,\x07bell\n"
            + "".join(f"message {i},{'ab'[i % 2]},1,2,3\n" for i in range(20))
        ),
        "",
    ),
    "501 classes": (
        "ax.csv",
        _text("text,label\n" + "".join(f"t {i},class {i % 501}x\n" for i in range(1600))),
        "501",
    ),
    "nothing": ("ay.csv", _text(b""), "is empty"),
    "a header alone": ("az.csv", _text("text,label\n"), "no rows"),
}


def make(root: Path) -> dict[str, tuple[Path, str]]:
    """Write the whole zoo below `root`; gives for each animal its path and the expected words."""
    root.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, (file, maker, words) in ZOO.items():
        maker(root / file)
        found[name] = (root / file, words)
    return found
