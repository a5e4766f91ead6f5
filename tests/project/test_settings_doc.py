"""docs/SETTINGS.md is the settings' own words, and ARCHITECTURE.md names every family whose layers
are known.

`TL_TEST_WRITE_DOCS=1 python -m pytest tests/project/test_settings_doc.py` writes the file anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from tl_core.config import STRATEGIES, describe_settings
from tl_core.modalities import items_of
from tl_core.recipes import RECIPES
from tl_core.surgery.architectures import LAYOUTS

ROOT = Path(__file__).parents[2]


def render() -> str:
    lines = [
        "# Settings",
        "",
        (
            "Every setting of every recipe, in the words of form and command line "
            "(`python -m tl_core recipes show RECIPE`). Set them with `--set key=value`."
        ),
        "",
        "## Strategies",
        "",
        (
            "A strategy is a recipe with some settings changed; `--recipe finetune --set"
            " strategy=lora` begins with those of its card, and every other setting can be set"
            " beside it."
        ),
        "",
        "| strategy | recipe | begins with | when to choose it |",
        "|---|---|---|---|",
    ]
    for name, strategy in STRATEGIES.items():
        begins = (
            ", ".join(f"{key} = {_shown(value)}" for key, value in strategy.values.items())
            or "the defaults"
        )
        lines.append(f"| `{name}` | `{strategy.recipe}` | {begins} | {strategy.when} |")
    for recipe, text in RECIPES.items():
        lines += [
            "",
            f"## `{recipe}`",
            "",
            text,
            "",
            "| setting | default | range | what it does |",
            "|---|---|---|---|",
        ]
        for one in describe_settings(recipe):
            bounds = (
                " or ".join(one["choices"])
                or ", ".join(one["items"])
                or (f"{one['low']:g} to {one['high']:g}" if one["low"] is not None else "")
            )
            names = " and ".join(items_of(name) for name in one["only"].split())
            only = f" ({names} only)" if names else ""
            lines.append(
                f"| `{one['name']}` | {_shown(one['default'])} | {bounds} | {one['help']}{only} |"
            )
    return "\n".join(lines) + "\n"


def _shown(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_setting_is_in_the_docs_with_its_own_words():
    path = ROOT / "docs" / "SETTINGS.md"
    if os.environ.get("TL_TEST_WRITE_DOCS"):
        path.write_text(render())
    assert path.read_text() == render()


def test_every_known_family_is_in_the_table_of_layers():
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    table = text.split("## The layers of each family")[1].split("\n## ")[0]
    for family in LAYOUTS:
        assert f"`{family}`" in table, family
