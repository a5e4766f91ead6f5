"""Backups that lie, are cut or newer, or would cover something: refused, and nothing is left."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tl_core.errors import DataError, StateError
from tl_core.services.backup import back_up
from tl_core.services.restore import restore
from tl_core.settings import Settings


def rewritten(archive, target, change):
    """A copy of an archive whose manifest and entries `change` has had in its hands."""
    with zipfile.ZipFile(archive) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(entries.pop("manifest.json"))
    change(manifest, entries)
    with zipfile.ZipFile(target, "w") as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
        opened.writestr("manifest.json", json.dumps(manifest))
    return target


def plant(name):
    """A change that adds a file of that name, with the right sum."""

    def change(manifest, entries):
        entries[name] = b"x"
        facts = {"bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
        manifest["files"][name] = facts

    return change


def link(name, known):
    return lambda manifest, entries: manifest["links"].update({name: known})


def spoil(manifest, entries):
    entries["runs/r1/config.json"] = b"[]"


def swap(manifest, entries):
    manifest["files"]["runs/r1/config.json"]["bytes"] = 9


LIES = {
    "a file above the home": plant("../evil"),
    "one above, by a detour": plant("runs/../../evil"),
    "an absolute name": plant("/tmp/evil"),
    "a name of another system": plant("runs\\..\\..\\evil"),
    "a file beside the folders": plant("cookie_secret"),
    "another database": plant("graft.db"),
    "a folder that is not kept": plant("staging/x"),
    "a name with a dot": plant("runs/./x"),
    "a file where a folder is": plant("runs/r1"),
    "content that differs": spoil,
    "another length": swap,
    "a file that the manifest lacks": lambda m, e: e.update({"runs/r1/more": b"x"}),
    "a file that the archive lacks": lambda m, e: e.pop("runs/r1/config.json"),
    "a link to nothing": link("runs/r1/x", "runs/r1/none"),
    "a link out": link("../evil", "runs/r1/config.json"),
    "a link over a file": link("models/m/config.json", "runs/r1/config.json"),
    "a link to the database": link("runs/r1/x", "database"),
    "no files": lambda m, e: m.pop("files"),
    "files that are none": lambda m, e: m.update(files=7),
    "no database": lambda m, e: (m["files"].pop("database"), e.pop("database")),
    "a database that is none": lambda m, e: (
        e.update(database=b"no database at all, but long enough"),
        m["files"].update(
            database={
                "bytes": 35,
                "sha256": hashlib.sha256(b"no database at all, but long enough").hexdigest(),
            }
        ),
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_lies_leaves_nothing(saved, tmp_path, lie):
    _, archive, _ = saved
    false = rewritten(archive, tmp_path / "false.graft", LIES[lie])
    before = {path for path in tmp_path.rglob("*") if "new" not in path.parts}
    with pytest.raises((DataError, StateError), match="damaged"):
        restore(false, tmp_path / "new", Settings())
    assert not (tmp_path / "new").exists() or list((tmp_path / "new").iterdir()) == []
    assert {path for path in tmp_path.rglob("*") if "new" not in path.parts} == before
    assert not Path("/tmp/evil").exists()


def test_an_archive_that_is_cut_or_none_is_refused(saved, tmp_path):
    _, archive, _ = saved
    whole = archive.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PK\3\4nothing"):
        (tmp_path / "cut.graft").write_bytes(content)
        with pytest.raises(DataError, match="damaged, or no backup"):
            restore(tmp_path / "cut.graft", tmp_path / "new", Settings())


def test_what_is_newer_is_refused(saved, tmp_path):
    _, archive, _ = saved
    for key, change in {
        "format": lambda m, e: m.update(format=2),
        "schema": lambda m, e: m["database"].update(schema="9999"),
    }.items():
        newer = rewritten(archive, tmp_path / f"{key}.graft", change)
        with pytest.raises(StateError, match="newer version"):
            restore(newer, tmp_path / "new", Settings())


def test_nothing_is_written_over(saved, tmp_path):
    settings, archive, _ = saved
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(StateError, match="not empty"):
        restore(archive, tmp_path / "full", Settings())
    with pytest.raises(StateError, match="there already"):
        back_up(settings, archive)
    with pytest.raises(StateError, match="hold itself"):
        back_up(settings, settings.home_path / "runs" / "x.graft")
    with pytest.raises(StateError, match="no database"):
        back_up(Settings(home=str(tmp_path / "full")), tmp_path / "other.graft")
    with pytest.raises(StateError, match="TL_DATABASE_URL says which"):
        restore(archive, tmp_path / "new", Settings(database_url="postgresql://nowhere/x"))
    assert not list(tmp_path.glob("other*")) and not (tmp_path / "new").exists()


def test_an_empty_disk_is_a_home(saved, tmp_path):
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    restore(saved[1], tmp_path / "disk", Settings())
    assert (tmp_path / "disk" / "graft.db").is_file()


def test_a_disk_without_room_is_told_before_anything_is_written(saved, tmp_path, monkeypatch):
    settings, archive, _ = saved
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(StateError, match="0.0 GB are free"):
        back_up(settings, tmp_path / "more.graft")
    with pytest.raises(StateError, match="0.0 GB are free"):
        restore(archive, tmp_path / "new", Settings())
