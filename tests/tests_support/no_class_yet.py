"""Data of which nothing has a class yet, and what each item would be called."""

from __future__ import annotations

from pathlib import Path

from tests_support.datasets import write_pictures
from tl_core.data.versions.store import DatasetVersion

_GOOD = ["the film is good", "good order, my money is back", "a good film"]
_BAD = ["the order is late", "bad film, bad money", "my order is bad"]


def write_bare_texts(path: Path, rows: int = 60) -> Path:
    """A CSV with one column of texts, half of which sound good and half bad."""
    lines = ["text"]
    lines += [f'"{(_GOOD if n % 2 else _BAD)[n % 3]} {n}"' for n in range(rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_loose_pictures(root: Path, each: int = 20) -> Path:
    """One folder with red and green discs, in an order that tells nothing."""
    made = write_pictures(root.with_name(f"{root.name}-by-class"), each, ("red", "green"))
    root.mkdir()
    for place, path in enumerate(sorted(made.rglob("*.png"))):
        path.rename(root / f"{(place * 7919) % 1000:03}-{path.parent.name[0]}.png")
    return root


def truth_of(version: DatasetVersion) -> dict[int, str]:
    """What each row of these would be called."""
    rows = version.rows_of("train", "validation", "test", "unlabelled")
    if version.info.modality == "text":
        return {
            int(row): "bad" if ("bad" in text or "late" in text) else "good"
            for row, text in zip(rows, version.texts(rows), strict=True)
        }
    return {
        int(row): "red" if name.endswith("-r.png") else "green"
        for row, name in zip(rows, version.names(rows), strict=True)
    }
