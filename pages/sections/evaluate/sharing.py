"""The report to take away: as a page, as data, as a link for readers, and the model itself."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from pages.sections.evaluate.mistakes import ordered
from pages.sections.evaluate.subject import Subject
from pages.sections.items.item_pages import pages_of
from pages.sections.sharing import access
from pages.shell import dialogs, others, rights
from pages.shell.words import plain
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.html import Example, render
from tl_core.jobs.events import RunView
from tl_core.progress import Curve

_EXAMPLES = 12  # mistakes that go along with an exported report
_KEY, _ASKED = "share", "share_asked"


def show(subject: Subject) -> None:
    """A button that opens everything that can be taken away."""
    box = st.popover(
        "Download and share",
        icon=":material/ios_share:",
        key=_KEY,
        on_change="rerun",
        help="The report as a page or as data, the predictions, a link for readers, the model.",
    )
    if st.session_state.pop(_ASKED, False):
        access.show(subject.run)
    if not box.open:
        return
    with box:
        _page(subject)
        _data(subject)
        _link(subject)
        if (subject.run.folder / "model" / "config.json").is_file():
            st.page_link(
                "pages/use/bundle.py",
                label="The model as a verified bundle",
                icon=":material/inventory_2:",
                query_params={"run": subject.run.id},
            )


def _page(subject: Subject) -> None:
    with_items = subject.folder is not None and st.checkbox(
        f"Put {subject.noun} of the most confident mistakes into the page",
        key="share_items",
        help=f"Off, the page holds none of your {subject.noun}. On, it holds up to {_EXAMPLES}"
        " small ones: only send it to people who may see them.",
    )
    st.download_button(
        "Report as a page (HTML)",
        lambda: page(subject, with_items=with_items),
        f"report-{subject.run.id}.html",
        "text/html",
        on_click="ignore",
        icon=":material/description:",
        help="One file that opens without a network and prints on A4."
        + ("" if with_items else " It holds none of your items."),
    )


def page(subject: Subject, *, with_items: bool) -> str:
    """The report as HTML, with the loss of the training, and with items only where it is wished."""
    # made when somebody clicks, outside any run of the page: nothing of the session may be read
    points = RunView().follow(subject.run.folder).curves.get(Curve.TRAINING, [])
    loss = [(point["epoch"], point["loss"]) for point in points if point.get("loss") is not None]
    examples = _examples(subject, subject.folder) if with_items and subject.folder else ()
    return render(subject.report, loss, examples)


def _examples(subject: Subject, folder: Path) -> list[Example]:
    """The most confident mistakes, small."""
    table = ordered(subject.answers(), "confident").head(_EXAMPLES)
    own, version = pages_of(subject.report["modality"]), DatasetVersion(folder)
    content = own.small(version, [int(row) for row in table["index"]])
    return [
        Example(str(line["true"]), str(line["label"]), float(line["confidence"]), item)
        for item, (_, line) in zip(content, table.iterrows(), strict=True)
    ]


def _data(subject: Subject) -> None:
    run, report = subject.run, subject.report
    st.download_button(
        "Report as JSON",
        lambda: json.dumps(report, ensure_ascii=False, indent=1),
        f"report-{run.id}.json",
        on_click="ignore",
        icon=":material/data_object:",
        help="Every figure of this report, for programs.",
    )
    st.download_button(
        "Predictions as CSV",
        (run.folder / report["predictions"]).read_bytes,
        f"predictions-{run.id}.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/table:",
        help=f"The prediction and the probabilities for each of the {subject.kind}.",
    )


def _ask() -> None:
    """The box would lie over the dialog that it opens."""
    dialogs.opened()
    st.session_state.update({_KEY: False, _ASKED: True})


def _link(subject: Subject) -> None:
    """How others may see it: whoever reaches this server, or only those with whom it is shared."""
    here = f"{str(st.context.url or '').partition('?')[0]}?run={subject.run.id}&view=read"
    if not others.exist():
        st.markdown("**A link for readers**")
        st.caption(
            "Shows this report, its items too, and offers nothing to change. It works for whoever"
            " can reach this server."
        )
    else:
        st.markdown("**Others**")
        whose = rights.against(rights.OWN, subject.run)
        if not whose:
            st.button(
                "Share the run, or make a link",
                key="share_report",
                icon=":material/group_add:",
                on_click=_ask,
                help="With people here, or by a link for those who have no account.",
            )
        st.caption(
            (f"{plain(whose)} " if whose else "")
            + "This address shows the report with nothing to change, to those who have access:"
        )
    st.code(here, language=None)
