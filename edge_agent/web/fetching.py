"""Fetches pages: redirects, robots.txt, kinds of content, limits."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from email.message import Message

import httpx2

from .errors import WebError
from .exchange import Deadline, answering, body_of, media_type
from .guard import AddressGuard
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
_ENCODINGS = frozenset(
    "ascii big5 big5hkscs cp866 cp874 cp932 cp949 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 "
    "cp1257 cp1258 euc_jp euc_kr gb18030 gb2312 gbk iso2022_jp iso8859-1 iso8859-2 iso8859-3 "
    "iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 iso8859-13 "
    "iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-cyrillic mac-roman shift_jis tis-620 utf-8 "
    "utf-16 utf-16-be utf-16-le".split()
)
"""The encodings that pages may have (https://encoding.spec.whatwg.org), as Python calls them.

It knows others, one of which, punycode, takes hours for a page that was written to that end.
"""
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

    def __init__(self, guard: AddressGuard, seconds: float) -> None:
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
    """Return text in UTF-8, if its encoding is named and is one of pages; else a reader tells."""
    message = Message()
    message["content-type"] = content_type
    try:
        encoding = codecs.lookup(str(message.get_param("charset"))).name
    except (LookupError, ValueError):  # there is no such encoding
        return data
    if encoding not in _ENCODINGS:
        return data
    return data.decode(encoding, "replace").encode("utf-8", "replace")
