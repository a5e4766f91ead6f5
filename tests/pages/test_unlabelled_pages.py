"""Pages of what learns from rows without a class: designed, watched, reported."""

from __future__ import annotations

import csv

import pytest
from tests_support.datasets import write_texts
from tests_support.pages import carried_out, everything, opened, runs

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.jobs.worker import carry_out
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings

pytestmark = pytest.mark.usefixtures("no_dispatcher", "record")


@pytest.fixture
def half(tmp_path):
    """A dataset of texts of which every second pair has no class."""
    head, *lines = csv.reader(write_texts(tmp_path / "h.csv", 120).read_text().splitlines())
    with (tmp_path / "h.csv").open("w", newline="", encoding="utf-8") as handle:
        rows = [[text, label if place % 4 < 2 else ""] for place, (text, label) in enumerate(lines)]
        csv.writer(handle).writerows([head, *rows])
    return added(tmp_path / "h.csv", "half")


@pytest.fixture
def others(tmp_path):
    """Texts of other classes."""
    lines = [f"{('my money', 'a film')[n % 2]} {n},{('yes', 'no')[n % 2]}" for n in range(40)]
    (tmp_path / "o.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return added(tmp_path / "o.csv", "others")


def added(source, name):
    settings = read_settings()
    store = DatasetStore(open_database(settings), "local", settings.home_path)
    return add_dataset(store, settings, str(source), name, ImportOptions())[0]


def trained(record, recipe, sealed=False, **options):
    run = carried_out(
        RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            "local:mine",
            recipe,
            {"max_length": 16, "baseline": False, **options},
            sealed,
        )
    )
    assert run.status == "done", run.reason
    return run


def shown(run):
    """What the live page and the report say of a run."""
    said = []
    for page in ("pages/train/live.py", "pages/evaluate/report.py"):
        app = opened(page, run=run.id)
        assert not app.exception and not app.error, page
        said.append(everything(app))
    return said


@pytest.mark.parametrize(
    ("recipe", "options", "beside"),
    (
        ("pretrain", {"epochs": 1.0}, "the probe of the backbone as it was"),
        ("self_training", {"threshold": 0.4}, "the plain probe"),
    ),
)
@pytest.mark.parametrize("sealed", (False, True))
def test_the_plain_way_stands_beside_it(half, recipe, options, beside, sealed):
    live, report = shown(trained(half, recipe, sealed, **options))
    assert "Loss" in live if recipe == "pretrain" else "round by round" in live
    assert beside in report
    assert f"on the {'validation' if sealed else 'test'} texts" in report


def test_a_student_needs_a_teacher_and_takes_a_run(half, others):
    app = opened("pages/train/design.py", dataset=half.reference)
    app.session_state["backbone"] = "local:mine"
    app.button(key="way_own").click().run()
    app.button(key="card_text_distillation").click().run()
    start = next(button for button in app.button if button.label == "Start training")
    assert not app.exception and not app.error and start.disabled
    teacher = trained(half, "probe")
    trained(others, "probe")  # newer, of other classes: no teacher
    app = opened("pages/train/design.py", dataset=half.reference)
    app.session_state["backbone"] = "local:mine"
    app.button(key="way_own").click().run()
    app.button(key="card_text_distillation").click().run()
    start = next(button for button in app.button if button.label == "Start training")
    assert not start.disabled
    start.click().run()
    assert not app.exception and not app.error
    queued = runs().list()[0]
    config = RunConfig.read(queued.folder)
    assert (config.recipe, config.options["teacher"]) == ("distillation", f"run:{teacher.id}")
    RunWriter(open_database(read_settings())).claim_next("train")
    carry_out(queued.folder, read_settings())
    student = runs().get(queued.id)
    assert student.status == "done", student.reason
    _, report = shown(student)
    assert "the teacher" in report and "a probe of the student" in report
    app = opened("pages/evaluate/report.py", run=student.id)
    assert not app.exception and not app.error
