"""Every bound on what a stranger may bring, in one table that pages and docs show as it stands
here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

_GB, _MB = 1 << 30, 1 << 20


def _limit(default: int, text: str, unit: str = "", setting: str = "") -> int:
    spec: int = field(default=default, metadata={"text": text, "unit": unit, "setting": setting})
    return spec


@dataclass(frozen=True)
class Limits:
    """Bounds on one source, sizes in bytes. Each field's metadata says what it bounds and which
    setting moves it.
    """

    total_bytes: int = _limit(
        20 * _GB, "Everything in one source, once unpacked", "bytes", "TL_MAX_UNPACKED_MB"
    )
    items: int = _limit(1_000_000, "Files or rows in one dataset", "", "TL_MAX_ITEMS")
    classes: int = _limit(500, "Classes in one dataset")
    image_bytes: int = _limit(100 * _MB, "One image file", "bytes")
    image_pixels: int = _limit(64_000_000, "Pixels of one image")
    sound_seconds: int = _limit(60, "Length of one recording", "s")
    sound_bytes: int = _limit(100 * _MB, "One sound file", "bytes")
    sounds_bytes: int = _limit(2 * _GB, "All recordings of one dataset", "bytes")
    cell_chars: int = _limit(1_000_000, "Characters of one text")
    row_bytes: int = _limit(8 * _MB, "One row of a table", "bytes")
    columns: int = _limit(1_000, "Columns of a table")
    bad_share: int = _limit(20, "Damaged rows of a table before it is refused as a whole", "%")
    sheet_bytes: int = _limit(1 * _GB, "One part of an Excel file, once unpacked", "bytes")
    strings_bytes: int = _limit(256 * _MB, "All different texts of an Excel file together", "bytes")
    json_bytes: int = _limit(
        256 * _MB, "A JSON file that is one list (JSONL has no such limit)", "bytes"
    )
    zip_ratio: int = _limit(200, "Times its packed size that a file in a zip may grow to")
    zip_depth: int = _limit(32, "Folders within folders in a zip")


LIMITS = Limits()


def limits_table(limits: Limits) -> list[dict[str, str]]:
    """What is bounded, where the bound lies, and the setting that moves it."""
    return [
        {
            "what": spec.metadata["text"],
            "limit": _shown(getattr(limits, spec.name), spec.metadata["unit"]),
            "setting": spec.metadata["setting"] or "fixed",
        }
        for spec in fields(limits)
    ]


def _shown(value: int, unit: str) -> str:
    if unit == "bytes":
        return f"{value / _GB:g} GB" if value >= _GB else f"{value / _MB:g} MB"
    return f"{value:,} {unit}".strip()
