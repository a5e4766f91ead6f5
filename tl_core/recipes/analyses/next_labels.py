"""Which rows to label next: a probe on the labels so far reads features that are kept, a strategy
picks, the lot draws, and rows drawn at random tell how good the probe is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from tl_core.config import ProbeSettings
from tl_core.config.specs import ProposeSpec
from tl_core.data.label_sets import said_of
from tl_core.data.labelling.first_test import FEW
from tl_core.data.labelling.rounds import Round, add_round, history
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError, nearest
from tl_core.labelling import bulk, choosing, draw
from tl_core.labelling.choosing import ONE
from tl_core.modalities import items_of
from tl_core.progress import Progress
from tl_core.recipes.analyses.label_scores import FEWEST, Labels, gain_over_random, honest_score
from tl_core.recipes.analyses.label_state import State, labels_among, state_of
from tl_core.recipes.shared.opening import open_for
from tl_core.results import LABEL_QUEUE, LabelCluster, LabellingPoint, LabelQueue, Proposal
from tl_core.tasks import MULTI_LABEL, Decision
from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.probe.probing import Reading
from tl_core.train.seeds import seed_everything

_PLENTY = 100  # drawn rows from which on the test takes no more of a rare class than of others
_COLD = 5  # labels for each known class, on average, from which on uncertainty is asked
_MODEL = ("margin", "entropy", "diversity", "class")  # strategies that need a probe


@dataclass(frozen=True)
class Seen:
    """What a strategy may look at: the labelling, the rows that were read with their features
    (rows, width), what a probe says of each (rows, classes), None before there is one, and what its
    answers are.
    """

    state: State
    rows: Ints
    features: Features
    said: Floats | None
    decision: Decision = ONE

    def places(self, rows: Ints) -> Ints:
        """Where rows stand among those that were read."""
        return np.searchsorted(self.rows, rows)


@dataclass(frozen=True)
class Batch:
    """Rows to label, in order, why each, and how far the random order is drawn with them."""

    rows: Ints
    why: list[str]
    drawn: int
    seed: int

    def as_round(self, point: Mapping[str, object]) -> Round:
        """The batch as it is kept beside the version."""
        return Round(self.rows.tolist(), self.why, self.drawn, self.seed, dict(point))


def propose(
    spec: ProposeSpec,
    reference: str,
    version: DatasetVersion,
    labels: Mapping[int, str],
    folder: Path,
    cache: Path,
    progress: Progress,
) -> LabelQueue:
    """Write `folder/queue.json`, and the round beside the version; test rows are left alone.

    Args:
        spec: what is asked.
        reference: of the backbone whose features are read, from the cache where they are there.
        version: with rows that have no class.
        labels: classes that people gave to rows since, in the order in which they did.
        folder: of the run.
        cache: where features are kept.
        progress: told about everything.

    Raises:
        DataError: when there is nothing to propose.
    """
    spec, why = _for_a_test(spec, version)
    past = history(version.folder)
    state = state_of(version, labels, {int(row) for row in spec.skip}, past, spec.seed)
    if not len(state.left):
        raise DataError(
            "Every row has a class by now, or was passed over.",
            "There is nothing left to propose.",
            "Make the labels a version, and train on it.",
        )
    # all of them, whatever their part in this: so they are read once
    rows = version.rows_of("train", "validation", "unlabelled")
    features = _read(spec, reference, version, rows, cache, progress)
    progress.stage("Fitting a probe on the labels so far", share=0.2)
    noun = items_of(version.info.modality)
    probe = labels_among(state, rows, features, version.groups[rows])
    point, said = judged(state, probe, noun)
    progress.stage("Choosing what to label next", share=0.1)
    point["strategy"], note = settled(spec, state, probe)
    view = Seen(state, rows, features, said, probe.decision())
    batch = chosen(spec, point["strategy"], view)
    note = " ".join(filter(None, (note, why)))
    out = _queue(view, batch, note, point, _sentence(state, point, noun))
    add_round(version.folder, batch.as_round(point))
    LABEL_QUEUE.write(folder, out)
    return out


def _for_a_test(spec: ProposeSpec, version: DatasetVersion) -> tuple[ProposeSpec, str]:
    """What is asked, with half of the batch at random as long as a dataset that began without any
    class has no test rows, as only rows that were drawn become some; and a word about it.
    """
    share = draw.FIRST_SHARE
    without = version.info.labelled_here and not version.info.splits.get("test")
    if not without or spec.strategy == "random" or spec.random_share >= share:
        return spec, ""
    why = f"{share:.0%} of these are drawn at random, as there are no test rows yet."
    return replace(spec, random_share=share), why


def judged(state: State, probe: Labels, noun: str) -> tuple[LabellingPoint, Floats | None]:
    """What the labels so far are worth, and what a probe on all of them says of every row (rows,
    classes), None where nothing can be learnt yet.
    """
    head, decision = probe.head(), probe.decision()
    point: LabellingPoint = {
        "labels": len(state.given),
        "drawn": len(probe.sample),
        "strategy": "",
        "score": honest_score(probe, head, decision),
        "gain": gain_over_random(probe, head, noun, decision),
    }
    everything = np.arange(len(probe.labels))
    return point, probe.judge(probe.all, everything, head) if probe.learnt else None


def _queue(view: Seen, batch: Batch, note: str, point: LabellingPoint, sentence: str) -> LabelQueue:
    """Everything as it is written."""
    state = view.state
    clusters, number_of = _clusters(view)
    points = (one.point for one in state.past.rounds if one.point["labels"] < point["labels"])
    waiting = {*state.left.tolist()} - {*batch.rows.tolist()}
    before = {
        row: why
        for one in state.past.rounds
        for row, why in zip(one.rows, one.why, strict=True)
        if row in waiting
    }
    return {
        "strategy": point["strategy"],
        "note": note,
        "sentence": sentence,
        "classes": state.classes,
        "population": len(state.population),
        "labels": len(state.given),
        "left": len(state.left),
        "rows": _proposals(view, batch.rows.tolist(), batch.why, number_of),
        "earlier": _proposals(view, [*before], [*before.values()], number_of),
        "clusters": clusters,
        "curve": [*(cast(LabellingPoint, one) for one in points), point],
    }


def _read(
    spec: ProposeSpec,
    reference: str,
    version: DatasetVersion,
    rows: Ints,
    cache: Path,
    progress: Progress,
) -> Features:
    """Features of these rows, kept: they stay the same while rows change from one split to
    another.
    """
    seed_everything(spec.seed)
    progress.stage("Opening the backbone", share=0.05)
    settings = ProbeSettings(max_length=spec.max_length, seed=spec.seed)
    backbone = open_for(
        version,
        reference,
        ["one", "another"],  # its classifier is not used
        max_length=settings.max_length,
        seed=settings.seed,
    )
    return Reading(settings, version, {"all": rows}, backbone, cache).read_all(progress, share=0.6)


def settled(spec: ProposeSpec, state: State, probe: Labels) -> tuple[str, str]:
    """The strategy that is carried out, and why it is another one than was asked for."""
    asked = spec.strategy
    if asked == "auto":
        enough = len(probe.all) >= _COLD * len(state.classes)
        asked = "margin" if enough and probe.learnt else "typical"
        return asked, ""
    if asked in _MODEL and not probe.learnt:
        return "typical", (
            "A probe needs labels of two classes. Until there are some, typical items are proposed."
        )
    if asked == "class" and spec.wanted not in state.classes:
        raise DataError(
            f"There is no class {spec.wanted!r} among the labels so far.",
            "",
            nearest(spec.wanted, state.classes),
        )
    if asked == "class" and not probe.has(state.classes.index(spec.wanted)):
        return "typical", (
            f"No item has been labelled {spec.wanted!r} yet, so nothing tells what it looks like."
            " Typical items are proposed."
        )
    return asked, ""


def chosen(spec: ProposeSpec, strategy: str, view: Seen) -> Batch:
    """A batch: its random share first drawn, from all rows alike, then the rest picked from those
    that are left.
    """
    state = view.state
    if strategy == "random":
        order = draw.random_order(state.population, state.seed)
        drawn, reach = draw.to_draw(order, state.past.drawn, state.done, 1.0, spec.batch)
    else:
        drawn, reach = draw.to_draw(
            state.fair, state.past.drawn, state.done, spec.random_share, spec.batch
        )
    rest = np.setdiff1d(state.left, drawn)
    picked = (
        rest[:0]
        if strategy == "random"
        else _picked(spec, strategy, view, rest, spec.batch - len(drawn))
    )
    both = np.concatenate([picked, drawn])
    why = [*[strategy] * len(picked), *["random"] * len(drawn)]
    places = draw.mixed_in(picked, drawn)
    return Batch(both[places], [why[place] for place in places], reach, state.seed)


def _picked(spec: ProposeSpec, strategy: str, view: Seen, pool: Ints, count: int) -> Ints:
    """The rows of `pool` that the strategy wants."""
    places = view.places(pool)
    if strategy == "typical" or view.said is None:
        # what is drawn in this very batch will have a label, too
        covered = np.ones(len(view.rows), dtype=bool)
        covered[places] = False
        return view.rows[choosing.typical(view.features, covered, count, spec.seed)]
    said, decision = view.said[places], view.decision
    if strategy == "margin":
        found = choosing.margin(said, count, decision)
    elif strategy == "entropy":
        found = choosing.entropy(said, count, decision)
    elif strategy == "diversity":
        found = choosing.diversity(view.features[places], said, count, spec.seed, decision)
    else:
        found = choosing.wanted(said, view.state.classes.index(spec.wanted), count)
    return pool[found]


def _clusters(view: Seen) -> tuple[list[LabelCluster], dict[int, int]]:
    """Clusters of the rows that wait, and the number of each row's. Rows that may come to be drawn
    are in a cluster, but not listed for a class in bulk.
    """
    pool, fair = view.state.left, {*view.state.fair.tolist()}
    places = view.places(pool)
    said = None if view.said is None else view.said[places]
    state = view.state
    numbers, groups = bulk.alike(view.features[places], said, state.seed, view.decision)
    listed: list[LabelCluster] = [
        {
            "number": number,
            "rows": [row for row in pool[one.places].tolist() if row not in fair][: bulk.SHOWN],
            "size": len(one.places),
            "suggestion": "" if one.said is None else said_of(state.classes, one.said[None])[0],
            "agreement": one.agreement,
        }
        for number, one in enumerate(groups)
    ]
    return listed, dict(zip(pool.tolist(), numbers.tolist(), strict=True))


def _proposals(
    view: Seen, rows: Sequence[int], why: Sequence[str], number_of: Mapping[int, int]
) -> list[Proposal]:
    """These rows as they are written, and why each came up."""
    proposals: list[Proposal] = []
    for row, reason in zip(rows, why, strict=True):
        sure = None if view.said is None else view.said[view.places(np.array([row]))]
        proposals.append(
            {
                "row": row,
                "why": reason,
                "cluster": number_of[row],
                "suggestion": ""
                if sure is None
                else said_of(view.state.classes, view.decision.labels(sure))[0],
                "confidence": 0.0 if sure is None else float(view.decision.confidence(sure)[0]),
            }
        )
    return proposals


def _sentence(state: State, point: LabellingPoint, noun: str) -> str:
    """How good the labels so far are, of whom that is known, and what choosing has brought."""
    total = len(state.population)
    begun = f"{point['labels'] + len(state.sealed):,} of {total:,} {noun} have got a class." + (
        f" {len(state.sealed):,} of them are test rows by now." if state.sealed else ""
    )
    score = point["score"]
    if score is None:
        return (
            f"{begun} A score is told once {FEWEST} {noun} that were drawn at random have one and"
            f" two classes have labels; so far {point['drawn']} have."
        )
    whole = " about all labels" if state.task == MULTI_LABEL.name else ""
    sentence = (
        f"{begun} A probe on all labels is right{whole} on {score['value']:.0%} of the"
        f" {point['drawn']}"
        f" drawn at random ({score['low']:.0%} to {score['high']:.0%} with 95 % confidence), which"
        f" stand for all {total:,} that had no class at first."
    )
    if {*state.drawn} & state.sealed and len(state.drawn) < _PLENTY:
        sentence += (
            " Rare classes are scarcer among them than among all, since the test took at least"
            f" {FEW} of each."
        )
    passed = len({*state.drawn} - state.sealed) - point["drawn"]
    if passed:
        sentence += (
            f" {passed} that were drawn were passed over; if these were hard, the score is too"
            " high."
        )
    gain = point["gain"]
    if gain is None:
        return sentence
    gap = gain["paired"]["difference"]
    return (
        f"{sentence} With {gain['labels']} labels each, the first of this queue gave"
        f" {gain['queue']['value']:.0%} and as many drawn at random {gain['random']['value']:.0%}"
        f" ({100 * gap['low']:+.0f} to {100 * gap['high']:+.0f} points)."
    )
