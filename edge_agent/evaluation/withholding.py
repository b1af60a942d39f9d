"""A collection from which documents are taken away, so that a question has no answer in it."""

from __future__ import annotations

from collections.abc import Collection as Those

from edge_agent.index import Collection, Hit


class Withholding(Collection):
    """A collection without the documents `hidden`, for whoever works with it."""

    def __init__(self, collection: Collection, hidden: Those[str] = frozenset()) -> None:
        """Search `collection`, but for the documents with these ids or titles."""
        super().__init__(collection.libraries)
        self.hidden = frozenset(hidden)
        found = (collection.find_document(each) for each in hidden)
        self._documents = {each for each in found if each is not None}
        self._passages = {
            (library, passage.id)
            for library, document in self._documents
            for passage in collection.document(library, document)
        }

    def search(
        self, query: str, limit: int, exclude: Those[tuple[str, str]] = frozenset()
    ) -> tuple[tuple[str, Hit], ...]:
        """Search as ever, and never find what is hidden."""
        return super().search(query, limit, self._passages | set(exclude))

    def find_document(self, title_or_id: str) -> tuple[str, str] | None:
        """Find a document as ever, but for those that are hidden: they cannot be read either."""
        found = super().find_document(title_or_id)
        return None if found in self._documents else found

    def named(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return what is called `name` as ever, but for what is hidden."""
        return tuple(each for each in super().named(name) if each not in self._documents)
