"""Answers of this model, with nothing but the packages in requirements.txt and the files beside
this one. Rows are prepared as in training.

    python predict.py "a text" "another one"
    python predict.py messages.csv -o answers.csv
    python predict.py photo.jpg folder-of-photos -o answers.csv
    python predict.py recording.wav folder-of-recordings -o answers.csv

Texts stand for themselves with models of one column. Of a table the columns of the training are
read; --column names another one. From Python: `from predict import Model;
Model().answers(["a text"])`, or `[{"title": "..", "body": ".."}]`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NotRequired, TextIO, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from tl_core.data.preparation import Preparation
    from tl_core.export.standalone.inputs import Input, Picture

HERE = Path(__file__).resolve().parent
BATCH, WINDOW = 16, 256
RATE, LEAST = 16_000, 1_600  # samples a second, and of the shortest sound that is not filled up
OPENED_BY = {
    "text": ("AutoTokenizer", "AutoModelForSequenceClassification"),
    "image": ("AutoImageProcessor", "AutoModelForImageClassification"),
    "audio": ("AutoFeatureExtractor", "AutoModelForAudioClassification"),
}
OWN = ("static_vectors", "sound_networks", "speech_network")  # classes unknown to transformers
Floats = NDArray[np.float64]
Sound = NDArray[np.float32]


class Facts(TypedDict):
    """What is read of `graft.json`; `thresholds` of each class where an item may have several, else
    none.
    """

    labels: list[str]
    modality: str
    runs_with: str
    max_length: int
    threshold: float
    thresholds: NotRequired[list[float] | None]


class Answer(TypedDict):
    """What the model says of one item, `labels` where it may have several; `abstain` says that a
    person should decide.
    """

    label: NotRequired[str]
    labels: NotRequired[list[str]]
    confidence: float
    abstain: bool
    probabilities: dict[str, float]


class Model:
    """The model in the folder of this file; `labels` in the order of the probabilities."""

    def __init__(self, folder: Path = HERE) -> None:
        import transformers

        self.facts: Facts = json.loads((folder / "graft.json").read_text(encoding="utf-8"))
        self.labels = self.facts["labels"]
        kept = self.facts.get("thresholds")
        self.thresholds = None if kept is None else np.array(kept)
        self.is_text, self.is_sound = (self.facts["modality"] == name for name in ("text", "audio"))
        self.folder, self.preparation = folder, preparation_in(folder)
        opener = getattr(transformers, OPENED_BY[self.facts["modality"]][0])
        self.processor = opener.from_pretrained(folder)
        self.reads_waves = type(self.processor).__name__ == "Wav2Vec2FeatureExtractor"
        self._run = (
            self._open_onnx(folder)
            if self.facts["runs_with"] == "onnxruntime"
            else self._open_torch(folder)
        )

    def _open_torch(self, folder: Path) -> Callable[[dict[str, Tensor]], Floats]:
        import torch
        import transformers

        for name in OWN:
            if (folder / f"{name}.py").exists():
                beside(folder, name)
        kind = getattr(transformers, OPENED_BY[self.facts["modality"]][1])
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
        """Probabilities (items, classes) of rows, of texts that are joined already, of pictures
        (path or PIL), or of sounds (path, or samples at 16 kHz).
        """
        sizes = [0] * len(items)
        if self.is_text or self.is_sound:
            read = self._text if self.is_text else self._sound
            known = [read(item) for item in items]
            items, sizes = known, [-len(one) for one in known]
        scores = np.zeros((len(items), len(self.labels)))
        for places in self._batches(sizes):
            logits = self._run(self._encode([items[i] for i in places]))
            scores[places] = self._shares(logits)
        return scores

    def _shares(self, logits: Floats) -> Floats:
        """Softmax, or a sigmoid of each logit where an item may have several classes."""
        if self.thresholds is not None:
            each: Floats = 1 / (1 + np.exp(-logits))
            return each
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Floats = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def _batches(self, sizes: list[int]) -> Iterator[list[int]]:
        """Places of the items, the smallest of these sizes first; for networks of sounds that take
        no mask only those of one size together.
        """
        order = sorted(range(len(sizes)), key=sizes.__getitem__)
        alone = self.reads_waves and not self.processor.return_attention_mask
        groups = groupby(order, key=sizes.__getitem__ if alone else lambda _place: 0)
        for _, group in groups:
            places = list(group)
            yield from (places[i : i + BATCH] for i in range(0, len(places), BATCH))

    def answers(self, items: Sequence[Input]) -> list[Answer]:
        """For each item its label, how sure, and whether that is less sure than a person wanted.

        Raises:
            ValueError: for a text alone where the model reads several columns, or a row that lacks
            one of them.
        """
        if self.preparation.joined and any(isinstance(item, str) for item in items):
            raise ValueError(f"This model reads {self.needs}; a text alone is not enough.")
        return [self._answer(row) for row in self.probabilities(items)]

    def _answer(self, row: Floats) -> Answer:
        """The answer in the probabilities of one item (classes,)."""
        probabilities = dict(zip(self.labels, row.tolist(), strict=True))
        if self.thresholds is None:
            sure = float(row.max())
            least = bool(sure < self.facts["threshold"])
            label = self.labels[int(row.argmax())]
            return {
                "label": label,
                "confidence": sure,
                "abstain": least,
                "probabilities": probabilities,
            }
        named = row >= self.thresholds
        sure = float(np.where(named, row, 1 - row).min())
        return {
            "labels": [name for name, yes in zip(self.labels, named, strict=True) if yes],
            "confidence": sure,
            "abstain": bool(sure < self.facts["threshold"]),
            "probabilities": probabilities,
        }

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
        return open_picture(cast("Picture", item), self.folder)

    def _sound(self, item: Input) -> Sound:
        """The samples that the network's processor gets.

        Raises:
            ValueError: when the file cannot be read.
        """
        item = self._whole(item)
        if isinstance(item, np.ndarray):
            sound: Sound = item
        else:
            code = partial(beside, self.folder)
            sound = code("opened_files").open_sound(Path(str(item)), code)
        return np.pad(sound, (0, max(0, LEAST - len(sound))))

    def _whole(self, item: Input) -> str | dict[str, str] | Picture | Sound:
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
        """The tensors of texts as they are read, of sounds, or of pictures."""
        if self.is_sound:
            more = {"padding": True} if self.reads_waves else {}
            return dict(self.processor(items, sampling_rate=RATE, return_tensors="pt", **more))
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


def open_picture(source: Picture, folder: Path = HERE) -> Image.Image:
    """An upright RGB picture, transparency on white, more than 8 bits scaled as in training.

    Raises:
        ValueError: when it is damaged.
        OSError: when it is no picture.
    """
    code = partial(beside, folder)
    picture: Image.Image = code("opened_files").open_picture(source, preparation_in(folder), code)
    return picture


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
    parser.add_argument(
        "input", nargs="+", help="texts or tables; pictures, recordings, or folders of them"
    )
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
    answer_column = "label" if model.thresholds is None else "labels"
    writer.writerow(["input", answer_column, "confidence", "abstain", *columns, "error"])
    for name, answer in answered(model, items):
        if isinstance(answer, str):
            writer.writerow([readable(name), "", "", "", *("" for _ in columns), answer])
            continue
        writer.writerow(
            [
                readable(name),
                answer["label"]
                if "label" in answer
                else json.dumps(answer.get("labels", []), ensure_ascii=False),
                f"{answer['confidence']:.9g}",
                str(answer["abstain"]).lower(),
                *(f"{value:.9g}" for value in answer["probabilities"].values()),
                "",
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
