"""Whose runs and data a run may read, and what protects them from deletion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests_support.run_options import ABOUT_A_RUN, options_of

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.errors import DataError, NotFoundError, StateError
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore


def config(owner="ann", kind="train"):
    return RunConfig(kind, owner, "d@1", "", "starter:text", "probe")


@pytest.mark.parametrize("way", ["run:", "static:run:", "among others", "longer"])
def test_nobody_starts_from_a_run_of_somebody_else(engine, home, ann, way):
    run_id = ann.create(config()).id
    wanted = (
        replace(
            config("bob"),
            kind="rank",
            options={"backbones": ["starter:text", f"static:run:{run_id}"]},
        )
        if way == "among others"
        else (
            replace(config("bob"), recipe="finetune").longer(run_id, 2.0)
            if way == "longer"
            else replace(config("bob"), backbone=f"{way}{run_id}")
        )
    )
    with pytest.raises(NotFoundError):
        RunStore(engine, "bob", home).create(wanted)
    assert ann.create(replace(wanted, owner="ann")).status == "queued"


@pytest.mark.parametrize("kind", ABOUT_A_RUN)
def test_work_on_a_run_names_it_by_an_id_that_is_ones_own(engine, home, ann, kind):
    run_id = ann.create(config()).id
    others = ABOUT_A_RUN[kind]
    theirs = replace(config("bob"), kind=kind, options={"run": run_id, **others})
    with pytest.raises(NotFoundError):
        RunStore(engine, "bob", home).create(theirs)
    with pytest.raises(NotFoundError):  # a path is no id
        ann.create(replace(theirs, owner="ann", options={"run": str(home / run_id), **others}))
    assert ann.create(replace(theirs, owner="ann")).kind == kind


def test_only_the_folder_of_ones_own_dataset_is_read(engine, home, ann, data):
    own = data.get("d@1").folder
    assert ann.create(replace(config(), dataset_dir=str(own))).status == "queued"
    for wanted in (
        replace(config(), dataset_dir="/etc"),
        replace(config(), dataset_dir=str(own), dataset="d@2"),
        replace(config(), dataset_dir=str(own), dataset=""),
    ):
        with pytest.raises(StateError, match="folder"):
            ann.create(wanted)
    with pytest.raises(StateError, match="folder"):
        RunStore(engine, "bob", home).create(replace(config("bob"), dataset_dir=str(own)))


@pytest.mark.parametrize("kind", [kind for kind in RUN_KINDS if kind != "train"])
def test_data_that_any_kind_of_work_reads_are_not_deleted(ann, data, kind):
    options = options_of(kind, ann.create(replace(config(), dataset="")).id)
    run = ann.create(replace(config(), kind=kind, options=options))
    with pytest.raises(DataError, match="unfinished"):
        data.delete("d")
    ann.cancel(run.id)
    assert len(data.delete("d")) == 1


def test_work_whose_process_has_gone_protects_no_data(engine, ann, data):
    run = ann.create(replace(config(), kind="explore"))
    writer = RunWriter(engine)
    writer.claim_next("light")
    writer.hand_over(run.id, 2**22 - 3, 1.0)
    assert len(data.delete("d")) == 1


def test_of_several_runs_all_are_deleted_or_none(engine, ann):
    gone, stays = ann.create(config()), ann.create(config())
    ann.cancel(gone.id)
    with pytest.raises(StateError, match=stays.id):
        ann.delete([gone.id, stays.id])
    assert {run.id for run in ann.list()} == {gone.id, stays.id}
    ann.cancel(stays.id)
    ann.delete([gone.id, stays.id])
    assert ann.list() == [] and {run.id for run in ann.trash()} == {gone.id, stays.id}
    assert ann.purge([gone.id, stays.id]) == [gone.folder, stays.folder]
    assert ann.trash() == [] and ann.discard([]) == []
