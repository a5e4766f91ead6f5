"""Tables written as JSON or as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tl_core.data.encodings import check_encoding, sniff_encoding
from tl_core.data.tables import Reading, Rows, cell, framed


def read_json(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """One list of objects, or an object with one such list in it."""
    if path.stat().st_size > reading.limits.json_bytes:
        raise ValueError(f"a JSON list may have {reading.limits.json_bytes >> 20} MB; JSONL has no such limit")
    codec = check_encoding(reading.encoding) or sniff_encoding(path)
    with path.open(encoding="utf-8-sig" if codec == "utf-8" else codec, errors="replace") as handle:
        first = handle.read(4096).lstrip()
        handle.seek(0)
        if first.startswith("{") and "\n{" in first:
            yield from framed(_json_lines(handle, reading), reading, rows)
            return
        content = json.load(handle)
    if isinstance(content, dict):
        content = next((value for value in content.values() if isinstance(value, list) and value), content)
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise ValueError("it is not a list of objects in curly braces")
    yield from framed(((number, _strings(record)) for number, record in enumerate(content, 1)), reading, rows)


def read_jsonl(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    codec = check_encoding(reading.encoding) or sniff_encoding(path)
    with path.open(encoding="utf-8-sig" if codec == "utf-8" else codec, errors="replace") as handle:
        yield from framed(_json_lines(handle, reading), reading, rows)


def _json_lines(handle: IO[str], reading: Reading) -> Iterator[tuple[int, dict[str, str]]]:
    number, top = 0, reading.limits.row_bytes
    while line := handle.readline(top):
        if len(line) >= top and not line.endswith("\n"):
            raise ValueError(f"line {number + 1} is longer than {top >> 20} MB")
        if not line.strip():
            continue
        number += 1
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            reading.leave_out(number, f"it is not JSON ({str(error)[:80]})")
            continue
        if isinstance(record, dict):
            yield number, _strings(record)
        else:
            reading.leave_out(number, "it is not an object in curly braces")


def _strings(record: dict[Any, Any]) -> dict[str, str]:
    return {str(key): cell(value) for key, value in record.items()}
