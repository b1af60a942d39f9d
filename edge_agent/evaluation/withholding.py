"""A collection from which documents are taken away, so that a question has no answer in it."""

from __future__ import annotations

from collections.abc import Collection as Those
from collections.abc import Iterable

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.questions import Question
from edge_agent.index import Collection, Hit, Passage


class Withholding(Collection):
    """A collection without the documents `hidden`, for whoever works with it."""

    def __init__(self, collection: Collection, hidden: Those[str] = frozenset()) -> None:
        """Search `collection`, but for the documents with these ids or titles."""
        super().__init__(collection.libraries)
        self.hidden = frozenset(hidden)
        self._documents = {each for name in hidden for each in collection.documents(name)}
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

    def document(self, library: str, document: str) -> tuple[Passage, ...]:
        """Return all passages of a document as ever, none where it is hidden."""
        return () if (library, document) in self._documents else super().document(library, document)

    def find_document(self, title_or_id: str) -> tuple[str, str] | None:
        """Find a document as ever, but for those that are hidden: they cannot be read either."""
        found = super().find_document(title_or_id)
        return None if found in self._documents else found

    def named(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return what is called `name` as ever, but for what is hidden."""
        return tuple(each for each in super().named(name) if each not in self._documents)


def require_evidence(questions: Iterable[Question], library: Collection) -> tuple[str, ...]:
    """Return the questions whose evidence the libraries lack in part, so that it is not withheld.

    Raises EvaluationError where evidence is to be withheld that nobody knows, or has. Of a question
    without an answer there is none.
    """
    answerable = [question for question in questions if question.answers]
    untold = [question.id for question in answerable if not question.gold]
    if untold:
        raise EvaluationError(
            f"The set does not say which documents answer the question '{untold[0]}'"
            f"{_and_others(untold)}, so that they cannot be withheld. Leave the condition "
            "`withheld` out."
        )
    held = {
        question.id: sum(bool(library.documents(name)) for name in question.gold)
        for question in answerable
    }
    absent = [name for name, documents in held.items() if not documents]
    if absent:
        raise EvaluationError(
            f"No library has a document that the set names as evidence for the question "
            f"'{absent[0]}'{_and_others(absent)}, so that none can be withheld. Search the "
            "documents that came with the set, or leave the condition `withheld` out."
        )
    return tuple(each.id for each in answerable if held[each.id] < len(each.gold))


def _and_others(questions: list[str]) -> str:
    return f" and {len(questions) - 1} more" if len(questions) > 1 else ""
