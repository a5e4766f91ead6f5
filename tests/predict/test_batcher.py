"""Micro-batching: order, sizes, overload, errors and an orderly end."""

from __future__ import annotations

import asyncio
import time

import pytest

from tl_core.predict.serving.batcher import Batcher, Full


def go(work, compute, **options):
    """Run `work(batcher)` in a loop of its own."""

    async def main():
        batcher = Batcher(compute, **{"most": 8, "wait": 0.02, "room": 100, **options})
        batcher.start()
        try:
            return await work(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(main())


def test_what_waits_together_is_computed_together_and_everybody_gets_the_own_answers():
    sizes = []

    def compute(items):
        sizes.append(len(items))
        return [2 * item for item in items]

    async def work(batcher):
        return await asyncio.gather(
            *(batcher.answers([number, number + 100]) for number in range(10))
        )

    assert go(work, compute) == [[2 * number, 2 * number + 200] for number in range(10)]
    assert sum(sizes) == 20 and max(sizes) == 8 and len(sizes) <= 4


def test_switched_off_every_item_goes_alone():
    sizes = []

    async def work(batcher):
        return await batcher.answers([1, 2, 3])

    assert go(work, lambda items: sizes.append(len(items)) or items, most=1) == [1, 2, 3]
    assert sizes == [1, 1, 1]


def test_only_after_company_does_a_batch_wait_for_more():
    sizes = []

    async def work(batcher):
        started = time.monotonic()
        for number in range(5):
            await batcher.answers([number])
        alone = time.monotonic() - started
        await batcher.answers([1, 2])
        first = asyncio.ensure_future(batcher.answers([3]))
        await asyncio.sleep(0.1)
        await asyncio.gather(first, batcher.answers([4]))
        return alone

    assert go(work, lambda items: sizes.append(len(items)) or items, wait=1.0) < 1.0
    assert sizes == [1, 1, 1, 1, 1, 2, 2]


def test_what_gathers_for_a_batch_still_waits():
    waiting = []

    async def work(batcher):
        await batcher.answers([1, 2])
        asked = asyncio.ensure_future(batcher.answers([3, 4, 5]))
        while not asked.done():
            await asyncio.sleep(0.01)
            waiting.append(batcher.waiting)
        return batcher.waiting

    assert go(work, lambda items: items, wait=0.5) == 0
    assert waiting[0] == 3


def test_overload_is_refused_whole_and_passes():
    def slow(items):
        time.sleep(0.1)
        return items

    async def work(batcher):
        first = asyncio.ensure_future(batcher.answers(list(range(5))))
        await asyncio.sleep(0)
        with pytest.raises(Full):
            await batcher.answers([1, 2])
        assert await first == list(range(5))
        return await batcher.answers([7])

    assert go(work, slow, room=6, most=2) == [7]


def test_an_error_reaches_those_who_asked_and_nobody_else():
    def compute(items):
        if "bad" in items:
            raise ValueError("bad")
        return items

    async def work(batcher):
        with pytest.raises(ValueError, match="bad"):
            await batcher.answers(["bad"])
        return await batcher.answers(["good"])

    assert go(work, compute) == ["good"]


def test_stopping_computes_what_still_waits():
    async def main():
        batcher = Batcher(lambda items: items, most=2, wait=0.01, room=100)
        batcher.start()
        waiting = [asyncio.ensure_future(batcher.answers([number])) for number in range(9)]
        await asyncio.sleep(0)
        await batcher.stop()
        return await asyncio.wait_for(asyncio.gather(*waiting), 1)

    assert asyncio.run(main()) == [[number] for number in range(9)]
