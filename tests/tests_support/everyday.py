"""Files that people really bring, each with what must come of it: classes and splits, or a
question, or a refusal.
"""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

Files = dict[str, bytes | str]


@dataclass(frozen=True)
class Case:
    """What is brought, the options given, and what must come of it.

    `classes` and `splits` are the counts that must be found (`splits` only those named); `asks` is
    the import option that the question is about; `refuses` words of a refusal; `sure` False where a
    guess must be said.
    """

    files: Files
    classes: dict[str, int] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    asks: str = ""
    refuses: str = ""
    sure: bool = True
    options: dict[str, object] = field(default_factory=dict)
    aside: str = ""  # words among the reasons of what was set aside
    finding: str = ""  # id of a finding
    told: str = ""  # words among notes or doubts
    columns: dict[str, str] = field(default_factory=dict)  # role to column


def bring(files: Files, folder: Path, *, zipped: bool = False) -> Path:
    """Write the files; a single one is brought as it is, several as a folder or zip."""
    content = {
        name: data.encode() if isinstance(data, str) else data for name, data in files.items()
    }
    if zipped:
        with zipfile.ZipFile(folder / "brought.zip", "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return folder / "brought.zip"
    root = folder if len(content) == 1 and "/" not in next(iter(content)) else folder / "brought"
    for name, data in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root / next(iter(content)) if root == folder else root


def png(seed: int = 0, side: int = 24) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def deep(values: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


def pictures(*names: str) -> Files:
    return {name: png(seed + 1) for seed, name in enumerate(names)}


def each(count: int, *patterns: str) -> Files:
    """`count` pictures for each pattern, whose `#` is their number."""
    return pictures(
        *(pattern.replace("#", str(number)) for pattern in patterns for number in range(count))
    )


def table(header: str, rows: list[tuple], separator: str = ",") -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    if header:
        writer.writerow(header.split(","))
    writer.writerows(rows)
    return buffer.getvalue()


def sentence(number: int) -> str:
    words = random.Random(number)
    return (
        " ".join(
            words.choice(
                "parcel order late refund thanks broken invoice where when delivery colour size "
                "again never always blue red green box phone".split()
            )
            for _ in range(8)
        )
        + f" {number}"
    )


def rows(count: int, *columns) -> list[tuple]:
    """Rows of a sentence followed by what each column function gives for the number of the row."""
    return [(sentence(number), *(column(number) for column in columns)) for number in range(count)]


def ab(number: int) -> str:
    return "ab"[number % 2]


def lines(records: list[dict]) -> str:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n"


def sheets(**frames: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as writer:
        for name, frame in frames.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return buffer.getvalue()


def frame(count: int = 20, start: int = 0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "text": [sentence(n) for n in range(start, start + count)],
            "label": [ab(n) for n in range(count)],
        }
    )


def mnist(
    count: int, header: bool = True, label_last: bool = False, side: int = 28, channels: int = 1
) -> str:
    pixels = np.random.default_rng(3).integers(0, 256, (count, side * side * channels))
    pixels[:, 0] = pixels[:, -1] = 0
    names = [f"pixel{place}" for place in range(pixels.shape[1])]
    body = [
        [*row, place % 3] if label_last else [place % 3, *row]
        for place, row in enumerate(pixels.tolist())
    ]
    head = [[*names, "label"] if label_last else ["label", *names]] if header else []
    return "\n".join(",".join(map(str, row)) for row in head + body) + "\n"


def fer(count: int) -> str:
    random_pixels = np.random.default_rng(4).integers(0, 256, (count, 48 * 48))
    usage = ["Training", "Training", "PublicTest", "PrivateTest"]
    return table(
        "emotion,pixels,Usage",
        [
            (place % 2, " ".join(map(str, row)), usage[place // 2 % 4])
            for place, row in enumerate(random_pixels.tolist())
        ],
    )
