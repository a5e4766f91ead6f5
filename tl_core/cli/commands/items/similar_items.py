"""Command `data search`: items of a dataset that are like an example, or like words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tl_core.cli.commands.data import name_argument
from tl_core.cli.output import Output, ProgressLine
from tl_core.cli.parsing import Command
from tl_core.cli.stores import open_stores
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError, NotFoundError
from tl_core.select.starter import suggested

if TYPE_CHECKING:
    from tl_core.train.arrays import Floats, Ints
    from tl_core.train.similar.item_search import ItemSearch

_TOP, _MOST_SIGNS = 20, 80


@click.command("search", cls=Command)
@name_argument
@click.option("--like", type=click.IntRange(min=0), metavar="ROW", help="an item of the dataset")
@click.option(
    "--words",
    default="",
    metavar="TEXT",
    help="words: a text to compare with, or what a photo shows (CLIP and SigLIP backbones)",
)
@click.option("--file", "path", default="", metavar="FILE", help="a photo, recording or text file")
@click.option(
    "--backbone", default="", help="backbone that compares; default: the starter for the dataset"
)
@click.option("--top", type=click.IntRange(min=1), default=_TOP, help="how many are listed")
@click.pass_obj
def search(
    output: Output, /, name: str, like: int | None, words: str, path: str, backbone: str, top: int
) -> int:
    """Items that are like an example or like words, the most alike first (cosine of features)."""
    from tl_core.train.similar.item_search import open_search

    if sum((like is not None, bool(words.strip()), bool(path))) != 1:
        raise ConfigError(
            "A search needs one thing to search by.",
            "It is an item of the dataset, words, or a file.",
            "Give one of --like ROW, --words TEXT and --file FILE.",
        )
    settings, datasets, _ = open_stores()
    record = datasets.get(name)
    version = DatasetVersion(record.folder)
    reference = backbone or suggested(record.folder, settings)
    searched = open_search(reference, version, settings.home_path / "features", settings)
    progress = ProgressLine(output)
    rows, alike = _found(searched, like, words, path, progress)
    progress.end()
    rows, alike = rows[:top], alike[:top]
    titles, labels = version.titles(rows), version.label_names(rows)
    found = [
        {"row": row, "cosine": round(cosine, 6), "class": label, "split": split, "item": title}
        for row, cosine, label, split, title in zip(
            rows.tolist(),
            alike.tolist(),
            labels,
            version.splits[rows].tolist(),
            titles,
            strict=True,
        )
    ]
    return output.show(
        {"dataset": record.reference, "backbone": reference, "items": found},
        [
            f"{one['cosine']:7.3f}  row {one['row']:>7}  {one['class']:20}"
            f"  {' '.join(str(one['item']).split())[:_MOST_SIGNS]}"
            for one in found
        ],
    )


def _found(
    searched: ItemSearch, like: int | None, words: str, path: str, progress: ProgressLine
) -> tuple[Ints, Floats]:
    """Rows and cosines, the most alike first."""
    if like is not None:
        return searched.like_row(like, progress)
    if words:
        return searched.like_words(words, progress)
    from tl_core.predict.carried import of_version
    from tl_core.predict.predicted_items import predicted_items_of

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{path!r} cannot be read.", str(error.strerror or ""), "Check the path."
        ) from error
    info = searched.version.info
    item = predicted_items_of(info.modality).as_given(content, of_version(info))
    return searched.like_item(item, progress)
