"""Similar items for a page: at once where the items have been read, or are few."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.browse.sought import FILE, ROW, Sought, sought_in
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import NotFoundError
from tl_core.progress import Progress
from tl_core.settings import Settings

if TYPE_CHECKING:
    from tl_core.predict.one_item import ModelInput
    from tl_core.train.similar.item_search import ItemSearch

_AT_ONCE = 300  # items that are read while a page waits; more are read by a run
_opened: dict[tuple[str, str], ItemSearch] = {}  # the one used last


def search_items(
    folder: Path, address: str, reference: str, settings: Settings
) -> dict[str, object]:
    """What is like an example, or words, in the dataset version in `folder`.

    Args:
        folder: of the version.
        address: what is looked for, as `Sought` writes it.
        reference: the backbone that compares.
        settings: where backbones and features are.

    Returns:
        `missing`: items that a run has to read first; else 0 with `rows` (found,), the most alike
        first, and `alike`, their cosines.

    Raises:
        UserError: when there is nothing to look for, or the backbone cannot compare it.
    """
    sought = sought_in(address)
    if sought is None:
        raise NotFoundError("There is nothing to search by.", "", "Choose an item, or write words.")
    search = _search(folder, reference, settings)
    if search.missing > _AT_ONCE:
        return {"missing": search.missing}
    rows, alike = _found(search, sought, settings)
    return {"missing": 0, "rows": rows, "alike": alike}


def _search(folder: Path, reference: str, settings: Settings) -> ItemSearch:
    from tl_core.train.similar.item_search import open_search

    key = (str(folder), reference)
    if key not in _opened:
        _opened.clear()
        version = DatasetVersion(folder)
        _opened[key] = open_search(reference, version, settings.home_path / "features", settings)
    return _opened[key]


def _found(search: ItemSearch, sought: Sought, settings: Settings) -> tuple[object, object]:
    quiet = Progress()
    if sought.by == ROW:
        return search.like_row(sought.row, quiet)
    if sought.by == FILE:
        return search.like_item(brought(search.version, sought.what, settings), quiet)
    return search.like_words(sought.what, quiet)


def brought(version: DatasetVersion, key: str, settings: Settings) -> ModelInput:
    """A kept file, read as the items of a version are.

    Raises:
        UserError: when it is not kept, or cannot be read.
    """
    from tl_core.predict.carried import of_version
    from tl_core.predict.predicted_items import predicted_items_of
    from tl_core.services.search_examples import example

    own = predicted_items_of(version.info.modality)
    return own.as_given(example(settings, key), of_version(version.info))
