"""Answering from memory: no library, no search, one message of the model."""

from __future__ import annotations

from edge_agent.checking.wording import states
from edge_agent.events import Event, GatheringEnded, ReadingStarted, RunFinished, RunStarted, Status
from edge_agent.models import ModelError, SpanKind
from edge_agent.protocol import parse
from edge_agent.runtime import Resources, Runtime, Steps
from edge_agent.trajectory import Entry, Trajectory
from edge_agent.turns import answer_turn

FROM_MEMORY = "answered from memory"

_SYSTEM = """\
You answer questions from memory, as briefly as possible: one name, date, number, yes or no. If \
you do not know the answer, it is: {unknown}.

Examples
Question: In which country does the river Rhine begin?
Answer: \\boxed{{Switzerland}}
Question: Is the whale a fish?
Answer: \\boxed{{no}}
Question: What did the baker of Lund say to his cat on 3 May 1712?
Answer: \\boxed{{{unknown}}}"""
_QUESTION = "Question: {question}"
_BEGINNING = "Answer: "
_ANSWER_TOKENS = 48


def from_memory(resources: Resources, started: RunStarted) -> Steps[None]:
    """Yield what happens in a run that begins with `started` and asks the model alone.

    Nothing is checked, since nothing was read.
    """
    trajectory = Trajectory.of([started])
    runtime = Runtime(resources, trajectory)
    yield started
    yield runtime.emit(GatheringEnded(0, FROM_MEMORY))
    unknown = resources.profile.prompts.unknown
    system = _SYSTEM.format(unknown=unknown)
    prompt = _QUESTION.format(question=started.question)
    yield runtime.emit(ReadingStarted(0, (), system, prompt))
    try:
        runtime.open([Entry(SpanKind.SYSTEM, system), Entry(SpanKind.QUESTION, prompt)])
        yield from runtime.turn(answer_turn(_BEGINNING, _ANSWER_TOKENS))
        yield from runtime.measure()
    except ModelError as error:
        yield runtime.emit(_finished(runtime, "failed", None, str(error)))
        return
    answer = parse(trajectory.reply or "").answer
    if answer is not None and states(answer, unknown):
        answer = None
    status: Status = "not_found" if answer is None else "answered"
    yield runtime.emit(_finished(runtime, status, answer, FROM_MEMORY))


def _finished(runtime: Runtime, status: Status, answer: str | None, reason: str) -> Event:
    return RunFinished(
        run=runtime.trajectory.started.run,
        status=status,
        answer=answer,
        citations=(),
        calls=0,
        seconds=round(runtime.seconds, 3),
        tokens=runtime.tokens,
        reason=reason,
    )
