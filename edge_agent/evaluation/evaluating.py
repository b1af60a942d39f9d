"""Carrying evaluations out: each question that has no row yet is answered, and its row kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TypeAlias

from edge_agent.evaluation.conditions import Terms, condition_of
from edge_agent.evaluation.drivers import Driver, Task
from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.respondent import Answered, Equipment
from edge_agent.evaluation.rows import Row
from edge_agent.evaluation.settings import EvaluationSettings
from edge_agent.evaluation.store import Evaluation, EvaluationStore
from edge_agent.evaluation.taking_over import Limits, same_with

Report: TypeAlias = Callable[[str, Row], None]
"""Told of each row as it is kept, with the name of its evaluation."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An evaluation that is to be made, or gone on with."""

    name: str
    settings: EvaluationSettings

    @property
    def terms(self) -> Terms:
        """The terms on which its questions are answered."""
        settings = self.settings
        return Terms(settings.condition, settings.max_calls, settings.attempts, settings.seed)


@dataclass(frozen=True, slots=True)
class Work:
    """Evaluations that are to be made of the same questions with the same equipment."""

    planned: tuple[Planned, ...]
    questions: tuple[Question, ...]
    equipment: Equipment


def evaluate(store: EvaluationStore, work: Work, drive: Driver, report: Report) -> None:
    """Answer what is not answered yet of the questions, in every evaluation that is planned.

    A run of another evaluation that only allows more or fewer calls or attempts is taken over where
    it is sure to be the same run. Whatever breaks it off, what is done is kept, also as JSON lines.
    Raises EvaluationError, and what opening the model and the libraries raises.
    """
    with ExitStack() as held:
        for each in work.planned:
            held.enter_context(store.working_on(each.name))
            store.begin(each.name, each.settings, len(work.questions))
            held.callback(store.write_lines, each.name)
        tasks = _open_tasks(store, work, report)
        for result in held.enter_context(closing(drive(work.equipment, tasks))):
            task, answered = result.task, result.answered
            store.add(task.evaluation, task.position, answered.row, answered.events)
            report(task.evaluation, answered.row)


def _open_tasks(store: EvaluationStore, work: Work, report: Report) -> Iterator[Task]:
    """Yield what has to be answered, evaluation by evaluation; take over what need not be."""
    for each in work.planned:
        known = {row.id for row in store.rows(each.name)}
        others = _others(store, each)
        for position, question in enumerate(work.questions):
            if question.id in known:
                continue
            for other in others:
                same = _taken_over(store, each, other, question, work.equipment)
                if same is not None:
                    store.add(each.name, position, same.row, same.events)
                    report(each.name, same.row)
                    break
            else:
                yield Task(each.name, position, question, each.terms)


def _others(store: EvaluationStore, wanted: Planned) -> list[Evaluation]:
    """Return the evaluations that differ only in the calls and attempts allowed.

    One that differs in nothing but its name is made anew: that is what another name is given for.
    """
    calls, attempts = wanted.settings.max_calls, wanted.settings.attempts

    def alike(settings: EvaluationSettings) -> bool:
        allowing = dataclasses.replace(settings, max_calls=calls, attempts=attempts)
        return settings != wanted.settings and allowing == wanted.settings

    return [each for each in store.list() if alike(each.settings)]


def _taken_over(
    store: EvaluationStore,
    wanted: Planned,
    other: Evaluation,
    question: Question,
    equipment: Equipment,
) -> Answered | None:
    """Return what came of a run of another evaluation where it is sure to be the one wanted."""
    row = store.row(other.name, question.id)
    if row is None:
        return None
    led = condition_of(wanted.settings.condition).led(equipment.profile)
    there, here = (
        Limits(each.settings.max_calls or led.gathering.calls, each.settings.attempts)
        for each in (other, wanted)
    )
    events = store.events(other.name, question.id)
    if not same_with(events, there, here, led):
        return None
    taken = dataclasses.replace(row, taken_from=row.taken_from or other.name)
    return Answered(taken, events)
