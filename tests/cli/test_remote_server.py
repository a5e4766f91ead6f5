"""The command line and servers that do not answer as they should, or are not asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from tests_support.serving import serving_here
from tests_support.studio import free_port

from tl_core.cli.choosing_workplace import ON_A_SERVER, ON_FILES
from tl_core.cli.main import command_line, main
from tl_core.cli.remote.server_client import ServerClient
from tl_core.settings import Settings

ROOT = Path(__file__).parents[2]


def test_every_command_works_there_or_says_that_it_does_not(server, call):
    for name, command in command_line.commands.items():
        for action in getattr(command, "commands", {"": None}):
            words = f"{name} {action}".split()
            if " ".join(words) in ON_A_SERVER | ON_FILES:
                continue
            error = call(*words, code=2)["error"]
            assert error["what"] == f"'{' '.join(words)}' does not work with a server."
            assert main([*words, "--help"]) == 0
    known = {
        f"{name} {action}".strip()
        for name, command in command_line.commands.items()
        for action in getattr(command, "commands", {"": None})
    }
    assert known >= ON_A_SERVER | ON_FILES


def test_the_token_has_to_hold(server, call, monkeypatch):
    monkeypatch.setenv("TL_TOKEN", "gst_wrong")
    error = call("runs", "list", code=2)["error"]
    assert error["code"] == "sign_in" and "expired" in error["why"]
    monkeypatch.delenv("TL_TOKEN")
    assert call("runs", "list", code=2)["error"]["why"] == "TL_TOKEN is not set."
    monkeypatch.setenv("TL_TOKEN", server.ana.token("datasets:read"))
    error = call("runs", "list", code=2)["error"]
    assert error["code"] == "access" and "'runs:read'" in error["why"]


def test_a_token_stands_in_no_output(server, capsys, monkeypatch):
    monkeypatch.setenv("TL_TOKEN", "gst_verysecret")
    for arguments in (["runs", "list"], ["data", "list", "--json"]):
        main(arguments)
    printed = capsys.readouterr()
    assert "verysecret" not in printed.out + printed.err


def test_a_server_that_is_not_there(server, call, monkeypatch):
    monkeypatch.setenv("TL_SERVER", f"http://127.0.0.1:{free_port()}")
    error = call("runs", "list", code=2)["error"]
    assert error["code"] == "state" and "cannot be reached" in error["what"]


@pytest.mark.parametrize(
    "address",
    ["graft.example.org", "ftp://x", "https://", "https://x/path", "https://a:b@x", "no address"],
)
def test_an_address_that_is_none(server, call, monkeypatch, address):
    monkeypatch.setenv("TL_SERVER", address)
    error = call("runs", "list", code=2)["error"]
    assert error["code"] == "config" and address in error["what"]


def test_the_address_may_end_like_that_of_the_api(server, call, monkeypatch):
    for ending in ("/", "/api/v1", "/api/v1/"):
        monkeypatch.setenv("TL_SERVER", server.address + ending)
        assert call("runs", "list") == []


def test_a_token_in_the_clear_is_warned_about(caplog):
    for address, warned in (("https://x", False), ("http://localhost", False), ("http://x", True)):
        ServerClient(Settings(server=address)).close()
        assert ("sees the token" in caplog.text) == warned


ODD = {
    "something else": (HTMLResponse("<p>Hello</p>"), "There is no Graft Studio"),
    "json of something else": (JSONResponse({"runs": []}), "There is no Graft Studio"),
    "nothing there": (Response("no", 404), "There is no Graft Studio"),
    "moved": (RedirectResponse("https://new.example.org"), "sends to another address"),
    "down": (HTMLResponse("Bad Gateway", 502), "cannot answer just now"),
    "newer": (
        JSONResponse({"runs": []}, headers={"graft-version": "99.0.1"}),
        "The server has version 99.0.1",
    ),
    "newer and refusing": (
        JSONResponse({"error": {"what": "x"}}, 404, headers={"graft-version": "99.0.1"}),
        "The server has version 99.0.1",
    ),
    "a gate": (JSONResponse({"error": {"what": "Too large."}}, 413), "Too large."),
}


@pytest.mark.parametrize("kind", ODD)
def test_another_server_is_told_from_ours(call, monkeypatch, kind):
    answer, words = ODD[kind]
    app = Starlette(routes=[Route("/{path:path}", lambda _request: answer)])
    with serving_here(app) as address:
        monkeypatch.setenv("TL_SERVER", address)
        assert words in call("runs", "list", code=2)["error"]["what"]


def test_too_many_requests_are_waited_for():
    asked, slept = [], []

    def answer(_request):
        asked.append(1)
        if len(asked) < 3:
            return JSONResponse({"error": {"what": "No."}}, 429, {"retry-after": "7"})
        return JSONResponse({"runs": []}, headers={"graft-version": "0.1.0"})

    app = Starlette(routes=[Route("/{path:path}", answer)])
    with serving_here(app) as address:
        client = ServerClient(Settings(server=address), slept.append)
        assert client.get("/runs") == {"runs": []}
        client.close()
    assert slept == [7.0, 7.0]


def test_a_broken_download_leaves_no_file(tmp_path):
    async def half(scope, receive, send):
        headers = [(b"content-length", b"1000"), (b"graft-version", b"0.1.0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
        raise RuntimeError("the cable")

    with serving_here(half) as address:
        client = ServerClient(Settings(server=address))
        with pytest.raises(Exception, match="cannot be reached"):
            client.fetch("/file", tmp_path / "file", lambda done, total: None)
        client.close()
    assert list(tmp_path.glob("file*")) == []


@pytest.mark.parametrize(
    "arguments", [["runs", "list"], ["report", "x"], ["predict", "x", "y", "-o", "z"]]
)
def test_it_imports_nothing_heavy(arguments, home, monkeypatch):
    monkeypatch.setenv("TL_SERVER", f"http://127.0.0.1:{free_port()}")
    code = (
        f"import sys; from tl_core.cli import main; assert main({arguments!r}) == 2\n"
        "heavy = {'torch', 'transformers', 'datasets', 'sklearn', 'pandas', 'fastapi'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
