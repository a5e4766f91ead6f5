"""The page Watch with AppTest: readings of served models, a canary, and unsure items on their way
to the labelling.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.pages import carried_out, everything, opened, press, runs

from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import DatasetVersion
from tl_core.jobs.worker import carry_out
from tl_core.registry.queue import RunWriter
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings
from tl_core.watch.journal import About, Journal
from tl_core.watch.pairs import Pairs, Rivals
from tl_core.watch.tally import Tally
from tl_core.watch.training_sums import Reference
from tl_core.watch.unsure import UnsureItems

PAGE = "pages/use/watch.py"


def trained(studio, record):
    """A finished run with the folder of a model, which no test here asks."""
    run = studio.do(record, recipe="baseline")
    (run.folder / "model").mkdir()
    (run.folder / "model/config.json").write_text("{}")
    return run


@pytest.fixture
def mail_run(studio, mail):
    return trained(studio, mail)


@pytest.fixture
def journal(mail_run, mail):
    """What a server noted of the run's model: one window like the training, one that is not."""
    random = np.random.default_rng(0)
    labels = DatasetVersion(mail.folder).info.labels

    def items(count, shift=0.0):
        said = random.integers(0, len(labels), count)
        return said, random.beta(8, 2, count), random.normal(size=(count, 4)) + shift

    reference = Reference.made(labels, "validation and test", *items(300))
    about = About("mail", mail_run.id, mail.reference, "a" * 64, "text")
    begun = Journal.begun(read_settings().served_path, about, reference)
    for shift in (0.0, 1.0):
        begun.add(Tally.of(reference, *items(200, shift), 0.5), window=200)
    begun.add(Tally.of(reference, *items(7), 0.5), window=200)
    return begun


def test_a_model_that_was_not_served_says_how(mail_run):
    app = opened(PAGE, run=mail_run.id)
    assert not app.exception and not app.error
    assert "No server on this machine has been asked" in everything(app)


def test_windows_are_read_and_drawn(journal, mail_run):
    app = opened(PAGE, run=mail_run.id)
    said = everything(app)
    assert not app.exception and not app.error
    assert "differs from the training" in said and "features (MMD²" in said.replace("\\", "")
    assert "1 of 2 windows differ" in said and "7 items have come since" in said
    assert len(app.get("plotly_chart")) == 1
    shares = app.dataframe[0].value
    assert shares["served, %"].sum() == pytest.approx(100, abs=0.3)


def test_the_commands_say_the_same(journal, capsys):
    assert main(["served", "list", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert (model["name"], model["windows"], model["drifted"]) == ("mail", 2, 1)
    assert main(["served", "drift", "mail"]) == 0
    said = capsys.readouterr().out
    assert "1 of 2 full windows differ" in said and "7 items are too few" in said
    assert main(["served", "drift", "other"]) == 2
    assert "No model 'other' has been served" in capsys.readouterr().err
    assert main(["served", "canary", "mail"]) == 2
    assert main(["served", "collect", "mail"]) == 2
    assert "--keep-unsure" in capsys.readouterr().err


def test_a_canary_is_compared(mail_run, capsys):
    rivals = Rivals("mail", "old (aaaa)", "new (bbbb)", 0.2, mail_run.id)
    pairs = Pairs.begun(read_settings().served_path, rivals)
    for number in range(30):
        pairs.note(["x"], ["x" if number % 3 else "y"])
    app = opened(PAGE, run=mail_run.id)
    assert not app.exception and not app.error
    assert "differ on 10 of 30 items" in everything(app)
    assert list(app.dataframe[0].value["items"]) == [10]
    assert main(["served", "canary", "mail"]) == 0
    assert "10 times x where the canary said y" in capsys.readouterr().out


def test_other_runs_see_nothing_of_it(journal, studio, mail):
    other = trained(studio, mail)
    assert "No server on this machine" in everything(opened(PAGE, run=other.id))


def test_unsure_items_reach_the_labelling(journal, mail_run, mail, studio):
    columns = DatasetVersion(mail.folder).info.columns
    texts = [f"an odd message number {number}" for number in range(3)]
    UnsureItems(journal.folder, 10).keep_rows([{columns["text"]: text} for text in texts])
    app = opened(PAGE, run=mail_run.id)
    assert "3 unsure items" in everything(app)
    press(app, "Send them to the labelling")
    (job,) = [one for one in runs().list() if one.kind == "import"]
    studio.finish(job, "light")
    assert runs().get(job.id).status == "done"
    made = studio.datasets.get(mail.called)
    version = DatasetVersion(made.folder)
    assert made.reference != mail.reference
    waiting = version.rows_of("unlabelled")
    assert set(_texts(version, waiting)) == set(texts)
    assert len(UnsureItems(journal.folder)) == 0
    label = opened("pages/data/label.py", dataset=made.reference)
    assert not label.exception and not label.error


def test_what_is_being_sent_is_not_sent_twice_and_what_comes_later_is_offered(
    journal, mail_run, mail, studio
):
    """Whoever opens the page while items are on their way sees them; those of later wait anew."""
    text = DatasetVersion(mail.folder).info.columns["text"]
    UnsureItems(journal.folder, 10).keep_rows([{text: "an odd message"}])
    press(opened(PAGE, run=mail_run.id), "Send them to the labelling")
    again = opened(PAGE, run=mail_run.id)  # another tab, or this one reloaded
    assert "Send them to the labelling" not in [one.label for one in again.button]
    assert "queue" in everything(again) or "Adding them" in everything(again)
    studio.finish(next(one for one in runs().list() if one.kind == "import"), "light")
    assert "wait to be labelled" in everything(opened(PAGE, run=mail_run.id))
    UnsureItems(journal.folder, 10).keep_rows([{text: "another odd message"}])
    later = opened(PAGE, run=mail_run.id)
    assert "Send them to the labelling" in [one.label for one in later.button]


def _texts(version, rows):
    items = version.items
    return [items[int(row)]["text"] for row in rows]


def test_unsure_items_of_another_s_model_cannot_be_asked_for(journal, studio, mail, mail_run):
    """The run that is named must be the one whose model was served."""
    other = trained(studio, mail)
    UnsureItems(journal.folder, 10).keep_rows([{"text": "private"}])
    options = {
        "source": "unsure items",
        "name": mail.called,
        "append": True,
        "served": journal.folder.name,
        "run": other.id,
    }
    job = carried_out(RunConfig("import", "local", mail.called, options=options))
    assert job.status == "failed" and "has no served model" in job.reason["what"]
    assert len(UnsureItems(journal.folder)) == 1


def test_unsure_items_of_a_run_to_look_at_cannot_be_taken(
    journal, mail_run, team, studio, tmp_path
):
    """Whoever may only look at a model would have the items, and its owner no more."""
    UnsureItems(journal.folder, 10).keep_rows([{"text": "private"}])
    team.sharing().share("project", "mail", "ben", "viewer")
    team.be("id-ben")
    (tmp_path / "own.csv").write_text("text,label\n" + "a,x\nb,y\nc,x\nd,y\n" * 5)
    store = team.datasets("id-ben")
    add_dataset(store, studio.settings, str(tmp_path / "own.csv"), "own", ImportOptions())
    options = {
        "source": "unsure items",
        "name": "own",
        "append": True,
        "served": journal.folder.name,
        "run": mail_run.id,
    }
    config = RunConfig("import", "id-ben", "own", options=options)
    job = team.runs("id-ben").create(config)
    RunWriter(studio.engine).claim_next("light")
    assert carry_out(job.folder, studio.settings) == 1
    job = team.runs("id-ben").get(job.id)
    assert job.status == "failed" and "may only look" in job.reason["what"]
    assert len(UnsureItems(journal.folder)) == 1
