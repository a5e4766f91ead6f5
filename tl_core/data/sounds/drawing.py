"""Pictures of sounds: what is loud at which time and pitch, and the wave itself."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.sounds.decoding import RATE, Sound
from tl_core.data.sounds.spectrogram import HOP, mel_of, power_of

if TYPE_CHECKING:
    from PIL import Image

_BANDS = 96
_FRAMES_EACH = 2  # frames for each column of a picture
_DEPTH = 80.0  # dB from the darkest to the brightest point, as in librosa's examples
_COLOURS = np.array(  # from silence to loud, of even lightness between them
    [(13, 17, 38), (38, 44, 106), (33, 98, 132), (38, 154, 118), (152, 199, 72), (253, 240, 170)],
    dtype=np.float64,
)
_GROUND, _WAVE = (247, 249, 248), (46, 125, 107)
_THUMBNAIL = (192, 128)
_WAVE_SHARE = 4  # a thumbnail's wave takes one part in four


def spectrogram_picture(sound: Sound, width: int, height: int) -> Image.Image:
    """Time from left to right, pitch from 0 Hz at the bottom to 8,000 at the top in equal steps of
    the mel scale, loudness as colour.

    Args:
        sound: (samples,) at 16,000 a second.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    from PIL import Image

    hop = max(HOP, len(sound) // (_FRAMES_EACH * width))  # as many as can be seen
    power = mel_of(power_of(sound, hop), _BANDS, 0.0).T[::-1].astype(np.float64)
    most = float(power.max())
    if not most:
        return Image.new("RGB", (width, height), tuple(int(one) for one in _COLOURS[0]))
    loud = 10 * np.log10(np.maximum(power / most, 10 ** (-_DEPTH / 10))) / _DEPTH + 1
    grey = Image.fromarray(loud.astype(np.float32)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    return Image.fromarray(_coloured(np.asarray(grey, dtype=np.float64)))


def _coloured(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(height, width, 3) colours of values from 0 to 1."""
    stops = np.linspace(0, 1, len(_COLOURS))
    return np.stack([np.interp(share, stops, colour) for colour in _COLOURS.T], axis=-1).astype(
        np.uint8
    )


def wave_picture(sound: Sound, width: int, height: int) -> Image.Image:
    """The highest and lowest values of each moment, loudness as it is: full scale is the whole
    height.
    """
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(picture)
    edges = np.linspace(0, len(sound), width + 1).astype(int)
    middle = (height - 1) / 2
    for column, (start, end) in enumerate(zip(edges, edges[1:], strict=False)):
        part = sound[start : max(end, start + 1)]
        high, low = (float(part.max()), float(part.min())) if len(part) else (0.0, 0.0)
        draw.line([(column, middle - high * middle), (column, middle - low * middle)], fill=_WAVE)
    return picture


def sound_thumbnail(sound: Sound, width: int = _THUMBNAIL[0], height: int = _THUMBNAIL[1]) -> bytes:
    """A small JPEG of a recording: its spectrogram, its wave below."""
    return _jpeg(_both(sound, width, height))


def _both(sound: Sound, width: int, height: int) -> Image.Image:
    from PIL import Image

    wave = height // _WAVE_SHARE
    picture = Image.new("RGB", (width, height))
    picture.paste(spectrogram_picture(sound, width, height - wave), (0, 0))
    picture.paste(wave_picture(sound, width, wave), (0, height - wave))
    return picture


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def as_wave_file(sound: Sound) -> bytes:
    """A sound as a WAV file of 16 bits, which every browser plays."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, sound, RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def preview_sound(sound: Sound, seconds: float) -> bytes:
    """The beginning of a sound as a small MP3, to be played among others."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, sound[: int(seconds * RATE)], RATE, format="MP3")
    return buffer.getvalue()
