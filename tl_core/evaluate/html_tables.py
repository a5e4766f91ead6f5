"""Tables of the HTML report, and how they fit on a printed sheet."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.evaluate.measures import ScoredRows

_RIGHT, _WRONG = "0,158,115", "213,94,0"  # red, green and blue of the cells of a confusion matrix
_MOST_CLASSES = 60
_ACROSS = 8, 90  # classes, and characters of their longest words, up to which heads lie across
_NAME, _END = 24, 8  # characters of a name beside a matrix whose heads are turned; of its end
_SHEET = {False: 670, True: 1030}  # pixels across a sheet of A4 that stands, or lies on its side
_SIZE = {False: 10.0, True: 7.0}  # pixels of the letters of a matrix there, at most
_SMALLEST = 6.5  # pixels of letters below which a sheet is laid on its side
_DIGIT, _LETTER, _LINE = 0.64, 0.62, 1.3  # widths (in wide fonts) and height of letters by size
_FRAME = 3  # pixels between the words of two cells
_TALL = 16  # rows up to which a table is printed in one column
_HALF, _WRAPPED = 76, 30  # characters across half a sheet; of a cell that is wrapped there


@dataclass(frozen=True)
class Table:
    """A table of texts."""

    head: list[str]
    rows: list[list[str]]

    @property
    def twice(self) -> bool:
        """Whether it is printed in two columns: one would leave half of each sheet empty."""
        across = (max(map(len, column)) for column in zip(self.head, *self.rows, strict=True))
        return len(self.rows) > _TALL and sum(min(one, _WRAPPED) for one in across) <= _HALF


@dataclass(frozen=True)
class Cell:
    """A cell of a confusion matrix: its count, and how strongly it is coloured."""

    count: int
    colour: str
    strength: float


@dataclass(frozen=True)
class Name:
    """A class beside a matrix: its label, and what of it there is room for."""

    label: str
    shown: str


@dataclass(frozen=True)
class ConfusionTable:
    """A confusion matrix: a name and its cells in each row.

    Args:
        names: of the columns.
        rows: names and cells of the rows.
        turned: whether the heads stand upright and zeros are left out.
        lying: whether its printed sheet lies on its side.
        size: of its printed letters, in pixels, so that all columns are on the sheet.
    """

    names: list[Name]
    rows: list[tuple[Name, list[Cell]]]
    turned: bool
    lying: bool
    size: float


def confusion_table(section: ScoredRows) -> ConfusionTable | None:
    """None where there are too many classes to draw it, or an item may have several."""
    if "confusion" not in section:
        return None
    labels, counts = section["confusion"]["labels"], section["confusion"]["counts"]
    if len(labels) > _MOST_CLASSES:
        return None
    words = sum(max(map(len, label.split()), default=0) for label in labels)
    turned = len(labels) > _ACROSS[0] or words > _ACROSS[1]
    names = [Name(label, cut(label, _NAME, _END) if turned else label) for label in labels]
    rows = [
        [
            Cell(count, _RIGHT if i == j else _WRONG, 0.55 * count / max(sum(row), 1))
            for j, count in enumerate(row)
        ]
        for i, row in enumerate(counts)
    ]
    lying = turned and _size(names, counts, lying=False) < _SMALLEST
    size = _size(names, counts, lying=lying)
    return ConfusionTable(names, list(zip(names, rows, strict=True)), turned, lying, size)


def _size(names: list[Name], counts: list[list[int]], *, lying: bool) -> float:
    """The letters with which all columns of a turned matrix are on a sheet."""
    digits = [len(str(max(column))) for column in zip(*counts, strict=True)]
    across = _LETTER * max(len(name.shown) for name in names) + sum(
        max(_DIGIT * one, _LINE) for one in digits
    )
    return min(_SIZE[lying], (_SHEET[lying] - _FRAME * (len(names) + 1)) / across)


def cut(name: str, most: int, end: int) -> str:
    """A name in so many characters: its beginning, and its `end`, where long names often differ."""
    if len(name) <= most:
        return name
    return f"{name[: most - end - 1].rstrip()}…{name[-end:].lstrip()}"
