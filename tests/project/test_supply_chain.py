"""What is shipped is listed with version and licence, and an audit never passes in silence."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pins():
    """Every line of the lock that holds on this platform, read without the code of `deploy`."""
    found = {}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(\[[^]]*\])?==([^\s;]+)", line):
            wanted = Requirement(line.strip())
            if wanted.marker is None or wanted.marker.evaluate():
                found[match[1].lower().replace("_", "-").replace(".", "-")] = match[3]
    return found


@pytest.fixture(scope="module")
def bill(tmp_path_factory):
    target = tmp_path_factory.mktemp("sbom") / "sbom.json"
    subprocess.run([sys.executable, "deploy/sbom.py", str(target)], cwd=ROOT, check=True)
    return target.read_text()


def test_the_bill_of_materials_is_valid(bill):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_every_locked_package_is_listed_with_version_and_licence(bill, pins):
    listed = {one["name"]: one for one in json.loads(bill)["components"]}
    assert len(pins) > 100 and set(pins) <= set(listed)
    assert set(listed) - set(pins) == {"psycopg", "psycopg-binary"}  # of the image alone
    for name, version in pins.items():
        one = listed[name]
        assert one["version"] == version == distribution(name).version
        assert one["purl"] == f"pkg:pypi/{name}@{version}"
        (licence,) = one["licenses"]
        words = licence.get("expression") or licence["license"].get("id")
        assert words or licence["license"]["name"].strip() not in ("", "UNKNOWN"), name


def test_what_needs_what_is_told(bill):
    tree = {one["ref"]: one.get("dependsOn", []) for one in json.loads(bill)["dependencies"]}
    alembic = next(ref for ref in tree if ref.startswith("pkg:pypi/alembic@"))
    needed = {ref.partition("@")[0].rpartition("/")[2] for ref in tree[alembic]}
    assert needed == {"mako", "sqlalchemy", "typing-extensions"}


class Service(BaseHTTPRequestHandler):
    """OSV as far as pip-audit asks it; `bad` are the packages with a vulnerability."""

    bad: set[str] = {"pip"}
    broken = False

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = asked["package"]["name"]
        told = {"vulns": [_vulnerability(name)]} if name in self.bad else {}
        body = json.dumps(told).encode()
        self.send_response(500 if self.broken and name != "pip" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def _vulnerability(name):
    events = [{"introduced": "0"}, {"fixed": "99.1"}]
    package = {"name": name, "ecosystem": "PyPI"}
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    return {
        "id": f"PYSEC-{name}",
        "summary": "It can be broken.",
        "affected": [{"package": package, "ranges": ranges}],
        "published": "2026-01-01T00:00:00Z",
        "modified": "2026-01-01T00:00:00Z",
    }


@pytest.fixture
def audit():
    """`audit(bad=..., broken=..., **environment)`: how an audit with such a service ends."""
    servers = []

    def run(*, bad=(), broken=False, known=("pip",), **environment):
        kind = type("Own", (Service,), {"bad": {*known, *bad}, "broken": broken})
        server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        url = f"http://127.0.0.1:{server.server_port}/v1/query"
        return subprocess.run(
            [sys.executable, "deploy/audit.py"],
            cwd=ROOT,
            env={**os.environ, "OSV_URL": url, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    yield run
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_audit_without_findings_says_how_many(audit, pins):
    done = audit()
    assert done.returncode == 0, done.stderr
    assert f"AUDITED: {len(pins) + 2} packages" in done.stdout and "NOT" not in done.stdout


def test_a_vulnerability_fails(audit, pins):
    done = audit(bad=["jinja2", "numpy"])
    assert done.returncode == 1
    assert f"jinja2 {pins['jinja2']}: PYSEC-jinja2, mended in 99.1" in done.stdout
    assert "2 of" in done.stderr


@pytest.mark.parametrize(
    ("required", "code"), [({}, 0), ({"AUDIT": "require"}, 1)], ids=["asked", "required"]
)
@pytest.mark.parametrize("how", ["away", "dumb", "broken"])
def test_an_audit_that_cannot_be_done_says_so(audit, how, required, code):
    given = {"away": {"OSV_URL": "http://127.0.0.1:9/"}, "dumb": {}, "broken": {}}[how]
    done = audit(
        broken=how == "broken", known=() if how == "dumb" else ("pip",), **given, **required
    )
    assert done.returncode == code
    assert "NOT AUDITED" in done.stderr and "AUDITED:" not in done.stdout


def test_ci_makes_both():
    run = (ROOT / ".ci/run").read_text()
    assert re.search(r"^make check test sbom audit$", run, re.MULTILINE)
