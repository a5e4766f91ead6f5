"""Which columns of a table hold what, guessed by name and content from the first rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tl_core.data.images import SUFFIXES as IMAGE_SUFFIXES
from tl_core.data.names import SPLIT_NAMES
from tl_core.data.schema import ImportOptions
from tl_core.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

TEXT_NAMES = ("text", "message", "sentence", "content", "question", "review", "body", "comment", "description",
              "title", "subject", "input", "prompt", "ticket", "utterance", "query",
              "文本", "内容", "テキスト", "texto", "texte")
LABEL_NAMES = ("label", "class", "category", "target", "intent", "topic", "sentiment", "tag", "type", "labels",
               "coarse_label", "y", "output", "diagnosis", "species", "标签", "类别", "ラベル", "kategorie", "klasse",
               "categoria", "etiqueta", "classe")
IMAGE_NAMES = ("file_name", "filename", "image", "image_path", "path", "filepath", "file", "img", "image_name",
               "image_id", "id_code", "id")
SPLIT_COLUMNS = ("split", "set", "fold", "partition", "subset")


@dataclass(frozen=True)
class Columns:
    """The columns of a table by role; empty where there is none."""

    text: str = ""
    label: str = ""
    group: str = ""
    split: str = ""
    title: str = ""
    image: str = ""
    date: str = ""


def guess_columns(head: pd.DataFrame, options: ImportOptions) -> Columns:
    """Columns as named in `options`, the rest guessed by name and content from the first rows.

    Raises:
        DataError: when a named column does not exist, or text or label cannot be guessed.
    """
    names = check_named(head, options)
    split = options.split_column or _split_column(head)
    named = {split, options.group_column, options.label_column, options.text_column, options.title_column,
             options.date_column} - {""}
    label = options.label_column or _by_name(names, LABEL_NAMES, named) or _by_content(head, named)
    text = options.text_column or _text_column(head, names, named | {label})
    if not text or not label:
        missing = "the text" if not text else "the class"
        raise DataError(f"It is not clear which column holds {missing}.",
                        f"The table has {len(names)} column(s): {', '.join(names[:12])}.",
                        "Name the columns yourself; a table needs one with the text and one with the class.")
    if text == label:
        raise DataError(f"The column {text!r} is named as text and as class.", "", "Name two different columns.")
    return Columns(text, label, options.group_column, split, options.title_column, "", options.date_column)


def guess_image_columns(head: pd.DataFrame, options: ImportOptions) -> Columns:
    """Columns of a table that lists image files.

    Raises:
        DataError: when a named column does not exist, or the file or the class cannot be guessed.
    """
    names = check_named(head, options)
    image = options.image_column or image_column(head) or _by_name(names, IMAGE_NAMES, {options.label_column})
    if not image:
        raise DataError("It is not clear which column names the image files.",
                        f"The table has: {', '.join(names[:12])}.", "Call that column file_name.")
    split = options.split_column or _split_column(head)
    taken = {image, split, options.group_column, options.date_column} - {""}
    label = options.label_column or _by_name(names, LABEL_NAMES, taken) or _by_content(head, taken)
    return Columns("", label, options.group_column, split, "", image, options.date_column)


def check_named(head: pd.DataFrame, options: ImportOptions) -> list[str]:
    """The names of all columns.

    Raises:
        DataError: when a column that `options` names is not among them.
    """
    names = [str(name) for name in head.columns]
    for wanted in (options.text_column, options.label_column, options.group_column, options.split_column,
                   options.title_column, options.image_column, options.date_column):
        if wanted and wanted not in names:
            raise DataError(f"There is no column {wanted!r}.", f"The table has: {', '.join(names[:12])}.",
                            nearest(wanted, names))
    return names


def image_column(head: pd.DataFrame) -> str:
    """The column whose cells look like names of image files; empty when there is none."""
    known = {name: place for place, name in enumerate(IMAGE_NAMES)}
    shares = {str(name): sum(PurePosixPath(value.replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES
                             for value in head[name]) / max(1, len(head)) for name in head.columns}
    fitting = [name for name, share in shares.items() if share >= 0.5]
    return min(fitting, key=lambda name: known.get(name.lower(), 99), default="")


def guess_text_column(head: pd.DataFrame) -> str:
    """The column that most likely holds the text, for tables without classes.

    Raises:
        DataError: when all columns are empty.
    """
    found = _text_column(head, [str(name) for name in head.columns], set())
    if not found:
        raise DataError("No column holds any text.", "", "Check that the table's first row names its columns.")
    return found


def _by_name(names: list[str], known: tuple[str, ...], taken: set[str]) -> str:
    free = {name.lower().strip(): name for name in names if name not in taken}
    return next((free[word] for word in known if word in free), "")


def _text_column(head: pd.DataFrame, names: list[str], taken: set[str]) -> str:
    named = _by_name(names, TEXT_NAMES, taken)
    lengths = {name: head[name].str.len().mean() for name in names if name not in taken}
    if named and lengths[named] > 0:
        return named
    longest = max(lengths, key=lambda name: lengths[name], default="")
    return longest if longest and lengths[longest] > 0 else ""


def _by_content(head: pd.DataFrame, taken: set[str]) -> str:
    """The column with the fewest different short values, if they repeat."""
    counts = {name: head[name].nunique() for name in head.columns if name not in taken
              and head[name].str.len().mean() < 40 and 2 <= head[name].nunique() <= max(2, len(head) // 3)}
    return str(min(counts, key=lambda name: counts[name])) if counts else ""


def _split_column(head: pd.DataFrame) -> str:
    for name in head.columns:
        values = {value.lower().strip() for value in head[name]}
        if str(name).lower() in SPLIT_COLUMNS and values - {""} and values <= set(SPLIT_NAMES) | {""}:
            return str(name)
    return ""
