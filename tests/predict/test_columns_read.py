"""Which columns of a table are read when a trained model is asked: as in training, as named, or
said aloud.
"""

from __future__ import annotations

import pytest
from tests_support.predictions import columns, sampled, write

from tl_core.cli.main import main


@pytest.mark.parametrize(
    ("header", "lacking"),
    [
        ("body,subject", "title"),
        ("title,message", "body"),
        ("Title,Body", "title"),
        ("body", "title"),
        ("text,label", "title"),
    ],
)
def test_a_model_of_joined_columns_refuses_a_table_without_one(
    model, call, tmp_path, header, lacking
):
    source = write(
        tmp_path / "in.csv", header, *([",".join(["good film"] * len(header.split(",")))] * 3)
    )
    words, _ = call(model(columns=("title", "body")), source, code=2)
    assert (
        f"no column {lacking!r}" in words
        and "'title' and 'body'" in words
        and "--title-column" in words
    )


def test_text_lines_are_not_enough_for_joined_columns(model, call, tmp_path):
    words, _ = call(
        model(columns=("title", "body")),
        write(tmp_path / "in.txt", "good film", "bad order"),
        code=2,
    )
    assert "'title'" in words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--title-column", "subject"), "late\ngood film"),
        (("--text-column", "subject"), None),
        (("--title-column", "subject", "--text-column", "note"), "late\nx"),
        (("--title-column", "body"), None),
        (("--text-column", "bdoy"), None),
        (("--title-column", "Subject"), None),
    ],
)
def test_columns_of_other_names_are_named(model, call, tmp_path, words, text):
    source = write(tmp_path / "in.csv", "subject,body,note", "late,good film,x")
    summary, _ = call(model(columns=("title", "body")), source, *words, code=0 if text else 2)
    if text:
        assert sampled(summary) == [text] and all(certain for _, _, certain in columns(summary))
    else:
        assert "no column" in summary or "twice" in summary


@pytest.mark.parametrize(
    ("named", "offered"), [("txet", "text"), ("Message", "message"), ("text ", ""), ("nix", "")]
)
@pytest.mark.parametrize("known", [("message",), ()])
def test_a_column_that_is_named_and_not_there_is_never_replaced(
    model, call, tmp_path, named, offered, known
):
    source = write(tmp_path / "in.csv", "text,message,n", "good film,bad order,1", "late,money,2")
    words, _ = call(model(columns=known), source, "--text-column", named, code=2)
    assert f"no column {named!r}" in words and (f"Did you mean {offered}" in words or not offered)


def test_a_guess_is_said_or_silent_or_refused(model, call, tmp_path):
    folder, source = (
        model(columns=("message",)),
        write(tmp_path / "in.csv", "id,review", "1,good film", "2,bad order"),
    )
    summary, said = call(folder, source)
    assert columns(summary) == [("review", "text", False)] and sampled(summary) == [
        "good film",
        "bad order",
    ]
    assert "Warning" in said and "'review'" in said and "'message'" in said and summary["rows"] == 2
    assert "Warning" not in call(folder, source, "--yes")[1]
    words, _ = call(folder, source, "--strict", code=2)
    assert "'review'" in words and "--text-column" in words
    summary, said = call(folder, source, "--strict", "--text-column", "review")
    assert columns(summary) == [("review", "text", True)] and "Warning" not in said


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("one.csv", ["review", "good film", "bad order"]),
        ("lines.txt", ["good film", "bad order"]),
        ("in.csv", ["text,message", "never,good film", "never,bad order"]),
        ("in.jsonl", ['{"review": "good film"}', '{"review": "bad order"}']),
    ],
)
def test_one_column_and_the_name_of_the_training_are_sure(model, call, tmp_path, name, lines):
    summary, said = call(model(columns=("message",)), write(tmp_path / name, *lines), "--strict")
    assert sampled(summary) == ["good film", "bad order"] and "Warning" not in said


def test_a_title_is_not_put_before_the_text_of_a_model_that_never_read_one(model, call, tmp_path):
    source = write(tmp_path / "in.csv", "title,text", "late,good film")
    words, _ = call(model(columns=("text",)), source, "--title-column", "title", code=2)
    assert "'text' alone" in words
    folder = model()
    (folder / "preparation.json").unlink()  # nobody knows: a person may say it
    summary, _ = call(folder, source, "--title-column", "title", "--text-column", "text")
    assert sampled(summary) == ["late\ngood film"]


def test_without_json_the_plan_stands_in_lines(model, tmp_path, capsys):
    source = write(tmp_path / "in.csv", "title,body", "late,good film")
    assert (
        main(
            [
                "predict",
                str(model(columns=("title", "body"))),
                str(source),
                "-o",
                str(tmp_path / "o.csv"),
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert (
        "title: title" in said
        and "text: body" in said
        and "sample 1" in said
        and "'late\\ngood film'" in said
    )


def test_damaged_rows_are_set_aside_with_their_reason(model, call, tmp_path):
    source = write(tmp_path / "in.jsonl", *['{"text": "good film"}'] * 3, "{]", '{"text": ""}')
    summary, _ = call(model(columns=("text",)), source)
    assert [line["error"] != "" for line in summary["lines"]] == [False] * 3 + [True, True]
    assert (
        summary["plan"]["set_aside"][0]["count"] == 1
        and summary["plan"]["set_aside"][0]["example"] == "row 4"
    )
