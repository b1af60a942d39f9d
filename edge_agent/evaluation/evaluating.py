"""Carrying evaluations out: each question that has no row yet is answered, and its row kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from edge_agent.evaluation.conditions import Terms, condition_of
from edge_agent.evaluation.cutting import Beginning, cut
from edge_agent.evaluation.drivers import Driver, Task
from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.respondent import Equipment
from edge_agent.evaluation.rows import Row
from edge_agent.evaluation.settings import EvaluationSettings, under
from edge_agent.evaluation.store import Evaluation, EvaluationStore
from edge_agent.evaluation.taking_over import Allowance, same_with
from edge_agent.events import Event
from edge_agent.guards import patience

Report: TypeAlias = Callable[[str, Row], None]
"""Told of each row as it is kept, with the name of its evaluation."""
_Known: TypeAlias = tuple[str, Allowance, Row, tuple[Event, ...]]
"""A run of another evaluation: its name, what it allows, the row and what happened."""


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
    anew: bool = False
    """Whether nothing is taken over but from each other."""


def evaluate(store: EvaluationStore, work: Work, drive: Driver, report: Report) -> None:
    """Answer what is not answered yet of the questions, in every evaluation that is planned.

    A run of another evaluation that only allows more or fewer calls or attempts, or is made under a
    condition that is kin, is taken over where it is sure to be the same run, and gone on with where
    its beginning is. Whatever breaks it off, what is done is kept, also as JSON lines.
    Raises EvaluationError, ServerError where the judge fails, and what opening the model and the
    libraries raises.
    """
    with ExitStack() as held:
        for each in work.planned:
            held.enter_context(store.working_on(each.name))
            store.begin(each.name, each.settings, len(work.questions))
            held.callback(store.write_lines, each.name)
        making = _in_order([_Making(store, work, each, report) for each in work.planned])
        for evaluation in making:  # at once, so that it is seen how much is left
            evaluation.take_over()
        tasks = chain.from_iterable(evaluation.tasks() for evaluation in making)
        for result in held.enter_context(closing(drive(work.equipment, tasks))):
            task, answered = result.task, result.answered
            store.add(task.evaluation, task.position, answered.row, answered.events)
            report(task.evaluation, answered.row)


class _Making:
    """An evaluation that is being made, beside others that may know its runs."""

    def __init__(
        self, store: EvaluationStore, work: Work, planned: Planned, report: Report
    ) -> None:
        self._store = store
        self._questions = work.questions
        self._planned = planned
        self._report = report
        self.condition = condition_of(planned.settings.condition)
        self._led = self.condition.led(work.equipment.profile)
        self._others = _others(store, planned.settings)
        kin = self.condition.kin
        if kin is not None:
            akin = under(planned.settings, kin.condition, work.equipment.profile)
            self._others += _others(store, akin, itself=True)
        if work.anew:
            names = {each.name for each in work.planned}
            self._others = [each for each in self._others if each.name in names]
        self.allowance = self._allowed(planned.settings)
        self.patience = patience(self._led, self.allowance.calls)

    def take_over(self) -> None:
        """Take over what others know now."""
        for position, question in self._open():
            self._taken_over(position, self._elsewhere(question))

    def tasks(self) -> Iterator[Task]:
        """Yield what has to be answered; take over what others have come to know until then."""
        planned = self._planned
        for position, question in self._open():
            elsewhere = [*self._elsewhere(question)]
            if not self._taken_over(position, elsewhere):
                begun, cut_from = self._beginning(elsewhere)
                yield Task(planned.name, position, question, planned.terms, begun, cut_from)

    def _open(self) -> Iterator[tuple[int, Question]]:
        """Yield the questions that have no row yet, each with its place."""
        known = {row.id for row in self._store.rows(self._planned.name)}
        for position, question in enumerate(self._questions):
            if question.id not in known:
                yield position, question

    def _taken_over(self, position: int, elsewhere: Iterable[_Known]) -> bool:
        """Keep the run of another evaluation where it is sure to be the one wanted."""
        for name, there, row, events in elsewhere:
            if same_with(events, there, self.allowance, self._led):
                same = dataclasses.replace(row, taken_from=row.taken_from or name)
                self._store.add(self._planned.name, position, same, events)
                self._report(self._planned.name, same)
                return True
        return False

    def _beginning(self, elsewhere: Iterable[_Known]) -> tuple[Beginning | None, str]:
        """Return how the run wanted begins, and the evaluation that tells, where one does."""
        for name, there, _, events in elsewhere:
            begun = cut(events, there, self.allowance, self._led)
            if begun is not None:
                return begun, name
        return None, ""

    def _elsewhere(self, question: Question) -> Iterator[_Known]:
        """Yield what others know of a question."""
        for other in self._others:
            row = self._store.row(other.name, question.id)
            if row is not None:
                events = self._store.events(other.name, question.id)
                if self._is_ours(other.settings.condition, events):
                    yield other.name, self._allowed(other.settings), row, events

    def _is_ours(self, condition: str, events: Sequence[Event]) -> bool:
        """Tell whether a run under a condition is one under that of this evaluation, too."""
        kin = self.condition.kin
        return condition == self.condition.name or (kin is not None and kin.shared(events))

    def _allowed(self, settings: EvaluationSettings) -> Allowance:
        return Allowance(settings.max_calls or self._led.gathering.calls, settings.attempts)


def _in_order(making: Sequence[_Making]) -> list[_Making]:
    """Return evaluations, condition by condition, so that the most can be taken over.

    One that has kin comes after that. Of those that are as patient the one with the most calls
    comes first: others are cut from it. Less patience comes before more, from which nothing can be
    said of less.
    """
    conditions = [each.condition.name for each in making]

    def place(each: _Making) -> tuple[bool, int, int, int]:
        condition = each.condition
        order = conditions.index(condition.name)
        return condition.kin is not None, order, each.patience, -each.allowance.calls

    return sorted(making, key=place)


def _others(
    store: EvaluationStore, wanted: EvaluationSettings, *, itself: bool = False
) -> list[Evaluation]:
    """Return the evaluations that differ only in the calls and attempts allowed.

    One that differs in nothing but its name counts only if `itself`: under the same condition it is
    made anew, which is what another name is given for.
    """

    def alike(settings: EvaluationSettings) -> bool:
        allowing = dataclasses.replace(
            settings, max_calls=wanted.max_calls, attempts=wanted.attempts
        )
        return (itself or settings != wanted) and allowing == wanted

    return [each for each in store.list() if alike(each.settings)]
