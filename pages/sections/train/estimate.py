"""Before a run: minutes and memory from a few real steps, and the user's own pictures as training
sees them.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.shell import ask, rights, run_panel, services
from pages.shell.words import duration, plain, size
from pages.widgets import charts
from tl_core.config import RunConfig
from tl_core.errors import UserError
from tl_core.registry.run import Run
from tl_core.results import Estimate, MemoryWay
from tl_core.storage import remove_tree


def show(config: RunConfig) -> None:
    """A button that measures, and the card with what it figures for these settings."""
    subject = f"{config.dataset} {config.backbone} {config.recipe} {sorted(config.options.items())}"
    if st.session_state["estimated"] != subject:
        st.session_state.update(estimate_run="", estimate={}, estimated=subject)
    if st.session_state["estimate"]:
        _card(st.session_state["estimate"])
        return
    run_panel.show(
        run_panel.in_hand("estimate_run"),
        "Measuring a few steps on this machine…",
        _keep,
        lambda: _offer(config),
    )


def _offer(config: RunConfig) -> None:
    why = rights.against(rights.WORK, config.dataset)
    if st.button(
        "Estimate time and memory",
        icon=":material/timer:",
        disabled=bool(why),
        help=why or "Takes a few real steps with these settings on this machine; nothing is kept.",
    ):
        run = run_panel.start(replace(config, kind="preflight"), "estimate")
        st.session_state["estimate_run"] = run.id
        st.rerun()


def _keep(run: Run) -> None:
    """The figures are all that is wanted of the run."""
    st.session_state.update(estimate=run.summary or {}, estimate_run="")
    for folder in services.runs().discard([run.id]):
        remove_tree(folder)
    _card(st.session_state["estimate"])


def _card(figures: Estimate) -> None:
    with st.container(border=True):
        tiles = [*st.columns(2), *st.columns(2)]
        tiles[0].metric("Time", duration(60 * figures["minutes"]).removeprefix("about "))
        tiles[1].metric(
            "Memory",
            size(figures["memory_bytes"]),
            help=f"Peak use during the measured steps; {size(figures['free_bytes'])} more are"
            " free.",
        )
        tiles[2].metric(
            "Trainable weights",
            _millions(figures["trainable"]),
            help=(
                f"Weights that training changes: {figures['trainable']:,} of {figures['total']:,}."
            ),
        )
        tiles[3].metric(
            "Steps",
            f"{figures.get('steps', 1):,}",
            help=f"{figures.get('steps_per_epoch', 1):,} in each epoch.",
        )
        if figures.get("cut_off", 0) > 0.01:
            st.caption(
                f"{figures['cut_off']:.0%} of the texts are longer than the maximum length and"
                " are truncated."
            )
        if figures.get("accumulate", 1) > 1:
            st.caption(
                f"Each batch is taken in {figures['accumulate']} parts (gradient accumulation),"
                " so that"
                " it fits into the memory."
            )
        if figures.get("ways"):
            _memory(figures["ways"], figures["advice"])
        if figures.get("lr_curve"):
            st.caption(f"Measured learning rate: {figures['learning_rate']:g}")
            charts.lr_curve(figures["lr_curve"], figures["learning_rate"], "lr_estimate")


def _memory(ways: list[MemoryWay], advice: str) -> None:
    """What the training holds, by its parts, as set and in other ways."""
    st.caption(plain(advice))
    with st.expander("What is in the memory, and what would take less"):
        st.caption(
            "Weights, their gradients, the optimizer's state and the best state so far are counted;"
            " activations (what the backward pass needs of the forward pass) are measured on the"
            " longest examples. Several GPUs are figured, not tried: the part of one of them."
        )
        st.dataframe(
            [
                {
                    "settings": way["way"],
                    "fits": "yes" if way["fits"] else "no",
                    "in all": size(way["total"]),
                    "weights": size(way["weights"]),
                    "gradients": size(way["gradients"]),
                    "optimizer": size(way["optimizer"]),
                    "best state": size(way["best_state"]),
                    "activations": size(way["activations"]),
                }
                for way in ways
            ],
            hide_index=True,
            key="memory_ways",
            alt="Memory that the training holds with these and other settings",
        )


def _millions(count: int) -> str:
    """A number of weights that fits a tile."""
    return (
        f"{count / 1e6:.1f} M"
        if count >= 1e6
        else f"{count / 1e3:.0f} k"
        if count >= 1e4
        else f"{count:,}"
    )


def _say(error: UserError) -> None:
    st.caption(plain(str(error)))


def preview(config: RunConfig, augment: str) -> None:
    """Rows of pictures: what judges, then what training would see of the same photo."""
    seed = st.session_state["preview_seed"]
    rows = ask.ask(
        "preview",
        "preview",
        f"{config.dataset} {config.backbone} {augment} {seed}",
        "Preparing your photos…",
        quiet=True,
        failed=_say,
        reference=config.backbone,
        folder=config.dataset_dir,
        augment=augment,
        seed=seed,
    )
    if rows is None:
        return
    st.caption(
        "Your photos as the network sees them: on the left as in evaluation, beside it as augmented"
        " in training."
        if augment != "none"
        else "Your photos as the network sees them, without augmentation."
    )
    for row in rows:
        for column, picture in zip(st.columns(5), row, strict=False):
            column.image(picture, width="stretch")
    if augment != "none" and st.button(
        "Other variations", icon=":material/casino:", type="tertiary"
    ):
        st.session_state["preview_seed"] += 1
        st.rerun()
