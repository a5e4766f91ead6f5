"""Golden examples: inputs with the probabilities that the model gave when it was exported.

They come from the built-in samples, so that nothing of the owner's data leaves with the model,
unless the owner says so. One text is longer than the model reads, so that a bundle that forgets to
cut is found out.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tl_core.data.images import open_image
from tl_core.data.preparation import Preparation
from tl_core.data.samples import sample_source
from tl_core.data.store import DatasetVersion
from tl_core.models.classifier import Classifier

FOLDER, FILE = "golden", "expected.json"
_COUNT = 12


def write_golden(
    classifier: Classifier,
    folder: Path,
    version: DatasetVersion | None,
    kept: Preparation = Preparation(),  # noqa: B008 - frozen
) -> None:
    """Write inputs and expected probabilities into `folder`; some of the test rows of `version`
    where one is given.

    Inputs are written as the network reads them, after what `kept` says was done to a row.
    """
    folder.mkdir(parents=True)
    told: dict[str, Any] = {
        "labels": classifier.labels,
        "source": "the owner's test rows" if version else "samples",
    }
    if classifier.modality == "text":
        items: list[Any] = _own_texts(version) if version else _sample_texts()
        times = 1 + 2 * int(classifier.processor.model_max_length) // max(1, len(items[0].split()))
        items = [kept.one_text(text) for text in [*items, " ".join([items[0]] * times)]]
        told["items"] = [{"text": text} for text in items]
    else:
        pictures = _own_pictures(version, kept) if version else _drawn_pictures()
        told["items"] = []
        for number, data in enumerate(pictures):
            name = f"{number:02}.png"
            (folder / name).write_bytes(data)
            told["items"].append({"file": name})
        items = [open_image(data) for data in pictures]
    for one, row in zip(told["items"], classifier.probabilities(items), strict=True):
        one["probabilities"] = row.tolist()
    (folder / FILE).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def read_golden(folder: Path) -> tuple[list[str], list[Any], Any]:
    """Labels, inputs (texts or RGB pictures) and expected probabilities (items, classes)."""
    told = json.loads((folder / FILE).read_text(encoding="utf-8"))
    items = [
        one["text"] if "text" in one else open_image((folder / one["file"]).read_bytes())
        for one in told["items"]
    ]
    return told["labels"], items, np.array([one["probabilities"] for one in told["items"]])


def add_int8(folder: Path, said: Any) -> None:  # noqa: ANN401
    """Note what the 8-bit network says of the inputs, which is its own: probabilities (items,
    classes).
    """
    told = json.loads((folder / FILE).read_text(encoding="utf-8"))
    for one, row in zip(told["items"], said, strict=True):
        one["int8"] = row.tolist()
    (folder / FILE).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def read_int8(folder: Path) -> Any:  # noqa: ANN401
    """Those probabilities."""
    told = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return np.array([one["int8"] for one in told["items"]])


def _sample_texts() -> list[str]:
    with sample_source("messages", Path()).open(newline="", encoding="utf-8") as handle:
        return [row["text"] for row in csv.DictReader(handle)][:: 600 // _COUNT][:_COUNT]


def _own_texts(version: DatasetVersion) -> list[str]:
    return list(version.texts(_spread(version)))


def _own_pictures(version: DatasetVersion, kept: Preparation) -> list[bytes]:
    """As PNG of 8 bits without anything that the camera wrote beside the picture."""
    found = []
    for row in _spread(version):
        out = io.BytesIO()
        open_image(version.image_bytes(int(row)), kept.scale).save(out, "PNG")
        found.append(out.getvalue())
    return found


def _spread(version: DatasetVersion) -> Any:  # noqa: ANN401
    rows = version.rows_of("test")
    return rows[np.unique(np.linspace(0, len(rows) - 1, _COUNT).round().astype(int))]


def _drawn_pictures() -> list[bytes]:
    """Shapes on noise in several sizes and modes: whole pictures, so that scaling and cropping
    matter.
    """
    random, found = np.random.default_rng(0), []
    for number in range(_COUNT):
        height, width = int(random.integers(40, 400)), int(random.integers(40, 400))
        picture = Image.fromarray(random.integers(0, 120, (height, width, 3), dtype=np.uint8))
        draw = ImageDraw.Draw(picture)
        for _ in range(6):
            x, y = (
                sorted(random.integers(0, width, 2).tolist()),
                sorted(random.integers(0, height, 2).tolist()),
            )
            colour = tuple(random.integers(0, 256, 3).tolist())
            (draw.ellipse if random.random() < 0.5 else draw.rectangle)(
                (x[0], y[0], x[1], y[1]), fill=colour
            )
        out = io.BytesIO()
        picture.convert("L" if number % 5 == 4 else "RGB").save(out, "PNG")
        found.append(out.getvalue())
    return found
