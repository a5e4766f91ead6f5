"""The models of a server by their paths: one at `/predict`, several below `/models/NAME`; each may
have a canary beside it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import HTTPException

from tl_core.predict.one_item import ModelInput
from tl_core.predict.serving.canary import MODEL, Canary, Said
from tl_core.predict.serving.service import Metrics, Service, Serving
from tl_core.predict.serving.shelf import Shelf


@dataclass(frozen=True)
class ModelPath:
    """What answers at a path.

    Args:
        prefix: of its addresses; empty for the only one.
        first: the model.
        canary: the second one, if there is one.
    """

    prefix: str
    first: Service
    canary: Canary | None

    @property
    def services(self) -> tuple[Service, ...]:
        """Its models."""
        return (self.first, self.canary.service) if self.canary else (self.first,)

    @property
    def state(self) -> str:
        """open, closed (it opens when it is asked) or broken."""
        return "broken" if self.first.reason else "open" if self.first.is_open else "closed"


class ModelPaths:
    """All models of a server, which share its memory."""

    def __init__(self, serving: Serving, metrics: Metrics) -> None:
        self._serving, several = serving, len(serving.all) > 1
        self.all: list[ModelPath] = []
        for one in serving.all:
            first = Service(serving, Path(one.folder), one.name, metrics)
            canary = None
            if one.canary:
                second = Service(serving, Path(one.canary), f"{one.name}-canary", metrics)
                canary = Canary(serving, one, second)
            self.all.append(ModelPath(f"/models/{one.name}" if several else "", first, canary))
        self.only = None if several else self.all[0]
        self._shelf: Shelf | None = None

    def start(self) -> None:
        """Begin to answer; called inside the event loop."""
        serving = self._serving
        self._shelf = Shelf(serving.memory_mb << 20, serving.seconds, serving.room)

    async def close(self) -> None:
        """Take nothing more, and answer what was accepted."""
        shelf, self._shelf = self._shelf, None
        if shelf:
            await shelf.close()

    @asynccontextmanager
    async def using(self, path: ModelPath) -> AsyncIterator[None]:
        """Have a path's model open; a canary that cannot be opened is none.

        Raises:
            HTTPException: 503 when the first one cannot be opened now.
        """
        if not self._shelf:
            raise HTTPException(503, "The server is ending.", {"Retry-After": "2"})
        async with self._shelf.using(path.first):
            yield

    async def answers(self, path: ModelPath, items: list[ModelInput]) -> Said:
        """What a path's models say of items, while the first is in use."""
        if not path.canary:
            return Said(await path.first.answers(items), {})
        if not (path.canary.turn and self._shelf):
            return Said(await path.first.answers(items), {MODEL: "first"})
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._shelf.using(path.canary.service))
            except HTTPException:
                await path.canary.note_failure()
                return Said(await path.first.answers(items), {MODEL: "first"})
            return await path.canary.answers(path.first, items)

    @property
    def waiting(self) -> int:
        """Items that wait for any of the models."""
        return sum(one.waiting for path in self.all for one in path.services)

    @property
    def open_models(self) -> int:
        """Models that are in memory."""
        return sum(one.is_open for path in self.all for one in path.services)

    @property
    def is_ending(self) -> bool:
        """Whether no more requests are taken."""
        return self._shelf is None

    @property
    def paths_in_words(self) -> str:
        """Where answers are."""
        if self.only:
            return (
                "This server answers at /predict and /predict/files; /ready says what its model"
                " reads."
            )
        names = ", ".join(path.first.name for path in self.all)
        return f"This server answers at /models/NAME/predict, for these names: {names}."
