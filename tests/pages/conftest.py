"""What all page tests share."""

from __future__ import annotations

import pytest
from tests_support.processes import kill_all

from tl_core.jobs import dispatch


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch, home):
    """Pages must not start processes in these tests; what they queue is carried out by hand."""
    from streamlit import config

    monkeypatch.setattr(dispatch, "ensure_dispatcher", lambda _settings: None)
    config.set_option("runner.enforceSerializableSessionState", True)
    yield
    config.set_option("runner.enforceSerializableSessionState", False)
    from pages.components import services

    services.compute.clear()
    kill_all(home)
