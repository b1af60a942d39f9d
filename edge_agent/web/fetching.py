"""Fetches pages: redirects, robots.txt, kinds of content, limits."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from email.message import Message

import httpx2

from .errors import WebError
from .exchange import Deadline, answering, body_of, media_type
from .guard import Guard
from .robots import Robots

SUFFIXES = {
    "": ".txt",
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
}
"""The media types that can be read, and how a file with such content is called."""

_MOST = 10_000_000
"""Bytes of a page, unpacked."""
_REDIRECTS = 5
_ACCEPT = {"Accept": "text/html, application/xhtml+xml, text/plain, text/markdown, application/pdf"}


@dataclass(frozen=True, slots=True)
class Page:
    """What came from an address; `address` is the one that redirects led to."""

    address: str
    kind: str
    """Its media type, a key of SUFFIXES."""
    data: bytes
    """Text is in UTF-8 where the server said how it is encoded, else as it came."""


class Fetcher:
    """Fetches pages through a guard, each in limited time; safe from any thread."""

    def __init__(self, guard: Guard, seconds: float) -> None:
        """Take at most `seconds` for a page, from the first look-up to the last byte."""
        self._guard = guard
        self._robots = Robots(guard)
        self._seconds = seconds

    def fetch(self, address: str) -> Page:
        """Return the page at an address. Raises WebError."""
        deadline = Deadline(self._seconds)
        url = self._guard.checked(address)
        for _ in range(_REDIRECTS + 1):
            self._robots.check(url, deadline)
            found = self._visited(url, deadline)
            if isinstance(found, Page):
                return found
            url = found
        raise WebError(f"{address} leads from one address to the next, more than {_REDIRECTS}.")

    def _visited(self, url: httpx2.URL, deadline: Deadline) -> Page | httpx2.URL:
        """Return the page at `url`, or where it leads to."""
        with answering("GET", url, self._guard, deadline, headers=_ACCEPT) as answer:
            if answer.has_redirect_location:
                return self._guard.checked(str(url.join(answer.headers["location"])))
            if answer.status_code != 200:
                raise WebError(f"{url} answers {answer.status_code} {answer.reason_phrase}.")
            kind = media_type(answer.headers)
            if kind not in SUFFIXES:
                raise WebError(f"{url} is {kind}, which is not read.")
            data = body_of(answer, _MOST)
            if kind.startswith("text/"):
                data = _in_utf8(data, answer.headers["content-type"])
            return Page(str(url), kind, data)


def _in_utf8(data: bytes, content_type: str) -> bytes:
    """Return text in UTF-8, if its encoding is named; else a reader finds it out."""
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset")
    try:
        name = codecs.lookup(str(charset)).name
        return data.decode(name, "replace").encode("utf-8", "replace")
    except (LookupError, ValueError):  # there is no such encoding, or it is none of text
        return data
