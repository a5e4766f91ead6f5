"""Who acts, and who else is here."""

from __future__ import annotations

from fastapi import APIRouter

from tl_core import __version__
from tl_core.access.people import People
from tl_core.web.api.acting import Who, needs
from tl_core.web.api.schemas import Everybody, Me, PersonFacts

router = APIRouter(tags=["people"])


@router.get("/me", **needs())
def show_me(acting: Who) -> Me:
    """Whom a token acts for, and what it may do."""
    who = acting.principal
    return Me(
        handle=who.handle,
        name=who.name,
        role=who.role,
        scopes=None if who.scopes is None else sorted(who.scopes),
        version=__version__,
    )


@router.get("/people", **needs("datasets:read"))
def list_people(acting: Who) -> Everybody:
    """Handles and names: `ana/tickets` is what Ana calls `tickets`."""
    known = People(acting.engine, acting.settings).list()
    return Everybody(
        people=[PersonFacts(handle=one.handle, name=one.name) for one in known if not one.disabled]
    )
