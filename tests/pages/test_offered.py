"""What somebody may not do is not offered: every page is opened by people with less than its owner
has, every enabled button is pressed, and none of them leads to a refusal or changes anything.
"""

from __future__ import annotations

import copy
import re

import pytest
from sqlalchemy import select
from tests_support.datasets import write_texts
from tests_support.pages import everything, opened, stand_in
from tests_support.team import BEN, CLEO

from pages.shell.navigation import PLACES, STUDIO
from pages.shell.state import DEFAULTS
from tl_core.access.policy import EVERYBODY
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import decide
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.tables import datasets, grants, links, runs
from tl_core.predict.threshold import read_threshold
from tl_core.services.datasets import add_dataset, relabel_dataset

TABS = [tab.path for place in (*PLACES, STUDIO) for tab in place.tabs if tab.offered_to != "admins"]
_REFUSED = ("You may not", "There is no", "cannot start a run", "Only an administrator")
OWN = {"Try it", "Take the tour"}  # what makes something of one's own
CHANGING = (
    "pages/home/home.py",
    "pages/data/add.py",
    "pages/data/items.py",
    "pages/data/labels.py",
    "pages/data/versions.py",
    "pages/train/design.py",
    "pages/train/live.py",
    "pages/evaluate/runs.py",
    "pages/admin/trash.py",
    "pages/admin/account.py",
)


class Patient:
    """A helper process that never answers."""

    def call(self, _name, _by="", /, **_arguments):
        return 1

    def poll(self, _number, _by=""):
        return False, None


class Scene:
    """Ana's project with runs in every state, reviewed labels and two versions."""

    def __init__(self, studio, mail):
        self.studio, self.mail = studio, mail
        version = DatasetVersion(mail.folder)
        names = version.info.labels
        decide(version, 4, "relabel", names[1 - version.labels[4]])
        self.second = relabel_dataset(studio.datasets, mail.reference)[0]
        decide(version, 6, "relabel", names[1 - version.labels[6]])
        self.done = studio.do(mail, pooling="mean")
        self.closed = studio.do(mail, pooling="mean", sealed=True)
        studio.do(mail, kind="suspect")
        self.cancelled, self.queued = self.asked(), self.asked()
        studio.runs.cancel(self.cancelled.id)

    def asked(self):
        config = RunConfig(
            "train",
            "local",
            self.mail.reference,
            str(self.mail.folder),
            self.studio.backbone,
            "probe",
        )
        return self.studio.runs.create(config)

    def states(self, dataset):
        """Pages with what their address and session say: all tabs, then what shows more."""
        here = {"dataset": dataset, "run": self.done.id}
        report, runs_page = "pages/evaluate/report.py", "pages/evaluate/runs.py"
        yield from ((tab, here, {}) for tab in TABS)
        yield report, {**here, "run": self.closed.id}, {}
        for tab in ("Errors", "Confidence", "Robustness", "Explain", "Details"):
            yield report, {**here, "tab": tab}, {f"least_sure {self.done.id}": 40}
        yield report, {**here, "tab": "Explain"}, {"closer": 0}
        yield report, {**here, "tab": "Overview"}, {"share": True}
        yield "pages/data/items.py", {**here, "row": "3"}, {}
        yield "pages/data/items.py", {**here, "row": "6"}, {}
        yield "pages/data/labels.py", {**here, "dataset": dataset.replace("@1", "@2")}, {}
        for run in (self.cancelled, self.queued):
            yield "pages/train/live.py", {**here, "run": run.id}, {}
        for run in (self.done, self.cancelled, self.queued):
            yield runs_page, here, {"picked_runs": [run.id]}
        yield runs_page, here, {"picked_runs": [self.done.id, self.closed.id]}
        for part in ("Rank on my data", "My own models"):
            yield "pages/train/backbone.py", {**here, "part": part}, {}
        yield "pages/train/design.py", here, {"train_way": "own"}

    def stands(self):
        """Everything that others must not change."""
        with self.studio.engine.connect() as connection:
            rows = [
                connection.execute(
                    select(*(column for column in table.c if column.name != "heartbeat"))
                ).all()
                for table in (datasets, runs, grants, links)
            ]
        files = [(path, path.read_bytes()) for path in sorted(self.mail.folder.glob("*.json*"))]
        return rows, files, read_threshold(self.done.folder / "model")


class Tab:
    """A browser tab that goes from page to page and forgets what it did before."""

    def __init__(self):
        self.app = opened()

    def at(self, page, address, session):
        for key, value in {**copy.deepcopy(DEFAULTS), "picked_runs": [], **session}.items():
            self.app.session_state[key] = value
        self.app.query_params.clear()
        for key, value in address.items():
            self.app.query_params[key] = value
        return self.app.switch_page(page).run()


def problem(app):
    """What a page complains of."""
    said = [box.value for box in (*app.error, *app.exception)]
    return next((one for one in said if any(word in one for word in _REFUSED)), "") or (
        str(app.exception[0].value) if app.exception else ""
    )


def pressed(tab, page, address, session, seen, skipped):
    """Each kind of enabled button of a page that was not `seen` in this state of another page,
    pressed on a page of its own: its label, and what came of it; `skipped` labels are not pressed.
    """
    first = tab.at(page, address, session)
    yield "", problem(first)
    about = address["run"], address.get("dataset")
    for button in list(first.button):
        kind = (button.label, re.sub(r"[0-9a-f]{10,}|\d+", "#", str(button.key)), *about)
        if button.disabled or button.label in skipped or kind in seen:
            continue
        seen.add(kind)
        app = tab.at(page, address, session)
        again = _same(app, button)
        if again is None:  # what was chosen on another page has hidden it
            tab.app = opened()
            again = _same(app := tab.at(page, address, session), button)
        if again is not None:  # else it belonged to what was left open on another page
            again.click().run()
            yield button.label, problem(app)


def _same(app, button):
    return next(
        (one for one in app.button if (one.key, one.label) == (button.key, button.label)), None
    )


def visit(scene, states, skipped=OWN):
    """How many buttons were pressed, and everything that anybody complained of or that changed."""
    tab, before, count, complaints, seen = Tab(), scene.stands(), 0, [], set()
    for page, address, session in states:
        for label, said in pressed(tab, page, address, session, seen, skipped):
            count += bool(label)
            if said:
                complaints.append((page, address, session, label, said))
            if scene.stands() != before:
                complaints.append((page, address, session, label, "changed something"))
                before = scene.stands()
    return count, complaints


@pytest.fixture
def scene(team, studio, tmp_path, monkeypatch):
    stand_in(monkeypatch, Patient())
    source = write_texts(tmp_path / "t.csv", 120)
    lines = source.read_text().splitlines()
    for place in (5, 22, 41, 60):  # wrong labels, for the review
        words, _, label = lines[place].rpartition(",")
        lines[place] = f"{words},{'bad' if label == 'good' else 'good'}"
    source.write_text("\n".join([*lines, *lines[1:12]]) + "\n")  # copies, for a fix
    return Scene(
        studio,
        add_dataset(studio.datasets, studio.settings, str(source), "mail", ImportOptions())[0],
    )


def test_who_may_look_at_a_project_is_offered_nothing_that_is_refused(scene, team):
    team.sharing().share("project", "mail", "ben", "viewer")
    team.be(BEN)
    count, complaints = visit(scene, scene.states("ana/mail@1"))
    assert complaints == [] and count > 40


def test_a_viewer_may_not_even_change_what_was_shared_to_be_worked_on(scene, team):
    team.sharing().share("project", "mail", EVERYBODY, "editor")
    team.be(CLEO)
    states = [one for one in scene.states("ana/mail@1") if one[0] in CHANGING]
    count, complaints = visit(scene, states, skipped=())  # nothing of one's own, either
    assert complaints == [] and count > 15


def test_a_run_that_is_shared_alone_shows_its_report_and_model_without_items(scene, team):
    team.sharing().share("run", scene.done.id, "ben", "viewer")
    team.be(BEN)
    here = {"run": scene.done.id}
    report = "pages/evaluate/report.py"
    states = [(tab, here, {}) for tab in TABS if tab.split("/")[1] in ("evaluate", "use")]
    states += [(report, {**here, "tab": tab}, {}) for tab in ("Errors", "Robustness", "Explain")]
    states += [
        ("pages/train/live.py", here, {}),
        (report, {**here, "tab": "Overview"}, {"share": True}),
    ]
    count, complaints = visit(scene, states)
    assert complaints == [] and count >= 4
    for tab in ("Errors", "Explain"):
        said = everything(opened(report, **here, tab=tab))
        assert "shared with you without them" in said and "parcel" not in said
