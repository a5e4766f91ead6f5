"""What the OpenAPI document of `/api/v1` promises, tried with many made-up requests: no answer is
an accident. And the page about it in docs/.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as tried
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests_support.datasets import write_texts
from tests_support.programs import SETTINGS, Server
from tests_support.serving import serving_here

from tl_core.access.principal import SCOPES
from tl_core.database.engine import open_database
from tl_core.settings import Settings

PAGE = Path(__file__).parents[3] / "docs/reference/api.md"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def real(home):
    """The server by real HTTP."""
    settings = Settings(home=str(home), **SETTINGS)
    server = Server(settings, open_database(settings))
    with serving_here(server.app) as address:
        server.address = f"{address}/api/v1"
        yield server


@pytest.mark.parametrize("examples", [6, pytest.param(100, marks=pytest.mark.whole)])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_is_an_accident(real, tmp_path, mode, examples):
    """Requests that the document allows, and such that it forbids; every other one about something
    that is there.
    """
    ana = real.member("ana")
    run = ana.finished(ana.add(tmp_path))
    headers = {"Authorization": f"Bearer {ana.token()}"}
    document = schemathesis.openapi.from_url(f"{real.address}/openapi.json", headers=headers)
    there = {"run_id": run.id, "reference": "tickets@1", "name": f"report-{run.id}.json"}
    seen = [
        statuses(one.ok(), mode, examples, headers, real.address, there)
        for one in document.get_all_operations()
    ]
    assert len(seen) == 29
    damaged = {401, 405} if mode is GenerationMode.NEGATIVE else set()
    assert set().union(*seen) <= {200, 201, 202, 400, 404, 409, 422} | damaged
    assert sum(200 in one or 202 in one or 201 in one for one in seen) > 10


def statuses(operation, mode, examples, headers, address, there):
    """What an operation was answered with."""
    answered, count = set(), itertools.count()

    @tried(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def ask(case):
        if next(count) % 2:
            case.path_parameters = {name: there[name] for name in case.path_parameters or {}}
        # an address with a line break in it is not below the place where this is mounted
        assume("\n" not in unquote(case.formatted_path))
        answer = case.call(headers=headers, base_url=address)
        answered.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    with suppress(Unsatisfiable):  # nothing is forbidden there
        ask()
    return answered


def test_the_document_says_what_a_program_needs(real):
    document = real.api.openapi()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["servers"] == [{"url": "/api/v1"}]
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            assert about["description"] and about["operationId"], path
            assert {"401", "403", "404", "422", "429"} <= set(about["responses"]), path
            assert about["security"], (method, path)


def test_every_address_is_in_the_docs_with_its_scopes(real):
    """`TL_TEST_WRITE_DOCS=1` writes the table anew."""
    lines = []
    for path, methods in real.api.openapi()["paths"].items():
        for method, about in methods.items():
            scopes = ", ".join(f"`{scope}`" for scope in about["security"][0]["token"]) or "-"
            words = " ".join(about["description"].split()).partition(". ")[0].rstrip(".")
            lines.append(f"| `{method.upper()} {path}` | {words} | {scopes} |")
    table = "|---|---|---|\n" + "\n".join(lines) + "\n\n"
    text = PAGE.read_text()
    start = text.index("|---|---|---|")
    wanted = text[:start] + table + text[text.index("\n\n", start) + 2 :]
    if os.environ.get("TL_TEST_WRITE_DOCS"):
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted
    assert all(f"`{scope}`" in text for scope in SCOPES)


def test_the_examples_of_the_docs_work(real, tmp_path):
    """Each line that begins with curl, in their order, by curl."""
    ana = real.member("ana")
    run = ana.finished(ana.add(tmp_path, "bugs"))
    write_texts(tmp_path / "tickets.csv")
    write_texts(tmp_path / "new.csv")
    examples = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    commands = [line for block in examples for line in block.replace("\\\n", "").splitlines()]
    commands = [line for line in commands if line.startswith("curl ")]
    assert len(commands) >= 8
    environment = {**os.environ, "TL_TOKEN": ana.token(), "NO_PROXY": "*"}
    for line in commands:
        line = line.replace("https://graft.example.org/api/v1", real.address)
        line = line.replace("RUN", run.id).replace('"$TL_TOKEN', '"' + environment["TL_TOKEN"])
        line = line.replace("$TL_TOKEN", environment["TL_TOKEN"])
        ended = subprocess.run(
            [*shlex.split(line), "-sS", "--fail-with-body"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, (line, ended.stdout, ended.stderr)
    assert (tmp_path / "answers.csv").read_text() == "0123456789"
    kinds = [one.kind for one in ana.runs.list()]
    assert sorted(kinds) == ["export", "import", "predict", "train", "train"]
