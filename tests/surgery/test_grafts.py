"""Heads and poolings that no native classifier has, trained, saved and opened again."""

from __future__ import annotations

import pytest
import torch
from tests_support.operated import batch_of, open_plan, take_steps

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.config import SurgeryPlan


def test_an_mlp_head_is_grafted_trained_and_found_again(tiny, tmp_path):
    plan = SurgeryPlan(head="mlp", hidden=(16.0, 8.0), activation="gelu", head_dropout=0.1)
    backbone, model, report = open_plan(tiny, "resnet", plan)
    assert report.reinitialised[-1] == {
        "name": "classifier.1",
        "old": [3, 16],
        "new": [16, 16, 8, 3],
    }
    batch = batch_of(backbone)
    take_steps(model, report, batch)
    batch.pop("labels")
    model.eval()
    with torch.inference_mode():
        before = model(**batch).logits
    save_classifier(backbone, tmp_path / "m")
    with torch.inference_mode():
        torch.testing.assert_close(load_classifier(tmp_path / "m").model(**batch).logits, before)


@pytest.mark.parametrize(
    "family", ("bert", "distilbert", "gpt2", "vit", "swin", "convnext", "resnet", "clip", "timm")
)
@pytest.mark.parametrize("pooling", ("cls", "mean", "max", "concat"))
def test_poolings_are_what_a_plain_loop_makes_of_the_last_hidden_state(
    tiny, tmp_path, family, pooling
):
    backbone, model, _ = open_plan(tiny, family, SurgeryPlan(pooling=pooling))
    if not backbone.graft:
        return  # these families average natively, which test_families covers
    inputs = batch_of(backbone)
    inputs.pop("labels")
    with torch.inference_mode():
        encoder = model.backbone
        hidden = (
            encoder.forward_features(inputs["pixel_values"])
            if family == "timm"
            else encoder(**inputs).last_hidden_state
        )
        if hidden.ndim == 4:
            hidden = hidden.flatten(2).transpose(1, 2)
        rows = []
        for number, row in enumerate(hidden):
            kept = (
                row[inputs["attention_mask"][number].bool()] if "attention_mask" in inputs else row
            )
            parts = {
                "cls": [row[0]],
                "mean": [kept.mean(0)],
                "max": [kept.max(0).values],
                "concat": [kept.mean(0), kept.max(0).values],
            }[pooling]
            rows.append(torch.cat(parts))
        expected = model.classifier(torch.stack(rows))
        torch.testing.assert_close(model(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
    save_classifier(backbone, tmp_path / "m")
    with torch.inference_mode():
        torch.testing.assert_close(
            load_classifier(tmp_path / "m").model(**inputs).logits, expected, atol=1e-5, rtol=1e-4
        )
