"""What is known of the web: from before, or asked for now; what is found is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

from edge_agent.index import Document

from .cache import Cache
from .engines import Engine, Result
from .errors import WebError
from .fetching import Page
from .reading import PageReader

_RESULTS = 10
"""Pages that an engine is asked for."""

Fetch: TypeAlias = Callable[[str], Page]
"""Returns the page at an address, in limited time, from any thread. Raises WebError."""


class Browser:
    """Searches and reads; asks nobody for what it has asked before, or what is kept and fresh.

    Where an engine or a page fails, what is kept of it is better than nothing, however old.
    """

    def __init__(self, engine: Engine, fetch: Fetch, reader: PageReader, cache: Cache) -> None:
        """Ask `engine`, and read what `fetch` brings with `reader`."""
        self._engine = engine
        self._fetch = fetch
        self._cache = cache
        self._reader = reader
        self._answers: dict[str, tuple[Result, ...]] = {}
        self._pages: dict[str, Document | WebError] = {}

    def close(self) -> None:
        """End the processes that read, and close the cache."""
        self._reader.close()
        self._cache.close()

    def results(self, query: str) -> tuple[Result, ...]:
        """Return the pages that the engine finds, best first. Raises WebError."""
        if query not in self._answers:
            self._answers[query] = self._answer(query)
        return self._answers[query]

    def _answer(self, query: str) -> tuple[Result, ...]:
        kept = self._cache.answer(self._engine.name, query)
        if kept is not None and kept.fresh:
            return kept.value
        try:
            found = self._engine.results(query, _RESULTS)
        except WebError:
            if kept is None:
                raise
            return kept.value
        if not found:  # as an engine also says to whom it turns away: it is asked again
            return () if kept is None else kept.value
        self._cache.keep_answer(self._engine.name, query, found)
        return found

    def pages(self, addresses: Sequence[str]) -> dict[str, Document | WebError]:
        """Return the page at each address, or why it cannot be read. They come side by side."""
        wanted = [each for each in dict.fromkeys(addresses) if each not in self._pages]
        kept = {each: page for each in wanted if (page := self._cache.page(each)) is not None}
        asked = [each for each in wanted if each not in kept or not kept[each].fresh]
        visited = self._visited(asked)
        for address in wanted:
            found = visited.get(address)
            if isinstance(found, Document):
                self._cache.keep_page(address, found)
                self._pages[address] = found
            elif address in kept:
                self._pages[address] = kept[address].value
            else:
                self._pages[address] = found or WebError(f"{address} cannot be read.")
        return {each: self._pages[each] for each in addresses}

    def _visited(self, addresses: Sequence[str]) -> dict[str, Document | WebError]:
        """Return the pages at addresses as they are now, or why they cannot be read."""
        if not addresses:
            return {}
        with ThreadPoolExecutor(len(addresses), thread_name_prefix="web") as threads:
            futures = {address: threads.submit(self._fetch, address) for address in addresses}
        found = {address: _outcome(address, future) for address, future in futures.items()}
        came = {address: each for address, each in found.items() if isinstance(each, Page)}
        failed = {address: each for address, each in found.items() if isinstance(each, WebError)}
        read = self._reader.read(list(came.values()))
        return {**failed, **dict(zip(came, read, strict=True))}


def _outcome(address: str, future: Future[Page]) -> Page | WebError:
    """Return the page that was fetched, or why it was not."""
    try:
        return future.result()
    except WebError as error:
        return error
    except Exception as error:  # what strangers send may lead a library to anything
        return WebError(f"{address} cannot be read: {type(error).__name__}: {error}.")
