"""Datasets in, changed, and out as files."""

from __future__ import annotations

from pathlib import Path

from tl_core.config.specs import FixSpec, ImportSpec, TakeoutSpec
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import NotFoundError
from tl_core.jobs.context import Outcome, RunContext
from tl_core.storage import remove_tree


def add(run: RunContext) -> Outcome:
    """Make a dataset, or its next version, of a source."""
    from tl_core.data.dataset_version import ImportOptions
    from tl_core.services.datasets import add_dataset

    spec = ImportSpec.from_dict(run.config.options)
    if spec.served:
        return _add_unsure(run, spec)
    record, info, is_new = add_dataset(
        run.datasets,
        run.settings,
        spec.source,
        spec.name,
        ImportOptions.from_dict(spec.options),
        spec.test,
        run.events,
        append=spec.append,
        shown=spec.shown,
        strict=spec.strict,
    )
    if spec.upload:
        remove_tree(Path(spec.upload))
    return Outcome(
        f"{info.rows:,} items in {len(info.classes)} classes",
        {"dataset": record.reference, "new": is_new},
    )


def _add_unsure(run: RunContext, spec: ImportSpec) -> Outcome:
    """Add the items that a served model was unsure of to its dataset, to be labelled."""
    from tl_core.services.unsure_items import add_unsure
    from tl_core.watch.journal import journal_of
    from tl_core.watch.unsure import UnsureItems

    journal = journal_of(run.settings.served_path, spec.served)
    if journal.about.run != spec.run:
        raise NotFoundError(f"Run {spec.run} has no served model {spec.served!r}.")
    run.require_work(spec.run)  # they are kept there no more
    items = UnsureItems(journal.folder)
    record, info, is_new = add_unsure(run.datasets, run.settings, items, spec.name, run.events)
    waiting = info.splits.get("unlabelled", 0)
    return Outcome(
        f"{waiting:,} items without a class wait to be labelled",
        {"dataset": record.reference, "new": is_new},
    )


def change(run: RunContext) -> Outcome:
    """Make a version of another: a finding mended, labels decided on, an old state restored."""
    from tl_core.services.datasets import fix_dataset, relabel_dataset, restore_dataset

    spec, reference = FixSpec.from_dict(run.config.options), run.config.dataset
    run.events.stage("Making the new version", 0)
    if spec.restore:
        record, info, is_new = restore_dataset(run.datasets, reference)
    elif spec.decisions:
        record, info, is_new = relabel_dataset(run.datasets, reference)
    else:
        record, info, is_new = fix_dataset(run.datasets, reference, spec.finding, spec.action)
    return Outcome(info.change, {"dataset": record.reference, "new": is_new})


def take_out(run: RunContext) -> Outcome:
    """Write a version as files."""
    from tl_core.data.versions.export import FORMATS, take_out

    spec = TakeoutSpec.from_dict(run.config.options)
    record = run.datasets.get(run.config.dataset)
    run.events.stage("Writing the files", 0)
    out = run.folder / f"{record.name}-{record.version}{FORMATS[spec.format]}"
    count = take_out(DatasetVersion(record.folder), out, spec.format, run.events.batch)
    return Outcome(f"{count:,} items written", {"file": out.name, "rows": count})
