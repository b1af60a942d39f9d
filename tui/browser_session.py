"""One page in a browser: the process whose terminal it is, from its start to its certain end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from edge_agent.index import SAFE_PATH

SECONDS_TO_QUIT = 5.0
"""A process that has not ended by itself this long after it was asked to is killed."""

_READY = b"__GANGLION__\n"
"""What a Textual app writes before its first packet."""
_LINES_BEFORE_READY = 10
_MOST_UNREAD = 1_000_000
"""Bytes that wait for a process that reads nothing; more is thrown away."""
_MOST_CELLS = 999
_MOST_REASON = 123
"""Bytes of the reason in a websocket's close frame (RFC 6455, section 5.5)."""


class BrowserSession(AppService):
    """A process of the app and the websocket of the page that shows it.

    Unlike textual-serve's own, it starts the command without a shell, prints nothing, never waits
    for a process that hangs, and tells the page why a session ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        websocket: web.WebSocketResponse,
        downloads: DownloadManager,
    ) -> None:
        super().__init__(
            "",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=self._nothing_to_close,
            download_manager=downloads,
        )
        self.farewell = "The session has ended."
        """What the page says when the process has ended well."""
        self._arguments = tuple(command)
        self._websocket = websocket
        self._left = False
        self._killed = False

    async def _nothing_to_close(self) -> None:
        """Wait for the process to end before the websocket is closed: its last words count."""

    async def start(self, width: int, height: int) -> None:
        """Start the process, or tell the page why that is not possible."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env={**self._build_environment(width, height), SAFE_PATH: "1"},
                start_new_session=True,  # Ctrl-C is for the server; and to kill all that it started
            )
        except OSError as error:
            await self._close(WSCloseCode.INTERNAL_ERROR, f"It cannot be started: {error}")
            return
        self._stdin = self._process.stdin
        self._task = asyncio.create_task(self.run())

    async def stop(self) -> None:
        """Ask the process to end, kill it where it does not, and wait until it is gone."""
        if self._task is None or self._process is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        await self.send_meta({"type": "quit"})
        try:
            await asyncio.wait_for(asyncio.shield(self._task), SECONDS_TO_QUIT)
        except asyncio.TimeoutError:
            self._kill(self._process)
            await self._task

    # From the page to the process

    async def listen(self) -> None:
        """Pass on what the page sends until it is gone."""
        async for message in self._websocket:
            if message.type is WSMsgType.TEXT and self._task is not None:
                with suppress(ValueError):  # no JSON
                    await self._heed(json.loads(message.data))

    async def _heed(self, said: object) -> None:
        match said:
            case ["stdin", str(typed)]:
                await self.send_bytes(typed.encode("utf-8", "replace"))
            case ["resize", {"width": int(width), "height": int(height)}]:
                await self.set_terminal_size(_cells(width), _cells(height))
            case ["ping", sent]:
                with suppress(ConnectionError):
                    await self._websocket.send_json(["pong", sent])
            case ["focus"]:
                await self.focus()
            case ["blur"]:
                await self.blur()

    async def send_bytes(self, data: bytes) -> bool:
        """Send what was typed; return whether the process may still read it."""
        return self._send(self.encode_packet(b"D", data))

    async def send_meta(self, data: dict[str, str | int | bool | None]) -> bool:
        """Send a message of the protocol; return whether the process may still read it."""
        return self._send(self.encode_packet(b"M", json.dumps(data).encode()))

    def _send(self, packet: bytes) -> bool:
        """Write without waiting: a process that hangs must not keep its page's end from us."""
        waiting = self.stdin.transport.get_write_buffer_size()
        if self.stdin.is_closing() or waiting > _MOST_UNREAD:
            return False
        self.stdin.write(packet)
        return True

    # From the process to the page

    async def run(self) -> None:
        """Pass on what the process shows until it ends, and then tell the page."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.create_task(_last_line(process.stderr))
        if await _is_ready(process.stdout):
            with suppress(asyncio.IncompleteReadError):
                await self._pass_on(process.stdout)
        await self._gone(process)
        # What it started may hold its standard error open for as long as it likes.
        await asyncio.wait([errors], timeout=1)
        last = errors.result() if errors.done() else ""
        errors.cancel()
        if self._killed or process.returncode == 0:
            await self._close(WSCloseCode.OK, self.farewell)
        else:
            await self._close(WSCloseCode.INTERNAL_ERROR, f"It ended with an error. {last}")

    async def _pass_on(self, output: asyncio.StreamReader) -> None:
        """Pass packets on until the app says that it leaves, or says what is no packet."""
        handlers = {b"D": self.on_data, b"M": self.on_meta, b"P": self.on_packed}
        while not self._left:
            kind = await output.readexactly(1)
            size = int.from_bytes(await output.readexactly(4), "big")
            handler = handlers.get(kind)
            if handler is None:
                return
            payload = await output.readexactly(size)
            # Read on where the page is gone: a process that cannot write cannot end either.
            with suppress(ConnectionError):
                await handler(payload)

    async def on_meta(self, data: bytes) -> None:
        """Note that the app leaves; anything else is done as textual-serve does it."""
        self._left = json.loads(data)["type"] == "exit"
        if not self._left:
            await super().on_meta(data)

    async def _gone(self, process: Process) -> None:
        """Wait for the process to be gone, killing it where it takes too long."""
        try:
            await asyncio.wait_for(process.wait(), SECONDS_TO_QUIT)
        except asyncio.TimeoutError:
            self._kill(process)
            with suppress(asyncio.TimeoutError):  # a pipe that another process holds open
                await asyncio.wait_for(process.wait(), 1)

    def _kill(self, process: Process) -> None:
        """Kill the process and what it started; it leads a process group of its own."""
        self._killed = True
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    async def _close(self, code: int, reason: str) -> None:
        shown = reason.strip().encode()[:_MOST_REASON].decode("utf-8", "ignore")
        await self._websocket.close(code=code, message=shown.encode())


def _cells(number: int) -> int:
    return min(max(number, 1), _MOST_CELLS)


async def _is_ready(output: asyncio.StreamReader) -> bool:
    """Return whether a Textual app begins; other programs may write a few lines before."""
    for _ in range(_LINES_BEFORE_READY):
        try:
            line = await output.readline()
        except ValueError:  # longer than any line of ours
            return False
        if line == _READY:
            return True
        if not line:
            return False
    return False


async def _last_line(errors: asyncio.StreamReader) -> str:
    """Read standard error to its end; return its last line that is not empty."""
    last = b""
    while piece := await errors.read(4096):
        last = (last + piece)[-4096:]
    lines = (line.strip() for line in reversed(last.decode("utf-8", "replace").splitlines()))
    return next(filter(None, lines), "")
