"""An item that stands on the command line, as training prepared its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from tl_core.data.preparation import Preparation
from tl_core.modalities import modality_of

if TYPE_CHECKING:
    from tl_core.predict.one_item import ModelInput


class GivenItem(Protocol):
    """What the command line needs to know of a modality."""

    def prepared(self, item: str, title: str | None, preparation: Preparation) -> ModelInput:
        """The item that was meant by `item` (and by `title`, where one was given).

        Raises:
            UserError: when there is none, or it is not what the model reads.
        """
        ...


def given_item(modality: str, item: str, title: str | None, preparation: Preparation) -> ModelInput:
    """An item as a model reads it."""
    part = cast(GivenItem, modality_of(modality).part("cli"))
    return part.prepared(item, title, preparation)
