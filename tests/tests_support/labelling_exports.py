"""Files as labelling tools write them, and what is read out of them."""

from __future__ import annotations

import json

import pandas as pd

from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table


def read_file(folder, content, suffix="json", **options):
    """The rows of a file with this content, and what the reading learnt."""
    path = folder / f"export.{suffix}"
    if isinstance(content, pd.DataFrame):
        if suffix == "parquet":
            content.to_parquet(path)
        else:
            content.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps(record) for record in content))
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    reading = Reading()
    parts = read_table(path, reading, **options)
    return [row for part in parts for row in part.cells.to_pylist()], reading


def pairs(rows, reading):
    """Input and class of each row, by the roles that the format named."""
    role = "image" if "image" in reading.roles else "text"
    return [(row[reading.roles[role]], row.get(reading.roles.get("label"), "")) for row in rows]
