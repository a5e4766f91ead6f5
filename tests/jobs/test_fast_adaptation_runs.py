"""A run of fast adaptation finds the earlier datasets of its owner and names them."""

from __future__ import annotations

import signal

import pytest
from tests_support.datasets import write_pictures, write_texts
from tests_support.pages import Studio

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.jobs.worker import carry_out
from tl_core.registry.queue import RunWriter
from tl_core.services.datasets import add_dataset

OPTIONS = {"steps": 4, "episodes": 10, "baseline": False, "shots": 3, "hidden": 4, "maml": False}
WORDS = "fish bird stone river money order".split()


@pytest.fixture
def studio(tiny, home):
    return Studio(f"local:{tiny('bert')}")


def topics(studio, path, name):
    lines = [
        f"the {word} is about {word} {number},{word}" for word in WORDS for number in range(12)
    ]
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return add_dataset(studio.datasets, studio.settings, str(path), name, ImportOptions())[0]


def test_all_earlier_datasets_of_the_same_kind_are_taken(studio, tmp_path):
    topics(studio, tmp_path / "old.csv", "old")
    add_dataset(
        studio.datasets, studio.settings, str(write_pictures(tmp_path / "p")), "photos",
        ImportOptions(),
    )  # fmt: skip
    notes, *_ = add_dataset(
        studio.datasets, studio.settings, str(write_texts(tmp_path / "t.csv", 60)), "notes",
        ImportOptions(),
    )  # fmt: skip
    run = studio.do(notes, recipe="fast_adaptation", **OPTIONS)
    done = studio.runs.get(run.id)
    assert done.status == "done" and "Right" in done.headline
    config = RunConfig.read(run.folder)
    assert list(config.settings.sources) == ["old@1"]
    assert str(studio.settings.home_path) not in (run.folder / "sources.json").read_text()


def test_a_source_that_is_not_there_ends_the_run_in_words(studio, tmp_path):
    notes, *_ = add_dataset(
        studio.datasets, studio.settings, str(write_texts(tmp_path / "t.csv", 60)), "notes",
        ImportOptions(),
    )  # fmt: skip
    config = RunConfig(
        "train", "local", notes.reference, str(notes.folder), studio.backbone, "fast_adaptation",
        {**OPTIONS, "sources": ["nobody"]},
    )  # fmt: skip
    run = studio.runs.create(config)
    RunWriter(studio.engine).claim_next("train")
    handler = signal.getsignal(signal.SIGTERM)
    assert carry_out(run.folder, studio.settings) != 0
    signal.signal(signal.SIGTERM, handler)
    failed = studio.runs.get(run.id)
    assert failed.status == "failed" and "nobody" in failed.reason["what"]
