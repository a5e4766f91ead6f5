"""A first look into a source, before it becomes a dataset: what is in it and how it would be
understood.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.data.cells.label_cells import label_name
from tl_core.data.cells.label_lists import read_sets
from tl_core.data.cells.split_cells import split_values
from tl_core.data.checks.class_names import check_counts
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.item_kind import kind_of
from tl_core.data.labelling.no_class_yet import NO_CLASS_YET, check_asked
from tl_core.data.limits import Limits
from tl_core.data.sources.detect import open_source
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.outlook import ImportPlan, Preview, StatedFacts
from tl_core.data.sources.plan import SampleRow
from tl_core.data.sources.types import Source
from tl_core.data.versions import split
from tl_core.data.versions.collector import Codes, as_seconds
from tl_core.errors import AmbiguousError
from tl_core.tasks import MULTI_LABEL


def look_into(path: Path, staging: Path, limits: Limits, options: dict[str, object]) -> Preview:
    """Modality, counts, splits, skipped items, and columns with a preview or thumbnails (JPEG
    bytes).

    A zip is unpacked below `staging`; `source` in the answer is then the folder to import from.
    Where only a person can say how the source is meant, the answer is `question`, with the option
    and its choices.

    Raises:
        DataError: when nothing in it can be learnt from.
    """
    unpacked = staging / "unpacked"
    chosen = ImportOptions.from_dict(options)
    try:
        source = open_source(path, staging, limits, chosen)
        facts: Preview = {
            "modality": source.modality,
            "skipped": source.skipped[:200],
            "skipped_count": len(source.skipped),
            "source": str(unpacked if unpacked.is_dir() else path),
            "question": None,
        }
        return facts | kind_of(source.modality).look_into(source, chosen)
    except AmbiguousError as error:
        return {"source": str(unpacked if unpacked.is_dir() else path), "question": error.as_dict()}


def plan_import(
    path: Path, staging: Path, limits: Limits, options: dict[str, object]
) -> ImportPlan:
    """How the source would be imported, before anything is frozen: what was taken for what, and the
    rows of each class by split.

    Copies are not looked for, so a few rows may still change sides. `classes` maps class to split
    to rows, `plan` is that of the dataset object, `question` what only a person can say.

    Raises:
        DataError: as the import would.
    """
    chosen = ImportOptions.from_dict(options)
    check_asked(chosen, tested=False)
    try:
        source = open_source(path, staging, limits, chosen)
        intake = Intake(list(source.skipped), plan=source.plan)
        sample: list[SampleRow] = []
        facts = kind_of(source.modality).stated_facts(source, chosen, intake, sample)
        if facts is None:
            return {
                "classes": {},
                "too_many": True,
                "unlabelled": 0,
                "question": None,
                "plan": intake.plan.as_dict(intake.skipped, 0, sample),
            }
        return _planned(source, facts, chosen, intake, sample)
    except AmbiguousError as error:
        return {"question": error.as_dict()}


def _planned(
    source: Source,
    facts: StatedFacts,
    options: ImportOptions,
    intake: Intake,
    sample: list[SampleRow],
) -> ImportPlan:
    classes, given, groups, dates = facts
    if options.label_here:
        intake.plan.note(NO_CLASS_YET)
        return {
            "classes": {},
            "several": options.task == MULTI_LABEL.name,
            "unlabelled": len(classes),
            "too_many": False,
            "question": None,
            "plan": intake.plan.as_dict(intake.skipped, 0, sample),
        }
    named_so = source.class_list.meaning(
        {label_name(cell) for cell in classes.unique().to_pylist()}
    )
    codes = Codes(lambda cell: named_so.get(label_name(cell), label_name(cell)))
    numbers = codes.add(classes)
    read = read_sets(codes.names, numbers, options.task, options.label_separator, intake.one_hot)
    intake.plan.note(*read.notes)
    intake.plan.doubt(*read.doubts)
    labels, sets = read.labels, read.sets
    named = Codes().add(groups)
    units = np.where(named >= 0, named, named.max(initial=0) + 1 + np.arange(len(named)))
    cells = given.to_pylist()
    meaning = split_values(intake.columns.get("split", ""), Counter(cells))
    if options.ignore_splits:
        meaning = {}
    own = np.array([meaning.get(cell, "") for cell in cells], dtype="<U10")
    result = split.assign_splits(
        split.Labelled(labels, sets, units),
        own,
        replace(options, new_rows="train"),
        as_seconds(dates, options.date_order),
    )
    used = [name for name in ("train", "validation", "test") if (result.splits == name).any()]
    table = {name: sets.counts(labels[result.splits == name]) for name in used}
    unlabelled = int((labels < 0).sum())
    if len(sets.classes) > 1:  # rows that are added to a dataset may be of one class
        check_counts(Counter(dict(zip(sets.classes, sets.counts(labels).tolist(), strict=True))))
    return {
        "classes": {
            name: {part: int(table[part][place]) for part in used}
            for place, name in enumerate(sets.classes)
        },
        "several": sets.several,
        "unlabelled": unlabelled,
        "too_many": False,
        "question": None,
        "plan": intake.plan.as_dict(intake.skipped, unlabelled, sample),
    }
