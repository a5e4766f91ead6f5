"""Adding a dataset: from any source to a registered version. Used by the command line and the import worker."""

from __future__ import annotations

from pathlib import Path

from tl_core.data import samples
from tl_core.data.archive import Limits
from tl_core.data.build import build_version
from tl_core.data.schema import ImportOptions
from tl_core.data.sources import Source, open_source
from tl_core.data.store import VersionInfo
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.registry.datasets import DatasetRecord, DatasetStore, check_name
from tl_core.settings import Settings
from tl_core.storage import remove_tree, staging_folder


def limits_of(settings: Settings) -> Limits:
    """The server's bounds on one source."""
    return Limits(settings.number("max_unpacked_mb") << 20, settings.number("max_items"))


def add_dataset(store: DatasetStore, settings: Settings, source: str, name: str, options: ImportOptions,
                test: str = "", progress: Progress | None = None) -> tuple[DatasetRecord, VersionInfo, bool]:
    """Read `source` (a path or `sample:<name>`), write a version and register it under `name`.

    Returns the record, the version's facts, and False when the newest version already had this content.

    Raises:
        DataError: when the source cannot become a dataset.
    """
    progress = progress or Progress()
    name = check_name(name)
    with staging_folder(settings) as staging:
        progress.stage("Opening the source", share=0.2)
        sources: dict[str, Source] = {"": _open(source, staging / "main", settings)}
        if test:
            sources["test"] = _open(test, staging / "test", settings)
        folder = store.new_folder()
        try:
            progress.stage("Reading and checking every item", share=0.8)
            info = build_version(sources, options, folder, source if source.startswith("sample:") else
                                 Path(source).name, progress.batch)
            record, is_new = store.add(name, folder, {
                "fingerprint": info.fingerprint, "modality": info.modality, "task": info.task, "rows": info.rows,
                "classes": len(info.classes)})
        except BaseException:
            remove_tree(folder)
            raise
        if not is_new:
            remove_tree(folder)
        return record, info, is_new


def _open(source: str, staging: Path, settings: Settings) -> Source:
    kind, _, rest = source.partition(":")
    if kind == "sample":
        return open_source(samples.sample_source(rest, staging), staging, limits_of(settings))
    if kind in ("hub", "http", "https", "s3"):
        raise DataError(f"Data cannot be fetched from {kind}: yet.", "",
                        "Download it and bring the file, zip or folder.")
    return open_source(Path(source).expanduser(), staging, limits_of(settings))
