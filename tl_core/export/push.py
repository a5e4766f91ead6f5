"""A bundle on its way to the Hugging Face Hub: proven first, private unless asked otherwise, its
card included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tl_core.errors import DataError, UserError
from tl_core.hub import endpoint, is_reachable
from tl_core.progress import Progress
from tl_core.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_TOKEN = (
    "Make one that may write at huggingface.co/settings/tokens and start this program with"
    " TL_HUB_TOKEN set to it."
)


def is_name(repository: str) -> bool:
    """Whether `repository` reads like owner/name."""
    return bool(_NAME.fullmatch(repository)) and ".." not in repository and "--" not in repository


def token_of(settings: Settings) -> str:
    """TL_HUB_TOKEN; on a machine of one's own also HF_TOKEN or the login of the Hub's own tool,
    which a server has only to read with.
    """
    if settings.hub_token or not settings.is_local:
        return settings.hub_token
    from huggingface_hub import get_token

    return get_token() or ""


def push(
    folder: Path, repository: str, token: str, progress: Progress, *, public: bool = False
) -> dict[str, str]:
    """Verify the bundle in `folder` and upload it as the model `repository` (owner/name); earlier
    commits stay there.

    Returns:
        `repository`, `address` of its page and `commit`.

    Raises:
        DataError: when `folder` is no whole bundle.
        UserError: without a token, when the Hub refuses, or when the repository there is public but
        should not be.
    """
    from huggingface_hub import HfApi

    from tl_core.export.verify import verify

    if not is_name(repository):
        raise UserError(
            f"{repository!r} is not a valid name of a model on the Hub.",
            "A name is an owner and a model.",
            "Write owner/name, with letters, digits, dots, dashes and underscores.",
        )
    if not token:
        raise UserError(
            "There is no token for the Hub.", "An upload needs the token of an account.", _TOKEN
        )
    if not is_reachable():
        raise UserError(
            "The Hub cannot be reached.", f"{endpoint()} did not answer.", "Try again later."
        )
    progress.stage("Verifying the bundle", share=0.2)
    wrong = [check for check in verify(folder)["checks"] if not check["ok"]]
    if wrong:
        raise DataError(
            "The bundle is not as it was exported.",
            f"{wrong[0]['name']}: {wrong[0]['detail']}",
            "Export it again.",
        )
    progress.stage("Uploading to the Hub", share=0.8)
    api = HfApi(endpoint=endpoint(), token=token)
    with _said_plainly(repository):
        api.create_repo(repository, private=not public, exist_ok=True)
        if not public and not api.model_info(repository).private:
            raise UserError(
                f"{repository} is there already, and everybody can read it.",
                "You asked for a private one.",
                "Choose another name, or say that it may be public.",
            )
        done = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            ignore_patterns=["__pycache__/**"],
            commit_message="Bundle of a classifier, verified before the upload",
        )
    return {"repository": repository, "address": f"{endpoint()}/{repository}", "commit": done.oid}


@contextmanager
def _said_plainly(repository: str) -> Iterator[None]:
    """The Hub client's errors as sentences that a person can act on."""
    from huggingface_hub.errors import HfHubHTTPError

    # OSError, and the HTTP library's own, whichever the client uses
    transport: tuple[type[BaseException], ...] = HfHubHTTPError.__bases__
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            raise UserError(
                f"The Hub refuses to let this token write to {repository}.",
                "The token is not valid, may only read, or belongs to another owner.",
                _TOKEN,
            ) from error
        raise UserError(
            f"{repository} could not be uploaded.",
            f"The Hub answered {status}.",
            "Try again later; what has arrived is not sent again.",
        ) from error
    except transport as error:
        raise UserError(
            f"{repository} could not be uploaded.",
            f"{type(error).__name__}.",
            "Try again later; what has arrived is not sent again.",
        ) from error
