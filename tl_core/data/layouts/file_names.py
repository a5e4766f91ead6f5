"""Finding the file that a row of a table means: by its path, the end of it, its bare name, or one
without ending.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from pathlib import Path, PurePosixPath

from tl_core.data.sources.file_kind import PICTURES, FileKind
from tl_core.data.sources.names import composed
from tl_core.data.sources.types import ItemFile
from tl_core.errors import DataError

_Named = tuple[tuple[str, ...], ItemFile]


class FileNames:
    """The items of a source that are files, by name.

    Only files that were found below the source can be named, so that no table reads other
    people's files. A row that names a folder never means a file in another one. Capitals count
    where two names differ in nothing else.

    Args:
        files: those of the source; none when a table was brought alone.
        root: folder of the source.
        folder: where the table lies.
        split: of the table's rows; of files that fit alike, those of this split (train where
            there is none) are meant.
        kind: what the files are.
    """

    def __init__(
        self,
        files: list[ItemFile],
        root: Path,
        folder: Path,
        split: str = "",
        kind: FileKind = PICTURES,
    ) -> None:
        self._folder, self._root, self._split = folder, root, split or "train"
        self.kind = kind
        self.other_endings = 0  # rows that name a file with another ending than it has
        self._whole: dict[str, ItemFile] = {}
        self._bare: dict[str, list[_Named]] = defaultdict(list)
        self._stems: dict[str, list[_Named]] = defaultdict(list)
        for one in files:
            name = composed(one.path.relative_to(root).as_posix())
            parts = PurePosixPath(name).parts
            self._whole[name] = one
            self._bare[parts[-1].lower()].append((parts, one))
            self._stems[PurePosixPath(parts[-1]).stem.lower()].append(
                ((*parts[:-1], PurePosixPath(parts[-1]).stem), one)
            )

    def at(self, folder: Path, split: str = "") -> FileNames:
        """The same files as a table in `folder` with the rows of `split` names them."""
        other = copy.copy(self)
        other._folder, other._split, other.other_endings = folder, split or "train", 0
        return other

    def same(self, one: list[str], other: list[str]) -> bool:
        """Whether two columns of names mean the same files."""
        return all(
            self.find(first) is self.find(second) for first, second in zip(one, other, strict=True)
        )

    def find(self, cell: str) -> ItemFile | None:
        """The file that a cell names, None when there is none.

        Raises:
            DataError: when several fit alike.
        """
        name = composed(_tidy(cell))
        if not name:
            return None
        below = ""
        if self._folder != self._root and self._folder.is_relative_to(self._root):
            below = composed(self._folder.relative_to(self._root).as_posix())
        for place in (f"{below}/{name}" if below else name, name):
            if place in self._whole:
                return self._whole[place]
        parts = PurePosixPath(name).parts
        for known in (self._bare, self._stems):
            if file := self._best(known.get(parts[-1].lower(), []), parts, cell):
                return file
        last = PurePosixPath(parts[-1])
        if last.suffix.lower() in self.kind.suffixes:
            file = self._best(
                self._stems.get(last.stem.lower(), []), (*parts[:-1], last.stem), cell
            )
            self.other_endings += file is not None
            if file:
                return file
        return None if self._whole else self._beside(_tidy(cell))

    def share(self, cells: list[str]) -> float:
        """How many of the filled `cells` name a file, as a share; so do names with an ending
        that fit several.
        """
        filled = [cell for cell in cells if cell.strip()]
        return sum(self._names_one(cell) for cell in filled) / max(1, len(filled))

    def _names_one(self, cell: str) -> bool:
        try:
            return self.find(cell) is not None
        except DataError:
            return PurePosixPath(_tidy(cell)).suffix.lower() in self.kind.suffixes

    def _best(self, candidates: list[_Named], parts: tuple[str, ...], cell: str) -> ItemFile | None:
        """The candidate that shares the longest end of its path; a folder that the row names must
        be shared.

        Raises:
            DataError: when two share as much, and neither their splits nor their bytes make them
            one.
        """
        ranked = [(*_shared(known, parts), one) for known, one in candidates]
        fitting = [entry for entry in ranked if entry[0] > 1 or len(parts) == 1]
        if not fitting:
            return None
        top = max(entry[:2] for entry in fitting)
        best = [one for shared, exact, one in fitting if (shared, exact) == top]
        meant = [one for one in best if one.split == self._split]
        if len(best) == 1 or len(meant) == 1:
            return (best if len(best) == 1 else meant)[0]
        if _one_file(best):
            return best[0]
        raise DataError(
            f"{cell[:120]!r} could be {len(best)} {self.kind.many}: {best[0].name!r} and"
            f" {best[1].name!r}.",
            "Their names differ only in the folder, the ending or in capitals.",
            f"Write the folder before the name in the table, as in {best[0].name!r}, or take the"
            " classes from the folders (--labels-from folders).",
        )

    def _beside(self, name: str) -> ItemFile | None:
        """A file beside a table that was brought alone; never one outside its folder."""
        path = self._folder / name
        inside = path.resolve().is_relative_to(self._folder.resolve())
        wanted = path.suffix.lower() in self.kind.suffixes
        if inside and wanted and path.is_file() and not path.is_symlink():
            return ItemFile(path, name, "", "")
        return None


def _one_file(files: list[ItemFile]) -> bool:
    """Whether all files hold the same bytes, as copies of a set in two folders do."""
    if len({one.path.stat().st_size for one in files}) > 1:
        return False
    return len({one.path.read_bytes() for one in files}) == 1


def _shared(known: tuple[str, ...], parts: tuple[str, ...]) -> tuple[int, int]:
    """How many parts at the end of two paths are the same but for capitals, and how many to the
    letter.
    """
    alike = exact = 0
    for one, other in zip(reversed(known), reversed(parts), strict=False):
        if one.lower() != other.lower():
            break
        alike, exact = alike + 1, exact + (one == other)
    return alike, exact


def _tidy(path: str) -> str:
    """A path as tables write it: back slashes, a leading ./ and drive letters are the writer's
    machine, not ours.
    """
    name = path.strip().replace("\\", "/").removeprefix("./").lstrip("/")
    return "/".join(
        part for part in name.split("/") if part not in ("", ".", "..") and not part.endswith(":")
    )
