"""A finding in a line: what it is and costs, its items, a fix by one click that makes a new
version; and the watch of a fix that is going.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from pages.sections.data import filters
from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.shell import problems, rights, run_panel, services, state
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.data.browse.concentration import Concentrated, concentrated
from tl_core.data.browse.health import Costed
from tl_core.data.dataset_version import FindingFacts
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import DataError
from tl_core.modalities import items_of
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run

ICONS = {"problem": ":material/error:", "warning": ":material/warning:", "info": ":material/info:"}
_SHOWN = 24


def card(record: DatasetRecord, info: VersionInfo, costed: Costed) -> None:
    """A finding in one line: how serious, what it costs, what it is, and its fixes; opened, what to
    do and its items.
    """
    finding = costed.finding
    taken = _taken(str(record.folder), finding["id"]) if _removes(finding) else ()
    most = f" :orange[This is most of {plain(_called(taken[0]))}.]" if taken else ""
    with st.container(horizontal=True, gap="small"):
        box = st.expander(
            f"{_cost(costed.cost)}{plain(finding['text'])}{most}",
            icon=ICONS[finding["severity"]],
            key=f"items_{finding['id']}",
            on_change="rerun",
        )
        why = rights.against(rights.WORK, record) if finding.get("actions") else ""
        for action in finding.get("actions", []):
            st.button(
                action["label"],
                key=f"fix_{finding['id']}_{action['id']}",
                on_click=_start_fix,
                args=(record.reference, finding["id"], action["id"]),
                icon=":material/healing:",
                disabled=bool(st.session_state["fix_run"] or why),
                help=why or "Makes a new version; this one stays as it is and can be restored.",
            )
    if box.open:
        with box:
            st.caption(f"{costed.why} {plain(finding['fix'])}")
            _warn(taken, info)
            _items(record, info, finding)


def _removes(finding: FindingFacts) -> bool:
    """Whether its fix leaves items out for what they are like; copies are left out as such."""
    about_copies = finding["id"] in ("leak", "near_leak", "conflicting_labels", "duplicates")
    actions = () if about_copies else finding.get("actions", ())
    return any(action["id"] == "remove" for action in actions)


@st.cache_data(max_entries=100, ttl=3600, show_spinner=False)
def _taken(folder: str, finding: str) -> tuple[Concentrated, ...]:
    """Classes and domains of which leaving out the rows of a finding would take most."""
    version = DatasetVersion(Path(folder))
    if not (version.folder / "findings.parquet").exists():
        return ()
    return tuple(concentrated(version, version.finding_rows(finding)))


def _called(one: Concentrated) -> str:
    return f"{one.column} {one.name}" if one.column else f"the class {one.name}"


def _warn(taken: Sequence[Concentrated], info: VersionInfo) -> None:
    """What leaving the items out would take away."""
    for one in taken:
        st.warning(
            f"{one.rows:,} of {one.total:,} {items_of(info.modality)} of {plain(_called(one))} are"
            " among them: that is how these look. Leaving them out takes them away.",
            icon=":material/warning:",
        )


def _cost(cost: float) -> str:
    """A badge with the points that a finding takes off."""
    if not cost:
        return ""
    colour = "red" if cost >= 10 else "orange" if cost >= 3 else "gray"
    return f":{colour}-badge[−{cost:.0f}] " if cost >= 1 else f":{colour}-badge[under 1] "


def _items(record: DatasetRecord, info: VersionInfo, finding: FindingFacts) -> None:
    if finding["id"] == "skipped":
        st.dataframe(info.skipped, hide_index=True)
        if info.skipped_count > len(info.skipped):
            st.caption(f"The first {len(info.skipped):,} of {info.skipped_count:,}.")
        return
    if not finding["items"]:
        return
    examples = _examples(str(record.folder), finding["id"])
    if not examples:
        st.dataframe([{"item": item} for item in finding["items"]], hide_index=True)
        return
    pages_of(info.modality).draw_strip(examples, f"examples_{finding['id']}")
    if len(examples) == _SHOWN < finding["count"]:
        st.caption(f"The first {_SHOWN} of {finding['count']:,}.")
    st.button(
        "See them all in the viewer",
        key=f"see_{finding['id']}",
        on_click=filters.only,
        args=(finding["id"],),
        icon=":material/filter_alt:",
        type="tertiary",
    )


@st.cache_data(max_entries=100, ttl=3600, show_spinner=False)
def _examples(folder: str, finding: str) -> list[Card]:
    """The first rows of a finding that can be shown: class, split, and where each came from."""
    version = DatasetVersion(Path(folder))
    if not (version.folder / "findings.parquet").exists():
        return []
    rows = version.finding_rows(finding)[:_SHOWN]
    names = [*version.sets.names, "(none)"]
    cards = []
    for row, name in zip(rows.tolist(), version.names(rows), strict=True):
        facts = {"class": names[version.labels[row]], "split": str(version.splits[row])}
        with suppress(DataError):
            [item] = small_items(folder, (row,))
            cards.append(Card(item, {**facts, "from": name}))
    return cards


def _start_fix(reference: str, finding: str, action: str) -> None:
    with problems.in_callback():
        _submit(reference, {"finding": finding, "action": action})


def restore(reference: str) -> None:
    """Make an older version the newest; the page follows it as it follows a fix."""
    with problems.in_callback():
        _submit(reference, {"restore": True})


def apply_decisions(reference: str) -> None:
    """Make what was decided about single labels a version; the page follows it as it follows a
    fix.
    """
    with problems.caught():
        _submit(reference, {"decisions": True})


def _submit(reference: str, options: dict[str, object]) -> None:
    run = run_panel.submit(RunConfig("fix", services.user(), reference, options=options), "fix")
    st.session_state["fix_run"] = run.id


def _go_on(run: Run) -> None:
    """On to the new version."""
    st.session_state["fix_run"] = ""
    st.toast(plain(run.headline), icon=":material/check_circle:")
    state.choose("dataset", (run.summary or {})["dataset"])
    st.rerun()


def _offer_close(run: Run) -> None:
    del run
    if st.button("Close"):
        st.session_state["fix_run"] = ""
        st.rerun()


def watch() -> None:
    """Progress of a fix or a restore, if one is going."""
    run_panel.show(
        run_panel.in_hand("fix_run"), "Making the new version…", _go_on, ended=_offer_close
    )
