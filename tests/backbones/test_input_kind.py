"""Each modality says how its backbones are fed; another one needs its class and its entry alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests_support.tremor_inputs import TREMOR_INPUTS, write_wave_network
from tests_support.tremors import among_others

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.inputs.input_kind import InputKind, input_kind_of, modality_in
from tl_core.backbones.load import load_backbone
from tl_core.backbones.open import modality_of_family
from tl_core.backbones.parity import verify_folder
from tl_core.errors import BackboneError, ConfigError
from tl_core.settings import Settings
from tl_core.surgery import heads


@pytest.fixture
def tremor(tmp_path):
    """The further modality, and a tiny network for it with random weights."""
    folder = write_wave_network(tmp_path / "models" / "wave")
    with among_others():
        yield Settings(models_dir=str(folder.parent))


@pytest.mark.parametrize("modality", ["image", "text"])
def test_a_modality_offers_all_that_is_asked_of_it(modality):
    kind = input_kind_of(modality)
    wanted = [name for name in vars(InputKind) if not name.startswith("_")]
    assert len(wanted) >= 12
    assert all(hasattr(kind, name) for name in wanted)
    examples = kind.examples()
    batches = kind.batches(None, examples, 1)
    assert sorted(place for batch in batches for place in batch) == list(range(len(examples)))
    assert {len(batch) for batch in batches} == {1}


def test_like_lengths_of_texts_stand_together_and_photos_stay():
    assert input_kind_of("text").batches(None, ["a", "abc", "ab"], 2) == [[1, 2], [0]]
    assert input_kind_of("image").batches(None, ["a", "abc", "ab"], 2) == [[0, 1], [2]]


def test_files_say_what_a_folder_is_made_for(tiny, tmp_path):
    assert modality_in(tiny("bert"), ["image", "text"]) == "text"
    assert modality_in(tiny("vit"), ["image", "text"]) == "image"
    assert modality_in(tiny("timm"), ["image", "text"]) == "image"
    with pytest.raises(BackboneError, match="no classifier for photos or recordings or texts"):
        modality_of_family(tmp_path, "no_such")
    with pytest.raises(ConfigError):
        input_kind_of("smell")


def test_a_further_modality_is_opened_folded_saved_and_proved(tremor, tmp_path: Path):
    backbone = load_backbone("local:wave", ["a", "b", "c"], tremor)
    assert (backbone.modality, backbone.kind) == ("tremor", TREMOR_INPUTS)
    assert backbone.identity["settings"] == {"rate": 16_000}
    waves = TREMOR_INPUTS.examples()
    with backbone.extracting() as extractor:
        features = extractor(backbone.encode(waves))
    assert features.shape == (2, backbone.port.width)
    weight = torch.randn(3, backbone.port.width)
    heads.fold(backbone.model, backbone.port, weight, torch.zeros(3))
    save_classifier(backbone, tmp_path / "model")
    expected = torch.softmax(torch.from_numpy(features) @ weight.T, dim=1).numpy()
    parity = verify_folder(tmp_path / "model", waves, expected.astype(np.float64))
    assert max(parity["auto_classes"], parity["pipeline"]) <= 1e-4
