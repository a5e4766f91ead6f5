"""What a file is by its first bytes, and whether its name says the same."""

from __future__ import annotations

import re
from pathlib import PurePath

from tl_core.errors import DataError

HEAD = 64 << 10
"""Bytes of a file's beginning that are looked at."""

_TEXT, _ZIP, _OFFICE, _PICTURE = "text", "a zip archive", "an old Office file", "a picture"
_SOUND = "a recording"
_PROGRAM, _PAGE = "a program", "a web page or an SVG drawing"
_STARTS = (
    (b"PK\x03\x04", _ZIP),
    (b"PK\x05\x06", _ZIP),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0", _OFFICE),
    (b"%PDF-", "a PDF"),
    (b"SQLite format 3\0", "a database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\xff\xd8\xff", _PICTURE),
    (b"\x89PNG\r\n\x1a\n", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"II*\0", _PICTURE),
    (b"MM\0*", _PICTURE),
    (b"fLaC", _SOUND),
    (b"OggS", _SOUND),
    (b"ID3", _SOUND),
    (b".snd", _SOUND),
    (b"caff", _SOUND),
    (b"\x7fELF", _PROGRAM),
    (b"\xca\xfe\xba\xbe", _PROGRAM),
    (b"\xfe\xed\xfa\xce", _PROGRAM),
    (b"\xfe\xed\xfa\xcf", _PROGRAM),
    (b"\xce\xfa\xed\xfe", _PROGRAM),
    (b"\xcf\xfa\xed\xfe", _PROGRAM),
    (b"\0asm", _PROGRAM),
    (b"#!/", _PROGRAM),
    (b"#! /", _PROGRAM),
    (b"L\0\0\0\x01\x14\x02\0", _PROGRAM),  # a link of Windows, which starts one
)
_MARKED_UP = re.compile(  # never goes back: many comments would take it years
    rb"(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->|<\?xml.*?\?>)*+"
    rb"<(?:!doctype\s+(?:html|svg)|html|svg|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN_CONTROLS = bytes({*range(32)} - {7, 8, 9, 10, 11, 12, 13, 27})
_SHEET = (
    _TEXT,
    _ZIP,
    _OFFICE,
)  # workbooks and texts under each other's names are read all the same
_EXPECTED = {
    **dict.fromkeys((".csv", ".tsv", ".psv", ".txt", ".xls", ".xlsx"), _SHEET),
    **dict.fromkeys((".json", ".jsonl", ".ndjson", ".xml", ".yaml", ".yml"), (_TEXT,)),
    ".zip": (_ZIP,),
    **dict.fromkeys((".parquet", ".pq"), ("a Parquet file",)),
    **dict.fromkeys((".gz", ".tgz"), ("a gzip archive",)),
    **dict.fromkeys(
        (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"),
        (_PICTURE,),
    ),
    **dict.fromkeys(
        (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf"),
        (_SOUND,),
    ),
    **dict.fromkeys((".avif", ".heic", ".heif", ".ppm", ".pgm", ".pbm", ".pnm"), (_PICTURE,)),
}


class UnfitFileError(DataError):
    """A file that is dangerous, or not what its name says."""


def kind_of(head: bytes) -> str:
    """What begins like this, in words that follow `it is`; empty where nobody can tell.

    Args:
        head: at most `HEAD` bytes from the beginning.
    """
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if _MARKED_UP.match(head.decode("utf-16", "ignore").encode() if wide else head):
        return _PAGE
    if found := next((kind for start, kind in _STARTS if head.startswith(start)), ""):
        return found
    if _is_program_of_windows(head):
        return _PROGRAM
    if _is_picture(head):
        return _PICTURE
    if _is_sound(head):
        return _SOUND
    return _TEXT if _is_text(head) else ""


def _is_program_of_windows(head: bytes) -> bool:
    """`MZ`, and further down where that says the header proper is, `PE`; a text may begin with the
    two letters.
    """
    if head[:2] != b"MZ" or len(head) < 64:
        return False
    place = int.from_bytes(head[60:64], "little")
    return head[place : place + 2] in (b"PE", b"NE", b"LE") or b"\0" in head[:64]


def _is_picture(head: bytes) -> bool:
    boxed = head[4:8] == b"ftyp" and head[8:12] in (
        *(b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"),
    )
    bitmap = head[:2] == b"BM" and head[6:10] == b"\0\0\0\0"
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    netpbm = re.match(rb"P[1-7]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s", head) is not None
    return boxed or bitmap or webp or netpbm


def _is_sound(head: bytes) -> bool:
    """A WAV or AIFF file, or a frame of MPEG audio: eleven ones, no reserved version, layer or bit
    rate.
    """
    framed = (head[:4] == b"RIFF" and head[8:12] == b"WAVE") or (
        head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")
    )
    mpeg = len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    known = mpeg and head[1] >> 3 & 3 != 1 and head[1] >> 1 & 3 != 0 and head[2] >> 4 not in (0, 15)
    return framed or known


def _is_text(head: bytes) -> bool:
    """Characters of any encoding, with at most a stray control sign or two."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    even, odd = head[0::2], head[1::2]
    for zeros, signs in ((odd, even), (even, odd)):  # UTF-16 without a mark
        if zeros.count(0) > 0.4 * len(zeros) and signs.count(0) < 0.02 * len(signs):
            return True
    controls = len(head) - len(head.translate(None, _PLAIN_CONTROLS))
    return controls <= max(2, len(head) // 1000)


def check_kind(name: str, head: bytes) -> None:
    """Refuse what no dataset, model or table is made of, and files that are not what their name
    says.

    Args:
        name: with the ending.
        head: the file's first `HEAD` bytes; all of a smaller one.

    Raises:
        UnfitFileError: in these cases.
    """
    kind = kind_of(head)
    if kind in (_PROGRAM, _PAGE):
        raise UnfitFileError(
            f"{name!r} is {kind}.",
            "Such files can run code when they are opened, so they are refused.",
            "Bring a zip of pictures or recordings, a table, or plain text.",
        )
    suffix = PurePath(name).suffix.lower()
    expected = _EXPECTED.get(suffix)
    if expected is None or kind in expected or (_TEXT in expected and _is_text(head)):
        return
    raise UnfitFileError(
        f"{name!r} is not what its name says.",
        f"Inside it is {kind}." if kind else f"Nothing in it looks like a {suffix} file.",
        "Give it its real ending, or save it again in the format that its name says.",
    )
