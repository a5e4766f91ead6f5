"""The section of a report about class names that are paths, such as `animal/dog`: scores at each
level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tl_core.evaluate.measures import LevelScores, LevelSection
from tl_core.evaluate.scores import intervals, metrics
from tl_core.evaluate.scores.metrics import Floats, Ints

Path = tuple[str, ...]  # names from the topmost ancestor of a class down to itself


def ancestors(paths: Sequence[Path], level: int) -> tuple[list[Path], Ints]:
    """The nodes of a level, from 1 on, in the order of their first class, and the place of each
    class's node (classes,); a class that does not reach that deep is its own node there.
    """
    cut = [path[:level] for path in paths]
    nodes = list(dict.fromkeys(cut))
    places = {node: place for place, node in enumerate(nodes)}
    return nodes, np.array([places[node] for node in cut], dtype=np.int64)


def summed(probabilities: Floats, places: Ints) -> Floats:
    """Probabilities (rows, nodes) of ancestors: those of their classes (rows, classes), summed."""
    sums = np.zeros((len(probabilities), int(places.max()) + 1))
    np.add.at(sums.T, places, probabilities.T)
    return sums


def level_section(
    truth: Ints,
    answers: Ints,
    probabilities: Floats | None,
    separator: str,
    paths: Sequence[Path],
    seed: int = 0,
) -> LevelSection:
    """Scores at each level above the classes themselves.

    An answer is right at a level when its ancestor there is that of the truth. Beside it stands how
    often the ancestor with the largest summed probability is the right one: several classes that
    are each unlikely can make their ancestor the likeliest.

    Args:
        truth: class numbers (rows,).
        answers: class numbers that were said (rows,).
        probabilities: (rows, classes); without them nothing is summed.
        separator: that was used on the names.
        paths: of each class.
        seed: of the bootstrap.
    """
    levels = range(1, max(map(len, paths)))
    wrong = answers != truth
    return {
        "separator": separator,
        "levels": [
            _level(truth, answers, probabilities, separator, paths, level, seed) for level in levels
        ],
        "wrong": int(wrong.sum()),
        "one_up": intervals.proportion(
            int(_shares_parent(truth[wrong], answers[wrong], paths).sum()), int(wrong.sum())
        ),
    }


def _level(
    truth: Ints,
    answers: Ints,
    probabilities: Floats | None,
    separator: str,
    paths: Sequence[Path],
    level: int,
    seed: int,
) -> LevelScores:
    nodes, places = ancestors(paths, level)
    true, said = places[truth], places[answers]
    matrix = metrics.confusion_matrix(true, said, len(nodes))
    drawn = intervals.resampled_matrices(matrix, seed)
    names = [separator.join(node) for node in nodes]
    scores: LevelScores = {
        "level": level,
        "accuracy": intervals.proportion(int(np.trace(matrix)), len(truth)),
        "macro_f1": intervals.matrix_score(matrix, drawn, metrics.macro_f1),
        "confusion": {"labels": names, "counts": matrix.tolist()},
    }
    if probabilities is not None:
        sums = summed(probabilities, places)
        right = int((sums.argmax(axis=1) == true).sum())
        scores["summed_accuracy"] = intervals.proportion(right, len(truth))
        scores["log_loss"] = intervals.log_loss_score(true, sums, seed)
    return scores


def _shares_parent(truth: Ints, answers: Ints, paths: Sequence[Path]) -> Ints:
    """1 for rows whose answer lies below the parent of the true class, or is that parent (rows,); a
    class on top has no parent.
    """
    return np.array(
        [
            len(paths[true]) > 1 and paths[said][: len(paths[true]) - 1] == paths[true][:-1]
            for true, said in zip(truth.tolist(), answers.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
