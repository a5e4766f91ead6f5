"""Making dataset versions: from a source, by adding to one, by a fix, by restoring. Used by command line and worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tl_core.data import samples
from tl_core.data.build import build_version
from tl_core.data.limits import Limits
from tl_core.data.revise import apply_decisions, fix_finding, restore
from tl_core.data.schema import ImportOptions
from tl_core.data.sources import Source, open_source
from tl_core.data.store import DatasetVersion, VersionInfo
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.registry.datasets import DatasetRecord, DatasetStore, check_name
from tl_core.settings import Settings
from tl_core.storage import remove_tree, staging_folder

Made = tuple[DatasetRecord, VersionInfo, bool]


def limits_of(settings: Settings) -> Limits:
    """The server's bounds on one source."""
    return Limits(settings.number("max_unpacked_mb") << 20, settings.number("max_items"))


def add_dataset(store: DatasetStore, settings: Settings, source: str, name: str, options: ImportOptions,
                test: str = "", progress: Progress | None = None, *, append: bool = False,
                shown: str = "") -> Made:
    """Read `source` (a path, `sample:<name>` or `hub:<owner>/<name>`), write a version and register it under `name`.

    With `append` the rows come after those of the newest version of `name`; `shown` is what the history calls the
    source.

    Returns the record, the version's facts, and False when the newest version already had this content.

    Raises:
        DataError: when the source cannot become a dataset.
        NotFoundError: when there is nothing to append to.
    """
    progress = progress or Progress()
    name = check_name(name)
    base = store.get(name) if append else None
    with staging_folder(settings) as staging:
        progress.stage("Opening the source", share=0.2)
        sources: dict[str, Source] = {"": open_any(source, staging / "main", settings, options, progress)}
        if test:
            sources["test"] = open_any(test, staging / "test", settings, options, progress)
        progress.stage("Reading and checking every item", share=0.8)
        shown = shown or (source if ":" in source else Path(source).name)
        return _register(store, name, lambda folder: build_version(
            sources, options, folder, shown, progress.batch, DatasetVersion(base.folder) if base else None,
            base.reference if base else ""))


def fix_dataset(store: DatasetStore, reference: str, finding: str, chosen: str) -> Made:
    """Apply a finding's fix to `reference` and register the result as the newest version.

    Raises:
        NotFoundError: when there is no such dataset.
        DataError: when the version has no such finding or fix.
    """
    record = store.get(reference)
    version = DatasetVersion(record.folder)
    return _register(store, record.name,
                     lambda folder: fix_finding(version, finding, chosen, folder, record.reference))


def relabel_dataset(store: DatasetStore, reference: str) -> Made:
    """Make what was decided about single labels of `reference` the newest version.

    Raises:
        NotFoundError: when there is no such dataset.
        DataError: when nothing was changed.
    """
    record = store.get(reference)
    version = DatasetVersion(record.folder)
    return _register(store, record.name, lambda folder: apply_decisions(version, folder, record.reference))


def restore_dataset(store: DatasetStore, reference: str) -> Made:
    """Make the state of an older version the newest one.

    Raises:
        NotFoundError: when there is no such version.
    """
    record = store.get(reference)
    newest = store.get(record.name)
    version = DatasetVersion(record.folder)
    return _register(store, record.name,
                     lambda folder: restore(version, folder, newest.reference, record.reference))


def _register(store: DatasetStore, name: str, make: Callable[[Path], VersionInfo]) -> Made:
    """Let `make` fill a new folder and register it; the folder goes when that fails or brings nothing new."""
    folder = store.new_folder()
    try:
        info = make(folder)
        record, is_new = store.add(name, folder, {
            "fingerprint": info.fingerprint, "modality": info.modality, "task": info.task, "rows": info.rows,
            "classes": len(info.classes)})
    except BaseException:
        remove_tree(folder)
        raise
    if not is_new:
        remove_tree(folder)
    return record, info, is_new


def open_any(source: str, staging: Path, settings: Settings, options: ImportOptions,
             progress: Progress | None = None) -> Source:
    """Open a path, a built-in sample or a dataset of the Hub, with what must be fetched or unpacked in `staging`.

    Raises:
        DataError: when it cannot be reached or holds nothing to learn from.
    """
    kind, _, rest = source.partition(":")
    if kind == "sample":
        return open_source(samples.sample_source(rest, staging), staging, limits_of(settings))
    if kind == "hub":
        from tl_core.data.hub_data import fetch

        return open_source(fetch(rest, staging, options, limits_of(settings), (progress or Progress()).batch),
                           staging, limits_of(settings))
    if kind in ("http", "https", "s3"):
        raise DataError(f"Data cannot be fetched from {kind} addresses.", "A server that fetches whatever it is told "
                        "could be made to read its own network.", "Download it and bring the file, zip or folder.")
    return open_source(Path(source).expanduser(), staging, limits_of(settings))
