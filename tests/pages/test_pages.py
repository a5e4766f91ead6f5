"""Every page from the entry point with AppTest: cold, empty, and with data."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests_support.datasets import write_texts
from tests_support.pages import everything, opened

from pages.shell import state
from pages.shell.ask import Ticket
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.jobs.events import RunView
from tl_core.jobs.worker import carry_out
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "pages").glob("*/*.py")
    if path.parent.name not in ("shell", "widgets", "sections")
)


@pytest.fixture
def finished(tmp_path, tiny):
    """A dataset with awkward class names and a finished probe on it."""
    settings = read_settings()
    engine = open_database(settings)
    source = write_texts(tmp_path / "t.csv", 80)
    source.write_text(
        source.read_text().replace(",good", ",$5 *x* :red[y]").replace(",bad", ",a_b_c")
    )
    datasets = DatasetStore(engine, "local", settings.home_path)
    record, _, _ = add_dataset(datasets, settings, str(source), "mail", ImportOptions())
    runs = RunStore(engine, "local", settings.home_path)
    run = runs.create(
        RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            f"local:{tiny('bert')}",
            "probe",
            {},
        )
    )
    RunWriter(engine).claim_next("train")
    import signal

    handler = signal.getsignal(signal.SIGTERM)
    assert carry_out(run.folder, settings) == 0
    signal.signal(signal.SIGTERM, handler)
    return record, run


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_cold_and_empty(page):
    app = opened(page)
    assert not app.exception
    assert app.title
    assert not app.error


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_with_data(page, finished):
    record, run = finished
    app = opened(page, dataset=record.reference, run=run.id)
    assert not app.exception
    assert app.title
    assert not app.error


def test_the_report_speaks_plainly_and_filters_by_cell(finished):
    _, run = finished
    app = opened("pages/evaluate/report.py", run=run.id)
    said = everything(app)
    assert "times in 100" in said
    assert "Without transfer" in said
    assert {metric.label for metric in app.metric} >= {"Macro F1", "Log loss", "Balanced accuracy"}
    app = opened("pages/evaluate/report.py", run=run.id, tab="Errors")
    before = len(app.dataframe)
    next(box for box in app.selectbox if box.label == "True class").select("a_b_c").run()
    assert not app.exception
    assert len(app.dataframe) == before + 1


def test_class_names_are_never_rendered_as_markdown(finished):
    record, run = finished
    for page in ("pages/data/items.py", "pages/evaluate/report.py"):
        app = opened(page, dataset=record.reference, run=run.id)
        for element in (*app.markdown, *app.caption, *app.success, *app.warning):
            assert ":red[y]" not in str(element.value)
            assert "$5" not in str(element.value).replace("\\$5", "")


def test_home_starts_a_sample_once_however_often_it_is_clicked(home):
    app = opened()
    app.button(key="try_digits").click().run()
    settings = read_settings()
    runs = RunStore(open_database(settings), "local", settings.home_path).list()
    assert [(run.dataset, run.status, run.place) for run in runs] == [
        ("sample:digits", "queued", 1)
    ]
    assert "Waiting for its turn" in everything(app)


def test_trap_two_submissions_of_one_draft_start_one_run(finished):
    record, _ = finished
    first, second = (opened("pages/train/design.py", dataset=record.reference) for _ in range(2))
    second.session_state["draft"] = first.session_state["draft"]
    for app in (first, second):
        app.session_state["backbone"] = "starter:text"
        next(button for button in app.button if button.label == "Start training").click().run()
        assert not app.exception
    settings = read_settings()
    assert (
        len(RunStore(open_database(settings), "local", settings.home_path).list(active=True)) == 1
    )


def test_live_offers_resume_after_the_worker_died(finished):
    record, _ = finished
    settings = read_settings()
    engine = open_database(settings)
    runs = RunStore(engine, "local", settings.home_path)
    run = runs.create(
        RunConfig(
            "train", "local", record.reference, str(record.folder), "starter:text", "probe", {}
        )
    )
    writer = RunWriter(engine)
    writer.claim_next("train")
    writer.hand_over(run.id, 2**22 - 3, 1.0)
    app = opened("pages/train/live.py", run=run.id)
    assert "has gone" in app.error[0].value
    next(button for button in app.button if button.label == "Resume").click().run()
    assert runs.get(run.id).status == "queued"
    next(button for button in app.button if button.label == "Cancel").click().run()
    assert runs.get(run.id).status == "cancelled" and "You cancelled it" in app.info[0].value


def test_after_a_refusal_the_settings_come_before_the_same_again(finished):
    record, _ = finished
    settings = read_settings()
    engine = open_database(settings)
    run = RunStore(engine, "local", settings.home_path).create(
        RunConfig(
            "train", "local", record.reference, str(record.folder), "starter:text", "probe", {}
        )
    )
    writer = RunWriter(engine)
    writer.claim_next("train")
    writer.finish(run.id, "failed", reason=ConfigError("That cannot work.").as_dict())
    app = opened("pages/train/live.py", run=run.id)
    assert "That cannot work" in app.error[0].value
    names = [button.label for button in app.button]
    assert "Resume" not in names
    assert names.index("Change the settings") < names.index("The same again")
    assert not app.exception


def test_a_missing_starter_is_said_and_the_other_ways_stay_open(
    finished, monkeypatch, tiny, tmp_path
):
    from tl_core.backbones.sources import starters

    record, _ = finished
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine").symlink_to(tiny("bert"))
    monkeypatch.setenv("TL_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setitem(
        starters.READY, "text", replace(starters.READY["text"], package="no-such-package")
    )
    app = opened("pages/train/backbone.py", dataset=record.reference)
    assert not app.exception
    assert "is not installed" in everything(app)
    assert app.button(key="use_starter:text").disabled
    assert not app.button(key="use_local:mine").disabled


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("hub:owner/name", "Hub cannot be reached"),
        ("starter:image", "reads photos"),
        ("bert", "names no backbone"),
    ],
)
def test_a_typed_backbone_is_checked_before_it_is_used(finished, reference, words):
    record, _ = finished
    app = opened("pages/train/backbone.py", dataset=record.reference, part="My own models")
    next(box for box in app.text_input if box.label == "Reference").set_value(reference)
    next(b for b in app.button if b.label == "Check and use it").click().run()
    end = time.monotonic() + 180
    while not app.error:
        assert time.monotonic() < end
        time.sleep(0.5)
        app.run()
    assert words in everything(app).replace("\\", "")


def test_the_answer_of_another_page_is_never_shown_as_a_prediction(finished):
    _, run = finished
    app = opened("pages/use/playground.py", run=run.id)
    app.session_state["tickets"] = {"look": Ticket("", 1), "backbone": Ticket("", 1)}
    app.run()
    assert not app.exception
    assert not app.error
    assert "sure" not in everything(app)


def test_someone_elses_run_does_not_exist(finished, monkeypatch):
    _, run = finished
    monkeypatch.setenv("TL_USER", "eve")
    app = opened("pages/train/live.py", run=run.id)
    assert "There is no run" in app.error[0].value


def test_server_paths_and_backbones_stay_inside_the_open_folders(tmp_path, monkeypatch, tiny):
    from pages.sections.train import backbones
    from pages.shell import uploads
    from tl_core.errors import BackboneError, DataError

    inside = tmp_path / "open"
    inside.mkdir()
    (inside / "link").symlink_to("/etc")
    monkeypatch.setenv("TL_DATA_DIRS", str(inside))
    monkeypatch.setenv("TL_MODELS_DIR", str(inside))
    assert uploads.allowed_folder(str(inside)) == inside
    for path in ("/etc/passwd", str(inside / ".." / "x"), str(inside / "link")):
        with pytest.raises(DataError, match="may not read"):
            uploads.allowed_folder(path)
    with pytest.raises(BackboneError, match="may not read"):
        backbones.allowed(f"local:{tiny('bert')}")
    shutil.copytree(tiny("bert"), inside / "mine")
    assert (
        backbones.allowed(f"local:{inside / 'mine'}")
        == backbones.allowed("local:mine")
        == "local:mine"
    )
    monkeypatch.delenv("TL_DATA_DIRS")
    monkeypatch.setenv("TL_ADDRESS", "0.0.0.0")
    with pytest.raises(DataError, match="Open folders: none"):
        uploads.allowed_folder(str(inside))


def test_a_path_with_a_table_is_looked_into_and_becomes_a_dataset(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_DATA_DIRS", str(tmp_path))
    write_texts(tmp_path / "letters.csv", 40)
    app = opened("pages/data/add.py")
    app.session_state["way"] = "server"
    app.run()
    app.text_input[0].set_value(str(tmp_path / "letters.csv"))
    next(b for b in app.button if b.label == "Look inside").click().run()
    end = time.monotonic() + 180
    while not any(b.label == "Save as dataset" for b in app.button):
        assert time.monotonic() < end
        time.sleep(0.5)
        app.run()
    chosen = {box.label: box.value for box in app.selectbox}
    assert (chosen["Column with the text"], chosen["Column with the class"]) == ("text", "label")
    next(b for b in app.button if b.label == "Save as dataset").click().run()
    settings = read_settings()
    engine = open_database(settings)
    run = RunStore(engine, "local", settings.home_path).list()[0]
    assert run.kind == "import"
    import signal

    handler = signal.getsignal(signal.SIGTERM)
    RunWriter(engine).claim_next("light")
    assert carry_out(run.folder, settings) == 0
    signal.signal(signal.SIGTERM, handler)
    assert DatasetStore(engine, "local", settings.home_path).get("letters").rows == 40
    app = opened("pages/train/live.py", run=run.id)
    assert [b.label for b in app.button if b.label in ("Read the report", "Look at the data")] == [
        "Look at the data"
    ]


def test_trap_28_pages_work_with_torch_imported_and_the_watcher_is_off():
    import tomllib

    import torch

    assert torch.__name__ in sys.modules
    app = opened()
    assert not app.exception
    settings = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    assert settings["server"]["fileWatcherType"] == "none"
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["showEmailPrompt"] is False
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["server"]["address"] == "localhost"


def test_trap_29_one_thing_cached_for_all_users_is_thread_safe_and_holds_no_model():
    """Shared are the helper's client and the figures of versions, which nobody changes; models
    live in the helper, behind a lock, in eval mode.
    """
    import ast

    shared = []
    for path in (ROOT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    text = ast.unparse(mark)
                    if "cache_resource" in text or "cache_data" in text:
                        assert "ttl=" in text or "max_entries=" in text, f"{path}: unbounded cache"
                        if "cache_resource" in text:
                            shared.append(node.name)
    assert sorted(shared) == ["_charts", "compute"]


def test_what_a_page_keeps_is_each_sessions_own(finished):
    """Two people watch the same run: each has a view of its own, and neither reads an event
    twice.
    """
    _, run = finished
    views = []
    for _ in range(2):
        app = opened("pages/train/live.py", run=run.id)
        app.run()
        views.append(app.session_state["followed"][run.id])
    assert (
        views[0] is not views[1]
        and views[0].logs == views[1].logs == RunView().follow(run.folder).logs
    )
    assert state.DEFAULTS["followed"] == {}
