"""What is to be expected of a domain that has never been seen: each is held out in turn, and models
of the others are asked about it.

Gulrajani and Lopez-Paz (ICLR 2021) found that the rule by which a model is chosen costs more than
methods gain; here nothing but the penalty is chosen, on the other domains alone, and the rule is
told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.adapt.alignments import moments, towards
from tl_core.config import ProbeSettings
from tl_core.errors import DataError
from tl_core.evaluate.compare import compare
from tl_core.evaluate.measures import Score
from tl_core.evaluate.scores import intervals
from tl_core.progress import Progress
from tl_core.results import HeldOutDomain, OverDomains, UnseenDomains
from tl_core.tasks import SINGLE_LABEL
from tl_core.train.arrays import Bools, Features, Ints, tells_apart
from tl_core.train.probe.folds import folds_of
from tl_core.train.probe.linear_probe import ProbeSearch, cross_validate, fit_probe
from tl_core.train.probe.logistic import probabilities_of_logits

ERM, CORAL = "erm", "coral"
METHODS = (ERM, CORAL)
RULES = {
    "within": "penalty chosen by cross-validation over the items of the other domains"
    " (training-domain validation)",
    "across": "penalty chosen by holding out each of the other domains in turn"
    " (leave-one-training-domain-out)",
}


@dataclass(frozen=True)
class DomainItems:
    """Labelled items of several domains.

    Args:
        features: (rows, width).
        labels: class numbers (rows,).
        domains: place of each row's domain in `names` (rows,).
        groups: equal numbers are never torn apart (rows,).
        names: of the domains.
        noun: what the items are called, in the plural.
    """

    features: Features
    labels: Ints
    domains: Ints
    groups: Ints
    names: list[str]
    noun: str


def hold_out_each(
    items: DomainItems, settings: ProbeSettings, rule: str, progress: Progress
) -> UnseenDomains:
    """Accuracy on each domain of an ordinary probe of all others (ERM), and of one whose training
    domains were given the same mean and covariance first (CORAL), where there are several; the
    held-out domain is read as it is, since nothing of it would be known.

    Raises:
        DataError: when the rows of the other domains cannot be cut for a cross-validation.
    """
    methods = METHODS if len(items.names) > 2 else (ERM,)
    right: dict[str, list[Bools]] = {method: [] for method in methods}
    own: list[Score | None] = []
    for place in range(len(items.names)):
        here = items.domains == place
        for method in methods:
            said = learn_and_ask(items, here, method, settings, rule)
            right[method].append(said == items.labels[here])
        own.append(inside(items, here, settings))
        progress.batch(place + 1, len(items.names))
    held_out = by_domain(items, right, own)
    names = ("CORAL across the training domains", "the ordinary probe (ERM)")
    every = {method: np.concatenate(parts) for method, parts in right.items()}
    return {
        "rule": RULES[rule if len(items.names) > 2 else "within"],
        "held_out": held_out,
        "methods": [over_domains(method, held_out) for method in methods],
        "gain": (compare(every[CORAL], every[ERM], items.noun, names) if CORAL in every else None),
    }


def by_domain(
    items: DomainItems, right: dict[str, list[Bools]], own: list[Score | None]
) -> list[HeldOutDomain]:
    """Accuracy on each held-out domain (Wilson).

    Args:
        items: of all domains.
        right: of each method, which rows of each domain it has right.
        own: accuracy of a probe of each domain alone.
    """
    return [
        {
            "domain": name,
            "rows": len(next(iter(right.values()))[place]),
            "left_out": int(copies_elsewhere(items, items.domains == place).sum()),
            "scores": {
                method: intervals.proportion(int(parts[place].sum()), len(parts[place]))
                for method, parts in right.items()
            },
            "inside": own[place],
        }
        for place, name in enumerate(items.names)
    ]


def copies_elsewhere(items: DomainItems, here: Bools) -> Bools:
    """Rows of the other domains that are one of a group with a row that is `here`, such as copies
    of its item (rows,): whoever learnt from them would have seen what is asked.
    """
    copies: Bools = ~here & np.isin(items.groups, items.groups[here])
    return copies


def refuse_one_class(labels: Ints, name: str, noun: str) -> None:
    """What is learnt from without the domain `name` and copies of its items has two classes.

    Raises:
        DataError: when it has not.
    """
    if not tells_apart(labels[labels >= 0]):
        raise DataError(
            f"Without {name!r} and copies of its {noun}, fewer than two classes are left to learn"
            " from.",
            "A copy in another domain, or an item of the same group, would give the answer away.",
            "Choose another column, or import the data without a group column.",
        )


def learn_and_ask(
    items: DomainItems, here: Bools, method: str, settings: ProbeSettings, rule: str
) -> Ints:
    """Classes of the rows that are `here`, by a probe of all others but their copies.

    Raises:
        DataError: when no two classes are left to learn from.
    """
    rest = np.flatnonzero(~here & ~copies_elsewhere(items, here))
    refuse_one_class(items.labels[rest], items.names[items.domains[here][0]], items.noun)
    features, domains = items.features[rest], items.domains[rest]
    if method == CORAL:
        features = align(features, domains)
    classes, labels = np.unique(items.labels[rest], return_inverse=True)
    _, places = np.unique(domains, return_inverse=True)
    across = rule == "across" and places.max() > 0
    search = ProbeSearch(
        classes=len(classes),
        c_values=settings.c_values,
        selection="cv",
        folds=int(places.max()) + 1 if across else settings.folds,
        balanced=False,
        intercept=True,
        seed=settings.seed,
        plan=places if across else None,
    )
    nothing = features[:0], labels[:0]
    fit = fit_probe((features, labels), nothing, items.groups[rest], search, Progress())
    logits = items.features[here] @ fit.weight.T + fit.bias
    answers: Ints = classes[probabilities_of_logits(logits).argmax(axis=1)]
    return answers


def align(features: Features, domains: Ints) -> Features:
    """Every domain with the mean and covariance that domains have on average (rows, width); one of
    a single row, which has no spread, stays as it is.
    """
    parts = [np.flatnonzero(domains == one) for one in np.unique(domains)]
    parts = [rows for rows in parts if len(rows) > 1]
    if not parts:
        return features
    each = [moments(features[rows]) for rows in parts]
    common = (
        np.mean([mean for mean, _ in each], axis=0),
        np.mean([covariance for _, covariance in each], axis=0),
    )
    out = np.array(features, dtype=np.float32)
    for rows in parts:
        out[rows] = towards(features[rows], common)(features[rows])
    return out


def inside(items: DomainItems, here: Bools, settings: ProbeSettings) -> Score | None:
    """Cross-validated accuracy of a probe of this domain alone."""
    classes, labels = np.unique(items.labels[here], return_inverse=True)
    groups = items.groups[here]
    if not tells_apart(labels) or not list(folds_of(labels, groups, settings.folds, settings.seed)):
        return None
    fit = cross_validate(
        items.features[here],
        labels,
        groups,
        len(classes),
        settings,
        Progress(),
        task=SINGLE_LABEL.name,
    )
    hits = fit.held_out.argmax(axis=1) == labels[fit.held_out_rows]
    return intervals.proportion(int(hits.sum()), len(hits))


def over_domains(method: str, held_out: list[HeldOutDomain]) -> OverDomains:
    """Mean over domains, and the worst with its own interval."""
    scores = [one["scores"][method] for one in held_out]
    worst = int(np.argmin([score["value"] for score in scores]))
    return {
        "method": method,
        "mean": intervals.mean_of(scores),
        "worst": scores[worst],
        "worst_domain": held_out[worst]["domain"],
    }
