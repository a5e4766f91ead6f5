"""Files that are not what their ending says: workbooks named CSV, JSON lines named TXT, texts named
XLS.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

_HEAD = 64 << 10
_WORKBOOK = "[Content_Types].xml"
_OLD = b"\xd0\xcf\x11\xe0"
_TEXT_ENDINGS = frozenset((".csv", ".tsv", ".txt", ".psv"))
_MARKED_UP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|table|meta|style|head)", re.IGNORECASE
)
_LISTED = re.compile(rb'\s*\[\s*(?:\{\s*"|\{\s*\})')


def is_renamed(path: Path) -> bool:
    """Whether a file called .xls can be read all the same: it is a new workbook or plain text."""
    return path.suffix.lower() == ".xls" and real_suffix(path) != ".xls"


def real_suffix(path: Path) -> str:
    """The ending that fits the content, where it is clearly another one than the file has.

    Raises:
        OSError: when the file cannot be opened.
    """
    suffix = path.suffix.lower()
    if suffix not in _TEXT_ENDINGS and suffix not in (".xlsx", ".xls"):
        return suffix
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
    if head.startswith(b"PK\x03\x04"):
        return ".xlsx" if _is_workbook(path) else suffix
    if head.startswith(_OLD) or not head:
        return suffix
    if suffix in (".xlsx", ".xls"):
        if _MARKED_UP.match(head) or (
            b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
        ):
            return suffix
        return ".json" if _LISTED.match(head) else ".csv"
    return _json(head) or suffix


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as parts:
            return _WORKBOOK in parts.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return False


def _json(head: bytes) -> str:
    """The ending for JSON in a text: its first line is an object, or it begins as a list of
    objects.
    """
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _LISTED.match(head):
        return ".json" if len(head) > _HEAD - 4 or _is_whole(head) else ""
    line = head.lstrip().partition(b"\n")[0].strip().removesuffix(b",")
    if not line.startswith(b"{"):
        return ""
    try:
        return ".jsonl" if isinstance(json.loads(line), dict) else ""
    except (ValueError, RecursionError):
        return ""


def _is_whole(text: bytes) -> bool:
    """Whether the text is one JSON value and no more, and not the first cell of a table."""
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False
