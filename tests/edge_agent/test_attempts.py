"""Attempts: what the next one is told, and whose answer counts."""

from __future__ import annotations

from runs_told import Told, exhibit

from edge_agent.attempts import elected, retry_summary
from edge_agent.events import AttemptFinished
from edge_agent.profiles import load_profile

PROFILE = load_profile("generic")
SHIP = exhibit(1, "Fram", "The Fram was built by Colin Archer.")


def attempts(*answers: str | None) -> list[AttemptFinished]:
    return [
        AttemptFinished(number, "answered" if answer else "not_found", answer, (), (), "")
        for number, answer in enumerate(answers, 1)
    ]


def test_most_votes_win_whatever_case_and_articles() -> None:
    assert elected(attempts("Oslo", "the Larvik", "larvik.")).attempt == 2


def test_of_as_many_votes_the_earliest_wins() -> None:
    assert elected(attempts(None, "Oslo", "Larvik")).attempt == 2


def test_an_attempt_without_an_answer_has_no_vote() -> None:
    assert elected(attempts(None, None, "Larvik")).answer == "Larvik"
    assert elected(attempts(None, None)).answer is None


def test_the_next_attempt_is_told_what_was_searched_and_found() -> None:
    told = Told("q?").searched("Fram", SHIP).quoted(SHIP, "Colin Archer").searched("Fram")
    summary = retry_summary(told.trajectory, PROFILE)
    assert summary.count("Fram\n") == 1
    assert "Colin Archer" in summary
    assert "Fram: The Fram was built by Colin Archer. [1]" in summary


def test_it_is_told_that_nothing_was_found() -> None:
    assert "nothing" in retry_summary(Told("q?").searched("Fram").trajectory, PROFILE)
    many = Told("q?")
    for number in range(40):
        many.searched(f"query {number}")
    summary = retry_summary(many.trajectory, PROFILE)
    assert "query 39" in summary
    assert "query 5\n" not in summary
