"""A home with everything that strains a page: long names, 500 classes, 100,000 rows, Arabic, a run
that failed.

`python -m tests_support.edge_states` fills the home that TL_HOME names.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from tests_support import tiny_backbones
from tests_support.datasets import write_pictures, write_texts
from tests_support.pages import Studio
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.registry.queue import RunWriter
from tl_core.services.datasets import add_dataset

LONG = "a-name-as-long-as-it-may-be-because-somebody-wrote-a-whole-sentence"
_LONG_CLASS = "complaints about deliveries that came late, damaged, or to the wrong address ({})"
_ARABIC = ("أين طردي؟ كان يجب أن يصل يوم الاثنين", "أريد استرداد أموالي من فضلك", "شكرا جزيلا لكم")
_ARABIC_CLASSES = ("توصيل", "استرداد", "شكر")
CLASSES = 500
ROWS, RARE, RARE_EVERY = 100_000, "platypus", 9973  # a word in every so manieth row alone


def _rows(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([("text", "label"), *rows])
    return path


def sources(folder: Path) -> dict[str, Path]:
    """Files by the name of the dataset that each becomes."""
    many = [
        (f"item {n} speaks of subject{n % CLASSES} and no other", f"class {n % CLASSES:03}")
        for n in range(5 * CLASSES)
    ]
    rows = [
        (
            f"note {n} on topic{n % 50}{f' and a {RARE}' * (n % RARE_EVERY == 0)}",
            f"topic {n % 50:02}",
        )
        for n in range(ROWS)
    ]
    arabic = [(f"{_ARABIC[n % 3]} {n}", _ARABIC_CLASSES[n % 3]) for n in range(90)]
    lengthy = [
        (f"word{n} " * (1 if n % 7 else 400) + f"kind{n % 3}", _LONG_CLASS.format("xyz"[n % 3]))
        for n in range(120)
    ]
    return {
        "many-rows": _rows(folder / "rows.csv", rows),
        LONG: _rows(folder / "long.csv", lengthy),
        "many-classes": _rows(folder / "many.csv", many),
        "arabic": _rows(folder / "arabic.csv", arabic),
        "discs": write_pictures(folder / "discs", 12),
        "notes": write_texts(folder / "notes.csv", 60),
    }


def fill() -> None:
    """Datasets and runs: each recipe that a report looks different for, a failure, one waiting."""
    folder = Path(tempfile.mkdtemp())
    for family in ("bert", "vit"):
        (folder / family).mkdir()
        tiny_backbones.write(family, folder / family)
    texts, photos = Studio(f"local:{folder / 'bert'}"), Studio(f"local:{folder / 'vit'}")
    made = {
        name: add_dataset(texts.datasets, texts.settings, str(source), name, ImportOptions())[0]
        for name, source in sources(folder).items()
    }
    for name in (LONG, "arabic", "many-classes"):
        texts.do(made[name], recipe="probe", pooling="mean")
    photos.do(made["discs"], recipe="probe")
    photos.do(made["discs"], recipe="finetune", strategy="lpft", epochs=2.0, sealed=True)
    waiting = RunConfig(
        "train",
        "local",
        made["notes"].reference,
        str(made["notes"].folder),
        texts.backbone,
        "probe",
    )
    failed = texts.runs.create(waiting)
    writer = RunWriter(texts.engine)
    writer.claim_next("train")
    writer.finish(
        failed.id,
        "failed",
        reason={
            "code": "data",
            "what": "The classifier could not be fitted.",
            "why": "All training items are of one class.",
            "try_this": "Add items of another class.",
        },
    )


if __name__ == "__main__":
    fill()
