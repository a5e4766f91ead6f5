"""What people bring, tolerant and hostile."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from tests_support.datasets import LIMITS, build, write_pictures

from tl_core.data.limits import Limits
from tl_core.data.sources.archive import unpack
from tl_core.data.sources.detect import open_source
from tl_core.errors import DataError


def zip_of(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def folder_of(root: Path, names: list[str]) -> Path:
    picture = (write_pictures(root.parent / "_p", each=1) / "red" / "0.png").read_bytes()
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture)
    return root


def open_folder(tmp_path, names):
    return open_source(folder_of(tmp_path / "d", names), tmp_path / "s", LIMITS)


def test_class_folders_upper_case_nested_and_wrapped(tmp_path):
    source = open_folder(
        tmp_path,
        [
            "photos/My Data/cat/1.JPG",
            "photos/My Data/cat/deep/er/2.jpeg",
            "photos/My Data/dog/3.PNG",
        ],
    )
    assert sorted((image.label, image.split) for image in source.files) == [
        ("cat", ""),
        ("cat", ""),
        ("dog", ""),
    ]


def test_split_folders_are_recognised(tmp_path):
    source = open_folder(
        tmp_path,
        ["x/Training/cat/1.png", "x/Training/dog/1.png", "x/dev/cat/2.png", "x/TEST/dog/3.png"],
    )
    assert {image.split for image in source.files} == {"train", "validation", "test"}
    assert {image.label for image in source.files} == {"cat", "dog"}


def test_a_class_called_test_among_others_stays_a_class(tmp_path):
    source = open_folder(tmp_path, ["test/1.png", "exam/2.png", "quiz/3.png"])
    assert {image.label for image in source.files} == {"test", "exam", "quiz"}


def test_stray_files_are_skipped_and_listed(tmp_path):
    root = folder_of(
        tmp_path / "d",
        [
            "cat/1.png",
            "dog/2.png",
            "__MACOSX/cat/._1.png",
            "cat/.DS_Store",
            "cat/notes.docx",
            "cat/logo.svg",
            "loose.png",
        ],
    )
    (root / "cat" / "link.png").symlink_to("/etc/passwd")
    source = open_source(root, tmp_path / "s", LIMITS)
    assert len(source.files) == 2
    reasons = {item["item"]: item["reason"] for item in source.skipped}
    assert set(reasons) == {
        "__MACOSX/cat/._1.png",
        "cat/.DS_Store",
        "cat/notes.docx",
        "cat/logo.svg",
        "cat/link.png",
        "loose.png",
    }
    assert "link" in reasons["cat/link.png"]


@pytest.mark.parametrize(
    ("names", "words"),
    [(["1.png", "2.png"], "no folders"), ([], "no photos, recordings, texts or tables")],
)
def test_unusable_folders_are_explained(tmp_path, names, words):
    (tmp_path / "d").mkdir()
    with pytest.raises(DataError, match=words):
        open_folder(tmp_path, names)


@pytest.mark.parametrize(
    "name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:/evil.png", "..\\evil.png"]
)
def test_zip_slip_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="outside itself"):
        unpack(zip_of(tmp_path / "z.zip", {name: b"x"}), tmp_path / "out", LIMITS)
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_a_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        link = zipfile.ZipInfo("cat/1.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="link"):
        unpack(tmp_path / "z.zip", tmp_path / "out", LIMITS)


def test_a_zip_bomb_is_refused(tmp_path):
    bomb = zip_of(tmp_path / "z.zip", {"a.csv": b"\0" * (64 << 20)})
    with pytest.raises(DataError, match="bomb"):
        unpack(bomb, tmp_path / "out", LIMITS)
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*")) < 40 << 20


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("gb18030", ["动物/猫/照片一.png", "动物/狗/照片二.png"]),
        ("cp932", ["写真/ねこ/一.png", "写真/いぬ/二.png"]),
        ("utf-8", ["été/chat/1.png", "été/chien/2.png"]),
        ("cp437", ["Käfer/grün/1.png", "Käfer/süß/2.png"]),
    ],
)
def test_names_that_a_zip_does_not_mark_are_read_in_their_encoding(tmp_path, encoding, names):
    class Unmarked(zipfile.ZipInfo):
        def _encodeFilenameFlags(
            self,
        ):
            return self.filename.encode(encoding), self.flag_bits & ~0x800

    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in names:
            archive.writestr(Unmarked(name), b"x")
    unpack(tmp_path / "z.zip", tmp_path / "out", LIMITS)
    assert sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")
    ) == sorted(names)


def test_bounds_hold_while_streaming(tmp_path):
    import os

    big = zip_of(tmp_path / "z.zip", {"a.bin": os.urandom(3 << 20)})
    with pytest.raises(DataError, match="more than this server allows"):
        unpack(big, tmp_path / "out", Limits(1 << 20, 10))
    many = zip_of(tmp_path / "m.zip", {f"{i}.txt": b"" for i in range(20)})
    with pytest.raises(DataError, match="limit is 10"):
        unpack(many, tmp_path / "out2", Limits(1 << 20, 10))


def test_a_damaged_or_locked_zip_is_explained(tmp_path):
    (tmp_path / "z.zip").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(DataError, match="cannot be read"):
        unpack(tmp_path / "z.zip", tmp_path / "out", LIMITS)


def test_tables_named_by_split_are_one_dataset(tmp_path):
    rows = b"text,label\n" + b"".join(b"hello %d,a\nbye %d,b\n" % (i, i) for i in range(10))
    other = rows.replace(b"hello", b"hi").replace(b"bye", b"cheers")
    version = build(
        zip_of(tmp_path / "z.zip", {"my-train.csv": rows, "my_test.csv": other}), tmp_path / "v"
    )
    assert version.info.splits["test"] == 20
    assert version.info.splits["train"] + version.info.splits["validation"] == 20


def test_tables_that_do_not_belong_together_are_refused(tmp_path):
    with pytest.raises(DataError, match="not clear how they belong"):
        open_source(
            zip_of(tmp_path / "z.zip", {"a.csv": b"x", "b.csv": b"y"}), tmp_path / "s", LIMITS
        )


def test_an_unknown_file_says_what_to_bring(tmp_path):
    (tmp_path / "talk.pptx").write_bytes(b"x")
    with pytest.raises(DataError, match="Make one folder for each class"):
        open_source(tmp_path / "talk.pptx", tmp_path / "s", LIMITS)
