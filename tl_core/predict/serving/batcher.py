"""Micro-batching: requests that wait at the same time go through the network together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Full(Exception):
    """More items wait than the queue may hold."""


class Batcher(Generic[Item, Answer]):
    """Collects items for at most `wait` seconds or `most` items and computes them in one thread.

    Only a batch that follows one of several items waits: a single client would wait for nobody.

    Args:
        compute: gives one answer for each of a list of items.
        most: items that are computed together; 1 switches batching off.
        wait: seconds that the first of a batch waits for others.
        room: items that may wait.
    """

    def __init__(
        self, compute: Callable[[list[Item]], list[Answer]], most: int, wait: float, room: int
    ) -> None:
        self._compute, self._most, self._wait, self._room = compute, most, wait, room
        self._queue: asyncio.Queue[tuple[Item, asyncio.Future[Answer]]] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1)
        self._gathered: list[tuple[Item, asyncio.Future[Answer]]] = []  # the batch that waits
        self._last = 1  # items of the last batch
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Items that are not being computed yet, those of the batch that gathers among them."""
        return self._queue.qsize() + len(self._gathered)

    def start(self) -> None:
        """Begin to compute; called inside the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Compute what still waits, then end."""
        await self._queue.join()
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown()

    async def answers(self, items: list[Item]) -> list[Answer]:
        """One answer for each item, in order.

        Raises:
            Full: when the queue has no room for all of them; none is taken then.
        """
        if self._queue.qsize() + len(items) > self._room:
            raise Full
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Answer]] = [loop.create_future() for _ in items]
        for item, future in zip(items, futures, strict=True):
            self._queue.put_nowait((item, future))
        return list(await asyncio.gather(*futures))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._gathered = batch = [await self._queue.get()]
            end = loop.time() + (self._wait if self._last > 1 else 0.0)
            while len(batch) < self._most:
                with suppress(asyncio.QueueEmpty):
                    batch.append(self._queue.get_nowait())
                    continue
                if loop.time() >= end or self._most == 1:
                    break
                await asyncio.sleep(min(0.001, self._wait))
            self._last, self._gathered = len(batch), []
            await self._answer([(item, future) for item, future in batch if not future.cancelled()])
            for _ in batch:
                self._queue.task_done()

    async def _answer(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        """Compute and hand out; an error goes to everybody who asked."""
        if not batch:
            return
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(
                self._thread, self._compute, [item for item, _ in batch]
            )
        except Exception as error:  # noqa: BLE001 - whoever asked must hear of it, and the loop must go on
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
