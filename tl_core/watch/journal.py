"""What is kept of a served model: the window that fills, the verdicts of those that are full, and
what it is compared with. A folder of bounded size, which several processes add to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tl_core.errors import NotFoundError, StateError, nearest
from tl_core.json_files import find_object, write_json
from tl_core.watch.tally import Tally
from tl_core.watch.training_sums import Reference
from tl_core.watch.verdict import PastWindow, verdict

WINDOW = 1000
"""Items of a window."""
_WINDOWS = 500  # that are remembered
_ABOUT, _OPEN, _PAST = "about.json", "window.safetensors", "windows.jsonl"
_WAIT = 10.0  # seconds for another process that writes


@dataclass(frozen=True)
class About:
    """Which model was served: its name in addresses, its run and dataset where the bundle names
    them, and its weights.
    """

    name: str
    run: str = ""
    dataset: str = ""
    weights: str = ""
    modality: str = ""

    @property
    def folder(self) -> str:
        """What its folder is called: other weights under the same name have one of their own."""
        return f"{self.name}-{self.weights[:8] or 'unknown'}"


class Journal:
    """The folder of one served model.

    Raises:
        StateError: when what it is compared with is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        told = find_object(folder / _ABOUT)
        self.about = About(**{key: str(told.get(key, "")) for key in About.__dataclass_fields__})
        found = Reference.read(folder)
        if found is None:
            raise StateError(
                f"{folder.name!r} holds nothing of a served model.",
                "There are no statistics of its training data.",
            )
        self.reference = found

    @classmethod
    def begun(cls, root: Path, about: About, reference: Reference) -> Journal:
        """The journal of a model below `root`, made where there is none yet."""
        folder = root / about.folder
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=_WAIT):
            if Reference.read(folder) is None:
                reference.write(folder)
            write_json(folder / _ABOUT, about.__dict__)
        return cls(folder)

    def add(self, seen: Tally, window: int = WINDOW) -> None:
        """Add what was seen; a window that is full is judged and begins anew."""
        with FileLock(self.folder / ".lock", timeout=_WAIT):
            whole = Tally.read(self.folder / _OPEN, self.reference) + seen
            if whole.items >= window:
                self._close(whole)
                whole = Tally.empty(self.reference)
            whole.write(self.folder / _OPEN)

    def _close(self, whole: Tally) -> None:
        line: PastWindow = {
            **verdict(self.reference, whole).as_dict(),
            "ended": time.time(),
            "classes": whole.classes.tolist(),
        }
        lines = [*self._lines(), json.dumps(line, ensure_ascii=False)][-_WINDOWS:]
        temporary = self.folder / (_PAST + ".tmp")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(self.folder / _PAST)

    @property
    def open_window(self) -> Tally:
        """What was seen since the last window was full."""
        return Tally.read(self.folder / _OPEN, self.reference)

    @property
    def past(self) -> list[PastWindow]:
        """Verdicts of full windows, the oldest first."""
        return [json.loads(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        path = self.folder / _PAST
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def journals(root: Path) -> Iterator[Journal]:
    """Those of all served models below `root`, by name; what is damaged is left out."""
    for path in sorted(root.glob(f"*/{_ABOUT}")):
        try:
            yield Journal(path.parent)
        except StateError:
            continue


def journal_of(root: Path, name: str) -> Journal:
    """The journal of a served model by its name, or by the name of its folder; of several with one
    name that which was written last.

    Raises:
        NotFoundError: when nothing of that name was served.
    """
    known = list(journals(root))
    fitting = [one for one in known if name in (one.about.name, one.folder.name)]
    if not fitting:
        names = sorted({one.about.name for one in known})
        raise NotFoundError(
            f"No model {name!r} has been served.",
            "",
            nearest(name, names) if names else "Start one: python -m tl_core serve BUNDLE.",
        )
    return max(fitting, key=lambda one: (one.folder / _ABOUT).stat().st_mtime)
