"""Single labels from the command line: suggest, decide, apply."""

from __future__ import annotations

import json
import subprocess
import sys

from tests_support.datasets import write_pictures
from tests_support.processes import kill_all
from tests_support.studio import ROOT

from tl_core.cli.main import main


def test_suggest_decide_apply(home, tmp_path, tiny, capsys):
    source = write_pictures(tmp_path / "d", each=30)
    for number in (3, 7, 12, 21):
        (source / "red" / f"{number}.png").rename(source / "blue" / f"moved{number}.png")

    def call(*arguments, code=0):
        assert main([*map(str, arguments), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    call("data", "add", source, "--name", "discs")
    try:
        process = subprocess.run(
            [
                sys.executable,
                "-m",
                "tl_core",
                "labels",
                "suggest",
                "discs",
                "--backbone",
                f"local:{tiny('convnext')}",
                "--json",
            ],
            cwd=ROOT,
            text=True,
            capture_output=True,
            timeout=300,
        )
        assert process.returncode == 0, process.stderr
    finally:
        kill_all(home)
    suspects = json.loads(process.stdout)
    assert suspects["count"] >= 2
    first = suspects["rows"][0]
    assert (first["given"], first["suggested"]) == ("blue", "red")
    wrong = call("labels", "decide", "discs", first["row"], "relabel", "--to", "rad", code=2)[
        "error"
    ]
    assert "Did you mean red" in wrong["try_this"]
    saved = call("labels", "decide", "discs", first["row"], "relabel", "--to", "red")
    assert saved["decisions"] == {str(first["row"]): {"action": "relabel", "label": "red"}}
    made = call("labels", "apply", "discs")
    assert (made["version"], made["parent"]) == (2, "discs@1")
    changes = call("data", "compare", "discs@1", "discs@2")
    assert changes["relabelled"]["items"][0]["what"] == "blue → red"
    assert changes["removed"]["count"] == changes["moved"]["count"] == 0
    assert (
        call("labels", "apply", "discs", code=2)["error"]["what"]
        == "No label of this version was changed."
    )
