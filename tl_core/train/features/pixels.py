"""Pictures as pixels: decoded once per dataset and preprocessing, kept on disk as bytes, varied
batch by batch.

What the model sees of a picture outside training is exactly what the backbone's own processor makes
of it; the bytes kept are its output before the last, affine step (scaling and normalisation), which
is measured with plain pictures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.encoding import encode_images
from tl_core.data.pictures.images import open_image
from tl_core.data.versions.store import DatasetVersion
from tl_core.json_files import write_json
from tl_core.progress import Progress
from tl_core.train.arrays import Ints

if TYPE_CHECKING:
    from transformers import BaseImageProcessor

Decoded = TypeVar("Decoded")

_ROOM = 1.15  # shorter side of a kept picture over that of what the model sees, for random crops
_LARGEST = 12e9  # bytes on disk above which pictures are decoded each time instead
_STEP = 64


@dataclass(frozen=True)
class View:
    """How bytes 0-255 become the model's input: (3, height, width), times `scale` plus `shift` for
    each channel.
    """

    height: int
    width: int
    scale: Tensor
    shift: Tensor

    def normalise(self, pixels: Tensor) -> Tensor:
        """Bytes or floats 0-255 (batch, 3, height, width) as float32 inputs."""
        return pixels.float() * self.scale + self.shift

    def to_bytes(self, inputs: Tensor) -> Tensor:
        """The reverse, rounded."""
        return ((inputs - self.shift) / self.scale).round().clamp(0, 255).to(torch.uint8)


def measure_view(processor: BaseImageProcessor) -> View:
    """Ask a processor what it makes of black and of white: the difference is its affine step."""
    black, white = (
        encode_images(processor, [Image.new("RGB", (64, 64), (c, c, c))])["pixel_values"][0]
        for c in (0, 255)
    )
    shift = black.mean(dim=(1, 2))
    scale = (white.mean(dim=(1, 2)) - shift) / 255
    return View(black.shape[1], black.shape[2], scale.view(1, 3, 1, 1), shift.view(1, 3, 1, 1))


def seen(
    version: DatasetVersion,
    rows: Ints,
    backbone: Backbone,
    view: View,
    cache: Path,
    progress: Progress,
) -> Callable[[Ints], Tensor]:
    """A function from positions in `rows` to bytes (batch, 3, height, width), as the processor
    makes them.
    """

    def decode(positions: Ints) -> Tensor:
        pictures = [open_image(version.image_bytes(int(rows[i]))) for i in positions]
        return view.to_bytes(encode_images(backbone.processor, pictures)["pixel_values"])

    size = 3 * view.height * view.width
    if size * len(rows) > _LARGEST:
        return decode
    folder = _folder(version, rows, backbone, cache, "seen")
    if not (folder / "manifest.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        values = np.lib.format.open_memmap(
            folder / "pixels.npy",
            mode="w+",
            dtype=np.uint8,
            shape=(len(rows), 3, view.height, view.width),
        )
        for positions, part in _in_threads(decode, len(rows), progress):
            values[positions] = part.numpy()
        values.flush()
        write_json(folder / "manifest.json", {"rows": len(rows), "backbone": backbone.reference})
    kept = np.load(folder / "pixels.npy", mmap_mode="r")
    return lambda positions: torch.from_numpy(kept[positions])


def whole(
    version: DatasetVersion,
    rows: Ints,
    backbone: Backbone,
    view: View,
    cache: Path,
    progress: Progress,
) -> Callable[[int], Tensor]:
    """A function from a position in `rows` to the whole picture as bytes (3, h, w), a little larger
    than is seen.
    """

    def decode(position: int) -> Tensor:
        return shrunk(open_image(version.image_bytes(int(rows[position]))), view)

    shortest = round(_ROOM * min(view.height, view.width))
    if 4 * shortest * shortest * len(rows) > _LARGEST:
        return decode
    folder = _folder(version, rows, backbone, cache, f"whole{shortest}")
    if not (folder / "manifest.json").exists():
        _keep_whole(decode, len(rows), folder, progress)
        write_json(folder / "manifest.json", {"rows": len(rows), "backbone": backbone.reference})
    data, shapes = np.memmap(folder / "pixels.bin", np.uint8, "r"), np.load(folder / "shapes.npy")
    starts = np.concatenate([[0], np.cumsum(3 * shapes.prod(axis=1))])

    def read(position: int) -> Tensor:
        height, width = shapes[position]
        flat = np.array(data[starts[position] : starts[position + 1]])
        return torch.from_numpy(flat.reshape(height, width, 3)).permute(2, 0, 1)

    return read


def shrunk(picture: Image.Image, view: View) -> Tensor:
    """A whole picture as bytes (3, h, w), its shorter side a little longer than what the model
    sees.
    """
    factor = _ROOM * min(view.height, view.width) / min(picture.size)
    if factor < 1:
        picture = picture.resize(
            (round(picture.width * factor), round(picture.height * factor)),
            Image.Resampling.BICUBIC,
            reducing_gap=2.0,
        )
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def _keep_whole(
    decode: Callable[[int], Tensor], count: int, folder: Path, progress: Progress
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shapes = np.zeros((count, 2), np.int64)
    with (folder / "pixels.bin").open("wb") as out:
        for positions, pictures in _in_threads(
            lambda some: [decode(int(i)) for i in some], count, progress
        ):
            for place, picture in zip(positions, pictures, strict=True):
                shapes[place] = picture.shape[1:]
                out.write(picture.permute(1, 2, 0).contiguous().numpy().tobytes())
    np.save(folder / "shapes.npy", shapes)


def _folder(
    version: DatasetVersion, rows: Ints, backbone: Backbone, cache: Path, kind: str
) -> Path:
    content = {
        "inputs": version.info.inputs_fingerprint,
        "rows": hashlib.sha256(rows.tobytes()).hexdigest(),
        "processor": backbone.identity["settings"],
        "kind": kind,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[
        :24
    ]
    return cache / f"pixels-{digest}"


def _in_threads(
    work: Callable[[Ints], Decoded], count: int, progress: Progress
) -> Iterator[tuple[Ints, Decoded]]:
    """Pairs of positions and their result, in order; decoding releases the GIL."""
    parts = [np.arange(start, min(start + _STEP, count)) for start in range(0, count, _STEP)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        for positions, part in zip(parts, pool.map(work, parts), strict=True):
            yield positions, part
            progress.batch(int(positions[-1]) + 1, count)
