"""Sessions of a server, timed: without a browser, by Streamlit's own protocol over a websocket, and
in a real browser.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import websockets
from playwright.async_api import Error, async_playwright
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PLACES = (("Data", "Items"), ("Train", "Backbone"), ("Graft Studio", "Graft Studio"))
_ENDS = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)
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
    """A tab without a browser. As one would, it asks for what pages draw anew by themselves."""

    _page: str = ""
    _hash: str = ""  # of the page that is shown, as the server calls it
    _timers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _well: bool = True

    async def run(self, pages: list[str], until: float, pause: float) -> None:
        """Open one page after another until a time (monotonic); each is timed from asking to the
        end of its script. After one that failed the tab is opened anew.
        """
        self._ended = asyncio.Event()  # of the loop that runs now
        headers = {"Cookie": self.cookie} if self.cookie else {}
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        turn = random.randrange(len(pages))
        while time.monotonic() < until:
            async with websockets.connect(
                address, additional_headers=headers, origin=self.url, max_size=None
            ) as socket:
                reader = asyncio.create_task(self._read(socket))
                try:
                    while await self.pause(pause, until):
                        turn += 1
                        if not await self._open(socket, pages[turn % len(pages)]):
                            break
                finally:
                    self._stop_timers()
                    reader.cancel()
                    with suppress(asyncio.CancelledError, websockets.ConnectionClosed):
                        await reader  # a defect of ours is no end of a connection

    async def _open(self, socket: websockets.ClientConnection, page: str) -> bool:
        """Open a page; whether it was drawn well."""
        self._stop_timers()
        self._page, self._hash, self._well = page, "", True
        self._ended.clear()
        started = time.monotonic()
        try:
            await self._ask(socket)
            async with asyncio.timeout(_PATIENCE):
                await self._ended.wait()
        except (TimeoutError, websockets.WebSocketException):
            self._well = False
        if self._well:
            self.seconds.append(time.monotonic() - started)
        else:
            self.failed += 1
        return self._well

    async def _ask(self, socket: websockets.ClientConnection, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.page_name = self._page
        message.rerun_script.page_script_hash = self._hash
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        await socket.send(message.SerializeToString())

    async def _read(self, socket: websockets.ClientConnection) -> None:
        """Take what the server sends; a page that shows an error or a defect is not well."""
        async for data in socket:
            answer = ForwardMsg()
            answer.ParseFromString(bytes(data))
            kind = answer.WhichOneof("type")
            if kind == "delta":
                element = answer.delta.new_element
                alarm = element.HasField("alert") and element.alert.format == Alert.ERROR
                self._well &= not (alarm or element.HasField("exception"))
            elif kind == "page_not_found":
                self._well = False
            elif kind == "new_session":
                self._hash = answer.new_session.page_script_hash
            elif kind == "auto_rerun":
                asked = answer.auto_rerun
                self._stop_timers(asked.fragment_id)
                timer = self._again(socket, asked.fragment_id, asked.interval)
                self._timers[asked.fragment_id] = asyncio.create_task(timer)
            elif kind == "stop_auto_rerun":
                self._stop_timers(*answer.stop_auto_rerun.fragment_ids)
            elif kind == "script_finished":
                self._well &= answer.script_finished != ForwardMsg.FINISHED_WITH_COMPILE_ERROR
                if answer.script_finished in _ENDS:
                    self._ended.set()

    async def _again(
        self, socket: websockets.ClientConnection, fragment: str, seconds: float
    ) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._ask(socket, fragment)

    def _stop_timers(self, *fragments: str) -> None:
        """Of these fragments; of all where none is named."""
        for fragment in fragments or list(self._timers):
            if timer := self._timers.pop(fragment, None):
                timer.cancel()


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
            _give_way()
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
                    alarms = page.get_by_test_id("stAlertContentError")
                    if await page.get_by_test_id("stException").or_(alarms).count():
                        raise Error("a page shows a defect")
                    self.seconds.append(time.monotonic() - started)
                except Error:
                    self.failed += 1
                turn += 1
            await browser.close()


def _give_way() -> None:
    """Browsers of people compute on their own machines: here they take what the server leaves."""
    for one in psutil.Process().children(recursive=True):
        if "chrom" in one.name():
            one.nice(19)


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
