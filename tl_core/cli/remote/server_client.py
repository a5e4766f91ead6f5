"""Requests to a server, and what can go wrong with them in words."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from tl_core import __version__
from tl_core.errors import ConfigError, ErrorObject, SignInError, StateError, UserError
from tl_core.settings import Settings

_HERE = ("localhost", "127.0.0.1", "::1")
_VERSION = "graft-version"
_SECONDS = httpx.Timeout(30.0, read=300.0)
_TRIES, _LONGEST_WAIT = 5, 60.0
_FAILED = (  # codes of what is no wrong use
    *("unexpected", "training", "memory", "interrupted", "cancelled", "slow"),
    *("database", "disk", "start", "run_time", "idle"),
)
log = logging.getLogger(__name__)


class ServerError(UserError):
    """What the server said, with its own code and exit code."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        words = [str(error.get(key) or "") for key in ("what", "why", "try_this")]
        super().__init__(*words)
        self.code = str(error.get("code") or "error")
        self.exit_code = 1 if self.code in _FAILED else 2
        self._question = error.get("question")

    def as_dict(self) -> ErrorObject:
        said = super().as_dict()
        return {**said, "question": self._question} if self._question else said


class ServerClient:
    """Asks the server of TL_SERVER with the token of TL_TOKEN.

    Args:
        settings: address and token.
        sleep: waits some seconds.

    Raises:
        ConfigError: when the address is none.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self.address, self._sleep = _address(settings.server), sleep
        self._has_token = bool(settings.token)
        headers = {"user-agent": f"graft-studio/{__version__}", "accept": "application/json"}
        if settings.token:
            headers["authorization"] = f"Bearer {settings.token}"
        self._http = httpx.Client(
            base_url=f"{self.address}/api/v1", headers=headers, timeout=_SECONDS
        )

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401
        """What the server answers, as JSON."""
        return self._asked("GET", path, params=query)

    def delete(self, path: str, **query: object) -> Any:  # noqa: ANN401
        """The same for a deletion."""
        return self._asked("DELETE", path, params=query)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """The same for a JSON body, or for none."""
        return self._asked("POST", path, **({} if body is None else {"json": body}))

    def send(
        self, path: str, fields: Mapping[str, str], files: Mapping[str, tuple[str, Any]]
    ) -> Any:  # noqa: ANN401
        """The same for files (name and handle), which are read while they are sent."""
        return self._asked("POST", path, data=fields, files=files)

    def fetch(self, path: str, target: Path, told: Callable[[int, int], None]) -> None:
        """Write a file of the server to `target`, beside it first; `told` hears how many bytes of
        how many are there.
        """
        half = target.with_name(target.name + ".part")
        try:
            with self._http.stream("GET", path) as answer:
                if not answer.is_success:
                    answer.read()
                self._checked(answer)
                total, done = int(answer.headers.get("content-length", 0)), 0
                with half.open("wb") as handle:
                    for piece in answer.iter_bytes(1 << 20):
                        handle.write(piece)
                        done += len(piece)
                        told(done, total)
        except httpx.HTTPError as error:
            half.unlink(missing_ok=True)
            raise self._unreachable(error) from error
        half.replace(target)

    def _asked(self, method: str, path: str, **given: Any) -> Any:  # noqa: ANN401
        for left in reversed(range(_TRIES)):
            try:
                answer = self._http.request(method, path, **given)
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            wait = answer.headers.get("retry-after", "")
            if answer.status_code != 429 or not wait.isdigit() or "files" in given or not left:
                break
            self._sleep(min(float(wait), _LONGEST_WAIT))
        return self._checked(answer).json()

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        """A success of a server of this version.

        Raises:
            SignInError: when the token does not hold.
            ServerError: what the server says.
            StateError: when it is no such server, or one of another version.
        """
        if answer.status_code == 401:
            raise SignInError(
                f"The server {self.address} did not accept the token.",
                "It has expired, was revoked, or was never one of this server."
                if self._has_token
                else "TL_TOKEN is not set.",
                "Make one on its page Account, and set TL_TOKEN to it.",
            )
        self._check_version(answer)
        if answer.is_success:
            return answer
        raise ServerError(_error_of(answer) or self._no_studio(answer).as_dict())

    def _check_version(self, answer: httpx.Response) -> None:
        theirs = answer.headers.get(_VERSION)
        if theirs is None and (answer.is_success or _error_of(answer) is None):
            raise self._no_studio(answer)
        if theirs is not None and theirs.split(".")[:2] != __version__.split(".")[:2]:
            raise StateError(
                f"The server has version {theirs}, this command line {__version__}.",
                "They may not understand each other.",
                f"Install version {theirs} here.",
            )

    def _no_studio(self, answer: httpx.Response) -> StateError:
        if answer.is_redirect:
            return StateError(
                f"The server {self.address} sends to another address.",
                f"It is {answer.headers.get('location', 'not named')}.",
                "Set TL_SERVER to that server.",
            )
        if answer.status_code >= 500:
            return StateError(
                f"The server {self.address} cannot answer just now.",
                f"It says HTTP {answer.status_code}.",
                "Try again, or tell whoever runs it.",
            )
        return StateError(
            f"There is no Graft Studio with /api/v1 at {self.address}.",
            f"Something else answers there: HTTP {answer.status_code}.",
            "Check TL_SERVER.",
        )

    def _unreachable(self, error: httpx.HTTPError) -> StateError:
        late = isinstance(error, httpx.TimeoutException)
        return StateError(
            f"The server {self.address} {'does not answer' if late else 'cannot be reached'}.",
            f"{type(error).__name__}: {error}.",
            "Check TL_SERVER and the network; what was started there goes on.",
        )


def named(reference: str) -> str:
    """A reference or id as a part of a path."""
    return quote(reference, safe="@")


def _error_of(answer: httpx.Response) -> Mapping[str, Any] | None:
    """The error object of an answer; None where it has none."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return error if isinstance(error, dict) and error.get("what") else None


def _address(text: str) -> str:
    """Scheme, host and port of a server.

    Raises:
        ConfigError: when it is no address.
    """
    parts = urlsplit(text)
    path = parts.path.rstrip("/").removesuffix("/api/v1")
    if parts.scheme not in ("http", "https") or not parts.hostname or path or parts.username:
        raise ConfigError(
            f"TL_SERVER is {text!r}.",
            "It must be an address without a path.",
            "Set it to the one in the browser, such as https://graft.example.org.",
        )
    if parts.scheme == "http" and parts.hostname not in _HERE:
        log.warning("TL_SERVER is http: whoever sees the network sees the token and the data")
    return f"{parts.scheme}://{parts.netloc}"
