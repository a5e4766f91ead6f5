"""Each kind of run on a dataset of which nothing has a class yet, or too little: it does what needs
no class, and refuses the rest in a sentence.
"""

from __future__ import annotations

import signal

import pytest
from tests_support.no_class_yet import truth_of, write_bare_texts
from tests_support.pages import Studio
from tests_support.run_options import ABOUT_A_RUN

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.errors import UserError
from tl_core.jobs.worker import carry_out
from tl_core.recipes import RECIPES
from tl_core.registry.label_answers import AnswerStore
from tl_core.registry.queue import RunWriter
from tl_core.services.datasets import add_dataset, relabel_dataset
from tl_core.services.labelling import Labelling
from tl_core.services.trainings import check_training

LEARN = ("preflight", "suspect", "explore", "curve")  # kinds that learn from labels
UNJUDGED = ("suspect", "explore")  # that need no test row
FREE = {"propose": {}, "index": {}, "takeout": {"format": "csv"}, "domains": {"column": "shop"}}
STATES = ("nothing", "one class", "no test")


@pytest.fixture(params=STATES)
def record(request, home, tmp_path, tiny):
    """A version in which nothing has a class, twelve rows have the same, or thirty have one of two
    and none was drawn at random.
    """
    studio = Studio(f"local:{tiny('bert')}")
    source = write_bare_texts(tmp_path / "mail.csv", 60)
    lines = source.read_text().splitlines()
    shops = [f"{line},{'ab'[n % 2]}" for n, line in enumerate(lines[1:])]
    source.write_text("\n".join(["text,shop", *shops]) + "\n")
    options = ImportOptions(label_here=True, text_column="text")
    made, _, _ = add_dataset(studio.datasets, studio.settings, str(source), "mail", options)
    if request.param == "nothing":
        return studio, made, request.param
    labelling = Labelling(AnswerStore(studio.datasets), made)
    truth = truth_of(labelling.version)
    rows = [row for row in truth if request.param == "no test" or truth[row] == "good"]
    labelling.give({row: truth[row] for row in rows[: 30 if len(rows) > 30 else 12]}, new=True)
    made, _, _ = relabel_dataset(studio.datasets, made.reference)
    return studio, made, request.param


def carried(studio, record, kind, recipe="", **options):
    """Why a run ended as it did, and the run."""
    config = RunConfig(
        kind, "local", record.reference, str(record.folder), studio.backbone, recipe, options
    )
    run = studio.runs.create(config)
    RunWriter(studio.engine).claim_next(RUN_KINDS[kind].lane)
    handler = signal.getsignal(signal.SIGTERM)
    carry_out(run.folder, studio.settings)
    signal.signal(signal.SIGTERM, handler)
    run = studio.runs.get(run.id)
    return (run.reason or {}).get("what", ""), run


def test_what_needs_classes_refuses_and_the_rest_works(record):
    studio, made, state = record
    for recipe in RECIPES:
        backbone = "" if recipe in ("baseline", "auto") else studio.backbone
        options = {"teacher": studio.backbone} if recipe == "distillation" else {}
        config = RunConfig(
            "train", "local", made.reference, str(made.folder), backbone, recipe, options
        )
        with pytest.raises(UserError) as refused:
            check_training(config)
        assert "page Labelling" in refused.value.try_this, recipe
    for kind in LEARN:
        if state == "no test" and kind in UNJUDGED:
            continue  # rows of two classes are there
        what, run = carried(studio, made, kind, "probe")
        assert run.status == "failed" and what, (kind, run.reason)
        assert "page Labelling" in run.reason["try_this"], (kind, run.reason)
    if state == "no test":
        return
    what, run = carried(studio, made, "rank", backbones=[studio.backbone])
    assert (run.status, "too few training rows" in what) == ("failed", True), run.reason
    _, run = carried(studio, made, "hold_out", column="shop", methods=["erm"])
    assert run.status == "failed" and "page Labelling" in run.reason["try_this"], run.reason
    free = FREE if state == "nothing" else {}
    for kind, options in free.items():
        _, run = carried(studio, made, kind, **options)
        assert run.status == "done", (kind, run.reason)
    known = {"train", "import", "fix", "rank", "hold_out", *LEARN, *FREE, *ABOUT_A_RUN}
    assert known == {*RUN_KINDS}, "a kind of run was not tried on a dataset without classes"
