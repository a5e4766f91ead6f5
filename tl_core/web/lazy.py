"""An application that is imported when somebody first asks for it: the pages start sooner."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import anyio
import anyio.to_thread
from sqlalchemy import Engine

from tl_core.settings import Settings
from tl_core.web.gate import App, Receive, Send
from tl_core.web.peers import Scope

Build = Callable[[Settings, Engine], App]


class Lazy:
    """Stands for the application that a function builds from settings and database.

    Args:
        function: `module:name`; called once.
    """

    def __init__(self, function: str, settings: Settings, engine: Engine) -> None:
        self._function, self._settings, self._engine = function, settings, engine
        self._app: App | None = None
        self._building = anyio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            async with self._building:
                if self._app is None:  # whoever waited here finds it built
                    self._app = await anyio.to_thread.run_sync(self._build)
        await self._app(scope, receive, send)

    def _build(self) -> App:
        module, _, name = self._function.partition(":")
        build: Build = getattr(import_module(module), name)
        return build(self._settings, self._engine)
