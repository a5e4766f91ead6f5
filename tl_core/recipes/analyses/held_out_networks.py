"""What a domain that nobody has seen makes of a fine-tuned network: each is held out in turn, and
networks of the others are asked about it (ERM, CORAL, MixStyle, GroupDRO, SWAD).

States are chosen by the validation items of the training domains alone: the rule by which a model
is chosen costs more than methods gain (Gulrajani and Lopez-Paz, ICLR 2021).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tl_core.backbones.sources.kept_knowledge import refuse_what_is_not_there
from tl_core.config import ProbeSettings, RunConfig
from tl_core.config.domains import MOST_HELD_OUT, TOLD_DOMAINS
from tl_core.config.specs import HoldOutSpec
from tl_core.data.checks.small import check_trainable
from tl_core.data.domains import HeldOutVersion, domains_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.evaluate.compare import compare
from tl_core.evaluate.measures import PairedTest
from tl_core.modalities import items_of
from tl_core.progress import Part, Progress
from tl_core.recipes import load_training
from tl_core.recipes.analyses.held_out_domains import (
    ERM,
    DomainItems,
    by_domain,
    inside,
    learn_and_ask,
    over_domains,
    refuse_one_class,
)
from tl_core.recipes.shared.opening import open_for
from tl_core.results import HELD_OUT, HeldOutByNetworks, OverDomains
from tl_core.train.arrays import Bools, Ints
from tl_core.train.probe.probing import Reading
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.refusals import refuse_several_labels

PROBE = "probe"
RULE = (
    "states chosen on the validation items of the other domains (training-domain validation),"
    " the probe's penalty by cross-validation over their items"
)
TITLES = {
    PROBE: "the probe",
    "erm": "ordinary fine-tuning (ERM)",
    "mixstyle": "MixStyle",
    "swad": "SWAD",
    **TOLD_DOMAINS,
}


@dataclass(frozen=True)
class _Held:
    """The labelled rows that are asked about (rows,), the place of each one's domain among
    `names` (rows,), and for each domain the version as a training sees it that never sees it;
    `learnt` is the number of domains that each training learns from at least.
    """

    names: list[str]
    rows: Ints
    places: Ints
    versions: list[HeldOutVersion]
    learnt: int


def hold_out_by_networks(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> HeldOutByNetworks:
    """Accuracy on each domain of networks that learnt from the others, and of a probe of the
    others; writes `folder/held_out.json`. The version's test rows are left alone. Each training
    that is finished is kept over an interruption.

    Raises:
        ConfigError: where items may have several labels, or for a method that cannot be used.
        NotFoundError: when there is no such column.
        DataError: when it names no domains, or too little is left to learn from without one.
    """
    spec = HoldOutSpec.from_dict(config.options)
    refuse_several_labels(version, "Holding out domains")
    held = _held(version, spec.column)
    spec.check_domains(held.learnt + 1)
    right: dict[str, list[Bools]] = {PROBE: []}
    settings, items = _read(config, spec, version, held, cache, progress)
    own = []
    for place in range(len(held.names)):
        here = items.domains == place
        said = learn_and_ask(items, here, ERM, settings, "within")
        right[PROBE].append(said == items.labels[here])
        own.append(inside(items, here, settings))
    share = 0.9 / (len(held.names) * len(spec.methods))
    for place, name in enumerate(held.names):
        for method in spec.methods:
            part = Part(progress, f"without {name}, {TITLES[method]}", share, first=False)
            work = folder / f"part-{place}-{method}"
            said = _train_on(config, spec, method, held.versions[place], work, cache, part)
            rows = held.rows[held.places == place]
            right.setdefault(method, []).append(said == version.labels[rows])
    held_out = by_domain(items, right, own)
    methods = [over_domains(method, held_out) for method in right]
    out: HeldOutByNetworks = {
        "column": spec.column,
        "backbone": config.backbone,
        "rule": RULE,
        "settings": dict(spec.settings),
        "held_out": held_out,
        "methods": methods,
        "gains": _gains(right, items.noun),
        "sentence": _sentence(methods),
    }
    HELD_OUT.write(folder, out)
    return out


def _held(version: DatasetVersion, column: str) -> _Held:
    """The domains that are held out, and what may be asked of them.

    Raises:
        DataError: when fewer than two domains have labelled rows, or too little is left without
            one.
    """
    domains = domains_of(version, column)
    rows = version.rows_of("train", "validation")
    rows = rows[(domains.numbers[rows] >= 0) & (version.labels[rows] >= 0)]
    counts = np.bincount(domains.numbers[rows], minlength=len(domains.names))
    largest = np.sort(np.argsort(-counts, kind="stable")[:MOST_HELD_OUT])
    largest = largest[counts[largest] > 0]
    if len(largest) < 2:
        raise DataError(
            f"Fewer than two domains of {column!r} have labelled items.",
            "One is held out, the others are learnt from. Test items are left alone.",
            "Choose another column, or give items of other domains a class on the page Labelling.",
        )
    versions = []
    for number in largest:
        learnt = np.isin(domains.numbers, largest[largest != number])
        seen = HeldOutVersion(version, learnt, domains.numbers == number)
        noun = items_of(version.info.modality)
        refuse_one_class(seen.labels[seen.rows_of("train")], domains.names[number], noun)
        check_trainable(seen, judged=False)
        if not (seen.labels[seen.rows_of("validation")] >= 0).any():
            raise DataError(
                f"Without {domains.names[number]!r} there are no validation items.",
                "States are chosen by those of the other domains.",
                "Import the data with a validation split that has items of all domains.",
            )
        versions.append(seen)
    rows = rows[np.isin(domains.numbers[rows], largest)]
    names = [domains.names[number] for number in largest]
    fewest = min(len(np.unique(domains.numbers[seen.rows_of("train")])) for seen in versions)
    return _Held(names, rows, np.searchsorted(largest, domains.numbers[rows]), versions, fewest)


def _read(
    config: RunConfig,
    spec: HoldOutSpec,
    version: DatasetVersion,
    held: _Held,
    cache: Path,
    progress: Progress,
) -> tuple[ProbeSettings, DomainItems]:
    """Settings of the probe that stands beside, and its features, kept.

    Raises:
        ConfigError: when a method needs what the backbone has not.
    """
    tuned = spec.training(spec.methods[0])
    seed_everything(tuned.seed)
    settings = ProbeSettings(max_length=tuned.max_length, seed=tuned.seed)
    progress.stage("Opening the backbone", share=0.02)
    backbone = open_for(
        version,
        config.backbone,
        version.info.labels,
        pooling=settings.pooling,
        max_length=settings.max_length,
        seed=settings.seed,
        input_size=tuned.input_size,
    )
    for method in spec.methods:
        refuse_what_is_not_there(backbone, spec.training(method))
    reading = Reading(settings, version, {"labelled": held.rows}, backbone, cache)
    features = reading.read_all(progress, share=0.08)
    return settings, DomainItems(
        features,
        version.labels[held.rows],
        held.places,
        version.groups[held.rows],
        held.names,
        items_of(version.info.modality),
    )


def _train_on(
    config: RunConfig,
    spec: HoldOutSpec,
    method: str,
    version: HeldOutVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> Ints:
    """Classes of the held-out domain's rows (rows,), by a network of the others."""
    done = folder / "answers.npy"
    if done.exists():
        progress.stage("done before", share=1.0)
    else:
        folder.mkdir(exist_ok=True)
        own = replace(config, kind="train", recipe="finetune", options=spec.options(method))
        own.write(folder)
        trained = load_training("finetune")(own, version, folder, cache, progress)
        shutil.rmtree(folder / "model", ignore_errors=True)
        np.save(done.with_suffix(".tmp.npy"), trained.test.argmax(axis=1))
        done.with_suffix(".tmp.npy").replace(done)
    answers: Ints = np.load(done)
    return answers


def _gains(right: dict[str, list[Bools]], noun: str) -> list[PairedTest]:
    """The first network against the probe, and each further one against the first."""
    every = {method: np.concatenate(parts) for method, parts in right.items()}
    first = next(method for method in every if method != PROBE)
    return [
        compare(
            said,
            every[PROBE if method == first else first],
            noun,
            (TITLES[method], TITLES[PROBE if method == first else first]),
        )
        for method, said in every.items()
        if method != PROBE
    ]


def _sentence(methods: list[OverDomains]) -> str:
    """The first network and the probe: which is the best is known only afterwards."""
    probe, network = methods[:2]
    return (
        f"On a domain that it has not seen, a network by {TITLES[network['method']]} is right"
        f" {round(100 * network['mean']['value'])} times in 100 on average, and"
        f" {round(100 * network['worst']['value'])} on the worst, {network['worst_domain']}; a"
        f" probe {round(100 * probe['mean']['value'])} and"
        f" {round(100 * probe['worst']['value'])}."
    )
