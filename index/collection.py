"""A collection: several libraries searched as one."""

from __future__ import annotations

from collections.abc import Collection as Those
from collections.abc import Iterable

from .dense import Embedder
from .fusion import by_reciprocal_rank
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

    @property
    def embedder(self) -> Embedder | None:
        """What the libraries are searched by meaning with, if they are."""
        return self.libraries[0].embedder

    def search(
        self, query: str, limit: int, exclude: Those[tuple[str, str]] = frozenset()
    ) -> tuple[tuple[str, Hit], ...]:
        """Return the best passages for `query`, each with the name of its library.

        Passages in `exclude`, (name of library, id of passage), are passed over. Scores of
        different libraries cannot be compared, so their results take turns.
        """
        found: dict[tuple[str, str], Hit] = {}
        rankings = []
        for library in self.libraries:
            hidden = {passage for name, passage in exclude if name == library.name}
            ranking = {
                (library.name, hit.passage.id): hit for hit in library.search(query, limit, hidden)
            }
            found |= ranking
            rankings.append(list(ranking))
        order = by_reciprocal_rank(rankings)[:limit]
        return tuple((name, found[name, passage]) for name, passage in order)
