"""What is shipped to run the studio: Dockerfile, compose file, proxy, settings. They are read here,
without a Docker engine; the proxy runs in tests/web/test_replicas.py.
"""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tl_core.jobs.sandbox import OF_A_DISPATCHER, has_local_database
from tl_core.settings import Settings

ROOT = Path(__file__).parents[2]
SETTINGS = {spec.metadata["env"]: spec.metadata for spec in Settings.__dataclass_fields__.values()}
SECRETS = {name for name, about in SETTINGS.items() if about["secret"]}
APPS = ("app-1", "app-2")


@pytest.fixture(scope="module")
def docker():
    return (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_dockerfile_is_sound(docker):
    linted = subprocess.run(
        [Path(sys.executable).parent / "hadolint", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr
    pinned = re.search(r"psycopg\[binary\]==([\d.]+)", docker)[1]
    assert f"psycopg=={pinned}\n" in (ROOT / "requirements-dev.txt").read_text()
    order = ("RUN useradd", "USER 10001", 'CMD ["python", "-m", "pages.shell.launch"')
    places = [docker.index(text) for text in order]
    assert places == sorted(places)
    assert "HEALTHCHECK" in docker and "/api/ready" in docker
    for source in re.findall(r"^COPY (?!--from)(\S+) ", docker, re.MULTILINE):
        assert (ROOT / source).exists()


def test_the_image_can_copy_the_database_of_the_compose_file(docker, compose):
    server = compose["services"]["database"]["image"].partition(":")[2]
    assert f"postgresql-client-{server}" in docker.partition("USER 10001")[0]


def test_the_image_for_one_bundle_is_sound(docker, compose):
    stage = docker.split("FROM base AS serve")[1].split("FROM base")[0]
    after = stage.split("HEALTHCHECK")[1].split("STOPSIGNAL")[1]
    command = json.loads(re.search(r"^CMD (\[.*\])", after, re.MULTILINE)[1])
    assert command[:5] == ["python", "-m", "tl_core", "serve", "/bundle"] and "/health" in stage
    plain = docker.rstrip().split("FROM ")[-1]
    assert plain.startswith("base\n")  # the pages are what a plain build gives
    serve = compose["services"]["serve"]
    assert serve["build"]["target"] == "serve" and serve["volumes"] == [
        "./bundle:/bundle:ro",
        "served:/served",
    ]
    assert int(serve["stop_grace_period"].removesuffix("s")) > 30  # longer than the server drains


def test_secrets_stay_out_of_image_and_repository():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", "deploy"} <= set(ignored)
    assert {".env", "deploy/*.env"} <= set((ROOT / ".gitignore").read_text().splitlines())


def test_everything_that_is_started_may_write_to_its_volumes_alone(compose):
    services = compose["services"]
    for name in (*APPS, "dispatcher", "proxy", "serve"):
        assert services[name]["read_only"] and services[name]["tmpfs"] == ["/tmp"], name
    for name in (*APPS, "dispatcher", "proxy"):
        assert services[name]["cap_drop"] == ["ALL"], name
        assert services[name]["security_opt"] == ["no-new-privileges:true"], name
    mounts = [one for service in services.values() for one in service.get("volumes", [])]
    named = {mount.split(":")[0] for mount in mounts}
    assert named == {*compose["volumes"], "./bundle", "./deploy/nginx.conf"}
    assert all((ROOT / name).exists() for name in named if "nginx" in name)


def test_only_this_machine_reaches_what_is_published(compose):
    published = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}
    assert set(published) == {"proxy", "serve"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_replicas_are_alike_and_share_one_secret(compose):
    one, two = (dict(compose["services"][name]) for name in APPS)
    assert one.pop("networks") != two.pop("networks")
    assert one == two
    environment = one["environment"]
    assert environment["TL_COOKIE_SECRET"].startswith("${TL_COOKIE_SECRET:?")
    assert environment["TL_SIGN_IN"] == "${TL_SIGN_IN:-accounts}"
    assert environment["TL_DISPATCHER"] == "external"
    for name in (*APPS, "dispatcher"):
        assert set(compose["services"][name]["environment"]) <= set(SETTINGS)


def test_a_dispatcher_knows_no_secret_of_sign_in(compose):
    dispatcher = compose["services"]["dispatcher"]
    assert set(dispatcher["environment"]) & SECRETS <= OF_A_DISPATCHER
    files = [one["path"] for one in dispatcher["env_file"]]
    assert files == ["deploy/settings.env"]
    shared = set(re.findall(r"^#?(TL_\w+)=", example("settings"), re.MULTILINE))
    assert shared and shared <= set(SETTINGS) - SECRETS
    own = set(re.findall(r"^#?(TL_\w+)=", example("secrets"), re.MULTILINE))
    assert own <= set(SETTINGS) and own & SECRETS
    for name in APPS:
        files = [one["path"] for one in compose["services"][name]["env_file"]]
        assert files == ["deploy/settings.env", "deploy/secrets.env"]
    command = ["python", "-m", "tl_core.jobs.dispatch", "--forever"]
    assert dispatcher["command"] == command


def example(name):
    return (ROOT / "deploy" / f"{name}.env.example").read_text()


def test_the_database_is_reached_by_its_socket_alone(compose):
    services = compose["services"]
    assert services["database"]["network_mode"] == "none"
    socket = "socket:/var/run/postgresql"
    for name in (*APPS, "dispatcher"):
        url = services[name]["environment"]["TL_DATABASE_URL"]
        assert socket in services[name]["volumes"] and socket in services["database"]["volumes"]
        assert has_local_database(Settings(database_url=re.sub(r"\$\{.*?\}", "pw", url)))
        assert services[name]["depends_on"]["database"]["condition"] == "service_healthy"
    assert "scram-sha-256" in services["database"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_the_proxy_leads_to_the_replicas_and_is_the_one_that_is_believed(compose):
    services = compose["services"]
    text = (ROOT / "deploy/nginx.conf").read_text()
    assert re.findall(r"server (app-\d:\d+)", text) == [f"{name}:8501" for name in APPS]
    listens = re.search(r"listen (\d+);", text)[1]
    assert services["proxy"]["ports"] == [f"127.0.0.1:8501:{listens}"]
    assert f"127.0.0.1:{listens}/proxy-health" in services["proxy"]["healthcheck"]["test"][-1]
    assert set(services["proxy"]["depends_on"]) == set(APPS)
    network = ipaddress.ip_network(compose["networks"]["default"]["ipam"]["config"][0]["subnet"])
    fixed = {
        name: ipaddress.ip_address(services[name]["networks"]["default"]["ipv4_address"])
        for name in ("proxy", *APPS)
    }
    assert len(set(fixed.values())) == 3 and all(one in network for one in fixed.values())
    believed = services["app-1"]["environment"]["TL_PROXIES"].split(",")
    assert believed == [str(next(network.hosts())), str(fixed["proxy"])]


def test_every_part_says_how_it_is(compose, docker):
    for name in ("proxy", "dispatcher", "database"):
        assert compose["services"][name]["healthcheck"]["test"], name
    assert docker.count("HEALTHCHECK") == 2  # of the pages, and of a bundle
