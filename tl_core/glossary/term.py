"""What a glossary holds of a term."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """A term, its plain reading, a formula or how to read it, and other names for it."""

    name: str
    plain: str
    reading: str = ""
    also: tuple[str, ...] = ()
