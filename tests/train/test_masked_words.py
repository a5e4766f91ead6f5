"""Masked language modelling: which tokens are hidden and how, the loss, and which encoders can."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from tests_support.datasets import build, write_texts
from tests_support.tiny_backbones import TEXT_FAMILIES

from tl_core.backbones.load import load_backbone
from tl_core.errors import BackboneError
from tl_core.settings import read_settings
from tl_core.train.features.tokens import TextExamples, tokenize
from tl_core.train.unlabelled.masked_words import MaskedWords, masked

TELLS_WORDS = tuple(family for family in TEXT_FAMILIES if family != "gpt2")
MASK, WORDS = 3, 93


def test_hidden_tokens_are_spread_as_by_the_collator_of_transformers(tiny):
    """15 % of what is no special token; of these 80 % masked, 10 % swapped, 10 % as they are."""
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    tokenizer = AutoTokenizer.from_pretrained(tiny("bert"))
    random = np.random.default_rng(0)
    ids = random.integers(5, len(tokenizer), (150, 200))
    ids[:, 0], ids[:, -1] = tokenizer.cls_token_id, tokenizer.sep_token_id
    specials = tokenizer.all_special_ids
    special = np.isin(ids[0], specials)
    ours = [
        masked(
            row,
            np.isin(row, tokenizer.all_special_ids),
            0.15,
            tokenizer.mask_token_id,
            len(tokenizer),
            random,
        )
        for row in ids
    ]
    seen, chosen = (np.stack(parts) for parts in zip(*ours, strict=True))
    torch.manual_seed(0)
    theirs = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)(
        [{"input_ids": row.tolist()} for row in ids]
    )
    their_chosen = (theirs["labels"] != -100).numpy()
    their_seen = theirs["input_ids"].numpy()
    assert not chosen[:, special].any()
    assert (seen[~chosen] == ids[~chosen]).all()
    for share in (
        lambda seen, chosen: chosen.mean(),
        lambda seen, chosen: (seen[chosen] == tokenizer.mask_token_id).mean(),
        lambda seen, chosen: (seen[chosen] == ids[chosen]).mean(),
    ):
        assert share(seen, chosen) == pytest.approx(share(their_seen, their_chosen), abs=0.02)
    swapped = seen[chosen & (seen != ids) & (seen != tokenizer.mask_token_id)]
    assert len(np.unique(swapped)) > 0.9 * len(tokenizer)  # from the whole vocabulary


def test_the_same_draw_hides_the_same_tokens():
    ids, special = np.arange(5, 60), np.zeros(55, bool)
    one, other, third = (
        masked(ids, special, 0.15, MASK, WORDS, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
    assert not np.array_equal(one[1], third[1])


def opened(folder, version, cache):
    backbone = load_backbone(f"local:{folder}", ["a", "b"], read_settings(), max_length=16, seed=0)
    rows = version.rows_of("train")
    tokens = tokenize(version, rows, backbone, cache)
    examples = TextExamples(tokens, np.full(len(rows), -1), int(backbone.processor.pad_token_id))
    return backbone, MaskedWords(backbone, examples, 0.3, 0)


@pytest.fixture
def version(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")


@pytest.mark.parametrize("family", TELLS_WORDS)
def test_the_loss_is_that_of_transformers(family, version, tiny, tmp_path):
    """Only hidden positions go through the head, which changes nothing but the time."""
    from transformers import AutoModelForMaskedLM

    _, objective = opened(tiny(family), version, tmp_path / "cache")
    objective.module.eval()
    keys = [(0, place) for place in range(8)]
    batch, asked, truth = objective.batch(keys)
    plain = AutoModelForMaskedLM.from_pretrained(tiny(family), dtype=torch.float32).eval()
    plain.load_state_dict(objective.module.state_dict())
    labels = torch.where(asked, truth, -100)
    expected = plain(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels
    ).loss
    assert 1 < int(asked.sum()) < int(batch["attention_mask"].sum())
    assert objective.loss(keys).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("family", TELLS_WORDS)
def test_a_head_that_the_files_lack_waits_with_the_encoder(family, version, tiny, tmp_path):
    """The tiny networks are saved without a head: it begins as the identity, tied to the words."""
    backbone, objective = opened(tiny(family), version, tmp_path / "cache")
    assert objective.fresh_head
    module = objective.module
    assert module.get_output_embeddings().weight is module.get_input_embeddings().weight
    objective.settle(0.0)
    assert not any(one.requires_grad for one in module.base_model.parameters())
    assert any(one.requires_grad for one in module.parameters())
    objective.settle(0.1)
    assert all(one.requires_grad for one in module.parameters())
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    with torch.no_grad():
        for parameter in module.base_model.parameters():
            parameter.add_(0.5)
    objective.give_back()
    after = backbone.model.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    own = {name for name, _ in module.base_model.named_parameters()}
    assert len(moved) == len(own)
    assert all(name.partition(".")[2] in own for name in moved)


def test_a_head_that_the_files_have_is_taken(version, tiny, tmp_path):
    from transformers import AutoModelForMaskedLM

    folder = tmp_path / "mlm"
    shutil.copytree(tiny("bert"), folder)
    AutoModelForMaskedLM.from_pretrained(tiny("bert")).save_pretrained(folder)
    _, objective = opened(folder, version, tmp_path / "cache")
    assert not objective.fresh_head
    objective.settle(0.0)
    assert all(one.requires_grad for one in objective.module.parameters())


def test_the_layer_that_pools_learns_nothing(version, tiny, tmp_path):
    """A model with the appended mean layer, saved and opened again: one layer less learns."""
    from tl_core.backbones.backbone import save_classifier

    folder = tmp_path / "mean"
    shutil.copytree(tiny("bert"), folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"pooling_mode_mean_tokens": True})
    )
    backbone, objective = opened(folder, version, tmp_path / "cache")
    assert backbone.has_mean_layer
    layers = len(objective.module.base_model.encoder.layer)
    save_classifier(backbone, tmp_path / "saved")
    again, other = opened(tmp_path / "saved", version, tmp_path / "cache")
    assert len(other.module.base_model.encoder.layer) == layers == 2
    assert len(again.model.base_model.encoder.layer) == 3


def test_networks_that_read_forwards_are_refused_in_words(version, tiny, tmp_path):
    with pytest.raises(BackboneError, match="cannot learn from hidden words"):
        opened(tiny("gpt2"), version, tmp_path / "cache")
