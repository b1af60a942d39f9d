"""Spelling: what a query was probably meant to say, in words that the library has."""

from __future__ import annotations

from difflib import SequenceMatcher

from .analysis import terms, words
from .lexical import LexicalIndex
from .query import Query
from .ranking import PassagesByKey

_SHORTEST = 4
"""Letters of a word that is worth guessing at: short ones are near to everything."""


def corrected(query: str, lexical: LexicalIndex, passages: PassagesByKey) -> str | None:
    """Return `query` with its unknown words replaced by ones that are spelt nearly alike.

    None where no word is unknown, or nothing is like one. The index knows stems only: the words are
    taken from `passages`. Raises DamagedIndex.
    """
    replaced = query
    for word in words(query):
        for term in terms(word):
            if len(word) < _SHORTEST or lexical.has(term):
                continue
            near = lexical.similar_terms(term)
            hits = lexical.search(Query(near[0], (near[0],)), 1) if near else []
            for passage in passages([hit.key for hit in hits]).values():
                found = f"{passage.title} {passage.text}"
                replaced = replaced.replace(word, _word_of(near[0], found, word))
    return replaced if replaced != query else None


def _word_of(term: str, text: str, meant: str) -> str:
    """Return the word of `text` with the term that looks most like what was meant."""
    having = [word for word in words(text) if term in terms(word)]
    return max(having, key=lambda word: SequenceMatcher(None, word, meant).ratio(), default=term)
