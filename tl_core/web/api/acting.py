"""Who acts in a request, with their stores, and which scopes of a token an address needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import Engine
from starlette.requests import Request

from tl_core.access.policy import Policy
from tl_core.access.principal import Principal
from tl_core.config import RunConfig
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.run import Run
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings
from tl_core.web.api.error_answers import REFUSALS

SECURITY = "token"  # what the OpenAPI document calls it


@dataclass(frozen=True)
class Acting:
    """Somebody's stores; these decide what they may see and do."""

    settings: Settings
    engine: Engine
    principal: Principal

    @property
    def runs(self) -> RunStore:
        """Their runs, and what others share."""
        return RunStore(self.engine, self.principal, self.settings.home_path)

    @property
    def datasets(self) -> DatasetStore:
        """Their datasets, and what others share."""
        return DatasetStore(self.engine, self.principal, self.settings.home_path)

    @property
    def policy(self) -> Policy:
        """What they may do."""
        return Policy(self.engine, self.principal)

    def lent(self, *scopes: str) -> Acting:
        """The same person with more scopes, for a step that belongs to what their token permits:
        to ask a model, its run has to be looked up.
        """
        own = self.principal.scopes
        if own is None:
            return self
        return replace(self, principal=replace(self.principal, scopes=own | set(scopes)))

    def submit(self, config: RunConfig, draft: str | None = None) -> Run:
        """Queue a run and make sure that somebody takes it."""
        from tl_core.jobs.dispatch import ensure_dispatcher

        run = self.runs.create(config, draft)
        ensure_dispatcher(self.settings)
        return run


def acting_of(request: Request) -> Acting:
    """Who acts, as the gate says."""
    server = request.app.state
    return Acting(server.settings, server.engine, request.state.principal)


Who = Annotated[Acting, Depends(acting_of)]


def _required(*scopes: str) -> Callable[[Acting], None]:
    def required(acting: Who) -> None:
        for scope in scopes:
            acting.policy.require_scope(scope)

    return required


def needs(*scopes: str) -> dict[str, Any]:
    """What an address says of itself: the scopes without which a token is refused, whatever it is
    asked about, and the errors that it answers with.
    """
    return {
        "dependencies": [Depends(_required(*scopes))],
        "openapi_extra": {"security": [{SECURITY: list(scopes)}]},
        "responses": REFUSALS,
    }
