"""Errors as three short sentences, and the two places where they are caught."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.shell.words import plain
from tl_core.database.away import AWAY, NO_ANSWER
from tl_core.errors import UserError

log = logging.getLogger("pages")


def show(error: UserError | dict[str, str]) -> None:
    """What happened, why, what to try."""
    parts = error.as_dict() if isinstance(error, UserError) else error
    rest = " ".join(plain(parts.get(key, "")) for key in ("why", "try_this") if parts.get(key))
    st.error(f"**{plain(parts['what'])}** {rest}", icon=":material/error:")


@contextmanager
def caught() -> Iterator[None]:
    """Around a page's own work: show a `UserError`, or files that cannot be used, and end the page.

    Nothing else is caught: a defect of ours must not look like a message, to people or to the
    tests.
    """
    try:
        yield
    except UserError as error:
        show(error)
        st.stop()
    except OSError as error:
        show(
            {
                "what": "A file on the server could not be read or written.",
                "why": _logged(error),
                "try_this": "Reload the page; if it happens again, tell whoever runs this server.",
            }
        )
        st.stop()


@contextmanager
def defects() -> Iterator[None]:
    """Around a whole page, in the app alone: what nobody expected gets an id that leads to the
    log.
    """
    try:
        yield
    except NO_ANSWER as error:
        show({**AWAY, "why": f"{AWAY['why']} {_logged(error)}"})
    except Exception as error:  # noqa: BLE001 - the edge of the app: every defect must reach the log
        show(
            {
                "what": "Something went wrong that we did not expect.",
                "why": _logged(error),
                "try_this": "Reload the page; your data and runs are safe.",
            }
        )


def _logged(error: Exception) -> str:
    name = secrets.token_hex(3)
    log.error("unexpected error %s", name, exc_info=error)
    return f"Log id {name}."
