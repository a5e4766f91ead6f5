"""COCO: a list of images, a list of categories, and a list of annotations that connects them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tl_core.data.formats.answers import as_label
from tl_core.data.formats.cells import objects
from tl_core.data.reading import Reading, cell

_KEPT = ("id", "width", "height", "date_captured", "license")


def images(content: dict[Any, Any], reading: Reading) -> Iterator[dict[str, Any]] | None:
    """One record an image with the names of its categories; None when it is something else."""
    found = objects(content.get("images"))
    if (
        not found
        or not isinstance(content.get("annotations"), list)
        or not isinstance(content.get("categories"), list)
    ):
        return None
    if not any("file_name" in image for image in found):
        return None
    reading.format = "COCO JSON"
    reading.roles |= {"image": "file_name", "label": "label"}
    return _labelled(
        found, objects(content["annotations"]), objects(content["categories"]), reading
    )


def _labelled(
    found: list[dict[str, Any]],
    annotations: list[dict[str, Any]],
    categories: list[dict[str, Any]],
    reading: Reading,
) -> Iterator[dict[str, Any]]:
    called = {cell(one.get("id")): cell(one.get("name")) for one in categories}
    labels: dict[str, list[str]] = {}
    for one in annotations:
        number = cell(one.get("category_id"))
        if number:
            labels.setdefault(cell(one.get("image_id")), []).append(called.get(number) or number)
    if any(len(given) > 1 for given in labels.values()):
        reading.note("The class of a picture is the category of the objects marked in it.")
    for image in found:
        given = sorted(set(labels.get(cell(image.get("id")), [])))
        yield {
            "file_name": image.get("file_name"),
            "label": as_label(given),
            **{name: image[name] for name in _KEPT if name in image},
        }
