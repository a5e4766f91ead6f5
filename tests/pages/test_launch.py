"""What the page server does beside serving."""

from __future__ import annotations

import gc

from pages.shell import launch
from tl_core.settings import read_settings


def test_no_run_of_a_page_looks_for_garbage_in_what_was_imported(monkeypatch):
    started = []
    monkeypatch.setattr(launch.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(launch, "ensure_dispatcher", started.append)
    gc.unfreeze()
    try:
        launch._prepare(read_settings())
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.freeze()
    assert len(started) == 1
