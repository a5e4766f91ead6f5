"""Configs as earlier versions wrote them, with folders of runs where ids stand today, are read as
today's.
"""

from __future__ import annotations

import json

import pytest

from tl_core.config import RunConfig

RUNS = "/srv/studio/runs"


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (
            "predict",
            {"model": f"{RUNS}/0123456789/model", "source": "a.csv"},
            {"run": "0123456789", "source": "a.csv"},
        ),
        (
            "stress",
            {"model": f"{RUNS}/0123456789/model", "run": "0123456789"},
            {"run": "0123456789"},
        ),
        (
            "trace",
            {"run": "0123456789", "model": f"{RUNS}/0123456789/model", "max_length": 64},
            {"run": "0123456789", "max_length": 64},
        ),
        ("export", {"run": f"{RUNS}/0123456789", "name": "m"}, {"run": "0123456789", "name": "m"}),
        (
            "push",
            {"bundle": f"{RUNS}/0123456789/m-1", "repository": "me/m"},
            {"run": "0123456789", "folder": "m-1", "repository": "me/m"},
        ),
        ("rank", {"backbones": ["starter:text"]}, {"backbones": ["starter:text"]}),
    ],
)
def test_folders_become_ids(tmp_path, kind, old, new):
    for options in (old, new):
        told = {"kind": kind, "owner": "ann", "dataset": "d@1", "options": options}
        (tmp_path / "config.json").write_text(json.dumps(told))
        assert RunConfig.read(tmp_path).options == new
