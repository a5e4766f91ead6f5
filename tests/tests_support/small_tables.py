"""Small tables of two classes in the spellings that files have."""

from __future__ import annotations

from tests_support.everyday import ab, sentence, table

N = 24
TWO = {"a": 12, "b": 12}
TEXTS, LABELS = [sentence(n) for n in range(N)], [ab(n) for n in range(N)]
ROWS = [{"text": sentence(n), "label": ab(n)} for n in range(N)]


def made(header, row, count=N, separator=","):
    """A table whose rows are what `row` gives for their numbers."""
    return table(header, [row(n) for n in range(count)], separator)


def plain(separator=",", **change):
    start, count = change.get("start", 0), change.get("count", N)
    return made("text,label", lambda n: (sentence(n + start), ab(n)), count, separator)


def texts_from(start, count):
    """A table of texts without classes."""
    return made("id,text", lambda n: (n, sentence(n + start)), count)


def joined(pattern, header=""):
    """Text of one line a row, in the spelling of the pattern."""
    return header + "".join(
        pattern.format(text=sentence(n), label=ab(n), n=n, one=n + 1) for n in range(N)
    )
