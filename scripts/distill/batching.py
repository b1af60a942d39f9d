"""Batches: examples of like length side by side, so that little is filled up."""

from __future__ import annotations

import random
from collections.abc import Sequence

from examples import Example


def batches(chosen: Sequence[Example], most: int, chance: random.Random) -> list[list[Example]]:
    """Return examples in batches of at most `most` tokens, filled up to a row each, at random.

    An example that is longer than that is a batch of its own.
    """
    ordered = sorted(chosen, key=lambda each: len(each.tokens) + chance.random() * 64)
    made: list[list[Example]] = [[]]
    longest = 0
    for each in ordered:
        longest = max(longest, len(each.tokens))
        if made[-1] and longest * (len(made[-1]) + 1) > most:
            made.append([])
            longest = len(each.tokens)
        made[-1].append(each)
    chance.shuffle(made)
    return [rows for rows in made if rows]
