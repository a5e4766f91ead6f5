"""What is to be predicted, in windows of bounded size: tables, folders, zips, single files, a
dataset's own rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tl_core.data.limits import Limits
from tl_core.data.sources.archive import is_stray, unpack
from tl_core.data.sources.names import readable
from tl_core.data.sources.plan import Plan
from tl_core.errors import DataError
from tl_core.predict.table_rows import ColumnChoice, Survey, survey
from tl_core.settings import Settings


@dataclass(frozen=True)
class Source:
    """Where inputs are looked for: a file or a folder, with what a zip held unpacked already.

    Args:
        root: the file or folder.
        name: what people call it.
        limits: bounds.
        choice: what a person says about columns.
        plan: told what is read as what.
    """

    root: Path
    name: str
    limits: Limits
    choice: ColumnChoice
    plan: Plan

    def files(self) -> list[Path]:
        """Its files in order, without by-products of the system."""
        if self.root.is_file():
            return [self.root]
        return sorted(
            path
            for path in self.root.rglob("*")
            if path.is_file() and not is_stray(path.relative_to(self.root))
        )

    def only_table(self, candidates: list[Path], what: str) -> Survey:
        """The one table of the source, which was read to its end; the plan is told its notes.

        Args:
            candidates: the files that could be it.
            what: what the model reads, for people.

        Raises:
            DataError: when there is none, or more than one, or it cannot be read.
        """
        if not candidates:
            raise DataError(
                f"There is nothing in {self.name!r} that this model reads.",
                f"It reads {what}.",
                "Bring that kind of file.",
            )
        if len(candidates) > 1:
            raise DataError(f"It holds {len(candidates)} tables.", "", "Bring one table at a time.")
        table = survey(candidates[0])
        self.plan.format = table.reading.format
        self.plan.note(*table.reading.notes)
        self.plan.doubt(*table.reading.doubts)
        return table


def open_source(
    path: Path, staging: Path, settings: Settings, choice: ColumnChoice, plan: Plan
) -> Source:
    """The source at `path`; a zip is unpacked into `staging`.

    Args:
        path: table, single file, folder, zip, or the folder of a dataset version whose own rows are
        meant.
        staging: a folder for what is unpacked.
        settings: bounds.
        choice: what a person says about columns.
        plan: told what is read as what.

    Raises:
        DataError: when it is a zip that cannot be unpacked within the bounds.
    """
    limits = Limits(settings.number("max_unpacked_mb") << 20, settings.number("max_items"))
    root = path
    if path.is_file() and path.suffix.lower() == ".zip":
        root = staging / "unpacked"
        unpack(path, root, limits)
    return Source(root, readable(path.name), limits, choice, plan)


def records_left_out(table: Survey) -> list[dict[str, str]]:
    """Records of a table that get no answer, with their reasons."""
    damaged = [
        {"item": f"row {number}", "reason": f"the row is damaged: {reason}"}
        for number, reason in table.reading.bad
    ]
    return damaged + [
        {"item": "", "reason": reason, "count": str(count)}
        for reason, count in table.reading.set_aside.items()
    ]


def fingerprint(source: Path) -> str:
    """Which files a source has, of what size and time: a changed one must not be gone on with."""
    there = (
        [source]
        if source.is_file()
        else sorted(path for path in source.rglob("*") if path.is_file())
    )
    facts = ((path.relative_to(source.parent).as_posix(), path.stat()) for path in there)
    listing = "\n".join(f"{name}\t{stat.st_size}\t{stat.st_mtime_ns}" for name, stat in facts)
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
