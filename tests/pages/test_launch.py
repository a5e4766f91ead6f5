"""What the page server does beside serving."""

from __future__ import annotations

import gc
import weakref

import pytest
from sqlalchemy.exc import OperationalError
from streamlit.config import get_config_options

from pages.shell import launch
from tl_core.settings import read_settings

AWAY = OperationalError("SELECT 1", {}, Exception("server closed the connection"))


def test_no_run_of_a_page_looks_for_garbage_in_what_was_imported(monkeypatch):
    started = []
    monkeypatch.setattr(launch.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(launch, "_tend", started.append)
    gc.unfreeze()
    try:
        launch._prepare(read_settings())
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.freeze()
    assert len(started) == 1


class Over(Exception):
    """The server has ended."""


def test_the_queue_has_its_dispatcher_for_as_long_as_the_server_lives(home, monkeypatch):
    """It is looked for at the start, and while anything waits or runs; a database that is away at
    any time changes nothing.
    """
    busy, started, looks = [AWAY, False, True, AWAY, True, False], [], []

    def is_busy(_engine):
        if isinstance(found := busy.pop(0), Exception):
            raise found
        return found

    def ensure(_settings):
        started.append(len(looks))
        if len(started) == 1:
            raise AWAY

    def sleep(_seconds):
        looks.append(1)
        if not busy:
            raise Over

    monkeypatch.setattr(launch, "is_busy", is_busy)
    monkeypatch.setattr(launch, "ensure_dispatcher", ensure)
    monkeypatch.setattr(launch.time, "sleep", sleep)
    with pytest.raises(Over):
        launch._tend(read_settings())
    assert started == [0, 1, 4, 6]


def tend_once(monkeypatch):
    def over(_seconds):
        raise Over

    monkeypatch.setattr(launch.time, "sleep", over)
    with pytest.raises(Over):
        launch._tend(read_settings())


def test_a_setting_that_forbids_the_dispatcher_is_told_once_and_ends_nothing(
    home, monkeypatch, caplog
):
    monkeypatch.setenv("TL_EXECUTOR", "nowhere")
    monkeypatch.setattr(launch, "is_busy", lambda _engine: True)
    collected, looks = [], []

    def sleep(_seconds):
        looks.append(1)
        if len(looks) == 2 * launch._LOOKS_A_COLLECTION:
            raise Over

    monkeypatch.setattr(launch.gc, "collect", lambda: collected.append(1))
    monkeypatch.setattr(launch.time, "sleep", sleep)
    with pytest.raises(Over):
        launch._tend(read_settings())
    assert len(collected) == 2
    assert [record.getMessage().count("'nowhere'") for record in caplog.records] == [1]


def test_a_dispatcher_that_is_a_service_is_left_to_it(home, monkeypatch):
    monkeypatch.setenv("TL_DISPATCHER", "external")
    monkeypatch.setattr(launch, "ensure_dispatcher", lambda _settings: pytest.fail("not ours"))
    tend_once(monkeypatch)


def test_garbage_is_collected_by_the_server_and_not_by_each_page(home, monkeypatch):
    class Cycle:
        pass

    one = Cycle()
    one.itself, gone = one, weakref.ref(one)
    del one
    monkeypatch.setenv("TL_DISPATCHER", "external")
    tend_once(monkeypatch)
    assert gone() is None
    assert launch._options(read_settings(), 1)["runner.postScriptGC"] is False
    assert get_config_options()["runner.postScriptGC"].default_val is True  # it still has that name


def test_quotas_that_cannot_be_read_are_said_at_the_start(monkeypatch):
    """The dispatcher would end with them in its log alone, and every run would wait."""
    monkeypatch.setenv("TL_QUOTAS", "running=two")
    monkeypatch.setattr("sys.argv", ["launch"])
    with pytest.raises(SystemExit, match="TL_QUOTAS holds 'running=two'"):
        launch.main()
