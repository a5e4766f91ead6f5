"""The manifests for Kubernetes: valid by the published schemas (bundled with the package
kubernetes-validate), in agreement with each other, with Dockerfile, compose file and settings. They
are read here; no cluster was asked.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from tests_support.kustomized import built, documents, pods
from tests_support.studio import ROOT

from tl_core.cli.main import command_line
from tl_core.jobs.sandbox import OF_A_DISPATCHER
from tl_core.settings import Settings

HERE = ROOT / "deploy/kubernetes"
VERSION = "1.33"
SETTINGS = {spec.metadata["env"]: spec.metadata for spec in Settings.__dataclass_fields__.values()}
SECRETS = {name for name, about in SETTINGS.items() if about["secret"]}
PLACES = ["base", "overlays/gpu", "overlays/one-node"]


@pytest.fixture(scope="module")
def base():
    return built(HERE / "base")


@pytest.fixture(scope="module")
def docker():
    return (ROOT / "Dockerfile").read_text()


def of_kind(objects, kind):
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def containers(objects):
    return {name: pod["containers"][0] for name, pod in pods(objects).items()}


def test_every_object_is_what_the_published_schema_allows(base):
    seen = {json.dumps(one, sort_keys=True) for one in base}
    everything = [*base]
    for place in PLACES[1:]:
        for one in built(HERE / place):
            if (text := json.dumps(one, sort_keys=True)) not in seen:
                seen.add(text)
                everything.append(one)
    for one in everything:
        kubernetes_validate.validate(one, VERSION, strict=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "replica"), 2),
        (("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"), "8501"),
        (("spec", "template", "spec", "containers", 0, "livenessProbe", "httpGet", "url"), "/"),
    ],
)
def test_the_schemas_find_what_is_wrong(base, path, value):
    wrong = json.loads(json.dumps(of_kind(base, "Deployment")["graft-server"]))
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_every_file_is_part_of_something():
    used = set()
    for path in HERE.rglob("kustomization.yaml"):
        (told,) = documents(path)
        assert told["kind"] == "Kustomization"
        assert told["apiVersion"] == "kustomize.config.k8s.io/v1beta1"
        names = [*told["resources"], *(one["path"] for one in told.get("patches", []))]
        used |= {(path.parent / name).resolve() for name in names}
    files = {path for path in HERE.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert {path.resolve() for path in files} <= used
    assert {place.split("/")[-1] for place in PLACES[1:]} == {
        path.name for path in (HERE / "overlays").iterdir()
    }


@pytest.mark.parametrize("place", PLACES)
def test_who_may_do_little(place):
    for name, pod in pods(built(HERE / place)).items():
        assert pod["automountServiceAccountToken"] is False, name
        about = pod["securityContext"]
        assert about["runAsNonRoot"] and about["runAsUser"] == 10001
        assert about["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            resources = container["resources"]
            assert set(resources["requests"]) == {"cpu", "memory"}
            assert "memory" in resources["limits"] and "livenessProbe" in container
            mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
            assert set(mounts) == {one["name"] for one in pod["volumes"]}
            assert mounts["tmp"] == "/tmp"
        hosts = ("hostNetwork", "hostPID", "hostIPC")
        assert not any(pod.get(one) for one in hosts)
        assert not any("hostPath" in one for one in pod["volumes"])


def test_no_secret_is_in_the_tree_and_every_setting_exists(base):
    assert not of_kind(base, "Secret")
    settings = of_kind(base, "ConfigMap")["graft-settings"]["data"]
    assert set(settings) <= set(SETTINGS) - SECRETS
    for container in containers(base).values():
        for one in container["env"]:
            assert one["name"] in SETTINGS
            source = one["valueFrom"]
            assert ("secretKeyRef" in source) == (one["name"] in SECRETS)
            if "configMapKeyRef" in source:
                assert source["configMapKeyRef"] == {
                    "name": "graft-settings",
                    "key": one["name"],
                }
    names = {
        one["name"] for one in containers(base)["graft-dispatcher"]["env"] if one["name"] in SECRETS
    }
    assert names <= OF_A_DISPATCHER  # as in compose: it signs nobody in
    guide = (ROOT / "docs/guide/serving.md").read_text()
    for container in containers(base).values():
        for one in container["env"]:
            if named := one["valueFrom"].get("secretKeyRef"):
                found = re.search(
                    rf"create secret generic {named['name']} .*--from-literal={named['key']}=",
                    guide,
                )
                assert found, named


def test_they_agree_with_the_dockerfile(base, docker):
    used = containers(base)
    port = re.findall(r"^EXPOSE (\d+)", docker, re.MULTILINE)
    assert port == [
        str(used["graft-serving"]["ports"][0]["containerPort"]),
        str(used["graft-server"]["ports"][0]["containerPort"]),
    ]
    assert f"--uid {pods(base)['graft-server']['securityContext']['runAsUser']} " in docker
    health = re.findall(r"127\.0\.0\.1:\d+(/\S+?)'", docker)
    assert used["graft-serving"]["livenessProbe"]["httpGet"]["path"] == health[0]
    assert used["graft-server"]["readinessProbe"]["httpGet"]["path"] == health[1]
    command = json.loads(re.search(r'CMD (\["python", "-m", "tl_core", "serve".*\])', docker)[1])
    serving = used["graft-serving"]
    assert serving["command"][:4] == command[:4]
    assert serving["args"][:4] == command[5:]
    home = re.search(r"TL_HOME=(\S+)", docker)[1]
    for name in ("graft-server", "graft-dispatcher"):
        assert {"name": "state", "mountPath": home} in used[name]["volumeMounts"]
    images = {one["image"].partition(":")[0] for one in used.values()}
    assert images == {"graft-studio", "graft-studio-serve"}
    project = (ROOT / "pyproject.toml").read_text()
    assert {one["image"].partition(":")[2] for one in used.values()} == {
        re.search(r'^version = "(.+)"', project, re.MULTILINE)[1]
    }


def test_they_agree_with_the_compose_file(base):
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    used = containers(base)
    dispatcher = services["dispatcher"]
    assert used["graft-dispatcher"]["command"] == dispatcher["command"]
    probe = used["graft-dispatcher"]["livenessProbe"]["exec"]["command"]
    assert probe[-1] == dispatcher["healthcheck"]["test"][-1]
    settings = of_kind(base, "ConfigMap")["graft-settings"]["data"]
    shared = {"TL_DISPATCHER", "TL_LOG", "TL_SERVED"}
    assert {name: settings[name] for name in shared} == {
        name: dispatcher["environment"][name] for name in shared
    }
    for name, mount in (("graft-serving", "serve"), ("graft-dispatcher", "dispatcher")):
        volumes = dict(one.split(":")[:2] for one in services[mount]["volumes"])
        paths = {one["name"]: one["mountPath"] for one in used[name]["volumeMounts"]}
        assert volumes["served"] == paths["served"] == settings["TL_SERVED"]
    grace = pods(base)["graft-serving"]["terminationGracePeriodSeconds"]
    assert f"{grace}s" == services["serve"]["stop_grace_period"]


def test_options_and_names_lead_somewhere(base):
    known = {name for param in command_line.commands["serve"].params for name in param.opts}
    args = containers(base)["graft-serving"]["args"]
    assert {one for one in args if one.startswith("--")} <= known
    claims = of_kind(base, "PersistentVolumeClaim")
    for name, pod in pods(base).items():
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = pod["containers"][0].get(probe, {}).get("httpGet")
            assert asked is None or asked["port"] == pod["containers"][0]["ports"][0]["name"]
        labels = of_kind(base, "Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert of_kind(base, "NetworkPolicy")[name]["spec"]["podSelector"]["matchLabels"] == labels
        assert of_kind(base, "Deployment")[name]["spec"]["selector"]["matchLabels"] == labels
    for name, service in of_kind(base, "Service").items():
        assert service["spec"]["selector"] == {"app.kubernetes.io/name": name}
    (ingress,) = of_kind(base, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    address = of_kind(base, "ConfigMap")["graft-settings"]["data"]["TL_URL"]
    assert rule["host"] == urlsplit(address).hostname == ingress["spec"]["tls"][0]["hosts"][0]


def test_models_fit_their_pod(base):
    container = containers(base)["graft-serving"]
    limit = container["resources"]["limits"]["memory"]
    models = int(container["args"][container["args"].index("--memory-mb") + 1])
    assert models <= int(limit.removesuffix("Gi")) * 1024 / 2  # the program itself needs some


def test_the_overlays_do_what_they_say():
    gpu = containers(built(HERE / "overlays/gpu"))["graft-dispatcher"]
    assert gpu["resources"]["limits"] == {"memory": "24Gi", "nvidia.com/gpu": "1"}
    small = built(HERE / "overlays/one-node")
    assert {one["spec"]["replicas"] for one in of_kind(small, "Deployment").values()} == {1}
    assert not of_kind(small, "PodDisruptionBudget")
    claims = of_kind(small, "PersistentVolumeClaim").values()
    assert {tuple(one["spec"]["accessModes"]) for one in claims} == {("ReadWriteOnce",)}
    assert all(one["spec"]["resources"]["requests"]["storage"] for one in claims)
