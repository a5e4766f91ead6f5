"""A bundle carries what was done to its rows; its program and its server say what they need and
refuse less.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient
from tests_support.ways import MAIL, write_table

from tl_core.cli.main import main
from tl_core.data.preparation import Preparation
from tl_core.export.bundle_facts import read_facts, requirements_of
from tl_core.export.standalone import inputs, predict
from tl_core.export.verify import verify
from tl_core.predict.serving.http import create_app
from tl_core.predict.serving.service import Serving


def test_bundles_carry_it_and_are_proven_with_it(joined, exported):
    facts = read_facts(joined.bundle)
    assert (
        facts["preparation"] == joined.kept.as_dict()
        and Preparation.read(joined.bundle) == joined.kept
    )
    assert "`title` and `body`" in (joined.bundle / "README.md").read_text()
    assert (joined.bundle / "preparation.py").is_file() and not any(
        "ftfy" in line for line in requirements_of(facts)
    )
    old = exported.run("bert")[0]  # a run from before models carried it: its dataset says it
    assert not (old / "model" / "preparation.json").exists()
    assert Preparation.read(exported.bundle("bert")[0]) == Preparation(columns=("text",))


def test_a_changed_preparation_is_found_out(joined, tmp_path):
    folder = shutil.copytree(joined.bundle, tmp_path / "b")
    Preparation(columns=("body",)).write(folder)
    assert [check["name"] for check in verify(folder)["checks"] if not check["ok"]] == [
        "file preparation.json"
    ]


def test_a_bundle_from_before_answers_as_it_did(joined, tmp_path):
    folder = shutil.copytree(joined.bundle, tmp_path / "b")
    for name in ("preparation.json", "preparation.py", "manifest.json"):
        (folder / name).unlink()
    write_table(tmp_path / "in.csv", ["text", "n"], [("good film", 1), ("bad order", 2)])
    assert (
        main(["predict", str(folder), str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")])
        == 0
    )
    with TestClient(create_app(Serving(str(folder)))) as client:
        assert client.get("/ready").json()["columns"] == []
        assert client.post("/predict", json={"texts": ["good film"]}).status_code == 200
        assert (
            client.post("/predict", json={"rows": [{"anything": "good film"}]}).status_code == 200
        )
        assert (
            client.post("/predict", json={"rows": [{"a": "good", "b": "film"}]}).status_code == 422
        )


def test_predict_py_refuses_in_words_what_it_was_not_trained_on(joined, ways, tmp_path):
    path = str(write_table(tmp_path / "in.csv", ["subject", "body"], MAIL[:3]))
    done = subprocess.run(
        [sys.executable, joined.bundle / "predict.py", path], text=True, capture_output=True
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "no column 'title'" in done.stderr and "subject, body" in done.stderr
    model, plain = (
        predict.Model(joined.bundle),
        ways("plain", "bert", Preparation(("message",), repair=True)),
    )
    for words, column, said in (
        ("a text alone", "", "'title' and 'body'"),
        (path, "body", "--column"),
    ):
        with pytest.raises(ValueError, match=said):
            inputs.read([words], column, model)
    with pytest.raises(ValueError, match="text alone"):
        model.answers(["a text alone"])
    with pytest.raises(ValueError, match="no column 'title'"):
        model.answers([{"body": "x"}])
    single = predict.Model(plain.bundle)
    with pytest.raises(ValueError, match=r"'message'.*--column"):
        inputs.read([path], "", single)
    assert [item for _, item in inputs.read([path], "body", single)] == [
        {"message": body} for _, body in MAIL[:3]
    ]
    latin = tmp_path / "latin.csv"
    latin.write_bytes("message\nGr\u00fc\u00dfe\n".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8"):
        inputs.read([str(latin)], "", single)


def test_predict_py_reads_the_tables_that_tools_write(joined, tmp_path):
    model = predict.Model(joined.bundle)

    def rows(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return [
            item if isinstance(item, dict) else str(item)
            for _, item in inputs.read([str(tmp_path / name)], "", model)
        ]

    assert rows("quotes.tsv", 'title\tbody\n"hello\tA "good" film\nb"ye\t"B\n') == [
        {"title": '"hello', "body": 'A "good" film'},
        {"title": 'b"ye', "body": '"B'},
    ]
    assert rows("quoted.tsv", 'title\tbody\n"two\nlines"\tB\n') == [
        {"title": "two\nlines", "body": "B"}
    ]
    assert rows("blanks.csv", "\ufeff title , body\na,b\n") == [{"title": "a", "body": "b"}]
    assert rows("short.csv", "title,body\na\na,b\n,\na,b,c\n") == [
        "The row is damaged: it does not fit the header.",
        {"title": "a", "body": "b"},
        "The text is empty.",
        "The row is damaged: it does not fit the header.",
    ]


def test_the_server_says_what_it_needs_and_refuses_less(joined):
    with TestClient(create_app(Serving(str(joined.bundle)))) as client:
        assert client.get("/ready").json() == {
            "status": "ready",
            "labels": joined.labels,
            "columns": ["title", "body"],
            "pixels": [],
        }
        document = client.get("/openapi.json").json()
        assert document["components"]["schemas"]["Asked"]["properties"]["rows"]["items"][
            "required"
        ] == ["title", "body"]
        assert document["info"]["x-model"] == {"columns": ["title", "body"], "pixels": []}
        for body, word in (
            ({"texts": ["a"]}, "'title' and 'body'"),
            ({"rows": [{"body": "x"}]}, "'title'"),
            ({"rows": [{"title": "a", "body": "b"}], "texts": ["a"]}, "either texts or rows"),
            ({"rows": [{"title": ["a"], "body": "b"}]}, "neither a text nor a number"),
            ({"rows": [{"title": " ", "body": None}]}, "Row 1 has no text"),
            ({}, "texts or rows"),
        ):
            reply = client.post("/predict", json=body)
            assert reply.status_code == 422 and word in reply.json()["detail"], reply.json()
