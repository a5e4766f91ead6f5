"""Making dataset versions: from a source, by adding to one, by a fix, by restoring; and bringing a
model folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from tl_core.backbones.sources.model_folder import check_weights
from tl_core.backbones.sources.word_vectors import SUFFIXES, read_vectors
from tl_core.data.class_levels import carry_on
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.sources import samples
from tl_core.data.sources.archive import unpack
from tl_core.data.sources.detect import open_source
from tl_core.data.sources.types import Source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.edits import Decision, NewNames, carry_all, decisions
from tl_core.data.versions.revise import apply_decisions, fix_finding, names_after, restore
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import BackboneError, DataError, NotFoundError
from tl_core.progress import Progress
from tl_core.registry.datasets import DatasetRecord, DatasetStore, check_name
from tl_core.registry.label_answers import Answer, AnswerStore
from tl_core.services.labelling import Labelling
from tl_core.settings import Settings
from tl_core.storage import remove_tree, staging_folder

_MODEL_FILES = (".safetensors", ".json", ".txt", ".model", ".jinja", ".md")
_SAME_NAMES, _NOTHING_DECIDED = NewNames(), dict[int, Decision]()
Made = tuple[DatasetRecord, VersionInfo, bool]


def limits_of(settings: Settings) -> Limits:
    """The server's bounds on one source."""
    return Limits(settings.number("max_unpacked_mb") << 20, settings.number("max_items"))


def add_dataset(
    store: DatasetStore,
    settings: Settings,
    source: str,
    name: str,
    options: ImportOptions,
    test: str = "",
    progress: Progress | None = None,
    *,
    append: bool = False,
    shown: str = "",
    strict: bool = False,
) -> Made:
    """Read `source` (a path, `sample:<name>` or `hub:<owner>/<name>`), write a version and register
    it under `name`.

    With `append` the rows come after those of the newest version of `name`; `shown` is what the
    history calls the source. With `strict` nothing is stored that rests on a guess.

    Returns the record, the version's facts, and False when the newest version already had this
    content.

    Raises:
        DataError: when the source cannot become a dataset.
        NotFoundError: when there is nothing to append to.
        StateError: when what it was appended to is not the newest version any more.
    """
    progress = progress or Progress()
    name = name.strip() if append else check_name(name)
    base = store.get(name) if append else None
    with staging_folder(settings) as staging:
        progress.stage("Opening the source", share=0.2)
        sources: dict[str, Source] = {
            "": open_any(source, staging / "main", settings, options, progress)
        }
        if test:
            sources["test"] = open_any(test, staging / "test", settings, options, progress)
        progress.stage("Reading and checking every item", share=0.8)
        shown = shown or (source if ":" in source else Path(source).name)
        made = _register(
            store,
            name,
            lambda folder: _sure(
                build_version(
                    sources,
                    options,
                    folder,
                    shown,
                    progress.batch,
                    DatasetVersion(base.folder) if base else None,
                    base.reference if base else "",
                ),
                strict=strict,
            ),
            base,
        )
    if base and made[2]:
        _carry(store, base, made[0])
    return made


def _sure(info: VersionInfo, *, strict: bool) -> VersionInfo:
    """`info`; with `strict` only when it rests on no guess.

    Raises:
        DataError: names the first guess.
    """
    doubts = info.plan.get("uncertain", [])
    if strict and doubts:
        raise DataError(
            "The import rests on a guess, so nothing was stored.",
            doubts[0],
            "Name the columns and options yourself, or leave --strict out.",
        )
    return info


def bring_model(settings: Settings, archive: Path) -> str:
    """Unpack the zip of a Hugging Face or timm model folder below `TL_HOME/models`; gives its
    `local:` reference.

    Only weights in safetensors, configuration and vocabulary are kept: nothing that could run code.
    A file of word vectors is kept as it is and gets a `static:` reference.

    Raises:
        DataError: for a damaged or hostile zip.
        BackboneError: when it holds no model folder, or several, or no safetensors.
    """
    root = settings.home_path / "models"
    if archive.suffix.lower() in SUFFIXES:
        read_vectors(archive, most=10)
        return f"static:{archive.rename(_free(root, archive.stem, archive.suffix)).name}"
    with staging_folder(settings) as staging:
        unpack(archive, staging, limits_of(settings))
        configs = sorted(staging.rglob("config.json"), key=lambda path: len(path.parts))
        top = [path.parent for path in configs if len(path.parts) == len(configs[0].parts)]
        if len(top) != 1:
            raise BackboneError(
                "The zip is no model folder." if not top else "The zip holds several models.",
                "A model folder holds a config.json beside its model.safetensors.",
                "Zip the one folder that save_pretrained or a download has made.",
            )
        check_weights(top[0], archive.name)
        kept = staging / "kept"
        kept.mkdir()
        for path in top[0].iterdir():
            if path.is_file() and path.suffix in _MODEL_FILES:
                path.rename(kept / path.name)
        return f"local:{kept.rename(_free(root, archive.stem)).name}"


def _free(root: Path, wanted: str, suffix: str = "") -> Path:
    """A path below `root`, which is made, with this name or the next one that is free."""
    base = re.sub(r"[^\w.-]", "_", wanted).strip("._") or "model"
    root.mkdir(parents=True, exist_ok=True)
    return next(
        path
        for number in count(1)
        if not (path := root / f"{base}{f'-{number}' if number > 1 else ''}{suffix}").exists()
    )


def fix_dataset(store: DatasetStore, reference: str, finding: str, chosen: str) -> Made:
    """Apply a finding's fix to `reference` and register the result as the newest version.

    Raises:
        NotFoundError: when there is no such dataset.
        DataError: when the version has no such finding or fix.
        StateError: when it is not the newest version.
    """
    record = store.get(reference)
    store.require_newest(record)
    version = DatasetVersion(record.folder)
    made = _register(
        store,
        record.called,
        lambda folder: fix_finding(version, finding, chosen, folder, record.reference),
        record,
    )
    if made[2]:
        _carry(store, record, made[0], names_after(version, finding, chosen))
    return made


def relabel_dataset(store: DatasetStore, reference: str) -> Made:
    """Make what was decided about single labels of `reference`, and what people answered in its
    queue, the newest version.

    Raises:
        NotFoundError: when there is no such dataset.
        DataError: when nothing was changed.
        StateError: when it is not the newest version.
    """
    record = store.get(reference)
    store.require_newest(record)
    labelling = Labelling(AnswerStore(store), record)
    read = labelling.sync()
    used = [one for one in read if one.row in labelling.standing.labels]
    decided = decisions(record.folder)
    made = _register(
        store,
        record.called,
        lambda folder: apply_decisions(
            labelling.version,
            folder,
            record.reference,
            labelling.chance,
            labelling.classes,
            decided,
        ),
        record,
    )
    if made[2]:
        _carry(store, record, made[0], used=used, applied=decided)
    return made


def restore_dataset(store: DatasetStore, reference: str) -> Made:
    """Make the state of an older version the newest one.

    Raises:
        NotFoundError: when there is no such version.
    """
    record = store.get(reference)
    newest = store.get(record.called)
    version = DatasetVersion(record.folder)
    made = _register(
        store,
        record.called,
        lambda folder: restore(version, folder, newest.reference, record.reference),
    )
    if made[2]:
        _carry(store, record, made[0])
    return made


def _register(
    store: DatasetStore,
    name: str,
    make: Callable[[Path], VersionInfo],
    follows: DatasetRecord | None = None,
) -> Made:
    """Let `make` fill a new folder and register it; the folder goes when that fails or brings
    nothing new.

    Args:
        store: of whoever makes it.
        name: of the dataset.
        make: fills the folder.
        follows: the version that it is made from, where it has to be the newest one still.
    """
    folder = store.new_folder()
    try:
        info = make(folder)
        with suppress(NotFoundError):  # there is no earlier version
            carry_on(store.get(name).folder, folder)
        record, is_new = store.add(
            name,
            folder,
            {
                "fingerprint": info.fingerprint,
                "modality": info.modality,
                "task": info.task,
                "rows": info.rows,
                "classes": len(info.classes),
            },
            follows,
        )
    except BaseException:
        remove_tree(folder)
        raise
    if not is_new:
        remove_tree(folder)
    return record, info, is_new


def _carry(
    store: DatasetStore,
    old: DatasetRecord,
    new: DatasetRecord,
    names: NewNames = _SAME_NAMES,
    *,
    used: Sequence[Answer] = (),
    applied: Mapping[int, Decision] = _NOTHING_DECIDED,
) -> None:
    """What people answered and decided about the rows of `old` goes along into the version made
    from it, whose rows have the same numbers. It is registered already: what is said of the old one
    from now on is refused, so nothing falls between.

    Args:
        store: of whoever made it.
        old: the version that they spoke about.
        new: the one made from it.
        names: what became of the names of classes.
        used: answers that the new version holds.
        applied: decisions that it holds.
    """
    before, version = DatasetVersion(old.folder), DatasetVersion(new.folder)
    carry_all(before, version, names, applied)
    answers, several = AnswerStore(store), before.sets.several
    answers.carry(old.reference, new.reference, used, lambda cell: names.of(cell, several=several))
    Labelling(answers, new).sync()


def open_any(
    source: str,
    staging: Path,
    settings: Settings,
    options: ImportOptions,
    progress: Progress | None = None,
) -> Source:
    """Open a path, a built-in sample or a dataset of the Hub, with what must be fetched or unpacked
    in `staging`.

    Raises:
        DataError: when it cannot be reached or holds nothing to learn from.
    """
    kind, _, rest = source.partition(":")
    if kind == "sample":
        return open_source(
            samples.sample_source(rest, staging), staging, limits_of(settings), options
        )
    if kind == "hub":
        from tl_core.data.sources.hub_datasets import fetch

        folder, left_out = fetch(
            rest, staging, options, limits_of(settings), (progress or Progress()).batch
        )
        opened = open_source(folder, staging, limits_of(settings), options)
        opened.skipped += [
            {
                "item": name,
                "reason": "a split of the Hub dataset that is no train, validation or test",
            }
            for name in left_out
        ]
        return opened
    if kind in ("http", "https", "s3"):
        raise DataError(
            f"Data cannot be fetched from {kind} addresses.",
            "A server that fetches whatever it is told could be made to read its own network.",
            "Download it and bring the file, zip or folder.",
        )
    return open_source(Path(source).expanduser(), staging, limits_of(settings), options)
