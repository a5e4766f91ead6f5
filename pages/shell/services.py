"""The acting user's stores and the helper process: one of each for the whole server."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st
from sqlalchemy import Engine

from pages.shell.streamlit_login import identity
from tl_core.access.principal import ADMIN, Principal
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.database.engine import open_database
from tl_core.errors import SignInError
from tl_core.helper.client import ComputeClient
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.label_answers import AnswerStore
from tl_core.registry.models import ModelStore
from tl_core.registry.presets import PresetStore
from tl_core.registry.run import Run
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings, read_settings

# A page asks some thirty times who is acting; one answer holds for about as long as it takes.
_ACTING, _HOLDS_SECONDS = "acting", 0.5


def settings() -> Settings:
    """Where things live."""
    return read_settings()


def principal() -> Principal:
    """Who is acting, as the cookies of this tab's connection say; asked anew within each run of a
    page, so that whoever is signed out or disabled can do nothing more.

    Raises:
        SignInError: when their session is over.
    """
    own = settings()
    if not own.sign_in:
        return Principal(own.user, own.user, own.user, ADMIN, anywhere=own.is_local)
    headers = {name.lower(): value for name, value in st.context.headers.items()}
    brought, now = (st.context.cookies.to_dict(), headers), time.monotonic()
    known = st.session_state.get(_ACTING)
    if known is not None and known[0] == brought and now - known[1] < _HOLDS_SECONDS:
        acting: Principal = known[2]
        return acting
    asking = identity(own).of(*brought, address=st.context.ip_address or "")
    if asking.principal is None:
        raise SignInError("Your session is over.", "", "Sign in again.")
    st.session_state[_ACTING] = (brought, now, asking.principal)
    return asking.principal


def user() -> str:
    """The id of who is acting: the owner of what they make."""
    return principal().id


def database() -> Engine:
    """The database of this server."""
    return open_database(settings())


def datasets() -> DatasetStore:
    """The acting user's datasets, and what others share."""
    return DatasetStore(database(), principal(), settings().home_path)


def answers() -> AnswerStore:
    """What people answered about the datasets that the acting user may see."""
    return AnswerStore(datasets())


def runs() -> RunStore:
    """The acting user's runs, and what others share."""
    return RunStore(database(), principal(), settings().home_path)


def models() -> ModelStore:
    """The models that the acting user has uploaded, and what others share."""
    return ModelStore(database(), principal(), settings().home_path)


def presets() -> PresetStore:
    """Settings that the acting user has kept, and those that others share."""
    return PresetStore(database(), user())


@st.cache_resource(max_entries=1, show_spinner=False, on_release=lambda client: client.close())
def compute() -> ComputeClient:
    """The helper process, shared by all sessions."""
    return ComputeClient()


@st.cache_data(max_entries=64, ttl=3600, show_spinner=False)
def _info(folder: str) -> VersionInfo:
    return DatasetVersion(Path(folder)).info


def version_info(folder: Path) -> VersionInfo:
    """A version's facts; versions never change, so they are kept."""
    return _info(str(folder))


def submit(config: RunConfig, draft: str | None) -> Run:
    """Queue a run and make sure that somebody takes it."""
    from tl_core.jobs.dispatch import ensure_dispatcher

    run = runs().create(config, draft)
    ensure_dispatcher(settings())
    return run


def resume(run_id: str) -> None:
    """Queue an ended run again and make sure that somebody takes it."""
    from tl_core.jobs.dispatch import ensure_dispatcher

    runs().resume(run_id)
    ensure_dispatcher(settings())
