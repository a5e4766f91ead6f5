"""From a recognised source to an immutable dataset version: read, check, split, write."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.data import images, split
from tl_core.data.schema import SPLITS, Columns, Finding, ImportOptions, check_labels, guess_columns
from tl_core.data.sources import SPLIT_NAMES, Source
from tl_core.data.store import VersionInfo, write_index, write_info, write_unlabelled
from tl_core.data.tables import MAX_CELL, read_table
from tl_core.errors import DataError

Progress = Callable[[int, int], None]
_INPUT_KEYS = ("text", "image", "name")
_LISTED = 500  # skipped items and finding items kept by name; all are counted


@dataclass
class _Row:
    """One row on its way in: `item` goes to Arrow, `raw` is the exact input, `key` is equal for duplicates."""

    item: dict[str, Any]
    raw: bytes
    key: bytes
    label: str
    split: str = ""
    group: str = ""


@dataclass
class _Collected:
    """What is remembered of the rows while they stream to disk: a few numbers each."""

    labels: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    inputs: Any = field(default_factory=hashlib.sha256)
    extras: Any = field(default_factory=hashlib.sha256)

    def add(self, row: _Row) -> None:
        self.inputs.update(hashlib.sha256(row.raw).digest())
        self.extras.update(repr([(k, v) for k, v in row.item.items() if k not in _INPUT_KEYS]).encode())
        self.labels.append(row.label)
        self.given.append(row.split)
        self.keys.append(row.key)
        self.groups.append(row.group)
        self.names.append(row.item["name"])


def build_version(sources: dict[str, Source], options: ImportOptions, folder: Path, name: str,
                  progress: Progress | None = None) -> VersionInfo:
    """Write the rows of `sources` (by split, "" for the main one) as a version into `folder`.

    Raises:
        DataError: when the rows cannot make a classifier, or the sources do not fit together.
    """
    modalities = {source.modality for source in sources.values()}
    if len(modalities) > 1:
        raise DataError("The data and the test data are of different kinds.", "One has images, the other texts.",
                        "Bring two sources of the same kind.")
    modality = modalities.pop()
    skipped = [item for source in sources.values() for item in source.skipped]
    columns: dict[str, str] = {}
    rows = (_image_rows if modality == "image" else _text_rows)(sources, options, skipped, columns)
    collected = _write_items(rows, modality, folder, sources, progress)
    info = _finish(collected, options, folder, modality, columns, skipped, name)
    write_info(folder, info)
    return info


def _write_items(rows: Iterator[_Row], modality: str, folder: Path, sources: dict[str, Source],
                 progress: Progress | None) -> _Collected:
    import datasets
    from datasets.arrow_writer import ArrowWriter

    collected, total = _Collected(), sum(len(source.images) for source in sources.values())
    first = next(rows, None)
    if first is None:
        raise DataError("No usable row is left.", "All were empty, damaged or of an unknown kind.",
                        "Open a few of them to see what is wrong.")
    kinds = {key: datasets.Value("string") for key in first.item}
    if modality == "image":
        kinds["image"] = datasets.Image(decode=False)
    with ArrowWriter(features=datasets.Features(kinds), path=str(folder / "items.arrow"),
                     writer_batch_size=200 if modality == "image" else 5000) as writer:
        row: _Row | None = first
        while row is not None:
            writer.write({key: row.item.get(key, "") for key in kinds})
            collected.add(row)
            if progress and len(collected.labels) % 50 == 0:
                progress(len(collected.labels), total)
            row = next(rows, None)
        writer.finalize()
    return collected


def _image_rows(sources: dict[str, Source], _: ImportOptions, skipped: list[dict[str, str]],
                columns: dict[str, str]) -> Iterator[_Row]:
    columns.update({"image": "file", "label": "folder"})
    for split_name, source in sources.items():
        for file in source.images:
            try:
                size = file.path.stat().st_size
                if not size or size > images.MAX_BYTES:
                    raise DataError("The file is empty." if not size else "The image file is over 100 MB.")
                data = file.path.read_bytes()
                images.open_image(data)
            except DataError as error:
                skipped.append({"item": file.name, "reason": f"{error.what} {error.why}".strip()})
                continue
            yield _Row({"image": {"bytes": data, "path": None}, "name": file.name}, data,
                       hashlib.sha256(data).digest(), file.label, split_name or file.split)


def _text_rows(sources: dict[str, Source], options: ImportOptions, skipped: list[dict[str, str]],
               columns: dict[str, str]) -> Iterator[_Row]:
    roles: Columns | None = None
    for outer, source in sources.items():
        for inner, path in sorted(source.tables.items(), key=lambda item: ("", *SPLITS).index(item[0])):
            number = 0
            for frame in read_table(path):
                if roles is None:
                    roles = guess_columns(frame, options)
                    columns.update({k: v for k, v in vars(roles).items() if v})
                if roles.text not in frame:
                    raise DataError(f"{path.name!r} has no column {roles.text!r}.",
                                    f"It has: {', '.join(map(str, frame.columns[:12]))}.",
                                    "Give the tables the same column names.")
                for record in frame.to_dict("records"):
                    number += 1
                    cells = {str(key): str(value) for key, value in record.items()}
                    row = _text_row(cells, roles, f"{path.stem} row {number}", outer or inner)
                    if row:
                        yield row
                    else:
                        skipped.append({"item": f"{path.name} row {number}", "reason": "no text, or over a million "
                                        "characters"})


def _text_row(record: dict[str, str], roles: Columns, name: str, split_name: str) -> _Row | None:
    text = record[roles.text].strip()
    if not text or len(text) > MAX_CELL:
        return None
    extra = {f"input_{key}" if key in ("text", "name") else key: value for key, value in record.items()
             if key not in (roles.text, roles.label)}
    own = SPLIT_NAMES.get(record.get(roles.split, "").lower(), "") if roles.split else ""
    key = hashlib.sha256(" ".join(text.casefold().split()).encode()).digest()
    return _Row({"text": text, "name": name, **extra}, text.encode(), key, record.get(roles.label, "").strip(),
                split_name or own, record.get(roles.group, "") if roles.group else "")


def _finish(rows: _Collected, options: ImportOptions, folder: Path, modality: str, columns: dict[str, str],
            skipped: list[dict[str, str]], name: str) -> VersionInfo:
    counts = Counter(rows.labels)
    findings = check_labels(counts)
    names = sorted(label for label in counts if label)
    number = {label: i for i, label in enumerate(names)}
    labels = np.array([number.get(label, -1) for label in rows.labels], dtype=np.int64)
    groups = _group_numbers(rows)
    result = split.assign_splits(labels, groups, np.array(rows.given, dtype="<U10"), options)
    splits = result.splits
    leaks = _leaks(rows, splits)
    if leaks and options.remove_leaks:
        splits[leaks] = "removed"
        leaks = []
    findings += result.findings + _row_findings(rows, labels, splits, leaks)
    if len(np.unique(labels[splits == "train"])) < 2:
        raise DataError("The training rows hold fewer than two classes.", "The others stand only in other splits.",
                        "Add training rows of each class.")
    write_index(folder, labels, splits, groups)
    write_unlabelled(folder, np.flatnonzero(splits == "unlabelled"), modality)
    inputs = rows.inputs.hexdigest()
    whole = hashlib.sha256((inputs + rows.extras.hexdigest()).encode())
    for label, chosen in zip(rows.labels, splits, strict=True):
        whole.update(f"{label}\0{chosen}\n".encode())
    if skipped:
        findings.append(Finding("skipped", "info", f"{len(skipped):,} item(s) were left out, each with its reason.",
                                len(skipped), "Look at the list; mend and bring again what you need."))
    used = [s for s in ("train", "validation", "test", "unlabelled") if (splits == s).any()]
    return VersionInfo(
        modality=modality, task="single_label", rows=int((splits != "removed").sum()),
        classes={n: int(((labels == i) & (splits != "removed")).sum()) for n, i in number.items()},
        splits={s: int((splits == s).sum()) for s in used},
        class_splits={n: {s: int(((labels == i) & (splits == s)).sum()) for s in used if s != "unlabelled"}
                      for n, i in number.items()},
        fingerprint=whole.hexdigest(), inputs_fingerprint=inputs, columns=columns, skipped=skipped[:_LISTED],
        skipped_count=len(skipped), findings=[finding.as_dict() for finding in findings],
        options=options.as_dict(), source=name)


def _group_numbers(rows: _Collected) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of one named group, and exact duplicates, get the same number (union of both relations)."""
    parent: dict[bytes | str, bytes | str] = {}

    def root(node: bytes | str) -> bytes | str:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for key, group in zip(rows.keys, rows.groups, strict=True):
        a, b = root(key), root(group) if group else root(key)
        parent[a] = b
    numbers: dict[bytes | str, int] = {}
    return np.array([numbers.setdefault(root(key), len(numbers)) for key in rows.keys], dtype=np.int64)


def _leaks(rows: _Collected, splits: np.ndarray[Any, Any]) -> list[int]:
    """Training rows whose exact input also stands among the validation or test rows."""
    held = {key for key, s in zip(rows.keys, splits, strict=True) if s in ("validation", "test")}
    return [i for i, (key, s) in enumerate(zip(rows.keys, splits, strict=True)) if s == "train" and key in held]


def _row_findings(rows: _Collected, labels: np.ndarray[Any, Any], splits: np.ndarray[Any, Any],
                  leaks: list[int]) -> list[Finding]:
    findings = []
    if leaks:
        findings.append(Finding("leak", "problem", f"{len(leaks):,} training item(s) also stand in the validation or "
                                "test rows, so the score would flatter the model.", len(leaks), "Remove from train "
                                "(import again with 'remove leaks').", [rows.names[i] for i in leaks[:_LISTED]]))
    seen: dict[bytes, set[int]] = {}
    for key, label in zip(rows.keys, labels.tolist(), strict=True):
        if label >= 0:
            seen.setdefault(key, set()).add(label)
    repeats = len(rows.keys) - len(set(rows.keys))
    if repeats:
        findings.append(Finding("duplicates", "info", f"{repeats:,} item(s) repeat another one exactly. In splits made "
                                "here they stay on one side.", repeats, "Remove them from the source if they are "
                                "there by mistake."))
    torn = [i for i, key in enumerate(rows.keys) if len(seen.get(key, ())) > 1]
    if torn:
        findings.append(Finding("conflicting_labels", "warning", f"{len(torn):,} item(s) stand there more than once "
                                "with different classes.", len(torn), "Decide on one class for each.",
                                [rows.names[i] for i in torn[:_LISTED]]))
    unlabelled = int((splits == "unlabelled").sum())
    if unlabelled:
        findings.append(Finding("unlabelled", "info", f"{unlabelled:,} row(s) have no class. They are set aside; "
                                "predict them once a model is trained.", unlabelled))
    return findings
