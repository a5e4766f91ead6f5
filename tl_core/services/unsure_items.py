"""Items that a served model was unsure of, on their way into its dataset, where they wait to be
labelled.
"""

from __future__ import annotations

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.registry.datasets import DatasetRecord, DatasetStore
from tl_core.services.datasets import Made, add_dataset
from tl_core.settings import Settings
from tl_core.storage import staging_folder
from tl_core.watch.unsure import UnsureItems

_TEXT, _LABEL = "text", "label"


def columns_of(record: DatasetRecord) -> dict[str, str]:
    """The columns of a version by their roles, where it was made of a table."""
    roles = DatasetVersion(record.folder).info.columns
    return {role: name for role, name in roles.items() if role in ("title", "text", "label")}


def add_unsure(
    store: DatasetStore,
    settings: Settings,
    items: UnsureItems,
    name: str,
    progress: Progress | None = None,
) -> Made:
    """Add the items to the newest version of a dataset, as rows without a class; what was added is
    kept no more beside the served model.

    Raises:
        NotFoundError: when there is no such dataset, or no items are kept.
        DataError: when the items do not fit the dataset.
    """
    record = store.get(name)
    roles = columns_of(record)
    label = roles.get("label", "")
    label = _LABEL if label in ("", "folder") else label
    with staging_folder(settings) as staging:
        copied = items.copied(staging, label)
        made = add_dataset(
            store,
            settings,
            str(copied.source),
            record.called,
            ImportOptions()
            if copied.source.is_dir()
            else ImportOptions(
                text_column=roles.get("text", _TEXT),
                label_column=label,
                title_column=roles.get("title", ""),
            ),
            progress=progress,
            append=True,
            shown="unsure items",
        )
    items.forget(copied)
    return made
