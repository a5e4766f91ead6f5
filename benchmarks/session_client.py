"""Sessions of a server, timed: without a browser, by Streamlit's own protocol over a websocket, and
in a real browser.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import websockets
from playwright.async_api import Error, async_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PLACES = (("Data", "Items"), ("Train", "Backbone"), ("Graft Studio", "Graft Studio"))
_PATIENCE = 60.0  # seconds after which a script counts as failed


@dataclass
class Tab:
    """One tab.

    Args:
        url: of the server, `http://...`.
        cookie: what the browser would send.
    """

    url: str
    cookie: str = ""
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    async def pause(self, mean: float, until: float) -> bool:
        """Look at a page; False when the time (monotonic) is over. Pauses are those of TPC-W, which
        stands for people in a web shop: of exponential distribution, at most ten times their mean.
        """
        seconds = min(random.expovariate(1 / mean), 10 * mean)
        await asyncio.sleep(max(0.0, min(seconds, until - time.monotonic())))
        return time.monotonic() < until


@dataclass
class Session(Tab):
    """A tab without a browser."""

    async def run(self, pages: list[str], until: float, pause: float) -> None:
        """Open one page after another until a time (monotonic); each is timed from asking to the
        end of its script.
        """
        headers = {"Cookie": self.cookie} if self.cookie else {}
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        async with websockets.connect(
            address, additional_headers=headers, origin=self.url, max_size=None
        ) as socket:
            turn = random.randrange(len(pages))
            while await self.pause(pause, until):
                await self._open(socket, pages[turn % len(pages)])
                turn += 1

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


@dataclass
class BrowserTab(Tab):
    """A tab of a real browser, which goes from place to place by the bar; each is timed from the
    click to the title of its first page.
    """

    async def run(self, _pages: list[str], until: float, pause: float) -> None:
        """As `Session.run`; the pages are those behind the places of the bar, whatever is asked."""
        async with async_playwright() as play:
            browser = await play.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = await browser.new_page()
            page.set_default_timeout(1000 * _PATIENCE)
            name, _, value = self.cookie.partition("=")
            await page.context.add_cookies([{"name": name, "value": value, "url": self.url}])
            await page.goto(self.url)
            turn = 0
            while await self.pause(pause, until):
                link, title = PLACES[turn % len(PLACES)]
                started = time.monotonic()
                try:
                    await page.get_by_role("link", name=link, exact=True).first.click()
                    await page.get_by_role("heading", name=title, level=1).wait_for()
                    if await page.get_by_test_id("stException").count():
                        raise Error("a page shows a defect")
                    self.seconds.append(time.monotonic() - started)
                except Error:
                    self.failed += 1
                turn += 1
            await browser.close()


async def crowd(
    sessions: Sequence[Session | BrowserTab], pages: list[str], seconds: float, pause: float
) -> tuple[list[float], int]:
    """All sessions at once for some seconds; the seconds of each page, and how many failed."""
    until = time.monotonic() + seconds
    await asyncio.gather(*(one.run(pages, until, pause) for one in sessions))
    return together(sessions)


def together(sessions: Sequence[Session | BrowserTab]) -> tuple[list[float], int]:
    """Seconds of all pages, and how many failed."""
    return [value for one in sessions for value in one.seconds], sum(one.failed for one in sessions)
