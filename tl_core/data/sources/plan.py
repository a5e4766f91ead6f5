"""What an import took from a source and why: shown before anything is saved, and kept with the
version.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TypedDict, cast

ROLES = ("text", "title", "image", "audio", "label", "split", "group", "date", "fold")


class TakenFacts(TypedDict):
    """`Taken` as JSON."""

    name: str
    role: str
    reason: str
    certain: bool


class SetAside(TypedDict):
    """Items that were left out for one reason: how many, and the first of them."""

    reason: str
    count: int
    example: str


SampleRow = dict[str, str]
"""A row as the model will see it: its text, columns or size, its class and its split."""


class PlanFacts(TypedDict, total=False):
    """A plan as `version.json` holds it; empty in versions from before plans were kept."""

    format: str
    columns: list[TakenFacts]
    set_aside: list[SetAside]
    sample: list[SampleRow]
    notes: list[str]
    uncertain: list[str]


@dataclass(frozen=True)
class Taken:
    """A column, or another place (folders, file names), and what it was taken for.

    `certain` is False for a guess that a person should look at.
    """

    name: str
    role: str
    reason: str
    certain: bool = True


@dataclass
class Plan:
    """What was taken, what is worth telling, and what is in doubt; filled while a source is opened
    and read.
    """

    taken: list[Taken] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    format: str = ""

    def take(self, name: str, role: str, reason: str, *, certain: bool = True) -> None:
        """Note a column once, however many files have it."""
        taken = Taken(name, role, reason, certain)
        if taken not in self.taken:
            self.taken.append(taken)

    def note(self, *sentences: str) -> None:
        self.notes += [sentence for sentence in sentences if sentence not in self.notes]

    def doubt(self, *sentences: str) -> None:
        self.doubts += [sentence for sentence in sentences if sentence not in self.doubts]

    def merge(self, other: Plan) -> None:
        """Add what another part of the source gave."""
        self.taken += [one for one in other.taken if one not in self.taken]
        self.note(*other.notes)
        self.doubt(*other.doubts)
        self.format = self.format or other.format

    def uncertain(self) -> list[str]:
        """A sentence for each guess below certainty."""
        return [
            f"{one.name!r} is taken as the {'class' if one.role == 'label' else one.role}:"
            f" {one.reason}."
            for one in self.taken
            if not one.certain
        ] + self.doubts

    def as_dict(
        self,
        skipped: list[dict[str, str]],
        unlabelled: int = 0,
        sample: list[SampleRow] | None = None,
    ) -> PlanFacts:
        """Plain JSON: `columns`, `set_aside`, `sample`, `notes`, `uncertain` and `format`."""
        return {
            "format": self.format,
            "columns": [cast(TakenFacts, asdict(one)) for one in self.taken],
            "set_aside": set_aside(skipped, unlabelled),
            "sample": sample or [],
            "notes": self.notes,
            "uncertain": self.uncertain(),
        }


def set_aside(skipped: list[dict[str, str]], unlabelled: int = 0) -> list[SetAside]:
    """What was left out by reason: how many, and the first of them."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for one in skipped:
        reason = re.sub(r"'[^']*'", "'…'", one["reason"])
        counts[reason] += int(one.get("count", 1))
        first.setdefault(reason, one["item"])
    groups: list[SetAside] = [
        {"reason": reason, "count": count, "example": first[reason]}
        for reason, count in counts.most_common()
    ]
    if unlabelled:
        groups.append(
            {
                "reason": "no class; kept to be labelled, or to be predicted once there is a model",
                "count": unlabelled,
                "example": "",
            }
        )
    return groups


def plan_lines(plan: PlanFacts) -> list[str]:
    """A kept plan as lines for people."""
    lines = [f"  read as: {plan['format']}"] if plan.get("format") else []
    lines += [
        f"  {one['role']}: {one['name']} ({one['reason']}{'' if one['certain'] else '; not sure'})"
        for one in plan.get("columns", [])
    ]
    lines += [f"  note: {sentence}" for sentence in plan.get("notes", [])]
    lines += [
        f"  set aside: {one['count']:,} ({one['reason']}"
        + (f", such as {one['example']}" if one["example"] else "")
        + ")"
        for one in plan.get("set_aside", [])
    ]
    for number, one in enumerate(plan.get("sample", []), 1):
        shown = "; ".join(
            f"{key} {str(value)[:120]!r}" for key, value in one.items() if value not in ("", None)
        )
        lines.append(f"  sample {number}: {shown}")
    return lines
