"""What is held of one person: exported without secrets and without anybody else's, erased for good
but for their id in the log.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update

from tl_core.access.access_tokens import Tokens
from tl_core.access.accounts import Accounts
from tl_core.access.links import ReportLinks
from tl_core.access.people import Administration, Claims
from tl_core.access.sharing import Sharing
from tl_core.config import RunConfig
from tl_core.database.tables import activity, attempts, metadata, models, runs, uploads, users
from tl_core.errors import AccessError, NotFoundError, StateError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.label_answers import AnswerStore, Given
from tl_core.registry.presets import PresetStore
from tl_core.registry.runs import RunStore
from tl_core.services.labelling import standing
from tl_core.services.personal_data import PersonalData, erase_person

FACTS = {"modality": "text", "task": "single_label", "rows": 4, "classes": 2}


class Household:
    """Two people with datasets and runs, on each other's projects, too."""

    def __init__(self, engine, home, settings, people):
        self.engine, self.home, self.people = engine, home, people
        accounts = Accounts(engine, settings)
        invitation = accounts.invite(self.admin(people), note="for the ZEPHYR project")
        self.ana = accounts.accept(invitation, "zephyr", "Zephyr Quill", "correct horse battery")
        self.ben = people.arrive(Claims("https://idp", "sub-ben", "Ben", "ben@example.org"))
        with engine.begin() as connection:
            about = update(users).where(users.c.id == self.ana.id)
            connection.execute(about.values(email="zephyr@quill.example"))
        accounts.sign_in("zephyr", "correct horse battery", "10.9.8.7")
        self.token = Tokens(engine, self.who("ana")).make("zephyr's laptop", ["runs:read"], 9)

    def admin(self, people):
        boss = people.arrive(Claims("https://idp", "sub-boss", "Boss"))
        with self.engine.begin() as connection:
            connection.execute(update(users).where(users.c.id == boss.id).values(role="admin"))
        return people.get(boss.id).principal()

    def who(self, name):
        return self.people.get(getattr(self, name).id).principal(address="10.9.8.7")

    def data(self, name):
        return DatasetStore(self.engine, self.who(name), self.home)

    def runs(self, name):
        return RunStore(self.engine, self.who(name), self.home)

    def add(self, name, dataset):
        store = self.data(name)
        folder = store.new_folder()
        (folder / "items.csv").write_text(f"a secret of {name} in {dataset}")
        return store.add(dataset, folder, {**FACTS, "fingerprint": folder.name})[0]

    def train(self, name, dataset, ended=True):
        record, who = self.data(name).get(dataset), self.who(name)
        about = (record.reference, str(record.folder))
        config = RunConfig("train", who.id, *about, "starter:text", "probe")
        run = self.runs(name).create(config)
        (run.folder / "report.json").write_text("{}")
        if ended:
            self.end(run)
        return run

    def end(self, run):
        with self.engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.id == run.id).values(status="done"))

    def of(self, name):
        return PersonalData(self.engine, self.home, self.who(name))


@pytest.fixture
def house(engine, home, settings, people):
    house = Household(engine, home, settings, people)
    for name, dataset in (("ana", "zephyr-mail"), ("ben", "tickets")):
        house.add(name, dataset)
        house.train(name, dataset)
    sharing = {name: Sharing(engine, house.who(name)) for name in ("ana", "ben")}
    sharing["ana"].share("project", "zephyr-mail", "ben", "editor")
    sharing["ben"].share("project", "tickets", "zephyr", "editor")
    house.add("ana", "given-away")
    sharing["ana"].share("project", "given-away", "boss", "viewer")
    sharing["ana"].hand_over("given-away", "ben")
    house.add("ben", "zephyr/zephyr-mail")
    house.of_ben_on_anas = house.train("ben", "zephyr/zephyr-mail")
    house.of_ana_on_bens = house.train("ana", "ben/tickets")
    PresetStore(engine, house.ana.id).keep("zephyr's way", "probe", {}, shared=True)
    ReportLinks(engine, house.who("ana")).make(house.of_ana_on_bens.id, 3)
    for name, dataset in (("ana", "zephyr-mail"), ("ana", "ben/tickets"), ("ben", "tickets")):
        answers = AnswerStore(house.data(name))
        answers.give(dataset, [Given(0, f"{name}'s word")])
        answers.claim(dataset, [1])
    (home / "models").mkdir()
    (home / "models" / "own.txt").write_text("word vectors")
    (home / "uploads" / "u1").mkdir(parents=True)
    (home / "uploads" / "u1" / "mail.csv").write_text("text,label")
    with engine.begin() as connection:
        row = {"id": "m1", "owner": house.ana.id, "name": "../zephyr", "created": 1.0}
        row |= {"project": f"{house.ana.id}/zephyr", "folder": "models/own.txt"}
        connection.execute(insert(models).values(**row))
        sent = {"id": "u1", "owner": house.ana.id, "name": "zephyr.csv", "size": 10}
        connection.execute(insert(uploads).values(**sent, created=1.0, touched=1.0))
        connection.execute(insert(attempts).values(key="account:zephyr", at=1.0))
    return house


def unpacked(house, name, *, files=True):
    target = io.BytesIO()
    house.of(name).export(target, files=files)
    return zipfile.ZipFile(target)


def everything(engine):
    """Each row of each table as text."""
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).all():
                yield table.name, dict(row._mapping), str(tuple(row))


def test_an_export_holds_all_that_is_mine_and_no_secret(house, engine):
    archive = unpacked(house, "ana")
    told = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(told["profile.json"])["email"] == "zephyr@quill.example"
    assert len(json.loads(told["sessions.json"])) == 1
    assert [one["name"] for one in json.loads(told["presets.json"])] == ["zephyr's way"]
    assert len(json.loads(told["report_links.json"])) == 1
    assert [one["label"] for one in json.loads(told["answers.json"])] == ["ana's word"] * 2
    assert json.loads(told["shared_with_me.json"])[0]["access"] == "editor"
    assert {one["action"] for one in json.loads(told["activity.json"])} >= {"add", "start", "share"}
    versions = json.loads(told["datasets.json"])
    assert [one["version"] for one in versions] == [1, 2]
    assert versions[0]["files"] == [
        {"file": "items.csv", "bytes": len("a secret of ana in zephyr-mail")}
    ]
    assert len(json.loads(told["runs.json"])) == 3  # Ben's in her project, and hers in his
    assert told["files/datasets/zephyr-mail@1/items.csv"] == "a secret of ana in zephyr-mail"
    assert f"files/runs/{house.of_ana_on_bens.id}/report.json" in told
    assert told["files/models/m1/own.txt"] == "word vectors"
    assert told["files/uploads/u1/mail.csv"] == "text,label"
    assert not [name for name in told if ".." in name or name.startswith("/")]
    whole = " ".join(told.values())
    hashes = [row[key] for _, row, _ in everything(engine) for key in row if key == "hash"]
    assert len(hashes) >= 4 and not [one for one in hashes if one in whole]
    assert house.token not in whole and str(house.home) not in whole


def test_an_export_holds_nothing_of_others(house):
    told = unpacked(house, "ben")
    whole = " ".join(told.read(name).decode() for name in told.namelist())
    assert "zephyr@quill" not in whole and "a secret of ana in zephyr-mail" not in whole
    assert "laptop" not in whole and "10.9.8.7" in whole
    assert house.of_ben_on_anas.id in whole
    Sharing(house.engine, house.who("ana")).unshare("project", "zephyr-mail", "ben")
    again = unpacked(house, "ben")  # that run was trained on what is hers
    assert house.of_ben_on_anas.id not in again.read("runs.json").decode()
    assert not [name for name in again.namelist() if house.of_ben_on_anas.id in name]


def test_without_the_files_they_are_listed_alone(house):
    names = unpacked(house, "ana", files=False).namelist()
    assert "datasets.json" in names and not [name for name in names if name.startswith("files/")]
    assert house.of("ana").size() >= len("a secret of ana in zephyr-mail")


def test_erasure_leaves_nothing_but_the_id_in_the_log(house, engine, home):
    mine = [thing.place for thing in house.of("ana").things()]
    assert len(mine) == 7 and all(place.exists() for place in mine)
    theirs = house.data("ben").get("tickets").folder
    house.of("ana").erase()
    assert not [place for place in mine if place.exists()] and theirs.is_dir()
    assert (home / "datasets").is_dir()
    for table, row, text in everything(engine):
        assert "zephyr" not in text.lower(), (table, row)
        assert table == "activity" or house.ana.id not in text, (table, row)
    with engine.connect() as connection:
        deeds = connection.execute(select(activity).where(activity.c.actor == house.ana.id)).all()
    assert deeds and {(deed.address, str(deed.detail)) for deed in deeds} == {("", "{}")}
    assert house.data("ben").get("tickets").rows == 4
    [given] = Sharing(engine, house.who("ben")).of("project", "given-away")
    assert given.name == "Boss" and len(house.runs("ben").list()) == 1
    with pytest.raises(NotFoundError):
        house.people.get("zephyr")


def test_two_who_have_gone_differ_about_an_item_as_they_did(house, people):
    """Nobody's last word is made of their going."""
    house.admin(people)
    cleo = people.arrive(Claims("https://idp", "sub-cleo", "Cleo"))
    store = DatasetStore(house.engine, people.get(cleo.id).principal(), house.home)
    folder = store.new_folder()
    store.add("birds", folder, {**FACTS, "fingerprint": "birds"})
    sharing = Sharing(house.engine, people.get(cleo.id).principal())
    for name, said in (("ana", "crow"), ("ben", "rook")):
        sharing.share("project", "birds", house.who(name).id, "editor")
        AnswerStore(house.data(name)).give(f"{cleo.id}/birds@1", [Given(0, said)])
        PersonalData(house.engine, house.home, house.who(name)).erase()
    [dispute] = standing(AnswerStore(store).list("birds@1")).disputes
    assert sorted(dispute.said.values()) == ["crow", "rook"]
    assert not {house.ana.id, house.ben.id, ""} & {*dispute.said}


def test_runs_of_others_that_were_meant_for_my_data_name_me_no_more(house, engine):
    own = house.data("ben").get("tickets")
    options = {"target_dataset": "zephyr/zephyr-mail@1"}
    about = ("train", house.ben.id, own.reference, str(own.folder), "starter:text", "adapt")
    run = house.runs("ben").create(RunConfig(*about, options))
    house.end(run)
    PersonalData(house.engine, house.home, house.who("ana")).erase()
    assert house.runs("ben").get(run.id).status == "done"
    for table, row, text in everything(engine):
        assert table == "activity" or house.ana.id not in text, (table, row)


def test_a_run_that_is_going_keeps_everything(house, engine):
    going = house.train("ben", "zephyr/zephyr-mail", ended=False)
    with pytest.raises(StateError, match="waiting or running"):
        house.of("ana").erase()
    assert len(house.data("ana").list(all_versions=True)) == 3 and house.data("ana").trash() == []
    house.end(going)
    house.of("ana").erase()


def test_the_last_administrator_stays(house, engine, people):
    root = house.admin(people)
    Administration(engine, root).set_role(house.ana.id, "admin")
    Administration(engine, house.who("ana")).disable(root.id)
    with pytest.raises(StateError, match="last administrator"):
        house.of("ana").erase()
    assert house.data("ana").get("zephyr-mail").folder.is_dir()
    Administration(engine, house.who("ana")).enable(root.id)
    house.of("ana").erase()


def test_an_administrator_erases_who_is_kept_out_and_nobody_else_does(house, engine, home, people):
    root, ana = house.admin(people), house.ana.id
    token = replace(root, scopes=frozenset({"runs:read"}))
    for other in (house.who("ben"), house.who("ana"), token):
        with pytest.raises(AccessError):
            erase_person(engine, home, other, ana)
    with pytest.raises(StateError, match="kept out"):
        erase_person(engine, home, root, ana)
    with pytest.raises(NotFoundError):
        erase_person(engine, home, root, "nobody")
    Administration(engine, root).disable(ana)
    mine = [thing.place for thing in house.of("ana").things()]
    erase_person(engine, home, root, ana)
    assert mine and not [place for place in mine if place.exists()]
    with pytest.raises(NotFoundError):
        people.get("zephyr")
    with engine.connect() as connection:
        deeds = connection.execute(select(activity).where(activity.c.actor == root.id)).all()
    assert [(deed.action, deed.object) for deed in deeds][-1] == ("erase", ana)
    assert house.data("ben").get("tickets").rows == 4


def test_an_erasure_that_broke_off_goes_on(house, monkeypatch):
    from tl_core.services import personal_data

    kept = personal_data.remove_tree
    monkeypatch.setattr(personal_data, "remove_tree", lambda _folder: False)
    with pytest.raises(StateError, match="could not be removed"):
        house.of("ana").erase()
    assert house.data("ana").list() != [] and house.data("ana").list()[0].owner == house.ben.id
    monkeypatch.setattr(personal_data, "remove_tree", kept)
    house.of("ana").erase()
    with pytest.raises(NotFoundError):
        house.people.get("zephyr")


def test_a_token_exports_and_erases_nothing_and_where_nobody_signs_in_there_is_nobody(
    house, engine, home
):
    token = replace(house.who("ana"), scopes=frozenset({"runs:read", "datasets:read"}))
    for refused in (
        lambda: PersonalData(engine, home, token).export(io.BytesIO(), files=True),
        lambda: PersonalData(engine, home, token).erase(),
    ):
        with pytest.raises(AccessError):
            refused()
    nobody = PersonalData(engine, home, replace(house.who("ana"), id="local"))
    for missing in (nobody.erase, lambda: nobody.export(io.BytesIO(), files=False)):
        with pytest.raises(NotFoundError):
            missing()
