"""People's own words on the page: never read as Markdown, HTML or colour codes."""

from __future__ import annotations

import re
import time

from tl_core.evaluate.measures import ClassScores, Range

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|$:<>~&])")
_FIELDS = {  # of an import
    "text-column": "Column with the text",
    "label-column": "Column with the class",
    "group-column": "Column with the group",
    "split-column": "Column with the split",
    "title-column": "Title before the text",
    "test-fold": "Fold used as the test set",
    "header": "First line names the columns",
    "sheet": "Sheet",
    "pages": "Files with several pages",
    "task": "Classes of an item",
    "labels-from": "Where the classes are",
    "label-here": "Nothing has a class yet: I will label it here",
    "ignore-splits": "Column with the split: none",
}
_PREDICTED = {  # of a file that is predicted
    "text-column": "My columns have other names: text",
    "title-column": "My columns have other names: title",
}
_OPTION = re.compile(rf"--({'|'.join(_FIELDS)})(?: (yes|no|all|folders|multi_label))?\b")


def plain(text: str) -> str:
    """`text` for places that render Markdown: every sign with a meaning there is escaped."""
    return _SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def on_page(text: str, *, predicts: bool = False) -> str:
    """As `plain`, of a sentence that may name options of a command: the fields of the page instead,
    by their titles. With `predicts` those of a file that a model answers, else of an import.
    """
    titles = _FIELDS | (_PREDICTED if predicts else {})

    def field(option: re.Match[str]) -> str:
        title, value = titles[option[1]], option[2]
        return f"“{title}: {value}”" if value else f"“{title}”"

    return plain(_OPTION.sub(field, text))


def label(text: str) -> str:
    """`text` for plot labels, which read a little HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def sure(confidence: float) -> str:
    """How sure a model says it is; never 100 %, which no model knows."""
    return "over 99 % sure" if confidence > 0.99 else f"{100 * confidence:.0f} % sure"


def interval(score: Range, digits: int = 0) -> str:
    """The ends of a score's interval in per cent."""
    return f"{100 * score['low']:.{digits}f} to {100 * score['high']:.{digits}f}"


def class_in_words(scores: ClassScores) -> str:
    """Recall and precision of a class as counts of 100."""
    recall, precision = scores["recall"]["value"], scores["precision"]["value"]
    return f"finds {100 * recall:.0f} of 100; {100 * precision:.0f} of 100 answers right"


def counted(count: int, one: str, several: str = "") -> str:
    """How many of something: "1 column", "2 columns", and where `several` says so "2 classes"."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def ago(moment: float | None) -> str:
    """How long ago, in a word or two."""
    seconds = time.time() - (moment or 0)
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{counted(count, name)} ago"
    return "just now"


def ahead(moment: float) -> str:
    """In how long a moment comes, in a word or two; `already over` where it has come."""
    seconds = moment - time.time()
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"in {counted(count, name)}"
    return "in less than a minute" if seconds > 0 else "already over"


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 1.5:
        return "about a second"
    if seconds < 90:
        return f"about {seconds:.0f} seconds"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
