"""Pictures in a bundle."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tl_core.data.pictures import deep_pictures
from tl_core.data.pictures.images import open_image
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.export.exported_items import CardWords, Example, ExportedItems, Tracing, shown_columns
from tl_core.predict.one_item import ModelInput

if TYPE_CHECKING:
    from transformers import BaseImageProcessor

    from tl_core.backbones.encoding import Processor


class ExportedPhotos:
    """Pictures that a processor scales and crops. See `ExportedItems`."""

    tracing = Tracing(
        examples=tuple(Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")),
        axes={"pixel_values": ("items",)},
        exact=1,
        calibration=64,
    )

    def longest(self, _processor: Processor) -> None:
        """They have a size, no length."""

    def preprocessing(self, processor: Processor) -> dict[str, object]:
        """Every setting but the names of classes, which change with transformers."""
        settings = json.loads(cast("BaseImageProcessor", processor).to_json_string())
        return {
            "class": type(processor).__name__,
            **{
                name: value
                for name, value in settings.items()
                if not name.startswith("_") and "processor" not in name
            },
        }

    def packages(self, family: str) -> list[str]:
        """What decodes and scales them, and timm for its networks."""
        return ["pillow", "torchvision"] + (["timm"] if family == "timm_wrapper" else [])

    def modules(self) -> list[ModuleType]:
        """What reads pictures with more than 8 bits."""
        return [deep_pictures]

    def card_words(self, preparation: Preparation) -> CardWords:
        """Pictures, as files or as rows of pixels."""
        if not preparation.pixels:
            return {"reads": "Pictures.", "example": "photo.jpg", "item": '"photo.jpg"'}
        shown = shown_columns(preparation)
        width, height, channels = preparation.pixels
        colour = " in colour" if channels == 3 else ""
        return {
            "reads": f"Pictures of {width} x {height} pixels{colour}, as files or as numbers in"
            f" {shown} of a table.",
            "example": "pictures.csv -o answers.csv",
            "item": '"photo.jpg"',
        }

    def of_rows(
        self, version: DatasetVersion, rows: NDArray[np.int64], preparation: Preparation
    ) -> list[ModelInput]:
        """Upright and RGB, more than 8 bits scaled as in training."""
        return [open_image(version.image_bytes(int(row)), preparation.scale) for row in rows]

    def golden(
        self,
        own: list[ModelInput],
        count: int,
        _preparation: Preparation,
        _longest: int | None,
    ) -> list[ModelInput]:
        """Drawn ones are whole pictures of several sizes, so that scaling and cropping matter."""
        return own or [*_drawn(count)]

    def keep(self, item: ModelInput, folder: Path, number: int) -> Example:
        """As PNG of 8 bits without anything that the camera wrote beside the picture."""
        name = f"{number:02}.png"
        cast("Image.Image", item).save(folder / name, "PNG")
        return {"file": name}

    def kept(self, example: Example, folder: Path) -> ModelInput:
        """From its file."""
        return open_image((folder / example["file"]).read_bytes())


def _drawn(count: int) -> list[Image.Image]:
    """Shapes on noise in several sizes and modes."""
    random, pictures = np.random.default_rng(0), []
    for number in range(count):
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
        pictures.append(picture.convert("L" if number % 5 == 4 else "RGB"))
    return pictures


EXPORTED_PHOTOS: ExportedItems = ExportedPhotos()
