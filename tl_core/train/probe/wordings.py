"""Words that describe classes: a template around each name, and what people have written for single
ones.
"""

from __future__ import annotations

from tl_core.errors import ConfigError, nearest
from tl_core.modalities import modality_of


def wordings_of(
    names: list[str], modality: str, template: str, prompts: tuple[str, ...]
) -> list[list[str]]:
    """One or more descriptions of each class, in the order of `names`.

    Args:
        names: of the classes; underscores count as blanks.
        modality: of the items, for the usual template.
        template: words with {} for the name; empty takes the usual one.
        prompts: lines `class = words | other words`.

    Raises:
        ConfigError: for a class that does not exist.
    """
    around = template or modality_of(modality).template
    own: dict[str, list[str]] = {}
    for line in prompts:
        name, _, words = line.partition("=")
        if name.strip() not in names:
            raise ConfigError(
                f"There is no class {name.strip()!r} to describe.", "", nearest(name.strip(), names)
            )
        own[name.strip()] = [part.strip() for part in words.split("|") if part.strip()]
    return [own.get(name) or [around.replace("{}", name.replace("_", " "))] for name in names]
