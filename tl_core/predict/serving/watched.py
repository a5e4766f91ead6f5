"""What a server notes of its answers while it gives them: sums for the drift watch, and unsure
items where the owner wants them kept.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from filelock import Timeout
from numpy.typing import NDArray

from tl_core.backbones.classifier import Classifier
from tl_core.errors import UserError
from tl_core.json_files import find_object
from tl_core.predict.one_item import ModelInput
from tl_core.predict.serving.contract import Answer, Asked
from tl_core.watch.journal import About, Journal
from tl_core.watch.tally import Tally
from tl_core.watch.training_sums import Reference
from tl_core.watch.unsure import UnsureItems

log = logging.getLogger(__name__)


class Watcher:
    """Counts answers in memory, and adds them to a journal now and then; that it cannot write is
    logged, and spoils no answer.

    Args:
        journal: of the model.
        window: items after which they are judged.
        sure: confidence below which an item counts as unsure.
        room: unsure items that may be kept; 0 for none.
    """

    def __init__(self, journal: Journal, window: int, sure: float, room: int) -> None:
        self._journal, self._window, self._sure, self._room = journal, window, sure, room
        self._items = UnsureItems(journal.folder, room)
        self._lock, self._pending = threading.Lock(), Tally.empty(journal.reference)

    def read(self, classifier: Classifier, items: list[ModelInput]) -> NDArray[np.float64]:
        """The probabilities of items (items, classes), which are counted."""
        scores, features = classifier.read(items)
        reference = self._journal.reference
        if (scores.shape[1], features.shape[1]) != reference.shape:
            log.warning("%s: the statistics are not this model's", self._journal.about.name)
            return scores
        sure = classifier.decision.confidence(scores)
        seen = Tally.of(reference, scores.argmax(axis=1), sure, features, self._sure)
        with self._lock:
            self._pending += seen
        return scores

    def flush(self) -> None:
        """Add what was counted to the journal."""
        with self._lock:
            seen, self._pending = self._pending, Tally.empty(self._journal.reference)
        if not seen.items:
            return
        try:
            self._journal.add(seen, self._window)
        except (OSError, Timeout) as error:
            log.warning("what was served could not be noted: %s", error)
            with self._lock:
                self._pending += seen

    def keep_rows(self, body: Asked, column: str, answers: Sequence[Answer]) -> None:
        """Keep the texts or rows of a body that the model is unsure of; `column` is what a text
        alone is called.
        """
        rows: Sequence[Mapping[str, object]] = body.rows or [{column: one} for one in body.texts]
        if self._room and len(rows) == len(answers):
            unsure = [
                {name: "" if cell is None else str(cell) for name, cell in row.items()}
                for row, answer in zip(rows, answers, strict=True)
                if answer.confidence < self._sure
            ]
            self._kept(lambda: self._items.keep_rows(unsure), len(unsure))

    def keep_files(self, files: list[tuple[bytes, str]], answers: Sequence[Answer]) -> None:
        """Keep the files that the model is unsure of; where pages of a file are items of their
        own, none.
        """
        if self._room and len(files) == len(answers):
            unsure = [
                file
                for file, answer in zip(files, answers, strict=True)
                if answer.confidence < self._sure
            ]
            self._kept(lambda: self._items.keep_files(unsure), len(unsure))

    @staticmethod
    def _kept(keep: Callable[[], None], count: int) -> None:
        if not count:
            return
        try:
            keep()
        except (OSError, ValueError, Timeout) as error:  # what cannot be a name or text of a file
            log.warning("unsure items could not be kept: %s", error)


def watcher_of(
    folder: Path, name: str, root: Path, window: int, sure: float, room: int
) -> Watcher | None:
    """The watch of the bundle in `folder`; None, with a line in the log, where it says nothing of
    its training data, or nothing can be written to `root`.
    """
    try:
        reference = Reference.read(folder)
        if reference is None:
            log.warning(
                "%s has no statistics of its training data: export it again to watch it", name
            )
            return None
        graft = find_object(folder / "graft.json")
        about = About(
            name,
            *(str(graft.get(key, "")) for key in ("run", "dataset", "weights_sha256", "modality")),
        )
        return Watcher(Journal.begun(root, about, reference), window, sure, room)
    except (OSError, Timeout, UserError) as error:
        log.warning("%s is not watched: %s", name, error)
        return None
