"""Settings of the recipes that leave the backbone as it is, or do without one."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tl_core.config import domains
from tl_core.config.checked import Checked, setting
from tl_core.errors import ConfigError

SEED = "Random seed; the same seed repeats the run."
WAYS_TO_ADAPT = ("none", "standardise", "coral", "subspace", "weights")
INPUT_SIZE = (
    "Input size (height and width in pixels); 0 keeps what the backbone was trained"
    " with. Larger ones show small things and cost time; position embeddings are interpolated."
)
WEIGHTS = (
    "Class weights in the loss. Balanced: inverse to the class frequency; choose it when rare "
    "classes matter to you."
)

PROMPTS = (
    "Prompts for single classes, each as `class = words`, several ways separated by |. Classes that"
    " are not named get the template."
)
TEMPLATE = (
    'Prompt template: words around {}, where the name of the class goes; empty takes "a photo of'
    ' {}." for pictures and "This is about {}." for texts.'
)


def check_prompts(template: str, prompts: tuple[str, ...]) -> None:
    """Refuse what could describe no class.

    Raises:
        ConfigError: names the words that are wrong.
    """
    if template and "{}" not in template:
        raise ConfigError(
            f"The template {template!r} has no place for the class.", "", "Write {} where it goes."
        )
    for line in prompts:
        name, sign, words = line.partition("=") if isinstance(line, str) else ("", "", "")
        if not (sign and name.strip() and words.strip(" |")):
            raise ConfigError(
                f"{line!r} describes no class.", "", "Write it as: class = words | other words."
            )


@dataclass(frozen=True)
class BaselineSettings(Checked):
    """Settings of `baseline`: no pretrained network, what every other run is compared with."""

    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"), advanced=False)
    c: float = setting(
        1.0,
        "Inverse strength of the penalty on large weights (C of logistic regression).",
        low=1e-6,
        high=1e6,
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)


@dataclass(frozen=True)
class ProbeSettings(Checked):
    """Settings of `probe`: the backbone stays frozen, a logistic regression learns on its
    features.
    """

    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"), advanced=False)
    max_length: int = setting(
        256,
        "Maximum length of a text in tokens (about three quarters of a word each); longer ones are "
        "truncated. Raise it when the end of your texts matters; it costs time.",
        low=8,
        high=32768,
        advanced=False,
        only="text",
    )
    pooling: str = setting(
        "auto",
        "Pooling of an item into one vector. Auto averages the tokens of a text where the"
        " backbone was trained that way and otherwise takes its own pooled output; joint is the"
        " space that"
        " CLIP and SigLIP share with words.",
        choices=("auto", "mean", "native", "joint"),
    )
    input_size: int = setting(0, INPUT_SIZE, low=0, high=1024, only="image")
    depth: int = setting(
        0,
        "Where the backbone is read: 0 at its end, 3 after its third block, -1 after all blocks"
        " side by side (Head2Toe), of which the most informative values are kept. Early blocks can"
        " serve better when your items look unlike those of the pretraining.",
        low=-1,
        high=500,
    )
    start: str = setting(
        "nothing",
        "Prior of the classifier: none, or the embeddings of words that describe the classes, "
        "which help when there are few labels (sentence encoders, CLIP, SigLIP).",
        choices=("nothing", "words"),
    )
    template: str = setting("", TEMPLATE)
    prompts: tuple[str, ...] = setting((), PROMPTS)
    selection: str = setting(
        "auto",
        "How the regularisation strength is chosen: on the validation rows, or by cross-validation"
        " over all training rows. Auto cross-validates sets of fewer than 1,000"
        " rows.",
        choices=("auto", "validation", "cv"),
    )
    folds: int = setting(
        5,
        "Folds of the cross-validation; each is predicted once by a model that did not see it.",
        low=2,
        high=20,
    )
    repeats: int = setting(
        5,
        "Repeats of the cross-validation with other folds, to show how much the score of a small "
        "set depends on the split; 0 skips them.",
        low=0,
        high=50,
    )
    c_values: tuple[float, ...] = setting(
        (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 1e1),
        "Regularisation strengths to try (C of logistic regression: smaller is stronger).",
        low=1e-7,
        high=1e7,
    )
    precision: str = setting(
        "auto",
        "Numerical precision of the training features. Auto takes bf16 where this machine is "
        "measurably faster with it and the probabilities agree; scores are always computed in "
        "float32.",
        choices=("auto", "float32", "bf16"),
    )
    batch_size: int = setting(
        0,
        "Items per forward pass; 0 measures what is best here. Lower it if memory runs out.",
        low=0,
        high=4096,
    )
    baseline: bool = setting(
        True, "Also train the no-transfer baseline, to show what transfer bought."
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_prompts(self.template, self.prompts)
        if self.depth and (self.start == "words" or self.pooling == "joint"):
            raise ConfigError(
                "Words can only be compared with the end of a backbone.", "", "Set depth to 0."
            )


@dataclass(frozen=True)
class ZeroShotSettings(Checked):
    """Settings of `zero_shot`: nothing is trained, the backbone compares items with words."""

    template: str = setting("", TEMPLATE, advanced=False)
    prompts: tuple[str, ...] = setting((), PROMPTS, advanced=False)
    max_length: int = setting(
        256,
        "Maximum length of a text in tokens; longer ones are truncated.",
        low=8,
        high=32768,
        only="text",
    )
    baseline: bool = setting(
        True, "Also train the no-transfer baseline on the labels that there are."
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_prompts(self.template, self.prompts)


@dataclass(frozen=True)
class AdaptSettings(Checked):
    """Settings of `adapt`: the backbone stays frozen, its features of two domains are made alike
    without a label of the target, and a logistic regression learns on those of the source.
    """

    domain_column: str = setting("", domains.COLUMN, advanced=False)
    source_domain: str = setting("", domains.SOURCE, advanced=False)
    target_domain: str = setting(domains.UNLABELLED, domains.TARGET, advanced=False)
    target_dataset: str = setting("", domains.DATASET, advanced=False)
    method: str = setting(
        "standardise",
        "How the domains are brought together. Standardise: mean and spread of each feature,"
        " domain by domain. Coral: all correlations (CORAL). Subspace: principal axes (subspace"
        " alignment). Weights: source items count as much as they look like the target"
        " (density-ratio weighting). None: a plain probe. Auto tries all and chooses without"
        " labels of the target, which may choose wrongly.",
        choices=("auto", *WAYS_TO_ADAPT),
        advanced=False,
    )
    choice: str = setting(
        "snd",
        "How auto chooses without labels of the target: snd takes answers in which alike items"
        " stand close together (soft neighbourhood density); entropy takes those that are surest.",
        choices=("snd", "entropy"),
    )
    dimensions: int = setting(
        0,
        "Dimensions of the subspace alignment; 0 takes as many as hold 95 % of the variance.",
        low=0,
        high=10_000,
    )
    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"), advanced=False)
    max_length: int = setting(
        256,
        ProbeSettings.help_of("max_length"),
        low=8,
        high=32768,
        advanced=False,
        only="text",
    )
    pooling: str = setting(
        "auto", ProbeSettings.help_of("pooling"), choices=("auto", "mean", "native", "joint")
    )
    input_size: int = setting(0, INPUT_SIZE, low=0, high=1024, only="image")
    selection: str = setting(
        "auto", ProbeSettings.help_of("selection"), choices=("auto", "validation", "cv")
    )
    folds: int = setting(5, ProbeSettings.help_of("folds"), low=2, high=20)
    c_values: tuple[float, ...] = setting(
        ProbeSettings.c_values, ProbeSettings.help_of("c_values"), low=1e-7, high=1e7
    )
    batch_size: int = setting(0, ProbeSettings.help_of("batch_size"), low=0, high=4096)
    baseline: bool = setting(True, ProbeSettings.help_of("baseline"))
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        domains.check_domains(self)
        if not self.target_domain:
            raise ConfigError("No target is named.", "", domains.TARGET)

    @property
    def probe(self) -> ProbeSettings:
        """Of the probe that learns on the features; they are compared, so all have one format."""
        shared = {one.name for one in fields(self)} & {one.name for one in fields(ProbeSettings)}
        own = {name: getattr(self, name) for name in shared}
        return ProbeSettings(**own, precision="float32", repeats=0)


@dataclass(frozen=True)
class FastAdaptationSettings(Checked):
    """Settings of `fast_adaptation`: the backbone stays frozen; what is learnt over episodes makes
    a classifier of the labels at hand.
    """

    sources: tuple[str, ...] = setting(
        (),
        "Earlier datasets to learn from, by name; none named takes all of yours that hold the same"
        " kind of items, each with one class.",
        advanced=False,
    )
    method: str = setting(
        "auto",
        "How the classifier is made: prototypes (the nearest class mean) or ANIL (a few steps of"
        " gradient descent), both behind a linear map that is learnt over episodes. Auto takes"
        " the better one on classes kept for choosing.",
        choices=("auto", "prototypes", "anil"),
        advanced=False,
    )
    ways: int = setting(
        5, "Classes of an episode; datasets with fewer give all of theirs.", low=2, high=100
    )
    shots: int = setting(
        5,
        "Labels of each class in an episode; about as many as your new classes have.",
        low=1,
        high=100,
        advanced=False,
    )
    steps: int = setting(
        300,
        "Steps of the outer loop, of four episodes each; 0 learns nothing over episodes.",
        low=0,
        high=100_000,
    )
    inner_steps: int = setting(
        5, "Steps of gradient descent inside an episode (ANIL, MAML).", low=1, high=100
    )
    rate: float = setting(1e-3, "Learning rate of the outer loop (Adam).", low=1e-6, high=1.0)
    hidden: int = setting(
        256, "Width of the small network that MAML moves; for the comparison.", low=1, high=4096
    )
    maml: bool = setting(
        True,
        "Also judge MAML, of first and of second order, beside the others. Its network is no"
        " linear classifier, so it is compared and not kept.",
    )
    episodes: int = setting(
        200, "Episodes over held-out classes that judge all methods.", low=10, high=10_000
    )
    max_length: int = setting(
        256,
        "Maximum length of a text in tokens; longer ones are truncated.",
        low=8,
        high=32768,
        only="text",
    )
    baseline: bool = setting(
        True, "Also train the no-transfer baseline, to show what transfer bought."
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)
