"""Names: the runs of capitalised words in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.checking.names import names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Night Ferry is a film by Ana Ruiz.", ["Night Ferry", "Ana Ruiz"]),
        ("She met Ludwig van der Berg's son.", ["Ludwig van der Berg"]),
        ("He was an Italian painter from Toledo, in June 1951.", ["Toledo"]),
        ("Ferries are boats. Boats swim.", []),
        ("Apollo 11 landed.", ["Apollo 11"]),
        ("They met Ana Ruiz. Night fell on St. Louis.", ["Ana Ruiz", "St. Louis"]),
        (
            "He read J. R. R. Tolkien, J.R. Hale and a U.S. Navy manual.",
            ["J. R. R. Tolkien", "J.R. Hale", "U.S. Navy"],
        ),
        ("They were born on 4 May 1981.", []),
        ("The shōgun Tokugawa Ieyasu died near the jūdō hall.", ["Tokugawa Ieyasu"]),
        ("Она родилась в Ясной Поляне, где он жил.", ["Ясной Поляне"]),
        ("Ana Ruiz 4 May 1981 Toledo", ["Ana Ruiz", "Toledo"]),
    ],
)
def test_names_are_runs_of_capitals(text: str, found: list[str]) -> None:
    assert list(names(text)) == found


@given(st.text())
def test_names_stand_in_the_text(text: str) -> None:
    assert all(name in text for name in names(text))


@pytest.mark.timeout(60, method="signal")  # a thread would wait for the expression, too
def test_a_row_of_digits_is_told_from_a_date_at_once() -> None:
    name = f"May{'1' * 5_000}a"
    assert list(names(f"They met {name} there.")) == [name]
