"""The served interface as a page uses it, and in a real browser, where it asks nobody else."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from waiting import ended_within

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "edge_agent.cli", "tui", "--serve", "--port", "0"]
"""What is served; it says the address at the end of a line on standard error."""
WELCOME = "Welcome to miro-edge"
"""What a new user reads first, over everything else; Escape takes it away."""
BENEATH = "Nothing asked yet"
"""What is drawn anew then."""
TYPED = "xyzzy"
"""Nothing that the interface would show by itself."""
PATIENCE = 60.0
"""Seconds after which what has not happened will not."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""What one and the same program is called here and there."""
_CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--window-size=1000,700 --remote-debugging-port=0"
).split()
_COLOURS = """(async (picture) => {
  const image = new Image();
  image.src = "data:image/png;base64," + picture;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return new Set(new Uint32Array(data.buffer)).size;
})"""
"""How many colours a picture has: nothing drawn is one, a dialog on it a few more."""


@pytest.fixture
def served(home: Path) -> Iterator[tuple[int, str]]:
    """Serve the interface in a home of its own; the process that does, and the address to open."""
    server = subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert server.stderr is not None
    try:
        with ended_within(server, PATIENCE):
            lines = iter(server.stderr.readline, "")
            found = next((line.split()[-1] for line in lines if "/?token=" in line), None)
        assert found is not None, "the server ended without an address"
        yield server.pid, found
        server.terminate()
        assert server.wait(20) == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        server.stderr.close()


@pytest.fixture
def debugging(tmp_path: Path) -> Iterator[str]:
    """Start a browser; the address under which it can be driven."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        pytest.skip("neither Chromium nor Chrome is here to show the page")
    profile = tmp_path / "profile"
    # Names lead nowhere: a page that asks another machine must not reach it from a test.
    rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    browser = subprocess.Popen(
        [program, *_CHROMIUM, rules, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{_debugging_port(profile, browser)}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


def _debugging_port(profile: Path, browser: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError, IndexError, ValueError):
            return int((profile / "DevToolsActivePort").read_text().splitlines()[0])
        assert browser.poll() is None, "the browser ended"
        time.sleep(0.1)
    raise AssertionError("the browser cannot be driven")


class Tab:
    """A page of the browser, driven through the DevTools protocol."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._asked = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requested: list[str] = []
        """The address of everything that the page asked for."""
        self.received = b""
        """What came through its websocket: the terminal's bytes."""

    async def listen(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])
            elif said["method"] == "Network.webSocketCreated":
                self.requested.append(said["params"]["url"])
            elif said["method"] == "Network.webSocketFrameReceived":
                frame = said["params"]["response"]
                if frame["opcode"] == 2:
                    self.received += base64.b64decode(frame["payloadData"])

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        number = self._asked
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        said = await asyncio.wait_for(answer, PATIENCE)
        assert "error" not in said, said
        return dict(said["result"])

    async def value(self, expression: str) -> Any:
        said = await self.do(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def picture(self) -> str:
        return str((await self.do("Page.captureScreenshot", format="png"))["data"])

    async def colours(self) -> int:
        return int(await self.value(f"{_COLOURS}({json.dumps(await self.picture())})"))

    async def has_class(self, name: str) -> bool:
        return bool(await self.value(f"document.body.classList.contains({json.dumps(name)})"))

    async def has_shown(self, text: str) -> bool:
        return text.encode() in self.received

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let it go; `code` is the number that browsers know it by."""
        pressed = {"key": key, "windowsVirtualKeyCode": code}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **pressed, text=text)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def write(self, text: str) -> None:
        for letter in text:
            await self.press(letter, ord(letter.upper()), letter)


@asynccontextmanager
async def opened(debugging: str, address: str) -> AsyncIterator[Tab]:
    """Show `address` in the browser, from its first request on under observation."""
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{debugging}/json/list") as answer:
            pages = [target for target in await answer.json() if target["type"] == "page"]
        async with client.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            for domain in ("Network", "Page", "Runtime"):
                await tab.do(f"{domain}.enable")
            # A page without a window has no focus otherwise, until its first key.
            await tab.do("Emulation.setFocusEmulationEnabled", enabled=True)
            await tab.do("Page.navigate", url=address)
            yield tab
            listening.cancel()


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition. A page on its way to the next has no body: not yet, then."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(AssertionError):
            if await condition():
                return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {PATIENCE:.0f} seconds: {what}")


async def at_rest(tab: Tab) -> None:
    """Wait until hardly anything was drawn for a while: a cursor may blink."""
    seen, since = 0, time.monotonic()

    async def quiet() -> bool:
        nonlocal seen, since
        if len(tab.received) - seen > 500:
            seen, since = len(tab.received), time.monotonic()
        return time.monotonic() - since > 1.5

    await until(quiet, "the interface comes to rest")


@pytest.mark.asyncio
async def test_a_page_gets_the_interface_whose_process_goes_with_it(
    served: tuple[int, str],
) -> None:
    server, address = served
    root = address.split("/?")[0]
    cookies = aiohttp.CookieJar(unsafe=True)  # which are kept for a bare IP address, too
    async with aiohttp.ClientSession(cookie_jar=cookies) as client:
        assert (await client.get(address)).status == 200
        websocket = await client.ws_connect(
            f"{root}/ws?width=100&height=30", headers={"Origin": root}
        )
        received = b""
        while WELCOME.encode() not in received:
            message = await websocket.receive(timeout=PATIENCE)
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), received
            received += message.data if message.type is aiohttp.WSMsgType.BINARY else b""
        processes = psutil.Process(server).children(recursive=True)
        assert processes
        await websocket.close()

    async def gone() -> bool:
        return not any(process.is_running() for process in processes)

    await until(gone, "the process of the page ends")


@pytest.mark.asyncio
async def test_the_interface_is_shown_and_asks_no_other_machine(
    debugging: str, served: tuple[int, str]
) -> None:
    _, address = served
    async with opened(debugging, address) as tab:
        await until(lambda: tab.has_class("-first-byte"), "the interface begins")

        async def drawn() -> bool:
            return await tab.colours() > 8

        await until(drawn, "the interface is drawn")
        await until(lambda: tab.has_shown(WELCOME), "a new user is welcomed")
        await at_rest(tab)  # or what is drawn late would be taken for what Escape does
        tab.received = b""
        await tab.press("Escape", 27)
        await until(lambda: tab.has_shown(BENEATH), "Escape takes the welcome away")
        assert not await tab.has_shown(TYPED)
        await tab.write(TYPED)
        await until(lambda: tab.has_shown(TYPED), "what is typed is shown")
        assert not await tab.has_class("-closed")
        assert await tab.value("location.search") == ""
    place = urlsplit(address).netloc
    asked = {urlsplit(each).path for each in tab.requested if not each.startswith("data:")}
    assert {"/", "/ws", "/static/js/textual.js", "/page/page.js"} <= asked
    assert {urlsplit(each).netloc for each in tab.requested} <= {place, ""}
    assert {urlsplit(each).scheme for each in tab.requested} <= {"http", "ws", "data"}
