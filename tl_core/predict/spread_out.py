"""Windows of a large table that processes of a cluster answer, with the batches and the number
format that they would have here, so that each row gets the answer that it would get here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tl_core.predict.answers import Answers
from tl_core.predict.one_item import Inputs, Item
from tl_core.predict.predictor import Floats, NumberFormat, Predictor
from tl_core.progress import Progress
from tl_core.spread.pieces import Arrays, Pieces
from tl_core.storage import remove_tree

_WORKER = "tl_core.predict.spread_out:Answering"
_TEXT = "text"


class Answering:
    """One process of the cluster: a model that answers windows by their numbers.

    Args:
        made_of: `model` and `windows`: the folders of the model and of the texts; `chosen`: the
            number format, as `Predictor.chosen` gives it.
    """

    def __init__(self, made_of: Mapping[str, object]) -> None:
        self._windows = Path(str(made_of["windows"]))
        self._predictor = Predictor(Path(str(made_of["model"])), "float32")
        self._predictor.choose(**cast("NumberFormat", made_of["chosen"]))

    def __call__(self, number: int) -> Arrays:
        """`scores` (texts, classes), and `errors` (texts,): why some have none."""
        texts = pq.read_table(_window(self._windows, number)).column(_TEXT).to_pylist()
        scores, errors = self._predictor.probabilities(texts)
        return {"scores": scores, "errors": np.array(errors, dtype=np.str_)}


def holds_texts(inputs: Inputs) -> bool:
    """Whether its windows hold texts, which go to other machines as they are."""
    first = next(inputs.windows(), [])
    return all(isinstance(item.value, str) for item in first)


def fill_elsewhere(
    answers: Answers,
    inputs: Inputs,
    predictor: Predictor,
    files: tuple[Path, Path],
    processes: int,
    progress: Progress,
) -> None:
    """Have the windows of texts that are missing answered, and keep them.

    Args:
        answers: knows which windows are finished.
        inputs: whose windows hold texts.
        predictor: the model, opened here; it chooses the number format of all processes.
        files: the folder of the model and the file of the answers, which all machines share.
        processes: how many answer at the same time.
        progress: told after each window.

    Raises:
        TrainingError: when the cluster could not do it.
    """
    model, out = (path.absolute() for path in files)  # for processes that begin elsewhere
    beside, end = out.with_name(out.name + ".cluster"), 0
    windows = beside / "windows"
    windows.mkdir(parents=True, exist_ok=True)
    try:
        missing = _write_windows(answers, inputs, predictor, windows)
        made_of = {"model": str(model), "windows": str(windows), "chosen": predictor.chosen}
        found = Pieces(_WORKER, made_of, processes, beside / "found").done(
            missing, lambda: progress.batch(end, inputs.total)
        )
        for number, items in enumerate(inputs.windows()):
            if not answers.has(number):
                answers.keep(number, items, *_placed(items, next(found)[1]))
            end += len(items)
            progress.batch(end, inputs.total)
        found.close()
    finally:
        remove_tree(beside)


def _write_windows(
    answers: Answers, inputs: Inputs, predictor: Predictor, folder: Path
) -> list[int]:
    """The texts of each window that is missing, a file each; gives their numbers."""
    missing = []
    if chosen := answers.number_format:
        predictor.choose(**chosen)
    for number, items in enumerate(inputs.windows()):
        texts = [item.value for item in items if not item.error]
        if texts and not predictor.reason:
            predictor.settle(texts, inputs.total)
            answers.keep_format(predictor.chosen)
        if not answers.has(number):
            table = pa.table({_TEXT: pa.array(texts, pa.string())})
            pq.write_table(table, _window(folder, number))
            missing.append(number)
    return missing


def _window(folder: Path, number: int) -> Path:
    return folder / f"{number}.parquet"


def _placed(items: list[Item], found: Arrays) -> tuple[Floats, list[str]]:
    """Probabilities and errors of all items of a window, where damaged ones were not asked."""
    errors = [item.error for item in items]
    places = [place for place, error in enumerate(errors) if not error]
    scores = np.zeros((len(items), found["scores"].shape[1]))
    scores[places] = found["scores"]
    for place, reason in zip(places, found["errors"].tolist(), strict=True):
        errors[place] = str(reason)
    return scores, errors
