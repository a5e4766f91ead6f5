"""A recording on the command line: the path of its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.preparation import Preparation
from tl_core.errors import NotFoundError

if TYPE_CHECKING:
    from tl_core.predict.one_item import ModelInput


class GivenSound:
    """The file at a path; a title beside it means nothing."""

    def prepared(self, item: str, title: str | None, preparation: Preparation) -> ModelInput:
        """The recording of the file.

        Raises:
            NotFoundError: when there is no such file.
        """
        from tl_core.predict.sounds.sound_files import read_sound

        del title, preparation
        path = Path(item)
        if not path.is_file():
            raise NotFoundError(f"There is no recording {item!r}.", "", "Check the spelling.")
        return read_sound(path)


GIVEN_SOUND = GivenSound()
