"""JSON files of a home: read as one object, written whole or not at all; files of one line each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tl_core.errors import StateError


def write_json(path: Path, content: object) -> None:
    """Write to a temporary name, sync, rename: a reader sees the old file or the new one."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8") as handle:
        json.dump(content, handle, ensure_ascii=False, indent=1, allow_nan=False)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def find_object(path: Path) -> dict[str, object]:
    """The JSON object in `path`, an empty one where there is no such file.

    Raises:
        StateError: when it holds something else.
    """
    return read_object(path) if path.is_file() else {}


def read_object(path: Path) -> dict[str, object]:
    """The JSON object in `path`.

    Raises:
        StateError: when there is no such file, or it holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StateError(
            f"There is no {path.name} in {path.parent.name!r}.",
            "What it belongs to has not ended, or it was deleted.",
            "Wait until it is done, or repeat it.",
        ) from error
    except (OSError, ValueError) as error:
        raise StateError(f"{path.name} cannot be read.", f"{error}.", "Repeat the run.") from error
    if not isinstance(content, dict):
        raise StateError(f"{path.name} cannot be read.", "It is no object.", "Repeat the run.")
    return content


def add_lines(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """Add objects to a file, a line each, in one go. A line that a kill or a full disk cut short is
    ended before, so that it takes no other one along.
    """
    said = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in entries).encode()
    with path.open("a+b") as handle:
        end = handle.seek(0, os.SEEK_END)
        handle.seek(max(end - 1, 0))
        torn = end > 0 and handle.read(1) != b"\n"
        handle.write(b"\n" + said if torn else said)


def find_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of such a file, in order, none where there is no such file; without lines that
    were cut short.
    """
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace", newline="\n") as handle:
            for line in handle:
                with suppress(ValueError):
                    yield json.loads(line)


def finite(content: object) -> object:
    """The same with NaN and infinity as null, which JSON has no words for."""
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {str(key): finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return content
