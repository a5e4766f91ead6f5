"""What `kustomize build` makes of our folders, as far as we use it: resources, namespace, labels,
images, replicas, and strategic-merge patches.
"""

from __future__ import annotations

import copy

import yaml

KNOWN = {
    "apiVersion",
    "kind",
    "namespace",
    "labels",
    "resources",
    "images",
    "replicas",
    "patches",
}


def documents(path):
    """The objects of a file."""
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def key(one):
    return one["kind"], one["metadata"]["name"], one["metadata"].get("namespace", "")


def pods(objects):
    """Pod templates by the name of what makes them."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in objects
        if one["kind"] == "Deployment"
    }


def built(folder):
    """The objects of a folder with a kustomization.yaml.

    Raises:
        AssertionError: for a field that this reader does not know, or a patch of nothing.
    """
    (told,) = documents(folder / "kustomization.yaml")
    assert set(told) <= KNOWN, set(told) - KNOWN
    objects = []
    for name in told["resources"]:
        path = folder / name
        objects += built(path) if path.is_dir() else documents(path)
    for one in objects:
        if "namespace" in told:
            one["metadata"]["namespace"] = told["namespace"]
        for label in told.get("labels", []):
            assert set(label) == {"pairs"}
            one["metadata"].setdefault("labels", {}).update(label["pairs"])
    for image in told.get("images", []):
        _retag(objects, image)
    for wanted in told.get("replicas", []):
        (found,) = [
            one
            for one in objects
            if one["kind"] == "Deployment" and one["metadata"]["name"] == wanted["name"]
        ]
        found["spec"]["replicas"] = wanted["count"]
    for patch in told.get("patches", []):
        for change in documents(folder / patch["path"]):
            objects = _patched(objects, change)
    return objects


def _retag(objects, image):
    used = [
        container
        for pod in pods(objects).values()
        for container in pod["containers"]
        if container["image"].partition(":")[0] == image["name"]
    ]
    assert used, f"no container has the image {image['name']}"
    for container in used:
        container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"


def _patched(objects, change):
    change = copy.deepcopy(change)
    remove = change.pop("$patch", "") == "delete"
    found = [one for one in objects if key(one) == key(change)]
    assert len(found) == 1, f"a patch of {key(change)}, which is not there"
    if remove:
        return [one for one in objects if one is not found[0]]
    _merge(found[0], change)
    return objects


def _merge(into, change):
    """Mappings are merged, lists of named things by name, all else is replaced."""
    for name, value in change.items():
        old = into.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            _merge(old, value)
        elif isinstance(old, list) and old and isinstance(old[0], dict) and "name" in old[0]:
            known = {one["name"]: one for one in old}
            for one in value:
                if one["name"] in known:
                    _merge(known[one["name"]], one)
                else:
                    old.append(one)
        else:
            into[name] = value
