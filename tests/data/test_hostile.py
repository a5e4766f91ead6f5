"""The zoo of hostile files, brought one after the other by the command line in a process with 2 GB
of memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import zoo

ROOT = Path(__file__).parents[2]
KEEPER = """
import contextlib, io, json, resource, sys, time
from pathlib import Path
from tl_core.cli.main import main
resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))
home = Path(sys.argv[2])
for name, path in json.loads(Path(sys.argv[1]).read_text()).items():
    started = time.monotonic()
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = main(["data", "add", path, "--name", "x", "--json"])
    left = [str(p) for p in (home / "staging").glob("*")]
    answer = {"name": name, "code": code, "answer": json.loads(out.getvalue()), "left": left}
    print(json.dumps(answer | {"seconds": time.monotonic() - started}), flush=True)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    root = tmp_path_factory.mktemp("zoo")
    animals = zoo.make(root / "files")
    before = sorted(root.rglob("*"))
    home = tmp_path_factory.mktemp("zoo-home")
    environment = {
        **os.environ,
        "TL_HOME": str(home),
        "TL_MAX_ITEMS": "100000",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    listing = tmp_path_factory.mktemp("zoo-list") / "paths.json"
    listing.write_text(json.dumps({name: str(path) for name, (path, _) in animals.items()}))
    found = subprocess.run(
        [sys.executable, "-c", KEEPER, str(listing), str(home)],
        cwd=ROOT,
        env=environment,
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stdout[-500:] + found.stderr[-3000:]
    assert sorted(root.rglob("*")) == before
    return {answer["name"]: answer for answer in map(json.loads, found.stdout.splitlines())}


@pytest.mark.parametrize("name", zoo.ZOO)
def test_each_animal_is_refused_or_tamed(answers, name):
    answer, words = answers[name], zoo.ZOO[name][2]
    assert not answer["left"], "the staging folder was left behind"
    if words:
        assert answer["code"] == 2
        error = answer["answer"]["error"]
        assert words in " ".join((error["what"], error["why"], error["try_this"]))
        assert "Traceback" not in json.dumps(error)
        assert "zoo0" not in json.dumps(error), "the sentence tells where files lie on the server"
    else:
        assert answer["code"] in (0, 2), answer["answer"]
        assert answer["answer"].get("error", {}).get("code") != "unexpected"


@pytest.mark.parametrize(
    ("name", "item", "reason"),
    [
        ("200 megapixels", "cat/huge.png", "million pixels"),
        ("four billion pixels", "cat/huge.png", "million pixels"),
        ("cut picture", "cat/cut.png", "damaged"),
        ("HTML as picture", "cat/page.png", "not an image"),
        ("SVG", "cat/drawing.svg", "carry code"),
        ("program among pictures", "cat/x.png.exe", "not an image"),
        ("one pixel", "cat/dot.png", "nothing in it"),
        ("hours of sound promised", "bark/x.wav", "cut off"),
        ("192 channels", "bark/x.wav", "192 channels"),
        ("sound of no rate", "bark/x.wav", "damaged"),
        ("two minutes of sound", "bark/x.wav", "longer than 60 seconds"),
        ("text as sound", "bark/x.wav", "no sound file"),
        ("no sound", "bark/x.wav", "no sound"),
    ],
)
def test_one_bad_file_is_set_aside_and_the_rest_stays(answers, name, item, reason):
    answer = answers[name]["answer"]
    assert answer["rows"] == 8
    assert any(
        item == skipped["item"] and reason in skipped["reason"] for skipped in answer["skipped"]
    )


def test_no_code_was_run():
    assert not Path("/tmp/graft-was-here").exists()


def test_class_names_lose_control_signs_and_keep_the_rest(answers):
    classes = answers["names that write"]["answer"]["classes"]
    assert "<script>alert(1)</script>" in classes  # pages and reports escape it
    assert all(name.isprintable() for name in classes)


def test_there_are_at_least_forty():
    assert len(zoo.ZOO) >= 40
