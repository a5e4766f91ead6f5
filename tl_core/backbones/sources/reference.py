"""How a backbone is named: `starter:text`, `hub:<owner>/<name>[@revision]`, `local:<folder>` ..."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.errors import BackboneError, nearest

_STARTERS = (
    "starter:text",
    "starter:multilingual",
    "starter:image",
    "starter:image-small",
    "starter:audio",
    "starter:speech",
)


@dataclass(frozen=True)
class Reference:
    """A parsed reference: `kind` is starter, local, hub, run or static; `revision` only for hub."""

    kind: str
    target: str
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" + (f"@{self.revision}" if self.revision else "")


def parse_reference(text: str) -> Reference:
    """Parse `starter:text` and its like, `local:<folder>`, `hub:<owner>/<name>[@revision]`,
    `run:<id>`, or `static:` before a file of word vectors or one of the others.

    Raises:
        BackboneError: for anything else, with the nearest right form.
    """
    kind, _, target = text.strip().partition(":")
    if kind == "starter" and text.strip() in _STARTERS:
        return Reference(kind, target)
    if kind in ("local", "static") and target:
        return Reference(kind, target)
    if kind == "run" and target.isalnum():
        return Reference(kind, target)
    if kind == "hub" and target:
        name, _, revision = target.partition("@")
        return Reference(kind, name, revision)
    hint = (
        nearest(text, _STARTERS)
        if kind == "starter" or not target
        else (
            "Write starter:text, starter:multilingual, starter:image, starter:audio,"
            " starter:speech, local:<folder>, hub:<owner>/<name>, run:<id> or static:<file>."
        )
    )
    raise BackboneError(f"{text!r} names no backbone.", "", hint)
