"""A text on the command line: itself, and its title where the model reads one."""

from __future__ import annotations

from tl_core.data.preparation import Preparation
from tl_core.errors import DataError, UserError


class GivenText:
    """The words themselves, joined with a title as in training."""

    def prepared(self, item: str, title: str | None, preparation: Preparation) -> str:
        """The text, put together as in training.

        Raises:
            DataError: when title and text are not what the model was trained on.
            UserError: when nothing is left of the text.
        """
        columns = preparation.columns
        trained = f"It was trained on {' and '.join(map(repr, columns))}" + (
            ", joined by a line break." if preparation.joined else " alone."
        )
        if title is not None and len(columns) not in (0, 2):
            raise DataError(
                "This model reads no title beside a text.", trained, "Leave --title out."
            )
        if preparation.joined and title is None:
            raise DataError(
                "A text alone is not what this model reads.",
                trained,
                f"Give {columns[0]!r} with --title.",
            )
        prepared = preparation.one_text(item if title is None else f"{title}\n{item}")
        if not prepared:
            raise UserError("There is no text to explain.", "", "Give one in quotes.")
        return prepared


GIVEN_TEXT = GivenText()
