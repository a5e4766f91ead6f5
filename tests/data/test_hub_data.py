"""Hub datasets through the unmodified client, against a Hub of one machine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests_support.datasets import LIMITS
from tests_support.fake_hub import serve
from tests_support.recordings import encoded, vowel

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.sources.hub_datasets import describe, fetch
from tl_core.errors import DataError

ROOT = Path(__file__).parents[2]
CODE = """
import contextlib, io, json, sys
from tl_core.cli.main import main
answers = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main([*command, "--json"])
    answers.append((code, json.loads(out.getvalue())))
print(json.dumps(answers))
"""


@pytest.fixture
def call(tmp_path):
    """Run commands in a process of their own: the client reads its settings when it is imported."""

    def run(address, *commands, code=CODE):
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "TL_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        environment.pop("HF_HUB_OFFLINE")
        found = subprocess.run(
            [sys.executable, "-c", code, json.dumps(commands)],
            cwd=ROOT,
            env=environment,
            text=True,
            capture_output=True,
            timeout=120,
        )
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    return run


def add(source, name="x", *options):
    return ["data", "add", source, "--name", name, *options]


def texts(folder):
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: small\n  default: true\n  data_files:\n  - split: train\n   "
        " path: data/train.csv\n  - split: test\n    path: data/test.csv\n- config_name: odd\n "
        " data_files:\n  - split: first\n    path: data/train.csv\n  - split: second\n    path:"
        " data/test.csv\n---\n"
    )
    for name, count in (("train", 300), ("test", 40)):
        rows = [
            f"{name} message {i} of {i * 3},{'ab'[i * 2 // count]}" for i in range(count)
        ]  # sorted by class
        (folder / "data" / f"{name}.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    return folder


def pictures(folder):
    import datasets

    def rows():
        for number in range(24):
            buffer = io.BytesIO()
            Image.effect_noise((40, 40), 20 + 5 * number).convert("RGB").save(buffer, "PNG")
            yield {
                "image": {"bytes": buffer.getvalue(), "path": f"{number}.png"},
                "label": number % 2,
            }

    folder.mkdir()
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["ill", "well"])}
    )
    datasets.Dataset.from_list(list(rows()), features=features).to_parquet(
        folder / "train-00000.parquet"
    )
    return folder


def test_texts_with_their_splits_configurations_and_limits(call, tmp_path):
    refusals = [
        (add("hub:me/nothing"), "no dataset"),
        (add("hub:me/gated"), "gated"),
        (add("hub:nothing"), "not the name"),
        (add("hub:me/tickets", "x", "--hub-config", "odd"), "splits is called train"),
        (add("hub:me/tickets", "x", "--hub-split", "tests"), "no split"),
        (add("hub:me/tickets", "x", "--hub-config", "huge"), "cannot be read"),
    ]
    with serve({}, {"me/gated"}, {"me/tickets": texts(tmp_path / "t")}) as hub:
        answers = call(
            hub,
            add("hub:me/tickets"),
            add("hub:me/tickets", "some", "--row-limit", "60"),
            add("hub:me/tickets", "one", "--hub-config", "odd", "--hub-split", "second"),
            *(command for command, _ in refusals),
        )
    (code, whole), (_, some), (_, chosen), *refused = answers
    assert code == 0
    assert (whole["splits"]["test"], whole["rows"]) == (40, 340)
    assert some["rows"] == 100
    assert len(some["classes"]) == 2  # although the first 60 rows of the file have one class
    assert chosen["rows"] == 40
    for (code, answer), (_, words) in zip(refused, refusals, strict=True):
        assert code == 2
        assert words in answer["error"]["what"]
    ((code, answer),) = call(hub, add("hub:me/tickets"))
    assert code == 2
    assert "cannot be reached" in answer["error"]["what"]
    assert not list((tmp_path / "home" / "staging").iterdir())


def test_pictures_keep_their_bytes_and_class_names_and_a_look_lists_splits(call, tmp_path):
    code = CODE.replace(
        "answers = []",
        "answers = []\nfrom tl_core.data.sources.hub_datasets import describe\n"
        "answers.append(describe('me/tickets'))",
    )
    with serve(
        {}, None, {"me/leaves": pictures(tmp_path / "p"), "me/tickets": texts(tmp_path / "t")}
    ) as hub:
        look, (status, found) = call(hub, add("hub:me/leaves"), code=code)
    assert look["configs"] == {"small": ["train", "test"], "odd": ["first", "second"]}
    assert status == 0
    assert found["classes"] == {"ill": 12, "well": 12}
    assert found["modality"] == "image"


def recordings(folder):
    """A dataset as the Hub keeps recordings: bytes in Parquet, classes as numbers."""
    sounds = [{"bytes": encoded(vowel("ai"[n % 2], take=n)), "path": f"{n}.wav"} for n in range(16)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {
        "audio": {"sampling_rate": 16_000, "_type": "Audio"},
        "label": {"names": ["ah", "ee"], "_type": "ClassLabel"},
    }
    meta = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"audio": pa.array(sounds, kind), "label": [n % 2 for n in range(16)]})
    (folder / "data").mkdir(parents=True)
    path = folder / "data" / "train-00000-of-00001.parquet"
    pq.write_table(table.replace_schema_metadata(meta), path)
    return folder


def test_recordings_keep_their_bytes_and_need_no_decoder_of_videos(call, tmp_path):
    with serve({}, None, {"me/vowels": recordings(tmp_path / "r")}) as hub:
        [(status, found)] = call(hub, add("hub:me/vowels"))
    assert status == 0, found
    assert (found["modality"], found["classes"]) == ("audio", {"ah": 8, "ee": 8})


@pytest.mark.parametrize(
    "name",
    ["/etc/ssl", "../shared/data", "a/b/c", "owner/../name", "./x/y", "nothing", "", "tests/data"],
)
def test_a_path_is_never_taken_for_a_hub_name(name, monkeypatch, tmp_path):
    """The library would open a local folder of that name, wherever it lies."""
    monkeypatch.chdir(ROOT)
    for ask in (lambda: describe(name), lambda: fetch(name, tmp_path, ImportOptions(), LIMITS)):
        with pytest.raises(DataError, match="not the name of a Hub dataset|also a folder"):
            ask()
