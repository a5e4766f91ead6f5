"""Unpacking a zip that a stranger made: nothing leaves the target folder, nothing outgrows its
bounds.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from tl_core.data.limits import Limits
from tl_core.data.tables.encodings import likeliest
from tl_core.errors import DataError

_CHUNK = 1 << 20
_RATIO_FLOOR = 20 << 20  # small, very regular files may compress this well


def unpack(archive: Path, target: Path, limits: Limits) -> list[dict[str, str]]:
    """Unpack `archive` below `target`, streaming, and return the entries left out with their
    reasons.

    Raises:
        DataError: for a damaged, encrypted or hostile archive (path tricks, links, bombs), or one
        over `limits`.
    """
    try:
        with zipfile.ZipFile(archive) as handle:
            entries = handle.infolist()
            if len(entries) > limits.items:
                raise DataError(
                    f"The zip holds {len(entries):,} files.",
                    f"The limit is {limits.items:,}.",
                    "Split it, or raise TL_MAX_ITEMS.",
                )
            skipped: list[dict[str, str]] = []
            left = limits.total_bytes
            for entry, name in _safe_names(entries, limits):
                if is_stray(name):
                    skipped.append(
                        {"item": str(name), "reason": "a stray file of the system, not data"}
                    )
                    continue
                left = _extract(handle, entry, target / name, left, limits)
            return skipped
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        NotImplementedError,
        ValueError,
        RuntimeError,
        zlib.error,
        lzma.LZMAError,
        struct.error,
    ) as error:
        raise DataError(
            f"The zip {archive.name!r} cannot be read.",
            f"{error}.",
            "Make it again with your system's own archive tool and try once more.",
        ) from error


def _safe_names(
    entries: list[zipfile.ZipInfo], limits: Limits
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    codec = _names_codec(entries)
    for entry in entries:
        text = _decoded(entry, codec).replace("\\", "/")
        name = PurePosixPath(text)
        if name.is_absolute() or ".." in name.parts or ":" in text.split("/")[0] or "\0" in text:
            raise DataError(
                f"The zip names a file outside itself: {text[:80]!r}.",
                "Such a path could overwrite other files, so nothing was unpacked.",
                "Make the zip again from the folder itself.",
            )
        if len(name.parts) > limits.zip_depth:
            raise DataError(
                f"The zip nests folders {len(name.parts)} deep.",
                f"The limit is {limits.zip_depth}.",
                "Make a zip of the class folders only.",
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise DataError(
                f"The zip holds a link: {text[:80]!r}.",
                "A link could point at other people's files.",
                "Replace links by the files themselves.",
            )
        if entry.flag_bits & 1:
            raise DataError("The zip is protected by a password.", "", "Save it without one.")
        if name.parts and not text.endswith("/"):
            yield entry, name


def _decoded(entry: zipfile.ZipInfo, codec: str) -> str:
    """The entry's name; without the UTF-8 flag zipfile reads cp437, although hardly a tool writes
    that.
    """
    if entry.flag_bits & 0x800:
        return entry.filename
    return entry.filename.encode("cp437", "replace").decode(codec, "replace")


def _names_codec(entries: list[zipfile.ZipInfo]) -> str:
    """What the unmarked names are written in, judged on all of them together: UTF-8, else a
    national encoding.
    """
    raw = b"\n".join(
        entry.filename.encode("cp437", "replace")
        for entry in entries
        if not entry.flag_bits & 0x800 and not entry.filename.isascii()
    )
    try:
        raw.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return likeliest(raw, ("gb18030", "cp932", "cp437"))


def is_stray(name: PurePath) -> bool:
    """Whether a path is a by-product of an operating system or editor."""
    junk = {"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir", "$RECYCLE.BIN"}
    return any(part in junk or part.startswith(".") for part in name.parts)


def _extract(
    handle: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int, limits: Limits
) -> int:
    """Write one entry, counting real bytes (the header may lie), and return what may still come."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with handle.open(entry) as source, path.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > left:
                raise DataError(
                    "The zip unpacks to more than this server allows.",
                    "",
                    "Split it, or raise TL_MAX_UNPACKED_MB.",
                )
            if written > _RATIO_FLOOR and written > limits.zip_ratio * max(entry.compress_size, 1):
                raise DataError(
                    f"{entry.filename[:80]!r} unpacks to over {limits.zip_ratio} times its size.",
                    "A zip bomb looks like that, so it was refused.",
                    "If the file is real, bring it unpacked.",
                )
            if shutil.disk_usage(path.parent).free < (1 << 30):
                raise DataError(
                    "Less than 1 GB of disk is free.", "", "Free some space and try again."
                )
            sink.write(chunk)
    return left - written
