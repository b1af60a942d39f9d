"""Fusion: one ranking out of two.

Where two rankings are of the same passages, their scores are added (convex combination: Bruch, Gai,
Ingber, “An Analysis of Fusion Functions for Hybrid Retrieval”, 2023). On the train questions of
four sets recall after this was never below the better of the two, which after reciprocal ranks it
was. Where scores cannot be compared, because they come from different libraries or archives, only
ranks can be: reciprocal rank fusion (Cormack, Clarke, Büttcher, SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

MEANING = 0.65
"""How much the likeness of meaning counts; the words count the rest."""
_DEPTH = 10
"""The constant k of reciprocal rank fusion: how little the first ranks stand out."""


def combined(lexical: Mapping[Item, float], dense: Mapping[Item, float]) -> dict[Item, float]:
    """Return joint scores of the items in `dense`, best first.

    `lexical` scores are from nought up, and are divided by their maximum; `dense` ones are cosines.
    """
    highest = max(lexical.values(), default=0.0) or 1.0
    joint = {
        item: MEANING * cosine + (1 - MEANING) * lexical.get(item, 0.0) / highest
        for item, cosine in dense.items()
    }
    return dict(sorted(joint.items(), key=lambda entry: -entry[1]))


def by_reciprocal_rank(rankings: Iterable[Sequence[Item]]) -> list[Item]:
    """Return the items of several rankings, best first; rankings of different items take turns."""
    points: dict[Item, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            points[item] = points.get(item, 0.0) + 1 / (_DEPTH + rank)
    return sorted(points, key=lambda item: -points[item])
