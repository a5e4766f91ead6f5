"""Tables with a row for each answer of an annotator, such as those of Mechanical Turk, brought to
one row an item.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tl_core.data.formats.cells import is_short, parsed, picture_of, records, text_of
from tl_core.data.roles import column_names
from tl_core.data.tables.reading import Reading, Rows, framed

if TYPE_CHECKING:
    import pyarrow as pa

_PEOPLE = (
    "workerid",
    "worker",
    "annotator",
    "annotatorid",
    "annotatorname",
    "annotatedby",
    "labeler",
    "labeller",
    "labelerid",
    "labelledby",
    "labeledby",
    "rater",
    "raterid",
    "coder",
    "coderid",
    "judge",
    "judgeid",
    "annotateur",
    "bewerter",
    "annotierer",
    "anotador",
    "annotatore",
)
_USERS = (
    "user",
    "userid",
    "username",
    "reviewer",
    "reviewerid",
)  # also who wrote the text: only with an item's id
_ITEMS = (
    "hitid",
    "unitid",
    "itemid",
    "item",
    "taskid",
    "task",
    "textid",
    "exampleid",
    "sampleid",
    "documentid",
    "docid",
    "sentenceid",
    "tweetid",
    "commentid",
    "postid",
    "questionid",
    "recordid",
    "imageid",
    "id",
)
_TURK = {"HITId", "WorkerId", "AssignmentId"}
_FEW = 0.05  # share of rows about an item that others answered, too
_ONCE = 0.95  # share of rows that are the only one of their annotator about their item
_LONG = 15  # signs
_SAMPLE = 5_000


@dataclass
class _Item:
    """What all rows about one item said: its first row, who answered, and the votes for each
    question.
    """

    number: int
    first: dict[str, str]
    people: list[str] = field(default_factory=list)
    votes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def answers(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """One row an item with the commonest answer; None for a table of other things, and where no
    class is asked for, as in a prediction, which is one for each row.
    """
    columns = list(head.column_names)
    if reading.label_column is None:
        return None
    known = {column_names.joined(name): name for name in reversed(columns)}
    turk = len(_TURK & {*columns}) > 1 and any(name.startswith("Input.") for name in columns)
    who = next((known[word] for word in (*_PEOPLE, *_USERS) if word in known), "")
    if not who:
        return None
    cells = {name: head.column(name).slice(0, _SAMPLE).to_pylist() for name in columns}
    key = _key(cells, known, who, alone=column_names.joined(who) in _PEOPLE)
    if not key:
        return None
    questions = _asked(cells, key, who, turk=turk)
    if reading.label_column in columns and reading.label_column not in (*questions, key, who):
        questions.insert(0, reading.label_column)
    if not questions:
        return None
    reading.format = "Mechanical Turk" if turk else "answers of annotators"
    reading.note(
        f"Each item has a row for each of its annotators ({who!r}); they make one row, with the"
        f" commonest answer in {', '.join(map(repr, questions[:4]))}."
    )
    if turk and len(questions) == 1:
        reading.roles["label"] = "label" if questions[0] == "Answer.taskAnswers" else questions[0]
    return framed(_settled(rows, who, key, questions, reading, turk=turk), reading, chunk_rows)


def _key(cells: dict[str, list[str]], known: dict[str, str], who: str, *, alone: bool) -> str:
    """The column that says which item a row is about: an id whose text is always the same, or the
    text itself.
    """
    free = {name: values for name, values in cells.items() if name != who}
    main = picture_of(free) or text_of(
        {
            name: values
            for name, values in free.items()
            if column_names.joined(name) not in column_names.SURE_LABELS
        }
    )
    for name in (known[word] for word in _ITEMS if word in known):
        if (
            name != main
            and _repeats(cells[name], cells[who])
            and len(set(zip(cells[name], cells[main], strict=True))) == len(set(cells[name]))
        ):
            return name
    again = (
        [text for text, count in Counter(cells[main]).items() if count > 1]
        if alone and main
        else []
    )
    long = bool(again) and sum(map(len, again)) >= _LONG * len(
        again
    )  # short remarks come again by themselves
    return main if long and _repeats(cells[main], cells[who]) else ""


def _repeats(items: Sequence[str], people: Sequence[str]) -> bool:
    """Whether several people answered about one item, and hardly anybody twice."""
    pairs = Counter(
        (item, person)
        for item, person in zip(items, people, strict=True)
        if item.strip() and person.strip()
    )
    if not pairs:
        return False
    each = Counter(item for item, _ in pairs)
    shared = sum(count for count in each.values() if count > 1)
    several = sum(count > 1 for count in each.values())
    return several > 1 and shared >= _FEW * len(items) and len(pairs) >= _ONCE * sum(pairs.values())


def _asked(cells: dict[str, list[str]], key: str, who: str, *, turk: bool) -> list[str]:
    """The columns of answers: named so, or differing between the annotators of an item and of few
    values.
    """
    if turk:
        return [name for name in cells if name.startswith("Answer.")]
    named = [
        name
        for name in cells
        if name not in (key, who) and is_short(cells[name]) and _is_label(name)
    ]
    sorting = [
        name
        for name in cells
        if name not in (key, who, *named)
        and is_short(cells[name])
        and 2 <= len(set(cells[name])) <= max(2, len(cells[name]) // 4)
        and len(set(zip(cells[key], cells[name], strict=True))) > len(set(cells[key]))
    ]
    return named + sorting


def _is_label(name: str) -> bool:
    words = column_names.parts(name)
    return column_names.joined(name) in column_names.LABEL_NAMES or (
        bool(words) and words[-1] in column_names.LABEL_WORDS
    )


def _settled(
    rows: Iterator[Rows], who: str, key: str, questions: list[str], reading: Reading, *, turk: bool
) -> Iterator[tuple[int, dict[str, str]]]:
    items: dict[str, _Item] = {}
    signs = 0
    for number, record in records(rows):
        if turk and record.get("AssignmentStatus", "").strip().lower() == "rejected":
            reading.aside("rejected in Mechanical Turk")
            continue
        about = record.get(key, "").strip() or f"\0{number}"
        item = items.get(about)
        if item is None:
            signs += sum(map(len, record.values()))
            if signs > reading.limits.json_bytes:
                raise ValueError(
                    f"a table of annotators' answers may have {reading.limits.json_bytes >> 20} MB"
                    " of items"
                )
            item = items[about] = _Item(number, record)
        item.people.append(record.get(who, "").strip())
        for name in questions:
            if vote := _answer(record.get(name, "")):
                item.votes[name][vote] += 1
    for item in items.values():
        yield item.number, _row(item, who, questions, reading, turk=turk)


def _answer(text: str) -> str:
    """An answer as a name; Mechanical Turk's own elements write it as a list of objects."""
    value = parsed(text)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        first = next(iter(value[0].values()), "")
        if isinstance(first, dict):
            on = [str(name) for name, mark in first.items() if mark is True]
            return str(first["label"]) if "label" in first else on[0] if len(on) == 1 else text
        return str(first)
    return text.strip()


def _row(
    item: _Item, who: str, questions: list[str], reading: Reading, *, turk: bool
) -> dict[str, str]:
    row = {
        name: value
        for name, value in item.first.items()
        if not turk or name in (who, "HITId") or name.startswith("Input.") or name in questions
    }
    row[who] = ", ".join(dict.fromkeys(filter(None, item.people)))
    shares, tied = [1.0], False
    for name in questions:
        best = item.votes[name].most_common(2)
        tie = len(best) > 1 and best[0][1] == best[1][1]
        row[name] = best[0][0] if best and not tie else ""
        tied = tied or (tie and reading.label_column in ("", name))
        if not reading.label_column or name == reading.label_column:
            shares.append(best[0][1] / item.votes[name].total() if best else 1.0)
    if turk and "Answer.taskAnswers" in row:
        row["label"] = row.pop("Answer.taskAnswers")
    reading.disagreeing += min(shares) < 1
    reading.undecided += tied
    share = re.sub(r"\.?0+$", "", f"{min(shares):.2f}")
    return {**row, _free("annotators", row): str(len(item.people)), _free("agreement", row): share}


def _free(name: str, row: dict[str, str]) -> str:
    return f"{name} (own)" if name in row else name
