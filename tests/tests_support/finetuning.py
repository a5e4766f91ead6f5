"""Quick fine-tunings of tiny backbones."""

from __future__ import annotations

import torch

from tl_core.backbones.classifier import load_classifier
from tl_core.config import FinetuneSettings, RunConfig
from tl_core.errors import Cancelled
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.shared import common
from tl_core.recipes.shared.finetune_job import make_job
from tl_core.train.loop import trainer
from tl_core.train.setup.set_up import set_up

QUICK = {
    "baseline": False,
    "epochs": 2.0,
    "batch_size": 8,
    "max_length": 16,
    "augment": "light",
    "patience": 0,
}


class Ear(Progress):
    """Remembers what a run says; can ask it to stop or cancel at a step."""

    def __init__(self, stop_at=0, cancel_at=0):
        self.logs, self.curves, self.findings = [], {}, []
        self.at, self.stop_at, self.cancel_at = 0, stop_at, cancel_at
        self.training = False

    def stage(self, name, total=0, share=0.0):
        self.training, self.at = name == "Training", 0

    def log(self, text):
        self.logs.append(text)

    def warn(self, finding):
        self.findings.append(finding)

    def curve(self, name, **values):
        self.curves.setdefault(name, []).append(values)

    def batch(self, done, total):
        self.at = done if self.training else 0
        if self.cancel_at and self.at >= self.cancel_at:
            raise Cancelled

    def should_stop(self):
        return bool(self.stop_at) and self.at >= self.stop_at


def quick(version):
    """Settings of `QUICK` that suit the modality."""
    other = "augment" if version.info.modality == "text" else "max_length"
    return {key: value for key, value in QUICK.items() if key != other}


def train(version, folder, backbone, progress=None, target=None, **options):
    """A fine-tuning as a run of its own in `folder`, on a small backbone; its report. `target` is
    the other dataset that it is meant for.
    """
    folder.mkdir(exist_ok=True)
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{backbone}",
        "finetune",
        {**quick(version), **options},
    )
    config.write(folder)
    cache = folder.parent / "cache"
    return run_recipe(config, version, folder, cache, progress or Ear(), target=target)


def weights(folder):
    """Of the model that a run has left."""
    return load_classifier(folder / "model").model.state_dict()


def open_setup(version, folder, backbone, **options):
    """What such a training starts from, its head not fitted."""
    settings = FinetuneSettings.from_dict({**quick(version), "lp_start": False, **options})
    space = common.label_space(version)
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    return set_up(
        settings,
        f"local:{backbone}",
        version,
        space.to_model(version.targets),
        space.model_names,
        folder,
        folder.parent / "cache",
        Ear(),
    )


def gradients(setup, folder, ear=None):
    """The gradient before each step of an epoch, dropout 0; `setup` is closed afterwards."""
    for module in setup.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    job = make_job(setup, folder)
    job.score = None
    (folder / "checkpoints").mkdir()
    loop = trainer.GraftTrainer(job, ear or Ear())
    steps = []

    class Look(trainer.TrainerCallback):
        def on_pre_optimizer_step(self, *_, **__):
            moving = [one.grad for one in setup.model.parameters() if one.grad is not None]
            steps.append(torch.cat([one.flatten() for one in moving]))

    loop.add_callback(Look())
    loop.train()
    setup.stack.close()
    return steps
