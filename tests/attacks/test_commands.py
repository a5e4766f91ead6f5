"""Every command, given by Ben with what is Ana's. Whoever has a shell on the server can read all
files; but under Ben's name no command shows or changes hers.
"""

from __future__ import annotations

import pytest

from tests.attacks.conftest import ANA, MARK, MODEL, NAME
from tl_core.cli.main import main
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings

REFERENCES = [f"ana/{NAME}", f"ana/{NAME}@1", f"id-ana/{NAME}@1", f"{NAME}@1"]
COMMANDS = [
    *[("data", verb, "DATASET") for verb in ("show", "check", "versions", "restore", "delete")],
    ("data", "fix", "DATASET", "leak"),
    ("data", "compare", "DATASET", "DATASET"),
    ("data", "export", "DATASET", "-o", "OUT", "--format", "csv"),
    ("data", "list"),
    ("train", "--dataset", "DATASET", "--recipe", "probe", "--backbone", "starter:text"),
    ("labels", "decide", "DATASET", "0", "keep"),
    ("labels", "apply", "DATASET"),
    *[("labels", verb, "DATASET") for verb in ("take", "undo", "status")],
    ("labels", "give", "DATASET", "0", "good"),
    ("labels", "skip", "DATASET", "0"),
    ("labels", "settle", "DATASET", "0", "good"),
    ("labels", "export", "DATASET", "-o", "OUT"),
    ("labels", "import", "DATASET", "in.csv"),
    ("backbones", "rank", "starter:text", "--dataset", "DATASET"),
    *[("runs", verb, "RUN") for verb in ("show", "cancel", "open", "resume", "delete")],
    ("runs", "stop", "RUN", "--keep-best"),
    ("runs", "compare", "RUN", "RUN"),
    ("runs", "list"),
    ("report", "RUN"),
    ("report", "RUN", "--html", "OUT"),
    ("predict", "RUN", "in.csv", "-o", "OUT"),
    ("explain", "RUN", "text"),
    ("export", "RUN", "-o", "OUT"),
    ("reproduce", "RUN"),
    ("predict", "unlabelled", "in.csv", "-o", "OUT"),
]


ATTEMPTS = [
    (command, reference)
    for command in COMMANDS
    for reference in (REFERENCES if "DATASET" in command else REFERENCES[:1])
]


@pytest.mark.parametrize(("command", "reference"), ATTEMPTS, ids=str)
def test_no_command_shows_or_changes_hers(prey, monkeypatch, capfd, tmp_path, command, reference):
    monkeypatch.setenv("TL_USER", "ben")
    words = {"DATASET": reference, "RUN": prey.ended, "OUT": str(tmp_path / "out")}
    code = main([words.get(word, word) for word in command])
    said = "".join(capfd.readouterr())
    for asked in (*REFERENCES, NAME, MODEL):
        said = said.replace(asked, "")
    assert MARK not in said
    assert code == 2 or command in (("data", "list"), ("runs", "list"))
    assert not (tmp_path / "out").exists()
    engine, home = open_database(read_settings()), prey.home
    assert RunStore(engine, ANA, home).get(prey.run).status == "queued"
    assert RunStore(engine, ANA, home).get(prey.ended).status == "done"
    assert len(DatasetStore(engine, ANA, home).list(all_versions=True)) == 1
