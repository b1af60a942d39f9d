"""What the browser gets: a page, its scripts, a websocket and downloads, for who has the token."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import textual_serve
from aiohttp import WSCloseCode, web
from textual_serve.download_manager import DownloadManager

from edge_agent.serving.guard import Door, is_host, same_origin

from .browser_session import SECONDS_TO_QUIT, BrowserSession
from .endpoint import BrowserEndpoint

_PAGE = Path(__file__).parent / "page"
_TERMINAL = Path(textual_serve.__file__).parent / "static"

_HEARTBEAT_SECONDS = 15.0
"""A browser that does not answer for half of this after being asked is taken to be gone."""
_SECONDS_TO_CLOSE = 3.0

_WHERE_TO_GO = (
    "This page is only for who has its token.\n\n"
    "Open the address that miro-edge printed when it started: the one with ?token= in it.\n"
    "If you just did, reload this page.\n"
)
_WRONG_HOST = (
    "Nothing is served under this name.\n\n"
    "Open the address that miro-edge printed when it started; through a tunnel, 127.0.0.1 and\n"
    "the tunnel's port.\n"
)
_WRONG_ORIGIN = "Only the page that is served here may open a session.\n"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "connect-src 'self' ws://{host} wss://{host}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The terminal in the page makes style elements, and not every browser takes 'self' for ws:."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The web application around one command."""

    def __init__(self, command: Sequence[str], endpoint: BrowserEndpoint) -> None:
        self._command = tuple(command)
        self._endpoint = endpoint
        self._door = Door(endpoint)
        # Browsers do not tell cookies of two ports apart: two servers need two names.
        self._cookie = "miro-edge-" + hashlib.sha256(endpoint.token.encode()).hexdigest()[:8]
        self._downloads = DownloadManager()
        self._seats = _Seats(endpoint.sessions)
        self._sessions: set[BrowserSession] = set()
        self._endings: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """Return the application, to be run once."""
        application = web.Application(middlewares=[self._guard])
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self._websocket),
                web.get("/download/{key}", self._download),
                web.static("/page", _PAGE),
                web.static("/static", _TERMINAL),
            ]
        )
        application.on_response_prepare.append(_add_headers)
        application.on_shutdown.append(self._end_sessions)
        return application

    # Who may come in

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let through only who has the token, and only under the addresses that are served."""
        if not self._door.serves(request.headers.get("Host", "")):
            raise web.HTTPForbidden(text=_WRONG_HOST)
        if request.path == "/" and self._door.knows(request.query.get("token", "")):
            raise self._admission()
        if not self._door.knows(request.cookies.get(self._cookie, "")):
            raise web.HTTPForbidden(text=_WHERE_TO_GO)
        return await handler(request)

    def _admission(self) -> web.HTTPFound:
        """Return the way to the page: the token goes from the address into a cookie."""
        found = web.HTTPFound("/")
        found.set_cookie(self._cookie, self._endpoint.token, httponly=True, samesite="Strict")
        return found

    # What there is

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if request.query_string:  # the terminal's script would obey some: none comes from us
            raise web.HTTPFound("/")
        return web.FileResponse(_PAGE / "app_index.html")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        """Run a process for a page, as long as the page is there."""
        if not same_origin(request.headers.get("Origin", ""), request.host):
            raise web.HTTPForbidden(text=_WRONG_ORIGIN)
        websocket = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS, timeout=_SECONDS_TO_CLOSE)
        await websocket.prepare(request)
        if not await self._seats.take():
            await websocket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=self._full())
            return websocket
        session = BrowserSession(self._command, websocket, self._downloads)
        self._sessions.add(session)
        try:
            await session.start(_cells(request, "width", 80), _cells(request, "height", 24))
            await session.listen()
        finally:
            # A task of its own: the process must end also where this handler is cancelled.
            ending = asyncio.create_task(self._end(session))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            await asyncio.shield(ending)
        return websocket

    async def _end(self, session: BrowserSession) -> None:
        with self._seats.leaving():
            await session.stop()
        self._sessions.discard(session)

    def _full(self) -> bytes:
        most = self._endpoint.sessions
        count = "One session is" if most == 1 else f"{most} sessions are"
        return f"{count} open already, and no more are allowed. Close one, then restart.".encode()

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Pass on a file that the app hands out, always to be saved: it is not a page of ours."""
        key = request.match_info["key"]
        try:
            found = await self._downloads.get_download_metadata(key)
        except KeyError:
            raise web.HTTPNotFound(text="This file is not handed out any more.\n") from None
        name = quote(found.file_name, safe="")
        response = web.StreamResponse(
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        )
        response.content_type = found.mime_type or "application/octet-stream"
        await response.prepare(request)
        async for chunk in self._downloads.download(key):
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _end_sessions(self, _application: web.Application) -> None:
        """End all processes, side by side: each may take its time."""
        for session in self._sessions:
            session.farewell = "miro-edge has ended."
        await asyncio.gather(*(session.stop() for session in self._sessions))


class _Seats:
    """How many sessions there may be at once."""

    def __init__(self, number: int) -> None:
        self._free = asyncio.Semaphore(number)
        self._leaving = 0

    async def take(self) -> bool:
        """Take a seat if there is one, or one is about to be: a reloaded page gets its own."""
        if self._free.locked() and not self._leaving:
            return False
        try:
            await asyncio.wait_for(self._free.acquire(), SECONDS_TO_QUIT + 1)
        except asyncio.TimeoutError:
            return False
        return True

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Give the seat back at the end of what is done in this context: ending a session."""
        self._leaving += 1
        try:
            yield
        finally:
            self._leaving -= 1
            self._free.release()


def _cells(request: web.Request, side: str, otherwise: int) -> int:
    """Return the terminal's width or height that the request states."""
    stated = request.query.get(side, "")
    return int(stated) if re.fullmatch(r"[1-9]\d{0,2}", stated, re.ASCII) else otherwise


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    host = request.headers.get("Host", "")
    response.headers["Content-Security-Policy"] = _POLICY.format(host=host if is_host(host) else "")
