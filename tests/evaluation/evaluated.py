"""Evaluations for tests: rows, settings and runs as they come out of real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edge_agent.evaluation.rows import Row
from edge_agent.evaluation.settings import EvaluationSettings
from edge_agent.events import (
    AttemptStarted,
    Event,
    EvidenceAdded,
    GatheringEnded,
    RunFinished,
    RunStarted,
    StepMeasured,
    TokenCounts,
    ToolCalled,
)
from edge_agent.reasons import ENOUGH

TOKENS = TokenCounts(100, 80, 20)

SETTINGS = EvaluationSettings(
    set="ships",
    set_sha256="a" * 64,
    format="own",
    split="dev",
    condition="agent",
    max_calls=None,
    attempts=1,
    seed=0,
    model="tiny",
    model_sha256="b" * 64,
    adapter_sha256="",
    profile="edge",
    profile_sha256="c" * 64,
    context=4096,
    libraries=("ships: 3 documents, 3 passages, content 0123456789ab",),
    by_meaning=False,
    judge="",
    version="0",
)

_ROW = Row(
    id="q1",
    question="Where was the designer of the Fram born?",
    type="bridge",
    answers=("Larvik",),
    status="answered",
    answer="Larvik",
    gold=2,
    evidence_recall=1.0,
    cited=2,
    cited_gold=1,
    citation_recall=0.5,
    calls=2,
    seconds=3.0,
    tokens=TOKENS,
    peak=1000,
    reason=ENOUGH,
    run="r",
)


def row(id: str = "q1", **values: Any) -> Row:
    return replace(_ROW, id=id, **values)


def right(id: str, **values: Any) -> Row:
    return row(id, question=f"Question {id}?", **values)


def wrong(id: str, **values: Any) -> Row:
    return right(id, answer="Lund", **values)


def run(calls: tuple[int, ...] = (2,), reason: str = ENOUGH, **finished: Any) -> tuple[Event, ...]:
    """Return a run whose attempts made so many calls each, and ended gathering for `reason`."""
    events: list[Event] = [RunStarted("r", "Who?", "tiny", "ships", "edge", 0, 8)]
    for number, made in enumerate(calls, start=1):
        if number > 1:
            events.append(AttemptStarted(number, "nothing was found"))
        events += [ToolCalled(step, "search", {"query": str(step)}) for step in range(made)]
        for key, document in enumerate(("fram", "gjoa"), start=1):
            if number == 1:
                events.append(
                    EvidenceAdded(1, key, f"{document}#1", document, document.title(), "/d", "", "")
                )
        events.append(StepMeasured(1, 100, 4096, TOKENS, 1.0, 1000 * number))
        events.append(GatheringEnded(made, reason))
    done = RunFinished("r", "answered", "Larvik", (), sum(calls), 3.0, TOKENS, reason)
    return (*events, replace(done, **finished))
