"""What a run is asked to do: frozen dataclasses, checked when they are made.

Each setting carries one text in its field metadata; form, command line and docs show the same words.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tl_core.errors import ConfigError, nearest

KINDS = ("train", "import", "fix", "takeout", "predict")


def setting(default: Any, text: str, *, choices: tuple[str, ...] = (), low: float | None = None,  # noqa: ANN401
            high: float | None = None, advanced: bool = True, only: str = "") -> Any:  # noqa: ANN401
    """A dataclass field that knows its help text, its legal values (both ends included) and, where it matters to one
    alone, its modality."""
    return field(default=default, metadata={
        "help": text, "choices": choices, "low": low, "high": high, "advanced": advanced,
        "only": only})


@dataclass(frozen=True)
class Checked:
    """Checks every field against its declared type, choices and range.

    Raises:
        ConfigError: names the setting, the value and what is allowed.
    """

    def __post_init__(self) -> None:
        for spec in fields(self):
            _check(spec, getattr(self, spec.name))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Any:  # noqa: ANN401
        """Build from plain JSON values; unknown keys and wrong types raise `ConfigError`."""
        known = {spec.name: spec for spec in fields(cls)}
        for key in values:
            if key not in known:
                raise ConfigError(f"There is no setting {key!r}.", "", nearest(key, known))
        return cls(**{key: _coerce(known[key], value) for key, value in values.items()})

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _coerce(spec: Field[Any], value: Any) -> Any:  # noqa: ANN401
    """JSON has no tuples and writes 1 for 1.0."""
    kind = type(spec.default)
    if kind is tuple and isinstance(value, list):
        return tuple(float(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for v in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _check(spec: Field[Any], value: Any) -> None:  # noqa: ANN401
    if spec.default is MISSING:
        return
    kind, meta = type(spec.default), spec.metadata
    if type(value) is not kind:
        raise ConfigError(f"{spec.name} is {value!r}.", f"It must be of type {kind.__name__}.", meta.get("help", ""))
    if meta.get("choices") and value not in meta["choices"]:
        raise ConfigError(f"{spec.name} is {value!r}.", "", f"Choose one of: {', '.join(meta['choices'])}.")
    low, high = meta.get("low"), meta.get("high")
    if low is None or high is None:
        return
    for number in value if kind is tuple else (value,):
        if not (isinstance(number, int | float) and low <= number <= high):
            raise ConfigError(f"{spec.name} is {value!r}.", f"It must lie between {low} and {high}.",
                              meta.get("help", ""))


_SEED = "Number that every random choice starts from; the same seed repeats the run."
_WEIGHTS = ("Balanced counts a mistake on a rare class as much as one on a common class; "
            "choose it when rare classes matter to you.")


@dataclass(frozen=True)
class BaselineSettings(Checked):
    """Settings of `baseline`: no pretrained network, the yardstick for every other run."""

    class_weights: str = setting("none", _WEIGHTS, choices=("none", "balanced"), advanced=False)
    c: float = setting(1.0, "Inverse strength of the penalty on large weights (C of logistic regression).",
                       low=1e-6, high=1e6)
    seed: int = setting(0, _SEED, low=0, high=2**31 - 1)


@dataclass(frozen=True)
class ProbeSettings(Checked):
    """Settings of `probe`: the backbone stays frozen, a logistic regression learns on its features."""

    class_weights: str = setting("none", _WEIGHTS, choices=("none", "balanced"), advanced=False)
    max_length: int = setting(
        256, "Longest text in tokens (about three quarters of a word each); the rest is cut off. "
        "Raise it when the end of your texts matters; it costs time.", low=8, high=32768, advanced=False, only="text")
    pooling: str = setting(
        "auto", "How the tokens of a text become one vector. Auto averages them where the backbone was "
        "trained that way and else takes the backbone's own summary token.",
        choices=("auto", "mean", "native"), only="text")
    selection: str = setting(
        "auto", "Where the strength of the penalty is chosen: on the validation rows, or by cross-validation "
        "over all training rows. Auto cross-validates sets of fewer than 1,000 rows.",
        choices=("auto", "validation", "cv"))
    folds: int = setting(5, "Parts in the cross-validation; each is predicted once by a model that did not see it.",
                         low=2, high=20)
    c_values: tuple[float, ...] = setting(
        (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 1e1), "Strengths to try (C: small values keep the weights small).",
        low=1e-7, high=1e7)
    precision: str = setting(
        "auto", "Number format for the training features. Auto takes bf16 where this machine is measurably "
        "faster with it and the probabilities agree; scores are always computed in float32.",
        choices=("auto", "float32", "bf16"))
    batch_size: int = setting(0, "Items that go through the backbone together; 0 lets the machine decide. Lower it "
                              "if memory runs out.", low=0, high=4096)
    baseline: bool = setting(True, "Also train the no-transfer yardstick, to show what transfer bought.")
    seed: int = setting(0, _SEED, low=0, high=2**31 - 1)


SETTINGS: dict[str, type[Checked]] = {"baseline": BaselineSettings, "probe": ProbeSettings}


@dataclass(frozen=True)
class RunConfig:
    """One recorded piece of work, as written to `runs/<id>/config.json`.

    `kind` is `train`, `import` (make a dataset version), `fix` (make one from another), `takeout` (write one as
    files) or `predict` (a whole file); `options` holds the recipe's settings for `train` and the arguments of the
    other kinds.
    """

    kind: str
    owner: str
    dataset: str = ""
    dataset_dir: str = ""
    backbone: str = ""
    recipe: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"There is no kind of run called {self.kind!r}.", "", nearest(self.kind, KINDS))
        if self.kind == "train":
            if self.recipe not in SETTINGS:
                raise ConfigError(f"There is no recipe {self.recipe!r}.", "", nearest(self.recipe, SETTINGS))
            if self.recipe != "baseline" and not self.backbone:
                raise ConfigError(f"The recipe {self.recipe!r} needs a backbone.", "It grafts a classifier onto one.",
                                  "Name one, such as starter:text or starter:image.")
            SETTINGS[self.recipe].from_dict(self.options)

    @property
    def settings(self) -> Any:  # noqa: ANN401
        """The recipe's settings as their dataclass."""
        return SETTINGS[self.recipe].from_dict(self.options)

    def write(self, folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False))

    @classmethod
    def read(cls, folder: Path) -> RunConfig:
        return cls(**json.loads((folder / "config.json").read_text()))


def describe_settings(recipe: str) -> list[dict[str, Any]]:
    """Name, type, default, legal values and help of each setting of `recipe`, in form order.

    Raises:
        NotFoundError: for an unknown recipe.
    """
    return [{"name": spec.name, "type": type(spec.default).__name__, "default": spec.default,
             "choices": list(spec.metadata["choices"]), "low": spec.metadata["low"],
             "high": spec.metadata["high"], "help": spec.metadata["help"],
             "advanced": spec.metadata["advanced"], "only": spec.metadata["only"]} for spec in fields(SETTINGS[recipe])]
