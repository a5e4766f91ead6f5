"""The load benchmark in miniature: five people for twenty seconds, no page fails."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest
from tests_support.studio import ROOT


@pytest.mark.xdist_group("load")
def test_five_people_open_pages_and_none_fails(monkeypatch, home):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import team_load

    port = team_load.free_port()
    url = f"http://localhost:{port}"
    settings = team_load.Settings(home=str(home), sign_in="accounts", url=url)
    people = team_load.people_of(settings, 5)
    environment = {"TL_HOME": str(home), "TL_SIGN_IN": "accounts", "TL_URL": url}
    environment |= {"TL_DISPATCHER": "external", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "pages.shell.launch", "--port", str(port)]
    with team_load.served(command, port, environment) as server:
        made = team_load.sessions_of(settings, url, people)
        asyncio.run(team_load.crowd(made[:1], team_load.PAGES, 4, 0.1))
        before = server.memory_info().rss
        seconds, failed = asyncio.run(team_load.crowd(made, team_load.PAGES, 20, 1.0))
        grown = server.memory_info().rss - before
    assert not failed and len(seconds) > 5 * len(team_load.PAGES)
    assert grown / len(people) < 15e6


def test_a_stranger_gets_no_session(monkeypatch, home):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import team_load
    import websockets

    port = team_load.free_port()
    environment = {"TL_HOME": str(home), "TL_SIGN_IN": "accounts", "TL_DISPATCHER": "external"}
    environment["TL_URL"] = f"http://localhost:{port}"
    command = [sys.executable, "-m", "pages.shell.launch", "--port", str(port)]
    with team_load.served(command, port, environment):
        stranger = team_load.Session(environment["TL_URL"], "graft_session=gss_forged")
        with pytest.raises(websockets.InvalidStatus, match="403"):
            asyncio.run(stranger.run([""], time.monotonic() + 5, 0.1))
