"""Items that a served model left to a person, kept only where the owner of the data says so, until
they are taken to be labelled.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from tl_core.errors import NotFoundError

FOLDER = "unsure"
_ROWS, _FILES = "rows.jsonl", "files"
_WAIT = 10.0  # seconds for another process that writes


class Copied(NamedTuple):
    """Items as a source, and what they are called here."""

    source: Path
    names: frozenset[str]


class UnsureItems:
    """A folder beside a served model's statistics with at most `most` items, each once."""

    def __init__(self, journal: Path, most: int = 0) -> None:
        self._folder, self._most = journal / FOLDER, most

    def __len__(self) -> int:
        return len(self._rows()) + len(self._files())

    def keep_rows(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Keep rows of a table, as they were sent; when there is no more room, none."""
        with self._alone():
            lines = dict.fromkeys(self._rows())
            for row in rows:
                if len(lines) < self._most:
                    lines[json.dumps(row, ensure_ascii=False, sort_keys=True)] = None
            temporary = self._folder / (_ROWS + ".tmp")
            temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            temporary.replace(self._folder / _ROWS)

    def keep_files(self, files: Sequence[tuple[bytes, str]]) -> None:
        """Keep files (content and suffix), as they were sent; when there is no more room, none."""
        with self._alone():
            (self._folder / _FILES).mkdir(exist_ok=True)
            for content, suffix in files:
                if len(self._files()) < self._most:
                    name = hashlib.sha256(content).hexdigest()[:16] + suffix.lower()
                    (self._folder / _FILES / name).write_bytes(content)

    def copied(self, target: Path, label: str) -> Copied:
        """All of them in the folder `target`, as a source of items without a class: a table whose
        column `label` is empty, or a folder `unlabelled`.

        Raises:
            NotFoundError: when nothing is kept.
        """
        with self._alone():
            lines, files = self._rows(), self._files()
            if files:
                place = target / "unsure" / "unlabelled"
                place.mkdir(parents=True)
                for path in files:
                    shutil.copyfile(path, place / path.name)
                return Copied(place.parent, frozenset(path.name for path in files))
        if not lines:
            raise NotFoundError(
                "No unsure items are kept of this model.",
                "They are kept only where the server was started so, and until they are taken.",
                "Start it with --keep-unsure 500; see docs/guide/serving.md.",
            )
        rows = [json.loads(line) for line in lines]
        names = dict.fromkeys(name for row in rows for name in row if name != label)
        path = target / "unsure.csv"
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, [*names, label], restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**row, label: ""} for row in rows)
        return Copied(path, frozenset(lines))

    def forget(self, copied: Copied) -> None:
        """Keep those no more that were copied; what has come meanwhile stays."""
        with self._alone():
            for path in self._files():
                if path.name in copied.names:
                    path.unlink()
            if lines := self._rows():
                left = [line for line in lines if line not in copied.names]
                (self._folder / _ROWS).write_text(
                    "".join(line + "\n" for line in left), encoding="utf-8"
                )

    def _alone(self) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / ".lock", timeout=_WAIT)

    def _rows(self) -> list[str]:
        path = self._folder / _ROWS
        if not path.is_file():
            return []
        # texts may hold separators that splitlines would cut at
        return [line for line in path.read_text(encoding="utf-8").split("\n") if line]

    def _files(self) -> list[Path]:
        return sorted((self._folder / _FILES).glob("*"))
