"""Events: appended by one, read by many, and the time left that follows from them."""

from __future__ import annotations

import json

import pytest

from tl_core.errors import Cancelled
from tl_core.jobs.events import EventLog, RunView, read_events
from tl_core.progress import Curve, Part


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def opened():
    logs = []

    def make(*arguments):
        logs.append(EventLog(*arguments))
        return logs[-1]

    yield make
    for log in logs:
        log.close()


def view_of(folder):
    return RunView().follow(folder)


def test_the_time_left_follows_when_batches_slow_down(tmp_path, opened):
    clock = Clock()
    log = opened(tmp_path, clock)
    log.stage("reading", 1000)
    for done in range(10, 210, 10):
        clock.now += 1.0
        log.batch(done, 1000)
    assert view_of(tmp_path).rate == pytest.approx(10.0)
    assert view_of(tmp_path).seconds_left() == pytest.approx(80.0)
    for done in range(210, 360, 10):
        clock.now += 5.0
        log.batch(done, 1000)
    assert view_of(tmp_path).seconds_left() == pytest.approx((1000 - 350) / 2.0)


def test_no_time_left_is_shown_before_a_batch_or_without_a_total(tmp_path, opened):
    log = opened(tmp_path)
    log.stage("opening")
    log.log("hello")
    assert view_of(tmp_path).seconds_left() is None


def test_reading_goes_on_where_it_stopped_and_waits_for_whole_lines(tmp_path, opened):
    log = opened(tmp_path)
    log.log("one")
    events, offset = read_events(tmp_path)
    with (tmp_path / "events.jsonl").open("a") as handle:
        handle.write('{"t": 1, "type": "lo')
    assert [event["text"] for event in events] == ["one"]
    assert read_events(tmp_path, offset) == ([], offset)
    with (tmp_path / "events.jsonl").open("a") as handle:
        handle.write('g", "text": "two"}\n')
    assert [event["text"] for event in read_events(tmp_path, offset)[0]] == ["two"]
    assert read_events(tmp_path / "nowhere") == ([], 0)


def test_a_view_reads_only_what_is_new(tmp_path, opened):
    log, view = opened(tmp_path), RunView()
    log.stage("reading", 10)
    log.log("one")
    assert view.follow(tmp_path).logs == ["reading", "one"]
    file = tmp_path / "events.jsonl"
    with file.open("r+") as handle:  # whoever reads the beginning once more finds no event there
        handle.write("x" * (file.stat().st_size - 1))
    log.log("two")
    log.curve("training", loss=0.5)
    assert view.follow(tmp_path) is view and view.logs == ["reading", "one", "two"]
    assert view.curves == {"training": [{"loss": 0.5}]} and view.stage == "reading"


def test_a_resumed_training_goes_on_from_its_checkpoint_not_beside_itself(tmp_path, opened):
    log = opened(tmp_path)
    for step, loss in ((1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)):
        log.curve("training", step=step, loss=loss)
    log.curve("validation", step=4, accuracy=0.5)
    log.curve(Curve.PENALTY, c=1.0, log_loss=0.3)
    log.curve("training", step=3, loss=0.75)  # after a kill
    assert [(point["step"], point["loss"]) for point in view_of(tmp_path).curves["training"]] == [
        (1, 0.9),
        (2, 0.8),
        (3, 0.75),
    ]
    assert (
        len(view_of(tmp_path).curves["validation"])
        == len(view_of(tmp_path).curves[Curve.PENALTY])
        == 1
    )


def test_a_torn_line_of_a_killed_worker_is_passed_over(tmp_path):
    (tmp_path / "events.jsonl").write_text(
        '{"t": 1, "ty\n{"t": 2, "type": "log", "text": "after"}\n'
    )
    assert [event["text"] for event in read_events(tmp_path)[0]] == ["after"]


def test_shares_add_up_and_never_go_back(tmp_path, opened):
    log = opened(tmp_path)
    seen = []
    for share in (0.25, 0.5, 0.25):
        log.stage("s", 2, share=share)
        for done in (1, 2):
            log.batch(done, 2)
            seen.append(log.fraction)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_fast_batches_are_thinned_but_the_last_is_kept(tmp_path, opened):
    clock = Clock()
    log = opened(tmp_path, clock)
    log.stage("s", 1000)
    for done in range(1, 1001):
        clock.now += 0.001
        log.batch(done, 1000)
    batches = [e for e in read_events(tmp_path)[0] if e["type"] == "batch"]
    assert len(batches) < 10
    assert batches[-1]["done"] == 1000


def test_cancelling_is_felt_at_the_next_batch(tmp_path, opened):
    log = opened(tmp_path)
    log.stage("s", 2)
    log.cancelled.set()
    with pytest.raises(Cancelled):
        log.batch(1, 2)


def test_parts_of_a_job_have_curves_and_layers_of_their_own(tmp_path, opened):
    log = opened(tmp_path)
    part = Part(log, "LoRA, seed 0", 0.5)
    log.curve(Curve.TRAINING, step=1, loss=0.9)
    part.curve(Curve.TRAINING, step=1, loss=0.8)
    part.learning(["classifier", "block 2"])
    view = view_of(tmp_path)
    assert view.of(Curve.TRAINING) == {
        "": [{"step": 1, "loss": 0.9}],
        "LoRA, seed 0": [{"step": 1, "loss": 0.8}],
    }
    assert view.has_curves and view.curves == {Curve.TRAINING: [{"step": 1, "loss": 0.9}]}
    assert view.learning == "classifier, block 2"
    assert view.logs == ["LoRA, seed 0: Learning now: classifier, block 2"]
    (event,) = (one for one in read_events(tmp_path)[0] if one["type"] == "learning")
    assert event["groups"] == ["classifier", "block 2"] and event["part"] == "LoRA, seed 0"


def test_events_of_earlier_versions_are_read(tmp_path):
    """They named curves by their labels, with the part behind a bar."""
    points = (
        ("training | LoRA, seed 0", 1),
        ("learning rate", 2),
        ("choosing C", 3),
        ("best so far", 4),
        ("unknown", 5),
    )
    (tmp_path / "events.jsonl").write_text(
        "".join(
            json.dumps({"t": 1, "type": "curve", "name": name, "values": {"x": x}}) + "\n"
            for name, x in points
        )
    )
    view = view_of(tmp_path)
    assert view.part_curves == {Curve.TRAINING: {"LoRA, seed 0": [{"x": 1}]}}
    assert view.curves == {
        Curve.LEARNING_RATE: [{"x": 2}],
        Curve.PENALTY: [{"x": 3}],
        Curve.BEST: [{"x": 4}],
    }


def test_what_learns_what_the_machine_does_and_broken_numbers_arrive(tmp_path):
    log = EventLog(tmp_path)
    log.log("LoRA, seed 0: Learning now: classifier, block 2")
    log.curve("training", loss=float("nan"), step=3)
    log.machine({"cpu": 50.0, "gpus": [], "memory_used": 1, "memory_total": 2})
    assert not log.should_stop()
    log.stopping.set()
    assert log.should_stop()
    log.close()
    log.machine({"cpu": 1.0})  # the heart may beat once more
    view = RunView()
    for event in read_events(tmp_path)[0]:
        view.add(event)
    assert view.learning == "classifier, block 2"
    assert view.curves["training"] == [{"loss": None, "step": 3}]
    assert view.machine[0]["cpu"] == 50.0


def test_what_the_work_tells_is_movement_and_the_machines_figures_are_none(tmp_path, opened):
    clock = Clock()
    log = opened(tmp_path, clock)
    telling = (
        lambda: log.stage("reading", 10),
        lambda: log.batch(1, 10),
        lambda: log.batch(2, 10),  # too soon to be written
        lambda: log.log("hello"),
        lambda: log.point(Curve.BEST, {"minutes": 1.0}),
    )
    assert log.moved == 1000.0
    for tell in telling:
        clock.now += 0.1
        tell()
        assert log.moved == clock.now
    before = log.moved
    clock.now += 60
    log.machine({"gpus": [], "cpu": 1.0, "cores": 2, "memory_used": 1, "memory_total": 2})
    assert log.moved == before


def test_shares_that_add_up_to_more_than_all_leave_room_for_what_comes(tmp_path, opened):
    """A run said 99 % for as long as its last stages took."""
    log, seen = opened(tmp_path), []
    for share in (0.2, 0.3, 0.8, 0.1, 0.1):
        log.stage("a stage", 10, share=share)
        for done in (5, 10):
            log.batch(done, 10)
            seen.append(log.fraction)
    assert seen[:4] == pytest.approx([0.1, 0.2, 0.35, 0.5])  # guesses that fit stand
    assert seen == sorted(seen) and len(set(seen)) == len(seen)
    assert seen[5] == pytest.approx(0.95) and seen[-1] < 1.0
