"""Queries: a bag of words, with quoted phrases and `field:` words for those who want them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .analysis import all_terms, terms

_FIELD_NAMES = {"title": "title", "heading": "headings", "headings": "headings", "text": "text"}
"""What people may write before a colon, and the field of the index that it means."""

_QUOTED = r"""["“”„«»]([^"“”„«»]*)["“”„«»]"""
_PART = re.compile(rf"(?:\b({'|'.join(_FIELD_NAMES)}):(?=\S))?(?:{_QUOTED}|([^\s\"“”„«»]+))", re.I)
_MOST_TERMS = 64
"""Terms that count: a model may ask with a whole page."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. Passages that meet the demands come first; none is left out for them."""

    text: str
    """The words as they were written, without quotes and names of fields."""
    terms: tuple[str, ...]
    """The terms to score, each once."""
    phrases: tuple[tuple[str, ...], ...] = ()
    """Demanded: terms that stand next to each other, stop words among them."""
    phrased: tuple[str, ...] = ()
    """The terms of all phrases, without stop words: what texts are indexed by."""
    fields: tuple[tuple[str, str], ...] = ()
    """Demanded: (field of the index, term in it)."""

    @property
    def demanding(self) -> bool:
        """Whether it has a phrase or names a field."""
        return bool(self.phrases or self.fields)

    def phrases_in(self, *texts: str) -> bool:
        """Return whether each phrase stands in one of `texts`."""
        if not self.phrases:
            return True
        searched = [_joined(all_terms(text)) for text in texts]
        return all(any(_joined(phrase) in text for text in searched) for phrase in self.phrases)


def parse_query(text: str) -> Query:
    """Read a query. Every string is one; one without a word in it finds nothing."""
    plain: list[str] = []
    phrases: list[tuple[str, ...]] = []
    phrased: list[str] = []
    fields: list[tuple[str, str]] = []
    for match in _PART.finditer(text):
        words = match[2] if match[2] is not None else match[3]
        plain.append(words)
        found = tuple(all_terms(words))
        if match[1] is not None:
            fields += ((_FIELD_NAMES[match[1].lower()], term) for term in terms(words) or found)
        if match[2] is not None and len(found) > 1:
            phrases.append(found)
            phrased += terms(words)
    words = " ".join(plain)
    # Where there is nothing but stop words (“The Who”) they are looked for: titles have them.
    chosen = tuple(dict.fromkeys(terms(words) or all_terms(words)))[:_MOST_TERMS]
    return Query(words, chosen, tuple(phrases), tuple(phrased), tuple(fields))


def _joined(found: tuple[str, ...] | list[str]) -> str:
    """Return terms as one string in which a run of them can be looked for."""
    return f" {' '.join(found)} "
