"""A browser session without a browser: Streamlit's own protocol over a websocket, timed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

_PATIENCE = 60.0  # seconds after which a script counts as failed


@dataclass
class Session:
    """One tab.

    Args:
        url: of the server, `http://...`.
        cookie: what the browser would send.
    """

    url: str
    cookie: str = ""
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    async def run(self, pages: list[str], until: float, pause: float) -> None:
        """Open one page after another until a time (monotonic), with a pause between them; each is
        timed from asking to the end of its script.
        """
        headers = {"Cookie": self.cookie} if self.cookie else {}
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        async with websockets.connect(
            address, additional_headers=headers, origin=self.url, max_size=None
        ) as socket:
            turn = 0
            while time.monotonic() < until:
                await self._open(socket, pages[turn % len(pages)])
                turn += 1
                await asyncio.sleep(pause)

    async def _open(self, socket: websockets.ClientConnection, page: str) -> None:
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = ""
        started = time.monotonic()
        await socket.send(message.SerializeToString())
        try:
            async with asyncio.timeout(_PATIENCE):
                well = await self._finished(socket)
        except (TimeoutError, websockets.WebSocketException):
            well = False
        if well:
            self.seconds.append(time.monotonic() - started)
        else:
            self.failed += 1

    async def _finished(self, socket: websockets.ClientConnection) -> bool:
        """Read until the script has ended; whether it showed no defect."""
        well = True
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(bytes(await socket.recv()))
            kind = answer.WhichOneof("type")
            defect = kind == "delta" and answer.delta.new_element.HasField("exception")
            if defect or kind == "page_not_found":
                well = False
            if kind == "script_finished" and answer.script_finished == (
                ForwardMsg.FINISHED_SUCCESSFULLY
            ):
                return well
            if kind == "script_finished" and answer.script_finished == (
                ForwardMsg.FINISHED_WITH_COMPILE_ERROR
            ):
                return False


async def crowd(
    sessions: list[Session], pages: list[str], seconds: float, pause: float
) -> tuple[list[float], int]:
    """All sessions at once for some seconds; the seconds of each page, and how many failed."""
    until = time.monotonic() + seconds
    await asyncio.gather(*(one.run(pages, until, pause) for one in sessions))
    return [value for one in sessions for value in one.seconds], sum(one.failed for one in sessions)
