"""The state of an automatic search: what was trained, who leads, what watchers are told, how much
time is left.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tl_core.config import AutoSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import UserError
from tl_core.evaluate import search
from tl_core.evaluate.measures import BoardRow
from tl_core.json_files import find_object, write_json
from tl_core.progress import Curve, Progress
from tl_core.recipes import load_training
from tl_core.recipes.analyses import estimate
from tl_core.recipes.cluster.parts import do_elsewhere
from tl_core.recipes.search.candidates import Candidate
from tl_core.recipes.shared import trials
from tl_core.recipes.shared.common import Ints, SealedVersion, Trained
from tl_core.settings import spread_by
from tl_core.train.items.item_training import training_of

_SAVING_SECONDS = 5.0
_REPORT_SECONDS = 4.0


@dataclass
class Tried:
    """A candidate that was trained, and where it stands on the validation items."""

    candidate: Candidate
    folder: Path
    trained: Trained
    standing: search.Standing
    seconds: float

    @property
    def whole_seconds(self) -> float:
        """What the same would take for all of its epochs: the steps grow, the rest stays."""
        steps = self.trained.timing["fit"]
        return steps / self.candidate.part + self.seconds - steps


@dataclass
class Search:
    """One search: what is wanted, what was tried, and how much time is left."""

    config: RunConfig
    version: DatasetVersion
    folder: Path
    cache: Path
    progress: Progress
    budget: trials.Budget
    tried: list[Tried] = field(default_factory=list)
    ranked: list[BoardRow] = field(default_factory=list)
    dropped: list[BoardRow] = field(default_factory=list)
    best: Tried | None = None
    # seconds in which a tuned model reads the validation items and those of the test
    reading: float = 0.0

    @property
    def settings(self) -> AutoSettings:
        settings: AutoSettings = self.config.settings
        return settings

    @property
    def blind(self) -> DatasetVersion:
        """The version without its test labels."""
        return SealedVersion(self.version)

    @property
    def held(self) -> Ints:
        """The validation rows that have a class."""
        rows = self.version.rows_of("validation")
        return rows[self.version.labels[rows] >= 0]

    @property
    def finishing(self) -> float:
        """Seconds that the end takes: report and no-transfer baseline."""
        training = training_of(self.version.info.modality)
        each = training.baseline_seconds if self.settings.baseline else 0.0
        return _REPORT_SECONDS + each * self.version.info.rows

    @property
    def left(self) -> float:
        return self.budget.left - self.finishing - self.reading

    @property
    def at_once(self) -> int:
        """Trainings at the same time: as tasks of a cluster, where there is one."""
        return self.settings.processes if spread_by() else 1

    def keep_for_reading(self, epoch_seconds: float) -> None:
        """Keep time for what follows the steps of a training: saving, proving, and answering for
        all held-out items.
        """
        share = len(self.version.rows_of("validation", "test")) / len(self.version.rows_of("train"))
        self.reading = _SAVING_SECONDS + estimate.READING * epoch_seconds * share

    def stopped(self) -> bool:
        return self.progress.should_stop()

    def tell(self, trying: str = "") -> None:
        """Leaderboard and time for whoever watches."""
        self.budget.note(trying=trying, board=self.board())

    def board(self) -> list[BoardRow]:
        """Every training, the leading one first, then what was only ranked or left out."""
        order = sorted(self.tried, key=lambda one: (one is not self.best, one.standing["log_loss"]))
        rows: list[BoardRow] = [
            {
                "title": one.candidate.title,
                "backbone": one.candidate.backbone,
                "part": one.candidate.part,
                "recipe": one.candidate.recipe,
                "options": one.candidate.options,
                "minutes": one.seconds / 60,
                "accuracy": one.standing["accuracy"],
                "log_loss": one.standing["log_loss"],
                "probe": one is self.tried[0],
                "state": "winner" if one is self.best else "tried",
            }
            for one in order
        ]
        return rows + self.ranked + self.dropped

    def train_all(self, candidates: Sequence[Candidate], share: float) -> list[Tried]:
        """Train them while there is time, several at once where a cluster can; gives those that did
        not come apart, in their order. `share` is of each.
        """
        begun: dict[Path, Candidate] = {}
        if self.at_once > 1 and self._may_begin():
            for candidate in candidates:
                folder = self._folder(candidate)
                begun[folder] = _begun(folder, candidate)
        todo = {folder: one for folder, one in begun.items() if trials.recall(folder) is None}
        until = self.budget.spent + self.left
        failed = self._elsewhere(
            {
                folder: trials.Timed(self.progress, one.shown, share, self.budget, until)
                for folder, one in todo.items()
            },
            todo,
            share * len(todo),
        )
        found = []
        for candidate in candidates:
            folder = self._folder(candidate)
            if folder in failed or not (folder in begun or self._may_begin()):
                continue
            found.append(self.train(candidate, share, self.budget.spent + self.left))
        return [one for one in found if one]

    def _may_begin(self) -> bool:
        return not self.stopped() and self.left > 0

    def _folder(self, candidate: Candidate) -> Path:
        return self.folder / "trials" / candidate.name

    def _elsewhere(
        self, parts: Mapping[Path, trials.Timed], candidates: Mapping[Path, Candidate], share: float
    ) -> set[Path]:
        """Train the candidates of these folders on the cluster; gives those that came apart, each
        of them on the board.
        """
        if not parts:
            return set()
        self.tell(", ".join(dict.fromkeys(one.title for one in candidates.values())))
        for folder, candidate in candidates.items():
            self._config_of(candidate).write(folder)
        failed = do_elsewhere(
            parts, self.at_once, self.folder, self.cache, self.progress, share=share, halves=True
        )
        for folder, error in failed.items():
            self.drop(candidates[folder], error)
        return set(failed)

    def _config_of(self, candidate: Candidate) -> RunConfig:
        return replace(
            self.config,
            recipe=candidate.recipe,
            backbone=candidate.backbone,
            options=candidate.options,
        )

    def train(
        self, candidate: Candidate, share: float, until: float, *, firm: bool = False
    ) -> Tried | None:
        """Train one candidate, or read again what it left before an interruption; None if it came
        apart.
        """
        known = next((one for one in self.tried if one.candidate.name == candidate.name), None)
        if known:
            return known
        folder = self._folder(candidate)
        candidate = _begun(folder, candidate)
        trained = trials.recall(folder)
        if trained is None:
            part = trials.Timed(
                self.progress, candidate.shown, share, self.budget, until, firm=firm
            )
            trained = self._train_anew(candidate, folder, part, share)
        if trained is None:
            return None
        truth, said = self.version.targets[self.held], trials.said(trained, self.held)
        standing = search.standing(self.version.info.task, truth, said)
        new = Tried(candidate, folder, trained, standing, trained.timing["whole"])
        self.tried.append(new)
        self._lead(new)
        self.tell()
        return new

    def _train_anew(
        self, candidate: Candidate, folder: Path, progress: trials.Timed, share: float
    ) -> Trained | None:
        """Train and keep what it left; None, and a line on the board, if it came apart."""
        if self.at_once > 1:  # whose machines may have GPUs, while this process has none
            self._elsewhere({folder: progress}, {folder: candidate}, share)
            return trials.recall(folder)
        began = self.budget.spent
        self.tell(f"{candidate.title} on {candidate.backbone}")
        own = self._config_of(candidate)
        own.write(folder)
        try:
            trained: Trained = load_training(candidate.recipe)(
                own, self.blind, folder, self.cache, progress
            )
        except UserError as error:  # one that comes apart must not cost the others
            self.drop(candidate, error)
            return None
        trained.timing["whole"] = self.budget.spent - began
        trials.keep(folder, trained)
        return trained

    def drop(self, candidate: Candidate, error: UserError) -> None:
        """Note a candidate that could not be used."""
        self.progress.log(f"{candidate.title} on {candidate.backbone} is left out. {error}")
        self.dropped.append(
            {
                "title": candidate.title,
                "backbone": candidate.backbone,
                "part": 0.0,
                "probe": False,
                "state": "failed",
                "why": str(error),
            }
        )

    def _lead(self, new: Tried) -> None:
        """Keep the model that leads; the other's can go."""
        if self.best is None or search.leads(
            new.standing, self.best.standing, self.tried[0].standing
        ):
            new, self.best = self.best or new, new
        if new is not self.best:
            shutil.rmtree(new.folder / "model", ignore_errors=True)
        accuracy = self.best.standing["accuracy"]["value"] if len(self.held) else 0.0
        self.progress.curve(Curve.BEST, minutes=self.budget.spent / 60, accuracy=accuracy)


def _begun(folder: Path, candidate: Candidate) -> Candidate:
    """The candidate as it was begun in `folder`: checkpoints of an interrupted training are for its
    own settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begun = find_object(folder / "candidate.json")
    candidate = Candidate(**begun) if begun else candidate  # type: ignore[arg-type]
    write_json(folder / "candidate.json", asdict(candidate))
    return candidate
