"""Runs cut short: what a run that was allowed more calls would have come to with fewer.

Up to its last allowed call a run does the same whatever its limit (see `taking_over`). Then it
quotes once more, where it quotes at all, and its gathering ends. The events of a run that was
allowed more hold all of that, so that only the answer has to be read anew: and not even that where
the longer run read it from the same passages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_agent.evaluation.taking_over import Allowance
from edge_agent.events import (
    Event,
    GatheringEnded,
    ReadingStarted,
    RunStarted,
    StepMeasured,
    ToolAnswered,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.gathering import call_limit
from edge_agent.guards import patience
from edge_agent.profiles import Profile
from edge_agent.reading import reading_list, reading_prompt
from edge_agent.reasons import ENOUGH
from edge_agent.runs import new_run_id
from edge_agent.trajectory import Trajectory
from edge_agent.turns import has_enough, without_call


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a run begins that is cut from a longer one."""

    gathered: tuple[Event, ...]
    """Its events up to the end of the gathering; the answer is to be read next."""
    read: tuple[Event, ...]
    """How the longer run read its answer: from what, and what it wrote."""

    def events(self, profile: Profile, count: Callable[[str], int]) -> tuple[Event, ...]:
        """Return what is known of the run, with the answer where it is read from the same prompt.

        `count` tells the tokens of a text.
        """
        if not self.read:
            return self.gathered
        started, stands = self.read[0], Trajectory.of(self.gathered)
        assert isinstance(started, ReadingStarted)
        exhibits = reading_list(stands, profile.reading, count)
        if started.prompt != reading_prompt(exhibits, stands.started.question, profile.prompts):
            return self.gathered
        return (*self.gathered, *(_moved(each, stands.step - started.step) for each in self.read))


def cut(
    events: Sequence[Event], there: Allowance, here: Allowance, profile: Profile
) -> Beginning | None:
    """Return how a run with the allowance `there` begins with that `here`.

    None where that cannot be told: there may be several attempts, the answer is asked for in the
    window, whose tokens only the run itself knows, fewer calls were made, the guard against no
    progress is less patient here, or no turn follows that was written to its end.
    What such a run costs is put together from steps of the longer one: its last turn counts with
    the call that it makes there, where that was measured, and an answer with what was measured
    together with it.
    """
    if (there.attempts, here.attempts) != (1, 1) or not profile.reading.at_end:
        return None
    if patience(profile, there.calls) != patience(profile, here.calls):
        return None
    answered = [n for n, event in enumerate(events) if isinstance(event, ToolAnswered)]
    if not here.calls <= len(answered) <= there.calls:
        return None
    end = answered[here.calls - 1] + 1
    gathered = [_begun(events[0], here), *events[1:end]]
    following = events[end:]
    if profile.gathering.thoughts == "quoted":
        turn = _last_turn(gathered, following)
        if turn is None:
            return None
        gathered += turn
        following = following[len(turn) :]
    stands = Trajectory.of(gathered)
    gathered += (each for each in following if _is_cost(each, stands.step))
    enough = stands.turn is not None and has_enough(stands.turn.thought)
    reason = ENOUGH if enough else call_limit(here.calls, profile)
    gathered.append(GatheringEnded(stands.step, reason))
    return Beginning(tuple(gathered), _read(events, profile))


def _begun(started: Event, here: Allowance) -> RunStarted:
    assert isinstance(started, RunStarted)
    return dataclasses.replace(started, run=new_run_id(), max_calls=here.calls)


def _last_turn(gathered: Sequence[Event], following: Sequence[Event]) -> list[Event] | None:
    """Return what happens up to the turn after the last call, which makes none here."""
    for n, event in enumerate(following):
        if isinstance(event, TurnFinished):
            before = [*gathered, *following[:n]]
            text = without_call(event.text, Trajectory.of(before).quote_of)
            return [*following[:n], TurnFinished(event.step, text)]
        if isinstance(event, TurnRolledBack | GatheringEnded):
            return None
    return None


def _read(events: Sequence[Event], profile: Profile) -> tuple[Event, ...]:
    """Return how the answer of a run was read; nothing where the same prompt may give another."""
    begun = [n for n, event in enumerate(events) if isinstance(event, ReadingStarted)]
    if len(begun) != 1 or profile.sampling.temperature > 0:
        return ()
    kept = (ReadingStarted, TurnStarted, TurnFinished, StepMeasured)
    return tuple(event for event in events[begun[0] :] if isinstance(event, kept))


def _moved(event: Event, steps: int) -> Event:
    """Return an event of a step as many steps later."""
    assert isinstance(event, ReadingStarted | TurnStarted | TurnFinished | StepMeasured)
    return dataclasses.replace(event, step=event.step + steps)


def _is_cost(event: Event, step: int) -> bool:
    return isinstance(event, StepMeasured) and event.step == step
