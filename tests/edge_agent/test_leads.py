"""Leads: names that were read and not looked up, and quotes that have to do with the question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_told import Told, exhibit

from edge_agent.leads import leads, names, on_topic

QUESTION = "Where was the director of the film Night Ferry born?"
FILM = exhibit(1, "Night Ferry (film)", "Night Ferry is a 1951 film directed by Ana Ruiz.")
BOAT = exhibit(2, "Ferry", "A ferry is a boat.")
PAINTER = exhibit(2, "Ana Ruiz", "Ana Ruiz was a painter, born in Toledo.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Night Ferry is a film by Ana Ruiz.", ["Night Ferry", "Ana Ruiz"]),
        ("She met Ludwig van der Berg's son.", ["Ludwig van der Berg"]),
        ("He was an Italian painter from Toledo, in June 1951.", ["Toledo"]),
        ("Ferries are boats. Boats swim.", []),
        ("Apollo 11 landed.", ["Apollo 11"]),
        ("They were born on 4 May 1981.", []),
    ],
)
def test_names_are_runs_of_capitals(text: str, found: list[str]) -> None:
    assert list(names(text)) == found


@given(st.text())
def test_names_stand_in_the_text(text: str) -> None:
    assert all(name in text for name in names(text))


def test_a_lead_is_a_name_that_was_read_and_not_looked_up() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM, BOAT)
    assert leads("Night Ferry is a film directed by Ana Ruiz.", told.trajectory) == (
        "Night Ferry",
        "Ana Ruiz",
    )
    told.quoted(FILM, "Ana Ruiz birthplace")
    assert leads("Ana Ruiz grew up in Toledo.", told.trajectory) == ("Toledo",)


def test_what_was_only_shown_beside_others_is_still_a_lead() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM, PAINTER)
    assert "Ana Ruiz" in leads("It was directed by Ana Ruiz.", told.trajectory)
    told.quoted(PAINTER, "Night Ferry director")
    assert "Ana Ruiz" not in leads("It was directed by Ana Ruiz.", told.trajectory)


def test_a_part_in_brackets_does_not_hide_a_title() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM).quoted(FILM, "boats")
    assert leads("Night Ferry is a film.", told.trajectory) == ()


def test_quotes_are_about_what_was_asked_or_looked_up() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM, BOAT)
    quotable = told.trajectory.quotable
    assert [line[:11] for line in on_topic(quotable, told.trajectory)] == ["Night Ferry"]
    stray = Told("what floats?").searched("what floats?", FILM, BOAT)
    assert on_topic(stray.trajectory.quotable, stray.trajectory) == tuple(stray.trajectory.quotable)
