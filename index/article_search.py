"""Which articles of a ZIM archive may answer a query.

The archive's own search finds only articles that have *all* words of a query: of a whole question
that is none. So the rarest words are looked up in pairs, and what was found is ranked by how much
of the question it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, combinations, dropwhile
from math import log

from .analysis import all_terms, terms, words
from .documents import storable
from .zim import Zim

_ARTICLES = 12
"""Articles whose passages are ranked."""
_RAREST = 10
"""Words of a query that are looked up; in pairs, that is 45 look-ups."""
_COMMON = 5
"""A word that more than one in so many articles has says little, and takes long to look up."""
_LOOKED_AT = 64
"""Words of a query whose frequency is asked for: a model may ask with a whole page."""
_COUNTED = 10_000
"""Words whose frequency is kept at hand: in a large archive, to count a common one takes long."""
_ALONE = 3
"""Rarest words that are looked up alone too."""
_TAKEN = 8
"""Best articles of a look-up that are taken."""
_TITLES = 2
"""Best articles of a look-up of titles that are taken."""
_NAMES = 8
"""Names in a query that are looked up among the titles."""
_MOST_STOP_WORDS = 16
"""Words that are looked up where there is nothing but stop words."""
_SHORT = 3
"""Letters of a word that may stand within a name."""
_OPENING = "\"'“”„«»‘’([{"
_ENDING = ",;:?!)]}"


@dataclass(slots=True)
class _Candidate:
    """An article that may answer: which of the words it has, and how high it was found."""

    having: set[str] = field(default_factory=set)
    closeness: float = 0.0


class ArticleFinder:
    """Finds the articles of an archive that have most of a query."""

    def __init__(self, zim: Zim) -> None:
        """Look in `zim`."""
        self._zim = zim
        self._frequency = lru_cache(_COUNTED)(zim.count)

    def best(self, text: str) -> list[str]:
        """Return where the articles are that have most of a query, the best first."""
        text = storable(text)
        rarities = self._rarities(text)
        candidates = self._candidates(text, rarities)

        def worth(path: str, title: str) -> float:
            candidate = candidates[path]
            titled = set(all_terms(title))
            in_title = {word for word in rarities if not titled.isdisjoint(all_terms(word))}
            having = candidate.having | in_title
            points = sum(idf for word, idf in rarities.items() if word in having)
            # A title of which the query has every word is what the query is about.
            about = sum(idf for word, idf in rarities.items() if word in in_title)
            share = len(in_title) / max(1, len(titled))
            return points + about * share / 2 + candidate.closeness

        first = sorted(candidates, key=lambda path: -worth(path, path.replace("_", " ")))
        items: dict[str, float] = {}
        for path in first[: 2 * _ARTICLES]:
            found = self._zim.located(path)
            if found is not None:
                items.setdefault(found[0], worth(path, found[1]))
        return sorted(items, key=lambda path: -items[path])[:_ARTICLES]

    def _rarities(self, text: str) -> dict[str, float]:
        """Return the rarest words of a query that the archive has, and how much each says (idf)."""
        distinct = {tuple(all_terms(word)): word for word in words(text) if terms(word)}
        # Where there is nothing but stop words (“The Who”) they are looked for.
        wanted = list(distinct.values())[:_LOOKED_AT] or words(text)[:_MOST_STOP_WORDS]
        frequencies = {word: self._frequency(word) for word in wanted}
        known = sorted((word for word in wanted if frequencies[word]), key=frequencies.__getitem__)
        articles = max(1, self._zim.articles)
        most = max(1000, articles // _COMMON)
        rare = [word for at, word in enumerate(known) if at < 2 or frequencies[word] <= most]
        return {word: log(1 + articles / frequencies[word]) for word in rare[:_RAREST]}

    def _candidates(self, text: str, rarities: Mapping[str, float]) -> dict[str, _Candidate]:
        """Return the articles that have one or two of the words, or titles that the query names."""
        found: defaultdict[str, _Candidate] = defaultdict(_Candidate)
        alone = combinations(list(rarities)[:_ALONE], 1)
        for wanted in chain(alone, combinations(rarities, 2)):
            for rank, path in enumerate(self._zim.having(" ".join(wanted), _TAKEN)):
                found[path].having.update(wanted)
                found[path].closeness += 1 / (rank + 5)
        for name in _names(text):
            for path in self._zim.suggested(name, _TITLES):
                found[path].having.update(set(words(name)) & rarities.keys())
        return dict(found)


def _names(text: str) -> list[str]:
    """Return what may be the title of an article: the whole text, and the names in it."""
    found = [text]
    for at, run in enumerate(_runs(text)):
        # What begins a sentence has a capital anyway: “Did Brunel …”
        for named in (run, run[1:]) if at == 0 else (run,):
            name = " ".join(dropwhile(lambda word: not terms(word), named))
            if name:
                found.append(name)
    return list(dict.fromkeys(found))[: _NAMES + 1]


def _runs(text: str) -> Iterator[list[str]]:
    """Yield the runs of words with capitals or digits, short words between them: “Bay of Fundy”."""
    run: list[str] = []
    length = 0
    for word in text.split():
        first = word.lstrip(_OPENING)[:1]
        if first.isupper() or first.isdigit():
            run.append(word)
            length = len(run)
        elif run and len(word) <= _SHORT:
            run.append(word)
        else:
            yield run[:length]
            run, length = [], 0
        if word[-1] in _ENDING:
            yield run[:length]
            run, length = [], 0
    yield run[:length]
