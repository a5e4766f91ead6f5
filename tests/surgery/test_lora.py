"""Low-rank matrices: merged without a trace, and beside layers without pretrained weights."""

from __future__ import annotations

import pytest
import torch
from tests_support.operated import batch_of, open_plan, take_steps
from tests_support.tiny_backbones import IMAGE_FAMILIES, TEXT_FAMILIES

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.config import SurgeryPlan
from tl_core.surgery.lora import merge_lora, plain_name

FAMILIES = (*TEXT_FAMILIES, *IMAGE_FAMILIES)


@pytest.mark.parametrize(
    "family", ("bert", "gpt2", "vit", "swin", "convnext", "resnet", "mobilenet_v2", "timm")
)
def test_traps_3_and_15_lora_merged_saved_and_loaded_gives_equal_logits(tiny, tmp_path, family):
    """Batch statistics that followed the data included; tied weights are saved once."""
    plan = SurgeryPlan(lora=True, batchnorm="adapt")
    backbone, model, report = open_plan(tiny, family, plan)
    batch = batch_of(backbone)
    take_steps(model, report, batch)
    batch.pop("labels")
    model.eval()
    with torch.inference_mode():
        before = model(**batch).logits
    backbone.model = merge_lora(model)
    save_classifier(backbone, tmp_path / "m")
    again = load_classifier(tmp_path / "m").model
    with torch.inference_mode():
        torch.testing.assert_close(again(**batch).logits, before, atol=5e-4, rtol=1e-3)
    assert not any("lora" in name for name, _ in again.named_parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_trap_4_every_layer_without_pretrained_weights_learns_under_lora(tiny, family):
    backbone, _, report = open_plan(tiny, family, SurgeryPlan(lora=True))
    learning = {plain_name(name) for name in report.scale_of}
    assert backbone.missing <= learning
