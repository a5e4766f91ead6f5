"""The stored texts of a version once more, repaired; what did not need it stays byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.text_facts import clean_label, text_facts
from tl_core.data.item_kind import kind_of
from tl_core.data.preparation import repaired
from tl_core.data.versions.items import items_writer, open_items, plain_table
from tl_core.data.versions.rows import Facts
from tl_core.data.versions.store import DatasetVersion

if TYPE_CHECKING:
    import pyarrow as pa

_SUSPECT = r"[&\r\x00-\x08\x0b-\x1f\x7f]"  # in a text of plain ASCII nothing else can be repaired


@dataclass(frozen=True)
class Mended:
    """Which rows have another text now, which have none left, facts of all, and the fingerprint of
    the inputs.
    """

    rows: NDArray[np.int64]
    empty: NDArray[np.int64]
    facts: Facts
    fingerprint: str


def mend_texts(version: DatasetVersion, facts: Facts, folder: Path) -> Mended:
    """Write the items of `version` into `folder`, every text repaired as it will be when a model is
    asked about it.
    """
    table = open_items(version.folder)
    place = table.column_names.index("text")
    digest = hashlib.sha256(version.info.inputs_fingerprint.encode() + b"repaired")
    own = {name: values.copy() for name, values in facts.items()}
    changed: list[NDArray[np.int64]] = []
    empty: list[NDArray[np.int64]] = []
    start = 0
    with items_writer(folder, table.schema, kind_of(version.info.modality).stored) as write:
        for batch in table.to_batches():
            rows, texts = _mend(batch.column(place))
            if len(rows):
                batch = batch.set_column(place, "text", _with(batch.column(place), rows, texts))
                for row, text in zip(rows.tolist(), texts, strict=True):
                    digest.update(f"{start + row}\0{text}\0".encode("utf-8", "surrogatepass"))
                filled = np.array([bool(text) for text in texts])
                _take_over(own, start + rows[filled], [text for text in texts if text])
                changed.append(start + rows)
                empty.append(start + rows[~filled])
            write(plain_table(batch))
            start += batch.num_rows
    nothing = [np.empty(0, dtype=np.int64)]
    return Mended(
        np.concatenate(changed or nothing),
        np.concatenate(empty or nothing),
        own,
        digest.hexdigest(),
    )


def mend_names(names: list[str]) -> dict[str, str]:
    """Class names that were decoded wrongly as well, with what they should be."""
    mended = {name: clean_label(repaired(name)) for name in names}
    return {old: new for old, new in mended.items() if new and new != old}


def _mend(texts: pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    """Places whose text is another one after its repair, and these texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    suspect = pc.or_(
        pc.invert(pc.string_is_ascii(texts)), pc.match_substring_regex(texts, _SUSPECT)
    )
    rows = np.flatnonzero(suspect.to_numpy(zero_copy_only=False))
    old = texts.take(pa.array(rows)).to_pylist()
    new = [repaired(text).strip() for text in old]
    other = np.array([one != two for one, two in zip(old, new, strict=True)], dtype=bool)
    return rows[other], [text for text, is_other in zip(new, other, strict=True) if is_other]


def _with(column: pa.Array, rows: NDArray[np.int64], texts: list[str]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array(texts, column.type))


def _take_over(facts: Facts, rows: NDArray[np.int64], texts: list[str]) -> None:
    """Facts of the new texts in the place of those of the old ones."""
    if texts:
        import pyarrow as pa

        for name, values in text_facts(pa.array(texts, pa.string())).items():
            if name in facts:
                facts[name][rows] = values
