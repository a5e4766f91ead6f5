"""Facts about recordings, copies in another guise, and findings, each against what was planted."""

from __future__ import annotations

import io

import numpy as np
import pytest
import scipy.signal
import soundfile
from tests_support.datasets import build
from tests_support.recordings import FORMANTS, RATE, encoded, tone, vowel, write, write_vowels

from tl_core.data.checks.near_duplicates import similar_sounds
from tl_core.data.sounds.decoding import decoded, open_recording
from tl_core.data.sounds.drawing import spectrogram_picture
from tl_core.data.sounds.likeness import SameRecording, correlation
from tl_core.data.sounds.sound_facts import sound_facts
from tl_core.data.sounds.spectrogram import mel_of, power_of


def facts_of(samples, rate=RATE, **how):
    return sound_facts(open_recording(encoded(samples, rate, **how)))


def test_loudness_peak_and_length_are_those_of_the_formulas():
    facts = facts_of(tone(level=0.5, seconds=1.5), subtype="FLOAT")
    assert facts.seconds == 1.5 and facts.peak == pytest.approx(0.5, abs=1e-3)
    assert facts.loudness == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.05)
    assert facts.silence == facts.clipped == 0


def test_silence_is_what_lies_far_below_the_loudest_moment():
    sound = np.concatenate([np.zeros(RATE), tone(seconds=1.0), 1e-4 * tone(seconds=2.0)])
    assert facts_of(sound).silence == pytest.approx(0.75, abs=0.02)
    nothing = facts_of(np.zeros(RATE))
    assert nothing.silence == 1 and nothing.loudness == -120 and nothing.look == 0


def test_clipping_is_told_from_a_loud_tone():
    assert facts_of(tone(level=0.999)).clipped == 0
    clipped = np.clip(tone(level=1.5), -0.9, 0.9)
    share = np.mean(np.abs(clipped) >= 0.9)
    assert facts_of(clipped, subtype="FLOAT").clipped == pytest.approx(share, abs=0.02)
    assert facts_of(0.1 * clipped).clipped == 0  # turned down afterwards; nobody can tell any more


def test_bandwidth_is_where_a_filter_has_cut():
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.1, 2 * RATE)
    low = scipy.signal.sosfilt(scipy.signal.butter(12, 2000, fs=RATE, output="sos"), noise)
    assert facts_of(low).bandwidth == pytest.approx(2000, rel=0.08)
    assert facts_of(noise).bandwidth > 7700


def test_the_spectrogram_is_that_of_scipy():
    sound = vowel("e").astype(np.float32)
    _, _, wanted = scipy.signal.stft(
        sound,
        RATE,
        window=np.hanning(400),
        nperseg=400,
        noverlap=240,
        nfft=512,
        boundary=None,
        padded=False,
        scaling="spectrum",
    )
    wanted = np.abs(wanted.T * np.hanning(400).sum()) ** 2
    np.testing.assert_allclose(power_of(sound), wanted, rtol=1e-3, atol=1e-4)


def test_mel_bands_hold_the_tones_that_belong_there():
    bands = mel_of(power_of(tone(1000).astype(np.float32)), 40, 0.0)
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 42) / 2595) - 1)
    loudest = int(bands.mean(axis=0).argmax())
    assert edges[loudest] < 1000 < edges[loudest + 2]


def test_a_picture_has_high_tones_above():
    low, high = (
        np.asarray(spectrogram_picture(tone(f).astype(np.float32), 40, 100).convert("L"))
        for f in (200, 6000)
    )
    assert low.mean(axis=1).argmax() > 80 and high.mean(axis=1).argmax() < 20


def in_other_guises(sound):
    """One recording, as it comes a second time."""
    random = np.random.default_rng(1)
    power = np.sqrt(np.mean(sound**2))
    clear = np.flatnonzero(np.abs(sound) > 0.04 * np.abs(sound).max())
    ogg = io.BytesIO()
    soundfile.write(ogg, sound, RATE, format="OGG")
    return {
        "softer": encoded(0.2 * sound),
        "louder": encoded(np.clip(1.8 * sound, -1, 1)),
        "OGG": ogg.getvalue(),
        "MP3": encoded(sound, format="MP3"),
        "noise": encoded(sound + random.normal(0, power / 10, len(sound))),  # 20 dB below
        "trimmed": encoded(sound[clear[0] : clear[-1]]),
        "padded": encoded(np.concatenate([np.zeros(7001), sound, np.zeros(3001)])),
        "telephone": encoded(scipy.signal.resample_poly(sound, 1, 2), RATE // 2),
        "all at once": encoded(
            scipy.signal.resample_poly(0.4 * sound[clear[0] : clear[-1]], 3, 1), 48_000, "OGG"
        ),
    }


def pairs_of(recordings):
    facts = [sound_facts(open_recording(data)) for data in recordings]
    keys = np.arange(len(recordings), dtype=np.uint64)
    looks = np.array([one.look for one in facts], dtype=np.uint64)
    shapes = np.stack([one.shape for one in facts])
    same = SameRecording(lambda row: recordings[row])
    found = similar_sounds(keys, looks, shapes, same)
    return {tuple(pair) for pair in found.tolist()}


def test_every_guise_of_a_recording_is_found_and_no_other_take():
    takes = [
        vowel(name, pitch, take) for name in FORMANTS for pitch in (110, 210) for take in range(3)
    ]
    originals = [encoded(take) for take in takes]
    assert pairs_of(originals) == set()
    lost, wrong = {}, 0
    for place, take in enumerate(takes[::5]):
        for name, other in in_other_guises(take).items():
            pairs = pairs_of([*originals, other])
            lost.setdefault(name, []).append((5 * place, len(originals)) not in pairs)
            wrong += len(pairs - {(5 * place, len(originals))})
    assert wrong == 0
    assert {name: np.mean(miss) for name, miss in lost.items() if np.mean(miss) > 0.1} == {}


def test_real_takes_are_no_copies_and_their_copies_are_found(shared):
    files = sorted((shared / "data" / "spoken_digits").glob("[0-4]/*_1[0-9].wav"))[:200]
    recordings = [file.read_bytes() for file in files]
    takes = pairs_of(recordings)
    assert not takes  # of 19,900 pairs
    found = []
    for place, data in enumerate(recordings[::20]):
        copies = in_other_guises(decoded(data).astype(np.float64))
        pairs = pairs_of([*recordings, *copies.values()])
        found += [(20 * place, len(recordings) + n) in pairs for n in range(len(copies))]
    assert np.mean(found) > 0.9


def test_correlation_is_that_of_the_plain_loop():
    random = np.random.default_rng(0)
    one, other = random.normal(size=50), random.normal(size=70)
    plain = np.abs(np.correlate(one, other, "full")).max()
    wanted = plain / np.linalg.norm(one) / np.linalg.norm(other)
    assert 0.99 * wanted < correlation(one, other) < 1.3 * wanted  # between samples, too
    assert correlation(one, np.zeros(3)) == 0
    wave = scipy.signal.resample_poly(vowel("a"), 1, 4)
    later = scipy.signal.resample_poly(np.pad(vowel("a"), (1002, 0)), 1, 4)  # by 250.5 samples
    assert correlation(wave, later) > 0.99


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    root = write_vowels(tmp_path_factory.mktemp("planted") / "set", takes=6)
    for number in range(2):
        write(root / "a" / f"a_emil_{number}.wav", np.zeros(8000 + number))
        write(root / "i" / f"i_emil_{number}.wav", 0.02 * vowel("i", take=50 + number))
        write(
            root / "u" / f"u_emil_{number}.wav", np.clip(9 * vowel("u", take=number), -0.99, 0.99)
        )
    write(root / "a" / "a_emil_3.wav", vowel("a", take=51, seconds=0.05, around=0.0))
    write(root / "i" / "i_emil_3.wav", vowel("i", take=52, seconds=9.0))
    write(root / "u" / "u_emil_3.wav", np.pad(vowel("u", take=53), (0, 12 * RATE)))
    write(root / "u" / "u_emil_4.wav", vowel("u", take=54, rate=8000), 8000)
    return build(root, root.parent / "v")


def test_findings_name_what_was_planted(planted):
    named = {one["id"]: set(one["items"]) for one in planted.info.findings}
    assert named["silent"] == {"a/a_emil_0.wav", "a/a_emil_1.wav"}
    assert named["faint"] == {"i/i_emil_0.wav", "i/i_emil_1.wav"}
    assert named["clipped"] == {"u/u_emil_0.wav", "u/u_emil_1.wav"}
    assert named["too_short"] == {"a/a_emil_3.wav"}
    assert named["odd_length"] >= {"i/i_emil_3.wav", "u/u_emil_3.wav"}
    assert named["mostly_silent"] == {"u/u_emil_3.wav"}
    assert named["narrow"] == {"u/u_emil_4.wav"}
    texts = {one["id"]: one["text"] for one in planted.info.findings}
    assert texts["too_short"].startswith("1 recording is shorter")


def test_a_rate_that_tells_the_class_is_a_warning(tmp_path):
    for take in range(12):
        write(tmp_path / "set" / "a" / f"{take}.wav", vowel("a", take=take))
        slow = vowel("i", take=take, rate=8000)
        write(tmp_path / "set" / "i" / f"{take}.wav", slow, 8000)
    findings = {one["id"]: one for one in build(tmp_path / "set", tmp_path / "v").info.findings}
    assert findings["telling_rate"]["severity"] == "warning"
    assert findings["telling_rate"]["count"] == 12 and "narrow" not in findings


def test_a_copy_in_another_format_stays_on_the_side_of_its_original(tmp_path):
    root = write_vowels(tmp_path / "set", takes=5)
    for file in sorted(root.glob("a/a_anna_*.wav")):
        sound, rate = soundfile.read(file)
        write(root / "a" / f"copy_of_{file.stem}.ogg", 0.5 * sound, rate)
    version = build(root, tmp_path / "v", speaker_part=-1)
    sides = dict(zip(version.names(np.arange(65)), version.splits, strict=True))
    for take in range(5):
        assert sides[f"a/a_anna_{take}.wav"] == sides[f"a/copy_of_a_anna_{take}.ogg"]
    near = next(one for one in version.info.findings if one["id"] == "near_duplicates")
    assert near["count"] >= 5
