"""Folders of files that are one text each, as class folders of documents are in training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tl_core.data.limits import LIMITS
from tl_core.data.preparation import Preparation
from tl_core.data.sources.names import readable, words_of
from tl_core.data.tables.encodings import sniff_encoding
from tl_core.errors import DataError
from tl_core.predict.one_item import Item

SUFFIXES = {".txt", ".md", ".text"}
_NOTES = {"readme", "license", "licence", "changelog"}
_WINDOW = 256


def is_note(path: Path) -> bool:
    """Whether a file is about the others, by its name."""
    return bool({*words_of(path.stem)} & _NOTES)


def document_windows(
    files: list[Path], root: Path, preparation: Preparation
) -> Iterator[list[Item]]:
    """Each file as one text, in their order, named by their place below `root`."""
    for start in range(0, len(files), _WINDOW):
        yield [
            Item(readable(path.relative_to(root).as_posix()), {}, *_text_of(path, preparation))
            for path in files[start : start + _WINDOW]
        ]


def _text_of(path: Path, preparation: Preparation) -> tuple[str, str]:
    """The text of a file in whatever encoding it has, and what is wrong with it."""
    if path.is_symlink():
        return "", "It is a link to another place, which is not followed."
    try:
        if path.stat().st_size > 4 * LIMITS.cell_chars:
            return "", "The text is over a million characters long."
        text = path.read_bytes().decode(sniff_encoding(path), "replace").removeprefix("\ufeff")
    except OSError as error:
        return "", f"The file cannot be read ({error.strerror})."
    except DataError as error:
        return "", error.what
    if len(text) > LIMITS.cell_chars:
        return "", "The text is over a million characters long."
    text = preparation.one_text(text)
    return (text, "") if text else ("", "The text is empty.")
