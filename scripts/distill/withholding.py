"""A library from which documents are taken away, so that a question has no answer in it."""

from __future__ import annotations

from collections.abc import Collection as Those

from edge_agent.index import Collection, Hit, Library


class Withholding(Collection):
    """A library without the documents `hidden`, for whoever searches it."""

    def __init__(self, library: Library, hidden: Those[str] = frozenset()) -> None:
        """Search `library`, but for those documents."""
        super().__init__([library])
        self.hidden = frozenset(hidden)
        self._passages = {
            (library.name, passage.id) for each in hidden for passage in library.document(each)
        }

    def search(
        self, query: str, limit: int, exclude: Those[tuple[str, str]] = frozenset()
    ) -> tuple[tuple[str, Hit], ...]:
        """Search as ever, and never find what is hidden."""
        return super().search(query, limit, self._passages | set(exclude))
