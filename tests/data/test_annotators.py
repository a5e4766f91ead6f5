"""Answers of several annotators: one row an item, and tables that only name people."""

from __future__ import annotations

import json

import pytest
from tests_support.everyday import ab, sentence
from tests_support.small_tables import LABELS, N, made, plain

from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table
from tl_core.errors import AmbiguousError


def read(path, content, label_column=""):
    path.write_text(content)
    reading = Reading(label_column=label_column)
    found = [record for part in read_table(path, reading) for record in part.cells.to_pylist()]
    return found, reading


PEOPLE = {
    "Mechanical Turk": made(
        "HITId,Title,AssignmentId,WorkerId,AssignmentStatus,Input.text,Answer.mood.label",
        lambda n: (
            f"H{n // 3}",
            "How do you find this text here",
            f"A{n}",
            f"W{n % 3}",
            "Approved",
            sentence(n // 3),
            ab(n // 3) if n % 9 else "odd",
        ),
        72,
    ),
    "its elements": made(
        "HITId,AssignmentId,WorkerId,Input.text,Answer.taskAnswers",
        lambda n: (
            f"H{n // 3}",
            f"A{n}",
            f"W{n % 3}",
            sentence(n // 3),
            json.dumps([{"mood": {"label": ab(n // 3) if n % 9 else "odd"}}]),
        ),
        72,
    ),
    "equal texts": made(
        "text,annotator,label",
        lambda n: (sentence(n // 3), f"w{n % 3}", ab(n // 3) if n % 9 else "odd"),
        72,
    ),
    "units and raters": made(
        "unit_id,rater,comment,category",
        lambda n: (n // 3, f"w{n % 3}", sentence(n // 3), ab(n // 3) if n % 9 else "odd"),
        72,
    ),
    "tasks and users": made(
        "task_id,user,text,topic",
        lambda n: (n // 3, f"w{n % 3}", sentence(n // 3), ab(n // 3) if n % 9 else "odd"),
        72,
    ),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_answers_of_annotators_make_one_row_an_item(name, tmp_path):
    found, reading = read(tmp_path / "t.csv", PEOPLE[name])
    column = next(
        key for key in ("Answer.mood.label", "label", "category", "topic") if key in found[0]
    )
    assert [record[column] for record in found] == [ab(n) for n in range(N)]
    assert reading.format in ("Mechanical Turk", "answers of annotators")
    assert (reading.disagreeing, reading.undecided) == (8, 0)
    assert {record["annotators"] for record in found} == {"3"} and found[0]["agreement"] == "0.67"


@pytest.mark.parametrize(
    "content",
    [
        plain(),
        made("text,annotator,label", lambda n: (sentence(n), f"w{n % 3}", ab(n))),
        made("user,text,label", lambda n: (f"u{n % 7}", sentence(n // 2), ab(n))),
        made("worker,comment,label", lambda n: (f"u{n}", "ok", ab(n))),
    ],
    ids=["none", "once each", "authors", "remarks"],
)
def test_tables_that_only_name_people_stay_as_they_are(content, tmp_path):
    found, reading = read(tmp_path / "t.csv", content)
    assert len(found) == N and not reading.format


def test_a_prediction_keeps_every_row_of_annotators(tmp_path):
    found, reading = read(tmp_path / "t.csv", PEOPLE["equal texts"], None)
    assert len(found) == 72 and not reading.format


def test_two_questions_of_a_tool_are_asked_about(tmp_path):
    content = json.dumps(
        [
            {
                "id": n,
                "data": {"text": sentence(n)},
                "annotations": [
                    {
                        "result": [
                            {
                                "type": "choices",
                                "from_name": name,
                                "to_name": "text",
                                "value": {"choices": [value]},
                            }
                            for name, value in (("tone", ab(n)), ("topic", "xyz"[n % 3]))
                        ]
                    }
                ],
            }
            for n in range(N)
        ]
    )
    with pytest.raises(AmbiguousError) as asked:
        read(tmp_path / "t.json", content)
    assert (asked.value.option, list(asked.value.choices)) == ("label_column", ["tone", "topic"])
    found, reading = read(tmp_path / "t.json", content, "tone")
    assert [record["tone"] for record in found] == LABELS and not reading.doubts
