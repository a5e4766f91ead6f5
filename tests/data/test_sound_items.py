"""Recordings become datasets from every layout that pictures have, each with its speaker."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from tests_support.datasets import LIMITS, build, write_pictures, write_texts
from tests_support.recordings import RATE, encoded, vowel, write, write_vowels

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.preview import look_into, plan_import
from tl_core.data.sounds import sound_chunks
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.export import take_out
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import AmbiguousError, DataError


@pytest.fixture(scope="module")
def vowels(tmp_path_factory):
    return write_vowels(tmp_path_factory.mktemp("vowels") / "set")


def speakers_by_split(version):
    names = version.names(np.arange(len(version.labels)))
    sides = {}
    for name, split in zip(names, version.splits, strict=True):
        sides.setdefault(split, set()).add(name.split("_")[1])
    return sides


def test_class_folders_become_a_dataset_split_by_speaker(vowels, tmp_path):
    version = build(vowels, tmp_path / "v")
    info = version.info
    assert (info.modality, info.rows, info.classes) == ("audio", 48, dict.fromkeys("aiu", 16))
    sides = speakers_by_split(version)
    assert {*sides} == {"train", "validation", "test"}
    assert sum(map(len, sides.values())) == 4 and all(sides.values())
    [group] = [one for one in info.plan["columns"] if one["role"] == "group"]
    assert "part 2 of the name says who speaks" in group["reason"] and not group["certain"]
    assert version.table.column("speaker").to_pylist()[0] == "anna"
    assert info.plan["sample"][0]["recording"].endswith("16,000 samples a second")
    assert version.file_bytes(0) == (vowels / "a" / "a_anna_0.wav").read_bytes()


def test_the_speaker_is_changed_by_an_option(vowels, tmp_path):
    nobody = build(vowels, tmp_path / "v", speaker_part=-1)
    assert "speaker" not in nobody.table.column_names
    assert any(len(one) > 2 for one in speakers_by_split(nobody).values())
    takes = build(vowels, tmp_path / "w", speaker_part=3)
    assert set(takes.table.column("speaker").to_pylist()) == set("0123")


def test_facts_stand_beside_every_row(vowels, tmp_path):
    facts = build(vowels, tmp_path / "v").facts()
    assert set(facts["rate"]) == {RATE} and set(facts["channels"]) == {1}
    assert (0.3 < facts["seconds"]).all() and (facts["seconds"] < 0.8).all()
    assert (-30 < facts["loudness"]).all() and (facts["loudness"] < -6).all()
    assert (facts["clipped"] == 0).all() and (0.1 < facts["silence"]).all()
    assert (facts["bandwidth"] < 4000).all()


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return path


def test_a_zip_with_folders_named_after_splits(tmp_path):
    for split, takes in (("train", 4), ("test", 2)):
        for name in "ai":
            for take in range(takes):
                file = tmp_path / "set" / split / name / f"{split}{take}.flac"
                write(file, vowel(name, take=take + 10 * (split == "test")))
    version = build(zipped(tmp_path / "set", tmp_path / "set.zip"), tmp_path / "v")
    assert version.info.modality == "audio"
    assert (version.splits == "test").sum() == 4


def listing(folder, lines, name="metadata.csv"):
    with (folder / name).open("w", newline="") as handle:
        csv.writer(handle).writerows(lines)


def test_a_table_beside_the_files(tmp_path):
    folder = tmp_path / "set"
    rows = [["file_name", "label", "speaker_id"]]
    for number in range(24):
        name, who = "ai"[number % 2], number // 4
        write(folder / "clips" / f"{number}.ogg", vowel(name, 90 + 20 * who, number))
        rows.append([f"clips/{number}.ogg", {"a": "ah", "i": "ee"}[name], f"person {who}"])
    listing(folder, rows)
    version = build(folder, tmp_path / "v")
    assert version.info.classes == {"ah": 12, "ee": 12}
    assert version.info.columns["audio"] == "file_name"
    assert version.info.columns["group"] == "speaker_id"
    groups = {}
    for who, split in zip(
        version.table.column("speaker_id").to_pylist(), version.splits, strict=True
    ):
        groups.setdefault(who, set()).add(split)
    assert all(len(sides) == 1 for sides in groups.values())


def test_a_manifest_of_lines_that_is_brought_alone(tmp_path):
    lines = []
    for number in range(12):
        name = "ai"[number % 2]
        file = write(tmp_path / "wavs" / f"{number}.wav", vowel(name, take=number))
        lines.append(json.dumps({"wav": f"wavs/{file.name}", "label": name, "duration": 0.5}))
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    version = build(tmp_path / "manifest.jsonl", tmp_path / "v")
    assert (version.info.modality, version.info.classes) == ("audio", {"a": 6, "i": 6})


@pytest.mark.parametrize("named", [True, False])
def test_a_parquet_file_of_hugging_faces_layout(tmp_path, named):
    sounds = [{"bytes": encoded(vowel("ai"[n % 2], take=n)), "path": f"{n}.wav"} for n in range(12)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {"x" if not named else "audio": pa.array(sounds, kind), "label": ["a", "i"] * 6}
    )
    if named:
        features = {"audio": {"sampling_rate": 16_000, "_type": "Audio"}}
        meta = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": meta})
    pq.write_table(table, tmp_path / "train.parquet")
    version = build(tmp_path / "train.parquet", tmp_path / "v")
    assert (version.info.modality, version.info.classes) == ("audio", {"a": 6, "i": 6})
    assert version.names(np.array([3])) == ["3.wav"]


def test_a_parquet_file_that_names_files_beside_it(tmp_path):
    for n in range(8):
        write(tmp_path / f"{n}.wav", vowel("ai"[n % 2], take=n))
    sounds = [{"bytes": None, "path": f"{n}.wav"} for n in range(8)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"audio": pa.array(sounds, kind), "label": ["a", "i"] * 4})
    pq.write_table(table, tmp_path / "all.parquet")
    assert build(tmp_path / "all.parquet", tmp_path / "v").info.rows == 8


def test_classes_in_the_names_of_files(tmp_path):
    for name, word in (("a", "bark"), ("i", "meow")):
        for take in range(6):
            write(tmp_path / "set" / f"{word}_{take}.wav", vowel(name, take=take))
    version = build(tmp_path / "set", tmp_path / "v")
    assert version.info.classes == {"bark": 6, "meow": 6}


def test_speakers_that_are_folders(tmp_path):
    for who in ("s1", "s2", "s3"):
        for name in "ai":
            for take in range(3):
                pitch = 100 + 20 * int(who[1])
                write(tmp_path / "set" / name / who / f"{take}.wav", vowel(name, pitch, take))
    with pytest.raises(AmbiguousError) as asked:
        build(tmp_path / "set", tmp_path / "v")
    assert asked.value.option == "class_level"
    source = open_source(tmp_path / "set", tmp_path / "s", LIMITS, ImportOptions(class_level=1))
    build_version({"": source}, ImportOptions(class_level=1), folder(tmp_path / "w"), "set")
    version = DatasetVersion(tmp_path / "w")
    assert set(version.table.column("speaker").to_pylist()) == {"s1", "s2", "s3"}


def folder(path):
    path.mkdir()
    return path


def test_spoken_commands_name_the_speaker_by_a_hash(tmp_path):
    hashes = ("0a7c2a8d", "12345678", "9ff2d2f4", "bb05582b")
    for name in "ai":
        for who, hashed in enumerate(hashes):
            for take in range(3):
                file = tmp_path / "set" / name / f"{hashed}_nohash_{take}.wav"
                write(file, vowel(name, 100 + 25 * who, take))
    version = build(tmp_path / "set", tmp_path / "v")
    assert set(version.table.column("speaker").to_pylist()) == set(hashes)


def test_lists_of_spoken_commands_are_splits_beside_a_note(tmp_path):
    named = {}
    for name in "ai":
        for who, hashed in enumerate(("0a7c2a8d", "12ab5678", "9ff2d2f4", "bb05582b", "c0ffee00")):
            for take in range(2):
                file = tmp_path / "set" / name / f"{hashed}_nohash_{take}.wav"
                write(file, vowel(name, 100 + 25 * who, take))
                named.setdefault(hashed, []).append(f"{name}/{file.name}")
    (tmp_path / "set/validation_list.txt").write_text("\n".join(named["9ff2d2f4"]) + "\n")
    (tmp_path / "set/testing_list.txt").write_text("\n".join(named["bb05582b"]) + "\n")
    (tmp_path / "set/README.md").write_text("# Spoken commands\n")
    version = build(tmp_path / "set", tmp_path / "v")
    heard = np.array(version.table.column("speaker").to_pylist())
    assert set(heard[version.rows_of("train")]) == {"0a7c2a8d", "12ab5678", "c0ffee00"}
    assert set(heard[version.rows_of("validation")]) == {"9ff2d2f4"}
    assert set(heard[version.rows_of("test")]) == {"bb05582b"}


def test_folders_of_folds_are_no_speakers(tmp_path):
    rows = ["file_name,fold,label"]
    for number in range(36):
        name, fold = "ai"[number % 2], number // 2 % 3 + 1
        write(tmp_path / f"set/audio/fold{fold}/{number}.wav", vowel(name, 100 + 3 * number))
        rows.append(f"{number}.wav,{fold},{name}")
    (tmp_path / "set/metadata.csv").write_text("\n".join(rows) + "\n")
    version = build(tmp_path / "set", tmp_path / "v")
    assert version.info.classes == {"a": 18, "i": 18}
    assert "speaker" not in version.table.column_names


def test_takes_and_conditions_are_no_speakers(tmp_path):
    for name in "ai":
        for condition in ("clean", "noisy", "loud"):
            for take in range(3):
                file = tmp_path / "set" / name / f"{condition}_take{take}.wav"
                write(file, vowel(name, take=take + 3 * len(condition)))
    assert "speaker" not in build(tmp_path / "set", tmp_path / "v").table.column_names


def test_it_is_looked_at_before_and_planned(vowels, tmp_path):
    looked = look_into(vowels, tmp_path / "s", LIMITS, {})
    assert (looked["modality"], looked["rows"]) == ("audio", 48)
    assert len(looked["thumbnails"]) == 6 and looked["thumbnails"][0][1].startswith(b"\xff\xd8")
    planned = plan_import(vowels, tmp_path / "s", LIMITS, {})
    assert {name: sum(splits.values()) for name, splits in planned["classes"].items()} == {
        "a": 16,
        "i": 16,
        "u": 16,
    }
    assert any(one["role"] == "group" for one in planned["plan"]["columns"])


def test_what_cannot_be_read_is_set_aside_with_its_reason(vowels, tmp_path):
    root = write_vowels(tmp_path / "set", takes=3)
    (root / "a" / "broken.wav").write_bytes(b"RIFF\x24\0\0\0WAVE")
    (root / "a" / "empty.mp3").write_bytes(b"")
    (root / "i" / "long.wav").write_bytes(encoded(np.zeros(62 * 4000), 4000))
    (root / "i" / "phone.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    version = build(root, tmp_path / "v")
    reasons = {one["item"]: one["reason"] for one in version.info.skipped}
    assert set(reasons) == {"a/broken.wav", "a/empty.mp3", "i/long.wav", "i/phone.m4a"}
    assert "longer than 60 seconds" in reasons["i/long.wav"]
    assert "cannot be read here" in reasons["i/phone.m4a"]


def test_more_than_the_limit_is_refused(vowels, tmp_path, monkeypatch):
    monkeypatch.setattr(sound_chunks, "LIMITS", Limits(sounds_bytes=100_000))
    with pytest.raises(DataError, match="one dataset of recordings"):
        build(vowels, tmp_path / "v")


def test_pictures_and_texts_beside_recordings_are_told(tmp_path):
    root = write_vowels(tmp_path / "set")
    (root / "README.txt").write_text("Recorded in spring.")
    write_pictures(root / "a", each=1, classes=("red",))
    for file in root.glob("*/*.wav"):
        file.with_suffix(".txt").write_text("a sentence about what is said")
    version = build(root, tmp_path / "v")
    assert (version.info.modality, version.info.rows) == ("audio", 48)
    reasons = {one["item"]: one["reason"] for one in version.info.skipped}
    assert reasons["a/red/0.png"] == "a picture beside recordings"
    assert reasons["a/a_anna_0.txt"] == "a note beside a recording"


def test_it_is_taken_out_and_comes_back(vowels, tmp_path):
    version = build(vowels, tmp_path / "v")
    take_out(version, tmp_path / "o.zip", "folders")
    again = build(tmp_path / "o.zip", tmp_path / "w")
    assert again.info.inputs_fingerprint
    assert again.info.classes == version.info.classes
    assert sorted(again.facts()["key"]) == sorted(version.facts()["key"])
    take_out(version, tmp_path / "o.parquet", "parquet")
    back = build(tmp_path / "o.parquet", tmp_path / "x")
    assert (back.info.modality, back.info.rows) == ("audio", 48)
    assert back.info.columns["group"] == "speaker"
    schema = json.loads(pq.read_schema(tmp_path / "o.parquet").metadata[b"huggingface"])
    assert schema["info"]["features"]["audio"] == {"_type": "Audio"}


def test_more_is_added_and_what_has_no_class_waits(vowels, tmp_path):
    version = build(vowels, tmp_path / "v")
    more = write_vowels(tmp_path / "more", speakers=("emil",), takes=2)
    for number in range(3):
        write(more / "unlabelled" / f"{number}.wav", vowel("e", 210, number))
    source = open_source(more, tmp_path / "s", LIMITS)
    info = build_version(
        {"": source}, ImportOptions(new_rows="train"), folder(tmp_path / "w"), "more", base=version
    )
    added = DatasetVersion(tmp_path / "w")
    assert info.rows == 57 and (added.splits == "unlabelled").sum() == 3
    assert added.file_bytes(len(added.labels) - 1)
    assert added.table.column("speaker").to_pylist()[48:54] == ["emil"] * 6


def test_other_modalities_come_in_as_before(tmp_path):
    assert build(write_texts(tmp_path / "t.csv"), tmp_path / "v").info.modality == "text"
    assert build(write_pictures(tmp_path / "d"), tmp_path / "w").info.modality == "image"
    with pytest.raises(DataError, match="recordings or tables|recordings, texts"):
        build(folder(tmp_path / "empty"), tmp_path / "x")


def test_a_file_without_an_ending_is_known_by_its_beginning(tmp_path):
    for name in "ai":
        for take in range(4):
            file = tmp_path / "set" / name / f"{take}"
            file.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            soundfile.write(buffer, vowel(name, take=take), RATE, format="FLAC")
            file.write_bytes(buffer.getvalue())
    assert build(tmp_path / "set", tmp_path / "v").info.modality == "audio"


def test_real_spoken_digits_come_in_split_by_speaker(shared, tmp_path):
    version = build(shared / "data" / "spoken_digits", tmp_path / "v")
    info = version.info
    assert (info.modality, info.rows) == ("audio", 1000)
    assert info.classes == {str(digit): 100 for digit in range(10)}
    sides = speakers_by_split(version)
    assert {split: len(who) for split, who in sides.items()} == {
        "train": 3,
        "validation": 1,
        "test": 1,
    }
    assert not info.skipped
