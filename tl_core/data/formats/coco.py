"""COCO: a list of images, a list of categories, and a list of annotations that connects them."""

from __future__ import annotations

from collections.abc import Iterator

from tl_core.data.formats.annotations import as_label
from tl_core.data.formats.cells import JsonObject, objects
from tl_core.data.tables.reading import Reading, cell

_KEPT = ("id", "width", "height", "date_captured", "license")


def images(content: JsonObject, reading: Reading) -> Iterator[JsonObject] | None:
    """One record an image with the names of its categories; None when it is something else."""
    pictures = objects(content.get("images"))
    if (
        not pictures
        or not isinstance(content.get("annotations"), list)
        or not isinstance(content.get("categories"), list)
    ):
        return None
    if not any("file_name" in image for image in pictures):
        return None
    reading.format = "COCO JSON"
    reading.roles |= {"image": "file_name", "label": "label"}
    return _labelled(
        pictures, objects(content["annotations"]), objects(content["categories"]), reading
    )


def _labelled(
    pictures: list[JsonObject],
    annotations: list[JsonObject],
    categories: list[JsonObject],
    reading: Reading,
) -> Iterator[JsonObject]:
    called = {cell(one.get("id")): cell(one.get("name")) for one in categories}
    labels: dict[str, list[str]] = {}
    for one in annotations:
        number = cell(one.get("category_id"))
        if number:
            labels.setdefault(cell(one.get("image_id")), []).append(called.get(number) or number)
    if any(len(given) > 1 for given in labels.values()):
        reading.note("The class of a picture is the category of the objects marked in it.")
    for image in pictures:
        given = sorted(set(labels.get(cell(image.get("id")), [])))
        yield {
            "file_name": image.get("file_name"),
            "label": as_label(given),
            **{name: image[name] for name in _KEPT if name in image},
        }
