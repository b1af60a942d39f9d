"""The terminal interface in a browser: who may see it, where it listens, and how it ends."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from edge_agent.errors import AgentError

if TYPE_CHECKING:
    from aiohttp.web import Application

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECONDS_TO_END = 15.0
"""For requests that go on when the server ends; the sessions are ended before."""


class ServingError(AgentError):
    """The interface cannot be served as it was asked for."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the interface is served, to whom, and to how many at once."""

    host: str = "127.0.0.1"
    """The address to listen on: only this machine reaches a loopback address."""
    port: int = 8000
    """0 takes a free one."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Whoever knows it may use the interface."""
    sessions: int = 4
    """Browser pages at once. Each is a process of its own, with a model in memory."""

    def __post_init__(self) -> None:
        """Raise ServingError for what cannot be served."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{16,}", self.token):
            raise ServingError("The token must be 16 or more letters, digits, - or _.")
        if not 0 <= self.port <= 65_535:  # the system would take it modulo 65,536
            raise ServingError("A port is a number from 0 to 65535: choose one with --port.")
        if self.sessions < 1:
            raise ServingError("At least one session must be allowed.")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def address(self, port: int) -> str:
        """Return what to open in a browser when the interface listens on `port`."""
        host = self.host
        if host in ("", "0.0.0.0", "::"):  # all addresses of this machine: none to be opened
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/?token={self.token}"


def serve(command: Sequence[str], serving: Serving, say: Callable[[str], None]) -> None:
    """Serve the Textual app that `command` starts, one process a page, until Ctrl-C or SIGTERM.

    `say` gets the address to open, token included, once it can be opened. Raises ServingError.
    """
    application = _application(command, serving)
    listener = _listener(serving)
    for library in ("aiohttp", "textual-serve"):  # their warnings would be printed otherwise
        logging.getLogger(library).addHandler(logging.NullHandler())
    asyncio.run(_until_ended(application, listener, serving, say))


def _application(command: Sequence[str], serving: Serving) -> Application:
    """Return the web application. Raises ServingError where the extra is not installed."""
    try:
        from .site import Site
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("aiohttp", "textual_serve"):
            raise
        raise ServingError(
            f"The package {error.name} is not installed, without which the interface cannot be "
            "shown in a browser. In a checkout scripts/setup run installs it, elsewhere: "
            "pip install 'miro-edge[serve]'"
        ) from error
    return Site(command, serving).application()


def _listener(serving: Serving) -> socket.socket:
    """Return a socket that listens. Raises ServingError.

    One socket and not one for each address of a name: with port 0 each would get its own port.
    """
    where = f"port {serving.port} of {serving.host}"
    try:
        family, _, _, _, found = socket.getaddrinfo(
            serving.host or None,
            serving.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )[0]
        return socket.create_server(found[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServingError(
                f"Another program listens on {where} already. "
                "Choose another port with --port, or a free one with --port 0."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise ServingError(
                f"You may not listen on {where}. Choose one above 1023 with --port."
            ) from error
        reason = error.strerror or str(error)
        raise ServingError(
            f"The interface cannot be served on {where}: {reason}. Check --host and --port."
        ) from error


async def _until_ended(
    application: Application,
    listener: socket.socket,
    serving: Serving,
    say: Callable[[str], None],
) -> None:
    from aiohttp.web import AppRunner, SockSite

    ended = asyncio.Event()
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background job
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runner = AppRunner(application, access_log=None, shutdown_timeout=_SECONDS_TO_END)
    await runner.setup()
    try:
        await SockSite(runner, listener).start()
        say(serving.address(listener.getsockname()[1]))
        await ended.wait()
    finally:
        await runner.cleanup()
