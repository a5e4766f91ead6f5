"""How far the domains of a dataset are apart, and what is to be expected of one never seen."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from tl_core.adapt.domain_classifier import Gap, measure_gap
from tl_core.config import ProbeSettings, RunConfig
from tl_core.config.specs import DomainsSpec
from tl_core.data.domains import domains_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.modalities import items_of
from tl_core.progress import Progress
from tl_core.recipes.analyses.held_out_domains import DomainItems, hold_out_each
from tl_core.recipes.shared.opening import open_for
from tl_core.results import DOMAINS, ClassGap, DomainComparison, DomainPair, UnseenDomains
from tl_core.train.arrays import Bools, Ints
from tl_core.train.probe.probing import Reading
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.refusals import refuse_several_labels

MOST_COMPARED = 8  # domains, the largest ones, of which every pair is compared
_SPLITS = ("train", "validation", "unlabelled")
_FEW = 10  # items with a class below which a domain held out tells little


def compare_domains(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> DomainComparison:
    """Distances of all pairs of domains, class by class where there are labels, and each domain
    held out in turn; writes `folder/domains.json`. Test rows are left alone.

    Raises:
        ConfigError: where items may have several labels.
        NotFoundError: when there is no such column.
        DataError: when it names no domains, or fewer than two have rows to be read.
    """
    spec = DomainsSpec.from_dict(config.options)
    refuse_several_labels(version, "The comparison of domains")
    domains = domains_of(version, spec.column)
    rows = version.rows_of(*_SPLITS)
    rows = rows[domains.numbers[rows] >= 0]
    counts = np.bincount(domains.numbers[rows], minlength=len(domains.names))
    largest = np.sort(np.argsort(-counts, kind="stable")[:MOST_COMPARED])
    largest = largest[counts[largest] > 0]
    if len(largest) < 2:
        raise DataError(
            f"Fewer than two domains of {spec.column!r} have items to be read.",
            "Test items are left alone.",
            "Choose another column, or add items.",
        )
    rows = rows[np.isin(domains.numbers[rows], largest)]
    names = [domains.names[place] for place in largest]
    places = np.searchsorted(largest, domains.numbers[rows])
    seed_everything(spec.seed)
    settings = ProbeSettings(max_length=spec.max_length, seed=spec.seed)
    features = _read(config, version, rows, settings, cache, progress)
    labels, noun = version.labels[rows], items_of(version.info.modality)
    items = DomainItems(features, labels, places, version.groups[rows], names, noun)
    progress.stage("Telling the domains apart", share=0.1)
    pairs = [
        _pair(items, one, other, version.info.labels, spec.seed)
        for one, other in combinations(range(len(names)), 2)
    ]
    unseen, missing = _unseen(items, settings, spec.rule, progress)
    out: DomainComparison = {
        "column": spec.column,
        "backbone": config.backbone,
        "domains": [
            {
                "name": name,
                "rows": int((places == place).sum()),
                "labelled": int((labels[places == place] >= 0).sum()),
            }
            for place, name in enumerate(names)
        ],
        "pairs": pairs,
        "unseen": unseen,
        "missing": missing,
        "sentence": _sentence(pairs, unseen, items.noun),
    }
    DOMAINS.write(folder, out)
    return out


def _read(
    config: RunConfig,
    version: DatasetVersion,
    rows: Ints,
    settings: ProbeSettings,
    cache: Path,
    progress: Progress,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Features of the rows (rows, width), kept."""
    progress.stage("Opening the backbone", share=0.05)
    backbone = open_for(
        version,
        config.backbone,
        version.info.labels or ["one", "another"],  # its classifier is not used
        pooling=settings.pooling,
        max_length=settings.max_length,
        seed=settings.seed,
    )
    return Reading(settings, version, {"items": rows}, backbone, cache).read_all(progress)


def _pair(items: DomainItems, one: int, other: int, names: list[str], seed: int) -> DomainPair:
    """The gap of two domains, and of each class that has enough rows in both."""
    called = items.names[one], items.names[other]
    masks = items.domains == one, items.domains == other
    gap = _gap(items, masks[0], masks[1], seed)
    classes: list[ClassGap] = []
    for label, name in enumerate(names):
        here, there = (mask & (items.labels == label) for mask in masks)
        if found := _gap(items, here, there, seed):
            classes.append({"label": name, "gap": found.facts(called, items.noun)})
    classes.sort(key=lambda part: -part["gap"]["distance"]["value"])
    return {
        "one": called[0],
        "other": called[1],
        "gap": gap.facts(called, items.noun) if gap else None,
        "classes": classes,
    }


def _gap(items: DomainItems, one: Bools, other: Bools, seed: int) -> Gap | None:
    """Of these rows and those; None where there are too few."""
    features, groups = items.features, items.groups
    return measure_gap(features[one], features[other], seed, (groups[one], groups[other]))


def _unseen(
    items: DomainItems, settings: ProbeSettings, rule: str, progress: Progress
) -> tuple[UnseenDomains | None, str]:
    """Each domain held out in turn, or why that cannot be done."""
    known = items.labels >= 0
    there = np.unique(items.domains[known])
    if len(there) < 2:
        return None, "Only one domain has items with a class, so none can be held out."
    learnt = [np.unique(items.labels[known & (items.domains != one)]) for one in there]
    if min(map(len, learnt)) < 2:
        return None, "Without one of the domains, a single class is left to learn from."
    labelled = DomainItems(
        items.features[known],
        items.labels[known],
        np.searchsorted(there, items.domains[known]),
        items.groups[known],
        [items.names[place] for place in there],
        items.noun,
    )
    progress.stage("Holding out each domain in turn", len(there), share=0.2)
    try:
        return hold_out_each(labelled, settings, rule, progress), ""
    except DataError as error:  # of the labels; the distances stand without
        return None, f"No domain can be held out. {error}"


def _sentence(pairs: list[DomainPair], unseen: UnseenDomains | None, noun: str) -> str:
    """The widest gap, and what is to be expected of a new domain."""
    found = [(pair, pair["gap"]) for pair in pairs if pair["gap"]]
    words = "The domains have too few items to be told apart."
    if found:
        pair, gap = max(found, key=lambda one: one[1]["distance"]["value"])
        told = round(100 * gap["told_apart"]["value"])
        words = (
            f"Furthest apart: {pair['one']} and {pair['other']}, told apart {told} times in 100"
            " (chance is 50)."
        )
    if unseen is None:
        return words
    erm = unseen["methods"][0]
    few = [
        f" {one['domain']} has {one['rows']} {noun} with a class, which tell little of it."
        for one in unseen["held_out"]
        if one["rows"] < _FEW
    ]
    return (
        f"{words} On a domain that it has not seen a probe is right"
        f" {round(100 * erm['mean']['value'])} times in 100 on average, and"
        f" {round(100 * erm['worst']['value'])} on the worst, {erm['worst_domain']}."
        + "".join(few[:3])
    )
