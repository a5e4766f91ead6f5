"""Saved settings start the same training again, on whatever data; anything else is refused in
words.
"""

from __future__ import annotations

import json

import pytest

from tl_core.config import RunConfig
from tl_core.errors import ConfigError
from tl_core.export.reproduce import from_saved, saved_settings

WAS = RunConfig(
    "train",
    "ann",
    "notes@3",
    "/data/notes/3",
    "starter:text",
    "probe",
    {"max_length": 64, "seed": 7},
    True,
)


def again(saved):
    content = saved if isinstance(saved, bytes) else json.dumps(saved).encode()
    return from_saved(content, "bob", "mine@1", "/data/mine/1")


def test_settings_come_back_on_other_data_of_another_owner():
    assert "notes" not in saved_settings(WAS) and "ann" not in saved_settings(WAS)
    assert again(saved_settings(WAS).encode()) == RunConfig(
        "train",
        "bob",
        "mine@1",
        "/data/mine/1",
        "starter:text",
        "probe",
        {"max_length": 64, "seed": 7},
        True,
    )


def test_the_file_in_the_folder_of_a_run_does_as_well(tmp_path):
    WAS.write(tmp_path)
    assert again((tmp_path / "config.json").read_bytes()) == again(saved_settings(WAS).encode())


@pytest.mark.parametrize(
    ("saved", "what"),
    [
        (b"", "no saved settings"),
        (b"\xff\xfe", "no saved settings"),
        (b"[1]", "no saved settings"),
        (b"[" * 100_000, "no saved settings"),
        (b" " * (1 << 20) + b"{}", "no saved settings"),
        ({"backbone": "starter:text"}, "no saved settings"),
        ({"recipe": "magic", "backbone": "starter:text"}, "magic"),
        ({"recipe": "probe", "backbone": ["x"]}, "backbone is"),
        ({"recipe": "probe", "backbone": "a", "options": []}, "options is"),
        ({"recipe": "probe", "backbone": "starter:text", "options": {"lenght": 3}}, "lenght"),
        (
            {"recipe": "probe", "backbone": "starter:text", "options": {"max_length": "long"}},
            "max_length",
        ),
        ({"recipe": "probe", "backbone": ""}, "needs a backbone"),
        ({"recipe": "probe", "kind": "export"}, "export"),
    ],
)
def test_anything_else_is_refused_in_words(saved, what):
    with pytest.raises(ConfigError, match=what):
        again(saved)
