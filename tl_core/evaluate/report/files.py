"""`report.json`: written whole, and read in the shape of today whatever version wrote it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from tl_core.errors import StateError
from tl_core.evaluate.report.schema import Report
from tl_core.json_files import read_object, write_json

FILE = "report.json"
SCHEMA_VERSION = 3
_Json = dict[str, object]
# what the first reports lacked and every report has today
_ADDED: _Json = {"classes_without_training_rows": [], "settings": {}, "against_baseline": None}
_ADDED_TO_SECTIONS = ("top_k", "ranking", "reliability", "coverage")


def write_report(folder: Path, report: Report) -> None:
    """Write `report.json` into a run's folder."""
    write_json(folder / FILE, {**report, "schema_version": SCHEMA_VERSION})


def load_report(folder: Path) -> Report:
    """The report in a run's folder, an older one brought into the shape of today.

    Raises:
        StateError: when there is none, or a newer version of the program wrote it.
    """
    return migrate(read_object(folder / FILE))


def migrate(content: dict[str, object]) -> Report:
    """A report of any version in the shape of today; one without a version is of the first.

    Raises:
        StateError: when a newer version of the program wrote it.
    """
    version = int(str(content.get("schema_version", 1)))
    if version > SCHEMA_VERSION:
        raise StateError(
            "A newer version of this program wrote the report.",
            f"It has the format {version}, known here is {SCHEMA_VERSION}.",
            "Update the program.",
        )
    for step in range(version, SCHEMA_VERSION):
        content = _STEPS[step](content)
    return cast(Report, {**content, "schema_version": SCHEMA_VERSION})


def _with_later_sections(content: _Json) -> _Json:
    """Version 1 grew while it had that number: what was added to it is there, if empty."""
    test = content.get("test")
    content = {**_ADDED, "test_looks": 0 if test is None else 1, **content}
    for name in ("test", "validation"):
        section = content.get(name)
        if isinstance(section, dict):
            content[name] = {**{key: [] for key in _ADDED_TO_SECTIONS}, **section}
    return content


def _with_levels(content: _Json) -> _Json:
    """Version 2 knew no class names that are paths; what they are worth at each level is computed
    anew where it is shown.
    """
    for name in ("test", "validation"):
        section = content.get(name)
        if isinstance(section, dict):
            content = {**content, name: {"levels": None, **section}}
    return content


_STEPS: dict[int, Callable[[_Json], _Json]] = {1: _with_later_sections, 2: _with_levels}
