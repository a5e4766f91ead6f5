"""The versions of a dataset as a timeline: what each changed, which items, and what was trained on
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from pages.sections.data import findings
from pages.shell import problems, rights, services
from pages.shell.words import ago, counted, interval, plain
from pages.widgets import trained
from tl_core.data.browse.steps import Step, step_between
from tl_core.data.versions.diff import Difference, ItemList, compare_versions
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import UserError
from tl_core.evaluate.measures import Score
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run

KINDS = {"added": "Added", "removed": "Left out", "relabelled": "New class", "moved": "Other split"}
_COLOURS = {"added": "green", "removed": "red", "relabelled": "blue", "moved": "orange"}
_OPEN = 10  # versions that stand open; of older ones nothing is read before they are opened


@st.cache_data(max_entries=20, ttl=3600, show_spinner="Comparing…")
def compared(first: str, second: str) -> Difference:
    """What differs between the versions in two folders; they never change, so it is kept."""
    return compare_versions(DatasetVersion(Path(first)), DatasetVersion(Path(second)))


@st.cache_data(max_entries=200, ttl=3600, show_spinner=False)
def _step(first: str, second: str) -> Step | None:
    """The counts of it, where they cost next to nothing."""
    try:
        return step_between(DatasetVersion(Path(first)), DatasetVersion(Path(second)))
    except UserError:  # the one before cannot be read any more
        return None


def show(
    versions: Sequence[DatasetRecord], in_hand: str, delete: Callable[[DatasetRecord], None]
) -> None:
    """All versions, the newest first.

    Args:
        versions: of one dataset.
        in_hand: reference of the one that the pages are about.
        delete: asks before it deletes one.
    """
    with problems.caught():
        runs = services.runs().of_dataset(versions[0].called)
    trainings = [run for run in runs if run.kind == "train" and run.status == "done"]
    for place, record in enumerate(versions):
        before = versions[place + 1] if place + 1 < len(versions) else None
        marks = " :green-badge[newest]" if not place else ""
        marks += " :blue-badge[in hand]" if record.reference == in_hand else ""
        step = st.expander(
            f"**Version {record.version}**{marks} · {counted(record.rows, 'item')},"
            f" {counted(record.classes, 'class', 'classes')} · :small[{ago(record.created)}]",
            expanded=place < _OPEN,
            key=f"version_{record.id}",
            icon=":material/commit:" if place else ":material/adjust:",
            type="step",
            on_change="rerun",
        )
        if step.open:
            own = [run for run in trainings if run.dataset == record.reference]
            with step, problems.caught():
                info = services.version_info(record.folder)
                _changed(record, info, before)
                _trained(own)
                _actions(record, delete, restorable=bool(place))


def _changed(record: DatasetRecord, info: VersionInfo, before: DatasetRecord | None) -> None:
    """The sentence with the counts, and on request the items."""
    sentence = plain(info.change or f"Read from {info.source}.")
    step = _step(str(before.folder), str(record.folder)) if before else None
    if before is None or step is None:
        st.markdown(sentence)
    else:
        counts = {kind: getattr(step, kind) for kind in KINDS}
        badges = [
            f":{_COLOURS[kind]}-badge[{KINDS[kind]} {count:,}]"
            for kind, count in counts.items()
            if count
        ]
        same = f":gray-badge[The same items as in version {before.version}]"
        st.markdown(" ".join([sentence, *(badges or [same])]))
        if not badges:
            return
    if before is None:
        return
    box = st.expander(
        f"Which items differ from version {before.version}",
        key=f"differs_{record.id}",
        type="compact",
        on_change="rerun",
    )
    if box.open:
        with box:
            lists(compared(str(before.folder), str(record.folder)))


def lists(changes: Difference) -> None:
    """The first items of each kind of change."""
    for kind, part in _parts(changes).items():
        if part["count"]:
            st.caption(
                f"{KINDS[kind]}: {part['count']:,}"
                + (
                    f", the first {len(part['items'])}"
                    if part["count"] > len(part["items"])
                    else ""
                )
            )
            st.dataframe(
                part["items"], hide_index=True, height="content" if part["count"] < 8 else 280
            )


def _trained(runs: Sequence[Run]) -> None:
    """How many trainings there are on a version, and the best of them."""
    if not runs:
        st.caption("Nothing has been trained on it.")
        return
    best = max(runs, key=lambda run: (not _closed(run), _accuracy(run)["value"]))
    score = _accuracy(best)
    st.page_link(
        "pages/evaluate/report.py",
        label=f"{len(runs)} training{'s' * (len(runs) > 1)}; best: {plain(trained.name(best))},"
        f" right {100 * score['value']:.0f} times in 100 ({interval(score)}) on"
        f" {'validation' if _closed(best) else 'test'} items",
        icon=":material/network_intelligence:",
        query_params={"run": best.id},
    )


def _accuracy(run: Run) -> Score:
    score: Score = (run.summary or {})["accuracy"]  # type: ignore[assignment]
    return score


def _closed(run: Run) -> bool:
    return bool((run.summary or {}).get("sealed"))


def _actions(
    record: DatasetRecord, delete: Callable[[DatasetRecord], None], *, restorable: bool
) -> None:
    why = rights.against(rights.WORK, record)
    with st.container(horizontal=True):
        if st.button("Open", key=f"open_{record.id}", icon=":material/grid_view:"):
            st.switch_page("pages/data/items.py", query_params={"dataset": record.reference})
        if restorable:
            st.button(
                "Restore",
                key=f"restore_{record.id}",
                type="tertiary",
                on_click=findings.restore,
                args=(record.reference,),
                disabled=bool(st.session_state["fix_run"] or why),
                help=why or "Makes a new version with this content; nothing is lost.",
            )
        if not rights.against(rights.OWN, record) and st.button(
            "Delete", key=f"delete_{record.id}", type="tertiary"
        ):
            delete(record)


def compare(versions: Sequence[DatasetRecord]) -> None:
    """Any two versions against each other, once somebody asks for it."""
    box = st.expander(
        "Compare any two versions",
        icon=":material/difference:",
        key="compare_versions",
        on_change="rerun",
    )
    if not box.open:
        return
    numbers = {record.version: record for record in versions}
    with box:
        left, right = st.columns(2)
        old = left.selectbox(
            "From version", list(numbers), index=1, help="The one that is taken as the older one."
        )
        new = right.selectbox(
            "To version", list(numbers), index=0, help="The one that is held against it."
        )
        with problems.caught():
            changes = compared(str(numbers[old].folder), str(numbers[new].folder))
        counts = [part["count"] for part in _parts(changes).values()]
        with st.container(horizontal=True, gap="large"):
            for title, count in zip(KINDS.values(), counts, strict=True):
                st.metric(title, f"{count:,}", width="content")
        if any(counts):
            lists(changes)
        else:
            st.caption("Nothing: both hold the same items, classes and splits.")


def _parts(changes: Difference) -> dict[str, ItemList]:
    return {
        "added": changes["added"],
        "removed": changes["removed"],
        "relabelled": changes["relabelled"],
        "moved": changes["moved"],
    }
