"""Tables that belong together, before it is known what their rows hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.held_files import holds_files
from tl_core.data.layouts.peek import Head, peek
from tl_core.data.limits import Limits
from tl_core.data.sources.file_kind import FILE_KINDS
from tl_core.data.sources.types import TableFile


@dataclass(frozen=True)
class TableSet:
    """One or several tables, or sheets of one; `alone` where a single file was brought, which may
    list files that lie beside it.
    """

    tables: list[TableFile]
    root: Path
    limits: Limits
    options: ImportOptions
    alone: bool = False

    @property
    def first(self) -> TableFile:
        return self.tables[0]

    @property
    def listing(self) -> TableFile:
        """The first table as one that lists files, whatever split it is named after."""
        return replace(self.first, split="", sheet="")

    @cached_property
    def held(self) -> str:
        """The modality of the files that every table holds as bytes; "" where they hold none."""
        for name, kind in FILE_KINDS.items():
            if all(
                one.path.suffix.lower() == ".parquet" and holds_files(one.path, kind)
                for one in self.tables
            ):
                return name
        return ""

    @cached_property
    def head(self) -> Head | None:
        """The first rows of the first table; None where it cannot be read."""
        return peek(self.first.path, self.options, self.limits, self.first.sheet)
