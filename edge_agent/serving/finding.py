"""Searching and reading libraries by hand, for programs that do their own thinking."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from edge_agent.index import Collection, Hit, Passage, UnknownLibrary, UnknownPassage

_MOST_AT_ONCE = 16
"""Passages of a document that are shown at once: some 2,000 words."""
_MOST_ABOUT = 5


@dataclass(frozen=True, slots=True)
class PassagesRead:
    """Passages of a document; `next` is the first one that is left, if any is."""

    library: str
    passages: tuple[Passage, ...]
    next: str | None


class Finder:
    """Searches and reads, for one caller at a time, in any thread."""

    def __init__(self, library: Collection) -> None:
        """Look into some libraries."""
        self._library = library
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the libraries."""
        return tuple(library.name for library in self._library.libraries)

    def check(self, library: str) -> None:
        """Raise UnknownLibrary where none has that name."""
        self._chosen(library)

    def search(self, query: str, library: str | None, limit: int) -> tuple[tuple[str, Hit], ...]:
        """Return the best passages, each with its library's name. Raises LibraryError."""
        with self._lock:
            return self._chosen(library).search(query, limit)

    def read(self, source: str, about: str | None, library: str | None) -> PassagesRead:
        """Return a passage by its id and what follows, or a document by its id or title.

        `about` picks what says most about something instead. Raises LibraryError.
        """
        with self._lock:
            chosen = self._chosen(library)
            name, document, first = _found(source.strip(), chosen)
            if about:
                passages = chosen.passages_about(name, document, about, _MOST_ABOUT)
                return PassagesRead(name, passages, None)
            start = 0 if first is None else first.start
            left = [each for each in chosen.document(name, document) if each.start >= start]
            following = left[_MOST_AT_ONCE].id if len(left) > _MOST_AT_ONCE else None
            return PassagesRead(name, tuple(left[:_MOST_AT_ONCE]), following)

    def _chosen(self, library: str | None) -> Collection:
        if library is None:
            return self._library
        found = [each for each in self._library.libraries if each.name == library][:1]
        if not found:
            raise UnknownLibrary(
                f"There is no library '{library}' here. There are: {', '.join(self.names)}"
            )
        return Collection(found)


def _found(source: str, collection: Collection) -> tuple[str, str, Passage | None]:
    """Return library and document of a source, and the passage if it is the id of one."""
    for library in collection.libraries:
        try:
            passage = library.passage(source)
        except UnknownPassage:
            continue
        return library.name, passage.document, passage
    found = collection.find_document(source)
    if found is None:
        raise UnknownPassage(
            f"There is no passage or document '{source}'. Search for it, and read what was found "
            "by its `passage` or `document`."
        )
    return (*found, None)
