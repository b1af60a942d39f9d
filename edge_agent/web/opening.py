"""Opens the web, where it was asked for: with what is set, or without the network."""

from __future__ import annotations

import os
from dataclasses import dataclass

from edge_agent.config import WebSettings
from edge_agent.errors import ConfigError
from edge_agent.home import Home
from edge_agent.index import Embedder
from edge_agent.installation import require_extra

from .browser import Browser, Fetch
from .cache import Cache
from .engines import KEY_VARIABLE, Engine, Result, open_engine
from .errors import WebError
from .fetching import Fetcher, Page
from .guard import AddressGuard
from .library import WebLibrary
from .reading import PageReader


def open_web(
    settings: WebSettings, home: Home, embedder: Embedder | None, *, offline: bool
) -> WebLibrary:
    """Return the web as a library; with `offline` only what is kept of it, however old.

    Raises ConfigError where the engine lacks its key or its address, or the extra is not installed,
    and AgentError where what is kept cannot be opened.
    """
    guard = AddressGuard(settings.allow)
    engine: Engine
    fetch: Fetch
    if offline:
        engine = nobody = _Nobody(settings.engine)
        fetch = nobody.fetch
    else:
        engine = _engine(settings)
        fetch = Fetcher(guard, settings.page_seconds).fetch
    cache = Cache(home.web, settings.cache_days, settings.cache_mb)
    browser = Browser(engine, fetch, PageReader(), cache)
    return WebLibrary(browser, guard, settings.pages, embedder)


def check_engine(settings: WebSettings) -> None:
    """Raise ConfigError as `open_web` does, without opening what is kept."""
    _engine(settings)


def _engine(settings: WebSettings) -> Engine:
    require_extra("web", "Searching the web needs", ConfigError)
    return open_engine(settings, os.environ.get(KEY_VARIABLE) or settings.key)


@dataclass(frozen=True, slots=True)
class _Nobody:
    """What is asked without a network: it answers nothing, so that what is kept counts."""

    name: str

    def results(self, query: str, count: int) -> tuple[Result, ...]:
        raise WebError(f"No answer to '{query}' is kept, and --offline allows no new one.")

    def fetch(self, address: str) -> Page:
        raise WebError(f"{address} is not kept, and --offline allows no visit to it.")
