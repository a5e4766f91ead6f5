"""Where items come from: columns and folders that say so, and a version as a training sees it that
is meant for one of these domains.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from tests_support.datasets import LIMITS, build, write_pictures, write_texts
from tests_support.shifted import write_shops

from tl_core.config import AdaptSettings
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.domains import (
    SOURCE_TEST,
    TARGET,
    TARGET_TEST,
    HeldOutVersion,
    as_meant,
    classes_beyond,
    domain_columns,
    domains_of,
    judged_by_target,
    targeted,
    with_target,
)
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import AmbiguousError, DataError, NotFoundError
from tl_core.recipes.shared.common import SealedVersion
from tl_core.train.setup.across import unjudged


@pytest.fixture
def shops(tmp_path):
    return build(write_shops(tmp_path / "t.csv", unlabelled=10), tmp_path / "v")


def test_a_column_names_the_domains(shops):
    assert domain_columns(shops) == ["shop"]
    domains = domains_of(shops, "shop")
    assert domains.names == ["north", "south"]
    counts = np.bincount(domains.numbers + 1)
    assert counts.tolist() == [10, 40, 40]
    assert domains.rows_in("south").sum() == 40


def test_columns_that_are_no_domains(tmp_path):
    lines = ["text,label,id,same"]
    lines += [f"words number {n} of many,{'ab'[n % 2]},{n},x" for n in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    assert domain_columns(version) == []
    for column, words in (("id", "80 different values"), ("same", "1 different values")):
        with pytest.raises(DataError, match=words):
            domains_of(version, column)
    with pytest.raises(NotFoundError, match="no column 'ids'"):
        domains_of(version, "ids")


def test_without_further_columns_it_is_said_what_to_bring(tmp_path):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    with pytest.raises(NotFoundError, match="Bring the data with a column"):
        domains_of(version, "shop")


def test_a_target_is_read_without_its_labels_and_judged_by_what_is_not_read(shops):
    seen = targeted(shops, "shop", "", "south")
    south = domains_of(shops, "shop").rows_in("south")
    for split in ("train", "validation"):
        rows = seen.rows_of(split)
        assert len(rows) and not south[rows].any()
        assert (np.isin(rows, shops.rows_of(split))).all()
        assert (seen.labels[rows] == shops.labels[rows]).all()
    assert south[seen.rows_of(TARGET)].all()
    assert (seen.labels[seen.rows_of(TARGET)] == -1).all()
    assert set(seen.rows_of("test")) == {
        row for row in shops.rows_of("validation", "test") if south[row]
    }
    assert not set(seen.rows_of(TARGET)) & set(seen.rows_of("test"))
    assert (seen.labels[seen.rows_of("test")] >= 0).all()
    assert (seen.labels[seen.rows_of(SOURCE_TEST)] == -1).all()
    assert seen.info.fingerprint != shops.info.fingerprint
    assert sum(seen.info.splits.values()) == len(shops.labels)
    assert judged_by_target(seen, "shop", "south")


@pytest.fixture
def cases(tmp_path):
    """A letter of each case went to both shops."""
    lines = ["text,label,shop,case"]
    for n, words in enumerate(permutations(("red", "old", "far", "wet", "odd"), 3)):
        lines += [f"{shop} {' '.join(words)},{'ab'[n % 2]},{shop},{n}" for shop in ("n", "s")]
    (tmp_path / "t.csv").write_text("\n".join([*lines, "we know of nothing at all,a,n,77"]))
    return build(tmp_path / "t.csv", tmp_path / "v", group_column="case")


def test_a_held_out_domain_is_asked_of_who_has_seen_no_copy_of_it(cases):
    asked = domains_of(cases, "shop").rows_in("s")
    seen = HeldOutVersion(cases, ~asked, asked)
    judged = cases.groups[seen.rows_of("test")]
    learnt = seen.rows_of("train", "validation")
    assert len(judged) and learnt.tolist() == [len(cases.labels) - 1]
    assert not np.isin(cases.groups[seen.labels >= 0], judged).any()


def test_a_target_judges_who_has_seen_no_copy_of_it(cases):
    seen = targeted(cases, "shop", "", "s")
    judged = cases.groups[seen.rows_of("test")]
    assert len(judged) and len(seen.rows_of("train")) and len(seen.rows_of("validation"))
    assert not np.isin(cases.groups[seen.rows_of("train", "validation")], judged).any()
    assert set(seen.rows_of("test")) == {*cases.rows_of("test")} & {
        *np.flatnonzero(domains_of(cases, "shop").rows_in("s"))
    }  # those of the validation are copies of what chooses


def test_copies_of_the_targets_own_test_items_are_not_learnt_from(tmp_path):
    lines = ["text,label,shop,split"]
    lines += [f"north {n} {n * n},{'ab'[n % 2]},n,train" for n in range(20)]
    lines += [
        f"south {n} {n * n},{'ab'[n % 2]},s,{('train', 'validation')[n > 9]}" for n in range(20)
    ]
    lines += [
        f"the very same {word},{'ab'[n % 2]},{shop},{split}"
        for n, word in enumerate(("red house", "old tree"))
        for shop, split in (("n", "train"), ("s", "test"))
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v", remove_leaks=False)
    seen = targeted(version, "shop", "", "s")
    texts = version.texts(seen.rows_of("train"))
    assert len(texts) and not any("very same" in text for text in texts)
    assert sum("very same" in text for text in version.texts(seen.rows_of("test"))) == 2


def test_a_sealed_version_keeps_what_is_laid_over_it(shops):
    seen = targeted(shops, "shop", "", "south")
    sealed = SealedVersion(seen)
    assert (sealed.splits == seen.splits).all()
    assert sealed.info == seen.info
    assert (sealed.labels[sealed.rows_of("test")] == -1).all()
    assert (sealed.labels[sealed.rows_of("train")] == seen.labels[seen.rows_of("train")]).all()


def test_rows_without_a_class_are_a_target_that_nothing_can_judge(shops):
    seen = as_meant(AdaptSettings(), shops)
    assert set(seen.rows_of(TARGET)) == set(shops.rows_of("unlabelled"))
    for split in ("train", "validation", "test"):
        assert (seen.rows_of(split) == shops.rows_of(split)).all()
    assert not judged_by_target(seen, "", "unlabelled")


def test_one_source_leaves_the_others_apart(tmp_path):
    lines = ["text,label,year"]
    lines += [f"words {n} of {n % 7},{'ab'[n % 2]},{2020 + n % 3}" for n in range(120)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    domains = domains_of(version, "year")
    seen = targeted(version, "year", "2020", "2021")
    assert domains.rows_in("2020")[seen.rows_of("train", "validation")].all()
    assert domains.rows_in("2022")[seen.rows_of("apart")].all()
    assert (seen.labels[seen.rows_of("apart")] == -1).all()


def test_settings_without_a_target_leave_the_version_as_it_is(shops):
    assert as_meant(object(), shops) is shops


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"domain_column": "shop", "target_domain": "west"}, "no domain 'west'"),
        ({"domain_column": "store", "target_domain": "south"}, "no column 'store'"),
        ({"domain_column": "shop", "source_domain": "east"}, "no domain 'east'"),
    ],
)
def test_what_is_not_there_is_said(shops, settings, words):
    with pytest.raises(NotFoundError, match=words):
        as_meant(AdaptSettings(**settings), shops)


def test_a_target_dataset_of_other_classes_is_refused_and_one_of_some_is_not(shops, tmp_path):
    def others(*names):
        folder = tmp_path / names[0]
        folder.mkdir()
        lines = [f"words {n},{names[n % len(names)]}" for n in range(60)]
        (folder / "o.csv").write_text("\n".join(["text,label", *lines]) + "\n")
        return build(folder / "o.csv", folder / "v")

    with pytest.raises(DataError, match="No class of the target dataset"):
        with_target(shops, others("house", "elephant"))
    some = others(shops.info.labels[0], "cat")
    assert len(with_target(shops, some).rows_of(TARGET_TEST))
    assert classes_beyond(shops, some) == {"cat": 30}
    [finding] = unjudged(shops, some)
    assert "lacks: 'cat' (30)." in finding.text and finding.count == 30
    written = others("GOOD", " bad")  # as another person writes them
    assert unjudged(shops, written) == []
    seen = with_target(shops, written)
    judges = seen.rows_of(TARGET_TEST)
    said = written.label_names(judges - len(shops.labels))
    assert [name.strip().lower() for name in said] == seen.label_names(judges)


def test_a_target_of_which_nothing_may_be_read_is_refused(tmp_path):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    with pytest.raises(DataError, match="no items of the target 'unlabelled'"):
        as_meant(AdaptSettings(), version)


def imported(source, folder, **options):
    """A version of a folder, its options known when it is opened."""
    chosen = ImportOptions(**options)
    folder.mkdir()
    opened = open_source(source, folder / "staging", LIMITS, chosen)
    build_version({"": opened}, chosen, folder, source.name)
    return DatasetVersion(folder)


@pytest.fixture
def kinds(tmp_path):
    for kind in ("photo", "sketch"):
        write_pictures(tmp_path / "d" / kind, each=8)
    return tmp_path / "d"


def test_the_folder_above_the_class_is_kept_as_the_domain(kinds, tmp_path):
    with pytest.raises(AmbiguousError, match="which folder level"):
        imported(kinds, tmp_path / "asked")
    version = imported(kinds, tmp_path / "v", class_level=2)
    assert version.info.labels == ["blue", "green", "red"]
    domains = domains_of(version, "domain")
    assert domains.names == ["photo", "sketch"]
    for name, row in zip(version.names(np.arange(48)), range(48), strict=True):
        assert domains.names[domains.numbers[row]] == name.split("/")[0]
    taken = {one["role"]: one for one in version.info.plan["columns"]}
    assert "photo, sketch" in taken["domain"]["reason"]


def test_documents_keep_it_too(tmp_path):
    for shop in ("north", "south"):
        for label in ("good", "bad"):
            folder = tmp_path / "d" / shop / label
            folder.mkdir(parents=True)
            for number in range(8):
                (folder / f"{number}.txt").write_text(f"a {label} text {number} of {shop}")
    version = imported(tmp_path / "d", tmp_path / "v", class_level=2)
    assert domains_of(version, "domain").names == ["north", "south"]


def test_files_outside_the_domains_have_none(kinds, tmp_path):
    train = tmp_path / "e" / "train"
    train.parent.mkdir()
    kinds.rename(train)
    (tmp_path / "e" / "test").mkdir()
    source = next(train.rglob("*.png"))
    for number in range(3):
        (tmp_path / "e" / "test" / f"{number}.png").write_bytes(source.read_bytes())
    version = imported(tmp_path / "e", tmp_path / "v", class_level=2)
    assert (domains_of(version, "domain").numbers == -1).sum() == 3


def test_the_first_level_has_nothing_above_it(kinds, tmp_path):
    version = imported(kinds, tmp_path / "v", class_level=1)
    assert domain_columns(version) == []
