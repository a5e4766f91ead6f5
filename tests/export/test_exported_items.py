"""Every modality has its part in bundles: golden examples come back as they were kept."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.data.preparation import Preparation
from tl_core.export.exported_items import exported_items_of
from tl_core.modalities import MODALITIES


@pytest.mark.parametrize("name", MODALITIES)
def test_golden_examples_come_back_as_they_were_kept(name, tmp_path):
    kind = exported_items_of(name)
    items = kind.golden([], 4, Preparation(), 10)
    assert len(items) >= 4
    for number, item in enumerate(items):
        kept = kind.kept(kind.keep(item, tmp_path, number), tmp_path)
        if isinstance(item, str):
            assert kept == item
        elif isinstance(item, np.ndarray):
            np.testing.assert_array_equal(kept, item)
        else:
            np.testing.assert_array_equal(np.asarray(kept), np.asarray(item.convert("RGB")))


@pytest.mark.parametrize("name", MODALITIES)
def test_a_network_is_traced_with_two_items(name):
    tracing = exported_items_of(name).tracing
    assert len(tracing.examples) == 2
    assert all(axes[0] == "items" for axes in tracing.axes.values())


def test_a_text_is_added_that_is_longer_than_the_model_reads():
    texts = exported_items_of("text").golden(["two words"], 4, Preparation(), 10)
    assert texts[0] == "two words"
    assert len(texts[-1].split()) > 20
