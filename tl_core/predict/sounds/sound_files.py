"""Sounds that are to be predicted: files, and those of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from tl_core.data.limits import LIMITS
from tl_core.data.preparation import Preparation
from tl_core.data.sounds.decoding import RATE, Sound, decoded
from tl_core.data.sources.names import readable
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.predict.one_item import Inputs, Item, ModelInput
from tl_core.predict.picture_files import NOTES
from tl_core.predict.sources import Source

_WINDOW = 64


class _File(NamedTuple):
    """A file that is to be read as a sound; `reason` says why it is not even tried."""

    name: str
    path: Path
    reason: str = ""


def sound_files(source: Source, kept: Preparation | None) -> Inputs:
    """Every file that is no table or note.

    Raises:
        DataError: when there is nothing for the model, or too much of it.
    """
    prepared = kept or Preparation()
    if source.choice.prepared and source.root.is_dir():
        return _of_dataset(DatasetVersion(source.root), prepared, source)
    if source.choice.text_column or source.choice.title_column:
        raise DataError(
            "This model reads recordings.",
            "They have no columns.",
            "Leave --text-column and --title-column out.",
        )
    alone = source.root.is_file()
    root = source.root.parent if alone else source.root
    files = source.files()
    notes = [path for path in files if path.suffix.lower() in NOTES]
    sounds = [_file(path, root, follow=alone) for path in files if path not in set(notes)]
    _check(sounds, source)
    source.plan.take("files", "audio", "every file that is no table or note")
    skipped = [
        {
            "item": readable(path.relative_to(root).as_posix()),
            "reason": "a table or note beside the recordings",
        }
        for path in notes
    ]
    items = [Item(one.name, {}, partial(read_sound, one.path), one.reason) for one in sounds]
    return Inputs("file", len(items), lambda: _windows(items), prepared, _shown, skipped)


def read_sound(path: Path) -> Sound:
    """The sound of a file, as the model reads it.

    Raises:
        DataError: when it is none, or too large.
    """
    try:
        if path.stat().st_size > LIMITS.sound_bytes:
            most = LIMITS.sound_bytes >> 20
            raise DataError(f"The file is over {most} MB.", "", "Save a shorter part of it.")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"The file cannot be read ({error.strerror}).") from error
    return decoded(data)


def _file(path: Path, root: Path, *, follow: bool) -> _File:
    """Without `follow` links are not opened: they could point at other people's files."""
    name = readable(path.relative_to(root).as_posix())
    if path.is_symlink() and not follow:
        return _File(name, path, "It is a link to another place, which is not followed.")
    return _File(name, path)


def _check(sounds: list[_File], source: Source) -> None:
    if not sounds:
        raise DataError(
            f"There is nothing in {source.name!r} that this model reads.",
            "It reads recordings.",
            "Bring WAV, FLAC, OGG or MP3 files.",
        )
    if len(sounds) > source.limits.items:
        raise DataError(
            f"There are more than {source.limits.items:,} recordings.",
            "That is this server's limit.",
            "Predict a part of them, or raise TL_MAX_ITEMS.",
        )


def _of_dataset(version: DatasetVersion, kept: Preparation, source: Source) -> Inputs:
    """The sounds of a dataset version that have no class."""
    rows = version.rows_of("unlabelled")
    source.plan.take("audio", "audio", "the dataset has prepared it")
    column = version.table.column("audio")

    def read(row: int) -> Sound:
        return decoded(column[row].as_py()["bytes"])

    items = [
        Item(readable(name), {}, partial(read, int(row)))
        for name, row in zip(version.names(rows), rows, strict=True)
    ]
    return Inputs("file", len(items), lambda: _windows(items), kept, _shown)


def _windows(items: list[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(items), _WINDOW):
        yield items[start : start + _WINDOW]


def _shown(sound: ModelInput) -> dict[str, str]:
    return {"recording": f"{len(cast('Sound', sound)) / RATE:.2f} s"}
