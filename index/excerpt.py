"""Excerpts: the sentences of a passage that answer a query, within a token budget."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .sentences import sentences

_WORD = re.compile(r"\w+")
_GAP = " … "


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some sentences of a passage, in their order; `text` marks the gaps between them."""

    text: str
    sentences: tuple[str, ...]


def excerpt(text: str, query: str, count: Callable[[str], int], tokens: int) -> Excerpt:
    """Choose sentences of `text` for `query` until `tokens`, counted by `count`, are used up.

    Sentences are ranked by the share of the query's words that they add to those chosen before;
    early ones win ties, since a passage says first what it is about. At least one is chosen.
    """
    # Line breaks inside a sentence are the page's, not the author's.
    found = tuple(" ".join(sentence.split()) for sentence in sentences(text))
    wanted = _stems(query)
    stems = [_stems(sentence) for sentence in found]
    chosen: set[int] = set()
    left = tokens
    while len(chosen) < len(found):
        covered = frozenset[str]().union(*(stems[index] for index in chosen))
        best = max(
            (index for index in range(len(found)) if index not in chosen),
            key=lambda index: (len((stems[index] & wanted) - covered), -index),
        )
        cost = count(found[best])
        if chosen and cost > left:
            break
        chosen.add(best)
        left -= cost
    order = sorted(chosen)
    return Excerpt(_joined(found, order), tuple(found[index] for index in order))


def _joined(found: tuple[str, ...], order: list[int]) -> str:
    pieces: list[str] = []
    for position, index in enumerate(order):
        if position and index != order[position - 1] + 1:
            pieces.append(_GAP)
        elif position:
            pieces.append(" ")
        pieces.append(found[index])
    return "".join(pieces)


def _stems(text: str) -> frozenset[str]:
    """Return the words of `text`, shortened so that `bridges` and `bridge` are one."""
    return frozenset(word[:6] for word in _WORD.findall(text.lower()) if len(word) > 2)
