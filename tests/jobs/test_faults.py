"""The campaign of faults in miniature: ten of them on two studios of real processes."""

from __future__ import annotations

import statistics

import pytest
from tests_support.studio import ROOT

from tl_core.config.kinds import RUN_KINDS


@pytest.mark.parametrize(("database", "seed"), [("PostgreSQL", 3), ("SQLite", 4)])
def test_no_run_is_lost_done_twice_or_stuck(monkeypatch, database, seed):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import fault_world
    import faults

    monkeypatch.setitem(RUN_KINDS, "steps", None)  # taken out again afterwards
    postgres = database == "PostgreSQL"
    if postgres and fault_world.postgres_binaries() is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    batch = faults.run_batch(seed, 5, postgres=postgres, trainings=False)
    assert batch.violations == []
    assert len(batch.faults) == 5 and batch.runs >= 3
    assert statistics.median(fault.repaired for fault in batch.faults) <= 30
