"""The packages that are shipped: those of requirements.txt on this platform, and what the
Dockerfile adds.
"""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def locked(root: Path = ROOT) -> dict[str, str]:
    """Version by canonical name."""
    lines = [
        line.strip()
        for line in (root / "requirements.txt").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    ]
    driver = re.search(r"psycopg\[binary\](==[\d.]+)", (root / "Dockerfile").read_text())
    lines += [f"{name}{driver[1]}" for name in ("psycopg", "psycopg-binary") if driver]
    wanted = [Requirement(line) for line in lines]
    return {
        canonicalize_name(one.name): next(iter(one.specifier)).version
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    }
