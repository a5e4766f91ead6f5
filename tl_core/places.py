"""Paths as they are written down: relative to TL_HOME, so that a home can be moved or copied.

A database column holds `runs/3f9a0c12de`; text inside JSON holds `${TL_HOME}/uploads/a1/b.zip`,
because there a plain relative path could be anything.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeVar, cast

MARK = "${TL_HOME}"
_Json = TypeVar("_Json")


def inside(path: Path, home: Path) -> str:
    """`path` relative to `home` where it lies in it, unchanged elsewhere. `home / inside(...)` is
    the path again.
    """
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)


def home_of(folder: Path) -> Path | None:
    """The home that the folder of a run, or one inside it, belongs to."""
    return next((one.parent for one in folder.parents if one.name == "runs"), None)


def written(value: _Json, home: Path | None) -> _Json:
    """JSON in which every text that is a path inside `home` begins with `${TL_HOME}`."""
    if home is None:
        return value
    return _each(value, lambda text: _marked(text, home))


def placed(value: _Json, home: Path | None) -> _Json:
    """The same JSON with the paths as they are in this `home`."""
    if home is None:
        return value
    return _each(value, lambda text: _unmarked(text, home))


def _marked(text: str, home: Path) -> str:
    start = f"{home}/"
    return f"{MARK}/{text.removeprefix(start)}" if text.startswith(start) else text


def _unmarked(text: str, home: Path) -> str:
    start = f"{MARK}/"
    rest = PurePosixPath(text.removeprefix(start))
    outside = not text.startswith(start) or rest.is_absolute() or ".." in rest.parts
    return text if outside else str(home / rest)


def _each(value: _Json, change: Callable[[str], str]) -> _Json:
    """JSON of the same shape with `change` done to every text that is no key."""
    new: object = value
    if isinstance(value, str):
        new = change(value)
    elif isinstance(value, dict):
        new = {key: _each(one, change) for key, one in value.items()}
    elif isinstance(value, list | tuple):
        new = [_each(one, change) for one in value]
    return cast(_Json, new)
