"""Commands about recipes: their names and their settings."""

from __future__ import annotations

import click

from tl_core.cli.output import Output
from tl_core.cli.parsing import Group
from tl_core.config import describe_settings
from tl_core.errors import NotFoundError, nearest

recipes = Group("recipes", help="Recipes: list, show.")


@recipes.command("list")
@click.pass_obj
def list_recipes(output: Output) -> int:
    """All recipes."""
    from tl_core.recipes import RECIPES

    return output.show(
        {"recipes": [{"name": name, "text": text} for name, text in RECIPES.items()]},
        [f"{name:10} {text}" for name, text in RECIPES.items()],
    )


@recipes.command("show")
@click.argument("recipe", help="name of the recipe")
@click.pass_obj
def show(output: Output, recipe: str) -> int:
    """The settings of one recipe."""
    from tl_core.recipes import RECIPES

    if recipe not in RECIPES:
        raise NotFoundError(f"There is no recipe {recipe!r}.", "", nearest(recipe, RECIPES))
    settings = describe_settings(recipe)
    return output.show(
        {"recipe": recipe, "text": RECIPES[recipe], "settings": settings},
        [
            RECIPES[recipe],
            *(f"  {one['name']} = {one['default']}: {one['help']}" for one in settings),
        ],
    )
