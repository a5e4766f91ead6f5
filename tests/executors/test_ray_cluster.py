"""A real Ray cluster of two machines, as processes of this one; `benchmarks/ray_cluster.py` goes on
from here to trainings that outlive a machine.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from tests_support.datasets import build, write_pictures, write_texts
from tests_support.finetuning import Ear, train, weights
from tests_support.postgres import new_database
from tests_support.waiting import wait_for

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.load import load_backbone
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.jobs.dispatch import Dispatcher
from tl_core.jobs.executors import local
from tl_core.jobs.executors.executor_contract import ENDED, LOST, RUNNING, Needs
from tl_core.jobs.executors.ray_jobs import RayExecutor
from tl_core.predict.batch import predict_source
from tl_core.recipes import ladder
from tl_core.recipes.analyses.backbone_ranking import rank
from tl_core.recipes.shared.common import SealedVersion
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import Settings, read_settings
from tl_core.train.similar.item_search import open_search

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster():
    """A head and a way to join it; both lose their power at the end."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray: the extra `ray`")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        from ray_nodes import RayNodes

        nodes = RayNodes({})
        try:
            nodes.start(1)
            yield nodes
        finally:
            nodes.close()


def test_a_run_is_carried_out_by_the_cluster(cluster, home, tmp_path, tiny, monkeypatch):
    with new_database() as url:
        for name, value in {
            "TL_DATABASE_URL": url,
            "TL_EXECUTOR": "ray",
            "TL_RAY_ADDRESS": cluster.address,
            "TL_RAY_TOKEN": cluster.token,
            "TL_JOB_PROCESSORS": "1",
        }.items():
            monkeypatch.setenv(name, value)
        settings = read_settings()
        engine = open_database(settings)
        datasets = DatasetStore(engine, "local", settings.home_path)
        table = str(write_texts(tmp_path / "t.csv"))
        record, *_ = add_dataset(datasets, settings, table, "mail", ImportOptions())
        runs, executor = RunStore(engine, "local", settings.home_path), RayExecutor(settings)
        executor.check()
        dispatcher = Dispatcher(
            engine,
            settings.home_path,
            local.make(settings),
            {"train": executor.resources().slots},
            trains=executor,
        )
        config = RunConfig(
            *("train", "local", record.reference, str(record.folder)),
            *(f"local:{tiny('bert')}", "probe", {"baseline": False}),
        )
        run = runs.create(config)

        def ended():
            dispatcher.turn()
            found = runs.get(run.id)
            return found if found.finished else None

        done = wait_for(ended)
        assert (done.status, done.executor) == ("done", "ray"), done.reason
        assert wait_for(lambda: executor.poll(done.job) == ENDED)
        assert str(run.folder) in executor.logs(done.job)
        assert not list(run.folder.glob(".environment-*"))
        assert "graft:" not in str(cluster.head.job(done.job))  # the database's password
        engine.dispose()


def test_nobody_gets_in_without_the_token(cluster):
    for token in ("", "wrong"):
        asking = RayExecutor(
            Settings(
                database_url="postgresql://nowhere/x", ray_address=cluster.address, ray_token=token
            )
        )
        with pytest.raises(ConfigError, match="does not accept our token"):
            asking.check()
    assert not cluster.head.is_open()


@pytest.mark.whole
def test_a_job_is_ended_and_one_whose_machine_is_lost_is_told_from_it(
    cluster, tmp_path, monkeypatch
):
    """The worker is a program that sleeps; each machine has room for one."""
    second = cluster.join(1)
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\necho begun\nexec sleep 300\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(sleeper))
    settings = Settings(home=str(tmp_path), ray_address=cluster.address, ray_token=cluster.token)
    executor = RayExecutor(settings)

    def begin(run):
        folder = tmp_path / "runs" / run
        folder.mkdir(parents=True)
        RunConfig("train", "local", "d@1", str(tmp_path), "local:x", "probe", {}).write(folder)
        job = executor.submit(folder, Needs(f"{run}-1")).name
        wait_for(lambda: executor.poll(job) == RUNNING and "begun" in executor.logs(job))
        return job, cluster.head.job(job)["driver_node_id"]

    (one, first), (two, other) = begin("one"), begin("two")
    assert first != other
    lost, kept = (one, two) if first.startswith(second.id) else (two, one)
    cluster.kill(second.process)
    wait_for(lambda: executor.poll(lost) == LOST)
    assert "node" in executor.logs(lost).splitlines()[0].lower()
    assert [node.state for node in executor.resources().nodes].count("gone") == 1
    assert executor.poll(kept) == RUNNING
    executor.cancel(kept)
    wait_for(lambda: executor.poll(kept) == ENDED)


@pytest.mark.whole
def test_processes_on_two_machines_come_to_what_one_comes_to(cluster, tmp_path, tiny, monkeypatch):
    """Ray Train and tasks inside of a job of the cluster; nothing of Ray's stays in the run."""
    cluster.join(3)
    alone, both = Ear(), Ear()
    pictures = build(write_pictures(tmp_path / "d", each=14), tmp_path / "pictures")
    options = {
        "strategy": "full",
        "augment": "none",
        "precision": "float32",
        "epochs": 2.0,
        "batch_size": 9,
    }
    train(pictures, tmp_path / "alone", tiny("resnet"), alone, **options)
    texts = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "texts")
    rungs = {"rungs": ["baseline", "probe"], "seeds": 2, "max_length": 16}

    def climb(processes):
        config = RunConfig(
            *("train", "local", "d@1", str(texts.folder), f"local:{tiny('bert')}", "ladder"),
            {**rungs, "processes": processes},
        )
        places = (tmp_path / f"ladder {processes}", tmp_path / "cache")
        return ladder.climb(config, SealedVersion(texts), *places, Ear())

    here = climb(1)
    for name, value in {**cluster.inside, "TL_SPREAD": "ray"}.items():
        monkeypatch.setenv(name, value)
    train(pictures, tmp_path / "both", tiny("resnet"), both, processes=2, **options)
    one, two = ([point["log_loss"] for point in ear.curves["validation"]] for ear in (alone, both))
    np.testing.assert_allclose(two, one, atol=2e-4)
    first, second = weights(tmp_path / "alone"), weights(tmp_path / "both")
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=2e-4, rtol=2e-3)
    kinds = {path.suffix for path in (tmp_path / "both").rglob("*") if path.is_file()}
    assert kinds <= {".json", ".safetensors", ".csv"}
    for left, right in zip(here, climb(2), strict=True):
        assert np.array_equal(left.trained.test, right.trained.test)


@pytest.fixture
def inside(cluster, monkeypatch):
    """This process is one of a job of the cluster, which has two machines."""
    cluster.join(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name, value in {**cluster.inside, "TL_SPREAD": "ray"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.whole
def test_rows_read_and_answered_by_the_cluster_are_those_of_one_process(inside, tmp_path, tiny):
    """Ray Data hands out windows of a table and batches of a dataset."""
    texts = build(write_texts(tmp_path / "t.csv", 90), tmp_path / "texts")
    reference = f"local:{tiny('bert')}"
    save_classifier(load_backbone(reference, ["a", "b"], read_settings()), tmp_path / "model")
    lines = (f"a good film {'or late order ' * (number % 9)}{number}" for number in range(5000))
    (tmp_path / "in.csv").write_text("text\n" + "\n".join(lines))
    answers, features = [], []
    for processes in (1, 2):
        out = tmp_path / f"{processes}.parquet"
        source = (tmp_path / "model", tmp_path / "in.csv", out, read_settings())
        predict_source(*source, precision="float32", processes=processes)
        answers.append(pq.read_table(out))
        search = open_search(reference, texts, tmp_path / f"cache {processes}", read_settings())
        features.append([part for _, part in search.read(Ear(), processes)])
    assert answers[0].equals(answers[1])
    for here, there in zip(*features, strict=True):
        np.testing.assert_array_equal(here, there)
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert not kinds & {".pkl", ".pickle", ".pt", ".pth", ".bin"}


@pytest.mark.whole
def test_backbones_ranked_by_tasks_are_those_of_one_process(inside, tmp_path, tiny):
    texts = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "texts")
    backbones = [f"local:{tiny(family)}" for family in ("bert", "distilbert")]
    found = []
    for processes in (1, 2):
        folder = tmp_path / f"rank {processes}"
        folder.mkdir()
        asked = {"backbones": backbones, "rows": 100, "processes": processes}
        config = RunConfig("rank", "local", "d@1", str(texts.folder), options=asked)
        ranked = rank(config, texts, folder, tmp_path / "cache", Ear())
        found.append({one["backbone"]: one["probe"] for one in ranked["ranking"]})
    assert found[0] == found[1]
