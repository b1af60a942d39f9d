"""What a site asks programs not to read (RFC 9309)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx2

from .errors import WebError
from .exchange import AGENT, Deadline, answering
from .guard import AddressGuard

if TYPE_CHECKING:
    from protego import Protego

_MOST = 512 * 1024
"""Bytes of a robots.txt that count; the standard wants 500 KiB at least."""
_REDIRECTS = 5


class Robots:
    """The robots.txt of each site that was visited, read once."""

    def __init__(self, guard: AddressGuard) -> None:
        """Read them through `guard`."""
        self._guard = guard
        self._rules: dict[str, Protego] = {}
        self._lock = threading.Lock()

    def check(self, url: httpx2.URL, deadline: Deadline) -> None:
        """Raise WebError where the site is silent, or wants no program to read `url`."""
        from protego import Protego

        site = str(url.copy_with(raw_path=b"/robots.txt"))
        with self._lock:
            rules = self._rules.get(site)
        if rules is None:
            rules = Protego.parse(self._text(httpx2.URL(site), deadline))
            with self._lock:
                self._rules[site] = rules
        if not rules.can_fetch(str(url), AGENT):
            raise WebError(f"{url} is not to be read by programs: its robots.txt says so.")

    def _text(self, url: httpx2.URL, deadline: Deadline) -> str:
        """Return what a site says; a file that is not there forbids nothing.

        Raises WebError where it cannot be had: then everything counts as forbidden.
        """
        for _ in range(_REDIRECTS + 1):
            with answering("GET", url, self._guard, deadline) as answer:
                if answer.has_redirect_location:
                    url = self._guard.checked(str(url.join(answer.headers["location"])))
                    continue
                if 400 <= answer.status_code < 500:
                    return ""
                if answer.status_code != 200:
                    raise WebError(f"{url} answers {answer.status_code}, so nothing is read there.")
                return _beginning(answer)
        return ""  # too many redirects are like a file that is not there


def _beginning(answer: httpx2.Response) -> str:
    found = bytearray()
    for piece in answer.iter_bytes():
        found += piece
        if len(found) >= _MOST:
            break
    return found[:_MOST].decode("utf-8-sig", "replace")
