"""Ranking: the best passages for a query, by its words and by what it means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum

from .dense import DenseIndex
from .errors import NotEmbedded
from .fusion import combined
from .lexical import LexicalIndex
from .passages import Passage
from .query import Query

_CANDIDATES = 100
"""Passages of each kind of search that are ranked together, where all have vectors."""
_EMBEDDED = 30
"""Best passages by words that are embedded to be ranked, where not all have vectors yet."""
_BELOW = 0.001
"""How far apart passages are scored that are ranked by words after those with vectors."""
_PHRASED = 1_000
"""Best passages with the words of a phrase that are looked through for the phrase itself."""
_OF_ONE = 3
"""Most passages of one document among those found, where documents are ranked first."""

PassagesByKey = Callable[[list[int]], dict[int, Passage]]
"""Returns passages by key, in the order asked for, those that are there."""


class By(str, Enum):
    """What passages are ranked by."""

    WORDS = "words"
    MEANING = "meaning"
    BOTH = "both"


class Ranker:
    """Ranks the passages of a library."""

    def __init__(
        self, lexical: LexicalIndex, dense: DenseIndex | None, passages: PassagesByKey
    ) -> None:
        """Rank by `lexical`, and by `dense` where there is one."""
        self._lexical = lexical
        self._dense = dense
        self._passages = passages

    def best(
        self, query: Query, limit: int, hidden: Collection[int], by: By
    ) -> list[tuple[Passage, float]]:
        """Return the best passages, with scores; those that meet the query's demands first.

        Those whose keys are in `hidden` are passed over, and so are copies: of those, and of others
        that are found. Raises DamagedIndex, and NotEmbedded where
        meaning alone cannot be searched by.
        """
        if by is By.MEANING and (self._dense is None or not self._dense.is_whole):
            raise NotEmbedded("There are no vectors to search.")
        scores = self._scores(query, limit, hidden, by)
        if query.demanding:
            scores |= self._lifted(self._meeting(query, hidden, max(limit, _PHRASED)), scores)
        ranked = sorted(scores, key=lambda key: -scores[key])
        # A row that is not there was replaced since the index was opened: take some more.
        found = self._passages(ranked[: limit + _EMBEDDED])
        seen = {passage.content for passage in self._passages(list(hidden)).values()}
        best: list[tuple[Passage, float]] = []
        for key, passage in found.items():
            if passage.content not in seen and len(best) < limit:
                seen.add(passage.content)
                best.append((passage, scores[key]))
        return best

    def _scores(
        self, query: Query, limit: int, hidden: Collection[int], by: By
    ) -> dict[int, float]:
        """Return the keys of the best passages, with their scores."""
        if not query.terms:
            return {}
        if self._dense is None or by is By.WORDS:
            count = limit + _EMBEDDED
            return {hit.key: hit.score for hit in self._lexical.search(query, count, hidden)}
        count = max(limit, _CANDIDATES)
        vector = self._dense.query_vector(query.text)
        near = self._dense.nearest(vector, count + len(hidden))
        near = {key: cosine for key, cosine in near.items() if key not in hidden}
        if by is By.MEANING:
            return near
        hits = self._lexical.search(query, count, hidden)
        lacking = [hit.key for hit in hits if hit.key not in near]
        lacking = lacking if self._dense.is_whole else lacking[:_EMBEDDED]
        passages = self._passages(lacking)
        if passages:
            cosines = self._dense.vectors(list(passages.values())) @ vector
            near |= dict(zip(passages, cosines.tolist(), strict=True))
        joint = combined(self._lexical.scores(query, near), near)
        # What was found by words alone follows, in its own order, each a little below the last.
        lowest = min(joint.values(), default=0.0)
        rest = (hit.key for hit in hits if hit.key not in joint)
        return joint | {key: lowest - rank * _BELOW for rank, key in enumerate(rest, start=1)}

    @staticmethod
    def _lifted(meeting: Sequence[int], scores: Mapping[int, float]) -> dict[int, float]:
        """Return scores for some passages that are above all others, in their own order.

        Those that have none follow the others of them, in the order in which they are given.
        """
        highest, lowest = max(scores.values(), default=0.0), min(scores.values(), default=0.0)
        lift = highest - lowest + _BELOW * (len(meeting) + 1)
        rest = (key for key in meeting if key not in scores)
        last = {key: lowest + lift - rank * _BELOW for rank, key in enumerate(rest, start=1)}
        return {key: scores[key] + lift for key in meeting if key in scores} | last

    def _meeting(self, query: Query, hidden: Collection[int], count: int) -> list[int]:
        """Return the keys of passages that have what the query demands, best by words first."""
        hits = self._lexical.search(query, count, hidden, strict=True)
        passages = self._passages([hit.key for hit in hits])
        return [
            key
            for key, passage in passages.items()
            if query.phrases_in(passage.text, passage.title, *passage.headings)
        ]


def varied(ranked: Iterable[tuple[Passage, float]]) -> Iterator[tuple[Passage, float]]:
    """Yield passages in order, those passed over of whose document there are enough."""
    taken: Counter[str] = Counter()
    for passage, points in ranked:
        taken[passage.document] += 1
        if taken[passage.document] <= _OF_ONE:
            yield passage, points
