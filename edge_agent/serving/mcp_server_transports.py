"""Running an MCP server: over standard input and output, or over HTTP for who has the token."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .guard import Door, Refusal
from .place import Place
from .running import asked_to_end

PATH = "/mcp"
_SECONDS_TO_END = 2
"""For streams that clients keep open."""
_ANSWERS = {
    Refusal.HOST: PlainTextResponse("Nothing is served under this name.\n", 403),
    Refusal.ORIGIN: PlainTextResponse("Pages of other sites may not use this server.\n", 403),
    Refusal.TOKEN: PlainTextResponse(
        "The token is wrong or missing: it is the one that miro-edge printed.\n",
        401,
        {"WWW-Authenticate": "Bearer"},
    ),
}


def run_on_standard_streams(server: MCPServer[Any]) -> None:
    """Serve whoever started this process until it closes standard input; Ctrl-C ends at once."""
    # A thread waits for the next line, and no exception reaches it.
    signal.signal(signal.SIGINT, lambda number, _frame: os._exit(128 + number))
    anyio.run(server.run_stdio_async)


def run_over_http(
    server: MCPServer[Any],
    place: Place,
    listening: socket,
    ready: Callable[[int], None],
    stop: Callable[[], None],
) -> None:
    """Serve at a place until Ctrl-C or SIGTERM; a second one ends the process at once.

    `ready` gets the port; `stop` ends what is being worked on.
    """
    # Host and Origin are judged before it by our own guard.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    application = server.streamable_http_app(
        streamable_http_path=PATH, host=place.host, transport_security=unguarded
    )
    config = uvicorn.Config(
        _BehindDoor(application, Door(place)),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    asyncio.run(_until_ended(_Server(config), listening, ready, stop))


async def _until_ended(
    server: uvicorn.Server,
    listening: socket,
    ready: Callable[[int], None],
    stop: Callable[[], None],
) -> None:
    ended = asked_to_end()
    serving = asyncio.create_task(server.serve([listening]))
    ready(listening.getsockname()[1])
    await ended.wait()
    await asyncio.to_thread(stop)
    server.should_exit = True
    await serving


class _Server(uvicorn.Server):
    """A server that leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class _BehindDoor:
    """An application behind the door."""

    def __init__(self, application: ASGIApp, door: Door) -> None:
        self._application = application
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._door.refusal(
            headers.get("host", ""), headers.get("origin"), headers.get("authorization", "")
        )
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await _ANSWERS[refusal](scope, receive, send)
