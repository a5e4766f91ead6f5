"""Label Studio: what its annotators chose, in its JSON of tasks and in its flat exports."""

from __future__ import annotations

import pandas as pd
import pytest
from tests_support.labelling_exports import pairs

# ---- Label Studio: JSON


def choice(*names, question="sentiment", kind="choices", **extra):
    return {
        "id": "x",
        "from_name": question,
        "to_name": "text",
        "type": kind,
        "value": {kind: list(names)},
        **extra,
    }


def annotation(*results, who=1, **extra):
    return {
        "id": who,
        "completed_by": who,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": 3.5,
        **extra,
    }


def task(number, text, *annotations, **extra):
    return {
        "id": number,
        "data": {"text": text},
        "annotations": list(annotations),
        "drafts": [],
        "predictions": [],
        "meta": {},
        "created_at": "2025-01-01",
        "inner_id": number,
        **extra,
    }


def test_label_studio_json_gives_text_and_choice(read_export):
    rows, reading = read_export(
        [
            task(1, "good film", annotation(choice("Positive"))),
            task(2, "bad film", annotation(choice("Negative"))),
        ]
    )
    assert reading.format == "Label Studio JSON"
    assert pairs(rows, reading) == [("good film", "Positive"), ("bad film", "Negative")]
    assert rows[0] | {"id": "1", "annotator": "1", "annotators": "1", "agreement": "1"} == rows[0]


@pytest.mark.parametrize(
    ("votes", "label", "agreement"),
    [
        (["a", "a", "b"], "a", "0.67"),
        (["a", "b"], "", "0.5"),
        (["b", "b", "b"], "b", "1"),
        (["a", "a", "b", "b"], "", "0.5"),
        (["a", "b", "c", "c"], "c", "0.5"),
    ],
)
def test_label_studio_takes_the_majority_of_the_annotators(read_export, votes, label, agreement):
    rows, reading = read_export(
        [
            task(1, "t", *(annotation(choice(vote), who=who) for who, vote in enumerate(votes))),
            task(2, "u", annotation(choice("z"))),
        ]
    )
    assert (rows[0]["label"], rows[0]["annotators"], rows[0]["agreement"]) == (
        label,
        str(len(votes)),
        agreement,
    )
    assert bool(reading.disagreeing) == (agreement != "1")
    assert not reading.set_aside


def test_cancelled_annotations_predictions_and_drafts_are_no_labels(read_export):
    rows, reading = read_export(
        [
            task(
                1, "t1", annotation(choice("a"), was_cancelled=True), annotation(choice("b"), who=2)
            ),
            task(2, "t2", annotation(choice("a"), was_cancelled=True)),
            task(
                3,
                "t3",
                predictions=[{"result": [choice("a")], "score": 0.9}],
                drafts=[{"result": [choice("c")]}],
            ),
            task(4, "t4", annotation()),
        ]
    )
    assert pairs(rows, reading) == [("t1", "b"), ("t2", ""), ("t3", ""), ("t4", "")]
    assert [row["annotators"] for row in rows] == ["1", "0", "0", "0"]


def test_a_ground_truth_stands_above_the_other_annotators(read_export):
    rows, _ = read_export(
        [
            task(
                1,
                "t",
                annotation(choice("a")),
                annotation(choice("a"), who=2),
                annotation(choice("b"), who=3, ground_truth=True),
            )
        ]
    )
    assert rows[0]["label"] == "b"


def test_several_choices_are_a_list_and_their_order_is_no_disagreement(read_export):
    rows, _ = read_export(
        [
            task(1, "t", annotation(choice("b", "a")), annotation(choice("a", "b"), who=2)),
            task(2, "u", annotation(choice("a"))),
        ]
    )
    assert [row["label"] for row in rows] == ['["a", "b"]', "a"]
    assert rows[0]["agreement"] == "1"


@pytest.mark.parametrize(
    "annotations",
    [
        {"annotations": [annotation(choice("a"), who={"id": 3, "email": "x@y.z"})]},
        {"completions": [{"id": 1, "result": [choice("a")]}]},
        {"annotations": [annotation(choice("a"), choice("why not", question="why", kind="text"))]},
        {
            "annotations": [
                annotation(choice("a"), choice("p", value={"choices": ["p"], "start": 0, "end": 2}))
            ]
        },
        {
            "annotations": [
                annotation({"from_name": "rate", "type": "rating", "value": {"rating": "a"}})
            ]
        },
    ],
    ids=[
        "people as objects",
        "an old export",
        "with a remark",
        "with marks in the text",
        "a rating",
    ],
)
def test_label_studio_variants(read_export, annotations):
    rows, reading = read_export(
        [{"id": 1, "data": {"reviewText": "some words", "source": "web"}, **annotations}]
    )
    assert reading.roles == {"text": "reviewText", "label": "label"}
    assert rows[0]["label"] == "a"
    assert rows[0]["source"] == "web"


def test_a_class_among_the_data_does_not_hide_the_answer(read_export):
    rows, reading = read_export(
        [
            {
                "id": 1,
                "data": {"text": "t", "label": "old"},
                "annotations": [annotation(choice("new"))],
            }
        ]
    )
    assert pairs(rows, reading) == [("t", "new")]
    assert rows[0]["label (own)"] == "old"


@pytest.mark.parametrize(
    "tasks",
    [
        [{"data": {"text": "one"}}, {"data": {"text": "two"}}],
        [{"id": 5, "data": {"text": "one"}, "meta": {"a": 1}}, {"id": 6, "data": {"text": "two"}}],
        [
            {"id": 1, "data": {"text": "one"}, "annotations": []},
            {"id": 2, "data": {"text": "two"}, "annotations": []},
        ],
        [{"data": {"text": "one"}, "predictions": [{"result": []}]}, {"data": {"text": "two"}}],
    ],
)
def test_tasks_without_any_annotation_still_give_their_texts(read_export, tasks):
    rows, reading = read_export(tasks)
    assert pairs(rows, reading) == [("one", ""), ("two", "")]


def test_two_questions_give_two_columns_and_none_is_chosen(read_export):
    tasks = [
        task(i, f"t{i}", annotation(choice("ab"[i % 2]), choice("xy"[i % 3 > 0], question="topic")))
        for i in range(8)
    ]
    rows, reading = read_export(tasks)
    assert "label" not in reading.roles
    assert {rows[0]["sentiment"], rows[1]["sentiment"]} == {"a", "b"}
    assert rows[0]["topic"] == "x"
    assert any("sentiment, topic" in doubt for doubt in reading.doubts)


def test_marked_spans_are_not_classes(read_export):
    span = {
        "from_name": "ner",
        "type": "labels",
        "value": {"start": 0, "end": 3, "labels": ["PER"], "text": "Bob"},
    }
    rows, reading = read_export(
        [task(1, "Bob is here", annotation(span)), task(2, "Ann is not", annotation(span))]
    )
    assert pairs(rows, reading) == [("Bob is here", ""), ("Ann is not", "")]
    assert any("mark parts" in doubt for doubt in reading.doubts)


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("/data/upload/3/9d3f2a1b-cat1.jpg", "cat1.jpg"),
        ("/data/upload/9d3f2a1b-cat1.jpg", "cat1.jpg"),
        ("/data/local-files/?d=photos/my%20cat.jpg", "photos/my cat.jpg"),
        ("s3://b/k/cat.jpg", "k/cat.jpg"),
        ("gs://b/cat.PNG", "cat.PNG"),
        ("/data/upload/3/cafe-cat.jpg", "cafe-cat.jpg"),
        ("http://localhost:8080/data/upload/12/00ffaa11-a%20b.jpeg", "a b.jpeg"),
        ("pets/deadbeef-cat.jpg", "pets/deadbeef-cat.jpg"),
        ("https://example.org/pets/cat.jpg?v=2", "pets/cat.jpg"),
        ("upload/7/9d3f2a1b-x-1.png", "x-1.png"),
    ],
)
def test_pictures_are_called_as_they_lie_beside_the_export(read_export, told, path):
    rows, reading = read_export(
        [{"id": 1, "data": {"image": told}, "annotations": [annotation(choice("cat"))]}]
    )
    assert reading.roles == {"image": "image", "label": "label"}
    assert (rows[0]["image"], rows[0]["image_source"], rows[0]["label"]) == (path, told, "cat")


# ---- Label Studio: flat exports

FLAT = [
    {"text": "good", "id": 1, "sentiment": "pos", "annotator": 1, "annotation_id": 1},
    {"text": "bad", "id": 2, "sentiment": "neg", "annotator": 1, "annotation_id": 2},
    {"text": "good", "id": 1, "sentiment": "pos", "annotator": 2, "annotation_id": 3},
    {"text": "good", "id": 1, "sentiment": "neg", "annotator": 3, "annotation_id": 4},
    {"text": "so", "id": 3, "sentiment": "pos", "annotator": 1, "annotation_id": 5},
    {"text": "so", "id": 3, "sentiment": "neg", "annotator": 2, "annotation_id": 6},
]
ABOUT = {"created_at": "2025-01-01", "updated_at": "2025-01-01", "lead_time": 2.5}


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json"])
@pytest.mark.parametrize("order", ["as written", "sorted columns", "choices last"])
def test_rows_of_one_task_become_one_item(read_export, suffix, order):
    records = [record | ABOUT for record in FLAT]
    if order == "sorted columns":
        records = [dict(sorted(record.items())) for record in records]
    elif order == "choices last":
        records = [
            {**{k: v for k, v in r.items() if k != "sentiment"}, "sentiment": r["sentiment"]}
            for r in records
        ]
    rows, reading = read_export(
        records if suffix == "json" else pd.DataFrame(records), suffix, chunk_rows=2
    )
    assert reading.format.startswith("Label Studio")
    assert pairs(rows, reading) == [("good", "pos"), ("bad", "neg"), ("so", "")]
    assert [row["annotators"] for row in rows] == ["3", "1", "2"]
    assert rows[0]["agreement"] == "0.67"
    assert rows[0]["annotator"] == "1, 2, 3"
    assert (reading.disagreeing, reading.undecided) == (2, 1)


def test_a_flat_export_of_one_annotator_keeps_all_rows(read_export):
    records = [
        {
            "review": f"text number {i}",
            "lang": "en",
            "id": i,
            "topic": "ab"[i % 2],
            "annotator": 1,
            "annotation_id": i,
        }
        | ABOUT
        for i in range(1, 7)
    ]
    rows, reading = read_export(pd.DataFrame(records), "csv")
    assert pairs(rows, reading) == [(f"text number {i}", "ab"[i % 2]) for i in range(1, 7)]
    assert rows[0]["lang"] == "en"


def test_several_choices_in_a_flat_export_are_a_list(read_export):
    records = [FLAT[0] | ABOUT | {"sentiment": {"choices": ["b", "a"]}}, FLAT[1] | ABOUT]
    rows, _ = read_export(records)
    assert [row["label"] for row in rows] == ['["a", "b"]', "neg"]


def test_two_projects_in_one_file_are_not_mixed_up(read_export):
    rows, reading = read_export(
        pd.DataFrame(
            [
                FLAT[0] | ABOUT,
                FLAT[1] | ABOUT,
                FLAT[0] | ABOUT | {"text": "something else", "sentiment": "neg"},
            ]
        ),
        "csv",
    )
    assert pairs(rows, reading) == [("good", "pos"), ("bad", "neg"), ("something else", "neg")]


def test_pictures_of_a_flat_export(read_export):
    rows, reading = read_export(
        pd.DataFrame(
            [
                {
                    "image": f"/data/upload/1/0a1b2c3d-{i}.jpg",
                    "id": i,
                    "choice": "ab"[i % 2],
                    "annotator": "x@y.z",
                    "annotation_id": i,
                }
                | ABOUT
                for i in range(4)
            ]
        ),
        "csv",
    )
    assert pairs(rows, reading) == [(f"{i}.jpg", "ab"[i % 2]) for i in range(4)]


def test_a_task_whose_data_is_no_object_is_a_row_without_text(read_export):
    tasks = [{"id": n, "data": {"text": f"text {n}"}, "annotations": []} for n in range(22)]
    tasks[21]["data"] = ["odd"]
    rows, _ = read_export(tasks)
    assert [row["text"] for row in rows[-2:]] == ["text 20", ""]
