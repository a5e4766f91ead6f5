"""Programs that ask `/api/v1` with tokens, behind the real gate, and what people have there."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass

from sqlalchemy import update
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from tests_support.datasets import write_texts
from tl_core.access.access_tokens import Tokens
from tl_core.access.people import Claims, People
from tl_core.access.principal import SCOPES
from tl_core.access.sharing import Sharing
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.tables import users
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.services.datasets import add_dataset
from tl_core.web.api.app import build
from tl_core.web.asking import Asking
from tl_core.web.gate import Gate
from tl_core.web.identity import Identity

URL = "https://graft.example.org"
SETTINGS = {"sign_in": "oidc", "url": URL, "dispatcher": "external", "api_per_minute": "0"}
REPORT = {
    "schema_version": 2,
    "modality": "text",
    "headline": "Right 9 times in 10.",
    "predictions": "predictions.csv",
    "test": {"n": 4, "accuracy": {"value": 0.9, "low": float("nan"), "high": 1.0}},
    "baselines": {},
}


class FakeHelper:
    """Answers at once, by the length of what it is asked about; or not at all."""

    def __init__(self):
        self.asked, self.silent = [], False

    def call(self, name, by="", /, **arguments):
        self.asked.append((name, arguments))
        return len(self.asked) - 1

    def poll(self, ticket, by=""):
        name, arguments = self.asked[ticket]
        if self.silent:
            return False, None
        if name == "predict_one":
            return True, [("good", 0.75), ("bad", 0.25)]
        return True, {
            "labels": ["bad", "good"],
            "probabilities": [
                [0.4, 0.6] if len(text) % 2 else [0.9, 0.1] for text in arguments["texts"]
            ],
        }


@dataclass
class Member:
    """Somebody on the server: their stores, and programs with their tokens."""

    server: Server
    who: object

    @property
    def runs(self):
        return RunStore(self.server.engine, self.who, self.server.settings.home_path)

    @property
    def data(self):
        return DatasetStore(self.server.engine, self.who, self.server.settings.home_path)

    @property
    def sharing(self):
        return Sharing(self.server.engine, self.who)

    def token(self, *scopes):
        """A new token, with all scopes where none is named."""
        return Tokens(self.server.engine, self.who).make("a program", scopes or list(SCOPES), 1)

    def program(self, *scopes):
        """A client with a new token."""
        return self.server.client(self.token(*scopes))

    def add(self, tmp_path, name="tickets", rows=40):
        source = write_texts(tmp_path / f"{name}.csv", rows)
        record, _, _ = add_dataset(
            self.data, self.server.settings, str(source), name, ImportOptions()
        )
        return record

    def queue(self, record, **changes):
        """A training that waits."""
        values = {"backbone": "starter:text", "recipe": "probe", **changes}
        return self.runs.create(
            RunConfig("train", self.who.id, record.reference, str(record.folder), **values)
        )

    def finished(self, record, model=None, report=None, **changes):
        """A training that has ended, with a report, predictions, logs, and a model."""
        run = self.queue(record, **changes)
        self.server.writer.claim_next("train")
        (run.folder / "report.json").write_text(
            json.dumps({**REPORT, "run_id": run.id, **(report or {})})
        )
        (run.folder / "predictions.csv").write_bytes(b"0123456789")
        (run.folder / "worker.log").write_text("secret")
        (run.folder / "events.jsonl").write_text('{"t": 1.0, "type": "log", "text": "one"}\n')
        if model:
            shutil.copytree(model, run.folder / "model")
        else:
            (run.folder / "model").mkdir()
            content = {"model_type": "bert", "_name_or_path": "/srv/secret/models/bert"}
            (run.folder / "model" / "config.json").write_text(json.dumps(content))
            (run.folder / "model" / "model.safetensors").write_bytes(b"weights" * 1000)
        self.server.writer.finish(
            run.id, "done", headline="Right 9 times in 10.", summary={"accuracy": float("nan")}
        )
        return self.runs.get(run.id)


class Server:
    """A server with people, past whose gate programs come with tokens."""

    def __init__(self, settings, engine, helper=None):
        self.settings, self.engine, self.writer = settings, engine, RunWriter(engine)
        self.helper = helper or FakeHelper()
        self.api = build(settings, engine)
        self.api.state.asking = Asking(self.helper, seconds=0.5 if helper is None else 60.0)
        inner = Starlette(routes=[Mount("/api/v1", app=self.api)])
        identity = Identity(settings, engine, lambda _cookies: None)
        self.app = Gate(inner, identity, settings, lambda *_: True)

    def client(self, token=None):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return TestClient(
            self.app, base_url=f"{URL}/api/v1", client=("203.0.113.9", 5000), headers=headers
        )

    def member(self, name, role="member"):
        """Somebody who has signed in once."""
        people = People(self.engine, self.settings)
        claims = Claims("https://idp", name, name.title(), f"{name}@example.org", True)
        person = people.arrive(claims)
        with self.engine.begin() as connection:
            connection.execute(update(users).where(users.c.id == person.id).values(role=role))
        return Member(self, people.get(person.id).principal())


def error_of(answer, status):
    """The error object of an answer, which has to have this status."""
    assert answer.status_code == status, answer.text
    return answer.json()["error"]
