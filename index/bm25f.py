"""BM25F in numpy: the frequencies of a term in all fields are joined, then saturated.

The formula is that of Robertson, Zaragoza and Taylor, “Simple BM25 extension to multiple weighted
fields” (CIKM 2004): with w and b of a field, tf = Σ w · frequency ÷ (1 - b + b · length ÷ average),
and a passage scores Σ idf · tf ÷ (k1 + tf) over the terms of the query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Postings = Callable[[str, str], tuple[Numbers, Scores] | None]
"""The passages of a segment, ascending, that have (field, term), and how often."""

LONGEST = 65_535
"""Terms of a field that are counted, so that a length fits into two bytes."""
K1 = 1.2
"""How soon a frequency is saturated."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the index: how much a word in it counts, and how much less in a long one."""

    name: str
    weight: float
    b: float


FIELDS = (Field("text", 1.0, 0.6), Field("headings", 2.0, 0.5), Field("title", 5.0, 0.75))
"""The weights did best on the train questions of the sets that the README names."""


@dataclass(frozen=True, slots=True)
class ScoredSegment:
    """A segment of the index as it is scored."""

    size: int
    """Passages, deleted ones too."""
    norms: Mapping[str, Scores]
    """For each field: 1 - b + b · length ÷ average length, for each passage."""
    postings: Postings


def length_norms(
    lengths: Mapping[str, Sequence[npt.NDArray[np.uint16]]],
) -> list[dict[str, Scores]]:
    """Return for each segment the norm of each field, of the field's lengths in all segments."""
    segments = max((len(parts) for parts in lengths.values()), default=0)
    norms: list[dict[str, Scores]] = [{} for _ in range(segments)]
    for field in FIELDS:
        parts = lengths[field.name]
        total = sum(int(part.sum(dtype=np.int64)) for part in parts)
        average = max(1.0, total / max(1, sum(len(part) for part in parts)))
        for number, part in enumerate(parts):
            share = np.float32(field.b / average)
            norms[number][field.name] = part.astype(np.float32) * share + np.float32(1 - field.b)
    return norms


def score(segments: Sequence[ScoredSegment], terms: Iterable[Mapping[str, float]]) -> list[Scores]:
    """Return the score of each passage of each segment; nought for one that has none of `terms`.

    Each of them is given by the terms that stand for it in the index, and what those are worth.
    """
    scores = [np.zeros(segment.size, np.float32) for segment in segments]
    scratch = [np.zeros(segment.size, np.float32) for segment in segments]
    count = sum(segment.size for segment in segments)
    for term in terms:
        found = [
            _joined(segment, term, area) for segment, area in zip(segments, scratch, strict=True)
        ]
        frequency = sum(len(numbers) for numbers, _ in found)
        idf = np.float32(log(1 + (count - frequency + 0.5) / (frequency + 0.5)))
        for total, (numbers, weights) in zip(scores, found, strict=True):
            total[numbers] += idf * weights / (np.float32(K1) + weights)
    return scores


def _joined(
    segment: ScoredSegment, term: Mapping[str, float], scratch: Scores
) -> tuple[Numbers, Scores]:
    """Return the passages that have a term in any field, and its weighted frequency there.

    `scratch` is all noughts before and after.
    """
    fresh: list[Numbers] = []
    for field, (form, worth) in product(FIELDS, term.items()):
        postings = segment.postings(field.name, form)
        if postings is not None:
            numbers, frequencies = postings
            fresh.append(numbers[scratch[numbers] == 0])
            weight = np.float32(field.weight * worth)
            scratch[numbers] += weight * frequencies / segment.norms[field.name][numbers]
    if not fresh:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    union = np.concatenate(fresh)
    weights = scratch[union]
    scratch[union] = 0
    return union, weights


def best(scores: Sequence[Scores], limit: int) -> list[tuple[int, int, float]]:
    """Return (segment, passage, score) of the `limit` best passages, nought left out."""
    found = []
    for number, part in enumerate(scores):
        if len(part) > limit:
            # Equal scores at the edge all stay, so that ties are settled below, the same each time.
            edge = np.partition(part, len(part) - limit)[len(part) - limit]
            passages = np.flatnonzero((part >= edge) & (part > 0))
        else:
            passages = np.flatnonzero(part > 0)
        found += [(number, int(passage), float(part[passage])) for passage in passages]
    found.sort(key=lambda entry: (-entry[2], entry[0], entry[1]))
    return found[:limit]
