"""What people say about single items of a dataset version: several on one queue, without getting in
each other's way.

An answer belongs to a row, a person and a moment. An item that somebody has before them is claimed:
nobody else is shown it until it is answered or the claim has lapsed. A share of the items is asked
of two people, so that it can be seen how far they agree.
"""

from __future__ import annotations

import builtins
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from sqlalchemy import Connection, and_, insert, select, update
from sqlalchemy import delete as sql_delete

from tl_core.access.policy import LOOK, PROJECT, WORK
from tl_core.database.tables import answers, claims, label_queues
from tl_core.database.turns import alone
from tl_core.errors import StateError
from tl_core.registry.datasets import DatasetRecord, DatasetStore

LABEL, SKIP, SETTLE = "label", "skip", "settle"
ACTIONS = (LABEL, SKIP, SETTLE)
HOLDS = 600.0  # seconds for which an item that somebody has before them is kept from others
TWICE = 10  # per cent of the items that two people are asked, unless a project says otherwise
_AT_ONCE = 500  # rows in one condition; SQLite takes 32,766 values


@dataclass(frozen=True)
class Given:
    """An answer about one row.

    Args:
        row: of the version.
        label: the class, or a JSON list of classes where an item may have several; empty for a
            skip.
        action: `label`, `skip` (cannot say), or `settle` (the last word where people differ).
        why: by what the item came up: the name of a strategy, or `random`.
        aided: whether the person had looked at the model's suggestion before.
    """

    row: int
    label: str = ""
    action: str = LABEL
    why: str = ""
    aided: bool = False


@dataclass(frozen=True)
class Answer:
    """What was saved of it: by whom (their id) and when (seconds since 1970); `used` when this
    version holds it already.
    """

    row: int
    given_by: str
    action: str
    label: str
    why: str
    aided: bool
    used: bool
    at: float


class AnswerStore:
    """The answers about datasets that the acting person may see; who may change a dataset answers.

    Args:
        datasets: the acting person's datasets.
        clock: gives seconds since 1970.
    """

    def __init__(self, datasets: DatasetStore, clock: Callable[[], float] = time.time) -> None:
        self._datasets, self._engine, self._clock = datasets, datasets.engine, clock
        self._policy = datasets.policy
        self._me = datasets.policy.principal.id

    def list(self, reference: str) -> list[Answer]:
        """All answers about a version, in the order in which they were given.

        Raises:
            NotFoundError: when the acting person may not see it.
        """
        record = self._record(reference, LOOK)
        query = select(answers).where(answers.c.dataset == record.id).order_by(answers.c.id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        names = Answer.__dataclass_fields__
        return [Answer(**{name: row._mapping[name] for name in names}) for row in rows]

    def give(self, reference: str, given: Sequence[Given]) -> None:
        """Save answers, which are undone together; they replace one's earlier ones about the rows.

        Raises:
            NotFoundError: when there is no such dataset.
            AccessError: when the acting person may only look at it.
            StateError: for an action that there is not, or where a newer version was made.
        """
        if wrong := {one.action for one in given} - {*ACTIONS}:
            raise StateError(f"There is no answer {min(wrong)!r}.", f"There are {ACTIONS}.")
        record, batch, now = self._record(reference, WORK), secrets.token_hex(6), self._clock()
        with self._engine.begin() as connection:
            self._enter(connection, record)
            self._datasets.require_newest(record, connection)
            for some in _parts([one.row for one in given]):
                about = (claims.c.dataset == record.id, claims.c.row.in_(some))
                connection.execute(sql_delete(claims).where(*about, claims.c.owner == self._me))
            for settles in (False, True):
                rows = [one.row for one in given if (one.action == SETTLE) == settles]
                self._replace(connection, record, rows, settles=settles)
            if given:
                shared = {"dataset": record.id, "given_by": self._me, "batch": batch, "at": now}
                connection.execute(insert(answers), [{**vars(one), **shared} for one in given])
                self._note(connection, "label", record, len(given))

    def _replace(
        self, connection: Connection, record: DatasetRecord, rows: Sequence[int], *, settles: bool
    ) -> None:
        """Make room for new answers: one's own, or whoever's last word it was."""
        kind = (
            answers.c.action == SETTLE
            if settles
            else and_(answers.c.action != SETTLE, answers.c.given_by == self._me)
        )
        for some in _parts(rows):
            about = (answers.c.dataset == record.id, answers.c.row.in_(some))
            connection.execute(sql_delete(answers).where(*about, kind))

    def undo(self, reference: str) -> builtins.list[int]:
        """Take back what the acting person answered last, and have its first row before them
        again; gives the rows.

        Raises:
            NotFoundError: when there is no such dataset.
            AccessError: when the acting person may only look at it.
            StateError: where a newer version was made.
        """
        record = self._record(reference, WORK)
        mine = and_(answers.c.dataset == record.id, answers.c.given_by == self._me, ~answers.c.used)
        with self._engine.begin() as connection:
            self._enter(connection, record)
            self._datasets.require_newest(record, connection)
            newest = select(answers.c.batch).where(mine).order_by(answers.c.id.desc()).limit(1)
            batch = connection.execute(newest).scalar()
            about = and_(mine, answers.c.batch == batch)
            found = connection.execute(
                select(answers.c.row).where(about).order_by(answers.c.id)
            ).scalars()
            rows = [int(row) for row in found]
            connection.execute(sql_delete(answers).where(about))
            if rows:
                self._hold(connection, record, rows[:1])
                self._note(connection, "undo", record, len(rows))
        return rows

    def claim(self, reference: str, order: Sequence[int], count: int = 1) -> builtins.list[int]:
        """The next rows for the acting person, kept from others for `HOLDS` seconds.

        What they hold already comes first, so that nothing changes under their eyes.

        Args:
            reference: the dataset version.
            order: its rows, the most useful first.
            count: how many are wanted.

        Raises:
            NotFoundError: when there is no such dataset.
            AccessError: when the acting person may only look at it.
        """
        record = self._record(reference, WORK)
        with self._engine.begin() as connection:
            self._enter(connection, record)
            free = self._free(connection, record)
            listed = set(order)
            held = connection.execute(
                select(claims.c.row)
                .where(claims.c.dataset == record.id, claims.c.owner == self._me)
                .order_by(claims.c.until)
            ).scalars()
            rows = [int(row) for row in held if row in listed and free(row)][:count]
            for row in order:
                if len(rows) >= count:
                    break
                if row not in rows and free(row):
                    rows.append(row)
            self._hold(connection, record, rows)
        return rows

    def _free(self, connection: Connection, record: DatasetRecord) -> Callable[[int], bool]:
        """Whether a row may be shown to the acting person; what the version holds already keeps
        nobody from looking at it again, as at a label that is probably wrong.
        """
        closed: set[int] = set()
        others = defaultdict[int, set[str]](set)
        given = select(answers.c.row, answers.c.given_by, answers.c.action)
        for row, person, action in connection.execute(
            given.where(answers.c.dataset == record.id, ~answers.c.used)
        ).all():
            if action == SETTLE or person == self._me:
                closed.add(row)
            elif action == LABEL:
                others[row].add(person)
        claimed = select(claims.c.row, claims.c.owner).where(
            claims.c.dataset == record.id, claims.c.owner != self._me
        )
        for row, person in connection.execute(claimed).all():
            others[row].add(person)
        share = self._share(connection, record)

        def free(row: int) -> bool:
            if row in closed:
                return False
            return len(others.get(row, ())) < (2 if _asked_twice(record.id, row, share) else 1)

        return free

    def twice(self, reference: str) -> int:
        """Per cent of the items that two people are asked.

        Raises:
            NotFoundError: when the acting person may not see the dataset.
        """
        record = self._record(reference, LOOK)
        with self._engine.connect() as connection:
            return self._share(connection, record)

    def ask_twice(self, reference: str, percent: int) -> None:
        """Set how many items two people are asked.

        Args:
            reference: the dataset version.
            percent: from 0 to 100 of the items.

        Raises:
            NotFoundError: when there is no such dataset.
            AccessError: when the acting person may only look at it.
            StateError: when it is no share.
        """
        if not 0 <= percent <= 100:
            raise StateError(f"{percent} % is no share of the items.", "", "Take 0 to 100.")
        record = self._record(reference, WORK)
        with self._engine.begin() as connection:
            self._enter(connection, record)
            self._set_share(connection, record, percent)

    def carry(
        self,
        older: str,
        newer: str,
        used: Collection[Answer],
        name: Callable[[str], str | None] = str,
    ) -> None:
        """Take the answers along into a version made from another one, whose rows have the same
        numbers. What somebody says of the older one while this goes on is taken along, too, or
        refused.

        Args:
            older: the version that they are about.
            newer: the one made from it.
            used: answers that are in the new version now.
            name: gives a label in the names of the new version, None where its class is gone, with
                which the answer goes.

        Raises:
            NotFoundError: when there is no such dataset.
            AccessError: when the acting person may only look at it.
        """
        old, new = self._record(older, LOOK), self._record(newer, WORK)
        done = {(one.row, one.given_by, one.action, one.at) for one in used}
        with self._engine.begin() as connection:
            for record in (old, new):
                self._enter(connection, record)
            found = connection.execute(
                select(answers).where(answers.c.dataset == old.id).order_by(answers.c.id)
            ).all()
            there = connection.execute(
                select(answers.c.row, answers.c.given_by, answers.c.action).where(
                    answers.c.dataset == new.id
                )
            ).all()
            said_there = {_whose(*one) for one in there}  # given since the version can be seen
            taken = []
            for row in found:
                one = dict(row._mapping)
                if _whose(one["row"], one["given_by"], one["action"]) in said_there:
                    continue
                label = name(one["label"]) if one["action"] != SKIP else ""
                if label is None:
                    continue
                del one["id"]
                is_used = (one["row"], one["given_by"], one["action"], one["at"]) in done
                one |= {"dataset": new.id, "label": label, "used": one["used"] or is_used}
                taken.append(one)
            if taken:
                connection.execute(insert(answers), taken)
            share = self._share(connection, old)
            if share != TWICE:
                self._set_share(connection, new, share)

    def _record(self, reference: str, level: int) -> DatasetRecord:
        """The version, if the acting person may do what needs `level` with it."""
        record = self._datasets.get(reference)
        own = self._policy.project_level(record.project)
        self._policy.require_level(level, own, PROJECT)
        self._policy.require_scope(f"datasets:{'read' if level == LOOK else 'write'}")
        return record

    def _enter(self, connection: Connection, record: DatasetRecord) -> None:
        """Be alone with a version's answers; lapsed claims go, which is the write that SQLite
        needs for that.
        """
        lapsed = and_(claims.c.dataset == record.id, claims.c.until < self._clock())
        connection.execute(sql_delete(claims).where(lapsed))
        alone(connection, f"answers {record.id}")

    def _hold(self, connection: Connection, record: DatasetRecord, rows: Sequence[int]) -> None:
        """Have these rows, and no others, before the acting person."""
        mine = (claims.c.dataset == record.id, claims.c.owner == self._me)
        connection.execute(sql_delete(claims).where(*mine))
        if rows:
            until = self._clock() + HOLDS
            about = {"dataset": record.id, "owner": self._me, "until": until}
            connection.execute(insert(claims), [{**about, "row": row} for row in rows])

    def _share(self, connection: Connection, record: DatasetRecord) -> int:
        query = select(label_queues.c.twice).where(label_queues.c.dataset == record.id)
        share = connection.execute(query).scalar()
        return TWICE if share is None else int(share)

    def _set_share(self, connection: Connection, record: DatasetRecord, percent: int) -> None:
        about = label_queues.c.dataset == record.id
        if not connection.execute(update(label_queues).where(about).values(twice=percent)).rowcount:
            connection.execute(insert(label_queues).values(dataset=record.id, twice=percent))

    def _note(self, connection: Connection, action: str, record: DatasetRecord, rows: int) -> None:
        about = f"{record.project}@{record.version}"
        self._policy.note(connection, action, "dataset", about, {"rows": rows})


def _whose(row: int, person: str, action: str) -> tuple[int, str]:
    """What a newer answer replaces: one's own about the row, or the last word, whosever it was."""
    return row, "" if action == SETTLE else person


def _asked_twice(dataset: str, row: int, percent: int) -> bool:
    """Whether a row is among the share that two people are asked: drawn by its number, so that
    everybody draws the same.
    """
    return crc32(f"{dataset} {row}".encode()) % 100 < percent


def _parts(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
