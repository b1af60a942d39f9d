"""Guards: small judges of a turn or of what a call brought, each of them one function.

A guard looks at where the run stands and gives a verdict, or none. Which of them watch is the
profile's choice; what the model is told, too.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from edge_agent.checking.wording import telling_words
from edge_agent.profiles import GuardName, Profile
from edge_agent.protocol import Message, ToolCall
from edge_agent.reasons import NO_PROGRESS
from edge_agent.tools.read import Read
from edge_agent.tools.scrape_and_extract_info import ScrapeAndExtractInfo
from edge_agent.trajectory import MadeCall, Trajectory

_REFUSAL = re.compile(
    r"\b(?:i(?:'|’)?m sorry|i am sorry|i apologi[sz]e|as an ai\b|as a language model"
    r"|i (?:can(?:no|'|’)t|am unable to|am not able to) (?:help|assist|answer|provide|access|browse"
    r"|search|fulfil|comply|solve))",
    re.IGNORECASE,
)
_LOOP_WORDS = 6
"""Words of a stretch that, repeated, makes a text a loop."""
_LOOP_TIMES = 4
_PATIENCE_SHARE = 10
_READING = frozenset(
    (each.server, each.name) for each in (Read.signature, ScrapeAndExtractInfo.signature)
)
"""The tools, by server and name, that show a text which the call names; others look for some."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """The turn is taken back, and the model told why."""

    reason: str
    told: str


@dataclass(frozen=True, slots=True)
class Nudge:
    """Everything stands, and the model is told something."""

    reason: str
    told: str


@dataclass(frozen=True, slots=True)
class Finish:
    """No more is gathered."""

    reason: str


Verdict: TypeAlias = RollBack | Nudge | Finish
TurnGuard: TypeAlias = Callable[[Message, Trajectory, Profile], Verdict | None]
ResultGuard: TypeAlias = Callable[[Trajectory, Profile], Verdict | None]
_AnyGuard = TypeVar("_AnyGuard", TurnGuard, ResultGuard)


def judge_turn(message: Message, trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """Return the verdict of the first guard that has one about a turn just written."""
    verdicts = (guard(message, trajectory, profile) for guard in _watching(TURN_GUARDS, profile))
    return next((verdict for verdict in verdicts if verdict is not None), None)


def judge_result(trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """Return the verdict of the first guard that has one about what the last call brought."""
    if not trajectory.calls or trajectory.pending is not None:
        return None
    verdicts = (guard(trajectory, profile) for guard in _watching(RESULT_GUARDS, profile))
    return next((verdict for verdict in verdicts if verdict is not None), None)


def malformed(message: Message, _trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """Take back a call that was begun and cannot be carried out."""
    if message.fault is None:
        return None
    told = profile.told.malformed.format(fault=message.fault)
    return RollBack(f"malformed call: {message.fault}", told)


def duplicate_query(message: Message, trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """Take back a call that was made before, whatever its case, order and small words.

    What was read and has left the window since may be read again: nothing else brings it back.
    """
    if message.call is None:
        return None
    made = {
        _identity(each.call, profile)
        for each in trajectory.remembered
        if not _has_read(each) or _times_in_view(each, trajectory)
    }
    if _identity(message.call, profile) not in made:
        return None
    return RollBack("duplicate call", profile.told.duplicate_query)


def refusal(message: Message, trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """Take back a message that neither calls nor answers but declines."""
    if message.call is not None or message.answer is not None:
        return None
    if not _REFUSAL.search(_own_words(message, trajectory)):
        return None
    return RollBack("refusal", profile.told.refusal)


def repetition(message: Message, trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """Take back a message that goes round in a loop."""
    words = _own_words(message, trajectory).split()
    stretches = Counter(
        tuple(words[start : start + _LOOP_WORDS]) for start in range(len(words) - _LOOP_WORDS + 1)
    )
    if max(stretches.values(), default=0) < _LOOP_TIMES:
        return None
    return RollBack("repetition", profile.told.repetition)


def duplicate_result(trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """Say so when a call brought word for word what another one had brought.

    What had left the window and was read again is something new there.
    """
    last = trajectory.calls[-1]
    others = (each.result for each in trajectory.calls[:-1])
    if trajectory.nudged or last.result not in others:
        return None
    if _has_read(last) and _times_in_view(last, trajectory) < 2:
        return None
    return Nudge("duplicate result", profile.told.duplicate_result)


def no_progress(message: Message, trajectory: Trajectory, profile: Profile) -> Verdict | None:
    """End the gathering after too many calls in a row that brought nothing of use.

    Of use is a sentence that the model quotes; where it does not quote, a passage never seen. Who
    allows many calls allows a tenth of them to be of no use. Who has the gathering go on after that
    allows as many again.
    """
    most = patience(profile, trajectory.max_calls)
    last = trajectory.calls[trajectory.calls_before :][-most:]
    if message.call is None or len(last) < most:
        return None
    if profile.gathering.thoughts == "quoted":
        helped = bool(trajectory.quoted_in(message)) or any(each.quoted for each in last)
    else:
        helped = any(each.found for each in last)
    return None if helped else Finish(NO_PROGRESS)


def patience(profile: Profile, max_calls: int) -> int:
    """Return how many calls in a row may be of no use where so many are allowed.

    Where no guard counts them it is any number.
    """
    if "no_progress" not in profile.guarding.guards:
        return sys.maxsize
    return max(profile.guarding.patience, max_calls // _PATIENCE_SHARE)


def _watching(guards: dict[GuardName, _AnyGuard], profile: Profile) -> list[_AnyGuard]:
    return [guard for name, guard in guards.items() if name in profile.guarding.guards]


def _own_words(message: Message, trajectory: Trajectory) -> str:
    """Return what a message says besides the sentences it quotes: documents say those."""
    lines = message.thought.split("\n")
    return "\n".join(line for line in lines if trajectory.quote_of(line) is None)


def _has_read(made: MadeCall) -> bool:
    """Tell whether a call brought a text that it named; one that failed brought nothing."""
    return (made.call.server, made.call.tool) in _READING and not made.failed


def _times_in_view(made: MadeCall, trajectory: Trajectory) -> int:
    """Return how often what a call brought stands in the window."""
    return sum(entry.text == made.result for entry in trajectory.entries)


def _identity(call: ToolCall, profile: Profile) -> tuple[str, str, object]:
    """Return what calls share that ask for the same; of queries, only the words count."""
    asked: object = json.dumps(call.arguments, sort_keys=True)
    if call.tool in profile.tools:
        asked = telling_words(" ".join(str(value) for value in call.arguments.values()))
    return call.server, call.tool, asked


TURN_GUARDS: dict[GuardName, TurnGuard] = {
    "malformed": malformed,
    "duplicate_query": duplicate_query,
    "refusal": refusal,
    "repetition": repetition,
    "no_progress": no_progress,
}
RESULT_GUARDS: dict[GuardName, ResultGuard] = {"duplicate_result": duplicate_result}
