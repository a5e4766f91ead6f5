"""Before a run: minutes and memory from a few real steps, and the user's own pictures as training
sees them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.components import charts, problems, services, waiting
from pages.components.words import duration, plain, size
from tl_core.config import RunConfig
from tl_core.errors import UserError
from tl_core.registry.runs import ACTIVE
from tl_core.storage import remove_tree


def show(config: RunConfig) -> None:
    """A button that measures, and the card with what it found for these settings."""
    asked = f"{config.dataset} {config.backbone} {config.recipe} {sorted(config.options.items())}"
    if st.session_state["estimated"] != asked:
        st.session_state["estimate_run"], st.session_state["estimate"] = "", {}
    if st.session_state["estimate"]:
        _card(st.session_state["estimate"])
        return
    if not st.session_state["estimate_run"]:
        if st.button(
            "Estimate time and memory",
            icon=":material/timer:",
            help="Takes a few real steps with these settings on this machine; nothing is kept.",
        ):
            with problems.caught():
                run = services.submit(replace(config, kind="preflight"), None)
            st.session_state["estimate_run"], st.session_state["estimated"] = run.id, asked
            st.rerun()
        return
    with problems.caught():
        run = services.runs().get(st.session_state["estimate_run"])
    if run.status in ACTIVE:
        _wait()
    elif run.status == "done":
        st.session_state["estimate"] = run.summary or {}
        with problems.caught():
            remove_tree(services.runs().delete(run.id))  # the figures are all that is wanted of it
        _card(st.session_state["estimate"])
    else:
        problems.show(run.reason or {"what": "The measurement ended."})


@st.fragment(run_every=1.0)
def _wait() -> None:
    with problems.caught():
        run = services.runs().get(st.session_state["estimate_run"])
    if run.status not in ACTIVE:
        st.rerun()
    st.caption(f"Measuring a few steps on this machine… {run.progress:.0%}")
    st.skeleton(height=90)


def _card(found: dict[str, Any]) -> None:
    with st.container(border=True):
        tiles = [*st.columns(2), *st.columns(2)]
        tiles[0].metric("Time", duration(60 * found["minutes"]).removeprefix("about "))
        tiles[1].metric(
            "Memory",
            size(found["memory_bytes"]),
            help=f"Highest use while stepping; {size(found['free_bytes'])} more are free.",
        )
        tiles[2].metric(
            "Learns",
            _millions(found["trainable"]),
            help=f"Weights that move: {found['trainable']:,} of {found['total']:,}.",
        )
        tiles[3].metric(
            "Steps",
            f"{found.get('steps', 1):,}",
            help=f"{found.get('steps_per_epoch', 1):,} in each epoch.",
        )
        if found.get("cut_off", 0) > 0.01:
            st.caption(
                f"{found['cut_off']:.0%} of the texts are longer than the maximum length and lose"
                " their end."
            )
        if found.get("accumulate", 1) > 1:
            st.caption(
                f"Each batch is taken in {found['accumulate']} parts, so that it fits into the"
                " memory."
            )
        if found.get("lr_curve"):
            st.caption(f"Measured learning rate: {found['learning_rate']:g}")
            charts.lr_curve(found["lr_curve"], found["learning_rate"], "lr_estimate")


def _millions(count: int) -> str:
    """A number of weights that fits a tile."""
    return (
        f"{count / 1e6:.1f} M"
        if count >= 1e6
        else f"{count / 1e3:.0f} k"
        if count >= 1e4
        else f"{count:,}"
    )


def preview(config: RunConfig, augment: str) -> None:
    """Rows of pictures: what judges, then what training would see of the same photo."""
    asked = f"{config.dataset} {config.backbone} {augment} {st.session_state['preview_seed']}"
    if st.session_state["previewed"] != asked:
        with problems.caught():
            st.session_state["preview_ticket"] = services.compute().call(
                "preview",
                reference=config.backbone,
                folder=config.dataset_dir,
                augment=augment,
                seed=st.session_state["preview_seed"],
            )
        st.session_state["previewed"] = asked
    ticket = st.session_state["preview_ticket"]
    try:
        ready, rows = services.compute().poll(ticket)
    except UserError as error:
        st.caption(plain(str(error)))
        return
    if not ready:
        waiting.wait_quietly(ticket, "Preparing your photos…")
        return
    st.caption(
        "Your photos as the network sees them: on the left as it is judged, beside it as training"
        " varies it."
        if augment != "none"
        else "Your photos as the network sees them; nothing is varied."
    )
    for row in rows:
        for column, picture in zip(st.columns(5), row, strict=False):
            column.image(picture, width="stretch")
    if augment != "none" and st.button(
        "Other variations", icon=":material/casino:", type="tertiary"
    ):
        st.session_state["preview_seed"] += 1
        st.rerun()
