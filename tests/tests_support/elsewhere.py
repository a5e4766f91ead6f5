"""A Python that has some of our distributions with what they require, and nothing else: linked
instead of unpacked, which takes gigabytes and minutes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(lines: Iterable[str]) -> dict[str, Distribution]:
    """The distributions that these requirements lead to, by name.

    Raises:
        PackageNotFoundError: when one of them is not installed here.
        AssertionError: when another version of it is.
    """
    found: dict[str, Distribution] = {}
    waiting = [Requirement(line) for line in lines]
    seen = set()
    while waiting:
        one = waiting.pop()
        own = distribution(one.name)
        assert one.specifier.contains(own.version, prereleases=True), (str(one), own.version)
        found[canonicalize_name(one.name)] = own
        for extra in {"", *one.extras}:
            if (one.name, extra) in seen:
                continue
            seen.add((one.name, extra))
            for line in own.requires or ():
                further = Requirement(line)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    waiting.append(further)
    return found


def link(folder: Path, lines: Iterable[str]) -> Path:
    """The Python of a new environment in `folder` with these requirements and no others."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    target = next((folder / "lib").glob("python*")) / "site-packages"
    for own in closure(lines).values():
        assert own.files, f"what belongs to {own.name} is not listed"
        for name in {file.parts[0] for file in own.files} - {"..", "__pycache__", "/"}:
            place = target / name
            if not place.exists():
                place.symlink_to(own.locate_file(name))
    return folder / "bin" / "python"
