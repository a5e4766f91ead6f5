"""Who sees and changes what: one's own, what was shared with somebody or with everybody, tokens."""

from __future__ import annotations

import dataclasses
import time

import pytest
from sqlalchemy import create_engine, delete, insert, select, update
from sqlalchemy.pool import QueuePool

from tl_core.access.links import ReportLinks, open_link
from tl_core.access.people import People
from tl_core.access.policy import EVERYBODY, OWN, WORK, Policy
from tl_core.access.principal import MEMBER, VIEWER, Principal, operator
from tl_core.access.sharing import Sharing
from tl_core.config import RunConfig
from tl_core.database.tables import activity, runs, users
from tl_core.errors import AccessError, NotFoundError, StateError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.models import ModelStore
from tl_core.registry.runs import RunStore
from tl_core.registry.trash import old_checkpoints
from tl_core.settings import Settings

FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}


class Somebody:
    """A person with their stores."""

    def __init__(self, engine, home, name, **about):
        self.who = Principal(f"id-{name}", handle=name, name=name.title(), **about)
        self.engine, self.home = engine, home

    @property
    def runs(self):
        return RunStore(self.engine, self.who, self.home)

    @property
    def data(self):
        return DatasetStore(self.engine, self.who, self.home)

    @property
    def sharing(self):
        return Sharing(self.engine, self.who)

    def add(self, name, fingerprint="a"):
        return self.data.add(name, self.data.new_folder(), {**FACTS, "fingerprint": fingerprint})[0]

    def train(self, dataset, **changes):
        record = self.data.get(dataset)
        config = RunConfig(
            "train", self.who.id, dataset, str(record.folder), "starter:text", "probe"
        )
        return self.runs.create(dataclasses.replace(config, **changes))

    def acting(self, **about):
        other = Somebody(self.engine, self.home, self.who.handle)
        other.who = dataclasses.replace(self.who, **about)
        return other


@pytest.fixture
def people(engine, home):
    made = {name: Somebody(engine, home, name) for name in ("ana", "ben", "cleo")}
    with engine.begin() as connection:
        for name, one in made.items():
            connection.execute(
                insert(users).values(
                    id=one.who.id,
                    issuer="here",
                    subject=name,
                    handle=name,
                    name=name,
                    role=MEMBER,
                    created=0,
                    seen=0,
                )
            )
    return made


@pytest.fixture
def ana(people):
    return people["ana"]


@pytest.fixture
def ben(people):
    return people["ben"]


def test_two_people_may_use_the_same_name_and_do_not_meet(ana, ben):
    ours, theirs = ana.add("tickets"), ben.add("tickets", "b")
    assert ours.version == theirs.version == 1 and ours.folder != theirs.folder
    run = ana.train("tickets@1")
    assert ben.runs.of_dataset("tickets") == [] and ben.runs.list() == []
    with pytest.raises(NotFoundError):
        ben.data.get("ana/tickets")
    with pytest.raises(NotFoundError):
        ben.runs.get(run.id)


def test_a_viewer_of_a_project_sees_all_of_it_and_changes_nothing(ana, ben):
    ana.add("tickets")
    run = ana.train("tickets@1")
    ana.sharing.share("project", "tickets", "ben", "viewer")
    assert [one.reference for one in ben.data.list()] == ["ana/tickets@1"]
    assert ben.data.get("ana/tickets").folder == ana.data.get("tickets").folder
    assert ben.runs.get(run.id).dataset == "ana/tickets@1"
    assert [one.id for one in ben.runs.of_dataset("ana/tickets@1")] == [run.id]
    refusals = [
        lambda: ben.runs.cancel(run.id),
        lambda: ben.runs.annotate(run.id, note="x"),
        lambda: ben.runs.delete([run.id]),
        lambda: ben.data.delete("ana/tickets"),
        lambda: ben.train("ana/tickets@1"),
        lambda: ben.add("ana/tickets", "c"),
        lambda: ben.sharing.share("project", "ana/tickets", "cleo", "viewer"),
    ]
    for refused in refusals:
        with pytest.raises(AccessError):
            refused()
    assert ana.runs.get(run.id).status == "queued"


def test_an_editor_works_in_the_project_of_its_owner(ana, ben, people):
    ana.add("tickets")
    ana.sharing.share("project", "tickets", "ben", "editor")
    made = ben.add("ana/tickets", "b")
    assert made.reference == "ana/tickets@2" and ana.data.get("tickets").version == 2
    run = ben.train("ana/tickets@2")
    assert run.owner == "id-ben" and ana.runs.get(run.id).dataset == "tickets@2"
    assert ben.runs.annotate(run.id, note="mine").note == "mine"
    assert ana.runs.cancel(run.id).status == "cancelled"
    with pytest.raises(AccessError):
        ben.data.delete("ana/tickets@2")
    assert people["cleo"].runs.list() == []
    ana.sharing.unshare("project", "tickets", "ben")
    with pytest.raises(NotFoundError):  # it holds Ana's items
        ben.runs.get(run.id)
    assert ben.runs.list() == [] and ben.data.list() == []
    assert [one.id for one in ana.runs.of_dataset("tickets")] == [run.id]


def test_a_single_run_is_shared_without_its_data(ana, ben):
    ana.add("tickets")
    shown, hidden = ana.train("tickets@1"), ana.train("tickets@1")
    ana.sharing.share("run", shown.id, "ben", "viewer")
    assert [one.id for one in ben.runs.list()] == [shown.id]
    with pytest.raises(NotFoundError):
        ben.runs.get(hidden.id)
    with pytest.raises(NotFoundError):
        ben.data.get("ana/tickets")


def test_what_is_shared_with_everybody_is_seen_by_all(ana, people):
    ana.add("tickets")
    ana.sharing.share("project", "tickets", EVERYBODY, "viewer")
    for name in ("ben", "cleo"):
        assert people[name].data.get("ana/tickets@1").name == "tickets"
    assert {one.grantee for one in ana.sharing.of("project", "tickets")} == {EVERYBODY}


def test_a_deleted_project_is_no_longer_shared_even_when_its_name_comes_back(ana, ben):
    ana.add("tickets")
    ana.sharing.share("project", "tickets", "ben", "viewer")
    ana.data.delete("tickets")
    assert ben.data.list() == []
    later = ana.add("tickets", "b")
    assert later.version == 2 and ben.data.list() == []
    assert ana.data.restore("tickets@1").version == 1 and ben.data.trash() == []


def test_runs_come_back_from_the_trash_after_their_data(ana, ben):
    ana.add("tickets")
    run = ana.train("tickets@1")
    ana.runs.cancel(run.id)
    ana.runs.delete([run.id])
    ana.data.delete("tickets@1")
    with pytest.raises(StateError, match="Restore the dataset"):
        ana.runs.restore(run.id)
    with pytest.raises(NotFoundError):
        ben.runs.restore(run.id)
    ana.data.restore("tickets@1")
    assert ana.runs.restore(run.id).status == "cancelled" and ana.runs.trash() == []


def test_a_project_is_handed_over_with_its_runs(ana, ben):
    ana.add("tickets")
    run = ana.train("tickets@1")
    with pytest.raises(StateError, match="waiting or running"):
        ana.sharing.hand_over("tickets", "ben")
    assert ana.data.get("tickets") and ana.runs.get(run.id)
    ana.runs.cancel(run.id)
    ana.sharing.hand_over("tickets", "ben")
    assert ben.data.get("tickets@1").owner == "id-ben"
    assert ben.runs.get(run.id).dataset == "tickets@1"
    assert ana.data.list() == [] and ana.runs.list() == []
    ben.sharing.share("project", "tickets", "ana", "viewer")
    assert ana.runs.get(run.id).dataset == "ben/tickets@1"


def test_drafts_of_both_do_not_get_into_each_others_way(ana, ben, engine):
    for one, name in ((ana, "tickets"), (ben, "letters")):
        record = one.add(name)
        made = RunConfig(
            "train", one.who.id, record.reference, str(record.folder), "starter:text", "probe"
        )
        one.runs.cancel(one.runs.create(made, "design").id)
    ana.sharing.hand_over("tickets", "ben")
    assert len(ben.runs.list()) == 2
    with engine.connect() as connection:
        drafts = connection.execute(select(runs.c.project, runs.c.draft)).all()
    assert sorted(drafts, key=str) == [("id-ben/letters", "design"), ("id-ben/tickets", None)]


@pytest.mark.parametrize("way", ["disabled", "not shared any more", "handed over", "somebody else"])
def test_a_link_ends_with_the_right_that_it_was_made_with(ana, ben, engine, way):
    ana.add("tickets")
    ana.sharing.share("project", "tickets", "ben", "editor")
    owned = ana.train("tickets@1")
    lent = ben.train("ana/tickets@1")
    with engine.begin() as connection:
        connection.execute(update(runs).values(status="done"))
    hers = ReportLinks(engine, ana.who).make(owned.id, 7)
    his = ReportLinks(engine, ben.who).make(lent.id, 7)
    assert open_link(engine, hers) and open_link(engine, his)
    if way == "not shared any more":
        ana.sharing.unshare("project", "tickets", "ben")
    elif way == "handed over":
        ana.sharing.hand_over("tickets", "cleo")
    else:
        out = ben.who.id if way == "disabled" else "id-cleo"
        with engine.begin() as connection:
            connection.execute(update(users).where(users.c.id == out).values(disabled=True))
    assert bool(open_link(engine, his)) == (way in ("handed over", "somebody else"))
    assert bool(open_link(engine, hers)) == (way != "handed over")


def test_a_shared_dataset_shares_no_model_of_its_name(ana, ben, engine, home):
    ana.add("tickets")
    ModelStore(engine, ana.who, home).add("tickets")
    (home / "models" / "tickets").mkdir(parents=True)
    ana.sharing.share("project", "tickets", "ben", "editor")
    assert ben.data.get("ana/tickets")
    theirs = ModelStore(engine, ben.who, home)
    assert theirs.list() == [] and not theirs.may_use("local:tickets")
    with pytest.raises(NotFoundError):
        theirs.delete("tickets")
    assert ModelStore(engine, ana.who, home).may_use("local:tickets")


def test_a_handle_that_is_somebodys_id_leads_to_nobody_else(ana, ben, engine):
    with engine.begin() as connection:
        taken = update(users).where(users.c.id == "id-cleo").values(handle=ana.who.id)
        connection.execute(taken)
    ana.add("tickets")
    people = People(engine, Settings())
    assert people.get(ana.who.id).id == operator(engine, ana.who.id).id == ana.who.id
    ben.add("letters")
    ben.sharing.share("project", "letters", ana.who.id, "viewer")
    assert [one.grantee for one in ben.sharing.of("project", "letters")] == [ana.who.id]
    assert Policy(engine, ben.who).project_of(f"{ana.who.id}/tickets") == "id-ana/tickets"
    with engine.begin() as connection:
        connection.execute(delete(users).where(users.c.id == ana.who.id))
    assert people.standing(ana.who.id, time.time()) is None  # a session is of an id alone


@pytest.fixture
def narrow(engine):
    """The same database by one connection at a time."""
    made = create_engine(
        engine.url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=1
    )
    yield made
    made.dispose()


def test_a_list_needs_one_connection_whoever_shares(ana, ben, narrow, home):
    ana.add("tickets")
    ana.sharing.share("project", "tickets", "ben", "viewer")
    store = DatasetStore(narrow, ben.who, home)
    assert [one.reference for one in store.list()] == ["ana/tickets@1"]


def test_whoever_removes_checkpoints_has_the_connection_for_themselves(ana, engine, narrow, home):
    ana.add("tickets")
    run = ana.train("tickets@1")
    (run.folder / "checkpoints").mkdir()
    with engine.begin() as connection:
        connection.execute(update(runs).values(status="done", finished=1.0))
    for folder in old_checkpoints(narrow, home, 2.0):
        with narrow.connect() as connection:
            assert connection.execute(select(runs.c.id)).scalar() == run.id
        assert folder == run.folder / "checkpoints"
        break
    else:
        pytest.fail("none was found")


def test_a_project_is_not_handed_over_where_the_name_is_taken(ana, ben):
    ana.add("tickets")
    ben.add("tickets", "b")
    with pytest.raises(StateError, match="has a dataset of that name"):
        ana.sharing.hand_over("tickets", "ben")


def test_somebody_who_may_only_look_makes_nothing(ana, ben):
    ana.add("tickets")
    ana.sharing.share("project", "tickets", "ben", "editor")
    looking = ben.acting(role=VIEWER)
    assert looking.data.get("ana/tickets@1")
    for refused in (
        lambda: looking.add("own"),
        lambda: looking.train("ana/tickets@1"),
        lambda: looking.add("ana/tickets", "b"),
    ):
        with pytest.raises(AccessError):
            refused()


def test_a_token_does_what_its_scopes_say(ana):
    ana.add("tickets")
    run = ana.train("tickets@1")
    reading = ana.acting(scopes=frozenset({"runs:read"}))
    assert reading.runs.get(run.id).id == run.id
    with pytest.raises(NotFoundError):
        reading.data.get("tickets@1")
    for refused in (lambda: reading.runs.cancel(run.id), lambda: reading.add("other")):
        with pytest.raises(AccessError):
            refused()
    nothing = ana.acting(scopes=frozenset())
    assert nothing.runs.list() == [] and nothing.data.list() == []
    with pytest.raises(AccessError):
        ana.acting(scopes=frozenset({"runs:write"})).sharing.share("run", run.id, "ben", "viewer")


def test_the_folder_of_a_shared_dataset_is_read_only_under_its_own_name(ana, ben):
    ana.add("tickets")
    secret = ana.add("secret", "s")
    ana.sharing.share("project", "tickets", "ben", "editor")
    with pytest.raises(StateError, match="folder"):
        ben.train("ana/tickets@1", dataset_dir=str(secret.folder))


def test_sharing_needs_somebody_and_a_known_access(ana):
    ana.add("tickets")
    for wanted in (("nobody", "viewer"), ("ana", "viewer"), ("ben", "owner"), ("ben", "")):
        with pytest.raises((NotFoundError, StateError)):
            ana.sharing.share("project", "tickets", *wanted)
    with pytest.raises(NotFoundError):
        ana.sharing.share("project", "no such", "ben", "viewer")


def test_what_was_done_is_logged_with_who_and_by_which_way(ana, engine):
    ana.add("tickets")
    run = ana.train("tickets@1")
    ana.acting(way="api", address="10.0.0.9").runs.cancel(run.id)
    with engine.connect() as connection:
        rows = connection.execute(select(activity).order_by(activity.c.id)).all()
    assert [(one.actor, one.way, one.action, one.kind) for one in rows] == [
        ("id-ana", "page", "add", "dataset"),
        ("id-ana", "page", "start", "run"),
        ("id-ana", "api", "cancel", "run"),
    ]
    assert rows[-1].address == "10.0.0.9" and rows[-1].object == run.id
    assert abs(rows[-1].at - time.time()) < 60


def test_levels_of_a_project(ana, ben):
    ana.add("tickets")
    ana.sharing.share("project", "tickets", "ben", "editor")
    record = ben.data.get("ana/tickets")
    assert ben.data.may(record, WORK) and not ben.data.may(record, OWN)
    assert ana.data.may(ana.data.get("tickets"), OWN)
    assert Policy(ana.engine, ana.who).prefix(record.project) == ""
