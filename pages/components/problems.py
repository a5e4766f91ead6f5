"""Errors as three short sentences, and one way to catch them around a page's own work."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.components.words import plain
from tl_core.errors import UserError


def show(error: UserError | dict[str, str]) -> None:
    """What happened, why, what to try."""
    parts = error.as_dict() if isinstance(error, UserError) else error
    rest = " ".join(plain(parts.get(key, "")) for key in ("why", "try_this") if parts.get(key))
    st.error(f"**{plain(parts['what'])}** {rest}", icon=":material/error:")


@contextmanager
def caught() -> Iterator[None]:
    """Show a `UserError` and end the page; a defect of ours gets an id that leads to the log."""
    try:
        yield
    except UserError as error:
        show(error)
        st.stop()
    except (OSError, ValueError, KeyError) as error:
        name = secrets.token_hex(3)
        logging.getLogger("pages").error("unexpected error %s", name, exc_info=error)
        show({"what": "Something went wrong that we did not expect.", "why": f"Log id {name}.",
              "try_this": "Reload the page; your data and runs are safe."})
        st.stop()
