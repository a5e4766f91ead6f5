"""Commands about fine-tuning: the layer tree of a plan, estimates, stopping, going on."""

from __future__ import annotations

import json
import signal

import pytest
from tests_support.datasets import write_texts

from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.jobs import dispatch
from tl_core.jobs.worker import carry_out
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch):
    monkeypatch.setattr(dispatch, "ensure_dispatcher", lambda _settings: None)


@pytest.fixture
def notes(tmp_path):
    settings = read_settings()
    store = DatasetStore(open_database(settings), "local", settings.home_path)
    record, _, _ = add_dataset(
        store, settings, str(write_texts(tmp_path / "t.csv", 40)), "notes", ImportOptions()
    )
    return record


def runs():
    settings = read_settings()
    return RunStore(open_database(settings), "local", settings.home_path)


def printed(capsys, *arguments):
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_tree_of_a_plan_says_what_is_frozen(capsys, tiny):
    code, tree = printed(
        capsys,
        "backbones",
        "show",
        f"local:{tiny('bert')}",
        "--set",
        "tune=last",
        "--set",
        "blocks=1",
    )
    assert code == 0 and tree["family"] == "bert"
    moving = {group["name"]: bool(group["trainable"]) for group in tree["groups"]}
    assert moving == {"embeddings": False, "block 1": False, "block 2": True, "classifier": True}
    code, error = printed(
        capsys, "backbones", "show", f"local:{tiny('bert')}", "--set", "tune=sideways"
    )
    assert code == 2 and "all, last, first" in error["error"]["try_this"]


def test_estimates_are_runs_that_the_list_does_not_show(capsys, notes, tiny):
    code, run = printed(
        capsys,
        "train",
        "--dataset",
        "notes",
        "--recipe",
        "finetune",
        "--backbone",
        f"local:{tiny('bert')}",
        "--estimate",
        "--detach",
    )
    assert code == 0 and run["kind"] == "preflight" and run["status"] == "queued"
    assert printed(capsys, "runs", "list") == (0, [])


def test_stopping_is_for_running_trainings(capsys, notes):
    config = RunConfig(
        "train", "local", notes.reference, str(notes.folder), "starter:text", "finetune", {}
    )
    run = runs().create(config)
    code, error = printed(capsys, "runs", "stop", run.id, "--keep-best")
    assert code == 2 and "It is queued" in error["error"]["why"]
    RunWriter(open_database(read_settings())).claim_next("train")
    assert printed(capsys, "runs", "stop", run.id, "--keep-best")[0] == 0
    assert runs().get(run.id).stop_requested
    assert printed(capsys, "runs", "stop", run.id)[0] == 2  # one says that the best is to be kept


def test_only_a_finished_fine_tuning_is_trained_further(capsys, notes):
    config = RunConfig(
        "train",
        "local",
        notes.reference,
        str(notes.folder),
        "starter:text",
        "finetune",
        {"strategy": "lpft", "epochs": 7.0},
    )
    run = runs().create(config)
    code, error = printed(capsys, "train", "--continue", run.id)
    assert code == 2 and "Only a finished one" in error["error"]["why"]
    writer = RunWriter(open_database(read_settings()))
    writer.claim_next("train")
    writer.finish(run.id, "done")
    code, longer = printed(capsys, "train", "--continue", run.id, "--set", "epochs=2", "--detach")
    assert code == 0
    settings = RunConfig.read(runs().get(longer["run_id"]).folder).settings
    assert (settings.continue_from, settings.epochs, settings.lp_start) == (run.id, 2.0, False)
    assert printed(capsys, "train", "--dataset", "notes")[0] == 2


@pytest.mark.parametrize(
    ("setting", "words"),
    (
        ("strategy=boldly", "full"),
        ("augment=wild", "orientation matters"),
        ("epochs=-1", "between 0.0 and 1000"),
        ("continue_from=../../etc", "run id"),
        ("layer_dekay=1", "layer_decay"),
        ("average=wise-ft", "lp_start"),
    ),
)
def test_settings_that_cannot_work_are_refused_before_anything_starts(
    capsys, notes, setting, words
):
    code, error = printed(
        capsys,
        "train",
        "--dataset",
        "notes",
        "--recipe",
        "finetune",
        "--backbone",
        "starter:text",
        "--set",
        setting,
        *(("--set", "lp_start=false") if setting.startswith("average") else ()),
    )
    assert code == 2 and words in json.dumps(error) and not runs().list()


def test_a_sealed_run_is_compared_by_validation_and_opened_by_a_command(capsys, notes):
    """Carried out in this process, as the worker would."""
    writer, ids = RunWriter(open_database(read_settings())), []
    for extra in (["--sealed"], []):
        code, run = printed(
            capsys, "train", "--dataset", "notes", "--recipe", "baseline", "--detach", *extra
        )
        assert code == 0
        writer.claim_next("train")
        handler = signal.getsignal(signal.SIGTERM)
        assert carry_out(runs().get(run["run_id"]).folder, read_settings()) == 0
        signal.signal(signal.SIGTERM, handler)
        ids.append(run["run_id"])
    capsys.readouterr()
    code, report = printed(capsys, "report", ids[0])
    assert code == 0 and report["test"] is None and report["validation"]["n"] > 0
    code, comparison = printed(capsys, "runs", "compare", *ids)
    assert code == 0 and "validation items" in comparison["sentence"]
    assert comparison["n"] == report["validation"]["n"]
    code, run = printed(capsys, "runs", "open", ids[0])
    assert code == 0 and run["test_looks"] == 2 and "closed" not in run["headline"]
    report = printed(capsys, "report", ids[0])[1]
    assert report["test"]["n"] == printed(capsys, "runs", "compare", *ids)[1]["n"]
    assert printed(capsys, "runs", "open", ids[0])[1]["test_looks"] == 2


def test_backbones_are_listed_and_wrong_rankings_refused(capsys, notes):
    code, listed = printed(capsys, "backbones", "list")
    assert code == 0 and len(listed["catalogue"]) >= 40
    assert {"reference", "licence", "commercial", "offline"} <= set(listed["catalogue"][0])
    code, error = printed(
        capsys, "backbones", "rank", "--dataset", "notes", "starter:text", "nonsense"
    )
    assert code == 2 and "names no backbone" in error["error"]["what"]
    code, error = printed(
        capsys, "backbones", "rank", "--dataset", "notes", "starter:text", "--rows", "5"
    )
    assert code == 2 and "too few" in error["error"]["what"]
