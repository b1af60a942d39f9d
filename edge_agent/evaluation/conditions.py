"""Conditions: how the questions of an evaluation are answered, each beside the others.

The model, the library and the machine are the same under all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.rewriting import RewritingSession, nothing_rewritten
from edge_agent.events import Event
from edge_agent.models import AnySession
from edge_agent.profiles import Profile

SINGLE_PASSAGES = 5
"""Passages of one search that are read under `single-shot`."""
_SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Kinship:
    """Another condition, under which some runs are what they are under this one."""

    condition: str
    shared: Callable[[Sequence[Event]], bool]
    """Tells whether a run under it is such a run; one that failed is not asked about."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A way to answer questions."""

    name: str
    about: str
    """What it is, as the rest of a sentence."""
    led: Callable[[Profile], Profile]
    """The profile that the model is led by."""
    _: KW_ONLY
    loops: bool = True
    """Whether calls and attempts are the user's choice; else they are part of what it is."""
    searches: bool = True
    """Whether it looks anything up."""
    withholds: bool = False
    """Whether the evidence is taken out of the libraries: then it is right to find no answer."""
    window: Callable[[AnySession], AnySession] = lambda session: session
    """What looks after the model's window."""
    kin: Kinship | None = None
    """Whose runs are taken over where they are sure to be the same."""


def changed(profile: Profile, **tables: dict[str, Any]) -> Profile:
    """Return a profile with values of its tables changed."""
    parts = {
        name: getattr(profile, name).model_copy(update=values) for name, values in tables.items()
    }
    return profile.model_copy(update=parts)


def as_it_is(profile: Profile) -> Profile:
    """Return the profile as it ships."""
    return profile


def unguarded(profile: Profile) -> Profile:
    """Return a profile that takes nothing back, and in which only limits end the gathering."""
    return changed(profile, guarding={"guards": ()})


def single_shot(profile: Profile) -> Profile:
    """Return a profile that searches once, for the question, and reads the best passages of that.

    It does so for models too that otherwise decide by themselves whether to search.
    """
    once = changed(
        profile,
        gathering={"calls": 1, "thoughts": "written", "search_first": True, "named": 0},
        reading={"passages": SINGLE_PASSAGES, "at_end": True},
    )
    tools = tuple(dict.fromkeys((*profile.tools, _SEARCH)))
    return once.model_copy(update={"tools": tools})


CONDITIONS: dict[str, Condition] = {
    each.name: each
    for each in (
        Condition(
            "closed-book", "the model alone, from memory", as_it_is, loops=False, searches=False
        ),
        Condition(
            "single-shot",
            "one search, its five best passages, an answer",
            single_shot,
            loops=False,
        ),
        Condition(
            "rewrite",
            "the loop, but old results are overwritten and nothing guards it",
            unguarded,
            window=RewritingSession,
            kin=Kinship("agent", nothing_rewritten),
        ),
        Condition("agent", "the program as it is", as_it_is),
        Condition(
            "withheld",
            "the program as it is, over libraries without the documents that hold the evidence: "
            "the right answer is none",
            as_it_is,
            withholds=True,
        ),
    )
}
"""The conditions by name, from the least to the most that is done."""


def condition_of(name: str) -> Condition:
    """Return a condition by name. Raises EvaluationError."""
    if name not in CONDITIONS:
        raise EvaluationError(
            f"There is no condition '{name}'. Use some of: {', '.join(CONDITIONS)}."
        )
    return CONDITIONS[name]


@dataclass(frozen=True, slots=True)
class Terms:
    """A condition, and what is allowed under it."""

    condition: str
    max_calls: int | None = None
    """Most tool calls of an attempt; None is the profile's own limit."""
    attempts: int = 1
    seed: int = 0

    def settled(self) -> Terms:
        """Return the terms without what the condition leaves no choice of."""
        if condition_of(self.condition).loops:
            return self
        return Terms(self.condition, seed=self.seed)
