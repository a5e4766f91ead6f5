"""Files in the order in which tables name them, each once, with what all the tables say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.checks.text_facts import clean_label
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.label_sets import as_cell
from tl_core.data.layouts.file_names import FileNames
from tl_core.data.layouts.list_files import read_cub, read_list
from tl_core.data.layouts.peek import HEAD, reading_of
from tl_core.data.roles.columns import Columns, guess_file_columns
from tl_core.data.roles.wide import one_hot_labels
from tl_core.data.sources.file_kind import FILE_KINDS
from tl_core.data.sources.names import readable
from tl_core.data.sources.types import ItemFile, Source, TableFile
from tl_core.data.tables.reading import CHUNK_ROWS, Reading, Rows
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError
from tl_core.tasks import MULTI_LABEL

if TYPE_CHECKING:
    from tl_core.data.sources.intake import Intake

_Row = tuple[int, dict[str, str], str, ItemFile | None]


class _Listed:
    """A table that lists files, read row by row: number, cells, class, and the file meant."""

    def __init__(
        self, source: Source, table: TableFile, options: ImportOptions, names: FileNames
    ) -> None:
        self.table, self.columns = table, table.columns
        self.names = names.at(table.path.parent, table.split)
        self.reading: Reading = reading_of(options, source.limits, table.sheet)
        self._options, self._classes = options, source.table_classes

    def rows(self) -> Iterator[_Row]:
        """Every row; the columns are those found when the source was opened, else guessed from the
        first rows.
        """
        for rows in self._parts():
            if self.columns is None:
                self.columns = guess_file_columns(
                    rows.cells.slice(0, HEAD).to_pandas(),
                    self._options,
                    roles=self.reading.roles,
                    kind=self.names.kind,
                )
            labels = self._labels(rows, self.columns)
            for number, record, label in zip(
                rows.numbers.tolist(), rows.cells.to_pylist(), labels, strict=True
            ):
                yield number, record, label, self.names.find(record[self.columns.file])

    @property
    def has_class(self) -> bool:
        return self.columns is None or bool(self.columns.label or self.columns.one_hot)

    def _labels(self, rows: Rows, roles: Columns) -> list[str]:
        if roles.one_hot:
            return list(
                one_hot_labels(
                    rows.cells, roles.one_hot, rows.numbers, several=roles.several
                ).to_pylist()
            )
        if not roles.label:
            return [""] * len(rows.numbers)
        cells = map(clean_label, rows.cells.column(roles.label).to_pylist())
        return [self._classes.get(cell, cell) for cell in cells]

    def _parts(self) -> Iterator[Rows]:
        if self.table.kind == "cub":
            return read_cub(self.table.path.parent, self.reading, CHUNK_ROWS)
        if self.table.kind == "list":
            return read_list(self.table.path, self.names, self.reading, CHUNK_ROWS)
        return read_table(self.table.path, self.reading)


@dataclass
class _Said:
    """What was gathered about the files in a first pass: the class of those with several, and
    splits that stand in a table of their own.
    """

    labels: dict[Path, str] = field(default_factory=dict)
    splits: dict[Path, str] = field(default_factory=dict)


def listed_files(source: Source, options: ImportOptions, intake: Intake) -> Iterator[ItemFile]:
    """Each file once, at its first row, with the class that most of its rows say.

    Raises:
        DataError: when no file is there that a table names, or two tables of different kinds
        contradict each other.
    """
    kind = FILE_KINDS[source.modality]
    names = FileNames(source.files, source.root, source.root, kind=kind)
    said = _gathered(source, options, intake, names)
    used: set[Path] = set()
    lost = ""
    for table in source.listings:
        listed = _Listed(source, table, options, names)
        if not listed.has_class:
            intake.note_columns(table.columns or Columns())
            continue
        name = readable(table.path.name)
        for number, record, label, file in listed.rows():
            if file is None:
                path = record[listed.columns.file] if listed.columns else ""
                lost = lost or path
                intake.skipped.append(
                    {
                        "item": f"{name} row {number}",
                        "reason": f"there is no {kind.one} {path[:120]!r}",
                    }
                )
            elif file.path in used:
                intake.skipped.append(
                    {"item": f"{name} row {number}", "reason": f"{file.name!r} is listed twice"}
                )
            elif listed.columns:
                used.add(file.path)
                yield with_columns(
                    file,
                    record,
                    listed.columns,
                    said.labels.get(file.path, label),
                    said.splits.get(file.path, table.split),
                )
        intake.note_reading(listed.reading, name)
        intake.note_columns(listed.columns or Columns())
        if listed.names.other_endings:
            intake.plan.note(
                f"{listed.names.other_endings:,} row(s) of {name!r} name a {kind.one} with another"
                " ending than it has."
            )
    if lost and not used:
        raise DataError(
            f"None of the {kind.many} that the table names is here.",
            f"The first one is {lost[:120]!r}."
            + (f" The first one here is {source.files[0].name!r}." if source.files else ""),
            f"Write the paths in the table as the {kind.many} lie beside it.",
        )
    yield from _unlisted(source, said, intake, used)


def _unlisted(source: Source, said: _Said, intake: Intake, used: set[Path]) -> Iterator[ItemFile]:
    """Files that no table gives a class: their folders do, or they are of a test and wait for a
    model.
    """
    for file in source.files:
        if file.path in used:
            continue
        split = said.splits.get(file.path, file.split)
        if source.folders_hold and file.label:
            yield replace(file, split=split)
        elif split == "test" or file.path in said.splits:
            yield replace(file, label="", split="")
        else:
            intake.skipped.append({"item": file.name, "reason": "not named in the table"})


def _gathered(source: Source, options: ImportOptions, intake: Intake, names: FileNames) -> _Said:
    """Go over all tables once for what more than one row says.

    Raises:
        DataError: when tables of different kinds give a file different classes.
    """
    said = _Said()
    first: dict[Path, tuple[str, int]] = {}
    votes: dict[Path, Counter[str]] = {}
    for number, table in enumerate(source.listings):
        listed = _Listed(source, table, options, names)
        for _, record, label, file in listed.rows():
            if file is None:
                continue
            if not listed.has_class and table.columns:
                said.splits[file.path] = record.get(table.columns.split, "") or table.split
            elif label and file.path in first:
                before, other = first[file.path]
                if (
                    before != label
                    and other != number
                    and not _votes_with(source.listings[other], table)
                ):
                    raise _contradiction(source.listings[other], table, file, before, label)
                votes.setdefault(file.path, Counter((before,)))[label] += 1
            elif label:
                first[file.path] = label, number
    for path, counts in votes.items():
        if options.task == MULTI_LABEL.name:
            said.labels[path] = as_cell(sorted(counts))
        elif len(counts) > 1:
            (label, most), (_, second) = counts.most_common(2)
            said.labels[path] = label if most > second else ""
    if said.labels and options.task != MULTI_LABEL.name:
        intake.disagreed(len(said.labels), sum(not label for label in said.labels.values()))
    return said


def _votes_with(one: TableFile, other: TableFile) -> bool:
    """Whether two tables have the same columns, as those of two annotators do."""
    return bool(
        not one.kind
        and not other.kind
        and one.columns
        and other.columns
        and (one.columns.file, one.columns.label) == (other.columns.file, other.columns.label)
    )


def _contradiction(
    one: TableFile, other: TableFile, file: ItemFile, first: str, second: str
) -> DataError:
    return DataError(
        "Two tables give the same file different classes.",
        f"{file.name!r} is {first!r} in {readable(one.path.name)!r} and {second!r} in "
        f"{readable(other.path.name)!r}.",
        "Leave out the table that says something else than the class.",
    )


def with_columns(
    file: ItemFile, record: dict[str, str], roles: Columns, label: str, split: str
) -> ItemFile:
    """The file with what its row says."""
    extra = {
        key: value
        for key, value in record.items()
        if key not in (roles.file, roles.label, *roles.one_hot)
    }
    if not roles.label and not roles.one_hot:
        label = file.label
    return replace(
        file,
        label=label,
        split=record.get(roles.split, "") or split or file.split,
        group=record.get(roles.group, ""),
        date=record.get(roles.date, ""),
        extra=extra,
        fold=record.get(roles.fold, "") or file.fold,
    )
