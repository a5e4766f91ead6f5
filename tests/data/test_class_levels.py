"""Class names that are paths: recognised where they form a tree, and never by surprise."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_support.datasets import build, write_texts

from tl_core.data import class_levels
from tl_core.data.class_levels import recognised, split_names
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import decide
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.engine import open_database
from tl_core.errors import DataError
from tl_core.registry.datasets import DatasetStore
from tl_core.services.datasets import add_dataset, relabel_dataset
from tl_core.settings import read_settings

TREES = {
    "/": ["animal/dog", "animal/cat", "plant/oak", "plant/rose", "plant/fern"],
    "::": ["a::x", "a::y", "b::x", "b::y", "b::z::w"],
    "|": ["tools|saw", "tools|axe", "toys|ball", "toys|kite"],
    ">": ["Home > Kitchen > Pots", "Home > Kitchen > Pans", "Home > Bath", "Garden > Tools",
          "Garden > Seeds"],
    "\\": ["x\\a", "x\\b", "y\\a", "y\\b", "rest"],
}  # fmt: skip
NO_TREES = [
    ["and/or", "yes", "no"],
    ["and/or", "he/she", "his/her"],
    ["2024/05/01", "2024/06/01", "2025/05/01", "2025/07/09"],
    ["12/24", "12/25", "11/24", "11/25"],
    ["1/2", "1/4", "3/4", "3/8"],
    ["N/A", "good", "bad"],
    ["black/white", "red/green", "blue/yellow"],
    ["animal/dog", "animal/cat"],  # one topmost name tells nothing apart
    ["a/", "b/", "/c", "/d"],
    ["https://x.org", "mail"],
    ["dog", "cat"],
    ["animal/dog", "animal/cat", "fish", "bird", "worm", "plant/oak"],  # only half of them
    ["1/1000 s", "1/500 s", "1/250 s", "2/3 s"],
    [],
]


@pytest.mark.parametrize("sign", TREES)
def test_trees_are_recognised_by_what_most_classes_share(sign):
    assert recognised(TREES[sign]) == sign


@pytest.mark.parametrize("names", NO_TREES, ids=str)
def test_what_is_no_tree_is_never_taken_for_one(names):
    assert recognised(names) == ""


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.text("ab/:>|\\ 12", min_size=1, max_size=8), unique=True, max_size=12))
def test_every_class_has_a_path_whatever_its_name_is(names):
    for sign in class_levels.KNOWN:
        paths = split_names(names, sign).paths
        assert len(paths) == len(names) and all(path and all(path) for path in paths)
    recognised(names)


def test_a_separator_is_chosen_kept_and_carried_on(tmp_path, home):
    own = read_settings()
    store = DatasetStore(open_database(own), "local", own.home_path)
    path = write_texts(tmp_path / "t.csv")
    path.write_text(path.read_text().replace(",good", ",x~good").replace(",bad", ",x~bad"))
    record, *_ = add_dataset(store, own, str(path), "notes", ImportOptions())
    names = DatasetVersion(record.folder).info.labels
    assert class_levels.levels_of(record.folder, names) is None
    class_levels.choose(record.folder, "~", names)
    levels = class_levels.levels_of(record.folder, names)
    assert levels.depth == 2 and set(levels.paths) == {("x", "good"), ("x", "bad")}
    decide(DatasetVersion(record.folder), 0, "drop")
    newer, *_ = relabel_dataset(store, record.reference)
    assert newer.version == 2 and class_levels.choice_of(newer.folder) == "~"
    class_levels.choose(newer.folder, "none", names)
    assert class_levels.levels_of(newer.folder, names) is None
    assert class_levels.choice_of(record.folder) == "~"


@pytest.mark.parametrize("sign", ["", "  ", "abc", "1", "//////", "~"])
def test_what_separates_nothing_is_refused(tmp_path, sign):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    with pytest.raises(DataError, match="cannot separate"):
        class_levels.choose(version.folder, sign, version.info.labels)
    assert class_levels.choice_of(version.folder) == "auto"
