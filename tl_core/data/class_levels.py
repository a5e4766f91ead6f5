"""Class names that are paths, such as `animal/dog`: which sign separates their levels.

A sign is taken for a separator by itself only where the names then form a tree: most of them have
it, and the parts before it gather several classes each. So neither `and/or` nor dates become trees.
What somebody chooses instead is kept beside the version, which does not change by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tl_core.errors import DataError
from tl_core.json_files import find_object, write_json

AUTOMATIC, NONE = "auto", "none"
KNOWN = ("/", "::", "|", "\\", ">")  # signs that are looked for; others have to be chosen
_FILE, _LONGEST = "class_levels.json", 5
_MOST = 2 / 3  # share of the classes that must have the sign
_GATHERED = 2  # classes that each first part must gather, on average


@dataclass(frozen=True)
class ClassLevels:
    """Classes as paths.

    Args:
        separator: what stands between two levels.
        paths: of each class the names from its topmost ancestor down to itself.
    """

    separator: str
    paths: tuple[tuple[str, ...], ...]

    @property
    def depth(self) -> int:
        """Levels of the longest path."""
        return max(map(len, self.paths), default=0)


def split_names(names: Sequence[str], separator: str) -> ClassLevels:
    """Classes as paths by this separator; blanks around it and empty parts are no names."""
    return ClassLevels(
        separator,
        tuple(
            tuple(part.strip() for part in name.split(separator) if part.strip()) or (name,)
            for name in names
        ),
    )


def recognised(names: Sequence[str]) -> str:
    """The separator that these class names share; "" where they are no tree."""
    return next((sign for sign in KNOWN if _is_tree(split_names(names, sign))), "")


def _is_tree(levels: ClassLevels) -> bool:
    paths = [path for path in levels.paths if len(path) > 1]
    if len(paths) < _MOST * len(levels.paths) or not paths:
        return False
    if sum(_is_number(part) for path in paths for part in path) * 2 >= sum(map(len, paths)):
        return False  # dates, fractions, ranges
    above = {path[0] for path in paths}
    return len(above) > 1 and len(paths) >= _GATHERED * len(above)


def _is_number(part: str) -> bool:
    return any(sign.isdigit() for sign in part) and not any(sign.isalpha() for sign in part)


def levels_of(folder: Path, names: Sequence[str]) -> ClassLevels | None:
    """The classes of the version in `folder` as paths: by the separator that was chosen for it,
    else by the one that is recognised; None where they have no levels.
    """
    chosen = choice_of(folder)
    sign = recognised(names) if chosen == AUTOMATIC else "" if chosen == NONE else chosen
    levels = split_names(names, sign) if sign else None
    return levels if levels and levels.depth > 1 else None


def choice_of(folder: Path) -> str:
    """What was chosen for a version: a separator, `none`, or `auto` where nobody chose."""
    return str(find_object(folder / _FILE).get("separator", AUTOMATIC))


def choose(folder: Path, separator: str, names: Sequence[str]) -> None:
    """Keep a separator for the version in `folder` with classes of these names; `none` for no
    levels, `auto` to recognise it.

    Raises:
        DataError: for what separates nothing.
    """
    if separator not in (AUTOMATIC, NONE):
        what = f"{separator!r} cannot separate the levels of class names."
        advice = "Choose one such as / or >, none for no levels, or auto."
        if not separator.strip() or len(separator) > _LONGEST or separator.strip().isalnum():
            raise DataError(
                what,
                f"A separator is a sign or a few of them, at most {_LONGEST}, no letters or"
                " digits.",
                advice,
            )
        if split_names(names, separator).depth < 2:
            raise DataError(what, "It separates nothing in any of the names.", advice)
    write_json(folder / _FILE, {"separator": separator})


def carry_on(old: Path, new: Path) -> None:
    """What was chosen for one version holds for the next one that is made of it."""
    if (old / _FILE).is_file() and not (new / _FILE).exists():
        write_json(new / _FILE, find_object(old / _FILE))
