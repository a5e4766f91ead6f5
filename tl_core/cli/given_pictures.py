"""A picture on the command line: the path of its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.preparation import Preparation
from tl_core.errors import NotFoundError

if TYPE_CHECKING:
    from tl_core.predict.one_item import ModelInput


class GivenPicture:
    """The file at a path; a title beside it means nothing."""

    def prepared(self, item: str, title: str | None, preparation: Preparation) -> ModelInput:
        """The picture of the file.

        Raises:
            NotFoundError: when there is no such file.
        """
        from tl_core.predict.picture_files import Picture, read_picture

        del title
        path = Path(item)
        if not path.is_file():
            raise NotFoundError(f"There is no picture {item!r}.", "", "Check the spelling.")
        return read_picture(Picture(path.name, path), preparation)


GIVEN_PICTURE = GivenPicture()
