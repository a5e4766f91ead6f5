"""All ways to ask a trained model: run, job, bundle, predict.py and server."""

from __future__ import annotations

import csv
import shutil

import numpy as np
from fastapi.testclient import TestClient

from tests_support import forked
from tests_support.pages import carried_out, runs
from tl_core.backbones.classifier import load_classifier
from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.export.bundle import export
from tl_core.export.wishes import Wishes
from tl_core.predict.serving.http import create_app
from tl_core.predict.serving.service import Serving
from tl_core.progress import Progress

MAIL = [
    ("late again", "my order is late"),
    ("Grüße", "the film is good, größer and möglich"),
    ("", "bad money"),
    ("good", ""),
    ('he said "no"', "two\nlines, and a comma"),
    ("money back", "is my film 3 back"),
]


class Way:
    """A trained model with a preparation, as run and as bundle, and all ways to ask it."""

    def __init__(self, exported, root, family, kept):
        self.kept, self.root = kept, root
        self.folder = shutil.copytree(exported.run(family)[0], root / "run")
        kept.write(self.folder / "model")
        self.bundle = root / "bundle"
        export(self.folder, self.bundle, Wishes(), None, Progress())
        self.labels = load_classifier(self.bundle).labels

    def registered(self):
        """A run of this home with the model."""
        run = runs().create(RunConfig("train", "local", "mine@1", "", "local:x", "probe", {}))
        if not (run.folder / "model").exists():
            shutil.copytree(self.folder / "model", run.folder / "model")
        return run

    def read(self, path):
        with path.open(newline="", encoding="utf-8") as handle:
            lines = list(csv.DictReader(handle))
        assert not [line["error"] for line in lines if line["error"]]
        return np.array([[float(line[f"p:{name}"]) for name in self.labels] for line in lines])

    def commands(self, source, tmp_path):
        """What run, job and bundle say."""
        run, scores = self.registered(), {}
        for name, model in (("run", run.id), ("bundle", self.bundle)):
            out = tmp_path / f"{name}.csv"
            assert (
                main(["predict", str(model), str(source), "-o", str(out), "--strict", "--json"])
                == 0
            )
            scores[name] = self.read(out)
        job = carried_out(
            RunConfig("predict", "local", "mine@1", options={"run": run.id, "source": str(source)})
        )
        assert job.status == "done", job.reason
        assert job.summary["plan"]["columns"] and job.summary["plan"]["sample"]
        return {**scores, "job": self.read(job.folder / job.summary["file"])}

    def predict_py(self, tmp_path, *sources):
        out = tmp_path / "script.csv"
        done = forked.run(self.bundle / "predict.py", *sources, "-o", out, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return self.read(out)

    def served(self, **body):
        """Probabilities, or the refusal."""
        with TestClient(create_app(Serving(str(self.bundle)))) as client:
            reply = client.post("/predict/files" if "files" in body else "/predict", **body)
            if reply.status_code != 200:
                return reply.status_code, reply.json()["detail"]
            return np.array(
                [
                    [one["probabilities"][name] for name in self.labels]
                    for one in reply.json()["answers"]
                ]
            )

    def expected(self, items):
        return load_classifier(self.folder / "model").probabilities(items)


def write_table(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerows([header, *rows])
    return path
