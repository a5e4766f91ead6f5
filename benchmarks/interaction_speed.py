"""What an analyst waits for on the report of 5,000 test items in 50 classes: milliseconds of the
page's script for each
interaction, beside its first opening: `PYTHONPATH=. python benchmarks/interaction_speed.py`.

The run is a real one (no transfer, on made-up words of 50 topics), the page is run as Streamlit's
own tests run it: everything but the browser's drawing.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, write_result
from streamlit.testing.v1 import AppTest

from tl_core.config import RunConfig
from tl_core.data.schema import ImportOptions
from tl_core.intake import add_dataset
from tl_core.jobs.worker import carry_out
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore, RunWriter
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[1]
CLASSES, TEST, TRAIN, ROUNDS = 50, 5000, 2000, 5


def write_topics(folder: Path) -> None:
    """Tables of texts whose words come from their topic in one case of three."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for name, count in (("train", TRAIN), ("test", TEST)):
        with (folder / f"{name}.csv").open("w") as handle:
            handle.write("text,label\n")
            for number in range(count):
                topic = number % CLASSES
                words = [
                    (
                        f"t{topic}w{random.integers(20)}"
                        if random.random() < 0.33
                        else f"w{random.integers(900)}"
                    )
                    for _ in range(8)
                ]
                handle.write(f"{' '.join(words)} {name}{number},topic {topic}\n")


def made_run(home: Path) -> str:
    """Import, train without transfer, and give the run's id."""
    write_topics(home / "source")
    settings = read_settings()
    engine = open_database(settings)
    record, _, _ = add_dataset(
        DatasetStore(engine, settings.user, home),
        settings,
        str(home / "source"),
        "topics",
        ImportOptions(),
    )
    run = RunStore(engine, settings.user, home).create(
        RunConfig("train", settings.user, record.reference, str(record.folder), "", "baseline")
    )
    RunWriter(engine).claim_next("train")
    carry_out(run.folder, settings)
    return run.id


def milliseconds(work: Callable[[], Any]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Open the report, then use every control of it several times."""
    with tempfile.TemporaryDirectory() as name:
        os.environ.update(TL_HOME=name, HF_HUB_OFFLINE="1")
        run = made_run(Path(name))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params["run"] = run
        app.run()
        opening = milliseconds(lambda: app.switch_page("pages/evaluate/report.py").run())
        orders = ("loss", "unsure", "confident")
        found: dict[str, list[float]] = {
            what: []
            for what in (
                "order of the items",
                "class of the items",
                "cell of the confusion",
                "classes of the curves",
            )
        }
        for number in range(ROUNDS):
            topic = f"topic {number + 1}"
            found["order of the items"].append(
                milliseconds(
                    lambda number=number: (
                        app.selectbox(key="mistake_order").select(orders[number % 3]).run()
                    )
                )
            )
            found["class of the items"].append(
                milliseconds(
                    lambda topic=topic: app.selectbox(key="mistake_class").select(topic).run()
                )
            )
            found["cell of the confusion"].append(
                milliseconds(
                    lambda topic=topic: (
                        next(box for box in app.selectbox if box.label == "Is").select(topic).run()
                    )
                )
            )
            found["classes of the curves"].append(
                milliseconds(
                    lambda topic=topic: (
                        app.multiselect(key="curve_classes").set_value([topic]).run()
                    )
                )
            )
        assert not app.exception
        medians = {what: round(statistics.median(values)) for what, values in found.items()}
        write_result(
            "interaction_speed",
            {
                "machine": machine(),
                "test_items": TEST,
                "classes": CLASSES,
                "first_opening_ms": round(opening),
                "interactions_ms": medians,
                "slowest_ms": round(max(max(values) for values in found.values())),
                "slowest_median_over_opening": round(max(medians.values()) / opening, 2),
            },
        )


if __name__ == "__main__":
    main()
