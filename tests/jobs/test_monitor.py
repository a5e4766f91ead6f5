"""The machine panel: figures where NVML tells them, none where it does not."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pynvml
import pytest

from tl_core.config import RunConfig
from tl_core.jobs import monitor
from tl_core.jobs.executors.local import LocalExecutor


@pytest.fixture
def one_gpu(monkeypatch):
    """A card that keeps its power use to itself, as many do."""

    def refuse(*_arguments):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda _card: "Card",
        "nvmlDeviceGetMemoryInfo": lambda _card: SimpleNamespace(used=3, total=8),
        "nvmlDeviceGetUtilizationRates": lambda _card: SimpleNamespace(gpu=42),
        "nvmlDeviceGetTemperature": lambda _card, _sensor: 61,
        "nvmlDeviceGetPowerUsage": refuse,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


def test_a_gpu_is_read_and_what_it_hides_stays_unknown(one_gpu):
    assert monitor.read_gpus() == [
        {
            "name": "Card",
            "use": 42,
            "memory_used": 3,
            "memory_total": 8,
            "temperature": 61,
            "power": None,
        }
    ]
    assert monitor.gpu_count() == 1


def test_without_a_driver_there_is_no_figure(monkeypatch):
    def missing():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    machine = monitor.read_machine()
    assert machine["gpus"] == []
    assert 0 < machine["memory_used"] < machine["memory_total"]


def test_the_processor_is_measured_at_the_first_look_of_any_thread(monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 0)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    ended, found = threading.Event(), []

    def compute():
        while not ended.is_set():
            sum(range(1000))

    def look():
        found.append(monitor.read_machine(over=0.1)["cpu"])

    busy, looking = threading.Thread(target=compute), threading.Thread(target=look)
    busy.start()
    looking.start()
    looking.join()
    ended.set()
    busy.join()
    assert 0 < found[0] <= 100


def test_each_worker_gets_the_gpu_that_fewest_others_use(monkeypatch):
    class Child:
        def __init__(self, pid):
            self.pid = pid

    runner = LocalExecutor(1)
    one, all_of_them = (
        RunConfig("train", "local", "d@1", "", "starter:text", "finetune", options)
        for options in ({}, {"processes": 2})
    )
    assert runner._pick_gpu(one) == ""  # this machine has none
    monkeypatch.setattr("tl_core.jobs.executors.local.gpu_count", lambda: 2)
    assert runner._pick_gpu(one) == "0"
    runner._children, runner._gpus = [Child(7), Child(8), Child(9)], {7: "0", 8: "1", 9: "0"}
    assert runner._pick_gpu(one) == "1"
    assert runner._pick_gpu(all_of_them) == ""
