"""Every recording is read one way: mono, 16,000 samples a second, or refused in words."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
import scipy.signal
import soundfile
from tests_support.recordings import RATE, encoded, tone, vowel

from tl_core.data.sounds.decoding import decoded, open_recording, sound_kind
from tl_core.errors import DataError


def header(channels=1, rate=RATE, bits=16, size=0xFFFFFFFF, tag=1):
    """The beginning of a WAV file that promises `size` bytes of samples."""
    align = channels * bits // 8
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 0xFFFFFFFF))
        + b"WAVEfmt "
        + struct.pack(
            "<IHHIIHH", 16, tag, channels, rate, min(rate * align, 0xFFFFFFFF), align, bits
        )
        + b"data"
        + struct.pack("<I", size)
    )


SAMPLES = (8000 * tone()).astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("subtype", "error"),
    [
        ("PCM_U8", 1 / 100),
        ("PCM_16", 1e-4),
        ("PCM_24", 1e-6),
        ("PCM_32", 1e-6),
        ("FLOAT", 1e-6),
        ("DOUBLE", 1e-6),
        ("ULAW", 0.03),
        ("ALAW", 0.03),
        ("IMA_ADPCM", 0.05),
    ],
)
def test_every_depth_is_read(subtype, error):
    wave = vowel("a")
    sound = decoded(encoded(wave, subtype=subtype))
    assert sound.dtype == np.float32 and len(sound) >= len(wave)
    assert np.abs(sound[: len(wave)] - wave).max() < error


@pytest.mark.parametrize(
    ("format", "subtype", "likeness"),
    [
        ("WAVEX", "PCM_16", 0.999),
        ("RF64", "PCM_16", 0.999),
        ("W64", "PCM_16", 0.999),
        ("AIFF", "PCM_16", 0.999),
        ("AU", "PCM_16", 0.999),
        ("CAF", "PCM_16", 0.999),
        ("FLAC", "PCM_16", 0.999),
        ("OGG", "VORBIS", 0.9),
        ("OGG", "OPUS", 0.9),
        ("MP3", "MPEG_LAYER_III", 0.9),
    ],
)
def test_every_format_is_read(format, subtype, likeness):
    wave = vowel("a", around=0.2)
    data = encoded(wave, format=format, subtype=subtype)
    assert sound_kind(data[:512])
    sound = decoded(data)
    match = scipy.signal.correlate(sound, wave) / np.linalg.norm(sound) / np.linalg.norm(wave)
    assert match.max() > likeness and abs(len(sound) - len(wave)) < 0.1 * RATE


def chirp(rate):
    """Half a second that rises from 200 to 3,000 Hz, swelling and fading."""
    times = np.arange(rate // 2) / rate
    return 0.5 * np.sin(np.pi * times / 0.5) ** 2 * np.sin(2 * np.pi * (200 + 2800 * times) * times)


@pytest.mark.parametrize(
    "rate", [8000, 11025, 16000, 22050, 32000, 44100, 47999, 48000, 96000, 192000]
)
def test_every_rate_comes_out_at_sixteen_thousand(rate):
    wave = chirp(rate)
    recording = open_recording(encoded(wave, rate, subtype="FLOAT"))
    assert (recording.rate, recording.channels) == (rate, 1)
    assert recording.seconds == pytest.approx(len(wave) / rate)
    wanted = chirp(RATE)
    assert abs(len(wanted) - len(recording.sound)) <= 2
    np.testing.assert_allclose(recording.sound[: len(wanted)], wanted, atol=3e-3)


def test_tones_above_what_is_kept_are_taken_out_before():
    assert np.abs(decoded(encoded(tone(11_000, rate=48_000), 48_000))[200:-200]).max() < 0.01


def test_channels_are_averaged_unless_they_cancel_each_other():
    left, right = tone(300), tone(500)
    both = decoded(encoded(np.stack([left, right], axis=1), subtype="FLOAT"))
    np.testing.assert_allclose(both, (left + right) / 2, atol=1e-6)
    opposite = decoded(encoded(np.stack([left, -left], axis=1), subtype="FLOAT"))
    np.testing.assert_allclose(opposite, left, atol=1e-6)


def test_offset_and_what_is_too_loud_are_evened_out():
    offset = decoded(encoded(tone(level=0.3) + 0.5, subtype="FLOAT"))
    assert abs(float(offset.mean())) < 1e-3
    np.testing.assert_allclose(offset, tone(level=0.3), atol=2e-3)
    loud = decoded(encoded(tone(level=4.0), subtype="FLOAT"))
    assert np.abs(loud).max() == pytest.approx(1)
    whole = decoded(encoded(20_000 * tone(level=1.0), subtype="FLOAT"))
    assert np.abs(whole).max() == pytest.approx(20_000 / 32_768, abs=1e-3)


def test_a_header_written_to_a_pipe_promises_nothing():
    for size in (0xFFFFFFFF, 0x7FFFFFFF, 0):
        assert len(decoded(header(size=size) + SAMPLES)) == len(SAMPLES) // 2


def not_numbers():
    wave = tone()
    wave[100] = np.nan
    return encoded(wave, subtype="FLOAT")


HOSTILE = {
    "nothing": (b"", "empty file"),
    "no samples": (encoded(np.zeros(0)), "no sound"),
    "too short": (encoded(tone(seconds=0.005)), "too short"),
    "hours promised": (header(size=0x7000_0000) + SAMPLES, "cut off"),
    "cut off": (encoded(vowel("a"))[:6000], "cut off"),
    "cut off FLAC": (encoded(vowel("a"), format="FLAC")[:4000], "cut off|damaged"),
    "many channels": (encoded(np.zeros((800, 192)) + 0.1), "192 channels"),
    "no numbers": (not_numbers(), "no numbers"),
    "astronomic": (encoded(1e30 * tone(), subtype="DOUBLE"), "full scale"),
    "a text": (b"bark,1.wav\nmeow,2.wav\n" * 9, "no sound file"),
    "a header alone": (b"RIFF\x24\0\0\0WAVE", "damaged|no sound"),
    "no rate": (header(rate=0, size=len(SAMPLES)) + SAMPLES, "damaged|samples a second"),
    "slow": (header(rate=100, size=len(SAMPLES)) + SAMPLES, "100 samples a second"),
    "no channels": (header(channels=0, size=len(SAMPLES)) + SAMPLES, "damaged|channels"),
    "odd codec": (header(tag=0x1234, size=len(SAMPLES)) + SAMPLES, "rare kind"),
    "MP4": (b"\0\0\0\x20ftypM4A " + bytes(400), "MP4 or M4A"),
    "WebM": (b"\x1a\x45\xdf\xa3" + bytes(400), "WebM"),
    "noise called MP3": (
        b"\xff\xfb\x90\x64" + bytes(range(256)) * 20,
        "damaged|no sound|too short",
    ),
    "noise called OGG": (b"OggS" + bytes(range(256)) * 20, "damaged"),
    "long": (encoded(np.zeros(61 * 8000), 8000, "FLAC"), "longer than 60 seconds: 61.00 s"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_recording_is_said_in_words(name, capfd):
    data, words = HOSTILE[name]
    with pytest.raises(DataError, match=words) as refused:
        decoded(data, "x.wav")
    assert "x.wav" in refused.value.what
    if "MP3" not in name:  # mpg123 tells the console what it makes of such bytes
        assert "".join(capfd.readouterr()) == ""


def test_a_minute_passes_and_more_is_refused_without_being_read():
    minute = encoded(np.zeros(60 * 8000) + 0.1, 8000, "FLAC")
    assert len(decoded(minute)) == 60 * RATE
    hour = encoded(np.zeros(3600 * 2000), 2000, "FLAC")
    tracemalloc.start()
    with pytest.raises(DataError, match="60 minutes"):
        decoded(hour)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


def test_it_agrees_with_the_library_that_others_read_files_with(tmp_path):
    soundfile.write(tmp_path / "a.wav", vowel("i"), RATE)
    wanted, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(decoded((tmp_path / "a.wav").read_bytes()), wanted)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_are_read_or_refused(seed):
    random = np.random.default_rng(seed)
    format, subtype = (("WAV", None), ("FLAC", None), ("OGG", "VORBIS"), ("MP3", None))[seed % 4]
    data = bytearray(encoded(vowel("e"), format=format, subtype=subtype))
    for place in random.integers(0, len(data), 20):
        data[place] = random.integers(256)
    try:
        sound = decoded(bytes(data[: random.integers(len(data) // 2, len(data))]))
    except DataError:
        return
    assert np.isfinite(sound).all() and np.abs(sound).max() <= 1
