"""Two models behind one path: a share of the requests is answered by the second, and by the first
beside it, so that both have answered the same items.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from pathlib import Path

from fastapi import HTTPException
from filelock import Timeout

from tl_core.data.label_sets import as_cell
from tl_core.json_files import find_object
from tl_core.predict.one_item import ModelInput
from tl_core.predict.serving.contract import Answers
from tl_core.predict.serving.service import Served, Service, Serving
from tl_core.watch.pairs import Pairs, Rivals

log = logging.getLogger(__name__)
MODEL, REQUEST = "X-Graft-Model", "X-Graft-Request"


@dataclass(frozen=True)
class Said:
    """Answers, and the headers that say whose they are."""

    answers: Answers
    headers: dict[str, str]


class Canary:
    """A second model beside a first one.

    Args:
        serving: where notes are kept.
        served: the two bundles and the share.
        service: of the second.
    """

    def __init__(self, serving: Serving, served: Served, service: Service) -> None:
        self.service, self._share = service, served.share
        graft = find_object(Path(served.folder) / "graft.json")
        rivals = Rivals(
            served.name,
            called(Path(served.folder)),
            called(Path(served.canary)),
            served.share,
            str(graft.get("run", "")),
            str(graft.get("dataset", "")),
        )
        self.pairs = Pairs.begun(Path(serving.kept), rivals)

    @property
    def turn(self) -> bool:
        """Whether the next request is the second one's; by lot."""
        return random.random() < self._share

    async def answers(self, first: Service, items: list[ModelInput]) -> Said:
        """What the second one says, compared with the first; the first one's answer where the
        second has none.
        """
        ours, theirs = await asyncio.gather(
            first.answers(items), self.service.answers(items), return_exceptions=True
        )
        if isinstance(ours, BaseException):
            raise ours
        if isinstance(theirs, BaseException):
            if not isinstance(theirs, HTTPException):
                raise theirs
            await self.note_failure()
            return Said(ours, {MODEL: "first"})
        request = await asyncio.to_thread(self._note, ours, theirs)
        return Said(theirs, {MODEL: "canary", **({REQUEST: request} if request else {})})

    async def note_failure(self) -> None:
        """The second one had no answer."""
        try:
            await asyncio.to_thread(self.pairs.note_failure)
        except (OSError, Timeout) as error:
            log.warning("a failure of the canary could not be noted: %s", error)

    def _note(self, ours: Answers, theirs: Answers) -> str:
        try:
            return self.pairs.note(_said(ours), _said(theirs))
        except (OSError, Timeout) as error:
            log.warning("two answers could not be noted: %s", error)
            return ""


def called(bundle: Path) -> str:
    """A bundle by its name and weights, which tell it from others of that name."""
    weights = str(find_object(bundle / "graft.json").get("weights_sha256", ""))
    return f"{bundle.name} ({weights[:8]})" if weights else bundle.name


def _said(answers: Answers) -> list[str]:
    """Each answer as a text; of several labels as a cell of a table holds them."""
    return [
        as_cell(sorted(one.labels)) if one.labels is not None else one.label or ""
        for one in answers.answers
    ]
