"""A bundle to the Hub by the unmodified client: private, whole, in words when it cannot be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from tests_support.fake_hub import COMMIT, TOKEN, serve
from tests_support.studio import ROOT

from tl_core.cli.main import main
from tl_core.errors import UserError
from tl_core.export.push import is_name, token_of
from tl_core.export.push import push as upload
from tl_core.export.verify import verify
from tl_core.progress import Progress
from tl_core.settings import Settings

CODE = """
import json, sys
from pathlib import Path
from tl_core.errors import UserError
from tl_core.export.push import push
from tl_core.progress import Progress
for folder, name, token, public in json.loads(sys.argv[1]):
    try:
        print(json.dumps(push(Path(folder), name, token, Progress(), public=public)))
    except UserError as error:
        print(json.dumps(error.as_dict()))
"""


@pytest.fixture
def push(tmp_path):
    """Push several times in one process of its own: the client reads its settings when it is
    imported.
    """

    def run(address, *uploads):
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "hub"),
            "HF_HUB_DISABLE_XET": "1",
        }
        environment.pop("HF_HUB_OFFLINE")
        arguments = json.dumps(
            [[str(folder), name, token, public] for folder, name, token, public in uploads]
        )
        done = subprocess.run(
            [sys.executable, "-c", CODE, arguments],
            cwd=ROOT,
            text=True,
            env=environment,
            capture_output=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_bundle_arrives_whole_and_private_and_comes_back(push, exported, tmp_path):
    folder = exported.bundle("bert")[0]
    with serve({}, uploads=tmp_path / "there") as address:
        first, again = push(
            address, (folder, "me/notes", TOKEN, False), (folder, "me/notes", TOKEN, False)
        )
    assert (
        first
        == again
        == {
            "repository": "me/notes",
            "address": f"{address}/me/notes",
            "commit": COMMIT,
        }
    )
    arrived = tmp_path / "there" / "me" / "notes"
    assert verify(arrived)["ok"]
    assert "model-index" in (arrived / "README.md").read_text()
    assert not any(TOKEN in path.read_text(errors="ignore") for path in arrived.rglob("*.*"))


def test_what_the_hub_refuses_is_said(push, exported, tmp_path):
    folder = exported.bundle("bert")[0]
    with serve({"me/open": tmp_path / "there"}, uploads=tmp_path / "there") as address:
        reads, taken, public = push(
            address,
            (folder, "me/notes", "hf_reads", False),
            (folder, "me/open", TOKEN, False),
            (folder, "me/open", TOKEN, True),
        )
    assert "refuses to let this token write" in reads["what"]
    assert "everybody can read it" in taken["what"]
    assert public["commit"] == COMMIT


def test_what_cannot_be_pushed_is_said_before_the_hub_is_asked(exported, tmp_path, monkeypatch):
    folder = exported.bundle("bert")[0]
    shutil.copytree(folder, tmp_path / "broken")
    (tmp_path / "broken" / "predict.py").write_text("")
    with pytest.raises(UserError, match="cannot be reached"):
        upload(folder, "me/notes", TOKEN, Progress())
    monkeypatch.setattr("tl_core.export.push.is_reachable", lambda: True)
    for place, name, token, what in (
        (folder, "notes", TOKEN, "not a valid name"),
        (folder, "me/notes", "", "no token"),
        (tmp_path / "broken", "me/notes", TOKEN, "not as it was exported"),
        (tmp_path, "me/notes", TOKEN, "no bundle"),
    ):
        with pytest.raises(UserError, match=what):
            upload(place, name, token, Progress())


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert main(["push", str(tmp_path), "me/notes"]) == 2
    assert "no token" in capsys.readouterr().err


def test_a_server_writes_only_with_a_token_of_its_own(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_reads")
    assert token_of(Settings()) == "hf_reads"
    assert token_of(Settings(address="0.0.0.0")) == ""
    assert token_of(Settings(address="0.0.0.0", hub_token="hf_writes")) == "hf_writes"


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("me/notes", True),
        ("my-team/a.b_c-1", True),
        ("notes", False),
        ("a/b/c", False),
        ("me/../x", False),
        ("", False),
        ("me/", False),
        ("me/a b", False),
        ("-me/a", False),
        ("me/a--b", False),
    ],
)
def test_names_of_the_hub(name, good):
    assert is_name(name) is good
