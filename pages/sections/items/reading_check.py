"""What a backbone would not read of the user's texts, before any training."""

from __future__ import annotations

import streamlit as st

from pages.shell import ask
from pages.shell.words import plain
from tl_core.config import SETTINGS, RunConfig


def show(config: RunConfig) -> None:
    """A warning for each thing that it would not read; nothing to see when it reads them all."""
    settings = SETTINGS[config.recipe]()
    length = int(str(config.options.get("max_length", vars(settings)["max_length"])))
    findings = ask.ask(
        "fit",
        "check_fit",
        f"{config.dataset} {config.backbone} {length}",
        "Checking how the backbone reads your texts…",
        quiet=True,
        failed=ask.ignore,  # the run itself will say what is wrong with the backbone
        reference=config.backbone,
        folder=config.dataset_dir,
        max_length=length,
    )
    for finding in findings or []:
        st.warning(f"{plain(finding['text'])} {plain(finding['fix'])}", icon=":material/warning:")
