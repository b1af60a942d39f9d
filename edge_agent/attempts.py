"""Attempts: what one tells the next, and whose answer counts where several were made."""

from __future__ import annotations

from collections import Counter

from edge_agent.checking.wording import words
from edge_agent.events import AttemptFinished
from edge_agent.profiles import Profile
from edge_agent.trajectory import Trajectory

_MOST_LINES = 12
"""Searches, and quotes, that a summary names: the latest ones."""


def retry_summary(trajectory: Trajectory, profile: Profile) -> str:
    """Return what the next attempt is told of those before: what was tried, and what was found.

    It is put together from what happened, not written by the model, so that nothing in it is made
    up.
    """
    searches = dict.fromkeys(
        ", ".join(str(value) for value in made.call.arguments.values())
        for made in trajectory.all_calls
    )
    return profile.prompts.retry.format(
        searches="\n".join([*searches][-_MOST_LINES:]), notes=_notes(trajectory)
    ).strip()


def web_summary(trajectory: Trajectory, profile: Profile) -> str:
    """Return what an attempt on the web is told of those over the libraries: what was found."""
    return profile.prompts.web.format(notes=_notes(trajectory)).strip()


def _notes(trajectory: Trajectory) -> str:
    """Return the sentences that were quoted last, a line each."""
    lines = map(trajectory.line_of, trajectory.quotes[-_MOST_LINES:])
    return "".join(lines) or "nothing\n"


def elected(outcomes: list[AttemptFinished]) -> AttemptFinished:
    """Return the attempt whose answer most attempts gave, the earliest of them; at least one.

    Answers are the same where their words are; an attempt without an answer has no vote, unless
    none has one.
    """
    answers = [outcome for outcome in outcomes if outcome.answer is not None]
    if not answers:
        return outcomes[-1]
    votes = Counter(_ballot(outcome) for outcome in answers)
    most = max(votes.values())
    return next(outcome for outcome in answers if votes[_ballot(outcome)] == most)


def _ballot(outcome: AttemptFinished) -> tuple[str, ...]:
    return tuple(word for word in words(outcome.answer or "") if word not in ("a", "an", "the"))
