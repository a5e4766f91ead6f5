"""Streamlit's own log lines, and those of the server under it, in the form of ours.

Both give each of their loggers a handler with a format of its own.
"""

from __future__ import annotations

import logging

from streamlit import logger
from uvicorn.config import LOGGING_CONFIG

_JSON = {"()": "tl_core.log.JsonLines"}


def _leave_to_ours(one: logging.Logger) -> None:
    """Take a logger's own handlers away, so that its lines reach the handler of the program."""
    one.handlers.clear()
    one.propagate = True


def write_json() -> None:
    """Let these lines be JSON as well; called before the server starts."""
    logger.setup_formatter = _leave_to_ours
    logger.update_formatter()
    LOGGING_CONFIG["formatters"].update(default=_JSON, access=_JSON)
