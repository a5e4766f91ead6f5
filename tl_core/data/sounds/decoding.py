"""One way to open a recording, for intake, training and prediction alike: mono, 16,000 samples a
second.

libsndfile reads; what it is given was measured first by what the file itself says, and never more
than the longest recording allowed is kept, whatever a header promises.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.limits import LIMITS
from tl_core.errors import DataError

if TYPE_CHECKING:
    from soundfile import SoundFile

Sound = NDArray[np.float32]
"""A recording as a model reads it: (samples,), mono, `RATE` a second, between -1 and 1."""

RATE = 16_000
HEAD_BYTES = 512
SUFFIXES = {
    ".wav",
    ".wave",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aif",
    ".aiff",
    ".au",
    ".snd",
    ".caf",
    ".w64",
    ".rf64",
}
_FORMATS = {"WAV", "WAVEX", "W64", "RF64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "MPEG"}
_STARTS = (
    ("FLAC", b"fLaC"),
    ("OGG", b"OggS"),
    ("MP3", b"ID3"),
    ("AU", b".snd"),
    ("CAF", b"caff"),
    ("RF64", b"RF64"),
    ("W64", b"riff\x2e\x91\xcf\x11"),
)
_OTHER_STARTS = (
    ("Matroska or WebM", b"\x1a\x45\xdf\xa3"),
    ("Windows Media", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ("AMR", b"#!AMR"),
    ("Monkey's Audio", b"MAC "),
    ("WavPack", b"wvpk"),
    ("MIDI", b"MThd"),
)
_TRY = "Save it as WAV, FLAC, OGG or MP3."
_MOST_CHANNELS = 32
_SLOWEST, _FASTEST = 2_000, 400_000  # samples a second
_SHORTEST = 0.01  # seconds
_BLOCK = 1 << 18  # samples of all channels that are read at once
_UNKNOWN_SIZES = {0, 0x7FFFFFFF, 0x7FFFFFFF - 36, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 36}
_PLAIN = {1, 3, 6, 7, 0xFFFE}  # formats of WAV of which each sample takes as many bytes
_HOT, _WHOLE_NUMBERS = 100.0, (1 << 15, 1 << 31)
_OFFSET = 0.01  # of full scale; beyond it the mean of a recording is taken away
_CANCELLED = 0.01  # what is left of opposite channels in their mean
_FINEST = 50_000  # denominator of the ratio of two rates


@dataclass(frozen=True)
class Recording:
    """A decoded recording, and what its file said of itself.

    Args:
        sound: (samples,) as a model reads it.
        brought: (samples,) mono at the file's own rate, before anything was evened out.
        rate: samples a second in the file.
        channels: how many the file has.
        format: of the file, as WAV.
    """

    sound: Sound
    brought: Sound
    rate: int
    channels: int
    format: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.brought) / self.rate


def decoded(data: bytes, name: str = "") -> Sound:
    """A recording as a model reads it.

    Channels are averaged; other rates are resampled by a polyphase filter; an offset beyond a
    hundredth of full scale is taken away; what is louder than full scale is scaled down to it.

    Args:
        data: the file.
        name: what to call it where it cannot be read.

    Raises:
        DataError: for anything that is not a whole recording of a supported format, length and
            number of channels.
    """
    return open_recording(data, name).sound


def open_recording(data: bytes, name: str = "") -> Recording:
    """A recording as a model reads it, with what its file says of itself.

    Raises:
        DataError: as `decoded`.
    """
    called = f"The recording {name!r}" if name else "The recording"
    if not data:
        raise DataError(f"{called} is an empty file.", "", "Record it again, or leave it out.")
    if len(data) > LIMITS.sound_bytes:
        most = LIMITS.sound_bytes >> 20
        raise DataError(f"{called} is a file of over {most} MB.", "", "Save a shorter part of it.")
    kind = sound_kind(data[:HEAD_BYTES])
    if not kind:
        raise _no_sound(data, called)
    brought, rate, channels = _read(data, kind, called)
    if len(brought) < _SHORTEST * rate:
        raise DataError(
            f"{called} holds no sound." if not len(brought) else f"{called} is too short.",
            f"It is {len(brought) / rate:.3f} s long; {_SHORTEST} s are the least.",
            "Record it again, or leave it out.",
        )
    return Recording(_as_heard(brought, rate, called), brought, rate, channels, kind)


def sound_kind(head: bytes) -> str:
    """The format of a recording by its first bytes, "" for anything else."""
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "WAV"
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    for kind, start in _STARTS:
        if head.startswith(start):
            return kind
    return "MP3" if _is_mp3_frame(head) else ""


def _is_mp3_frame(head: bytes) -> bool:
    """Whether a header of MPEG audio stands first: eleven ones, no reserved version, layer, rate or
    frequency.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    return version != 1 and layer != 0 and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3


def _no_sound(data: bytes, called: str) -> DataError:
    other = next((kind for kind, start in _OTHER_STARTS if data.startswith(start)), "")
    if data[4:8] == b"ftyp":
        other = "MP4 or M4A"
    if other:
        return DataError(f"{called} is {other}, which cannot be read here.", "", _TRY)
    return DataError(
        f"{called} is no sound file.", "Its first bytes are those of something else.", _TRY
    )


def _read(data: bytes, kind: str, called: str) -> tuple[Sound, int, int]:
    """Mono samples at the file's own rate, that rate, and its number of channels."""
    import soundfile

    wave = _find_samples(data) if kind == "WAV" else None
    try:
        with soundfile.SoundFile(_Bytes(_completed(data, wave))) as file:
            _check(file, called)
            brought = _mono(file, called)
            promised = wave.promised if wave else _promised(file)
            rate, channels = int(file.samplerate), int(file.channels)
    except soundfile.SoundFileError as error:
        raise DataError(
            f"{called} cannot be read.",
            f"The {kind} file is damaged or cut off, or of a rare kind ({_reason(error)}).",
            _TRY,
        ) from error
    if promised - len(brought) > max(1, rate // 100):
        raise DataError(
            f"{called} is cut off.",
            f"Its header promises {_time(promised / rate)}, and {_time(len(brought) / rate)} are"
            " there.",
            "Copy or record it again, or save what is there as a new file.",
        )
    return brought, rate, channels


class _Bytes(io.BytesIO):
    """The bytes of a file; who is led out of them by a header stays where it is."""

    def seek(self, place: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return super().seek(place, whence)
        except (ValueError, OverflowError):
            return self.tell()


def _reason(error: Exception) -> str:
    return str(error).split(": ", 1)[-1].rstrip(". ").lower() or "no reason given"


def _check(file: SoundFile, called: str) -> None:
    if file.format not in _FORMATS:
        raise DataError(f"{called} is {file.format}, which cannot be read here.", "", _TRY)
    if file.channels > _MOST_CHANNELS:
        raise DataError(
            f"{called} has {file.channels} channels.",
            f"Up to {_MOST_CHANNELS} are mixed into one.",
            "Save it as mono or stereo.",
        )
    if not _SLOWEST <= file.samplerate <= _FASTEST:
        raise DataError(
            f"{called} says that it has {file.samplerate:,} samples a second.",
            f"Between {_SLOWEST:,} and {_FASTEST:,} can be read.",
            "Save it with 16,000 samples a second.",
        )


def _mono(file: SoundFile, called: str) -> Sound:
    """The mean of the channels, read in blocks; the first one where they cancel each other."""
    most = LIMITS.sound_seconds * file.samplerate
    block = max(1, _BLOCK // file.channels)
    means: list[Sound] = []
    firsts: list[Sound] = []
    count, energy = 0, 0.0
    while len(part := file.read(block, dtype="float32", always_2d=True)):
        count += len(part)
        if count > most:
            raise _too_long(file, called)
        means.append(part.mean(axis=1, dtype=np.float32))
        if file.channels > 1:
            firsts.append(part[:, 0].copy())
            energy += float(np.square(part, dtype=np.float64).sum()) / file.channels
    mixed = np.concatenate(means) if means else np.zeros(0, dtype=np.float32)
    left = float(np.square(mixed, dtype=np.float64).sum())
    return np.concatenate(firsts) if energy and left < _CANCELLED**2 * energy else mixed


def _too_long(file: SoundFile, called: str) -> DataError:
    seconds = file.frames / file.samplerate
    known = LIMITS.sound_seconds < seconds < 1e6
    return DataError(
        f"{called} is longer than {LIMITS.sound_seconds} seconds"
        + (f": {_time(seconds)}." if known else "."),
        "A model answers about one short recording as a whole.",
        "Cut it into clips of a few seconds, each with its own class.",
    )


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 120 else f"{seconds / 60:,.0f} minutes"


def _promised(file: SoundFile) -> int:
    """Samples of a channel that a header promises; 0 where it says nothing that can be relied
    on.
    """
    return int(file.frames) if file.format == "FLAC" and file.frames < 1 << 62 else 0


@dataclass(frozen=True)
class _Samples:
    """Where the samples of a WAV file begin, the bytes of them that its header says, and how many
    samples of a channel these are; 0 where it does not say, as programs leave it that write to a
    pipe, or where samples are packed.
    """

    begin: int
    size: int
    promised: int


def _find_samples(data: bytes) -> _Samples | None:
    """The chunk of samples of a WAV file: libsndfile shortens what it promises to what is there."""
    place, align = 12, 0
    while place + 8 <= len(data):
        name, size = data[place : place + 4], struct.unpack_from("<I", data, place + 4)[0]
        if name == b"fmt " and place + 22 <= len(data):
            tag, align = struct.unpack_from("<H10xH", data, place + 8)
            align *= tag in _PLAIN
        if name == b"data":
            known = align and size not in _UNKNOWN_SIZES
            return _Samples(place + 8, size, size // align if known else 0)
        place += 8 + size + size % 2
    return None


def _completed(data: bytes, wave: _Samples | None) -> bytes:
    """A file whose header says that nothing follows although something does says how much."""
    if wave is None or wave.size or wave.begin == len(data):
        return data
    there = struct.pack("<I", len(data) - wave.begin)
    return data[: wave.begin - 4] + there + data[wave.begin :]


def _as_heard(brought: Sound, rate: int, called: str) -> Sound:
    """At `RATE`, around zero, within full scale."""
    if not np.isfinite(brought).all():
        raise DataError(
            f"{called} holds values that are no numbers.",
            "A program that computes sounds left them behind.",
            "Make it again, or leave it out.",
        )
    peak = float(np.abs(brought).max())
    if peak > _HOT:  # whole numbers that were written as fractions
        scale = next((one for one in _WHOLE_NUMBERS if peak <= one), 0)
        if not scale:
            raise DataError(
                f"{called} reaches {peak:,.3g} where 1 is full scale.",
                "",
                "Save it with values between -1 and 1.",
            )
        brought = brought / np.float32(scale)
    offset = float(brought.mean(dtype=np.float64))
    if abs(offset) > _OFFSET:
        brought = brought - np.float32(offset)
    sound = resampled(brought, rate)
    loudest = float(np.abs(sound).max(initial=0))
    return sound / np.float32(loudest) if loudest > 1 else sound


def resampled(sound: Sound, rate: int, to: int = RATE) -> Sound:
    """(samples,) at another rate, by scipy's polyphase filter with its Kaiser window.

    Two rates above 50,000 without a common ratio meet at the nearest one.
    """
    if rate == to:
        return sound.astype(np.float32, copy=False)
    from scipy.signal import resample_poly

    ratio = Fraction(to, rate).limit_denominator(_FINEST)
    changed = resample_poly(sound, ratio.numerator, ratio.denominator)
    return np.asarray(changed, dtype=np.float32)
