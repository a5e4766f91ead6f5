"""Answers of this model, with nothing but the packages in requirements.txt.

    python predict.py "a text" "another one"              texts as they stand
    python predict.py messages.csv --column text -o answers.csv
    python predict.py photo.jpg folder-of-photos -o answers.csv

From Python: `from predict import Model; Model().answers(["a text"])`.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif"}
BATCH, WINDOW = 16, 256


class Model:
    """The model in the folder of this file; `labels` in the order of the probabilities."""

    def __init__(self, folder: Path = HERE) -> None:
        from transformers import AutoImageProcessor, AutoTokenizer

        self.told: dict[str, Any] = json.loads((folder / "graft.json").read_text(encoding="utf-8"))
        self.labels: list[str] = self.told["labels"]
        self.is_text = self.told["modality"] == "text"
        self.processor = (AutoTokenizer if self.is_text else AutoImageProcessor).from_pretrained(folder)
        self._run = self._open_onnx(folder) if self.told["runs_with"] == "onnxruntime" else self._open_torch(folder)

    def _open_torch(self, folder: Path) -> Any:  # noqa: ANN401
        import torch
        from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

        if (folder / "static_vectors.py").exists():  # a class that transformers does not know
            sys.path.insert(0, str(folder))
            __import__("static_vectors")
        kind = AutoModelForSequenceClassification if self.is_text else AutoModelForImageClassification
        model = kind.from_pretrained(folder, dtype=torch.float32).eval()

        def run(batch: dict[str, Any]) -> Any:  # noqa: ANN401
            with torch.inference_mode():
                return model(**batch).logits.double().numpy()

        return run

    def _open_onnx(self, folder: Path) -> Any:  # noqa: ANN401
        import onnxruntime

        session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]
        return lambda batch: session.run(None, {name: np.asarray(batch[name]) for name in names})[0].astype(np.float64)

    def probabilities(self, items: list[Any]) -> Any:  # noqa: ANN401
        """Probabilities (items, classes) of texts, or of pictures as paths or open PIL images."""
        order = sorted(range(len(items)), key=lambda i: -len(items[i])) if self.is_text else list(range(len(items)))
        found = np.zeros((len(items), len(self.labels)))
        for start in range(0, len(order), BATCH):
            places = order[start:start + BATCH]
            logits = self._run(self._encode([items[i] for i in places]))
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            found[places] = powers / powers.sum(axis=1, keepdims=True)
        return found

    def answers(self, items: list[Any]) -> list[dict[str, Any]]:
        """For each item its label, how sure, and whether that is less sure than a person wanted."""
        return [{"label": self.labels[int(row.argmax())], "confidence": float(row.max()),
                 "abstain": bool(row.max() < self.told["threshold"]),
                 "probabilities": dict(zip(self.labels, row.tolist(), strict=True))}
                for row in self.probabilities(items)]

    def _encode(self, items: list[Any]) -> dict[str, Any]:
        if self.is_text:
            return dict(self.processor(items, padding=True, truncation=True, max_length=self.told["max_length"],
                                       padding_side="right", return_tensors="pt"))
        pictures = [open_picture(item) for item in items]
        return {"pixel_values": self.processor(pictures, return_tensors="pt")["pixel_values"]}


def open_picture(source: Any) -> Any:  # noqa: ANN401
    """An upright RGB picture of the first frame, transparency on white, 16-bit grey scaled to 8 bits."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(source if isinstance(source, Image.Image) else Image.open(source))
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values.clip(0, top) / top * 255).astype("uint8")).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    return image.convert("RGB")


def read(arguments: list[str], column: str, *, is_text: bool) -> list[tuple[str, Any]]:
    """Name and content of each input."""
    found: list[tuple[str, Any]] = []
    for argument in arguments:
        path = Path(argument)
        if not is_text:
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            found += [(str(file), file) for file in files if not path.is_dir() or file.suffix.lower() in PICTURES]
        elif path.suffix.lower() in (".csv", ".tsv", ".txt") and path.is_file():
            with path.open(newline="", encoding="utf-8-sig") as handle:
                if path.suffix.lower() == ".txt":
                    found += [(str(number), line.strip()) for number, line in enumerate(handle, 1) if line.strip()]
                else:
                    rows = csv.DictReader(handle, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
                    found += [(str(number), row[column]) for number, row in enumerate(rows, 1)]
        else:
            found.append((argument, argument))
    return found


def answered(model: Model, items: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Name and answer of each input, or what was wrong with it: one unreadable picture must not cost the others."""
    for start in range(0, len(items), WINDOW):
        window = items[start:start + WINDOW]
        try:
            yield from zip([name for name, _ in window], model.answers([item for _, item in window]), strict=True)
        except (OSError, ValueError):
            for name, item in window:
                try:
                    yield name, model.answers([item])[0]
                except (OSError, ValueError) as error:
                    yield name, str(error)


def main() -> int:
    parser = argparse.ArgumentParser(description="Answers of this model.")
    parser.add_argument("input", nargs="+", help="texts or tables; pictures or folders")
    parser.add_argument("--column", default="text", help="of a table; default: text")
    parser.add_argument("-o", "--output", help="a CSV file; default: the screen")
    given = parser.parse_args()
    model = Model()
    items = read(given.input, given.column, is_text=model.is_text)
    out = open(given.output, "w", newline="", encoding="utf-8") if given.output else sys.stdout  # noqa: SIM115
    writer = csv.writer(out)
    writer.writerow(["input", "label", "confidence", "abstain", *(f"p:{name}" for name in model.labels), "error"])
    for name, one in answered(model, items):
        if isinstance(one, str):
            writer.writerow([name, "", "", "", *("" for _ in model.labels), one])
            continue
        writer.writerow([name, one["label"], f"{one['confidence']:.9g}", str(one["abstain"]).lower(),
                         *(f"{value:.9g}" for value in one["probabilities"].values()), ""])
    if given.output:
        out.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
