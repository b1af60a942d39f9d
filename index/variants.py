"""Variants: terms of an index that stand for one of a query, where it is written within them.

A character of those that become pairs is the beginning of terms. Words of French and Italian may
have an article before them (l'évêque, dell'Aquila), names of Turkish an ending (Atatürk'ün): the
index has those as one term.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .analysis import all_terms, folded, is_half_a_pair, words
from .query import Query

_ARTICLES = ("l'", "d'", "qu'", "s'", "n'", "un'", "all'", "dall'", "dell'", "nell'", "sull'")
"""What loses its vowel before another one."""
_CONTRACTED = frozenset(("t", "ll", "re", "ve", "d", "m", "s"))
"""What English has for an ending is another word: don't is not of Don."""
_VOWELS = "aeiouyh"
_SHORTEST = 3
"""Letters of a word that is looked for within others."""
_ENOUGH = 100
"""Passages with a word itself that need no others beside them."""
_WORTH = 0.5
"""What a word with an article or an ending is worth beside the word itself."""


class Vocabulary(Protocol):
    """The terms of an index."""

    def frequency(self, term: str) -> int:
        """Return how many passages have a term; one that has it in two fields may count twice."""

    def beginning(self, start: str) -> Iterable[str]:
        """Return the terms that begin with `start`, each once."""


def variants(query: Query, vocabulary: Vocabulary) -> list[dict[str, float]]:
    """Return for each term of a query the terms that are scored as it, and what each is worth."""
    written = {term: folded(word) for word in words(query.text) for term in all_terms(word)}
    return [_variants(term, written.get(term, term), vocabulary) for term in query.terms]


def _variants(term: str, word: str, vocabulary: Vocabulary) -> dict[str, float]:
    alone = {term: 1.0}
    if is_half_a_pair(term):
        return alone | dict.fromkeys(vocabulary.beginning(term), 1.0)
    frequency = vocabulary.frequency(term)
    if len(word) < _SHORTEST or frequency >= _ENOUGH:
        return alone
    begun = vocabulary.beginning(f"{word}'")
    forms = {form for form in begun if form[len(word) + 1 :] not in _CONTRACTED}
    if word.startswith(tuple(_VOWELS)):
        forms.update(*(all_terms(article + word) for article in _ARTICLES))
    # Only a word that stands alone less often than so: in English it is another one, if any.
    if sum(map(vocabulary.frequency, forms)) <= frequency:
        return alone
    return dict.fromkeys(forms, _WORTH) | alone
