"""Documents as a source: files that are one text each, their classes in folders."""

from __future__ import annotations

from pathlib import PurePosixPath

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.class_lists import is_class_list
from tl_core.data.layouts.folders import read_folders
from tl_core.data.sources.names import readable, words_of
from tl_core.data.sources.types import Contents, ItemFile, Source


def open_documents(contents: Contents, options: ImportOptions) -> Source | None:
    """Text files that are one text each, their classes in folders or names, or still to be given;
    None for other contents.
    """
    if len(contents.texts) < 4 or len(contents.texts) < 2 * len(contents.tables):
        return None
    names = [
        name
        for name in contents.texts
        if (len(name.parts) > 1 or options.label_here) and not _is_note(name)
    ]
    if len(names) < 4:
        return None
    if options.label_here:
        return _all_without_class(contents, names)
    placed = read_folders(names, options.class_level, options.labels_from)
    classes = placed.classes
    if placed.by != "folders" or len(classes) < 2 or sum(classes.values()) < 2 * len(classes):
        return None
    source = Source("text", root=contents.root, plan=placed.plan, skipped=list(contents.skipped))
    for name in [*contents.tables, *(name for name in contents.texts if name not in set(names))]:
        source.skipped.append(
            {"item": readable(str(name)), "reason": "a file beside folders of texts"}
        )
    for one in placed.placed:
        if one.aside:
            source.skipped.append({"item": readable(str(one.name)), "reason": one.aside})
        else:
            source.files.append(
                ItemFile(
                    contents.root / one.name,
                    readable(str(one.name)),
                    one.label,
                    one.split,
                    extra=one.extra,
                    fold=one.fold,
                )
            )
    source.plan.take("files", "text", "each file in a class folder is one text")
    return source


def _all_without_class(contents: Contents, names: list[PurePosixPath]) -> Source:
    """Each file as one text, wherever it lies: nothing has a class yet."""
    source = Source("text", root=contents.root, skipped=list(contents.skipped))
    source.skipped += [
        {"item": readable(str(name)), "reason": "a file beside the texts"}
        for name in [*contents.tables, *(one for one in contents.texts if one not in {*names})]
    ]
    source.files = [ItemFile(contents.root / name, readable(str(name)), "", "") for name in names]
    source.plan.take("files", "text", "each file is one text")
    return source


def _is_note(name: PurePosixPath) -> bool:
    return bool(
        {*words_of(name.stem)} & {"readme", "license", "licence", "changelog", "urls"}
    ) or is_class_list(name.name)
