"""People on a server with sign-in, one of whom opens the pages. Ana owns what a `Studio` makes."""

from __future__ import annotations

import time
from dataclasses import replace

from sqlalchemy import insert

from tl_core.access.people import People
from tl_core.access.sharing import Sharing
from tl_core.database.tables import users
from tl_core.errors import NotFoundError, SignInError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore

ANA, BEN, CLEO = "local", "id-ben", "id-cleo"  # an administrator, a member, a viewer
_PEOPLE = (
    (ANA, "ana", "Ana *Lima* :red[x]", "admin"),
    (BEN, "ben", "Ben Okafor", "member"),
    (CLEO, "cleo", "Cleo Sato", "viewer"),
)


class Team:
    """Three people; `be` says who acts on the pages from now on."""

    def __init__(self, studio, monkeypatch, sign_in="oidc"):
        self._patch = monkeypatch
        monkeypatch.setenv("TL_SIGN_IN", sign_in)
        monkeypatch.setenv("TL_URL", "https://graft.example.org")
        self.engine = studio.engine
        self.settings = replace(studio.settings, sign_in=sign_in)
        self.people = People(studio.engine, self.settings)
        with studio.engine.begin() as connection:
            for person, handle, name, role in _PEOPLE:
                about = {"id": person, "handle": handle, "name": name, "role": role}
                about |= {"issuer": "https://idp", "subject": handle, "created": time.time()}
                about |= {"email": f"{handle}@example.org", "seen": time.time()}
                connection.execute(insert(users).values(**about))
        self.be(ANA)

    def who(self, person):
        return self.people.get(person).principal()

    def be(self, person):
        """Let this person act on the pages, as the database knows them at each click."""
        from pages.shell import services

        def principal():
            try:
                return self.who(person)
            except NotFoundError as error:
                raise SignInError("Your session is over.", "", "Sign in again.") from error

        self._patch.setattr(services, "principal", principal)

    def sharing(self, person=ANA):
        return Sharing(self.engine, self.who(person))

    def datasets(self, person):
        return DatasetStore(self.engine, self.who(person), self.settings.home_path)

    def runs(self, person):
        return RunStore(self.engine, self.who(person), self.settings.home_path)
