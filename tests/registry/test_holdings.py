"""What everybody has, as administrators may know it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tl_core.access.principal import ADMIN, Principal
from tl_core.config import RunConfig
from tl_core.errors import AccessError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.holdings import holdings
from tl_core.registry.runs import RunStore

FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}
ROOT = Principal("root", role=ADMIN)


def test_projects_and_runs_are_counted_outside_the_trash_and_folders_in_it_too(engine, home):
    folders = {}
    for name in ("ann", "ben"):
        store = DatasetStore(engine, name, home)
        for dataset, mark in (("d", "a"), ("d", "b"), ("e", "c"))[: 3 if name == "ann" else 1]:
            made, _ = store.add(dataset, store.new_folder(), {**FACTS, "fingerprint": mark})
            folders.setdefault(name, set()).add(made.folder)
    runs = RunStore(engine, "ann", home)
    made = [
        runs.create(RunConfig("train", "ann", "d@1", backbone="starter:text", recipe="probe"))
        for _ in range(3)
    ]
    folders["ann"] |= {run.folder for run in made}
    runs.cancel(made[0].id)
    runs.delete([made[0].id])
    DatasetStore(engine, "ann", home).delete("e")
    found = holdings(engine, ROOT, home)
    assert {name: (one.projects, one.runs) for name, one in found.items()} == {
        "ann": (1, 2),
        "ben": (1, 0),
    }
    assert {name: set(one.folders) for name, one in found.items()} == folders


@pytest.mark.parametrize(
    "who", [Principal("ann"), replace(ROOT, scopes=frozenset({"runs:read", "datasets:read"}))]
)
def test_nobody_else_is_told(engine, home, who):
    with pytest.raises(AccessError):
        holdings(engine, who, home)
