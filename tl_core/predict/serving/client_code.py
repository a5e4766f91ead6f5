"""Code that starts a server for a bundle and asks it, in the words of one model: its columns, its
classes, its threshold.
"""

from __future__ import annotations

import json
import shlex
from typing import NamedTuple

from tl_core.data.preparation import Preparation

SECRET = "choose-a-long-secret"  # noqa: S105 - what stands in the examples until somebody has one
_LABELS, _PIXELS = 4, 3  # of many: as many as an example shows
_TEXT = "a text of yours"


class ClientCode(NamedTuple):
    """What to type where: the server's command line, a request in three languages, its answer."""

    serve: str
    curl: str
    python: str
    javascript: str
    answer: str


def client_code(
    bundle: str,
    preparation: Preparation,
    labels: list[str],
    *,
    by_file: bool,
    file: str = "photo.jpg",
    port: int = 8000,
    closed: bool = False,
) -> ClientCode:
    """The code for one model.

    Args:
        bundle: folder of the bundle.
        preparation: what the model reads: its columns, if it has any.
        labels: its classes.
        by_file: whether an item is a file.
        file: the name of such a file, as it stands in the code.
        port: where the server listens.
        closed: whether the server asks for a token.
    """
    files = file if by_file and not preparation.pixels else ""
    address = f"http://localhost:{port}/predict{'/files' if files else ''}"
    body = json.dumps(_body(preparation), ensure_ascii=False)
    note = _note(preparation)
    return ClientCode(
        serve=_serve(bundle, port, closed=closed),
        curl=_curl(address, body, file=files, closed=closed),
        python=_python(address, body, labels, note, file=files, closed=closed),
        javascript=_javascript(address, body, labels, note, files=bool(files), closed=closed),
        answer=_answer(labels),
    )


def _body(preparation: Preparation) -> dict[str, object]:
    """What one item looks like as JSON."""
    if preparation.pixels:
        return {"rows": [dict.fromkeys(preparation.columns[:_PIXELS], 0)]}
    if preparation.joined:
        return {"rows": [{name: f"your {name}" for name in preparation.columns}]}
    return {"texts": [_TEXT]}


def _note(preparation: Preparation) -> str:
    """What the example leaves out."""
    left = len(preparation.columns) - _PIXELS
    return f"and the other {left:,} columns" if preparation.pixels and left > 0 else ""


def _serve(bundle: str, port: int, *, closed: bool) -> str:
    command = f"python -m tl_core serve {shlex.quote(bundle)} --port {port}"
    return f"TL_SERVE_TOKEN={SECRET} {command}" if closed else command


def _curl(address: str, body: str, *, file: str, closed: bool) -> str:
    parts = [f"curl {address}"]
    if closed:
        parts.append(f"-H 'Authorization: Bearer {SECRET}'")
    if file:
        parts.append(f"-F files=@{file}")
    else:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(parts)


def _python(
    address: str, body: str, labels: list[str], note: str, *, file: str, closed: bool
) -> str:
    what = f'files={{"files": open("{file}", "rb")}}' if file else f"json={body}"
    lines = [
        "import requests  # pip install requests",
        "",
        "reply = requests.post(",
        f'    "{address}",',
        f"    {what},{'  # ' + note if note else ''}",
        *([f'    headers={{"Authorization": "Bearer {SECRET}"}},'] if closed else []),
        "    timeout=30,",
        ")",
        "reply.raise_for_status()",
        'for answer in reply.json()["answers"]:',
        '    if answer["abstain"]:',
        '        print("a person should decide")',
        f'    elif answer["label"] == {json.dumps(_first(labels), ensure_ascii=False)}:',
        '        print("sure to", answer["confidence"])',
    ]
    return "\n".join(lines)


def _javascript(
    address: str, body: str, labels: list[str], note: str, *, files: bool, closed: bool
) -> str:
    secret = [f'    "Authorization": "Bearer {SECRET}",'] if closed else []
    if files:
        sent = [*(["  headers: {", *secret, "  },"] if closed else []), "  body: form,"]
        before = ["const form = new FormData();", 'form.append("files", input.files[0]);']
    else:
        kind = '    "Content-Type": "application/json",'
        sent = [
            "  headers: {",
            kind,
            *secret,
            "  },",
            f"  body: JSON.stringify({body}),{'  // ' + note if note else ''}",
        ]
        before = []
    return "\n".join(
        [
            *before,
            f'const reply = await fetch("{address}", {{',
            '  method: "POST",',
            *sent,
            "});",
            "const [answer] = (await reply.json()).answers;",
            f"if (answer.label === {json.dumps(_first(labels), ensure_ascii=False)})"
            " console.log(answer.confidence);",
        ]
    )


def _answer(labels: list[str]) -> str:
    """What the server says, with the first of the model's classes."""
    shown = labels[:_LABELS] or [""]
    rest = round(0.07 / max(len(shown) - 1, 1), 3)
    answer = {
        "label": shown[0],
        "confidence": 0.93,
        "abstain": False,
        "probabilities": {name: 0.93 if name == shown[0] else rest for name in shown},
    }
    return json.dumps({"answers": [answer]}, ensure_ascii=False, indent=1)


def _first(labels: list[str]) -> str:
    return labels[0] if labels else ""
