"""The model behind the server: opened once, asked within limits, and counted."""

from __future__ import annotations

import asyncio
import hmac
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tl_core.backbones.classifier import Classifier, load_classifier
from tl_core.data.preparation import Preparation
from tl_core.predict.carried import preparation_of
from tl_core.predict.one_item import ModelInput
from tl_core.predict.predicted_items import PredictedItems, predicted_items_of
from tl_core.predict.serving.batcher import Batcher, Full
from tl_core.predict.serving.contract import Answer, Answers, answers_from
from tl_core.predict.threshold import read_threshold

log = logging.getLogger(__name__)
_BEARER = HTTPBearer(auto_error=False)


@dataclass(frozen=True)
class Serving:
    """How a bundle is served."""

    folder: str
    token: str = ""
    batch: int = 32
    wait_ms: float = 4.0
    room: int = 1024
    seconds: float = 30.0
    body_mb: int = 32


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

    def count(self, path: str, status: int, seconds: float) -> None:
        """Note a request that was answered, or refused."""
        self.requests.labels(path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)


@dataclass(frozen=True)
class _Opened:
    """What is there between start and end."""

    classifier: Classifier
    batcher: Batcher[ModelInput, Answer]


class Service:
    """Answers of one bundle; every refusal is an HTTPException with its status.

    Args:
        serving: which bundle, and the limits.

    Raises:
        DataError: when the bundle's note about its preparation is damaged.
    """

    def __init__(self, serving: Serving) -> None:
        self.serving, self.metrics = serving, Metrics()
        self.preparation = preparation_of(Path(serving.folder)) or Preparation()
        self._threshold = read_threshold(Path(serving.folder))
        self._opened: _Opened | None = None

    async def open(self) -> None:
        """Load the model; from then on it answers.

        Raises:
            BackboneError: when the folder is missing, unsafe or damaged.
        """
        serving = self.serving
        classifier = await asyncio.get_running_loop().run_in_executor(
            None, load_classifier, Path(serving.folder)
        )

        def compute(items: list[ModelInput]) -> list[Answer]:
            self.metrics.items.inc(len(items))
            return answers_of(classifier, items, self._threshold)

        batcher = Batcher(compute, serving.batch, serving.wait_ms / 1000, serving.room)
        batcher.start()
        self._opened = _Opened(classifier, batcher)

    async def close(self) -> None:
        """Take nothing more, answer what was accepted, and say how many that were."""
        opened, self._opened = self._opened, None
        if opened:
            await opened.batcher.stop()
        log.info(
            "ended: %d requests were accepted, %d of them answered",
            self.metrics.accepted,
            self.metrics.answered,
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
        if not self._opened:
            raise HTTPException(
                503, "The model is not open, or the server is ending.", {"Retry-After": "2"}
            )
        return self._opened

    def authorise(
        self, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> None:
        """401 without the server's token, where it has one."""
        token = self.serving.token
        if token and not (credentials and hmac.compare_digest(credentials.credentials, token)):
            raise HTTPException(
                401,
                "Send the server's token as: Authorization: Bearer TOKEN.",
                {"WWW-Authenticate": "Bearer"},
            )

    @property
    def reads(self) -> PredictedItems:
        """How the model's items are read; 503 while it is not open."""
        return predicted_items_of(self._serving_now().classifier.modality)

    async def answers(self, items: list[ModelInput]) -> Answers:
        """One answer for each item; 429 where too many wait, 503 before the start, after the end,
        and where it takes too long.
        """
        batcher = self._serving_now().batcher
        try:
            async with asyncio.timeout(self.serving.seconds):
                return Answers(answers=await batcher.answers(items))
        except Full as error:
            raise HTTPException(
                429, "Too many items wait. Try again in a moment.", {"Retry-After": "1"}
            ) from error
        except TimeoutError as error:
            raise HTTPException(
                503, f"It took longer than {self.serving.seconds:g} seconds.", {"Retry-After": "5"}
            ) from error


def answers_of(classifier: Classifier, items: list[ModelInput], threshold: float) -> list[Answer]:
    """The answer about each item; less sure than `threshold` is marked with `abstain`."""
    return answers_from(
        classifier.probabilities(items), classifier.labels, classifier.decision, threshold
    )
