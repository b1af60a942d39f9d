"""A collection: several libraries searched as one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, zip_longest

from .library import Hit, Library


class Collection:
    """One or more libraries, asked together; what is found names the library it is in."""

    def __init__(self, libraries: Iterable[Library]) -> None:
        """Collect `libraries`, at least one."""
        self.libraries = tuple(libraries)

    @property
    def name(self) -> str:
        """The names of the libraries."""
        return "+".join(library.name for library in self.libraries)

    def search(self, query: str, limit: int) -> tuple[tuple[str, Hit], ...]:
        """Return the best passages for `query`, each with the name of its library.

        Scores of different libraries cannot be compared, so their results take turns.
        """
        found = [
            [(library.name, hit) for hit in library.search(query, limit)]
            for library in self.libraries
        ]
        turns = chain.from_iterable(zip_longest(*found))
        return tuple(entry for entry in turns if entry is not None)[:limit]
