"""Who speaks in a recording, where the names of files or folders say so: `3_jackson_12.wav` is a
word, a speaker and a take.

Takes of one speaker are so alike that a split by takes measures how well a model knows these
people. So the speaker becomes the group of a recording, and a group stays in one split.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from tl_core.data.sources.names import part_of, split_of
from tl_core.data.sources.plan import Plan
from tl_core.data.sources.types import ItemFile

_NOBODY = -1  # the import option `speaker_part` when no part of a name says who speaks
_PARTS = re.compile(r"[_\-\s.]+")
_NUMBERED = re.compile(
    r"(spk|spkr|speaker|sp|talker|actor|subj|subject|person|participant|user|id|p|s|f|m)\d+",
    re.IGNORECASE,
)
_TAKE = re.compile(
    r"(take|rep|repetition|utt|utterance|clip|seg|segment|part|no|nr|track|rec|recording|file)?\d*",
    re.IGNORECASE,
)
_HASHED = "nohash"  # stands behind the speaker in Google's collection of spoken commands
_NO_SPEAKERS = frozenset(
    (
        *(_HASHED, "noise", "noisy", "clean", "loud", "soft", "quiet", "near", "far", "left"),
        *("right", "mono", "stereo", "high", "low", "fast", "slow", "normal", "aug", "orig"),
        *("original", "strong", "weak", "day", "night", "indoor", "outdoor", "mic", "phone"),
    )
)
_IN_WORDS = re.compile(r"part (\d+) of the name")
_COMMON = 0.95  # of the files have such a part; of the parts look like speakers
_LEAST, _TAKES = 3, 3.0  # different speakers, and recordings of each on average
_IN_CLASSES = 0.8  # of the speakers are heard in two classes at least


@dataclass(frozen=True)
class _Place:
    """Where in a path something stands: a folder by its depth, or a part of the file's name."""

    folder: bool
    number: int

    def of(self, path: PurePosixPath) -> str:
        parts = path.parts[:-1] if self.folder else _PARTS.split(path.stem)
        return parts[self.number] if self.number < len(parts) else ""

    def __str__(self) -> str:
        return f"folder {self.number + 1}" if self.folder else f"part {self.number + 1} of the name"


@dataclass(frozen=True)
class Spoken:
    """Files with the speaker as their group, and where in their paths that stands, in words; ""
    where nobody is known.
    """

    files: list[ItemFile]
    where: str = ""


def part_in_words(where: str) -> int:
    """The part of a file's name that `Spoken.where` means; 0 for anything else."""
    match = _IN_WORDS.fullmatch(where)
    return int(match[1]) if match else 0


def with_speakers(files: list[ItemFile], plan: Plan, part: int = 0) -> Spoken:
    """The files with the speaker as their group, where their names or folders say who that is.

    Args:
        files: of one source; where one has a group already, all stay as they are.
        plan: is told where the speakers stand and why that is believed.
        part: which part of the name it is, counted from 1; 0 looks for it, -1 takes none.
    """
    if part == _NOBODY or not files or any(one.group for one in files):
        return Spoken(files)
    paths = [PurePosixPath(one.name) for one in files]
    place = _Place(False, part - 1) if part else _found([one.label for one in files], paths)
    speakers = [place.of(path) if place else "" for path in paths]
    named = next((pair for pair in zip(paths, speakers, strict=True) if pair[1]), None)
    if place is None or named is None:
        if part:
            plan.doubt(f"No file name has a part {part}, so no speaker is known.")
        return Spoken(files)
    plan.take(
        "folders" if place.folder else "file names",
        "group",
        f"{place} says who speaks ({named[1]} in {named[0].name}); the recordings of each of the"
        f" {len({*speakers} - {''}):,} speakers stay in one split",
        certain=bool(part),
    )
    spoken = [
        replace(one, group=speaker, extra={**one.extra, "speaker": speaker})
        for one, speaker in zip(files, speakers, strict=True)
    ]
    return Spoken(spoken, str(place))


def _found(labels: list[str], paths: list[PurePosixPath]) -> _Place | None:
    """The first place whose words repeat as speakers do; None where there is none."""
    folders = range(_usual([len(path.parts) - 1 for path in paths]))
    parts = range(_usual([len(_PARTS.split(path.stem)) for path in paths]))
    places = [_Place(True, number) for number in folders]
    places += [_Place(False, number) for number in parts]
    return next((place for place in places if _are_speakers(labels, paths, place)), None)


def _usual(counts: list[int]) -> int:
    """How many there are in nearly all cases, 0 where that differs."""
    [(usual, times)] = Counter(counts).most_common(1)
    return usual if times >= _COMMON * len(counts) else 0


def _are_speakers(labels: list[str], paths: list[PurePosixPath], place: _Place) -> bool:
    """Whether what stands there is neither class nor split nor take: it repeats, in several
    classes, and is a name or a numbered person.
    """
    heard: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for label, path in zip(labels, paths, strict=True):
        if label:
            heard[place.of(path)].add(label)
            counts[place.of(path)] += 1
    if "" in counts or len(counts) < _LEAST or counts.total() < _TAKES * len(counts):
        return False
    if sum(len(classes) > 1 for classes in heard.values()) < _IN_CLASSES * len(heard):
        return False
    if any(split_of(word) or part_of(word, counts) for word in counts):
        return False
    if place.folder or all(_Place(False, place.number + 1).of(path) == _HASHED for path in paths):
        return True
    return sum(map(_is_somebody, counts)) >= _COMMON * len(counts)


def _is_somebody(word: str) -> bool:
    """Whether a word may be a person's: spk03, or letters that mean no take and no condition."""
    if _NUMBERED.fullmatch(word):
        return True
    letters = sum(map(str.isalpha, word))
    return letters >= 3 and not _TAKE.fullmatch(word) and word.lower() not in _NO_SPEAKERS
