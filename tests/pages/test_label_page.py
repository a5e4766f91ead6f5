"""The page Label with AppTest: one item after the other, by several people, to the next version."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened, press

from pages.sections.labelling import desk
from pages.shell import services
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.registry.label_answers import Answer, AnswerStore, Given
from tl_core.results import LABEL_QUEUE
from tl_core.services.datasets import add_dataset, relabel_dataset
from tl_core.services.labelling import Labelling, order_of

PAGE = "pages/data/label.py"


@pytest.fixture
def tickets(studio, tmp_path):
    """Texts of two classes, and thirty without."""
    lines = ["text,label"]
    for number in range(40):
        words = "the film is good" if number % 2 else "the order is late"
        lines.append(f"{words} {number},{'*good*' if number % 2 else 'bad'}")
    lines += [f"{'a good film' if n % 2 else 'bad money'} {n}," for n in range(30)]
    source = tmp_path / "tickets.csv"
    source.write_text("\n".join(lines) + "\n")
    return add_dataset(studio.datasets, studio.settings, str(source), "tickets", ImportOptions())[0]


@pytest.fixture
def proposed(studio, tickets):
    """The same with a first choice of what to label."""
    studio.do(tickets, "propose", recipe="")
    return tickets


def page(record):
    app = opened(PAGE, dataset=record.reference)
    assert not app.exception
    return app


def button(app, start):
    return next(one for one in app.button if one.label.startswith(start))


def labels(app):
    return [one.label for one in app.button]


def test_the_first_items_are_chosen_first(tickets):
    app = page(tickets)
    assert "30 texts without a class" in everything(app)
    press(app, "Choose the first items")
    assert "Waiting for its turn" in everything(app) or "Reading" in everything(app)


def test_the_first_reading_can_be_stopped(studio, tickets):
    press(page(tickets), "Choose the first items")
    press(page(tickets), "Stop")
    assert [run.status for run in studio.runs.list(kind="propose")] == ["cancelled"]
    assert "Choose the first items" in labels(page(tickets))


def test_items_are_labelled_skipped_and_undone(proposed):
    order = list(order_of(DatasetVersion(proposed.folder)))
    app = page(proposed)
    assert f"Row {order[0]:,}" in everything(app)
    button(app, r"\*good\*").click().run()
    assert decisions(proposed.folder) == {order[0]: Decision("relabel", "*good*")}
    assert f"Row {order[1]:,}" in everything(app)
    button(app, "Skip").click().run()
    assert f"Row {order[2]:,}" in everything(app)
    button(app, "bad").click().run()
    assert decisions(proposed.folder)[order[2]] == Decision("relabel", "bad")
    button(app, "Undo").click().run()
    assert order[2] not in decisions(proposed.folder)
    assert f"Row {order[2]:,}" in everything(app)
    button(app, "Undo").click().run()
    assert f"Row {order[1]:,}" in everything(app)  # the skipped one again
    assert not app.exception


def toasts(app):
    return " ".join(str(one.value) for one in app.toast)


def test_a_key_that_is_held_answers_about_one_item(proposed, monkeypatch):
    """What comes before an item can have been seen, and all that follows without a pause."""
    now = [100.0]
    monkeypatch.setattr(desk, "monotonic", lambda: now[0])
    monkeypatch.setattr(desk, "GLANCE", 0.4)
    order, app = list(order_of(DatasetVersion(proposed.folder))), page(proposed)
    now[0] += 1
    for _ in range(20):
        button(app, r"\*good\*").click().run()
        now[0] += 0.1
    assert [*decisions(proposed.folder)] == order[:1]
    assert "Too fast" in toasts(app)
    button(app, "Skip").click().run()
    assert f"Row {order[1]:,}" in everything(app)
    now[0] += 0.5
    button(app, "bad").click().run()
    assert decisions(proposed.folder)[order[1]] == Decision("relabel", "bad")


def test_an_answer_given_in_another_window_stays(proposed):
    row = next(iter(order_of(DatasetVersion(proposed.folder))))
    one, two = page(proposed), page(proposed)
    button(two, "bad").click().run()
    button(one, r"\*good\*").click().run()
    assert "as bad in another window" in toasts(one)
    assert decisions(proposed.folder) == {row: Decision("relabel", "bad")}
    assert f"Row {row:,}" not in everything(one)  # it goes on with the next one


def test_a_label_that_the_version_holds_may_be_given_anew():
    """A suspected error comes up again, also before the person who gave the label."""

    def answer(used, action="label"):
        return Answer(7, "anna", action, "bad", "", aided=False, used=used, at=0.0)

    assert desk.waiting_label([answer(used=False)], "anna", 7) == "bad"
    assert desk.waiting_label([answer(used=True)], "anna", 7) is None
    assert desk.waiting_label([answer(used=False)], "ben", 7) is None
    assert desk.waiting_label([answer(used=False, action="skip")], "anna", 7) is None


def test_what_the_model_says_is_hidden_until_it_is_asked(studio, proposed):
    choice = next(run for run in studio.runs.list(kind="propose"))
    first = LABEL_QUEUE.load(choice.folder)["rows"][0]
    assert first["suggestion"]
    app = page(proposed)
    assert "The model says" not in everything(app)
    button(app, "Show what the model says").click().run()
    assert "The model says" in " ".join(str(one.value) for one in app.info)
    button(app, "bad").click().run()
    assert "The model says" not in " ".join(str(one.value) for one in app.info)
    [answer] = services.answers().list(proposed.reference)
    assert (answer.aided, answer.why) == (True, first["why"])


def test_a_new_class_has_a_button_from_then_on(proposed):
    app = page(proposed)
    next(one for one in app.text_input if one.label == "Name of the new class").set_value(
        "so-so"
    ).run()
    button(app, "Label this item with it").click().run()
    assert "so\\-so" in labels(app)
    assert [one.label for one in services.answers().list(proposed.reference)] == ["so-so"]
    next(one for one in app.text_input if one.label == "Name of the new class").set_value(
        "So-So"
    ).run()
    button(app, "Label this item with it").click().run()
    assert "already" in " ".join(one.value for one in app.error)


def test_items_that_are_alike_are_looked_at_and_labelled_at_once(proposed):
    app = page(proposed)
    assert "Several at once" in everything(app)
    next(one for one in app.selectbox if one.label == "Class of the others").select("bad").run()
    bulk = button(app, "Label these")
    count = int(bulk.label.split()[2])
    bulk.click().run()
    assert len(decisions(proposed.folder)) == count >= 2
    assert {one.why for one in services.answers().list(proposed.reference)} == {"cluster"}
    button(app, "Undo").click().run()
    assert decisions(proposed.folder) == {}


def test_alike_items_can_be_the_first_of_a_class_and_count_for_the_next_choice(studio, proposed):
    """A class is typed where the group is labelled; what was labelled so is not asked for again."""
    app = page(proposed)
    for _ in range(2):
        for _ in ("typed", "drawn anew with it"):
            box = next(one for one in app.selectbox if one.label == "Class of the others")
            box.options.append("so-so")  # the test's own list of what can be chosen
            if box.value != "so-so":
                box.set_value("so-so").run()
        button(app, "Label these").click().run()
        assert not app.exception and not app.error
    made = decisions(proposed.folder)
    assert {one.label for one in made.values()} == {"so-so"} and len(made) >= 10
    assert [run.status for run in studio.runs.list(kind="propose")].count("queued") == 1


def test_a_refusal_is_told_once_and_goes_with_the_next_answer(proposed):
    app = page(proposed)
    next(one for one in app.text_input if one.label == "Name of the new class").set_value(
        "x" * 101
    ).run()
    button(app, "Label this item with it").click().run()
    assert [one.value.count("cannot be the name") for one in app.error] == [1]
    button(app, "bad").click().run()
    assert not app.error and len(decisions(proposed.folder)) == 1


def test_enough_labels_have_the_next_items_chosen_in_the_background(studio, proposed):
    app = page(proposed)
    for _ in range(10):
        button(app, "bad").click().run()
    queued = [run for run in studio.runs.list(kind="propose") if run.status == "queued"]
    assert len(queued) == 1
    row = list(order_of(DatasetVersion(proposed.folder)))[10]
    assert f"Row {row:,}" in everything(app)  # one goes on meanwhile
    studio.finish(queued[0], "light")
    app = page(proposed)
    assert f"Row {row:,}" in everything(app)  # and what is before one stays
    assert "10 of" in everything(app) or "10 altogether" in everything(app)


def test_without_the_wish_nothing_is_chosen_anew(studio, proposed):
    app = page(proposed)
    next(one for one in app.toggle if one.label.startswith("Choose anew as")).set_value(False).run()
    for _ in range(12):
        button(app, "bad").click().run()
    assert len(studio.runs.list(kind="propose")) == 1


def test_a_strategy_of_ones_own_is_asked_for(studio, proposed):
    app = page(proposed)
    app.selectbox(key="label_strategy").set_value("class").run()
    app.selectbox(key="label_wanted").set_value("bad").run()
    button(app, "Choose anew now").click().run()
    asked = next(run for run in studio.runs.list(kind="propose") if run.status == "queued")
    options = RunConfig.read(asked.folder).options
    assert (options["strategy"], options["wanted"]) == ("class", "bad")


def test_the_next_version_holds_the_labels_and_the_labelling_goes_on(studio, proposed):
    app = page(proposed)
    for _ in range(3):
        button(app, "bad").click().run()
    app = page(proposed)
    assert "3 new labels so far" in everything(app) and "3 answers came since" in everything(app)
    press(app, "Make the next version")
    fix = next(run for run in studio.runs.list(kind="fix"))
    studio.finish(fix, "light")
    made = studio.datasets.get("tickets")
    assert made.version == 2
    app = page(made)
    assert "27 texts without a class" in everything(app)
    assert "new labels so far" not in everything(app)
    # what comes next is chosen without a click, with the score and what the model says
    [again] = [run for run in studio.runs.of_dataset(made.reference) if run.kind == "propose"]
    assert again.status == "queued" and "Choosing what to ask next" in everything(app)
    old = [*order_of(DatasetVersion(made.folder))]
    studio.finish(again, "light")
    app = page(made)
    assert "How good are the labels so far?" in everything(app)
    choice = LABEL_QUEUE.load(again.folder)
    assert {one["row"] for one in choice["earlier"]} == {*old} - {
        one["row"] for one in choice["rows"]
    }
    batch = {one["row"] for one in choice["rows"]}
    Labelling(AnswerStore(studio.datasets), made).give(dict.fromkeys(batch, "*good*"))
    app = page(made)
    [row] = [row for row in old if row not in batch][:1]
    assert f"Row {row:,}" in everything(app) and "Show what the model says" in labels(app)
    assert len(studio.runs.of_dataset(made.reference)) == 1


def test_a_queue_of_an_older_version_leads_to_the_newer_one(studio, proposed):
    app = page(proposed)
    button(app, "bad").click().run()
    made = relabel_dataset(studio.datasets, proposed.reference)[0]  # by somebody else
    before = answers_of(studio, proposed)
    button(app, "bad").click().run()
    assert answers_of(studio, proposed) == before
    [said] = [one.value for one in app.error]
    assert "tickets@2 has been made meanwhile" in said
    assert "bad" not in labels(app) and "Labels go on there" in everything(app)
    assert not [one for one in labels(app) if one.startswith(("Choose", "Label these"))]
    press(app, f"Label {made.reference}")
    assert app.query_params["dataset"] == made.reference
    assert f"{made.reference} · 29 texts without a class" in everything(app)


def answers_of(studio, record):
    return AnswerStore(studio.datasets).list(record.reference)


def test_whoever_does_not_want_it_has_nothing_chosen_in_a_new_version(studio, proposed):
    app = page(proposed)
    next(one for one in app.toggle if one.label.startswith("Choose anew as")).set_value(False).run()
    button(app, "bad").click().run()
    press(app, "Make the next version")
    studio.finish(next(run for run in studio.runs.list(kind="fix")), "light")
    made = studio.datasets.get("tickets")
    app.query_params["dataset"] = made.reference
    app.run()
    assert "29 texts without a class" in everything(app)
    assert not studio.runs.of_dataset(made.reference)


def test_the_strategy_is_that_of_the_newest_choice_until_somebody_says(studio, tickets):
    studio.do(tickets, "propose", recipe="", strategy="class", wanted="bad")
    app = page(tickets)
    assert app.selectbox(key="label_strategy").value == "class"
    assert app.selectbox(key="label_wanted").value == "bad"


def test_answers_given_meanwhile_stay_when_a_group_is_labelled(studio, proposed):
    app = page(proposed)
    next(one for one in app.selectbox if one.label == "Class of the others").select("bad").run()
    bulk = button(app, "Label these")
    choice = next(run for run in studio.runs.list(kind="propose"))
    [taken, *_] = LABEL_QUEUE.load(choice.folder)["clusters"][0]["rows"]
    Labelling(AnswerStore(studio.datasets), proposed).label([taken], "*good*")
    bulk.click().run()
    assert decisions(proposed.folder)[taken].label == "*good*"
    assert "labelled meanwhile" in toasts(app)
    button(app, "Undo").click().run()
    assert [*decisions(proposed.folder)] == [taken]


def test_two_people_get_different_items_and_settle_where_they_differ(studio, proposed, team):
    team.sharing().share("project", "tickets", "ben", "editor")
    team.sharing().share("project", "tickets", "cleo", "viewer")
    ana = AnswerStore(team.datasets("local"))
    order = list(order_of(DatasetVersion(proposed.folder)))
    ana.ask_twice("tickets@1", 0)
    assert f"Row {order[0]:,}" in everything(page(proposed))
    ana.give("tickets@1", [Given(order[4], "bad")])
    team.be("id-ben")
    app = opened(PAGE, dataset="ana/tickets@1")
    assert f"Row {order[1]:,}" in everything(app)
    ben = AnswerStore(team.datasets("id-ben"))
    ben.give("ana/tickets@1", [Given(order[4], "*good*"), Given(order[5], "bad")])
    app = opened(PAGE, dataset="ana/tickets@1")
    said = everything(app)
    assert "To be settled: 1" in said and r"Ana \*Lima\*" in said
    next(one for one in app.button if one.key == f"settle_{order[4]}_0").click().run()
    assert "To be settled" not in everything(app)
    assert ben.list("ana/tickets@1")[-1].label == "bad"
    team.be("id-cleo")  # who looks on
    app = opened(PAGE, dataset="ana/tickets@1")
    assert not app.exception
    assert "to look at" in everything(app) or "viewer" in everything(app)
    assert not {"Skip", "Undo", "Make the next version"} & {*labels(app)}


def test_suspected_labels_are_looked_at_blindly(studio, mail):
    studio.do(mail, "suspect", pooling="mean")
    app = page(mail)
    assert "Row" in everything(app)
    row = int(everything(app).split("Row ")[1].split(" ")[0].replace(",", ""))
    button(app, "bad").click().run()
    own = DatasetVersion(mail.folder)
    was = own.info.labels[own.labels[row]]
    expected = Decision("keep") if was == "bad" else Decision("relabel", "bad")
    assert decisions(mail.folder) == {row: expected}


def test_a_version_whose_items_all_have_a_class_says_so(record):
    app = page(record)
    assert "All texts of this version have a class" in " ".join(str(one.value) for one in app.info)


def test_answers_elsewhere_show_on_the_page(studio, proposed):
    order = list(order_of(DatasetVersion(proposed.folder)))
    services.answers().give(proposed.reference, [Given(order[0], "bad")])
    assert f"Row {order[1]:,}" in everything(page(proposed))
