"""Log lines as JSON: one object a line, whatever is logged, with what it is about."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tl_core.errors import ConfigError
from tl_core.settings import Settings

ROOT = Path(__file__).parents[2]
LOGS = """
import logging, threading, warnings
from tl_core import log
log.setup_logging(as_json=True)
one = logging.getLogger("one.module")
one.debug("too small")
one.info("%s and %d\\nsecond line", "text with \\"quotes\\" and ü", 7)
one.warning("about a run", extra={"run": "3f9a0c12de"})
log.about_process(run="aaaaaaaaaa")
log.about_work(person="ann")
one.error("told of both")
threading.Thread(target=lambda: one.info("another thread")).start()
try:
    1 / 0
except ZeroDivisionError:
    one.exception("it went wrong")
warnings.warn("old way")
logging.getLogger("alembic").info("never")
raise RuntimeError("the end")
"""


@pytest.fixture(scope="module")
def lines():
    done = subprocess.run(
        [sys.executable, "-c", LOGS], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_an_object_with_time_level_logger_and_message(lines):
    assert [(line["level"], line["logger"]) for line in lines[:4]] == [
        ("INFO", "one.module"),
        ("WARNING", "one.module"),
        ("ERROR", "one.module"),
        ("INFO", "one.module"),
    ]
    assert lines[0]["message"] == 'text with "quotes" and ü and 7\nsecond line'
    for line in lines:
        assert datetime.fromisoformat(line["time"]).utcoffset().total_seconds() == 0
        assert {"time", "level", "logger", "message"} <= set(line)
        assert set(line) <= {"time", "level", "logger", "message", "run", "person", "exception"}


def test_a_line_names_the_run_and_the_person(lines):
    about = [(line.get("run"), line.get("person")) for line in lines[:4]]
    assert about == [
        (None, None),
        ("3f9a0c12de", None),
        ("aaaaaaaaaa", "ann"),
        ("aaaaaaaaaa", None),
    ]


def test_errors_warnings_and_the_uncaught_are_lines_as_well(lines):
    caught, warned, uncaught = lines[4:]
    assert caught["exception"].endswith("ZeroDivisionError: division by zero")
    assert "old way" in warned["message"] and warned["level"] == "WARNING"
    assert uncaught["level"] == "CRITICAL" and "RuntimeError: the end" in uncaught["exception"]


def test_lines_are_plain_unless_asked_otherwise(capsys):
    from tl_core.log import setup_logging

    before = logging.getLogger().handlers[:]
    try:
        setup_logging()
        logging.getLogger("one").warning("plain")
        assert capsys.readouterr().err.endswith(" WARNING one: plain\n")
    finally:
        logging.getLogger().handlers = before
    assert not Settings().json_log and Settings(log_format="json").json_log
    with pytest.raises(ConfigError, match="TL_LOG is 'xml'"):
        _ = Settings(log_format="xml").json_log


PAGES = """
import logging
from streamlit import logger
early = logger.get_logger("streamlit.early")
from tl_core.log import setup_logging
from pages.shell import streamlit_log
setup_logging("WARNING", as_json=True)
streamlit_log.write_json()
early.warning("early")
logger.get_logger("streamlit.late").warning("late")
import uvicorn
uvicorn.Config("app:app")
logging.getLogger("uvicorn.error").error("no port")
"""


def test_the_page_server_writes_such_lines_too():
    done = subprocess.run(
        [sys.executable, "-c", PAGES], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(one["logger"], one["message"]) for one in told] == [
        ("streamlit.early", "early"),
        ("streamlit.late", "late"),
        ("uvicorn.error", "no port"),
    ]


def test_a_dispatcher_and_its_worker_write_such_lines(home, monkeypatch):
    """A run that fails at once."""
    from tl_core.config import RunConfig
    from tl_core.database.engine import open_database
    from tl_core.jobs.dispatch import Dispatcher
    from tl_core.jobs.executors.local import LocalExecutor
    from tl_core.registry.runs import RunStore
    from tl_core.settings import read_settings

    monkeypatch.setenv("TL_LOG", "json")
    settings = read_settings()
    engine = open_database(settings)
    runs = RunStore(engine, "local", home)
    config = RunConfig("import", "local", options={"source": str(home / "none.csv"), "name": "d"})
    run = runs.create(config)
    runner = LocalExecutor(1, standby=False)
    Dispatcher(engine, home, runner, {"light": 1}).turn()
    runner._children[0].wait(120)
    assert runs.get(run.id).status == "failed"
    told = [json.loads(line) for line in (run.folder / "worker.log").read_text().splitlines()]
    assert told and all(one["run"] == run.id for one in told)
