"""Every modality has its part in prediction, and asking for it loads no network."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tl_core.data.preparation import Preparation
from tl_core.errors import ConfigError, DataError
from tl_core.modalities import MODALITIES
from tl_core.predict.predicted_items import predicted_items_of
from tl_core.predict.serving.contract import Asked


@pytest.mark.parametrize("name", MODALITIES)
def test_its_part_loads_no_network(name):
    code = (
        "import sys; from tl_core.predict.predicted_items import predicted_items_of;"
        f" predicted_items_of({name!r}); assert not {{'torch', 'transformers'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nobody_knows_another():
    with pytest.raises(ConfigError, match="no modality 'taste'"):
        predicted_items_of("taste")


def test_what_a_model_does_not_read_is_sent_to_the_other_path():
    with pytest.raises(DataError, match="POST /predict/files"):
        predicted_items_of("image").from_json(Asked(texts=["a"]), Preparation())
    with pytest.raises(DataError, match=r"POST /predict\."):
        predicted_items_of("text").from_files([(b"", ".png")], Preparation())


def test_words_are_the_parts_of_a_text():
    texts = predicted_items_of("text")
    assert texts.parts("a good film") == ["a", "good", "film"]
    assert texts.without("a good film", np.array([1])) == "a film"
