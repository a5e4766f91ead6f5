"""Answers of this model, with nothing but the packages in requirements.txt and the files beside
this one. Rows are prepared as in training.

    python predict.py "a text" "another one"
    python predict.py messages.csv -o answers.csv
    python predict.py photo.jpg folder-of-photos -o answers.csv

Texts stand for themselves with models of one column. Of a table the columns of the training are
read; --column names another one. From Python: `from predict import Model;
Model().answers(["a text"])`, or `[{"title": "..", "body": ".."}]`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TextIO, TypedDict

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from tl_core.data.preparation import Preparation
    from tl_core.export.standalone.inputs import Input, Picture

HERE = Path(__file__).resolve().parent
ORIENTATION = 0x0112
BATCH, WINDOW = 16, 256
Floats = NDArray[np.float64]


class Facts(TypedDict):
    """What is read of `graft.json`."""

    labels: list[str]
    modality: str
    runs_with: str
    max_length: int
    threshold: float


class Answer(TypedDict):
    """What the model says of one item; `abstain` says that a person should decide."""

    label: str
    confidence: float
    abstain: bool
    probabilities: dict[str, float]


class Model:
    """The model in the folder of this file; `labels` in the order of the probabilities."""

    def __init__(self, folder: Path = HERE) -> None:
        from transformers import AutoImageProcessor, AutoTokenizer

        self.facts: Facts = json.loads((folder / "graft.json").read_text(encoding="utf-8"))
        self.labels = self.facts["labels"]
        self.is_text = self.facts["modality"] == "text"
        self.folder, self.preparation = folder, preparation_in(folder)
        self.processor = (AutoTokenizer if self.is_text else AutoImageProcessor).from_pretrained(
            folder
        )
        self._run = (
            self._open_onnx(folder)
            if self.facts["runs_with"] == "onnxruntime"
            else self._open_torch(folder)
        )

    def _open_torch(self, folder: Path) -> Callable[[dict[str, Tensor]], Floats]:
        import torch
        from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

        if (folder / "static_vectors.py").exists():  # a class that transformers does not know
            sys.path.insert(0, str(folder))
            __import__("static_vectors")
        kind = (
            AutoModelForSequenceClassification if self.is_text else AutoModelForImageClassification
        )
        model = kind.from_pretrained(folder, dtype=torch.float32).eval()

        def run(batch: dict[str, Tensor]) -> Floats:
            with torch.inference_mode():
                logits: Floats = model(**batch).logits.double().numpy()
            return logits

        return run

    def _open_onnx(self, folder: Path) -> Callable[[dict[str, Tensor]], Floats]:
        import onnxruntime

        session = onnxruntime.InferenceSession(
            folder / "model.onnx", providers=["CPUExecutionProvider"]
        )
        names = [one.name for one in session.get_inputs()]

        def run(batch: dict[str, Tensor]) -> Floats:
            tensors = {name: np.asarray(batch[name]) for name in names}
            logits: Floats = session.run(None, tensors)[0].astype(np.float64)
            return logits

        return run

    def probabilities(self, items: Sequence[Input]) -> Floats:
        """Probabilities (items, classes) of rows, of texts that are joined already, or of pictures
        (path or PIL).
        """
        order = list(range(len(items)))
        if self.is_text:
            texts = [self._text(item) for item in items]
            items = texts
            order.sort(key=lambda place: -len(texts[place]))
        scores = np.zeros((len(items), len(self.labels)))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            logits = self._run(self._encode([items[i] for i in places]))
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            scores[places] = powers / powers.sum(axis=1, keepdims=True)
        return scores

    def answers(self, items: Sequence[Input]) -> list[Answer]:
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
                "abstain": bool(row.max() < self.facts["threshold"]),
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

    def _text(self, item: Input) -> str:
        """The text that the network's tokenizer gets.

        Raises:
            ValueError: when the row lacks a column.
        """
        item = self._whole(item)
        if isinstance(item, dict):
            if self.preparation.columns:
                return self.preparation.text(item)
            item = next(iter(item.values()), "")
        return self.preparation.one_text(str(item))

    def _picture(self, item: Input) -> Image.Image:
        """The picture that the network's processor gets.

        Raises:
            ValueError: when the row lacks a column, or the file cannot be read.
        """
        item = self._whole(item)
        if isinstance(item, dict):
            picture: Image.Image = self.preparation.rgb(self.preparation.picture(item))
            return picture
        return open_picture(item, self.preparation, self.folder)

    def _whole(self, item: Input) -> str | dict[str, str] | Picture:
        """An item that is there, with every column that the model reads."""
        if isinstance(item, ValueError):
            raise item
        if isinstance(item, dict):
            for name in self.preparation.columns:
                if name not in item:
                    raise ValueError(
                        f"The row has no column {name!r}. This model reads {self.needs}."
                    )
        return item

    def _encode(self, items: list[Input]) -> dict[str, Tensor]:
        """The tensors of texts as they are read, or of pictures."""
        if self.is_text:
            return dict(
                self.processor(
                    items,
                    padding=True,
                    truncation=True,
                    max_length=self.facts["max_length"],
                    padding_side="right",
                    return_tensors="pt",
                )
            )
        pictures = [self._picture(item) for item in items]
        return {"pixel_values": self.processor(pictures, return_tensors="pt")["pixel_values"]}


@cache
def beside(folder: Path, name: str) -> ModuleType:
    """A module of the bundle: the very code that training used."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[name] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def preparation_in(folder: Path) -> Preparation:
    """What training did to a row."""
    kind: type[Preparation] = beside(folder, "preparation").Preparation
    return kind.read(folder) or kind()


def open_picture(
    source: Picture, preparation: Preparation | None = None, folder: Path = HERE
) -> Image.Image:
    """An upright RGB picture, transparency on white, more than 8 bits scaled as in training.

    Raises:
        ValueError: when it is damaged.
        OSError: when it is no picture.
    """
    from PIL import Image

    preparation = preparation or preparation_in(folder)
    path, frame = source if isinstance(source, tuple) else (source, 0)
    try:
        if isinstance(path, Image.Image):
            return _as_rgb(path, preparation)
        with Image.open(path) as image:
            image.seek(frame)
            raw: str = beside(folder, "deep_pictures").halved(image)
            image.load()
            if raw:
                return _colours(Path(path), frame, raw, image, preparation, folder)
            return _as_rgb(image, preparation)
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


def _as_rgb(image: Image.Image, preparation: Preparation) -> Image.Image:
    from PIL import ImageOps

    picture: Image.Image = preparation.rgb(ImageOps.exif_transpose(image))
    return picture


def _colours(
    path: Path,
    frame: int,
    raw: str,
    image: Image.Image,
    preparation: Preparation,
    folder: Path,
) -> Image.Image:
    """Colours of 16 bits, of which Pillow keeps the upper 8 alone."""
    from PIL import ImageOps

    deep = beside(folder, "deep_pictures")
    values = deep.colour_values(path.read_bytes(), raw, frame)
    low, high = preparation.scale or beside(folder, "preparation").range_scale(
        0, float(values[..., :3].max()), whole=True
    )
    picture: Image.Image = deep.scaled_colours(values, low, high)
    picture.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
    return ImageOps.exif_transpose(picture)


def answered(model: Model, items: list[tuple[str, Input]]) -> Iterator[tuple[str, Answer | str]]:
    """Name and answer of each input, or what was wrong with it: one unreadable picture must not
    cost the others.
    """
    for start in range(0, len(items), WINDOW):
        window = items[start : start + WINDOW]
        good = [item for _, item in window if not isinstance(item, ValueError)]
        try:
            answers = iter(model.answers(good))
            yield from [
                (name, str(item) if isinstance(item, ValueError) else next(answers))
                for name, item in window
            ]
        except (OSError, ValueError):
            for name, item in window:
                try:
                    yield name, model.answers([item])[0]
                except (OSError, ValueError) as error:
                    yield name, str(error)


def main() -> int:
    from tl_core.export.standalone.inputs import read

    parser = argparse.ArgumentParser(description="Answers of this model.")
    parser.add_argument("input", nargs="+", help="texts or tables; pictures or folders")
    parser.add_argument(
        "--column",
        default="",
        help="of a table, for models of one column; default: that of the training",
    )
    parser.add_argument("-o", "--output", help="a CSV file; default: the screen")
    options = parser.parse_args()
    model = Model()
    try:
        items = read(options.input, options.column, model)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    if not options.output:
        write(sys.stdout, model, items)
        return 0
    with open(options.output, "w", newline="", encoding="utf-8") as out:
        write(out, model, items)
    return 0


def write(out: TextIO, model: Model, items: list[tuple[str, Input]]) -> None:
    """Write the answers as CSV, each as soon as it is there."""
    from tl_core.export.standalone.inputs import readable

    writer = csv.writer(out)
    columns = [f"p:{name}" for name in model.labels]
    writer.writerow(["input", "label", "confidence", "abstain", *columns, "error"])
    for name, answer in answered(model, items):
        if isinstance(answer, str):
            writer.writerow([readable(name), "", "", "", *("" for _ in columns), answer])
            continue
        writer.writerow(
            [
                readable(name),
                answer["label"],
                f"{answer['confidence']:.9g}",
                str(answer["abstain"]).lower(),
                *(f"{value:.9g}" for value in answer["probabilities"].values()),
                "",
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
