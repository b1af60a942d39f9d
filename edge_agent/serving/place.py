"""Where something is served on this machine, and who may use it."""

from __future__ import annotations

import errno
import re
import secrets
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address

from edge_agent.errors import AgentError


class ServingError(AgentError):
    """Something cannot be served as it was asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is served, and to whom."""

    host: str = "127.0.0.1"
    """The address to listen on: only this machine reaches a loopback address."""
    port: int = 8000
    """0 takes a free one."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """Whoever knows it may use what is served."""

    def __post_init__(self) -> None:
        """Raise ServingError for what cannot be served."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{16,}", self.token):
            raise ServingError("The token must be 16 or more letters, digits, - or _.")
        if not 0 <= self.port <= 65_535:  # the system would take it modulo 65,536
            raise ServingError("A port is a number from 0 to 65535: choose one with --port.")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def root(self, port: int) -> str:
        """Return the address that others use when `port` is listened on, without a path."""
        host = self.host
        if host in ("", "0.0.0.0", "::"):  # all addresses of this machine: none to be opened
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listener(place: Place) -> socket.socket:
    """Return a socket that listens. Raises ServingError.

    One socket and not one for each address of a name: with port 0 each would get its own port.
    """
    where = f"port {place.port} of {place.host}"
    try:
        family, _, _, _, found = socket.getaddrinfo(
            place.host or None,
            place.port,
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
            f"Nothing can be served on {where}: {reason}. Check --host and --port."
        ) from error
