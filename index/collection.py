"""A collection: several libraries searched as one."""

from __future__ import annotations

from collections.abc import Collection as Those
from collections.abc import Iterable, Sequence
from typing import Protocol

from .dense import Embedder
from .fusion import by_reciprocal_rank
from .library import Hit, Library
from .passages import Passage, short_title
from .relevance import relevance


class Searched(Protocol):
    """What can be searched: a library, or something else that answers with passages.

    Where it cannot be reached now, its methods raise Unreachable.
    """

    @property
    def name(self) -> str:
        """What it is called in what is found."""

    @property
    def embedder(self) -> Embedder | None:
        """What it is searched by meaning with, if it is."""

    def search(self, query: str, limit: int, exclude: Those[str] = frozenset()) -> tuple[Hit, ...]:
        """Return the best passages for `query`, best first; those of the ids in `exclude` not."""

    def document(self, document: str) -> tuple[Passage, ...]:
        """Return all passages of a document, in order; none where it is not there."""

    def find_document(self, title_or_id: str) -> str | None:
        """Return the id of the document with that id, else with that title, or None."""

    def named(self, name: str) -> tuple[str, ...]:
        """Return the ids of documents that are called `name`."""

    def close(self) -> None:
        """Let go of it."""


class Collection:
    """One or more libraries, asked together; what is found names the library it is in."""

    def __init__(self, libraries: Iterable[Library], first: Searched | None = None) -> None:
        """Collect `libraries`, at least one; what is `first`, if anything, comes before them."""
        self.libraries = tuple(libraries)
        self._searched: tuple[Searched, ...] = self.libraries
        if first is not None:
            self._searched = (first, *self.libraries)

    @property
    def name(self) -> str:
        """The names of the libraries."""
        return "+".join(library.name for library in self._searched)

    @property
    def embedder(self) -> Embedder | None:
        """What the libraries are searched by meaning with, if they are."""
        return self._searched[0].embedder

    def document(self, library: str, document: str) -> tuple[Passage, ...]:
        """Return all passages of a document of a library, in order; none where it is not there."""
        return next(
            (each.document(document) for each in self._searched if each.name == library), ()
        )

    def passages_about(
        self, library: str, document: str, query: str, limit: int
    ) -> tuple[Passage, ...]:
        """Return the passages of a document that say most about `query`, best first."""
        return self.best(self.document(library, document), query, limit)

    def best(self, passages: Sequence[Passage], query: str, limit: int) -> tuple[Passage, ...]:
        """Return those of some passages that say most about `query`, best first."""
        worded = [" ".join([*passage.headings, passage.text]) for passage in passages]
        meant = [passage.text for passage in passages]
        best = list(relevance(query, worded, meant, self.embedder))
        return tuple(passages[number] for number in best[:limit])

    def find_document(self, title_or_id: str) -> tuple[str, str] | None:
        """Return the library and the id of the document with that id, else with that title."""
        for library in self._searched:
            document = library.find_document(title_or_id)
            if document is not None:
                return library.name, document
        return None

    def documents(self, title_or_id: str) -> tuple[tuple[str, str], ...]:
        """Return the libraries and the ids of the documents with that id or that title.

        Of many documents of one library with the same title they are the first few.
        """
        known = [(each.name, each.find_document(title_or_id)) for each in self._searched]
        found = [(name, document) for name, document in known if document is not None]
        wanted = short_title(title_or_id).casefold()
        found += (
            (name, document)
            for name, document in self.named(title_or_id)
            if any(
                short_title(part.title).casefold() == wanted
                for part in self.document(name, document)
            )
        )
        return tuple(dict.fromkeys(found))

    def named(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return the libraries and the ids of documents that are called `name`."""
        return tuple((each.name, found) for each in self._searched for found in each.named(name))

    def search(
        self, query: str, limit: int, exclude: Those[tuple[str, str]] = frozenset()
    ) -> tuple[tuple[str, Hit], ...]:
        """Return the best passages for `query`, each with the name of its library.

        Passages in `exclude`, (name of library, id of passage), are passed over. Of copies in
        several libraries one is returned. Scores of different libraries cannot be compared, so
        their results take turns.
        """
        found: dict[tuple[str, str], Hit] = {}
        rankings = []
        for library in self._searched:
            hidden = {passage for name, passage in exclude if name == library.name}
            ranking = {
                (library.name, hit.passage.id): hit for hit in library.search(query, limit, hidden)
            }
            found |= ranking
            rankings.append(list(ranking))
        copies: dict[tuple[str, str], tuple[str, Hit]] = {}
        for name, passage in by_reciprocal_rank(rankings):
            hit = found[name, passage]
            copies.setdefault(hit.passage.content, (name, hit))
        return tuple(copies.values())[:limit]
