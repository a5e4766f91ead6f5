"""Which picture a row of a table means, and lists of pictures and of class names."""

from __future__ import annotations

import pytest

from tl_core.data.layouts.class_lists import ClassList, find_class_list
from tl_core.data.layouts.file_names import FileNames
from tl_core.data.layouts.list_files import list_head
from tl_core.data.sources.types import ItemFile
from tl_core.errors import DataError


@pytest.fixture
def known(tmp_path):
    def make(*names, splits=()):
        files = []
        for place, name in enumerate(names):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes([place]) * (place + 1))
            files.append(ItemFile(path, name, "", splits[place] if splits else ""))
        return FileNames(files, tmp_path, tmp_path)

    return make


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("cat/6.jpg", "cat/6.jpg"),
        ("dog/6.jpg", None),
        ("./cat/6.jpg", "cat/6.jpg"),
        ("CAT/6.JPG", "cat/6.jpg"),
        ("C:\\photos\\cat\\6.jpg", "cat/6.jpg"),
        ("/Users/bob/set/cat/6.jpg", "cat/6.jpg"),
        ("6.jpg", "cat/6.jpg"),
        ("6", "cat/6.jpg"),
        ("6.png", "cat/6.jpg"),
        ("dog/6.png", None),
        ("7.jpg", None),
        ("", None),
        ("../../etc/6.jpg", None),
    ],
)
def test_a_row_never_means_a_picture_of_another_folder(known, told, found):
    one = known("cat/6.jpg", "dog/5.jpg").find(told)
    assert (one.name if one else None) == found


def test_capitals_count_where_two_names_differ_in_nothing_else(known):
    names = known("IMG1.jpg", "img1.jpg")
    assert [names.find(name).name for name in ("IMG1.jpg", "img1.jpg")] == ["IMG1.jpg", "img1.jpg"]
    with pytest.raises(DataError, match="could be 2 pictures"):
        names.find("Img1.jpg")


def test_a_name_that_fits_two_is_refused_unless_splits_or_bytes_make_them_one(known, tmp_path):
    with pytest.raises(DataError, match="'a/1.png' and 'b/1.png'"):
        known("a/1.png", "b/1.png").find("1.png")
    names = known("train/1.png", "test/1.png", splits=("train", "test"))
    assert names.find("1").name == "train/1.png"
    assert names.at(tmp_path, "test").find("1").name == "test/1.png"
    same = known("x/2.png", "y/2.png")
    (tmp_path / "y/2.png").write_bytes((tmp_path / "x/2.png").read_bytes())
    assert same.find("2.png").name == "x/2.png"


def test_names_are_compared_in_one_form_of_accents(known):
    assert known("cafe\u0301.png").find("caf\u00e9.png").name == "cafe\u0301.png"


@pytest.mark.parametrize(
    ("lines", "columns", "label"),
    [
        ("cat/6.jpg 3\ndog/5.jpg 4\n", ["file", "label"], "3"),
        ("cat/6.jpg\ndog/5.jpg\n", ["file", "label"], ""),
        ("3\tcat/6.jpg\n4\tdog/5.jpg\n", None, ""),
        ("cat/6.jpg,big cat\ndog/5.jpg,small dog\n", ["file", "label"], "big cat"),
        ("6 1 1 2\n5 2 1 1\n", ["file", "field 2", "field 3", "field 4"], ""),
        ("cat/6.jpg n01 0 32 44 62\ndog/5.jpg n02 1 2 3 4\n", ["file", "label"], "n01"),
    ],
)
def test_lists_of_paths_and_classes(known, tmp_path, lines, columns, label):
    (tmp_path / "list.txt").write_text(lines)
    head = list_head(tmp_path / "list.txt", known("cat/6.jpg", "dog/5.jpg"))
    assert (None if head is None else list(head.columns)) == columns
    assert head is None or "label" not in head.columns or head["label"][0] == label


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("classes.txt", "cat\ndog\n", {0: "cat", 1: "dog"}),
        ("labels.txt", "0 cat\n1 dog\n", {0: "cat", 1: "dog"}),
        ("id2label.json", '{"0": "cat", "1": "dog"}', {0: "cat", 1: "dog"}),
        ("class_to_idx.json", '{"cat": 0, "dog": 1}', {0: "cat", 1: "dog"}),
        (
            "label_num_to_disease_map.json",
            '{"0": "blight", "1": "healthy"}',
            {0: "blight", 1: "healthy"},
        ),
        ("class_dict.csv", "class_index,class\n0,cat\n1,dog\n", {0: "cat", 1: "dog"}),
        ("notes.txt", "buy milk\ncall Bob\n", {}),
        ("train.csv", "id,label\n1,cat\n2,dog\n", {}),
        ("labels.csv", "id,label\n1,cat\n2,dog\n3,cat\n", {}),
        ("2.txt", "a text\nof two lines\n", {}),
    ],
)
def test_lists_of_class_names(tmp_path, name, content, names):
    (tmp_path / name).write_text(content)
    assert find_class_list(tmp_path / name).names == names


def test_a_list_counts_from_where_the_data_does():
    three = ClassList({0: "a", 1: "b", 2: "c"})
    assert three.meaning(["0", "2"]) == {"0": "a", "2": "c"}
    assert three.meaning(["1", "2", "3"]) == {"1": "a", "2": "b", "3": "c"}
    assert three.meaning(["1", "2"]) == {}  # from 0 or from 1: nobody knows
    assert ClassList({1: "a", 2: "b"}, numbered=True).meaning(["1", "2.0"]) == {
        "1": "a",
        "2.0": "b",
    }
    assert three.meaning(["cat"]) == {}
