"""The data layer knows no modality by name: another one is an entry in the table and a class."""

from __future__ import annotations

import zipfile

import pyarrow.parquet as pq
import pytest
from tests_support.datasets import LIMITS, build, write_pictures, write_texts
from tests_support.tremors import among_others

from tl_core.data.item_kind import ItemKind, extra_column, kind_of
from tl_core.data.preview import look_into, plan_import
from tl_core.data.versions.diff import compare_versions
from tl_core.data.versions.export import FORMATS, formats_of, take_out
from tl_core.data.versions.revise import restore
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.modalities import MODALITIES


@pytest.fixture
def tremors(tmp_path):
    for number in range(40):
        file = tmp_path / "tremors" / ("bark", "meow")[number % 2] / f"{number}.trace"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"RIFF" + bytes([number]) * number)
    with among_others():
        yield tmp_path / "tremors"


def test_a_further_modality_becomes_a_dataset(tremors, tmp_path):
    version = build(tremors, tmp_path / "v")
    info = version.info
    assert (info.modality, info.rows, info.classes) == ("tremor", 40, {"bark": 20, "meow": 20})
    assert any(finding["id"] == "silent" for finding in info.findings)
    assert info.plan["sample"][0]["tremor"].endswith(" bytes")
    assert version.titles(version.rows_of("test")) == version.names(version.rows_of("test"))


def test_it_is_looked_at_before_and_planned(tremors, tmp_path):
    looked = look_into(tremors, tmp_path / "s", LIMITS, {})
    assert (looked["modality"], looked["rows"]) == ("tremor", 40)
    planned = plan_import(tremors, tmp_path / "s", LIMITS, {})
    assert sum(sum(splits.values()) for splits in planned["classes"].values()) == 40


def test_it_is_compared_restored_and_taken_out(tremors, tmp_path):
    version = build(tremors, tmp_path / "v")
    (tmp_path / "w").mkdir()
    restore(version, tmp_path / "w", "it@1", "it@1")
    assert compare_versions(version, DatasetVersion(tmp_path / "w"))["same"] == 40
    assert formats_of("tremor") == ["folders", "parquet"]
    take_out(version, tmp_path / "o.zip", "folders")
    assert len(zipfile.ZipFile(tmp_path / "o.zip").namelist()) == 41
    take_out(version, tmp_path / "o.parquet", "parquet")
    assert pq.read_table(tmp_path / "o.parquet").column_names == ["tremor", "label", "split"]
    with pytest.raises(DataError, match="Texts and tremors cannot be compared"):
        compare_versions(build(write_texts(tmp_path / "t.csv"), tmp_path / "t"), version)


def test_its_column_is_kept_from_columns_of_a_source(tremors):
    assert extra_column("tremor") == "input_tremor"
    assert extra_column("colour") == "colour"


def test_pictures_and_texts_are_recognised_beside_it(tremors, tmp_path):
    assert build(write_texts(tmp_path / "t.csv"), tmp_path / "v").info.modality == "text"
    assert build(write_pictures(tmp_path / "d"), tmp_path / "w").info.modality == "image"


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_offers_all_that_is_asked(modality):
    kind = kind_of(modality)
    asked = {name for name in vars(ItemKind) if not name.startswith("_")}
    assert not {name for name in asked if not hasattr(kind, name)}
    assert set(kind.formats) <= set(FORMATS)
