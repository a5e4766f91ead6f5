"""Exports of labelling tools, JSON, workbooks and Parquet as people bring them: each with what must
come of it.
"""

from __future__ import annotations

import io
import json

from tests_support.everyday import Case, ab, frame, lines, sentence, sheets, table

TWO = {"a": 10, "b": 10}
STUDIO = [
    {
        "id": n,
        "data": {"text": sentence(n)},
        "annotations": [
            {
                "result": [
                    {
                        "type": "choices",
                        "from_name": "x",
                        "to_name": "text",
                        "value": {"choices": [ab(n)]},
                    }
                ]
            }
        ],
    }
    for n in range(20)
]


def hub_parquet() -> bytes:
    """A file as the Hub has it: classes as numbers with their names in the metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["a", "b"], "_type": "ClassLabel"},
    }
    schema = pa.schema(
        [("text", pa.string()), ("label", pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    buffer = io.BytesIO()
    pq.write_table(
        pa.table(
            {
                "text": [sentence(n) for n in range(24)],
                "label": [n % 2 if n < 20 else -1 for n in range(24)],
            },
            schema=schema,
        ),
        buffer,
    )
    return buffer.getvalue()


EXPORTS: dict[str, Case] = {
    "Label Studio JSON": Case({"project.json": json.dumps(STUDIO)}, TWO),
    "Label Studio, two annotators": Case(
        {
            "project.json": json.dumps(
                [
                    {
                        **task,
                        "annotations": (
                            task["annotations"] * 2
                            + [
                                {
                                    "result": [
                                        {
                                            "type": "choices",
                                            "from_name": "x",
                                            "to_name": "text",
                                            "value": {"choices": ["a"]},
                                        }
                                    ]
                                }
                            ]
                        ),
                    }
                    for task in STUDIO
                ]
            )
        },
        TWO,
        finding="disagreement",
    ),
    "Label Studio JSON-MIN": Case(
        {
            "min.json": json.dumps(
                [
                    {
                        "id": n,
                        "text": sentence(n),
                        "sentiment": ab(n),
                        "annotator": 1,
                        "annotation_id": n,
                        "created_at": "2025-01-01T00:00:00Z",
                        "updated_at": "2025-01-01T00:00:00Z",
                        "lead_time": 1.5,
                    }
                    for n in range(20)
                ]
            )
        },
        TWO,
    ),
    "Label Studio CSV": Case(
        {
            "export.csv": table(
                "annotation_id,annotator,created_at,id,lead_time,sentiment,text,updated_at",
                [
                    (
                        n * 2 + k,
                        k + 1,
                        "2025-01-01T00:00:00Z",
                        n,
                        2.5,
                        ab(n),
                        sentence(n),
                        "2025-01-01T00:00:00Z",
                    )
                    for n in range(20)
                    for k in (0, 1)
                ],
            )
        },
        TWO,
    ),
    "doccano": Case(
        {"all.jsonl": lines([{"id": n, "text": sentence(n), "label": [ab(n)]} for n in range(20)])},
        TWO,
    ),
    "Prodigy": Case(
        {
            "annotations.jsonl": lines(
                [
                    {
                        "text": sentence(n),
                        "_input_hash": n,
                        "_task_hash": n,
                        "label": ab(n),
                        "answer": "accept" if n < 20 else ["reject", "ignore"][n % 2],
                    }
                    for n in range(26)
                ]
            )
        },
        TWO,
        aside="Prodigy",
    ),
    "Argilla": Case(
        {
            "records.json": json.dumps(
                [
                    {
                        "id": str(n),
                        "fields": {"text": sentence(n)},
                        "status": "completed",
                        "suggestions": {
                            "label": {"value": "b" if ab(n) == "a" else "a", "score": 0.5}
                        },
                        "responses": {
                            "label": [{"value": ab(n), "user_id": "u1", "status": "submitted"}]
                        },
                    }
                    for n in range(20)
                ]
            )
        },
        TWO,
    ),
    "a JSON with splits": Case(
        {
            "set.json": json.dumps(
                {
                    "train": [{"text": sentence(n), "label": ab(n)} for n in range(14)],
                    "validation": [{"text": sentence(n), "label": ab(n)} for n in range(14, 17)],
                    "test": [{"text": sentence(n), "label": ab(n)} for n in range(17, 20)],
                },
                indent=1,
            )
        },
        TWO,
        {"train": 14, "validation": 3, "test": 3},
    ),
    "a JSON with rows under a key, over lines": Case(
        {
            "set.json": json.dumps(
                {"data": [{"text": sentence(n), "label": ab(n)} for n in range(20)]}, indent=2
            )
        },
        TWO,
    ),
    "NaN as a class": Case(
        {
            "t.jsonl": "".join(
                json.dumps({"text": sentence(n), "label": float("nan") if n >= 20 else ab(n)})
                + "\n"
                for n in range(24)
            )
        },
        TWO,
        {"unlabelled": 4},
    ),
    "intents with patterns": Case(
        {
            "intents.json": json.dumps(
                {
                    "intents": [
                        {
                            "tag": tag,
                            "patterns": [f"{word} number {n}" for n in range(6)],
                            "responses": ["ok"],
                        }
                        for tag, word in (("greeting", "hello"), ("parting", "bye"))
                    ]
                }
            )
        },
        {"greeting": 6, "parting": 6},
    ),
    "fastText": Case(
        {"train.txt": "".join(f"__label__{ab(n)} {sentence(n)}, and so on\n" for n in range(20))},
        TWO,
    ),
    "sheets called train and test": Case(
        {"t.xlsx": sheets(train=frame(20), test=frame(6, 100))}, {"a": 13, "b": 13}, {"test": 6}
    ),
    "a second sheet": Case(
        {"t.xlsx": sheets(January=frame(20), February=frame(20, 100))},
        TWO,
        sure=False,
        told="February",
    ),
    "Hugging Face Parquet with names and -1": Case(
        {"t.parquet": hub_parquet()}, TWO, {"unlabelled": 4}
    ),
}
