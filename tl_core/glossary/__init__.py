"""The terms that pages, reports and documentation use, each with its plain reading: one source for
help texts, the glossary in the studio, and docs/reference/glossary.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.glossary.domain_terms import DOMAINS
from tl_core.glossary.score_terms import JUDGING, SCORES
from tl_core.glossary.term import Term
from tl_core.glossary.work_terms import DATA, LEARNING, USING

GLOSSARY: dict[str, tuple[Term, ...]] = {
    "Scores": SCORES,
    "Judging honestly": JUDGING,
    "How it learns": LEARNING,
    "Data": DATA,
    "Several domains": DOMAINS,
    "Using the model": USING,
}
TERMS = tuple(term for terms in GLOSSARY.values() for term in terms)


def find(name: str) -> Term | None:
    """The term of that name, or with that other name, in any case."""
    wanted = name.casefold()
    return next((term for term in TERMS if wanted in _names(term)), None)


def search(words: str) -> Sequence[Term]:
    """Terms that hold all of the words, those that hold them in their names first."""
    parts = words.casefold().split()
    named = [term for term in TERMS if all(part in " ".join(_names(term)) for part in parts)]
    told = [
        term
        for term in TERMS
        if term not in named
        and all(
            part in f"{' '.join(_names(term))} {term.plain} {term.reading}".casefold()
            for part in parts
        )
    ]
    return [*named, *told]


def _names(term: Term) -> list[str]:
    return [term.name.casefold(), *(name.casefold() for name in term.also)]


def as_markdown() -> str:
    """The whole glossary as a page of the documentation."""
    lines = [
        "# Glossary",
        "",
        "The terms that pages and reports use. The studio shows the same words as help beside its"
        " controls, and as a list to search in the menu with your name.",
    ]
    for group, terms in GLOSSARY.items():
        lines += ["", f"## {group}", "", "| term | in plain words | formula, or how to read it |"]
        lines.append("|---|---|---|")
        for term in sorted(terms, key=_by_name):
            also = f" ({', '.join(term.also)})" if term.also else ""
            lines.append(f"| **{term.name}**{also} | {term.plain} | {term.reading or '-'} |")
    return "\n".join(lines) + "\n"


def _by_name(term: Term) -> str:
    return term.name.casefold()
