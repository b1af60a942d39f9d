"""Leads: names that were read and not looked up, and quotes that have to do with the question."""

from __future__ import annotations

from runs_told import Told, exhibit

from edge_agent.events import Quote
from edge_agent.evidence import Exhibit
from edge_agent.leads import leads, on_topic

QUESTION = "Where was the director of the film Night Ferry born?"
FILM = exhibit(1, "Night Ferry (film)", "Night Ferry is a 1951 film directed by Ana Ruiz.")
BOAT = exhibit(2, "Ferry", "A ferry is a boat.")
PAINTER = exhibit(2, "Ana Ruiz", "Ana Ruiz was a painter, born in Toledo.")


def of(told: Told, text: str, quoting: Exhibit | None = None) -> tuple[str, ...]:
    quote = quoting and Quote(quoting.key, quoting.passage.text)
    return leads(text, [quote] if quote else [], told.trajectory)


def test_a_lead_is_a_name_that_was_read_and_not_looked_up() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM, BOAT)
    assert of(told, "Directed by Ana Ruiz.") == ("Ana Ruiz", "Night Ferry")
    assert of(told, "Directed by Ana Ruiz.", FILM) == ("Ana Ruiz",)
    told.quoted(FILM, "Ana Ruiz birthplace")
    assert of(told, "Ana Ruiz grew up in Toledo.") == ("Toledo",)


def test_what_was_only_shown_beside_others_is_still_a_lead() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM, PAINTER)
    assert "Ana Ruiz" in of(told, "It was directed by Ana Ruiz.")
    told.quoted(PAINTER, "Night Ferry director")
    assert "Ana Ruiz" not in of(told, "It was directed by Ana Ruiz.")


def test_a_part_in_brackets_does_not_hide_a_title() -> None:
    told = Told("what floats?").searched("what floats?", FILM).quoted(FILM, "Ana Ruiz")
    assert of(told, "Night Ferry is a film.") == ()


def test_a_query_looks_for_what_it_begins_with() -> None:
    told = Told("q?").searched("Ana Ruiz born in Toledo")
    assert of(told, "Ana Ruiz was born in Toledo.") == ("Toledo",)


def test_without_a_name_at_hand_all_that_was_quoted_is_searched_for_leads() -> None:
    both = exhibit(2, "Ana Ruiz", "Ana Ruiz was born in Toledo, and met Eva Lind.")
    told = Told(QUESTION).searched(QUESTION, FILM, both).quoted(FILM, "Ana Ruiz", both)
    told.quoted(both, "Toledo")
    assert of(told, "The town is old.") == ("Eva Lind",)
    told.searched("Eva Lind")
    assert of(told, "The town is old.") == ()


def test_quotes_are_about_what_was_asked_or_looked_up() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM, BOAT)
    quotable = told.trajectory.quotable
    assert [line[:11] for line in on_topic(quotable, told.trajectory)] == ["Night Ferry"]
    stray = Told("what floats?").searched("what floats?", FILM, BOAT)
    assert on_topic(stray.trajectory.quotable, stray.trajectory) == tuple(stray.trajectory.quotable)


def test_quotes_about_what_was_looked_up_last_come_before_others() -> None:
    told = Told(QUESTION).searched(QUESTION, FILM, PAINTER).searched("Ana Ruiz", FILM, PAINTER)
    lines = on_topic(told.trajectory.quotable, told.trajectory)
    assert [line.partition(":")[0] for line in lines] == ["Night Ferry (film)", "Ana Ruiz"]
    told.searched("Toledo", FILM, PAINTER)
    lines = on_topic(told.trajectory.quotable, told.trajectory)
    assert [line.partition(":")[0] for line in lines] == ["Ana Ruiz"]
