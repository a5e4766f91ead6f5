"""Several people on one queue: what each is shown, what is saved, what is taken back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from math import sqrt

import pytest
from sqlalchemy import select
from tests_support.office import TurnedClock

from tl_core.access.principal import MEMBER, VIEWER, Principal
from tl_core.access.sharing import Sharing
from tl_core.database.tables import activity, answers, claims, label_queues
from tl_core.errors import AccessError, NotFoundError, StateError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.label_answers import HOLDS, LABEL, SETTLE, SKIP, TWICE, AnswerStore, Given
from tl_core.registry.trash import expired
from tl_core.services.labelling import standing

ORDER = [7, 3, 9, 1, 4]


class Desk:
    """Ann's dataset `d`, which Bob may change and Cleo look at."""

    def __init__(self, engine, home, office):
        self.engine, self.home, self.clock = engine, home, TurnedClock()
        office.hire("cleo")
        ann = Sharing(engine, Principal("ann", role=MEMBER))
        ann.share("project", "d", "bob", "editor")
        ann.share("project", "d", "cleo", "viewer")
        self.ann, self.bob, self.cleo = map(self.of, ("ann", "bob", "cleo"))
        self.ann.ask_twice("d@1", 0)

    def of(self, name, **about):
        principal = Principal(name, **{"role": MEMBER, **about})
        return AnswerStore(DatasetStore(self.engine, principal, self.home), self.clock)


@pytest.fixture
def desk(engine, home, data, office):
    del data
    return Desk(engine, home, office)


THEIRS = "ann/d@1"
FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}


def test_two_people_are_never_shown_the_same_item(desk):
    assert desk.ann.claim("d@1", ORDER) == [7]
    assert desk.bob.claim(THEIRS, ORDER) == [3]
    assert desk.ann.claim("d@1", ORDER) == [7]  # what one has before one stays
    desk.ann.give("d@1", [Given(7, "good")])
    assert desk.ann.claim("d@1", ORDER, 2) == [9, 1]
    assert desk.bob.claim(THEIRS, ORDER) == [3]
    desk.bob.give(THEIRS, [Given(3, "bad")])
    assert desk.bob.claim(THEIRS, ORDER) == [4]


def test_a_claim_lapses(desk):
    assert desk.ann.claim("d@1", ORDER) == [7]
    desk.clock.now += HOLDS - 1
    assert desk.bob.claim(THEIRS, ORDER) == [3]
    desk.clock.now += 2
    desk.bob.give(THEIRS, [Given(3, "bad")])
    assert desk.bob.claim(THEIRS, ORDER) == [7]


def test_a_new_order_takes_the_old_item_away_and_frees_it(desk):
    assert desk.ann.claim("d@1", ORDER) == [7]
    assert desk.ann.claim("d@1", [1, 2]) == [1]
    assert desk.bob.claim(THEIRS, ORDER) == [7]


def test_what_was_skipped_is_shown_to_others_alone(desk):
    desk.ann.give("d@1", [Given(7, action=SKIP)])
    assert desk.ann.claim("d@1", ORDER) == [3]
    assert desk.bob.claim(THEIRS, ORDER) == [7]


def test_an_item_for_two_goes_to_two_and_to_no_third(desk):
    desk.ann.ask_twice("d@1", 100)
    Sharing(desk.engine, Principal("ann", role=MEMBER)).share("project", "d", "cleo", "editor")
    assert desk.ann.claim("d@1", [7, 3]) == desk.bob.claim(THEIRS, [7, 3]) == [7]
    assert desk.cleo.claim(THEIRS, [7, 3]) == [3]
    desk.ann.give("d@1", [Given(7, "good")])
    desk.bob.give(THEIRS, [Given(7, "bad")])
    assert desk.ann.claim("d@1", [7]) == desk.cleo.claim(THEIRS, [7]) == []


def test_about_the_share_that_was_asked_for_is_for_two(desk):
    rows = list(range(1000))
    for percent in (0, 10, 50, 100):
        desk.ann.ask_twice("d@1", percent)
        assert desk.bob.twice(THEIRS) == percent
        desk.ann.claim("d@1", rows, 1000)
        found = len(desk.bob.claim(THEIRS, rows, 1000))
        # six standard deviations of the draw: each run's dataset has another identity
        assert abs(found - 10 * percent) <= 6 * sqrt(percent * (100 - percent) / 10), percent


def test_a_new_project_asks_a_tenth_twice_and_no_share_is_more_than_all(desk, data):
    facts = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}
    data.add("e", data.new_folder(), {**facts, "fingerprint": "e"})
    assert desk.ann.twice("e@1") == TWICE
    for percent in (-1, 101):
        with pytest.raises(StateError, match="no share"):
            desk.ann.ask_twice("d@1", percent)


def said(store, reference="d@1"):
    return [(one.row, one.given_by, one.action, one.label) for one in store.list(reference)]


def test_an_answer_replaces_ones_own_and_no_other(desk):
    desk.ann.give("d@1", [Given(7, "good")])
    desk.bob.give(THEIRS, [Given(7, "bad")])
    desk.ann.give("d@1", [Given(7, "bad", why="margin", aided=True)])
    assert said(desk.ann) == [(7, "bob", LABEL, "bad"), (7, "ann", LABEL, "bad")]
    newest = desk.cleo.list(THEIRS)[-1]
    assert (newest.why, newest.aided, newest.used, newest.at) == (
        "margin",
        True,
        False,
        desk.clock.now,
    )


def test_the_last_word_stands_beside_what_people_said_and_is_one(desk):
    desk.ann.give("d@1", [Given(7, "good")])
    desk.ann.give("d@1", [Given(7, "bad", SETTLE)])
    desk.bob.give(THEIRS, [Given(7, "good", SETTLE)])
    assert said(desk.ann) == [(7, "ann", LABEL, "good"), (7, "bob", SETTLE, "good")]
    assert desk.bob.claim(THEIRS, [7]) == []


def test_undo_takes_back_ones_own_last_answers_one_after_the_other(desk):
    desk.ann.give("d@1", [Given(7, "good")])
    desk.ann.give("d@1", [Given(3, "good"), Given(9, "good")])
    desk.bob.give(THEIRS, [Given(1, "bad")])
    assert desk.ann.undo("d@1") == [3, 9]
    assert desk.ann.claim("d@1", ORDER) == [3]  # it is before them again
    assert desk.ann.undo("d@1") == [7]
    assert desk.ann.undo("d@1") == []
    assert said(desk.bob, THEIRS) == [(1, "bob", LABEL, "bad")]


def test_two_at_once_are_given_different_items(desk):
    order = list(range(40))

    def work(store, reference):
        got = []
        for _ in range(12):
            [row] = store.claim(reference, order)
            store.give(reference, [Given(row, "good")])
            got.append(row)
        return got

    with ThreadPoolExecutor(2) as threads:
        mine = threads.submit(work, desk.ann, "d@1")
        theirs = threads.submit(work, desk.bob, THEIRS)
        rows = mine.result() + theirs.result()
    assert sorted(rows) == order[:24]
    assert len(desk.ann.list("d@1")) == 24


def test_many_answers_at_once(desk):
    desk.ann.give("d@1", [Given(row, "good") for row in range(2000)])
    desk.ann.give("d@1", [Given(row, "bad") for row in range(2000)])
    assert {one.label for one in desk.ann.list("d@1")} == {"bad"}
    assert len(desk.ann.undo("d@1")) == 2000


def test_a_viewer_looks_and_changes_nothing(desk):
    desk.ann.give("d@1", [Given(7, "good")])
    assert len(desk.cleo.list(THEIRS)) == 1 and desk.cleo.twice(THEIRS) == 0
    member, looker = desk.cleo, desk.of("bob", role=VIEWER)
    narrow = desk.of("bob", scopes=frozenset({"datasets:read"}))
    for store in (member, looker, narrow):
        for attempt in (
            lambda store=store: store.give(THEIRS, [Given(7, "bad")]),
            lambda store=store: store.undo(THEIRS),
            lambda store=store: store.claim(THEIRS, ORDER),
            lambda store=store: store.ask_twice(THEIRS, 50),
            lambda store=store: store.carry(THEIRS, THEIRS, []),
        ):
            with pytest.raises(AccessError):
                attempt()
    assert said(desk.ann) == [(7, "ann", LABEL, "good")]
    with pytest.raises(NotFoundError):
        desk.of("eve").list(THEIRS)


def test_a_wrong_action_is_refused(desk):
    with pytest.raises(StateError, match="burn"):
        desk.ann.give("d@1", [Given(7, "good", "burn")])
    assert said(desk.ann) == []


def test_answers_go_along_into_the_next_version(desk, data):
    desk.ann.give("d@1", [Given(7, "good")])
    desk.bob.give(THEIRS, [Given(3, "bad"), Given(9, action=SKIP)])
    desk.ann.ask_twice("d@1", 30)
    facts = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}
    data.add("d", data.new_folder(), {**facts, "fingerprint": "b"})
    desk.ann.carry("d@1", "d@2", [one for one in desk.ann.list("d@1") if one.row == 7])
    carried = {(one.row, one.given_by, one.label): one.used for one in desk.ann.list("d@2")}
    assert carried == {(7, "ann", "good"): True, (3, "bob", "bad"): False, (9, "bob", ""): False}
    assert desk.ann.twice("d@2") == 30
    assert desk.ann.undo("d@2") == []  # it is in the version
    assert desk.bob.undo("ann/d@2") == [3, 9]
    assert len(desk.ann.list("d@1")) == 3


def test_what_a_version_holds_can_be_looked_at_again(desk, data):
    """Whoever gave a label is asked about it where it is probably wrong."""
    desk.ann.give("d@1", [Given(7, "good"), Given(3, "bad")])
    data.add("d", data.new_folder(), {**FACTS, "fingerprint": "b"})
    desk.ann.carry("d@1", "d@2", [one for one in desk.ann.list("d@1") if one.row == 7])
    assert desk.ann.claim("d@2", [7, 3]) == [7]
    assert standing(desk.ann.list("d@2")).used == {7}
    desk.ann.give("d@2", [Given(7, "bad")])
    assert desk.ann.claim("d@2", [7, 3]) == []
    assert standing(desk.ann.list("d@2")).used == set()


@pytest.mark.parametrize("way", ["at once", "after its time in the trash"])
def test_a_version_that_goes_takes_them_along(desk, data, way):
    data.add("other", data.new_folder(), {**FACTS, "fingerprint": "other"})
    desk.ann.give("d@1", [Given(7, "good")])
    desk.ann.claim("d@1", ORDER)
    if way == "at once":
        data.discard("d@1")
    else:
        data.delete("d@1")
        assert len(expired(desk.engine, desk.home, 0.0)) == 0  # its time is not over
        desk.ann.give("other@1", [Given(1, "good")])
        assert len(expired(desk.engine, desk.home, time.time() + 1)) == 1
        assert [one.row for one in desk.ann.list("other@1")] == [1]
        data.discard("other@1")
    with desk.engine.connect() as connection:
        for table in (answers, claims, label_queues):
            assert connection.execute(select(table)).all() == []


def test_the_log_of_activity_says_how_many(desk):
    desk.bob.give(THEIRS, [Given(3, "bad"), Given(9, "bad")])
    desk.bob.undo(THEIRS)
    query = select(activity.c.actor, activity.c.action, activity.c.object, activity.c.detail)
    with desk.engine.connect() as connection:
        lines = connection.execute(query.where(activity.c.action.in_(("label", "undo")))).all()
    assert sorted(map(tuple, lines), key=lambda line: line[1]) == [
        ("bob", "label", "ann/d@1", {"rows": 2}),
        ("bob", "undo", "ann/d@1", {"rows": 2}),
    ]
