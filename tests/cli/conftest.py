"""A server on loopback that commands work with, whoever carries out its runs, and what commands
print.
"""

from __future__ import annotations

import json
import signal

import pytest
from tests_support.serving import serving_here

from tl_core.cli import following
from tl_core.cli.main import main
from tl_core.database.engine import open_database
from tl_core.registry.queue import RunWriter
from tl_core.settings import Settings, read_settings


@pytest.fixture
def server(home, tmp_path, monkeypatch, tiny):
    """A server on loopback; the command line has a home of its own, which stays empty."""
    from tests_support.programs import SETTINGS, Server

    monkeypatch.setenv("TL_MODELS_DIR", str(tiny("bert").parent))
    models = str(tiny("bert").parent)
    settings = Settings(home=str(home), models_dir=models, **SETTINGS)
    server = Server(settings, open_database(settings))
    server.ana = server.member("ana")
    own_home = tmp_path / "own"
    with serving_here(server.app) as address:
        server.address = address
        monkeypatch.setenv("TL_HOME", str(own_home))
        monkeypatch.setenv("TL_DISPATCHER", "external")
        monkeypatch.setenv("TL_SERVER", address)
        monkeypatch.setenv("TL_TOKEN", server.ana.token())
        yield server
    assert not (own_home / "graft.db").exists()


@pytest.fixture
def worker(server, monkeypatch):
    """Carries out what waits whenever the command line waits for it."""

    from tl_core.jobs.worker import carry_out

    def work(_seconds):
        for lane in ("light", "train"):
            if claimed := server.writer.claim_next(lane):
                carry_out(server.settings.home_path / claimed[1], server.settings)

    monkeypatch.setattr(following.time, "sleep", work)


@pytest.fixture
def carried_out_here(home, monkeypatch):
    """What commands queue on this machine is carried out in this process when they wait for it."""
    from tl_core.jobs.worker import carry_out

    monkeypatch.setenv("TL_DISPATCHER", "external")
    writer = RunWriter(open_database(read_settings()))
    handler = signal.getsignal(signal.SIGTERM)

    def work(_seconds):
        for lane in ("light", "train"):
            if claimed := writer.claim_next(lane):
                carry_out(home / claimed[1], read_settings())
                signal.signal(signal.SIGTERM, handler)

    monkeypatch.setattr(following.time, "sleep", work)


@pytest.fixture
def call(capsys):
    """One command with its JSON document and exit code."""

    def run(*arguments, code=0):
        capsys.readouterr()
        assert main([*map(str, arguments), "--json"]) == code, capsys.readouterr().out
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def said(capsys):
    """One command with what it prints for people."""

    def run(*arguments, code=0):
        capsys.readouterr()
        assert main([*map(str, arguments)]) == code
        return capsys.readouterr().out

    return run
