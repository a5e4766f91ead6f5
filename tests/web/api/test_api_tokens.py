"""Who may ask `/api/v1` for what: tokens and their scopes, other people, rates, the gate before."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from tests_support.programs import SETTINGS, URL, Server, error_of

from tl_core import __version__
from tl_core.access.access_tokens import Tokens
from tl_core.access.people import Administration
from tl_core.access.principal import ADMIN, SCOPES, Principal
from tl_core.database.engine import open_database
from tl_core.database.tables import tokens
from tl_core.settings import Settings
from tl_core.web.api.entrance import Buckets
from tl_core.web.gate import Gate
from tl_core.web.identity import Identity
from tl_core.web.lazy import Lazy

BODIES = {
    ("post", "/datasets"): {"json": {"source": "sample:digits", "name": "d"}},
    ("post", "/labelling/{reference}/take"): {"json": {}},
    ("post", "/labelling/{reference}/answers"): {"json": {"labels": [{"row": 0, "label": "good"}]}},
    ("post", "/proposals/{reference}"): {"json": {}},
    ("post", "/runs"): {"json": {"dataset": "DATASET", "recipe": "baseline"}},
    ("post", "/runs/{run_id}/bundle"): {"json": {}},
    ("post", "/runs/{run_id}/predictions"): {"json": {"unlabelled": "DATASET"}},
    ("post", "/predict/{run_id}"): {"json": {"texts": ["a"]}},
}


def operations(server):
    """Method, path and the scopes that are needed, for everything that the document names."""
    for path, methods in server.api.openapi()["paths"].items():
        for method, about in methods.items():
            yield method, path, about["security"][0]["token"]


def ask(program, method, path, run, dataset, name="report.json"):
    """One request about a run and a dataset."""
    given = {
        kind: {key: dataset if one == "DATASET" else one for key, one in content.items()}
        for kind, content in BODIES.get((method, path), {}).items()
    }
    named = path.format(run_id=run, reference=dataset, name=name)
    return program.request(method.upper(), named, **given)


def test_every_scope_is_one_that_tokens_have(server):
    found = {scope for *_, needed in operations(server) for scope in needed}
    assert found == set(SCOPES)


def test_a_token_needs_each_scope_that_the_document_names(server, ana, tickets):
    """Without one of them the refusal is the same whether there is such a thing or not."""
    run = ana.finished(tickets)
    for method, path, needed in operations(server):
        for lacking in needed:
            program = ana.program(*(set(SCOPES) - {lacking}))
            answers = [
                ask(program, method, path, run.id, "tickets"),
                ask(program, method, path, "0123456789", "no-such"),
            ]
            for answer in answers:
                error = error_of(answer, 403)
                assert error["code"] == "access" and repr(lacking) in error["why"], (method, path)
            assert answers[0].content == answers[1].content
    assert ana.runs.get(run.id).status == "done" and ana.data.get("tickets").version == 1


def test_these_scopes_are_enough(server, ana, tickets):
    refused = []
    for method, path, needed in operations(server):
        run = ana.finished(tickets)
        program = ana.program(*(needed or ["predict"]))
        answer = ask(program, method, path, run.id, "tickets", f"report-{run.id}.json")
        if answer.status_code in (401, 403) or answer.status_code >= 500:
            refused.append((method, path, answer.text))
        elif answer.status_code == 404 and "restore" not in path:  # it lies in no trash
            refused.append((method, path, answer.text))
    assert refused == []


def without(text, asked):
    """An answer without what was asked about, and without the asker's own things that are like
    it.
    """
    text = re.sub(r"'(ana/)?(tickets|no-such)'", "'X'", text.replace(asked, "X"))
    return re.sub(r"(Did you mean [^?]*\?|There are none yet\.)", "", text)


def test_what_is_somebody_elses_is_like_what_is_not_there(server, ana, ben, tickets):
    run, program = ana.finished(tickets), ben.program()
    missing = "0123456789"
    for method, path, _ in operations(server):
        for dataset, other in (("ana/tickets", "ana/no-such"), ("tickets", "no-such")):
            theirs = ask(program, method, path, run.id, dataset, f"report-{run.id}.json")
            nobodys = ask(program, method, path, missing, other, f"report-{missing}.json")
            if "{" in path or path == "/runs" and method == "post":
                assert theirs.status_code == 404, (method, path, theirs.text)
            assert theirs.status_code == nobodys.status_code
            about = without(theirs.text, run.id), without(nobodys.text, missing)
            if theirs.status_code == 404:
                assert about[0] == about[1], (method, path)
            assert theirs.text.count(run.id) <= 1 and "Right 9 times" not in theirs.text
    assert ana.runs.get(run.id).status == "done" and ana.data.get("tickets").version == 1
    for query in ({"dataset": "ana/tickets"}, {"dataset": "tickets@1"}, {"status": "done"}):
        assert program.get("/runs", params=query).json()["runs"] == []


def test_a_run_that_is_shared_can_be_looked_at_and_asked_but_not_changed(server, ana, ben, tickets):
    run, program = ana.finished(tickets), ben.program()
    ana.sharing.share("run", run.id, "ben", "viewer")
    shown = program.get(f"/runs/{run.id}").json()
    assert (shown["mine"], shown["dataset"]) == (False, "ana/tickets@1")
    assert program.get(f"/runs/{run.id}/report").is_success
    assert program.post(f"/predict/{run.id}", json={"texts": ["a"]}).is_success
    for method, path in (
        ("POST", "/cancel"),
        ("POST", "/stop"),
        ("POST", "/resume"),
        ("DELETE", ""),
    ):
        assert error_of(program.request(method, f"/runs/{run.id}{path}"), 403)["code"] == "access"
    assert program.post(f"/runs/{run.id}/bundle", json={}).status_code == 404  # it needs the data
    assert program.get("/datasets/ana/tickets").status_code == 404


def test_a_token_for_questions_reads_nothing(server, ana, tickets):
    run, program = ana.finished(tickets), ana.program("predict")
    assert program.post(f"/predict/{run.id}", json={"texts": ["a"]}).is_success
    for path in (f"/runs/{run.id}", "/runs", "/datasets", f"/runs/{run.id}/report", "/people"):
        assert program.get(path).status_code == 403
    assert program.get("/me").json()["scopes"] == ["predict"]


def test_a_token_for_data_adds_data_and_starts_nothing_else(ana, tickets):
    program = ana.program("datasets:write")
    made = program.post("/datasets", json={"source": "sample:digits", "name": "d"})
    assert made.status_code == 202
    assert program.get(f"/runs/{made.json()['run_id']}").status_code == 403
    assert (
        program.post("/runs", json={"dataset": "tickets", "recipe": "baseline"}).status_code == 403
    )


def test_tokens_that_do_not_hold(server, ana):
    good = ana.token()
    assert server.client(good).get("/me").json()["handle"] == "ana"
    for wrong in ("gst_wrong", "", good[:-1], good + "x", f"{good} {good}", "\x7f"):
        assert server.client(wrong or " ").get("/me").status_code == 401, wrong
    assert server.client().get("/me").status_code == 401
    basic = TestClient(
        server.app, base_url=f"{URL}/api/v1", headers={"authorization": f"Basic {good}"}
    )
    assert basic.get("/me").status_code == 401
    for path in ("/openapi.json", "/docs", "/redoc", "/no", "/datasets", "/../v1/me"):
        assert server.client("wrong").get(path).status_code in (400, 401)


def test_a_token_ends_when_it_expires_is_revoked_or_its_person_is_disabled(server, ana):
    tokens_of = Tokens(server.engine, ana.who)
    kept = server.client(ana.token())
    revoked = server.client(ana.token())
    tokens_of.revoke(tokens_of.list()[0].id)
    assert (kept.get("/me").status_code, revoked.get("/me").status_code) == (200, 401)
    with server.engine.begin() as connection:
        connection.execute(update(tokens).values(expires=1.0))
    assert kept.get("/me").status_code == 401
    again = server.client(ana.token())
    assert again.get("/me").status_code == 200
    server.member("root", role=ADMIN)
    Administration(server.engine, Principal("root", role=ADMIN)).disable(ana.who.id)
    assert again.get("/me").status_code == 401


def test_a_role_is_not_that_of_when_the_token_was_made(server, ana, tickets):
    program = ana.program()
    server.member("ana", role="viewer")
    answer = program.post("/runs", json={"dataset": "tickets", "recipe": "baseline"})
    assert "viewer" in error_of(answer, 403)["why"]
    assert program.get("/me").json()["role"] == "viewer"


def test_who_is_here(server, ana, ben):
    gone = server.member("cleo")
    server.member("root", role=ADMIN)
    Administration(server.engine, Principal("root", role=ADMIN)).disable(gone.who.id)
    found = ana.program().get("/people").json()["people"]
    assert found == [{"handle": name, "name": name.title()} for name in ("ana", "ben", "root")]
    me = ana.program("runs:read", "predict").get("/me").json()
    assert me == {
        "handle": "ana",
        "name": "Ana",
        "role": "member",
        "scopes": ["predict", "runs:read"],
        "version": __version__,
    }


def test_requests_are_counted_by_token(server, ana):
    slow = Server(replace(server.settings, api_per_minute="3"), server.engine)
    first, second = slow.client(ana.token()), slow.client(ana.token())
    assert [first.get("/me").status_code for _ in range(3)] == [200] * 3
    refused = first.get("/me")
    assert error_of(refused, 429)["code"] == "busy"
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert first.get("/no such").status_code == 429
    assert second.get("/me").status_code == 200


def test_one_token_has_one_bucket_however_it_is_written(server, ana):
    slow = Server(replace(server.settings, api_per_minute="3"), server.engine)
    token = ana.token()
    ways = [
        [("authorization", f"Bearer {token}")],
        [("authorization", f"bEARER   {token} ")],
        [("authorization", f"BEARER {token}\t")],
        [("authorization", "Bearer other"), ("authorization", f"Bearer {token}")],
    ]
    client = slow.client()
    found = [client.get("/me", headers=headers).status_code for headers in ways * 2]
    assert found == [200] * 3 + [429] * 5


def test_a_bucket_fills_up_again():
    now = 0.0
    buckets = Buckets(60, lambda: now)
    assert [buckets.wait("a") for _ in range(60)] == [0.0] * 60
    assert buckets.wait("a") == pytest.approx(1.0)
    assert buckets.wait("b") == 0.0
    now = 0.5
    assert buckets.wait("a") == pytest.approx(0.5)
    now = 2.0
    assert (buckets.wait("a"), buckets.wait("a")) == (0.0, 0.0)
    assert buckets.wait("a") == pytest.approx(1.0)
    now = 10_000.0
    assert [buckets.wait("a") for _ in range(61)][59:] == [0.0, pytest.approx(1.0)]
    for number in range(25_000):
        now += 0.01
        buckets.wait(f"key {number}")
    assert len(buckets._left) <= 10_001
    assert [Buckets(None).wait("a") for _ in range(1000)] == [0.0] * 1000


def test_nobody_gets_in_past_the_gate(server):
    """Mounted without it, everything is refused."""
    bare = TestClient(server.api)
    for method, path, _ in operations(server):
        answer = ask(bare, method, path, "0123456789", "tickets")
        assert error_of(answer, 401)["code"] == "sign_in", path
    assert bare.get("/openapi.json").status_code == 401


def test_it_is_built_by_the_first_request(server, ana):
    """As the server of the pages mounts it."""
    lazy = Lazy("tl_core.web.api.app:build", server.settings, server.engine)
    inner = Starlette(routes=[Mount("/api/v1", app=lazy)])
    identity = Identity(server.settings, server.engine, lambda _cookies: None)
    gate = Gate(inner, identity, server.settings, lambda *_: True)
    headers = {"authorization": f"Bearer {ana.token()}"}
    client = TestClient(gate, base_url=URL, headers=headers)
    assert client.get("/api/v1/me").json()["handle"] == "ana"
    assert client.get("/api/v1/openapi.json").json()["servers"] == [{"url": "/api/v1"}]
    assert client.get("/api/v1").status_code in (307, 401, 404)
    assert client.get("/api/v1/").status_code == 404


def test_a_computer_without_sign_in_needs_no_token(home):
    settings = Settings(home=str(home), **{**SETTINGS, "sign_in": "", "url": ""})
    server = Server(settings, open_database(settings))
    client = server.client()
    client.base_url = "http://localhost:8501/api/v1"
    me = client.get("/me").json()
    assert (me["handle"], me["scopes"]) == ("local", None)
    assert client.get("/datasets").json() == {"datasets": []}


def test_answers_name_the_version_and_are_kept_nowhere(server, ana):
    for path, status in (("/me", 200), ("/runs/no", 404), ("/no", 404), ("/runs?limit=x", 422)):
        answer = ana.program().get(path)
        assert answer.status_code == status
        assert answer.headers["graft-version"] == __version__
        assert answer.headers["cache-control"] == "private, no-store"


def test_addresses_and_methods_that_there_are_not(ana):
    program = ana.program()
    assert error_of(program.get("/no/such"), 404)["what"] == "There is no such address."
    error = error_of(program.put("/runs", json={}), 405)
    assert error["what"] == "This address takes no PUT."
    for odd in ("/runs/%00", "/runs?kind=%00", "/datasets/a%00b"):
        assert program.get(odd).status_code == 400


def test_an_accident_is_told_without_its_secrets(server, ana, monkeypatch):
    def broken(*_given, **_named):
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("tl_core.registry.runs.RunStore.page", broken)
    quiet = TestClient(
        server.app,
        base_url=f"{URL}/api/v1",
        headers={"authorization": f"Bearer {ana.token()}"},
        raise_server_exceptions=False,
    )
    answer = quiet.get("/runs")
    error = error_of(answer, 500)
    assert error["code"] == "unexpected" and "log id" in error["why"]
    assert "swordfish" not in answer.text and "Traceback" not in answer.text


def test_a_database_that_is_away_is_said_and_is_no_accident(server, ana, monkeypatch):
    def away(*_given, **_named):
        raise OperationalError("SELECT secret", {}, Exception("server closed the connection"))

    monkeypatch.setattr("tl_core.registry.runs.RunStore.page", away)
    answer = TestClient(
        server.app,
        base_url=f"{URL}/api/v1",
        headers={"authorization": f"Bearer {ana.token()}"},
    ).get("/runs")
    assert error_of(answer, 503)["code"] == "database" and "secret" not in answer.text
