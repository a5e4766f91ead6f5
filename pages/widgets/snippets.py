"""Code to copy, filled with a model's own columns and classes: a bundle by itself, and a server
that other programs ask.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.sections.items.item_pages import pages_of
from tl_core.predict.serving.client_code import ClientCode


def show(folder: str, manifest: Mapping[str, object]) -> None:
    """Tabs with code that runs a bundle where it lies."""
    names = manifest.get("labels")
    labels = [str(label) for label in names] if isinstance(names, list) else []
    item = pages_of(str(manifest["modality"])).argument
    shell, python = st.tabs(["Command line", "Python"])
    shell.code(
        f"cd {folder}\npip install -r requirements.txt\npython predict.py {item}", language="bash"
    )
    python.code(
        f"# in the folder {folder}\nfrom predict import Model\n\nanswer ="
        f" Model().answers([{item}])[0]\n"
        f'if answer["label"] == {labels[0]!r}:\n    print(answer["confidence"])',
        language="python",
    )


def show_requests(code: ClientCode) -> None:
    """Tabs with a request in three languages, and what comes back."""
    curl, python, script, answer = st.tabs(["curl", "Python", "JavaScript", "The answer"])
    curl.code(code.curl, language="bash", wrap_lines=True)
    python.code(code.python, language="python", wrap_lines=True)
    script.code(code.javascript, language="javascript", wrap_lines=True)
    answer.code(code.answer, language="json", wrap_lines=True)
