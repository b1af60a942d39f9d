"""Batches: examples of like length side by side, within their room."""

from __future__ import annotations

import random

from batching import batches
from examples import Example
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(2, 300), max_size=60), st.integers(100, 900), st.integers(0, 9))
def test_every_example_is_in_one_batch_that_keeps_to_its_room(
    lengths: list[int], most: int, seed: int
) -> None:
    chosen = [
        Example("s", str(number), "reading", "v", False, (number,) * length, (1,))
        for number, length in enumerate(lengths)
    ]
    made = batches(chosen, most, random.Random(seed))
    assert sorted(each.question for rows in made for each in rows) == sorted(
        each.question for each in chosen
    )
    for rows in made:
        longest = max(len(row.tokens) for row in rows)
        assert len(rows) * longest <= most or len(rows) == 1
    assert made == batches(chosen, most, random.Random(seed))


def test_little_is_filled_up() -> None:
    chosen = [
        Example("s", str(number), "reading", "v", False, (0,) * number, (1,))
        for number in range(100, 1100, 5)
    ]
    made = batches(chosen, 8000, random.Random(1))
    padded = sum(len(rows) * max(len(row.tokens) for row in rows) for rows in made)
    assert padded < 1.2 * sum(len(each.tokens) for each in chosen)
