"""The web as one more library: what it has to say about a query, in passages that can be cited."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

from edge_agent.events import WEB
from edge_agent.index import Document, Embedder, Hit, Passage, relevance, split, varied
from edge_agent.web_address import is_web_address

from .browser import Browser
from .engines import Result
from .errors import WebError
from .guard import AddressGuard
from .reading import one_line

_OF_PAGE = 500
"""Passages that a page may have; what goes beyond some sixty thousand words is a list."""
_SPLIT = 64
"""Pages whose passages are kept at hand."""


class WebLibrary:
    """Searches the web: the best pages are read, of the others the engine's words count.

    A document is a page, its id the address that redirects led to.
    """

    name = WEB

    def __init__(
        self, browser: Browser, guard: AddressGuard, pages: int, embedder: Embedder | None = None
    ) -> None:
        """Search with `browser`, and read the best `pages` for each search."""
        self.embedder = embedder
        self._browser = browser
        self._guard = guard
        self._pages = pages
        self._snippets: dict[str, Passage] = {}
        self._titles: dict[str, str] = {}
        self._split = lru_cache(_SPLIT)(_passages)

    def close(self) -> None:
        """End what it has started."""
        self._browser.close()

    def search(
        self, query: str, limit: int = 5, exclude: Collection[str] = frozenset()
    ) -> tuple[Hit, ...]:
        """Return the best passages for a query, by words and meaning, those in `exclude` left out.

        A page that cannot be read is what the engine says of it. Raises WebError where there is
        no answer to the query at all.
        """
        found = {each.id: each for each in self._found(query) if each.id not in exclude}
        passages = list(found.values())
        meant = [f"{each.title}. {each.text}" for each in passages]
        worded = [" ".join((each.title, *each.headings, each.text)) for each in passages]
        scores = relevance(query, worded, meant, self.embedder)
        ranked = ((passages[number], score) for number, score in scores.items())
        return tuple(Hit(*each) for each in varied(ranked))[: max(0, limit)]

    def _found(self, query: str) -> Iterator[Passage]:
        """Yield the passages of the pages that the engine finds, best page first."""
        results = tuple(self._web_results(query))
        pages = self._browser.pages([each.address for each in results[: self._pages]])
        for result in results:
            self._snippets[result.address] = _snippet(result)
            page = pages.get(result.address)
            if isinstance(page, Document):
                yield from self._known(page)
            elif result.snippet:
                yield self._snippets[result.address]

    def _web_results(self, query: str) -> Iterator[Result]:
        """Yield what the engine finds, at addresses that are some."""
        for result in self._browser.results(query):
            try:
                address = str(self._guard.checked(result.address))
            except WebError:
                continue
            yield Result(address, one_line(result.title) or address, one_line(result.snippet, 2000))

    def _known(self, page: Document) -> tuple[Passage, ...]:
        """Return the passages of a page, whose title is known from then on."""
        self._titles.setdefault(_folded(page.title), page.id)
        return self._split(page)

    def document(self, document: str) -> tuple[Passage, ...]:
        """Return the passages of the page at an address, in order; none where it is no address.

        A page that a search has found and that cannot be read is what the engine says of it. Raises
        WebError for any other that cannot be read.
        """
        if not is_web_address(document):
            return ()
        address = str(self._guard.checked(document))
        page = self._browser.pages([address])[address]
        if isinstance(page, Document):
            return self._known(page)
        if address in self._snippets and self._snippets[address].text:
            return (self._snippets[address],)
        raise page

    def find_document(self, title_or_id: str) -> str | None:
        """Return the id of the page at an address, else of one that was read with that title.

        Raises WebError for an address that is not one of the web.
        """
        if is_web_address(title_or_id):
            return str(self._guard.checked(title_or_id))
        return self._titles.get(_folded(title_or_id))

    def named(self, name: str) -> tuple[str, ...]:
        """Return the id of the page that was read with that title, if there is one."""
        found = self._titles.get(_folded(name))
        return () if found is None else (found,)


def _snippet(result: Result) -> Passage:
    """Return what an engine says of a page as a passage; its id is none of the page's own."""
    return Passage(
        id=f"{result.address}#snippet",
        document=result.address,
        title=result.title,
        source=result.address,
        headings=(),
        page=None,
        line=1,
        start=0,
        end=len(result.snippet),
        text=result.snippet,
    )


def _passages(page: Document) -> tuple[Passage, ...]:
    return split(page)[:_OF_PAGE]


def _folded(title: str) -> str:
    return " ".join(title.split()).casefold()
