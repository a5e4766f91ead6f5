"""What the server's own OpenAPI document promises, tried with many made-up requests: no answer is
an accident.
"""

from __future__ import annotations

import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from tests_support.serving import serving_here

from tl_core.data.preparation import Preparation
from tl_core.predict.serving.http import create_app
from tl_core.predict.serving.service import Serving

TOKEN = "a-token"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


KINDS = {
    "texts": ("bert", None),
    "pictures": ("vit", None),
    "joined": ("bert", Preparation(("title", "body"))),
    "pixels": ("vit", Preparation(tuple(f"p{n}" for n in range(9)), pixels=(3, 3, 1))),
}


@pytest.fixture(scope="module", params=KINDS)
def address(exported, request, tmp_path_factory):
    """A server of a model of texts, one of pictures, one of joined columns and one of pixels, with
    a token.
    """
    family, kept = KINDS[request.param]
    folder = exported.bundle(family)[0]
    if kept:
        folder = shutil.copytree(folder, tmp_path_factory.mktemp("served") / "bundle")
        kept.write(folder)
    with serving_here(create_app(Serving(str(folder), token=TOKEN))) as url:
        yield url


@pytest.mark.parametrize("examples", [15, pytest.param(100, marks=pytest.mark.whole)])
@pytest.mark.parametrize("token", [TOKEN, "wrong"])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_is_an_accident(address, mode, token, examples):
    """Requests that the document allows, and such that it forbids, with the right token and a wrong
    one.
    """
    operations = [
        one.ok()
        for one in schemathesis.openapi.from_url(f"{address}/openapi.json").get_all_operations()
    ]
    assert {one.path for one in operations} == {
        "/predict",
        "/predict/files",
        "/health",
        "/ready",
        "/metrics",
    }
    seen = set()
    for operation in operations:

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode))
        def ask(case):
            answer = case.call(headers={"Authorization": f"Bearer {token}"})
            seen.add(answer.status_code)
            checks = (
                CHECKS
                if token == TOKEN or mode is GenerationMode.POSITIVE
                else [not_a_server_error]
            )
            case.validate_response(
                answer,
                checks=[
                    *checks,
                    *([negative_data_rejection] if mode is GenerationMode.NEGATIVE else []),
                ],
            )

        try:
            ask()
        except Unsatisfiable:
            assert operation.path not in (
                "/predict",
                "/predict/files",
            )  # nothing is forbidden there
    assert (token == TOKEN or 401 in seen) and seen - {200, 401, 422, 405, 411, 400} == set()
