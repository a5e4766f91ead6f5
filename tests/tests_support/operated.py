"""Opening a tiny backbone for a surgery plan, training it a little, and seeing what moved."""

from __future__ import annotations

import torch
from PIL import Image

from tl_core.backbones.load import load_backbone
from tl_core.settings import Settings
from tl_core.surgery.apply import apply_plan
from tl_core.surgery.lr_groups import parameter_groups

TEXTS = ["my order is late", "a good film, the best", "money back", "is the film good?"]


def open_plan(tiny, family, plan, *, meta=False, **options):
    reference = f"local:{tiny(family)}"
    backbone = load_backbone(
        reference,
        ["a", "b", "c"],
        Settings(),
        pooling=plan.pooling,
        scratch=plan.scratch,
        meta=meta,
        **options,
    )
    return backbone, *apply_plan(backbone, plan)


def batch_of(backbone):
    torch.manual_seed(0)
    pictures = [Image.effect_noise((40, 36), 80).convert("RGB") for _ in range(4)]
    inputs = backbone.encode(TEXTS if backbone.modality == "text" else pictures)
    return {**inputs, "labels": torch.tensor([0, 1, 2, 1])}


def state_of(model):
    return {
        name: value.detach().clone()
        for name, value in [*model.named_parameters(), *model.named_buffers()]
    }


def shake(model, family):
    """Trained norms and layer scales are not 0 or 1e-6, through which no gradient of three steps is
    seen.
    """
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if (
                value.ndim == 1
                and not name.endswith("bias")
                and "lora" not in name
                and family != "efficientnet"
            ):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))


def take_steps(model, report, batch, lr=1e-2):
    optimizer = torch.optim.Adam(
        [
            {"params": group["params"], "lr": group["lr"]}
            for group in parameter_groups(model, report.scale_of, report.group_of, lr, 0.0)
        ],
        eps=1e-30,
    )
    batch = dict(batch)
    labels = batch.pop("labels")
    for _ in range(3):
        model.train()
        torch.nn.functional.cross_entropy(model(**batch).logits, labels).backward()
        optimizer.step()
        optimizer.zero_grad()


def moved(before, model):
    return {name for name, value in state_of(model).items() if not torch.equal(before[name], value)}
