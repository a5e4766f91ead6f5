"""What the fuzzer feeds: bytes in, nothing or a `UserError` out. Anything else is a defect."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from tl_core.data.checks.image_facts import picture_facts
from tl_core.data.limits import Limits
from tl_core.data.sounds.decoding import open_recording
from tl_core.data.sounds.sound_facts import sound_facts
from tl_core.data.sources.archive import unpack
from tl_core.data.tables.table import read_table
from tl_core.errors import UserError

_LIMITS = Limits(4 << 20, 200)


def unpack_zip(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "z.zip"
        path.write_bytes(data)
        try:
            unpack(path, Path(folder) / "out", _LIMITS)
        except UserError:
            pass
        assert {entry.name for entry in Path(folder).iterdir()} <= {
            "z.zip",
            "out",
        }, "wrote outside its folder"


def read_csv(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(data)
        try:
            for rows in read_table(path):
                assert len(rows.numbers) == rows.cells.num_rows
        except UserError:
            pass


def open_picture(data: bytes) -> None:
    try:
        facts = picture_facts(data)
    except UserError:
        return
    assert facts.width >= 2
    assert len(facts.colours) == 48


def open_sound(data: bytes) -> None:
    try:
        facts = sound_facts(open_recording(data))
    except UserError:
        return
    assert 0 < facts.seconds <= 60
    assert 0 <= facts.silence <= 1 and math.isfinite(facts.loudness + facts.bandwidth)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "zip": unpack_zip,
    "csv": read_csv,
    "image": open_picture,
    "sound": open_sound,
}
