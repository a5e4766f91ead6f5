"""Records with nested cells, of Parquet files and of labelling in the clouds: each with what must
come of it.
"""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq

from tests_support.everyday import Case, ab, lines, sentence
from tests_support.small_tables import LABELS, TEXTS, TWO, N


def parquet(columns, features=None):
    content = pa.table(columns)
    if features:
        hub_info = json.dumps({"info": {"features": features}})
        content = content.replace_schema_metadata({b"huggingface": hub_info.encode()})
    buffer = io.BytesIO()
    pq.write_table(content, buffer)
    return buffer.getvalue()


NUMBERS = [[n % 2] for n in range(N)]
XY = {"names": ["x", "y"], "_type": "ClassLabel"}
BY_NAME = {"x": 12, "y": 12}
JOB = [
    {
        "source": sentence(n),
        "my-job": n % 2,
        "my-job-metadata": {"class-name": ab(n), "confidence": 0.9},
    }
    for n in range(N)
]
VERTEX = [
    {
        "classificationAnnotation": {"displayName": ab(n)},
        "textContent": sentence(n),
        "dataItemResourceLabels": {
            "aiplatform.googleapis.com/ml_use": "training" if n < 18 else "test"
        },
    }
    for n in range(N)
]

RECORDS = {
    "bytes of text": Case(
        {
            "t.parquet": parquet(
                {
                    "text": [text.encode() for text in TEXTS],
                    "label": [label.encode() for label in LABELS],
                }
            )
        },
        TWO,
    ),
    "bytes of pictures beside texts": Case(
        {
            "t.parquet": parquet(
                {
                    "text": TEXTS,
                    "label": LABELS,
                    "thumb": [b"\xff\xd8\0" + bytes([n]) for n in range(N)],
                }
            )
        },
        TWO,
        told="left out: thumb",
    ),
    "an object of title and body": Case(
        {
            "t.parquet": parquet(
                {"review": [{"title": "x", "body": text} for text in TEXTS], "label": LABELS}
            )
        },
        TWO,
        columns={"text": "review.body"},
    ),
    "lists of objects": Case(
        {
            "t.parquet": parquet(
                {"text": TEXTS, "label": LABELS, "spans": [[{"at": n}] for n in range(N)]}
            )
        },
        TWO,
        sure=False,
        told="nested data (spans)",
    ),
    "numbers of classes in lists": Case(
        {
            "t.parquet": parquet(
                {"text": TEXTS, "label": NUMBERS}, {"label": {"feature": XY, "_type": "Sequence"}}
            )
        },
        BY_NAME,
    ),
    "numbers of classes in older lists": Case(
        {"t.parquet": parquet({"text": TEXTS, "label": NUMBERS}, {"label": [XY]})}, BY_NAME
    ),
    "responses of Argilla as numbers": Case(
        {
            "t.parquet": parquet(
                {
                    "text": TEXTS,
                    "label.responses": NUMBERS,
                    "label.responses.status": [["submitted"]] * N,
                    "label.suggestion": [0] * N,
                },
                {"label.responses": {"feature": XY, "_type": "List"}},
            )
        },
        BY_NAME,
    ),
    # clouds and objects
    "Ground Truth": Case(
        {"output.manifest": lines(JOB)}, TWO, columns={"label": "label", "text": "text"}
    ),
    "Ground Truth with failures": Case(
        {
            "o.jsonl": lines(
                [*JOB, {"source": "x y", "my-job-metadata": {"failure-reason": "late"}}]
            )
        },
        TWO,
        {"unlabelled": 1},
    ),
    "Ground Truth, several labels": Case(
        {
            "o.jsonl": lines(
                [
                    {
                        "source": sentence(n),
                        "j": [0, 1] if n % 2 else [0],
                        "j-metadata": {"class-map": {"0": "a", "1": "b"} if n % 2 else {"0": "a"}},
                    }
                    for n in range(N)
                ]
            )
        },
        {"a": N, "b": N // 2},
        told="several classes",
    ),
    "Vertex AI": Case({"t.jsonl": lines(VERTEX)}, TWO, {"test": 6}),
    "Vertex AI without splits": Case(
        {
            "t.jsonl": lines(
                [{k: v for k, v in one.items() if k != "dataItemResourceLabels"} for one in VERTEX]
            )
        },
        TWO,
    ),
    "scores for each class": Case(
        {
            "t.jsonl": lines(
                [{"text": sentence(n), "label": {"a": 0.2, "b": 0.8}} for n in range(N)]
            )
        },
        refuses="holds objects",
    ),
}
