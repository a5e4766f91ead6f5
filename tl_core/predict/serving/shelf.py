"""Several models in bounded memory: each is opened when it is first asked, and the least recently
used one is let go where there is no room.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import prod
from pathlib import Path
from typing import Protocol

from fastapi import HTTPException

_LOOK = 0.05  # seconds between two looks whether a model has become idle


class Shelved(Protocol):
    """What can stand on the shelf."""

    bytes: int
    users: int

    @property
    def is_open(self) -> bool: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Shelf:
    """Models of which only some are open.

    Args:
        room: bytes that open models may have together; 0 for no limit.
        patience: seconds that a request waits for others to let a model go.
        most: requests for one model that may be inside at a time.
    """

    def __init__(self, room: int, patience: float, most: int) -> None:
        self._room, self._patience, self._most = room, patience, most
        self._opening = asyncio.Lock()
        self._used: dict[Shelved, float] = {}  # the open ones, by when they were last used

    @asynccontextmanager
    async def using(self, model: Shelved) -> AsyncIterator[None]:
        """Have a model open, and keep it so inside.

        Raises:
            HTTPException: 503 when it cannot be opened, or too many requests wait for it.
        """
        if model.users >= self._most:
            raise HTTPException(
                503, "Too many requests wait. Try again in a moment.", {"Retry-After": "1"}
            )
        model.users += 1
        try:
            if not model.is_open:
                async with self._opening:
                    await self._have(model)
            yield
        finally:
            model.users -= 1
            if model in self._used:
                self._used[model] = time.monotonic()

    async def _have(self, model: Shelved) -> None:
        if model.is_open:  # another request has opened it meanwhile
            return
        end = time.monotonic() + self._patience
        while self._room and sum(one.bytes for one in self._used) + model.bytes > self._room:
            idle = [one for one in self._used if not one.users]
            if idle:
                await self._let_go(min(idle, key=lambda one: self._used[one]))
            elif self._used and time.monotonic() < end:
                await asyncio.sleep(_LOOK)
            else:
                raise HTTPException(
                    503,
                    "There is no memory for this model while others are in use.",
                    {"Retry-After": "2"},
                )
        await model.open()
        self._used[model] = time.monotonic()

    async def _let_go(self, model: Shelved) -> None:
        del self._used[model]
        await model.close()
        gc.collect()  # networks hold cycles; their memory is needed now

    async def close(self) -> None:
        """Close every open model, after what it has accepted."""
        for model in list(self._used):
            await self._let_go(model)


def weight_bytes(folder: Path) -> int:
    """Bytes of a bundle's weights in float32, by the heads of its safetensors; 0 where there are
    none that can be read.
    """
    total = 0
    for path in folder.glob("*.safetensors"):
        try:
            with path.open("rb") as handle:
                size = int.from_bytes(handle.read(8), "little")
                if size > path.stat().st_size:
                    return 0
                head = json.loads(handle.read(size))
            total += sum(
                4 * prod(one["shape"]) for name, one in head.items() if name != "__metadata__"
            )
        except (OSError, ValueError, KeyError, TypeError):
            return 0
    return total
