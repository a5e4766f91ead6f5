"""From a recognised source to an immutable dataset version: read, check, split, write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.class_names import check_classes
from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.item_kind import kind_of
from tl_core.data.label_sets import gathered
from tl_core.data.labelling.no_class_yet import NO_CLASS_YET, check_asked, remembered
from tl_core.data.layouts.class_lists import ClassList
from tl_core.data.preparation import Preparation
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.plan import Plan, SampleRow
from tl_core.data.sources.types import Source
from tl_core.data.versions import split
from tl_core.data.versions.collector import Collector
from tl_core.data.versions.draft import Draft
from tl_core.data.versions.item_stream import ItemStream, Progress
from tl_core.data.versions.items import open_items
from tl_core.data.versions.rows import RowFacts
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.data.versions.write import write_version
from tl_core.errors import DataError, nearest
from tl_core.modalities import items_of
from tl_core.tasks import MULTI_LABEL


def build_version(
    sources: dict[str, Source],
    options: ImportOptions,
    folder: Path,
    name: str,
    progress: Progress | None = None,
    base: DatasetVersion | None = None,
    parent: str = "",
) -> VersionInfo:
    """Write the rows of `sources` (by split, "" for the main one) as a version into `folder`.

    With `base` (called `parent`, name@number), its rows come first and keep their splits; the new
    ones are prepared as they were and go where `options.new_rows` says.

    Raises:
        AmbiguousError: when the rows can be read in ways that give different classes or splits.
        DataError: when the rows cannot make a classifier, or the sources do not fit together.
    """
    check_asked(options, tested="test" in sources)
    modality = _modality(sources, base)
    kind, intake = kind_of(modality), _intake_of(sources)
    options = like_base(options, base, intake) if base else options
    collector = Collector(modality, options)
    stream = _item_stream(sources, folder, modality, progress, base)
    stream.write(kind.chunks(sources, options, intake), collector)
    rows = _collected(collector, sources, options, intake)
    options = _as_read(options, rows, collector)
    if base:
        rows = _after(base, rows)
        intake.columns = intake.columns or dict(base.info.columns)
    elif options.ignore_splits:
        rows.given[:] = ""
    kept = remembered(options, base.info.options if base else None)
    _check_classes(rows, intake, kept)
    rows.pairs = kind.near_pairs(rows.facts, open_items(folder))
    groups = rows.groups()
    placing = options if base else replace(options, new_rows="train")
    known = split.Labelled(rows.labels, rows.sets, groups)
    result = split.assign_splits(known, rows.given, placing, rows.dates)
    draft = Draft(
        rows,
        result.splits,
        groups,
        kept,
        stream.inputs_digest,
        stream.extras_digest,
        name,
        intake.columns,
        intake.skipped,
        intake.empty,
        intake.damaged,
        result.findings + _blank_splits(collector.blank_splits) + _disagreement(intake),
        plan=intake.plan,
        preparation=intake.preparation,
        sample=sample_rows(rows, result.splits, folder),
    )
    if base:
        draft.parent, draft.skipped = parent, base.info.skipped + draft.skipped
        draft.change = f"Added {len(rows) - len(base.labels):,} items from {name}."
    return write_version(draft, folder)


def _as_read(options: ImportOptions, rows: RowFacts, collector: Collector) -> ImportOptions:
    """With what was found about the labels, so that rows that are added later are read alike."""
    if not rows.sets.several:
        return options
    return replace(options, task=MULTI_LABEL.name, label_separator=collector.separator)


def _modality(sources: dict[str, Source], base: DatasetVersion | None) -> str:
    """What all sources hold.

    Raises:
        DataError: when they hold items of different modalities.
    """
    modalities = {source.modality for source in sources.values()}
    if base:
        modalities.add(base.info.modality)
    if len(modalities) > 1:
        first, *_, last = sorted(map(items_of, modalities))
        raise DataError(
            f"{first.capitalize()} and {last} cannot be in one dataset.",
            f"One source has {first}, another {last}.",
            "Bring sources of the same kind.",
        )
    return modalities.pop()


def _intake_of(sources: dict[str, Source]) -> Intake:
    """What opening the sources has told already."""
    intake = Intake([item for source in sources.values() for item in source.skipped])
    for source in sources.values():
        intake.plan.merge(source.plan)
    return intake


def _item_stream(
    sources: dict[str, Source],
    folder: Path,
    modality: str,
    progress: Progress | None,
    base: DatasetVersion | None,
) -> ItemStream:
    return ItemStream(
        folder,
        modality,
        limit=min(source.limits.items for source in sources.values()),
        total=sum(len(source.files) for source in sources.values()),
        progress=progress,
        base=base,
    )


def _collected(
    collector: Collector, sources: dict[str, Source], options: ImportOptions, intake: Intake
) -> RowFacts:
    """The rows that have streamed by, with the names of their classes."""
    collector.split_column = intake.columns.get("split", "")
    rows = _named_classes(collector.finish(intake.one_hot), sources, intake.plan)
    _note_reading(collector, options, intake)
    return rows


def _note_reading(collector: Collector, options: ImportOptions, intake: Intake) -> None:
    """Note in the plan how classes and dates were read, and how many rows have no text.

    Raises:
        DataError: when the column named as the date holds none, or the data lacks the fold.
    """
    intake.plan.doubt(*collector.doubts)
    intake.plan.note(*collector.notes, *([NO_CLASS_YET] if options.label_here else []))
    if intake.empty * 20 > collector.count + intake.empty:
        intake.plan.doubt(
            f"{intake.empty:,} row(s) have no text and are left out; that is more than one in"
            " twenty."
        )
    _check_dates(collector, options, intake.plan)
    _check_fold(options, intake)


def _check_classes(rows: RowFacts, intake: Intake, options: ImportOptions) -> None:
    """Refuse data of which no item has one class, and what no classifier can learn.

    Raises:
        DataError: when every item has several classes, none of them more often than others; as
            `check_classes`.
    """
    if not rows.classes and intake.undecided:
        raise DataError(
            f"{intake.undecided:,} items have several classes each, none of them more often than"
            " others.",
            "Marks of objects in a picture say no single class of it.",
            "Bring one class for each item, or set task to multi_label: each item then has all the"
            " classes that are marked in it.",
        )
    check_classes(rows, fewest=0 if options.label_here else 2)


def like_base(options: ImportOptions, base: DatasetVersion, intake: Intake) -> ImportOptions:
    """The options of rows that are added to `base`: what is done to a row must be what was done to
    its rows.
    """
    before = Preparation.from_dict(base.info.preparation)
    intake.preparation = replace(before, columns=(), pixels=())
    options = replace(options, repair=before.repair)
    if base.sets.several:
        known = str(base.info.options.get("label_separator", ""))
        options = replace(
            options,
            task=MULTI_LABEL.name,
            label_separator=options.label_separator or known,
        )
    kind = kind_of(base.info.modality)
    return kind.options_like(options, base.info.columns, base.info.preparation)


def _named_classes(rows: RowFacts, sources: dict[str, Source], plan: Plan) -> RowFacts:
    """The rows with the names of their classes, where a list beside the data says what their
    numbers mean.
    """
    known: ClassList = next(
        (source.class_list for source in sources.values() if source.class_list.names), ClassList()
    )
    if not known.names:
        return rows
    meaning = known.meaning(rows.classes)
    if not meaning and {_bare(name) for name in rows.classes} <= {
        _bare(name) for name in known.names.values()
    }:
        return rows
    if not meaning:
        plan.doubt(
            f"A list of {len(known.names)} class names lies beside the data, but does not fit its"
            f" classes ({', '.join(rows.classes[:4])}), so these keep their names."
        )
        return rows
    named = [tuple(meaning[name] for name in some) for some in rows.sets.named]
    sets, labels = gathered(named, rows.labels, several=rows.sets.several)
    plan.note(
        f"The numbers of the classes are named by the list beside the data: {rows.classes[0]} is "
        f"{meaning[rows.classes[0]]}."
    )
    return replace(rows, sets=sets, labels=labels)


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _check_dates(collector: Collector, options: ImportOptions, plan: Plan) -> None:
    """Tell how the dates were read.

    Raises:
        DataError: when a column was named as the date and none of its cells is one.
    """
    plan.note(*collector.dates.notes)
    if (
        options.date_column
        and collector.dates.filled
        and collector.dates.unreadable == collector.dates.filled
    ):
        raise DataError(
            f"No cell of {options.date_column!r} can be read as a date.",
            "",
            "Name another column, or write dates as 2025-03-14.",
        )


def _check_fold(options: ImportOptions, intake: Intake) -> None:
    """Refuse a fold that the data does not have.

    Raises:
        DataError: names the folds that it has.
    """
    if options.test_fold and not any(
        intake.place(fold, options) == "test" for fold in {*intake.folds}
    ):
        raise DataError(
            f"There is no fold {options.test_fold!r}.",
            (
                f"The data has: {', '.join(sorted(intake.folds)[:12])}."
                if intake.folds
                else "The data has no folds."
            ),
            nearest(options.test_fold, intake.folds),
        )


def _blank_splits(count: int) -> list[Finding]:
    if not count:
        return []
    return [
        Finding(
            "blank_splits",
            "warning",
            f"{count:,} row(s) have no value in the split column. They are in train.",
            count,
            "Fill the column if they belong elsewhere.",
        )
    ]


def _disagreement(intake: Intake) -> list[Finding]:
    if not intake.disagreeing:
        return []
    ties = (
        f" {intake.undecided:,} of them have no commonest class and were set aside."
        if intake.undecided
        else ""
    )
    return [
        Finding(
            "disagreement",
            "warning",
            f"Annotators gave different classes to {intake.disagreeing:,} item(s). "
            f"Each has the class that most of them gave.{ties}",
            intake.disagreeing,
            "Look at such items with "
            "the annotators; where people disagree, no model can be right for all.",
        )
    ]


def sample_rows(
    rows: RowFacts, splits: NDArray[np.str_], folder: Path, count: int = 3
) -> list[SampleRow]:
    """Some rows as the model will see them, of as many classes as can be; the first ones where
    none has a class yet.
    """
    _, first = np.unique(rows.labels, return_index=True)
    chosen = sorted(
        (int(place) for place in first if rows.labels[place] >= 0),
        key=lambda place: rows.labels[place],
    )
    chosen = sorted(
        {*chosen[:count], *np.flatnonzero(rows.labels >= 0)[:count].tolist()},
        key=lambda place: (place not in chosen[:count], place),
    )[:count] or list(range(min(count, len(rows))))
    names = [*rows.sets.names, ""]
    table = open_items(folder)
    kind = kind_of(rows.modality)
    sample: list[SampleRow] = []
    for place in chosen:
        row: SampleRow = {"name": table.column("name").slice(place, 1).to_pylist()[0]}
        row |= kind.glimpse(table, rows.facts, place)
        row["label"] = names[rows.labels[place]]
        row["split"] = str(splits[place])
        sample.append(row)
    return sample


def _after(base: DatasetVersion, new: RowFacts) -> RowFacts:
    """The rows of `base`, then `new` ones, with common class numbers; the old ones keep their
    splits.

    Raises:
        DataError: when the new rows have several classes each and the others one.
    """
    old = base.row_facts()
    if new.sets.several and not old.sets.several:
        raise DataError(
            "The new rows may have several classes at once; the dataset has one for each row.",
            max(new.sets.names, key=lambda name: name.count(";"), default=""),
            "Import them as a dataset of their own, or set task to single_label.",
        )
    count = len(old.sets.members)
    sets, labels = gathered(
        [*old.sets.named, *new.sets.named],
        np.concatenate([old.labels, np.where(new.labels >= 0, new.labels + count, -1)]),
        several=old.sets.several,
    )
    shift = int(old.named.max(initial=-1)) + 1
    named = np.concatenate([old.named, np.where(new.named >= 0, new.named + shift, -1)])
    facts = {
        key: np.concatenate([old.facts.get(key, np.zeros(len(old), values.dtype)), values])
        for key, values in new.facts.items()
    }
    return RowFacts(
        old.modality,
        sets,
        labels,
        np.concatenate([base.splits, new.given]),
        named,
        np.concatenate([old.dates, new.dates]),
        facts,
    )
