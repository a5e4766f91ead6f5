"""Models that carry a preparation, with all ways to ask them."""

from __future__ import annotations

import pytest
from tests_support.ways import Way

from tl_core.data.preparation import Preparation


@pytest.fixture(scope="module")
def ways(exported, tmp_path_factory):
    """`ways(name, family, preparation)`: made once each."""
    made = {}

    def make(name, family, kept):
        if name not in made:
            made[name] = Way(exported, tmp_path_factory.mktemp(name), family, kept)
        return made[name]

    return make


@pytest.fixture
def joined(ways):
    return ways("joined", "bert", Preparation(columns=("title", "body")))
