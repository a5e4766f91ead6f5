"""The modalities whose items are files, as tables and folders name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tl_core.data.pictures.images import SUFFIXES as PICTURE_SUFFIXES
from tl_core.data.pictures.images import picture_kind
from tl_core.data.roles import column_names
from tl_core.data.sounds.decoding import SUFFIXES as SOUND_SUFFIXES
from tl_core.data.sounds.decoding import sound_kind


@dataclass(frozen=True)
class FileKind:
    """What the files of one modality are called and how they are named.

    Args:
        modality: its name.
        one: what one of its files is called.
        many: what several of them are called.
        suffixes: endings of their names, in lower case.
        columns: usual names of a column that names them, the likelier ones first.
        held: usual names of a column of a Parquet file that holds their bytes.
        groups: names of columns that surely say which files belong together.
        begins: gives the format by the first bytes, "" for other files.
    """

    modality: str
    one: str
    many: str
    suffixes: frozenset[str]
    columns: tuple[str, ...]
    held: frozenset[str]
    groups: frozenset[str]
    begins: Callable[[bytes], str]


PICTURES = FileKind(
    "image",
    "picture",
    "pictures",
    frozenset(PICTURE_SUFFIXES),
    column_names.IMAGE_NAMES,
    frozenset(("image", "img", "picture", "bytes")),
    frozenset(),
    picture_kind,
)
SOUNDS = FileKind(
    "audio",
    "recording",
    "recordings",
    frozenset(SOUND_SUFFIXES),
    column_names.SOUND_NAMES,
    frozenset(("audio", "sound", "wav", "recording", "clip")),
    frozenset(
        (
            *("speaker", "speakerid", "speakername", "spk", "spkid", "spkrid", "talker", "singer"),
            *("actor", "actorid", "clientid", "subject", "subjectid", "sprecher", "locuteur"),
            *("hablante", "parlante", "falante"),
        )
    ),
    sound_kind,
)
FILE_KINDS = {one.modality: one for one in (PICTURES, SOUNDS)}
