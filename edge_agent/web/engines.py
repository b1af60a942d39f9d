"""Search engines: what each is asked, and how its answer is read."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from edge_agent.config import WebSettings
from edge_agent.errors import ConfigError

from .errors import WebError
from .exchange import Deadline, answering, body_of
from .guard import AddressGuard

KEY_VARIABLE = "MIRO_EDGE_WEB_KEY"
"""The environment variable that may hold the key of an engine."""

_SECONDS = 15.0
_MOST = 4_000_000
"""Bytes of an answer."""
_LITTLE = 2
"""Less than this share of what was asked for, as its divisor, is too little: others are asked."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


@dataclass(frozen=True, slots=True)
class Result:
    """A page that an engine found: its address, its title, and a sentence or two out of it."""

    address: str
    title: str
    snippet: str


class Engine(Protocol):
    """Answers queries with pages."""

    @property
    def name(self) -> str:
        """What its answers are kept under."""

    def results(self, query: str, count: int) -> tuple[Result, ...]:
        """Return the best pages for a query, `count` at most. Raises WebError."""


def open_engine(settings: WebSettings, key: str | None) -> Engine:
    """Return the engine that is set.

    Raises ConfigError where it lacks its key, its address or its package.
    """
    if settings.engine == "ddgs":
        return DuckDuckGo()
    service = _SERVICES[settings.engine]
    address = settings.address or service.address
    if not address:
        raise ConfigError(
            f"The search engine {settings.engine} has no address of its own. "
            "Say where yours is: miro-edge config set web.address http://…"
        )
    if service.key is not None and not key:
        raise ConfigError(
            f"The search engine {settings.engine} wants a key. Set it: miro-edge config set "
            f"web.key KEY, or put it into the environment variable {KEY_VARIABLE}."
        )
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(
            f"The key of the search engine {settings.engine} has blanks or other signs that no key "
            f"has. Set it again: miro-edge config set web.key KEY, or {KEY_VARIABLE}."
        )
    # Where the user says that the engine is, it may be asked, be it on this machine.
    allow = settings.allow
    if settings.address and (host := _host(settings.address)):
        allow = (*allow, host)
    return JsonEngine(settings.engine, address.rstrip("/"), service, key, AddressGuard(allow))


class DuckDuckGo:
    """DuckDuckGo, and others where it has too little, through the package ddgs; no key."""

    name = "ddgs"
    backends: tuple[str, ...] = ("duckduckgo", "brave", "mojeek", "wikipedia")
    """Whom ddgs may ask, one after the other; what else it knows changes with its version."""

    def __init__(self) -> None:
        """Load the package, which takes a while."""
        import ddgs

        self._package = ddgs

    def results(self, query: str, count: int) -> tuple[Result, ...]:
        """Return the best pages for a query.

        Raises WebError where nothing was found and somebody could not be asked.
        """
        found: list[object] = []
        results: tuple[Result, ...] = ()
        failures: list[WebError] = []
        for backend in self.backends:  # told all of them, ddgs asks several, in an order of its own
            try:
                found += self._found(backend, query, count)
            except WebError as error:
                failures.append(error)
            results = _results(found, ("href", "title", "body"), count)
            if _LITTLE * len(results) >= count:
                break
        if failures and not results:
            raise failures[0]
        return results

    def _found(self, backend: str, query: str, count: int) -> list[dict[str, Any]]:
        """Return what one backend finds. Raises WebError."""
        from ddgs.engines import ENGINES
        from ddgs.exceptions import DDGSException

        if backend not in ENGINES["text"]:  # for one that it does not know, ddgs asks everybody
            raise WebError(f"The package ddgs that is installed does not know {backend}.")
        try:
            with self._package.DDGS(timeout=int(_SECONDS)) as search:
                return list(search.text(query, max_results=count, backend=backend))
        except DDGSException as error:
            if "No results found" in str(error):
                return []
            raise WebError(f"The search engine ddgs fails: {_brief(str(error))}.") from error


@dataclass(frozen=True, slots=True)
class _Service:
    """An engine that answers in JSON."""

    address: str
    """Where it is; empty for one that everybody has at an address of their own."""
    path: str
    method: str
    asks: Callable[[str, int], Mapping[str, object]]
    """The parameters of a request for a query and a number of results."""
    list_of: tuple[str, ...]
    """Where in the answer the results are."""
    fields: tuple[str, str, str]
    """What address, title and snippet are called there."""
    key: str | None = None
    """The header for the key, with `{}` in its place; None where there is none."""
    headers: Mapping[str, str] = field(default_factory=dict)


_SERVICES = {
    "searxng": _Service(
        "", "/search", "GET", lambda query, _: {"q": query, "format": "json"},
        ("results",), ("url", "title", "content"),
    ),
    "serper": _Service(
        "https://google.serper.dev", "/search", "POST",
        lambda query, count: {"q": query, "num": count},
        ("organic",), ("link", "title", "snippet"), "X-API-KEY: {}",
    ),
    "tavily": _Service(
        "https://api.tavily.com", "/search", "POST",
        lambda query, count: {"query": query, "max_results": count},
        ("results",), ("url", "title", "content"), "Authorization: Bearer {}",
    ),
    "brave": _Service(
        "https://api.search.brave.com", "/res/v1/web/search", "GET",
        lambda query, count: {"q": query, "count": count},
        ("web", "results"), ("url", "title", "description"), "X-Subscription-Token: {}",
    ),
}  # fmt: skip


class JsonEngine:
    """An engine behind an address that answers in JSON."""

    def __init__(
        self, name: str, address: str, service: _Service, key: str, guard: AddressGuard
    ) -> None:
        """Ask at `address`; redirects from there are not followed, for they would take the key.

        Raises ConfigError where that is no address.
        """
        self.name = name
        self._service = service
        self._guard = guard
        try:
            self._url = guard.checked(address + service.path)
        except WebError as error:
            raise ConfigError(f"{error} Say where {name} is: web.address") from error
        self._headers = {"Accept": "application/json"}
        if service.key is not None:
            header, _, value = service.key.partition(": ")
            self._headers[header] = value.format(key)

    def results(self, query: str, count: int) -> tuple[Result, ...]:
        """Return the best pages for a query. Raises WebError."""
        asked = self._service.asks(query, count)
        parts = {"params": asked} if self._service.method == "GET" else {"json": asked}
        with answering(
            self._service.method,
            self._url,
            self._guard,
            Deadline(_SECONDS),
            headers=self._headers,
            **parts,
        ) as answer:
            status = answer.status_code
            data = body_of(answer, _MOST) if status == 200 else b""
        if status != 200:
            raise WebError(self._refusal(status))
        try:
            found = json.loads(data)
            for name in self._service.list_of:
                found = found.get(name) or {}
        except (ValueError, AttributeError, RecursionError) as error:
            raise WebError(f"What answers at {self._url} is not {self.name}.") from error
        return _results(found, self._service.fields, count)

    def _refusal(self, status: int) -> str:
        said = f"The search engine {self.name} answers {status}"
        if self.name == "searxng" and status == 403:
            return f"{said}: JSON has to be among the formats in its settings.yml."
        if status in (401, 403):
            return f"{said}: it does not take the key (web.key)."
        if status == 429:
            return f"{said}: it was asked too often."
        return f"{said}."


def _results(found: object, fields: tuple[str, str, str], count: int) -> tuple[Result, ...]:
    """Return what an engine found; what has no address is passed over, and what comes twice."""
    results: dict[str, Result] = {}
    for each in found if isinstance(found, Iterable) else ():
        if isinstance(each, Mapping):
            address, title, snippet = (str(each.get(name) or "") for name in fields)
            if address.startswith(("http://", "https://")):
                results.setdefault(address, Result(address, _text(title), _text(snippet)))
    return tuple(results.values())[:count]


def _text(marked: str) -> str:
    """Return the text of what may have tags around the words that match."""
    return " ".join(html.unescape(_TAG.sub("", marked)).split())


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _brief(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(".")
