"""Settings that are kept under a name: one's own, and those that others have shared."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, insert, or_, select, update
from sqlalchemy import delete as sql_delete

from tl_core.config import SETTINGS
from tl_core.database.tables import presets
from tl_core.errors import ConfigError, NotFoundError, StateError, nearest

_LONGEST_NAME = 60


@dataclass(frozen=True)
class Preset:
    """Settings of a recipe under a name; `shared` ones can be taken by everybody."""

    id: str
    owner: str
    name: str
    recipe: str
    options: dict[str, object]
    shared: bool
    created: float


class PresetStore:
    """The acting user's presets."""

    def __init__(self, engine: Engine, user: str) -> None:
        self._engine, self._user = engine, user

    def keep(
        self, name: str, recipe: str, options: Mapping[str, object], *, shared: bool = False
    ) -> Preset:
        """Keep settings; the same name again replaces one's own of that name.

        Raises:
            ConfigError: when the recipe does not take these settings.
            StateError: when the name is empty or too long.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= _LONGEST_NAME:
            raise StateError(
                "A preset needs a name.", f"One of at most {_LONGEST_NAME} characters.", "Type one."
            )
        if recipe not in SETTINGS:
            raise ConfigError(f"There is no recipe {recipe!r}.", "", nearest(recipe, SETTINGS))
        SETTINGS[recipe].from_dict(dict(options))
        values = {
            "recipe": recipe,
            "options": dict(options),
            "shared": shared,
            "created": time.time(),
        }
        own = (presets.c.owner == self._user, presets.c.name == name)
        with self._engine.begin() as connection:
            if not connection.execute(update(presets).where(*own).values(**values)).rowcount:
                connection.execute(
                    insert(presets).values(
                        id=secrets.token_hex(5), owner=self._user, name=name, **values
                    )
                )
        return next(one for one in self.list() if one.owner == self._user and one.name == name)

    def list(self) -> list[Preset]:
        """One's own and the shared ones of others, by name."""
        visible = or_(presets.c.owner == self._user, presets.c.shared)
        query = select(presets).where(visible).order_by(presets.c.name, presets.c.owner)
        with self._engine.connect() as connection:
            return [Preset(**row._mapping) for row in connection.execute(query).all()]

    def delete(self, preset_id: str) -> None:
        """Forget one of one's own.

        Raises:
            NotFoundError: when the acting user has no such preset.
        """
        with self._engine.begin() as connection:
            own = (presets.c.id == preset_id, presets.c.owner == self._user)
            if not connection.execute(sql_delete(presets).where(*own)).rowcount:
                raise NotFoundError(f"There is no preset {preset_id!r} of yours.")
