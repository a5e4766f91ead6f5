"""What a run is asked to do: frozen dataclasses, checked when they are made.

Each setting carries one text in its field metadata; form, command line and docs show the same
words.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict

from tl_core.config.auto import AutoSettings
from tl_core.config.checked import Checked, setting
from tl_core.config.contrastive import ContrastiveSettings
from tl_core.config.domains import dataset_of
from tl_core.config.finetune import FinetuneSettings
from tl_core.config.frozen import (
    AdaptSettings,
    BaselineSettings,
    FastAdaptationSettings,
    ProbeSettings,
    ZeroShotSettings,
)
from tl_core.config.kinds import RUN_KINDS
from tl_core.config.ladder import LadderSettings
from tl_core.config.static import StaticSettings
from tl_core.config.strategies import STRATEGIES, Strategy
from tl_core.config.surgery import SurgeryPlan
from tl_core.config.unlabelled.unlabelled_settings import (
    DistillationSettings,
    PretrainSettings,
    SelfTrainingSettings,
)
from tl_core.errors import ConfigError, nearest
from tl_core.places import home_of, placed, written

__all__ = [
    "CONFIG_FILE",
    "RUN_KINDS",
    "SETTINGS",
    "STRATEGIES",
    "AdaptSettings",
    "AutoSettings",
    "BaselineSettings",
    "Checked",
    "ContrastiveSettings",
    "DistillationSettings",
    "FastAdaptationSettings",
    "FinetuneSettings",
    "LadderSettings",
    "PretrainSettings",
    "ProbeSettings",
    "RunConfig",
    "SelfTrainingSettings",
    "StaticSettings",
    "Strategy",
    "SurgeryPlan",
    "ZeroShotSettings",
    "describe_settings",
    "setting",
]

CONFIG_FILE = "config.json"  # in the folder of a run
_NO_BACKBONE = ("baseline", "auto")  # an automatic search may look for one itself

SETTINGS: dict[str, type[Checked]] = {
    "baseline": BaselineSettings,
    "zero_shot": ZeroShotSettings,
    "static_embeddings": StaticSettings,
    "probe": ProbeSettings,
    "adapt": AdaptSettings,
    "contrastive": ContrastiveSettings,
    "pretrain": PretrainSettings,
    "self_training": SelfTrainingSettings,
    "fast_adaptation": FastAdaptationSettings,
    "finetune": FinetuneSettings,
    "distillation": DistillationSettings,
    "ladder": LadderSettings,
    "auto": AutoSettings,
}


class SettingFacts(TypedDict):
    """A setting as forms, command line and docs show it; both bounds are legal values."""

    name: str
    type: str
    default: object
    choices: list[str]
    low: float | None
    high: float | None
    help: str
    items: tuple[str, ...]
    advanced: bool
    only: str
    group: str


@dataclass(frozen=True)
class RunConfig:
    """One recorded piece of work, as written to `runs/<id>/config.json`.

    `kind` is one of `RUN_KINDS`. `options` holds the recipe's settings for those with a recipe, and
    the arguments of the other kinds. `sealed` keeps a training's test score closed until somebody
    asks for it.
    """

    kind: str
    owner: str
    dataset: str = ""
    dataset_dir: str = ""
    backbone: str = ""
    recipe: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    sealed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in RUN_KINDS:
            raise ConfigError(
                f"There is no kind of run called {self.kind!r}.", "", nearest(self.kind, RUN_KINDS)
            )
        spec = RUN_KINDS[self.kind].spec
        if spec is not None:
            spec.from_dict(self.options)
        else:
            if self.recipe not in SETTINGS:
                raise ConfigError(
                    f"There is no recipe {self.recipe!r}.", "", nearest(self.recipe, SETTINGS)
                )
            if self.recipe not in _NO_BACKBONE and not self.backbone:
                raise ConfigError(
                    f"The recipe {self.recipe!r} needs a backbone.",
                    "It grafts a classifier onto one.",
                    "Name one, such as starter:text or starter:image.",
                )
            SETTINGS[self.recipe].from_dict(self.options)

    @property
    def settings(self) -> Any:  # noqa: ANN401
        """The recipe's settings as their dataclass."""
        return SETTINGS[self.recipe].from_dict(self.options)

    def begins_with(self) -> list[str]:
        """Ids of the earlier runs whose models it starts from or looks at."""
        networks = [self.backbone.removeprefix("static:"), self._teacher]
        own = [one.removeprefix("run:") for one in networks if one.startswith("run:")]
        return [*self._read_runs(), *own]

    def backbones(self) -> list[str]:
        """References of all networks that it starts from or learns from."""
        several = self.options.get("backbones", [])
        named = [str(one) for one in several] if isinstance(several, (list, tuple)) else []
        return [one for one in (self.backbone, self._teacher, *named) if one]

    @property
    def _teacher(self) -> str:
        """Reference of the model whose answers a student learns; nothing for most runs."""
        return str(self.options.get("teacher", ""))

    @property
    def target(self) -> str:
        """Another dataset that it reads as its target, empty for most runs."""
        return dataset_of(self.options) if self.recipe else ""

    @property
    def parent(self) -> str:
        """Id of the earlier run that it goes on from or looks at; nothing for most runs."""
        return next(iter(self.begins_with()), "")

    def _read_runs(self) -> list[str]:
        """Ids of the earlier runs that its options name."""
        spec = RUN_KINDS[self.kind].spec
        if spec is not None:
            return spec.from_dict(self.options).runs()
        continued = str(self.options.get("continue_from", ""))
        return [continued] if continued else []

    def longer(self, run_id: str, epochs: float) -> RunConfig:
        """The config of a run that goes on from the end of this one, whose id is `run_id`.

        Raises:
            ConfigError: for a recipe that has no end to go on from.
        """
        if self.recipe != "finetune":
            raise ConfigError(
                f"A run of the recipe {self.recipe!r} cannot be trained further.",
                "",
                "Only a fine-tuning can.",
            )
        return replace(
            self,
            options={
                **self.options,
                "lp_start": False,
                "scratch": False,
                "average": "none",
                "epochs": float(epochs),
                "continue_from": run_id,
            },
        )

    def write(self, folder: Path) -> None:
        """Write it into the folder of a run, paths inside that home relative to it."""
        content = written(asdict(self), home_of(folder))
        (folder / CONFIG_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False))

    @classmethod
    def read(cls, folder: Path) -> RunConfig:
        """What `write` wrote, or an earlier version did, with paths as they are here."""
        stored = placed(json.loads((folder / CONFIG_FILE).read_text()), home_of(folder))
        options = _current(stored.get("kind", ""), stored.get("options", {}))
        return cls(**{**stored, "options": options})


def _current(kind: str, options: dict[str, object]) -> dict[str, object]:
    """Options as earlier versions wrote them, with folders of runs where ids stand today."""
    spec = RUN_KINDS[kind].spec if kind in RUN_KINDS else None
    if spec is None:
        return options
    current = dict(options)
    if "model" in current:
        current["run"] = Path(str(current["model"])).parent.name
    if "bundle" in current:
        bundle = Path(str(current["bundle"]))
        current |= {"run": bundle.parent.name, "folder": bundle.name}
    if kind == "export" and "run" in current:
        current["run"] = Path(str(current["run"])).name
    known = {one.name for one in fields(spec)}
    return {key: value for key, value in current.items() if key in known}


def describe_settings(recipe: str) -> list[SettingFacts]:
    """Name, type, default, legal values and help of each setting of `recipe`, in form order.

    Raises:
        NotFoundError: for an unknown recipe.
    """
    return [
        {
            "name": spec.name,
            "type": type(spec.default).__name__,
            "default": spec.default,
            "choices": list(spec.metadata["choices"]),
            "low": spec.metadata["low"],
            "high": spec.metadata["high"],
            "help": spec.metadata["help"],
            "items": spec.metadata["items"],
            "advanced": spec.metadata["advanced"],
            "only": spec.metadata["only"],
            "group": spec.metadata["group"],
        }
        for spec in fields(SETTINGS[recipe])
    ]
