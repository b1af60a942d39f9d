"""What is said to a run while it goes on: left in the run store, passed on before its next step."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from edge_agent.agent import Agent
from edge_agent.events import Event, RunResumed, RunStarted, StepMeasured
from edge_agent.runs import RunStore


def too_late(text: str) -> str:
    """Return the sentence that gives back what a run was told after its last step."""
    return f"The run ended before it heard: {text}"


def with_messages(
    events: Iterable[Event], agent: Agent, store: RunStore, run: str
) -> Generator[Event, None, None]:
    """Pass `events` on; before each step, tell the agent what was left for the run meanwhile."""
    told: set[int] = set()
    for event in events:
        if isinstance(event, RunStarted | RunResumed | StepMeasured):
            for number, text in store.unheard(run):
                if number not in told:  # told is not yet heard: that is when the model reads it
                    told.add(number)
                    agent.tell(text, number)
        yield event
