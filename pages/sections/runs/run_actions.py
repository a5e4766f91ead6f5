"""What can be done with runs: with one, and with several at once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.sections.runs import run_rows
from pages.sections.sharing import access
from pages.shell import problems, rights, services
from pages.shell.words import plain
from tl_core.registry.run import ACTIVE, ENDED, Run

MOST_COMPARED = 8
_SUGGESTED = ("best so far", "to hand over", "check again")


def show(picked: list[Run]) -> None:
    """A row of buttons for the picked runs."""
    if not picked:
        st.caption("Tick one run to open, use or delete it; tick several to compare them.")
        return
    with st.container(horizontal=True, gap="small"):
        if len(picked) == 1:
            _of_one(picked[0])
        else:
            _compare([run for run in picked if run.kind == "train" and run.summary])
        _of_all(picked)


def _of_one(run: Run) -> None:
    """Where it can be looked at and used, and how its course can be changed."""
    to = {"run": run.id}
    if run.kind == "train" and run.status == "done":
        _go("Report", "fact_check", "pages/evaluate/report.py", to, "How good is it?", first=True)
        if (run.folder / "model" / "config.json").is_file():
            _go("Predict", "bolt", "pages/use/playground.py", to, "Use it on new items.")
            _go("Export", "inventory_2", "pages/use/bundle.py", to, "Take the model away.")
    why = rights.against(rights.WORK, run)
    _go("Watch", "monitoring", "pages/train/live.py", to, "Its stages, curves and log.")
    if run.status in ACTIVE:
        st.button(
            "Cancel",
            key=f"cancel_{run.id}",
            icon=":material/stop:",
            on_click=_act,
            args=(services.runs().cancel, run.id),
            disabled=bool(why),
            help=why or "What it has finished is kept.",
        )
    elif run.status != "done":
        st.button(
            "Resume",
            key=f"resume_{run.id}",
            icon=":material/play_arrow:",
            on_click=_act,
            args=(services.resume, run.id),
            disabled=bool(why),
            help=why or "Goes on from what is finished.",
        )
    if st.button(
        "Tags and note",
        key=f"annotate_{run.id}",
        icon=":material/edit_note:",
        disabled=bool(why),
        help=why or "Words of yours, to find it again.",
    ):
        _annotate(run)
    access.button(run, key=run.id)


def _go(
    name: str, icon: str, page: str, to: dict[str, str], text: str, *, first: bool = False
) -> None:
    if st.button(
        name,
        key=f"to_{name}",
        icon=f":material/{icon}:",
        type="primary" if first else "secondary",
        help=text,
    ):
        st.switch_page(page, query_params=to)


def _compare(runs: list[Run]) -> None:
    """Several finished trainings side by side."""
    if st.button(
        "Compare",
        key="compare_picked",
        type="primary",
        icon=":material/balance:",
        disabled=not 2 <= len(runs) <= MOST_COMPARED,
        help=f"Two to {MOST_COMPARED} finished trainings: scores, price, and whether the difference"
        " is chance.",
    ):
        st.switch_page(
            "pages/evaluate/compare.py",
            query_params={"run": runs[0].id, "with": ",".join(run.id for run in runs[1:])},
        )


def _of_all(picked: list[Run]) -> None:
    """Put away, bring back, delete: one run or several."""
    away = [run for run in picked if not run.archived]
    no_work = next((why for run in picked if (why := rights.against(rights.WORK, run))), "")
    not_mine = next((why for run in picked if (why := rights.against(rights.OWN, run))), "")
    if away:
        st.button(
            "Archive",
            key="archive_picked",
            icon=":material/archive:",
            on_click=_put_away,
            args=([run.id for run in away], True),
            disabled=bool(no_work),
            help=no_work or "Hides it from the list; nothing is deleted.",
        )
    else:
        st.button(
            "Bring back",
            key="bring_back_picked",
            icon=":material/unarchive:",
            on_click=_put_away,
            args=([run.id for run in picked], False),
            disabled=bool(no_work),
            help=no_work or "Shows it in the list again.",
        )
    if st.button(
        "Delete",
        key="delete_picked",
        icon=":material/delete:",
        type="tertiary",
        disabled=bool(not_mine) or any(run.status not in ENDED for run in picked),
        help=not_mine
        or "Into the trash, with model and report. Runs that are going must be cancelled first.",
    ):
        _delete(picked)


def _act(action: Callable[[str], object], run_id: str) -> None:
    with problems.in_callback():
        action(run_id)


def _put_away(run_ids: list[str], archived: bool) -> None:
    with problems.in_callback():
        for run_id in run_ids:
            services.runs().annotate(run_id, archived=archived)


@st.dialog("Put into the trash?")
def _delete(picked: list[Run]) -> None:
    """Asked for once, by name."""
    named = "\n".join(f"- {plain(run_rows.title(run))}" for run in picked[:10])
    more = f"\n- and {len(picked) - 10} more" if len(picked) > 10 else ""
    days = services.settings().number("trash_days")
    st.markdown(
        f"{named}{more}\n\nModel, report and predictions can be restored from the trash for {days}"
        " days, and take up space as long."
    )
    if st.button(
        "Delete it" if len(picked) == 1 else f"Delete {len(picked)} runs",
        type="primary",
        on_click=_remove,
        args=([run.id for run in picked],),
    ):
        st.rerun()


def _remove(run_ids: list[str]) -> None:
    with problems.in_callback():
        services.runs().delete(run_ids)


@st.dialog("Tags and note", position="right")
def _annotate(run: Run) -> None:
    """Words of somebody's own about a run."""
    st.caption(plain(run_rows.title(run)))
    st.multiselect(
        "Tags",
        sorted({*run.tags, *_SUGGESTED}),
        list(run.tags),
        accept_new_options=True,
        max_selections=10,
        key=f"tags_{run.id}",
        help="Choose, or type a new one and press Enter. The list of runs can be filtered by tags.",
    )
    st.text_area(
        "Note",
        run.note,
        max_chars=2000,
        height=220,
        key=f"note_{run.id}",
        help="What you tried and found.",
    )
    if st.button(
        "Save",
        type="primary",
        icon=":material/save:",
        key=f"save_{run.id}",
        on_click=_keep,
        args=(run.id,),
    ):
        st.rerun()


def _keep(run_id: str) -> None:
    with problems.in_callback():
        services.runs().annotate(
            run_id, tags=st.session_state[f"tags_{run_id}"], note=st.session_state[f"note_{run_id}"]
        )
