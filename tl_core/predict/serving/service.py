"""The models behind the server: opened when they are asked, within limits, and counted."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tl_core.backbones.classifier import Classifier, load_classifier
from tl_core.data.preparation import Preparation
from tl_core.errors import UserError
from tl_core.predict.carried import preparation_of
from tl_core.predict.one_item import ModelInput
from tl_core.predict.predicted_items import PredictedItems, predicted_items_of
from tl_core.predict.serving.batcher import Batcher, Full
from tl_core.predict.serving.contract import Answer, Answers, answers_from
from tl_core.predict.serving.shelf import weight_bytes
from tl_core.predict.serving.watched import Watcher, watcher_of
from tl_core.predict.threshold import read_threshold

log = logging.getLogger(__name__)
_BEARER = HTTPBearer(auto_error=False)
_AGAIN = 60.0  # seconds after which a model that could not be opened is tried once more
_NOTED = 5.0  # seconds between two times that what was counted is written


@dataclass(frozen=True)
class Served:
    """A model behind a path: its name, the folder of its bundle, and where `canary` names another
    one, the share of requests that the other answers.
    """

    name: str
    folder: str
    canary: str = ""
    share: float = 0.0


@dataclass(frozen=True)
class Serving:
    """What is served, and within which limits.

    Args:
        folder: of the one bundle, where it is only one.
        token: that requests must show; empty for none.
        batch: items that are computed together.
        wait_ms: how long a batch waits for more.
        room: items, and requests, that may wait for one model.
        seconds: longest wait for an answer.
        body_mb: largest body of a request.
        models: the models by name, where they are several or have a canary.
        memory_mb: that open models may take together in one process; 0 for no limit.
        kept: folder in which statistics are kept; empty for none.
        window: served items that are judged together.
        unsure: confidence below which an item counts as unsure; 0 for the model's own threshold.
        keep_unsure: unsure items that are kept of each model; 0 for none.
    """

    folder: str = ""
    token: str = ""
    batch: int = 32
    wait_ms: float = 4.0
    room: int = 1024
    seconds: float = 30.0
    body_mb: int = 32
    models: tuple[Served, ...] = ()
    memory_mb: int = 0
    kept: str = ""
    window: int = 1000
    unsure: float = 0.0
    keep_unsure: int = 0

    @property
    def all(self) -> tuple[Served, ...]:
        """Every model."""
        return self.models or (Served(Path(self.folder).name, self.folder),)


class Metrics:
    """Counts and times in the words of Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "graft_requests",
            "Requests by path and status",
            ("path", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "graft_request_seconds", "Seconds of a request", ("path",), registry=self.registry
        )
        self.items = Counter("graft_items", "Items that were classified", registry=self.registry)
        self.accepted = self.answered = 0
        self.waiting = Gauge(
            "graft_waiting_items", "Items that wait to be computed", registry=self.registry
        )
        self.open_models = Gauge(
            "graft_open_models", "Models that are in memory", registry=self.registry
        )

    def count(self, path: str, status: int, seconds: float) -> None:
        """Note a request that was answered, or refused."""
        self.requests.labels(path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)


@dataclass(frozen=True)
class _Opened:
    """What is there between opening and closing."""

    classifier: Classifier
    batcher: Batcher[ModelInput, Answer]
    notes: asyncio.Task[None]


class Service:
    """Answers of one bundle; every refusal is an HTTPException with its status.

    Args:
        serving: the limits.
        folder: of the bundle.
        name: what the model is called in addresses.
        metrics: of the server.
    """

    def __init__(self, serving: Serving, folder: Path, name: str, metrics: Metrics) -> None:
        self.serving, self.folder, self.name, self.metrics = serving, folder, name, metrics
        self.preparation, self.bytes, self.users = Preparation(), weight_bytes(folder), 0
        self.watcher: Watcher | None = None
        self._threshold = 0.0
        self._opened: _Opened | None = None
        self._broken: tuple[float, UserError] | None = None
        try:
            self.preparation = preparation_of(folder) or Preparation()
            self._threshold = read_threshold(folder)
        except UserError as error:
            self._broken = (float("inf"), error)

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    @property
    def reason(self) -> str:
        """Why it cannot be opened, or nothing."""
        return str(self._broken[1]) if self._broken else ""

    async def open(self) -> None:
        """Load the model; from then on it answers. 503 where that is not possible; it is tried
        again after a minute.
        """
        if self._broken and time.monotonic() < self._broken[0] + _AGAIN:
            raise self._refusal()
        here = asyncio.get_running_loop()
        try:
            classifier = await here.run_in_executor(None, load_classifier, self.folder)
        except UserError as error:
            log.error("%s cannot be opened: %s", self.name, error)
            self._broken = (time.monotonic(), error)
            raise self._refusal() from error
        serving, self._broken = self.serving, None
        if serving.kept:
            self.watcher = await here.run_in_executor(
                None,
                watcher_of,
                self.folder,
                self.name,
                Path(serving.kept),
                serving.window,
                serving.unsure or self._threshold,
                serving.keep_unsure,
            )
        watcher = self.watcher

        def compute(items: list[ModelInput]) -> list[Answer]:
            self.metrics.items.inc(len(items))
            scores = watcher.read(classifier, items) if watcher else classifier.probabilities(items)
            return answers_from(scores, classifier.labels, classifier.decision, self._threshold)

        batcher = Batcher(compute, serving.batch, serving.wait_ms / 1000, serving.room)
        batcher.start()
        self._opened = _Opened(classifier, batcher, here.create_task(self._note()))

    async def _note(self) -> None:
        """Write what was counted, every few seconds."""
        while self.watcher:
            await asyncio.sleep(_NOTED)
            await asyncio.to_thread(self.watcher.flush)

    async def close(self) -> None:
        """Take nothing more, answer what was accepted, and let the model go."""
        opened, self._opened = self._opened, None
        if opened:
            await opened.batcher.stop()
            opened.notes.cancel()
            if self.watcher:
                await asyncio.to_thread(self.watcher.flush)

    def _refusal(self) -> HTTPException:
        return HTTPException(
            503, f"The model cannot be opened. {self.reason}", {"Retry-After": str(int(_AGAIN))}
        )

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return self._opened.batcher.waiting if self._opened else 0

    @property
    def labels(self) -> list[str]:
        """Classes in the order of the probabilities; 503 while the model is not open."""
        return self._serving_now().classifier.labels

    def _serving_now(self) -> _Opened:
        if self._broken:
            raise self._refusal()
        if not self._opened:
            raise HTTPException(
                503, "The model is not open, or the server is ending.", {"Retry-After": "2"}
            )
        return self._opened

    @property
    def reads(self) -> PredictedItems:
        """How the model's items are read; 503 while it is not open."""
        return predicted_items_of(self._serving_now().classifier.modality)

    async def answers(self, items: list[ModelInput]) -> Answers:
        """One answer for each item; 503 where too many wait, before the start, after the end, and
        where it takes too long.
        """
        batcher = self._serving_now().batcher
        try:
            async with asyncio.timeout(self.serving.seconds):
                return Answers(answers=await batcher.answers(items))
        except Full as error:
            raise HTTPException(
                503, "Too many items wait. Try again in a moment.", {"Retry-After": "1"}
            ) from error
        except TimeoutError as error:
            raise HTTPException(
                503, f"It took longer than {self.serving.seconds:g} seconds.", {"Retry-After": "5"}
            ) from error


def token_check(token: str) -> Callable[..., None]:
    """A dependency that answers 401 without the server's token, where it has one."""

    def authorise(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> None:
        if token and not (credentials and hmac.compare_digest(credentials.credentials, token)):
            raise HTTPException(
                401,
                "Send the server's token as: Authorization: Bearer TOKEN.",
                {"WWW-Authenticate": "Bearer"},
            )

    return authorise


def answers_of(classifier: Classifier, items: list[ModelInput], threshold: float) -> list[Answer]:
    """The answer about each item; less sure than `threshold` is marked with `abstain`."""
    return answers_from(
        classifier.probabilities(items), classifier.labels, classifier.decision, threshold
    )
