"""The folder of a trained model as a zip, made while it is sent: it lies nowhere, and no more of it
than a piece is in memory.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tl_core.json_files import read_object

_PIECE = 1 << 20
_WITH_PLACES = ("config.json", "tokenizer_config.json", "preprocessor_config.json")
_PLACES = ("_name_or_path", "name_or_path", "is_local", "local_files_only")
_WHEN = (1980, 1, 1, 0, 0, 0)


class _Sink(io.RawIOBase):
    """What the zip is written to; nobody can go back in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What has been written since."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def archive_of(model: Path) -> Iterator[bytes]:
    """A zip of the files in a model's folder, without the names of folders where its parts came
    from.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(model.iterdir()):
            if not path.is_file() or path.is_symlink():
                continue
            with archive.open(zipfile.ZipInfo(path.name, _WHEN), "w", force_zip64=True) as target:
                for piece in _pieces(path):
                    target.write(piece)
                    yield sink.taken()
    yield sink.taken()


def _pieces(path: Path) -> Iterator[bytes]:
    if path.name in _WITH_PLACES:
        content = {name: one for name, one in read_object(path).items() if name not in _PLACES}
        yield json.dumps(content, indent=1, ensure_ascii=False).encode()
        return
    with path.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece
