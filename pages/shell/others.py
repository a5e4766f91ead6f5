"""The other people on this server; where nobody signs in there are none."""

from __future__ import annotations

from collections.abc import Mapping

from pages.shell import services
from tl_core.access.people import People, Person
from tl_core.access.principal import ADMIN
from tl_core.registry.run import Run

SIGN_OUT = '<a class="sign-out" href="/sign-out">Sign out</a>'
"""A plain link: Streamlit's own buttons would open the way out in another tab."""
ROLES = {"viewer": "Viewer", "member": "Member", "admin": "Administrator"}
"""What a role is called on the pages."""


def exist() -> bool:
    """Whether people sign in, so that there may be others."""
    return bool(services.settings().sign_in)


def everybody() -> Mapping[str, Person]:
    """All people by id, ordered by handle; nobody where nobody signs in."""
    if not exist():
        return {}
    people = People(services.database(), services.settings()).list()
    return {person.id: person for person in people}


def called(person: Person) -> str:
    """Name and handle, for choosers and lists."""
    return f"{person.name} ({person.handle})" if person.name != person.handle else person.handle


def name_of(person_id: str) -> str:
    """The name of a person; the id of somebody who has gone."""
    found = everybody().get(person_id)
    return found.name if found else person_id


def handle_of(person_id: str) -> str:
    """The handle of a person; the id of somebody who has gone."""
    found = everybody().get(person_id)
    return found.handle if found else person_id


def administers() -> bool:
    """Whether the acting person looks after others here."""
    return exist() and services.principal().role == ADMIN


def starters(runs: list[Run]) -> Mapping[str, str]:
    """Who started each of these runs, by run; nothing where all were started by whoever looks."""
    me = services.user()
    if not exist() or all(run.owner == me for run in runs):
        return {}
    names = {person.id: person.name for person in everybody().values()}
    return {run.id: names.get(run.owner, run.owner) for run in runs}
