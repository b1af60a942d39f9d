"""Numbers as texts write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.numerals import GROUPED, plain
from edge_agent.checking.wording import words


@given(
    st.integers(1_000_000, 10**15),
    st.sampled_from([",.", ".,", "\u202f,", "\u00a0."]),
    st.integers(1, 99),
)
def test_a_number_is_one_however_its_parts_are_told_apart(
    whole: int, signs: str, decimals: int
) -> None:
    written = f"{f'{whole:,}'.replace(',', signs[0])}{signs[1]}{decimals}"
    assert re.fullmatch(GROUPED, written)
    assert plain(written) == f"{whole}.{decimals}"
    assert words(f"There were {written} of them.")[2] == f"{whole}.{decimals}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,200 or 1.200.300,5", ["1,200", "1.200.300,5"]),
        ("grew by 12,5 per cent", ["12,5"]),
        ("1,2,3 and 1,2-dichlorethane", []),
        ("pages 12,15 and 20, (3,4), [10,20], 12,5–13,5", []),
        ("In 1990,10 people came", []),
        ("12,5 %, 1,8 m, 3,99€", ["12,5", "1,8", "3,99"]),
        ("version 1.234.567.8 of 1990,1991", []),
        ("on 12.03.2021, 10 000 came", []),
    ],
)
def test_what_only_looks_like_one_is_none(text: str, found: list[str]) -> None:
    assert re.findall(GROUPED, text) == found
