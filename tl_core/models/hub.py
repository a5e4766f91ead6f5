"""Backbones from the Hugging Face Hub: safetensors only, from the cache where the Hub cannot be reached."""

from __future__ import annotations

from pathlib import Path

from tl_core.errors import BackboneError
from tl_core.hub import endpoint, is_reachable

_FILES = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja"]


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
