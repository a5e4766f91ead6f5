"""How a bundle is used, with its own labels: command line, Python, and a server for other
programs.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def show(folder: str, manifest: Mapping[str, object]) -> None:
    """Tabs with code to copy."""
    text = manifest.get("modality") == "text"
    names = manifest.get("labels")
    labels = [str(label) for label in names] if isinstance(names, list) else []
    item = '"a text of yours"' if text else '"photo.jpg"'
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
    begin = f"python -m tl_core serve {folder}   # then:\n"
    if text:
        curl.code(
            f"{begin}curl http://localhost:8000/predict -H 'Content-Type: application/json' \\\n"
            '  -d \'{"texts": ["a text of yours"]}\'',
            language="bash",
        )
        script.code(
            'const reply = await fetch("http://localhost:8000/predict", {\n  method: "POST",\n'
            '  headers: {"Content-Type": "application/json"},\n'
            '  body: JSON.stringify({texts: ["a text of yours"]})});\n'
            "const [answer] = (await reply.json()).answers;  // label: one of"
            f" {', '.join(labels[:6])}",
            language="javascript",
        )
        return
    curl.code(
        f"{begin}curl http://localhost:8000/predict/files -F files=@photo.jpg", language="bash"
    )
    script.code(
        'const form = new FormData();\nform.append("files", input.files[0]);\n'
        'const reply = await fetch("http://localhost:8000/predict/files", {method: "POST", body:'
        " form});\n"
        f"const [answer] = (await reply.json()).answers;  // label: one of {', '.join(labels[:6])}",
        language="javascript",
    )
