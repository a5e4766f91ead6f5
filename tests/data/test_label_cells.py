"""What a cell says about the class: one name, several, none; and which names are one, stand for
nothing, or are ids.
"""

from __future__ import annotations

import csv
import json
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests_support.datasets import build

from tl_core.data.cells.label_cells import EMPTY, holds_several, label_name, read_label
from tl_core.data.cells.label_lists import read_sets, several_in
from tl_core.data.checks.class_names import alike_key, check_counts, means_nothing
from tl_core.data.checks.text_facts import clean_label
from tl_core.data.versions.revise import fix_finding
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError


def found(version):
    return {finding["id"]: finding for finding in version.info.findings}


def version_of(folder, labels, each=8):
    folder.mkdir()
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        for number in range(each * len(labels)):
            writer.writerow(
                [
                    f"a sentence about subject {number * 7} and {number}",
                    labels[number % len(labels)],
                ]
            )
    return build(folder / "t.csv", folder / "v")


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("x", ["x"]),
        ('["x"]', ["x"]),
        ("['x']", ["x"]),
        ('{"choices": ["x"]}', ["x"]),
        ('[{"label": "x"}]', ["x"]),
        ("{'choices': ['x']}", ["x"]),
        ('{"choices": "x"}', ["x"]),
        ('[{"choices": ["x"]}]', ["x"]),
        ("('x',)", ["x"]),
        ("{'x'}", ["x"]),
        ('[ "x" ]', ["x"]),
        ('["it\'s"]', ["it's"]),
        (r"['it\'s']", ["it's"]),
        ('["schön"]', ["schön"]),
        ('["x", "x"]', ["x"]),
        ('{"label": "x", "score": 0.9}', ["x"]),
        ('[{"value": "x", "user_id": 3}]', ["x"]),
        ("{'x': 1.0, 'y': 0.0}", ["x"]),
        ("[27]", ["27"]),
        ("[-1]", ["-1"]),
        ('["New York"]', ["New York"]),
        ('["x", "y"]', ["x", "y"]),
        ("['x', 'y']", ["x", "y"]),
        ("['x' 'y']", ["x", "y"]),
        ("['x'\n 'y']", ["x", "y"]),
        ("[ 2 27]", ["2", "27"]),
        ('{"choices": ["x", "y"]}', ["x", "y"]),
        ('[{"label": "x"}, {"label": "y"}]', ["x", "y"]),
        ("{'x': 1, 'y': 1, 'z': 0}", ["x", "y"]),
        ("", []),
        ("  ", []),
        ("[]", []),
        ("[ ]", []),
        ('[""]', []),
        ("[null]", []),
        ("[None]", []),
        ("[NaN]", []),
        ("[nan]", []),
        ("{}", []),
        ('{"choices": []}', []),
    ],
)
def test_the_names_in_a_cell(cell, names):
    assert read_label(cell) == names


@pytest.mark.parametrize(
    "name",
    [
        "[spam]",
        "[spam, ham]",
        "[x] and [y]",
        "['a'] or ['b']",
        "(x)",
        "()",
        "{x}",
        '"x"',
        "[…]",
        "(-:)",
        "[1, spam]",
        "x [old]",
        "[old] x",
        "C++",
        "a;b",
        "a|b",
        "{'start': 0, 'end': 3, 'label': 'PER'}",
        '["' + "x" * 5000 + '"]',
        "[lambda: 1]",
        "[__import__('os')]",
        "{1: 2}",
    ],
)
def test_brackets_around_anything_else_are_part_of_the_name(name):
    assert read_label(name) == [name]


@given(st.text(max_size=30))
def test_any_cell_is_read_and_its_name_is_stable(cell):
    name = label_name(cell)
    assert clean_label(name) == name
    assert label_name(cell) == name


@given(
    st.lists(st.text(min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=4, unique=True)
)
def test_lists_come_back_from_json_and_from_python(names):
    assert read_label(json.dumps(names)) == names
    assert read_label(repr(names)) == names


@pytest.mark.parametrize("depth", [90, 600, 990, 1990])
def test_deeply_nested_brackets_do_no_harm(depth):
    assert read_label("[" * depth + "]" * depth) in ([], ["[" * depth + "]" * depth])


def test_a_cell_of_several_keeps_its_words():
    assert label_name(" ['x',  'y'] ") == "['x', 'y']"
    assert label_name('["x"]') == "x"
    assert label_name('[" x\u00a0y "]') == "x y"
    assert label_name("[]") == EMPTY and label_name("[nan]") == ""
    assert label_name('{"choices": []}') == label_name('{"a": 0, "b": 0}') == EMPTY


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("New\u00a0York", "New York"),
        ("New\u3000York", "New York"),
        ("New\u2009 York", "New York"),
        ("a\t\r\nb", "a b"),
        ("\u2003a\u202f", "a"),
        ("a\u2028b", "a b"),
        ("New  York", "New York"),
        ("ca\u200bt", "cat"),
        ("\ufeffcat", "cat"),
        ("c\u2060at", "cat"),
        ("ca\u00adt", "cat"),
        ("\u202ecat\u202c", "cat"),
        ("cat\u200e", "cat"),
        ("c\x00a\x07t", "cat"),
        ("cat\U000e0061", "cat"),
        ("e\u0301", "é"),
        ("\u200d", ""),
        ("\u200b \u00a0", ""),
    ],
)
def test_any_blank_is_one_blank_and_signs_without_a_shape_go(name, clean):
    assert clean_label(name) == clean


@pytest.mark.parametrize(
    "name",
    [
        "می\u200cخواهم",
        "کتاب\u200cها",
        "क्\u200dष",
        "हिन्दी",
        "東京タワー",
        "日本語",
        "さくら",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "🏳\ufe0f\u200d🌈",
        "สวัสดี",
        "Ελλάδα",
        "Привет",
        "ß",
    ],
)
def test_names_of_other_scripts_stay_exactly_as_they_were(name):
    assert clean_label(name) == unicodedata.normalize("NFC", name) == name


@pytest.mark.parametrize(
    "names",
    [
        ["a;b", "b;a", "a", "b"],
        ["a; b", "b; c", "c"],
        ["a|b", "b|c", "c"],
        ["x | y", "x | z", "w"],
        ["a；b", "b；c"],
        ['["a", "b"]', "a"],
        ["['a', 'b']", "c"],
        ['{"choices": ["a", "b"]}', "a"],
        ["[2, 14]", "27"],
        ["rain, snow", "snow, rain", "rain", "snow"],
        ["a, b", "b, c", "c, a"],
        ["雨、雪", "雪、雨", "雨", "雪"],
        ["[a, b]", "[b, a]", "a", "b"],
        ["drama|war|crime", "war|drama", "crime"],
    ],
)
def test_cells_that_list_several_are_sets_unless_a_person_says_otherwise(names):
    rows = np.arange(len(names))
    read = read_sets(names, rows)
    assert read.sets.several and read.sets.members.sum(axis=1).max() > 1
    assert not any(holds_several(name) or ";" in name for name in read.sets.classes)
    told = " ".join([*read.notes, *read.doubts])
    assert "several classes" in told
    single = read_sets(names, rows, "single_label")
    assert not single.sets.several and single.sets.classes == sorted(names)


@pytest.mark.parametrize(
    "names",
    [
        ["[spam]", "[ham]"],
        ["[spam]", "ham"],
        ["Health; Beauty", "Toys"],
        ["Health; Beauty", "Food; Drink", "Toys"],
        ["C|C++", "Java"],
        ["Books|Crime", "Books|Poems", "Toys|Soft"],
        ["rain, snow", "sun"],
        ["Paris, France", "Lyon, France", "Leeds, UK"],
        ["red, large", "red, small", "blue, large", "blue, small"],
        ["Smith, John", "Smith, Jane", "Doe, John"],
        ["yes", "no"],
        ["a;", "b;"],
        ["R&D", "Q&A"],
        ["1,5", "2,5", "3,5"],
    ],
)
def test_ordinary_names_with_signs_in_them_are_names(names):
    assert several_in(names) == []
    check_counts(Counter(dict.fromkeys(names, 5)))


def test_nearly_as_many_classes_as_rows_is_an_id():
    with pytest.raises(
        DataError, match="58 of 60 rows have a class of their own; that is an id or a text"
    ):
        check_counts(Counter({**{f"c{number}x": 1 for number in range(58)}, "common": 2}))
    with pytest.raises(DataError, match="have a class of their own"):
        check_counts(Counter({f"c{number}x": 1 for number in range(10)}))
    with pytest.raises(DataError, match="501 different classes"):
        check_counts(Counter({f"c{number}x": 1 for number in range(501)}))
    check_counts(Counter({f"c{number}x": 1 for number in range(9)}))
    check_counts(Counter({f"c{number}x": 2 for number in range(60)}))
    check_counts(Counter({**{f"c{number}x": 1 for number in range(7)}, "common": 3}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "1,0"),
        ("1", "01"),
        ("1", "1.00"),
        ("１", "1"),
        ("-2", "−2"),
        ("0.5", "0,50"),
        ("1.10", "1.1"),
        ("+1", "1"),
        ("-3", "-3.0"),
        ("٣", "3"),
        ("New York", "new-york"),
        ("new_york", "NEW YORK"),
        ("ＡＢ", "ab"),
        ("covid-19", "covid 19"),
        ("covid–19", "covid_19"),
        ("e-mail", "e‑mail"),
        ("a - b", "a b"),
        ("café", "CAFÉ"),
        ("ca\u200dt", "cat"),
        ("cat ", "cat"),
    ],
)
def test_names_that_a_person_would_take_for_one(one, other):
    assert alike_key(one) == alike_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-1", "1"),
        ("−1", "1"),
        ("-1.0", "1"),
        ("C", "C++"),
        ("C", "C#"),
        ("A-", "A"),
        ("A+", "A"),
        ("grade -1", "grade 1"),
        ("1", "10"),
        ("1.5", "15"),
        ("1,000", "1"),
        ("1", "I"),
        ("T-1", "T1"),
        ("e-mail", "email"),
        ("a/b", "a b"),
        ("2023", "2024"),
        ("0.1", "0.01"),
        ("résumé", "resume"),
    ],
)
def test_names_that_differ(one, other):
    assert alike_key(one) != alike_key(other)


def test_numbers_written_in_two_ways_are_offered_to_be_merged(tmp_path):
    version = version_of(tmp_path / "d", ["1", "1", "1.0", "-1", "2"])
    assert set(found(version)["similar_names"]["items"]) == {"1", "1.0"}
    (tmp_path / "w").mkdir()
    fix_finding(version, "similar_names", "merge", tmp_path / "w", "it@1")
    assert DatasetVersion(tmp_path / "w").info.labels == ["-1", "1", "2"]


@pytest.mark.parametrize(
    "name", ["nan", "NULL", "None", "n/a", "#N/A", "?", "Unknown", "<NA>", "#VALUE!"]
)
def test_a_class_that_stands_for_nothing_is_told_and_kept(tmp_path, name):
    assert means_nothing(name)
    version = version_of(tmp_path / "d", ["cat", "dog", name])
    assert name in version.info.labels
    told = found(version)["placeholder_classes"]
    assert (told["severity"], told["items"]) == ("info", [name])
    (tmp_path / "w").mkdir()
    fix_finding(version, "placeholder_classes", "remove_classes", tmp_path / "w", "it@1")
    assert DatasetVersion(tmp_path / "w").info.labels == ["cat", "dog"]


@pytest.mark.parametrize(
    "name", ["nancy", "nothing", "0", "other", "Nana", "true", "unknown caller", "-1"]
)
def test_other_names_mean_something(name):
    assert not means_nothing(name)


def test_the_majority_of_annotators_counts_where_a_column_says_who_they_are(tmp_path):
    lines = ["text,label,annotator", *_disagreeing()]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    told = found(version)
    assert told["disagreement"]["count"] == 2
    assert "1 of them have no commonest class" in told["disagreement"]["text"]
    assert "conflicting_labels" not in told
    assert Counter(version.info.labels[place] for place in version.labels if place >= 0) == {
        "a": 11,
        "b": 10,
    }


def test_the_majority_of_the_copies_is_offered_where_nobody_says_who_gave_a_class(tmp_path):
    lines = ["text,label", *(line.rpartition(",")[0] for line in _disagreeing())]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    told = found(version)["conflicting_labels"]
    assert told["count"] == 5
    assert "disagree" in told["text"]
    (tmp_path / "w").mkdir()
    fix_finding(version, "conflicting_labels", "majority", tmp_path / "w", "it@1")
    new = DatasetVersion(tmp_path / "w")
    kept = np.flatnonzero(new.splits != "removed")
    assert [new.info.labels[new.labels[row]] for row in kept[kept >= 20]] == ["a", "a", "a"]


def _disagreeing() -> list[str]:
    """Twenty plain rows, a text that two of three call a, and one that two call a and b."""
    return [
        *(f"a sentence about subject {n * 7} and {n},{'ab'[n % 2]},ann" for n in range(20)),
        *(
            f"which one is it then,{label},{who}"
            for label, who in (("a", "ann"), ("a", "bob"), ("b", "cy"))
        ),
        *(f"and who can tell of this,{label},{who}" for label, who in (("a", "ann"), ("b", "bob"))),
    ]
