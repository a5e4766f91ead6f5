"""The Hugging Face Hub, asked only after a quick look whether it can be reached at all."""

from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from tl_core.errors import BackboneError

_CONNECT_SECONDS, _READ_SECONDS, _KEEP_SECONDS = 2.0, 3.0, 60.0
_FILES = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja"]
_probed: dict[str, tuple[float, bool]] = {}


def endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def is_reachable() -> bool:
    """Whether the Hub answers; at most five seconds, remembered for a minute.

    The plain client waits 23 s on refused connections and over 150 s on silent hosts.
    """
    url = endpoint()
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        return False
    known = _probed.get(url)
    if known and time.monotonic() - known[0] < _KEEP_SECONDS:
        return known[1]
    answer = _answers(url)
    _probed[url] = (time.monotonic(), answer)
    return answer


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_READ_SECONDS):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def download(name: str, revision: str) -> Path:
    """The local snapshot of `owner/name`; from the cache alone where the Hub cannot be reached.

    Raises:
        BackboneError: unreachable and not cached, missing, gated, or without safetensors.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    shown = f"hub:{name}" + (f"@{revision}" if revision else "")
    online = is_reachable()
    try:
        if online:
            found = HfApi(endpoint=endpoint()).model_info(name, revision=revision or None)
            files = [entry.rfilename for entry in found.siblings or []]
            if not any(file.endswith(".safetensors") for file in files):
                raise BackboneError(f"{shown} has no safetensors weights.",
                                    "Pickled weights can run code when they are opened, so they are refused.",
                                    "Choose another model, or a revision with a model.safetensors file.")
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=_FILES,
                                      local_files_only=not online, endpoint=endpoint()))
    except GatedRepoError as error:
        raise BackboneError(f"{shown} is gated.", "Its owner wants you to accept terms first.",
                            "Accept them on the model's page and set HF_TOKEN, or choose another.") from error
    except LocalEntryNotFoundError as error:
        raise BackboneError(f"{shown} is not on this machine and the Hub cannot be reached.",
                            f"{endpoint()} did not answer.",
                            "Use starter:text, starter:image or a local: folder, or try again later.") from error
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise BackboneError(f"There is no model {shown}.", "The Hub does not know that name or revision, or it is "
                            "private.", "Check the spelling on the Hub's page.") from error
    except (HfHubHTTPError, OSError) as error:
        raise BackboneError(f"{shown} could not be downloaded.", f"{type(error).__name__}.",
                            "Try again later, or use a starter.") from error
