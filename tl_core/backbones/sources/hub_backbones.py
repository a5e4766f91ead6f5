"""Backbones from the Hugging Face Hub: safetensors only, from the cache where the Hub cannot be
reached.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from tl_core.backbones.sources.licences import allows_commercial_use
from tl_core.errors import BackboneError
from tl_core.hub import endpoint, is_reachable
from tl_core.json_files import find_object
from tl_core.modalities import modality_of
from tl_core.settings import read_settings

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import RepoSibling

_FILES = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja"]
_ROOM = 1.1  # times the download that must be free on the disk
_SHOWN = 20
_QUERIED = 100  # of the Hub, before our own filters


class HubModel(TypedDict):
    """A model of the Hub; `parameters_m` is 0 and `licence` empty where the Hub does not say."""

    reference: str
    task: str
    downloads: int
    licence: str
    parameters_m: float
    gated: bool


def search(
    text: str, modality: str, *, language: str = "", commercial: bool = False
) -> list[HubModel]:
    """Models with safetensors weights of a modality whose name or card holds `text`, most
    downloaded first.

    Args:
        text: words to look for.
        modality: what they read.
        language: a language code that the card must name; empty for any.
        commercial: only licences that allow commercial use.

    Raises:
        BackboneError: when the Hub cannot be reached, or refuses.
    """
    from huggingface_hub import HfApi

    if not is_reachable():
        raise BackboneError(
            "The Hub cannot be reached.",
            f"{endpoint()} did not answer.",
            "Use a starter, a local: folder, or what is already here; or try again later.",
        )
    wanted = ["safetensors", *([language] if language else [])]
    with _said_plainly("The Hub's search"):
        answers = list(
            HfApi(endpoint=endpoint()).list_models(
                search=text,
                filter=wanted,
                sort="downloads",
                limit=_QUERIED,
                expand=["downloads", "tags", "pipeline_tag", "gated", "safetensors"],
            )
        )
    tasks = modality_of(modality).hub_tasks
    models = [_model(answer) for answer in answers if answer.pipeline_tag in tasks]
    return [model for model in models if not commercial or allows_commercial_use(model["licence"])][
        :_SHOWN
    ]


def _model(answer: ModelInfo) -> HubModel:
    licences = [
        tag.removeprefix("license:") for tag in answer.tags or [] if tag.startswith("license:")
    ]
    return {
        "reference": f"hub:{answer.id}",
        "task": str(answer.pipeline_tag),
        "downloads": int(answer.downloads or 0),
        "licence": licences[0] if licences else "",
        "parameters_m": answer.safetensors.total / 1e6 if answer.safetensors else 0.0,
        "gated": bool(answer.gated),
    }


def download(name: str, revision: str) -> Path:
    """The local snapshot of `owner/name`; from the cache alone where the Hub cannot be reached.

    New weights are compared with the checksums that the Hub publishes.

    Raises:
        BackboneError: unreachable and not cached, missing, gated, without safetensors, too big for
        the disk, damaged.
    """
    from huggingface_hub import HfApi, snapshot_download

    shown = f"hub:{name}" + (f"@{revision}" if revision else "")
    online = is_reachable()
    sums: dict[str, str] = {}
    with _said_plainly(shown):
        if online:
            info = HfApi(endpoint=endpoint()).model_info(
                name, revision=revision or None, files_metadata=True
            )
            files = _wanted_files(shown, info)
            if not _cached(name, str(info.sha)):
                size = sum(entry.size or 0 for entry in files)
                _check_room(shown, size)
                _remember_size(name, size)
                sums = {entry.rfilename: entry.lfs.sha256 for entry in files if entry.lfs}
        folder = Path(
            snapshot_download(
                name,
                revision=revision or None,
                allow_patterns=_FILES,
                local_files_only=not online,
                endpoint=endpoint(),
            )
        )
    _check_sums(shown, folder, sums)
    return folder


def _wanted_files(shown: str, info: ModelInfo) -> list[RepoSibling]:
    """The files of a model that are fetched: weights as safetensors, configuration, vocabulary."""
    files = [
        entry
        for entry in info.siblings or []
        if any(fnmatch(entry.rfilename, pattern) for pattern in _FILES)
    ]
    if not any(entry.rfilename.endswith(".safetensors") for entry in files):
        raise BackboneError(
            f"{shown} has no safetensors weights.",
            "Pickled weights can run code when they are opened, so they are refused.",
            "Choose another model, or a revision with a model.safetensors file.",
        )
    return files


def arrived(name: str) -> tuple[int, int] | None:
    """Bytes of `owner/name` that have come so far, and all that its download takes; None before it
    has begun.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    total = find_object(_size_file(name)).get("bytes")
    if not isinstance(total, int):
        return None
    blobs = Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "blobs"
    return min(total, sum(path.stat().st_size for path in blobs.glob("*") if path.is_file())), total


def _size_file(name: str) -> Path:
    return read_settings().home_path / "downloads" / f"{name.replace('/', '--')}.json"


def _remember_size(name: str, size: int) -> None:
    path = _size_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"bytes": size}))


def _cached(name: str, commit: str) -> bool:
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "snapshots" / commit
    return any(folder.glob("*.safetensors"))


def _check_room(shown: str, size: int) -> None:
    from huggingface_hub.constants import HF_HUB_CACHE

    place = Path(HF_HUB_CACHE)
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free
    if size * _ROOM > free:
        raise BackboneError(
            f"{shown} does not fit on the disk.",
            f"It takes {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free.",
            "Make room, or choose a smaller one.",
        )


def _check_sums(shown: str, folder: Path, sums: dict[str, str]) -> None:
    """Compare what has just been downloaded with its published checksums; what differs is
    removed.
    """
    for name, expected in sums.items():
        path = folder / name
        with path.open("rb") as handle:
            actual = hashlib.file_digest(handle, "sha256").hexdigest()
        if actual != expected:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise BackboneError(
                f"{shown} arrived damaged.",
                f"The checksum of {name} is not the published one.",
                "Try again; if it happens again, choose another model.",
            )


@contextmanager
def _said_plainly(shown: str) -> Iterator[None]:
    """The Hub client's errors as sentences that a person can act on."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    # OSError, and the HTTP library's own, whichever the client uses
    transport = cast("tuple[type[Exception], ...]", HfHubHTTPError.__bases__)
    try:
        yield
    except GatedRepoError as error:
        raise BackboneError(
            f"{shown} is gated.",
            "Its owner wants you to accept terms first.",
            "Accept them on the model's page and set HF_TOKEN, or choose another.",
        ) from error
    except LocalEntryNotFoundError as error:
        raise BackboneError(
            f"{shown} is not on this machine and the Hub cannot be reached.",
            f"{endpoint()} did not answer.",
            "Use starter:text, starter:image or a local: folder, or try again later.",
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise BackboneError(
            f"There is no model {shown}.",
            "The Hub does not know that name or revision, or it is private.",
            "Check the spelling on the Hub's page; for a private one set HF_TOKEN.",
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status == 429:
            raise BackboneError(
                "The rate limit of the Hub is reached.",
                "This server has sent too many requests.",
                "Try again in some minutes, or set HF_TOKEN for a higher limit.",
            ) from error
        if status == 401:
            raise BackboneError(
                f"The Hub refuses access to {shown}.",
                "The token is missing or not valid.",
                "Set HF_TOKEN to a token of yours that may read it.",
            ) from error
        raise BackboneError(
            f"{shown} could not be fetched.",
            f"The Hub answered {status}.",
            "Try again later, or use a starter.",
        ) from error
    except transport as error:
        raise BackboneError(
            f"{shown} could not be fetched.",
            f"{type(error).__name__}.",
            "Try again later; what has arrived is kept.",
        ) from error
