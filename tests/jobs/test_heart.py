"""The heart goes on beating whatever breaks, says so, and is heard in the end."""

from __future__ import annotations

import logging
import time

import pytest

from tl_core.jobs import heart as module
from tl_core.jobs.events import EventLog, read_events
from tl_core.jobs.heart import Heart


class Writer:
    """A row whose database is away for the first beats, and that then has a wish."""

    def __init__(self, away, wish):
        self.away, self.wish, self.beats, self.told = away, wish, 0, 0.0

    def beat(self, run_id, progress, moved):
        self.beats, self.told = self.beats + 1, progress
        if self.beats <= self.away:
            raise RuntimeError("the database is away")
        return self.wish


@pytest.fixture
def beat(tmp_path):
    """`beat(writer, until)`: a heart that beats fast until something holds; gives its events."""
    made = []

    def run(writer, until, end=lambda: None):
        events = EventLog(tmp_path)
        heart = Heart("one", writer, events, end, beat_seconds=0.01)
        made.append((heart, events))
        heart.start()
        limit = time.monotonic() + 20
        while not until(events) and time.monotonic() < limit:
            time.sleep(0.01)
        assert until(events)
        return events

    yield run
    for heart, events in made:
        heart.stop()
        heart.join(10)
        events.close()


def logs(folder):
    return [event["text"] for event in read_events(folder)[0] if event["type"] == "log"]


def test_what_goes_on_is_never_told_to_be_done_however_large_its_shares_are(beat):
    writer = Writer(0, "")

    def far(events):
        events.stage("one", share=0.9)
        events.stage("another", share=0.3)
        return writer.told > 0.9

    beat(writer, far)
    assert writer.told == 0.99


def test_a_cancel_arrives_after_the_database_was_away_and_that_is_told_once(beat, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        beat(Writer(5, "cancel"), lambda events: events.cancelled.is_set())
    assert len([record for record in caplog.records if record.exc_info]) == 1
    told = logs(tmp_path)
    assert (
        len(told) == 2 and "neither cancelled nor stopped" in told[0] and "answers again" in told[1]
    )


def test_a_machine_that_cannot_be_read_stops_no_heart(beat, monkeypatch, caplog):
    def broken():
        raise OSError("no driver")

    monkeypatch.setattr(module, "read_machine", broken)
    writer = Writer(0, "")
    with caplog.at_level(logging.ERROR):
        beat(writer, lambda events: writer.beats > 12)
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_work_that_hears_no_cancel_is_ended_even_if_its_row_cannot_be_written(beat, monkeypatch):
    ended = []

    def end():
        raise RuntimeError("the database is away")

    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.05)
    monkeypatch.setattr(module.os, "_exit", ended.append)
    beat(Writer(0, "cancel"), lambda events: bool(ended), end)
    assert set(ended) == {1}
