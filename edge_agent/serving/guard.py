"""Who may come in: whoever knows the token, under the addresses that are served, from no page of
somebody else's.
"""

from __future__ import annotations

import hmac
import re
from enum import Enum
from urllib.parse import urlsplit

from .place import Place

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


class Refusal(Enum):
    """What of a request is refused."""

    HOST = "its Host header"
    ORIGIN = "its Origin header"
    TOKEN = "its Authorization header"


class Door:
    """Judges the headers of a request."""

    def __init__(self, place: Place) -> None:
        """Guard what is served at `place`."""
        self._place = place
        self._names = {"127.0.0.1", "[::1]", "localhost", place.host, f"[{place.host}]"}

    def serves(self, host: str) -> bool:
        """Return whether a Host header names an address that is served.

        Another site's name that leads here (DNS rebinding) would make its page one of ours.
        """
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        return not self._place.loopback or found["name"].lower() in self._names

    def knows(self, token: str) -> bool:
        """Return whether `token` is the right one, in a time that does not tell how near it is."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._place.token.encode())

    def bears(self, authorization: str) -> bool:
        """Return whether an Authorization header bears the token."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self.knows(token.strip())

    def refusal(self, host: str, origin: str | None, authorization: str) -> Refusal | None:
        """Return what is refused of a request with these headers; None where it may come in.

        A program that is no browser sends no Origin.
        """
        if not self.serves(host):
            return Refusal.HOST
        if origin is not None and not same_origin(origin, host):
            return Refusal.ORIGIN
        return None if self.bears(authorization) else Refusal.TOKEN


def is_host(header: str) -> bool:
    """Return whether a Host header is a name or an address, and perhaps a port."""
    return _HOST.fullmatch(header) is not None


def same_origin(origin: str, host: str) -> bool:
    """Return whether an Origin header is of a page that was served under the Host header."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # half an address
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
