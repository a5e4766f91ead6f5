"""What the head of a Ray cluster answers over HTTP: its Jobs API, which Ray documents, and its list
of machines.

Asked by plain requests, each with a limit of time: Ray's own client has none and would hold up the
dispatcher for as long as a head is silent, and Ray need not be installed where the dispatcher runs.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TypedDict, cast
from urllib.parse import quote, urlsplit

import httpx

from tl_core.errors import ConfigError, StateError
from tl_core.jobs.executors.executor_contract import Node, SilentError
from tl_core.settings import Settings

OLDEST = (2, 59)  # the first version whose clusters can be closed by a token in every part
_SECONDS = 8.0
_KEPT_TOKEN = Path("~/.ray/auth_token")  # where Ray itself keeps it
_MOST_NODES = 10_000
_ALIVE = "ALIVE"


class JobFacts(TypedDict, total=False):
    """What Ray says of a job; the names are Ray's."""

    status: str
    message: str | None
    error_type: str | None
    driver_exit_code: int | None


_Nodes = dict[str, dict[str, dict[str, list[dict[str, object]]]]]


class RayHead:
    """Asks the head of `TL_RAY_ADDRESS` with the token of `TL_RAY_TOKEN`.

    Raises:
        ConfigError: when the address is none.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self.address, self._token = _address(settings.ray_address), _token(settings)
        self._transport = transport

    @property
    def is_here(self) -> bool:
        """Whether only this machine can reach the head under its address."""
        host = urlsplit(self.address).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def is_open(self) -> bool:
        """Whether the head answers those who show no token."""
        return self._request("GET", "/api/jobs/", token=False).is_success

    def version(self) -> tuple[int, int]:
        """Of Ray: its first two numbers.

        Raises:
            ConfigError: when the head is none of Ray, or refuses the token.
        """
        parts = str(self._told("GET", "/api/version").get("ray_version", "")).split(".")
        if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
            raise ConfigError(
                f"What answers at {self.address} is no Ray head.",
                "It names no version of Ray.",
                "Set TL_RAY_ADDRESS to the dashboard of the head, such as http://head:8265.",
            )
        return int(parts[0]), int(parts[1])

    def submit(self, request: dict[str, object]) -> None:
        """Submit a job, whose `submission_id` is named in the request."""
        self._told("POST", "/api/jobs/", request)

    def job(self, name: str) -> JobFacts | None:
        """What has become of a job; None where the head does not know it."""
        answer = self._request("GET", f"/api/jobs/{quote(name)}")
        return None if answer.status_code == 404 else cast(JobFacts, self._content(answer))

    def logs(self, name: str) -> str:
        """What the head has kept of a job's output; empty where its machine is gone."""
        answer = self._request("GET", f"/api/jobs/{quote(name)}/logs")
        return "" if answer.is_error else str(self._content(answer).get("logs") or "")

    def stop(self, name: str) -> None:
        """Have a job end; nothing where it is over or unknown."""
        answer = self._request("POST", f"/api/jobs/{quote(name)}/stop")
        if answer.status_code != 404:
            self._content(answer)

    def nodes(self) -> tuple[Node, ...]:
        """The machines of the cluster, those that have gone among them."""
        told = self._told("GET", f"/api/v0/nodes?detail=1&limit={_MOST_NODES}")
        rows = cast(_Nodes, told)["data"]["result"]["result"]
        return tuple(_node(row) for row in rows)

    def _told(
        self, method: str, path: str, content: dict[str, object] | None = None
    ) -> dict[str, object]:
        return self._content(self._request(method, path, content))

    def _request(
        self,
        method: str,
        path: str,
        content: dict[str, object] | None = None,
        *,
        token: bool = True,
    ) -> httpx.Response:
        shown = {"authorization": f"Bearer {self._token}"} if token and self._token else {}
        # no proxy of the environment: the token is for the head alone
        client = httpx.Client(timeout=_SECONDS, trust_env=False, transport=self._transport)
        try:
            with client:
                return client.request(method, self.address + path, json=content, headers=shown)
        except httpx.HTTPError as error:
            raise SilentError(f"{self.address} does not answer: {error!r}") from error

    def _content(self, answer: httpx.Response) -> dict[str, object]:
        if answer.status_code in (401, 403):
            raise ConfigError(
                f"The Ray cluster at {self.address} does not accept our token.",
                "TL_RAY_TOKEN is another one." if self._token else "TL_RAY_TOKEN is not set.",
                "Set it to the token that the cluster was started with.",
            )
        if answer.is_client_error:
            raise StateError(
                f"The Ray cluster at {self.address} refuses it.",
                f"HTTP {answer.status_code}: {answer.text[:300]}.",
                "See the log of its dashboard.",
            )
        if answer.is_error:
            raise SilentError(f"{self.address}: HTTP {answer.status_code}: {answer.text[:500]}")
        try:
            content = answer.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ConfigError(
                f"What answers at {self.address} is no Ray head.",
                "Its answer is no object of JSON.",
                "Set TL_RAY_ADDRESS to the dashboard of the head, such as http://head:8265.",
            )
        return content


def _address(given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(
            f"TL_RAY_ADDRESS is {given!r}." if given else "TL_RAY_ADDRESS is not set.",
            "Runs are submitted to the dashboard of a Ray head.",
            "Set it to that address, such as http://head:8265.",
        )
    return given.rstrip("/")


def _token(settings: Settings) -> str:
    """That of the setting, else the one that Ray keeps for this user; empty without either."""
    kept = _KEPT_TOKEN.expanduser()
    if settings.ray_token or not kept.is_file():
        return settings.ray_token
    return kept.read_text().strip()


def _node(row: dict[str, object]) -> Node:
    total = cast(dict[str, float], row.get("resources_total") or {})
    return Node(
        f"{row['node_name'] or row['node_ip']} ({str(row['node_id'])[:8]})",
        int(total.get("CPU", 0)),
        int(total.get("memory", 0)),
        int(total.get("GPU", 0)),
        "alive" if row["state"] == _ALIVE else "gone",
    )
