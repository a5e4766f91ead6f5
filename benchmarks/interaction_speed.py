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

import numpy as np
from common import machine, write_result
from streamlit.testing.v1 import AppTest

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.jobs.worker import carry_out
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[1]
CLASSES, TEST, TRAIN, ROUNDS = 50, 5000, 2000, 5
Work = dict[str, Callable[[], object]]
ORDERS = ("loss", "unsure", "confident")


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


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def interactions(errors: AppTest, confidence: AppTest, number: int) -> Work:
    """What is done in one round on two tabs, by its name."""
    topic, order, app = f"topic {number + 1}", ORDERS[number % len(ORDERS)], errors
    return {
        "order of the items": lambda: app.selectbox(key="mistake_order").select(order).run(),
        "class of the items": lambda: app.selectbox(key="mistake_class").select(topic).run(),
        "cell of the confusion": lambda: (
            next(box for box in app.selectbox if box.label == "True class").select(topic).run()
        ),
        "classes of the curves": lambda: (
            confidence.multiselect(key="curve_classes").set_value([topic]).run()
        ),
    }


def measure(home: Path) -> tuple[float, dict[str, list[float]]]:
    """Milliseconds of the first opening, and of each interaction by round."""
    run = made_run(home)
    opening, errors = opened(run, "Errors")
    _, confidence = opened(run, "Confidence")
    times: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        for name, work in interactions(errors, confidence, number).items():
            times.setdefault(name, []).append(milliseconds(work))
    assert not errors.exception and not confidence.exception
    return opening, times


def opened(run: str, tab: str) -> tuple[float, AppTest]:
    """A tab of the report, and the milliseconds of its first opening."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"], app.query_params["tab"] = run, tab
    app.run()
    return milliseconds(lambda: app.switch_page("pages/evaluate/report.py").run()), app


def main() -> None:
    """Open the report, then use every control of it several times."""
    with tempfile.TemporaryDirectory() as name:
        os.environ.update(TL_HOME=name, HF_HUB_OFFLINE="1")
        opening, times = measure(Path(name))
    medians = {name: round(statistics.median(values)) for name, values in times.items()}
    write_result(
        "interaction_speed",
        {
            "machine": machine(),
            "test_items": TEST,
            "classes": CLASSES,
            "first_opening_ms": round(opening),
            "interactions_ms": medians,
            "slowest_ms": round(max(max(values) for values in times.values())),
            "slowest_median_over_opening": round(max(medians.values()) / opening, 2),
        },
    )


if __name__ == "__main__":
    main()
