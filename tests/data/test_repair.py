"""Texts that were decoded wrongly or hold what nobody wrote are found, and repaired in a new
version.
"""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pytest
from tests_support.datasets import build

from tl_core.data.checks.text_faults import CONTROL, ENTITY, HIDDEN, LOST, MOJIBAKE, text_faults
from tl_core.data.preparation import Preparation, repaired
from tl_core.data.versions.items import open_items
from tl_core.data.versions.revise import fix_finding, restore
from tl_core.data.versions.store import DatasetVersion

WRONG = [
    "bÃ©art went home",
    "itâ€™s late",
    "Ð¿Ñ€Ð¸Ð²ÐµÑ‚ to all",
    "РџСЂРёРІРµС‚ РјРёСЂ",
    "schÃ¶n ist es",
    "only Â£5 today",
    "donâ\x80\x99t go",
    "ï»¿hello there",
    "thanks ðŸ˜€",
    "æ—¥æœ¬ is far",
    "â‚¬ 5 more",
    "voilÃ\xa0tout",
    "â€œhelloâ€\x9d",
    "Å‚Ã³dÅº town",
    "TÃ¼rkÃ§e yaz",
    "fÃƒÂ¼r twice",
    "Ă©tĂ© chaud",
    "caf√© au lait",
]
RIGHT = [
    "béart",
    "SÃO PAULO",
    "NÃO, AÇÃO E MAÇÃ… boa",
    "“A IRMÃ” disse",
    "à\u00a0«\u00a0lui\u00a0»",
    "Voilà\u00a0!",
    "Straße – „x“",
    "naïve—really",
    "Tiếng Việt có dấu à ạ ã â ê ô",
    "ĐÃ RỒI",
    "CAFÉ™",
    "crème brûlée",
    "Привет, «СССР» и Сёма…",
    "Він гість, Її ґанок",
    "x = &y; if (a && b) z;",
    "AT&T; R&D",
    "tab\tand\nline",
    "می\u200cروم",
    "👩\u200d👩\u200d👧",
    "日本語です",
    "5 £ and 3 €",
    "Ærø Ångström Öl",
    "ÂME ÂGÉE",
    "Île-de-France",
]
FOUR = ["bÃ©art went", "a &amp; b are here", "zero\u200bwidth here", "lost \ufffd it"]
PLAIN = [f"a sentence about subject {number * 7} and nothing but {number}" for number in range(24)]


def faults(*texts):
    return text_faults(pa.array(texts), np.array([text.isascii() for text in texts])).tolist()


def version_of(folder, texts, labels=("a", "b")):
    folder.mkdir(parents=True)
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label", "split"])
        for number, text in enumerate([*PLAIN, *texts]):
            writer.writerow([text, labels[number % 2], "test" if number % 3 == 0 else "train"])
    return build(folder / "t.csv", folder / "v")


def mended(version, finding, folder):
    folder.mkdir()
    fix_finding(version, finding, "repair", folder, "it@1")
    return DatasetVersion(folder)


def found(version):
    return {finding["id"]: finding for finding in version.info.findings}


@pytest.mark.parametrize("text", WRONG)
def test_a_text_that_was_decoded_wrongly_is_seen(text):
    assert faults(text) == [MOJIBAKE]
    assert repaired(text) != text


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_text_of_any_language_is_left_alone(text):
    assert faults(text) == [0]


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a &amp; b", ENTITY),
        ("5 &lt; 6", ENTITY),
        ("it&#39;s", ENTITY),
        ("a&nbsp;b", ENTITY),
        ("caf&eacute;", ENTITY),
        ("zero\u200bwidth", HIDDEN),
        ("\ufeffmark", HIDDEN),
        ("so\u00adft", HIDDEN),
        ("bell\x07", CONTROL),
        ("nul\x00", CONTROL),
        ("lost \ufffd sign", LOST),
        ("锟斤拷 lost", LOST),
    ],
)
def test_signs_that_nobody_wrote_are_seen(text, mark):
    assert faults("a plain one", text) == [0, mark]


def test_findings_name_the_rows_and_offer_the_repair(tmp_path):
    version = version_of(tmp_path / "d", FOUR)
    start = len(PLAIN)
    for name, row in (("mojibake", 0), ("entities", 1), ("hidden_signs", 2), ("replacement", 3)):
        assert version.finding_rows(name).tolist() == [start + row]
    assert [one["id"] for one in found(version)["mojibake"]["actions"]] == ["repair"]
    assert not found(version)["replacement"]["actions"]


def test_a_repair_changes_the_texts_that_need_it_and_nothing_else(tmp_path):
    version = version_of(tmp_path / "d", FOUR)
    new = mended(version, "mojibake", tmp_path / "w")
    texts = open_items(new.folder).column("text").to_pylist()
    assert texts == [*PLAIN, "béart went", "a & b are here", "zerowidth here", "lost \ufffd it"]
    assert (
        open_items(new.folder)
        .drop_columns(["text"])
        .equals(open_items(version.folder).drop_columns(["text"]))
    )
    for part in ("labels", "splits", "groups", "folds"):
        assert (getattr(new, part) == getattr(version, part)).all()
    assert not {"mojibake", "entities", "hidden_signs"} & set(found(new))
    assert "replacement" in found(new)
    assert new.info.inputs_fingerprint != version.info.inputs_fingerprint
    assert Preparation.from_dict(new.info.preparation).repair
    assert new.info.change == "Repaired 3 texts."
    keys = new.facts()["key"]
    assert (keys != version.facts()["key"]).sum() == 3


def test_hugging_face_reads_the_repaired_items(tmp_path):
    version = version_of(tmp_path / "d", ["bÃ©art went"])
    new = mended(version, "mojibake", tmp_path / "w")
    assert new.items[len(PLAIN)]["text"] == "béart went"


def test_a_text_of_which_nothing_is_left_goes(tmp_path):
    version = version_of(tmp_path / "d", ["\u200b\u2060", "bÃ©art went"])
    new = mended(version, "mojibake", tmp_path / "w")
    assert (new.splits == "removed").sum() == 1
    assert new.info.rows == len(PLAIN) + 1
    assert "nothing was left" in new.info.change


def test_garbled_class_names_are_repaired_too(tmp_path):
    version = version_of(tmp_path / "d", ["bÃ©art went"], labels=("cafÃ©", "thé"))
    assert mended(version, "mojibake", tmp_path / "w").info.labels == ["café", "thé"]


def test_copies_that_the_repair_brings_to_light_are_found(tmp_path):
    version = version_of(
        tmp_path / "d", ["the bÃ©art of old", "the béart of old", "the bÃ©art of old"]
    )
    assert "conflicting_labels" in found(mended(version, "mojibake", tmp_path / "w"))


def test_restoring_brings_the_old_texts_back_and_no_repair(tmp_path):
    version = version_of(tmp_path / "d", ["bÃ©art went"])
    mended(version, "mojibake", tmp_path / "w")
    (tmp_path / "r").mkdir()
    again = restore(version, tmp_path / "r", "it@2", "it@1")
    assert not Preparation.from_dict(again.preparation).repair
    assert again.fingerprint == version.info.fingerprint


def test_versions_without_these_facts_are_judged_as_before(tmp_path):
    import pyarrow.parquet as pq

    version = version_of(tmp_path / "d", ["bÃ©art went", "xx"])
    facts = pq.read_table(version.folder / "facts.parquet").drop_columns(["faults"])
    pq.write_table(facts, version.folder / "facts.parquet")
    (tmp_path / "w").mkdir()
    fix_finding(DatasetVersion(version.folder), "short_texts", "remove", tmp_path / "w", "it@1")
    assert "mojibake" not in found(DatasetVersion(tmp_path / "w"))
