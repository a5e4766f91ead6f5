"""Answers of this model, with nothing but the packages in requirements.txt. Rows are prepared as in
training.

    python predict.py "a text" "another one"              texts as they stand, for models of one
    column python predict.py messages.csv -o answers.csv         the columns of the training;
    --column names another one python predict.py photo.jpg folder-of-photos -o answers.csv

From Python: `from predict import Model; Model().answers(["a text"])`, or `[{"title": "..", "body":
".."}]`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import struct
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
NOTES = {
    ".txt",
    ".md",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".ndjson",
    ".xlsx",
    ".xls",
    ".ods",
    ".parquet",
    ".xml",
    ".yaml",
    ".yml",
    ".html",
    ".htm",
}  # what lies beside pictures and is none
DOCUMENTS = {".txt", ".md", ".text"}  # one text each, where a folder of them is given
TABLES = {".csv": ",", ".tsv": "\t"}
STRAY = {"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir", "$RECYCLE.BIN"}
ORIENTATION, SUBFILE, COPY_OR_MASK = 0x0112, 0x00FE, 0b101
BATCH, WINDOW = 16, 256


class Page(NamedTuple):
    """A page of a file, by its frame."""

    path: Path
    frame: int


class Model:
    """The model in the folder of this file; `labels` in the order of the probabilities."""

    def __init__(self, folder: Path = HERE) -> None:
        from transformers import AutoImageProcessor, AutoTokenizer

        self.told: dict[str, Any] = json.loads((folder / "graft.json").read_text(encoding="utf-8"))
        self.labels: list[str] = self.told["labels"]
        self.is_text = self.told["modality"] == "text"
        self.folder, self.preparation = folder, preparation_in(folder)
        self.processor = (AutoTokenizer if self.is_text else AutoImageProcessor).from_pretrained(
            folder
        )
        self._run = (
            self._open_onnx(folder)
            if self.told["runs_with"] == "onnxruntime"
            else self._open_torch(folder)
        )

    def _open_torch(self, folder: Path) -> Any:  # noqa: ANN401
        import torch
        from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

        if (folder / "static_vectors.py").exists():  # a class that transformers does not know
            sys.path.insert(0, str(folder))
            __import__("static_vectors")
        kind = (
            AutoModelForSequenceClassification if self.is_text else AutoModelForImageClassification
        )
        model = kind.from_pretrained(folder, dtype=torch.float32).eval()

        def run(batch: dict[str, Any]) -> Any:  # noqa: ANN401
            with torch.inference_mode():
                return model(**batch).logits.double().numpy()

        return run

    def _open_onnx(self, folder: Path) -> Any:  # noqa: ANN401
        import onnxruntime

        session = onnxruntime.InferenceSession(
            folder / "model.onnx", providers=["CPUExecutionProvider"]
        )
        names = [one.name for one in session.get_inputs()]
        return lambda batch: session.run(None, {name: np.asarray(batch[name]) for name in names})[
            0
        ].astype(np.float64)

    def probabilities(self, items: list[Any]) -> Any:  # noqa: ANN401
        """Probabilities (items, classes) of rows, of texts that are joined already, or of pictures
        (path or PIL).
        """
        items = [self.as_read(item) for item in items] if self.is_text else items
        order = (
            sorted(range(len(items)), key=lambda i: -len(items[i]))
            if self.is_text
            else list(range(len(items)))
        )
        found = np.zeros((len(items), len(self.labels)))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            logits = self._run(self._encode([items[i] for i in places]))
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            found[places] = powers / powers.sum(axis=1, keepdims=True)
        return found

    def answers(self, items: list[Any]) -> list[dict[str, Any]]:
        """For each item its label, how sure, and whether that is less sure than a person wanted.

        Raises:
            ValueError: for a text alone where the model reads several columns, or a row that lacks
            one of them.
        """
        if self.preparation.joined and any(isinstance(item, str) for item in items):
            raise ValueError(f"This model reads {self.needs}; a text alone is not enough.")
        return [
            {
                "label": self.labels[int(row.argmax())],
                "confidence": float(row.max()),
                "abstain": bool(row.max() < self.told["threshold"]),
                "probabilities": dict(zip(self.labels, row.tolist(), strict=True)),
            }
            for row in self.probabilities(items)
        ]

    @property
    def needs(self) -> str:
        """What a row must have, in words."""
        names = self.preparation.columns
        shown = (
            f"{names[0]!r} to {names[-1]!r}" if len(names) > 8 else " and ".join(map(repr, names))
        )
        return f"the column{'s' if len(names) > 1 else ''} {shown}" + (
            ", joined" if self.preparation.joined else ""
        )

    def as_read(self, item: Any) -> Any:  # noqa: ANN401
        """A row, a text or a picture as the network's processor gets it.

        Raises:
            ValueError: when it cannot be read.
        """
        if isinstance(item, ValueError):
            raise item
        if isinstance(item, dict):
            for name in self.preparation.columns:
                if name not in item:
                    raise ValueError(
                        f"The row has no column {name!r}. This model reads {self.needs}."
                    )
        if not self.is_text:
            return (
                self.preparation.rgb(self.preparation.picture(item))
                if isinstance(item, dict)
                else open_picture(item, self.preparation, self.folder)
            )
        text = (
            item
            if isinstance(item, str)
            else (
                self.preparation.text(item)
                if self.preparation.columns
                else next(iter(item.values()), "")
            )
        )
        return self.preparation.one_text(text)

    def _encode(self, items: list[Any]) -> dict[str, Any]:
        if self.is_text:
            return dict(
                self.processor(
                    items,
                    padding=True,
                    truncation=True,
                    max_length=self.told["max_length"],
                    padding_side="right",
                    return_tensors="pt",
                )
            )
        pictures = [self.as_read(item) for item in items]
        return {"pixel_values": self.processor(pictures, return_tensors="pt")["pixel_values"]}


@cache
def beside(folder: Path, name: str) -> Any:  # noqa: ANN401
    """A module of the bundle: the very code that training used."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[name] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def preparation_in(folder: Path) -> Any:  # noqa: ANN401
    """What training did to a row."""
    kind = beside(folder, "preparation").Preparation
    return kind.read(folder) or kind()


def open_picture(source: Any, preparation: Any = None, folder: Path = HERE) -> Any:  # noqa: ANN401
    """An upright RGB picture, transparency on white, more than 8 bits scaled as in training.

    Raises:
        ValueError: when it is damaged.
        OSError: when it is no picture.
    """
    from PIL import Image, ImageOps

    preparation = preparation or preparation_in(folder)
    path, frame = source if isinstance(source, Page) else (source, 0)
    try:
        if isinstance(path, Image.Image):
            return preparation.rgb(ImageOps.exif_transpose(path))
        with Image.open(path) as image:
            image.seek(frame)
            raw = beside(folder, "deep_pictures").halved(image)
            image.load()
            return (
                _colours(path, frame, raw, image, preparation, folder)
                if raw
                else preparation.rgb(ImageOps.exif_transpose(image))
            )
    except (
        SyntaxError,
        TypeError,
        IndexError,
        KeyError,
        EOFError,
        RuntimeError,
        ArithmeticError,
        struct.error,
        MemoryError,
        Image.DecompressionBombError,
    ) as error:
        raise ValueError(f"The image is damaged: {error}") from error


def _colours(path: Path, frame: int, raw: str, image: Any, preparation: Any, folder: Path) -> Any:  # noqa: ANN401
    """Colours of 16 bits, of which Pillow keeps the upper 8 alone."""
    from PIL import ImageOps

    deep = beside(folder, "deep_pictures")
    values = deep.colour_values(Path(path).read_bytes(), raw, frame)
    low, high = preparation.scale or beside(folder, "preparation").range_scale(
        0, float(values[..., :3].max()), whole=True
    )
    picture = deep.scaled_colours(values, low, high)
    picture.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
    return ImageOps.exif_transpose(picture)


def read(arguments: list[str], column: str, model: Model) -> list[tuple[str, Any]]:
    """Name and content of each input.

    Raises:
        ValueError: when a table lacks a column that the model reads.
    """
    found: list[tuple[str, Any]] = []
    for argument in arguments:
        path = Path(argument)
        kind = path.suffix.lower() if path.is_file() else ""
        if kind in TABLES and (model.is_text or model.preparation.pixels):
            found += table(path, column, model)
        elif not model.is_text:
            found += pictures(path, model)
        elif model.preparation.joined:
            raise ValueError(
                f"{argument[:80]!r} is a text alone. This model reads {model.needs}: give it a CSV."
            )
        elif path.is_dir():
            found += [
                (str(file), file.read_text(encoding="utf-8-sig"))
                for file in sorted(path.rglob("*"))
                if file.suffix.lower() in DOCUMENTS and file.is_file()
            ]
        elif kind == ".txt":
            with path.open(encoding="utf-8-sig") as handle:
                found += [
                    (str(number), line.strip())
                    for number, line in enumerate(handle, 1)
                    if line.strip()
                ]
        else:
            found.append((argument, argument))
    return found


def table(path: Path, column: str, model: Model) -> list[tuple[str, Any]]:
    """The rows of a CSV or TSV with what the model reads of them; rows that do not fit the header
    as errors.
    """
    names = list(model.preparation.columns)
    if column and len(names) > 1:
        raise ValueError(f"This model reads {model.needs}; --column cannot stand for them.")
    rows = records(path, [column] if column else names)
    there = [name for row in rows[:1] for name in row if name is not None]
    wanted = [column] if column else names or ["text"]
    if not column and len(wanted) == 1 and len(there) == 1:
        wanted = there  # it is the only one
    for name in wanted if rows else []:
        if name not in there:
            raise ValueError(
                f"{path.name!r} has no column {name!r}. This model reads "
                f"{model.needs if names else 'one column of texts'}; the table has: "
                f"{', '.join(there[:12])}." + ("" if len(wanted) > 1 else " Name it with --column.")
            )
    return [(str(number), content(row, wanted, names)) for number, row in enumerate(rows, 1)]


def content(row: dict[Any, Any], wanted: list[str], names: list[str]) -> Any:  # noqa: ANN401
    """The cells of a row under the names of the training, one text, or what is wrong with it."""
    if None in row or None in row.values():
        return ValueError("The row is damaged: it does not fit the header.")
    cells = [row[name] for name in wanted]
    if not any(cell.strip() for cell in cells):
        return ValueError("The text is empty.")
    return dict(zip(names, cells, strict=True)) if names else cells[0]


def records(path: Path, wanted: list[str]) -> list[dict[Any, Any]]:
    """The rows of a table in UTF-8, separated by what its ending says, or else by what its header
    shows.

    Raises:
        ValueError: when it is in another encoding.
    """
    csv.field_size_limit(1 << 27)
    usual = TABLES[path.suffix.lower()]
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            header = handle.readline()
            signs = [usual, *(sign for sign in ",;\t|" if sign != usual)]
            sign = next(
                (
                    sign
                    for sign in signs
                    if set(wanted) <= set(named(csv.reader([header], delimiter=sign)))
                ),
                usual,
            )
            try:
                return rows_of(handle, delimiter=sign, strict=True)
            except (
                csv.Error
            ):  # a quotation mark that quotes nothing, as tools write that know no quoting
                return rows_of(
                    handle,
                    delimiter=sign,
                    quoting=csv.QUOTE_NONE if sign == "\t" else csv.QUOTE_MINIMAL,
                )
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name!r} is not in UTF-8; save it as CSV (UTF-8).") from error


def rows_of(handle: Any, **dialect: Any) -> list[dict[Any, Any]]:  # noqa: ANN401
    handle.seek(0)
    lines = csv.reader(handle, **dialect)
    names = named(lines)
    return [
        {
            **{
                name: cells[place] if place < len(cells) else None
                for place, name in enumerate(names)
            },
            **({None: ""} if len(cells) != len(names) else {}),
        }
        for cells in lines
        if cells
    ]


def named(lines: Any) -> list[str]:  # noqa: ANN401
    """The header's names without blanks around them, in the form that training knew them by."""
    return [unicodedata.normalize("NFC", name).strip() for name in next(lines, [])]


def pictures(path: Path, model: Model) -> Iterator[tuple[str, Any]]:
    """Every file that is no table, note or by-product of the system; pages one by one where
    training took them so.
    """
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        inside = file.relative_to(path).parts
        if path.is_dir() and (
            not file.is_file()
            or file.suffix.lower() in NOTES
            or any(part in STRAY or part.startswith(".") for part in inside)
        ):
            continue
        frames = pages(file) if model.preparation.page == "all" else []
        yield from (
            [(str(file), file)]
            if len(frames) < 2
            else [(f"{file}#{number}", Page(file, frame)) for number, frame in enumerate(frames, 1)]
        )


def pages(file: Path) -> list[int]:
    """The frames of a TIFF that are pages, no smaller copies or masks of them; none of what is no
    TIFF.
    """
    from PIL import Image

    found: list[int] = []
    try:
        with Image.open(file, formats=("TIFF",)) as image:
            for frame in range(10_000):
                image.seek(frame)
                if not int(image.tag_v2.get(SUBFILE, 0)) & COPY_OR_MASK:  # type: ignore[attr-defined]
                    found.append(frame)
    except EOFError:
        return found
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):
        return []  # what is wrong with it is said when it is read
    return found


def answered(model: Model, items: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Name and answer of each input, or what was wrong with it: one unreadable picture must not
    cost the others.
    """
    for start in range(0, len(items), WINDOW):
        window = items[start : start + WINDOW]
        good = [item for _, item in window if not isinstance(item, ValueError)]
        try:
            found = iter(model.answers(good))
            yield from [
                (name, str(item) if isinstance(item, ValueError) else next(found))
                for name, item in window
            ]
        except (OSError, ValueError):
            for name, item in window:
                try:
                    yield name, model.answers([item])[0]
                except (OSError, ValueError) as error:
                    yield name, str(error)


def readable(name: str) -> str:
    """A file name that can be written: bytes that are not UTF-8 are read as Windows-1252, Latin-1
    otherwise.
    """
    raw = name.encode("utf-8", "surrogateescape")
    for codec in ("utf-8", "cp1252"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def main() -> int:
    parser = argparse.ArgumentParser(description="Answers of this model.")
    parser.add_argument("input", nargs="+", help="texts or tables; pictures or folders")
    parser.add_argument(
        "--column",
        default="",
        help="of a table, for models of one column; default: that of the training",
    )
    parser.add_argument("-o", "--output", help="a CSV file; default: the screen")
    given = parser.parse_args()
    model = Model()
    try:
        items = read(given.input, given.column, model)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    out = open(given.output, "w", newline="", encoding="utf-8") if given.output else sys.stdout
    writer = csv.writer(out)
    writer.writerow(
        [
            "input",
            "label",
            "confidence",
            "abstain",
            *(f"p:{name}" for name in model.labels),
            "error",
        ]
    )
    for name, one in answered(model, items):
        if isinstance(one, str):
            writer.writerow([readable(name), "", "", "", *("" for _ in model.labels), one])
            continue
        writer.writerow(
            [
                readable(name),
                one["label"],
                f"{one['confidence']:.9g}",
                str(one["abstain"]).lower(),
                *(f"{value:.9g}" for value in one["probabilities"].values()),
                "",
            ]
        )
    if given.output:
        out.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
