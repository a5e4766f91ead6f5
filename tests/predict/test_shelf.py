"""Models in bounded memory: who is let go, who never, and what too many get as an answer."""

from __future__ import annotations

import asyncio
import json

import pytest
from fastapi import HTTPException

from tl_core.predict.serving.shelf import Shelf, weight_bytes


class Model:
    def __init__(self, size, fails=False):
        self.bytes, self.users, self.is_open, self.fails, self.opened = size, 0, False, fails, 0

    async def open(self):
        await asyncio.sleep(0)
        if self.fails:
            raise HTTPException(503, "broken")
        self.is_open, self.opened = True, self.opened + 1

    async def close(self):
        assert not self.users, "somebody was still asking"
        self.is_open = False


async def use(shelf, model, seconds=0.0):
    async with shelf.using(model):
        assert model.is_open
        await asyncio.sleep(seconds)


def test_the_least_recently_used_is_let_go():
    one, two, three = (Model(40) for _ in range(3))

    async def run():
        shelf = Shelf(100, 1, 10)
        for model in (one, two, one, three):
            await use(shelf, model)
        assert [model.is_open for model in (one, two, three)] == [True, False, True]
        await shelf.close()
        assert not any(model.is_open for model in (one, two, three))

    asyncio.run(run())


def test_without_a_limit_all_stay():
    models = [Model(10**12) for _ in range(5)]

    async def run():
        shelf = Shelf(0, 1, 10)
        await asyncio.gather(*(use(shelf, model) for model in models))
        assert all(model.is_open for model in models)

    asyncio.run(run())


def test_many_ask_at_once_and_a_model_is_opened_once():
    one = Model(10)

    async def run():
        shelf = Shelf(100, 1, 100)
        await asyncio.gather(*(use(shelf, one, 0.01) for _ in range(50)))
        assert one.opened == 1 and one.users == 0

    asyncio.run(run())


def test_who_is_asked_is_not_let_go_and_the_other_waits_or_is_refused():
    one, two = Model(80), Model(80)

    async def run():
        shelf = Shelf(100, 0.3, 10)
        busy = asyncio.create_task(use(shelf, one, 0.1))
        await asyncio.sleep(0.02)
        await use(shelf, two)  # waits until the first is idle
        assert busy.done() and two.is_open and not one.is_open
        busy = asyncio.create_task(use(shelf, two, 1.0))
        await asyncio.sleep(0.02)
        with pytest.raises(HTTPException) as refused:
            await use(shelf, one)
        assert refused.value.status_code == 503 and refused.value.headers["Retry-After"]
        assert two.is_open
        await busy

    asyncio.run(run())


def test_too_many_requests_and_a_broken_model_are_said():
    one, broken = Model(10), Model(10, fails=True)

    async def run():
        shelf = Shelf(100, 1, 3)
        busy = [asyncio.create_task(use(shelf, one, 0.1)) for _ in range(3)]
        await asyncio.sleep(0.02)
        with pytest.raises(HTTPException) as refused:
            await use(shelf, one)
        assert refused.value.status_code == 503 and refused.value.headers["Retry-After"] == "1"
        await asyncio.gather(*busy)
        for _ in range(2):
            with pytest.raises(HTTPException, match="broken"):
                await use(shelf, broken)
        assert broken.users == 0
        await use(shelf, one)  # the others go on

    asyncio.run(run())


def test_many_random_turns_never_hold_more_than_there_is_room():
    import random

    models = [Model(30) for _ in range(6)]

    async def run():
        shelf, chance = Shelf(100, 5, 100), random.Random(0)

        async def client():
            for _ in range(20):
                await use(shelf, chance.choice(models), 0.001)
                assert sum(one.bytes for one in models if one.is_open) <= 100

        await asyncio.gather(*(client() for _ in range(3)))

    asyncio.run(run())


def test_the_size_of_weights_is_that_in_float32(tmp_path):
    import torch
    from safetensors.torch import save_file

    save_file(
        {"a": torch.zeros(3, 5), "b": torch.zeros(7, dtype=torch.float16)},
        tmp_path / "model.safetensors",
    )
    assert weight_bytes(tmp_path) == 4 * (15 + 7)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 40)
    assert weight_bytes(tmp_path) == 0
    head = json.dumps({"a": {"shape": "no"}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    assert weight_bytes(tmp_path) == 0
    assert weight_bytes(tmp_path / "nothing") == 0
