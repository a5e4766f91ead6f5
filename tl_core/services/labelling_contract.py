"""The labelling object of the command line contract, and the runs that a labelling asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace

import numpy as np

from tl_core.backbones.sources.reference import parse_reference
from tl_core.config import RunConfig
from tl_core.config.specs import ProposeSpec
from tl_core.errors import StateError
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.label_answers import LABEL, SETTLE, SKIP
from tl_core.registry.run import ACTIVE, Run
from tl_core.select.starter import suggested
from tl_core.services.labelling import Labelling, Standing, order_of
from tl_core.settings import Settings

Content = dict[str, object]
CHOICE = "propose"  # the kind of run that chooses what to label next


def labelling_object(
    labelling: Labelling, record: DatasetRecord, handle: Callable[[str], str]
) -> Content:
    """How far it is, how people agree, and where they differ.

    Args:
        labelling: of the version.
        record: of the version.
        handle: gives what somebody is called, by their id.
    """
    now, agreement = labelling.standing, labelling.agreement
    pairs = [
        replace(pair, first=handle(pair.first), second=handle(pair.second))
        for pair in agreement.pairs
    ]
    return {
        "dataset": record.reference,
        "labels": {str(row): label for row, label in now.labels.items()},
        "disputes": [
            {"row": one.row, "said": {handle(who): what for who, what in one.said.items()}}
            for one in now.disputes
        ],
        "passed": list(now.passed),
        "without_class": len(labelling.version.rows_of("unlabelled")),
        "agreement": asdict(replace(agreement, pairs=pairs)),
        "test_outlook": labelling.test_outlook(),
    }


def take(labelling: Labelling, count: int) -> list[Content]:
    """The next rows for the acting person, why each came up, and what it is.

    Raises:
        AccessError: when they may only look at the dataset.
    """
    order = order_of(labelling.version)
    rows = labelling.next(order, count)
    items = labelling.version.titles(np.array(rows, dtype=np.int64))
    return [
        {"row": row, "why": order[row], "item": item} for row, item in zip(rows, items, strict=True)
    ]


def answer(
    labelling: Labelling, action: str, labels: Iterable[tuple[int, str]], *, new: bool
) -> None:
    """Label rows, pass them over, or have the last word about them: all of them, and undone
    together, or none.

    Args:
        labelling: of the version.
        action: `label`, `skip` or `settle`.
        labels: rows, and the class of each; what is passed over has none.
        new: whether these may be classes that the dataset does not have yet.

    Raises:
        DataError: for a row or class that there is not.
        AccessError: when the acting person may only look at the dataset.
        StateError: for an action that there is not.
    """
    given, order = dict(labels), order_of(labelling.version)
    if action == LABEL:
        labelling.give(given, order, new=new)
    elif action == SETTLE:
        labelling.settle(given)
    elif action == SKIP:
        labelling.skip(*given, why=order)
    else:
        raise StateError(
            f"There is no answer {action!r}.", "", f"There are {LABEL}, {SKIP} and {SETTLE}."
        )


def newest_choices(runs: Iterable[Run]) -> tuple[Run | None, Run | None]:
    """The newest of these runs that has chosen what to label next, and one that waits or is at
    it.
    """
    ours = [run for run in runs if run.kind == CHOICE]
    done = next((run for run in ours if run.status == "done"), None)
    return done, next((run for run in ours if run.status in ACTIVE), None)


def newest_choice(runs: Iterable[Run]) -> Run:
    """The newest of these runs that has chosen what to label next.

    Raises:
        StateError: when there is none.
    """
    done, _ = newest_choices(runs)
    if done is None:
        raise StateError(
            "Nothing has been chosen yet.", "", "Have the next rows chosen first (labels next)."
        )
    return done


def proposal(
    standing: Standing,
    record: DatasetRecord,
    owner: str,
    settings: Settings,
    wishes: Mapping[str, object],
    backbone: str = "",
) -> RunConfig:
    """The run that chooses what to label next.

    Args:
        standing: of its answers.
        record: of the version.
        owner: id of the acting person.
        settings: which say what starters there are.
        wishes: options of the kind `propose`, but for rows that are left out.
        backbone: whose features are read; empty: a starter that suits the version.

    Raises:
        ConfigError: for an option that cannot work.
        BackboneError: when the backbone's reference is none.
    """
    options = {**wishes, "skip": standing.aside}
    ProposeSpec.from_dict(options)
    reads = backbone or suggested(record.folder, settings)
    parse_reference(reads)
    return RunConfig(CHOICE, owner, record.reference, str(record.folder), reads, options=options)
