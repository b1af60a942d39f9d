"""Variants: terms of an index that stand for one of a query, where it is written within them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .analysis import is_half_a_pair
from .query import Query


class Vocabulary(Protocol):
    """The terms of an index."""

    def beginning(self, start: str) -> Iterable[str]:
        """Return the terms that begin with `start`, each once."""


def variants(query: Query, vocabulary: Vocabulary) -> list[dict[str, float]]:
    """Return for each term of a query the terms that are scored as it, and what each is worth.

    A character of those that become pairs is the beginning of some.
    """
    return [_variants(term, vocabulary) for term in query.terms]


def _variants(term: str, vocabulary: Vocabulary) -> dict[str, float]:
    begun = vocabulary.beginning(term) if is_half_a_pair(term) else ()
    return {term: 1.0} | dict.fromkeys(begun, 1.0)
