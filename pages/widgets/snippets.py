"""How a bundle is used, with its own labels: command line, Python, and a server for other
programs.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.sections.items.item_pages import pages_of


def show(folder: str, manifest: Mapping[str, object]) -> None:
    """Tabs with code to copy."""
    requests = pages_of(str(manifest["modality"])).requests
    names = manifest.get("labels")
    labels = [str(label) for label in names] if isinstance(names, list) else []
    item = requests.argument
    shell, python, curl, script = st.tabs(["Command line", "Python", "curl", "JavaScript"])
    shell.code(
        f"cd {folder}\npip install -r requirements.txt\npython predict.py {item}", language="bash"
    )
    python.code(
        f"# in the folder {folder}\nfrom predict import Model\n\nanswer ="
        f" Model().answers([{item}])[0]\n"
        f'if answer["label"] == {labels[0]!r}:\n    print(answer["confidence"])',
        language="python",
    )
    curl.code(f"python -m tl_core serve {folder}   # then:\n{requests.curl}", language="bash")
    script.code(
        f"{requests.javascript}const [answer] = (await reply.json()).answers;"
        f"  // label: one of {', '.join(labels[:6])}",
        language="javascript",
    )
