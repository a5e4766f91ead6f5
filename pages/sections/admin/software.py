"""What runs here: versions, what of the workers' sandbox holds, and the settings."""

from __future__ import annotations

import platform
from importlib.metadata import version

import streamlit as st

from pages.shell import services
from tl_core import __version__
from tl_core.database.engine import HEAD
from tl_core.jobs.sandbox import Enforced, enforced
from tl_core.settings import Settings

_PACKAGES = ("streamlit", "torch", "transformers", "timm")


def show_versions() -> None:
    """Of the studio, what it stands on, and the database."""
    st.subheader("Versions")
    database = services.database().dialect.name
    named = {
        "Graft Studio": __version__,
        "database": f"{database}, schema {HEAD}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }
    st.dataframe(
        [{"what": what, "version": one} for what, one in named.items()],
        hide_index=True,
        key="versions_here",
        height="content",
        alt="Versions of what runs here",
    )


def show_sandbox() -> None:
    """What workers cannot do on this machine, and what is missing."""
    st.subheader("Workers' sandbox")
    found = _enforced(services.settings())
    for holds, text in (
        (found["network"], "A run that needs no network has none."),
        (found["several_processes"], "That holds for runs of several processes, too."),
        (found["other_processes"], "A worker cannot look into other processes."),
        (bool(found["limits"]), "Its memory, processes and files are limited."),
    ):
        if holds:
            st.markdown(f":material/check: {text}")
    for problem in found["problems"]:
        st.markdown(f":material/warning: {problem}")


@st.cache_data(ttl=3600, max_entries=4, show_spinner="Trying out the sandbox…")
def _enforced(settings: Settings) -> Enforced:
    """It is found out by starting a process, once an hour."""
    return enforced(settings)


def show_settings() -> None:
    """Every setting with its meaning; of a secret only that it is set."""
    st.subheader("Settings")
    st.dataframe(
        [
            {
                "setting": spec.metadata["env"],
                "value": services.settings().shown(name),
                "meaning": spec.metadata["help"],
            }
            for name, spec in services.settings().__dataclass_fields__.items()
        ],
        hide_index=True,
        height="content",
        column_config={"meaning": st.column_config.TextColumn(width="large")},
        alt="Settings of this server",
    )
