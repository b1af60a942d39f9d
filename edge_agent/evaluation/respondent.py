"""The respondent: answers one question on some terms, with a model and libraries it has opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain

from edge_agent.agent import Agent, AgentSettings, title_of
from edge_agent.errors import EvaluationError
from edge_agent.evaluation.closed_book import from_memory
from edge_agent.evaluation.conditions import Terms, condition_of
from edge_agent.evaluation.cutting import Beginning
from edge_agent.evaluation.judge import Judge
from edge_agent.evaluation.questions import JudgingName, Question
from edge_agent.evaluation.rows import Row, scored
from edge_agent.evaluation.withholding import Withholding
from edge_agent.events import Event, GatheringEnded, RunStarted, TextAppeared
from edge_agent.home import Home
from edge_agent.index import Collection, Shelf
from edge_agent.model_opening import open_session
from edge_agent.models import EngineSettings, InstalledModel, RemoteModel, ServerError
from edge_agent.profiles import Profile
from edge_agent.provisioning import installed_embedder
from edge_agent.reasons import MODEL_ERROR
from edge_agent.runs import new_run_id
from edge_agent.runtime import Resources


@dataclass(frozen=True, slots=True)
class Equipment:
    """What questions are answered with; it can be pickled, and each process opens it for itself."""

    home: Home
    model: InstalledModel | RemoteModel
    engine: EngineSettings
    libraries: tuple[str, ...]
    """Names on the shelf of `home`; the libraries are there, and are only read."""
    profile: Profile
    judge: RemoteModel | None = None
    judging: JudgingName = "equivalence"

    @property
    def model_name(self) -> str:
        """What the model is called in the records of runs."""
        return title_of(self.model)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a question: its row, and all that happened."""

    row: Row
    events: tuple[Event, ...]
    judge_failed: ServerError | None = None
    """Why the judge could not be asked: it could not be about the answers that follow, either."""


class Respondent:
    """Answers questions, one at a time; each as if it were the first."""

    def __init__(
        self,
        resources: Resources,
        model: str = "",
        judge: Judge | None = None,
    ) -> None:
        """Answer with these resources; `model` is what the model is called in records of runs."""
        self._resources = resources
        self._model = model
        self._judge = judge

    def answer(self, question: Question, terms: Terms, begun: Beginning | None = None) -> Answered:
        """Answer a question, going on with a run that has begun, and score and judge the answer.

        A judge that fails leaves that answer without a verdict, since it took minutes.
        """
        resources = self._resources
        if condition_of(terms.condition).withholds:
            resources = replace(resources, library=Withholding(resources.library, question.gold))
            question = replace(question, answers=(), gold=frozenset())
        happened = self._events(question.text, terms, resources, begun)
        events = tuple(event for event in happened if not isinstance(event, TextAppeared))
        row = scored(question, events)
        if self._judge is None:
            return Answered(row, events)
        try:
            return Answered(self._judge.judged(row), events)
        except ServerError as error:
            return Answered(replace(row, judge_failed=str(error)), events, error)

    def _events(
        self, question: str, terms: Terms, resources: Resources, begun: Beginning | None
    ) -> Iterator[Event]:
        """Work on a question and yield what happens; the last event is always RunFinished."""
        condition = condition_of(terms.condition)
        led = condition.led(resources.profile)
        if not condition.searches:
            return from_memory(replace(resources, profile=led), self._started(question, terms))
        settings = AgentSettings(
            max_calls=terms.max_calls,
            attempts=terms.attempts,
            seed=terms.seed,
            model=self._model,
            prefixes=resources.prefixes,
        )
        session = condition.window(resources.session)
        agent = Agent(resources.library, session, profile=led, settings=settings)
        if begun is None:
            return agent.run(question)
        known = begun.events(led, session.count)
        return chain(known, agent.resume(known))

    def _started(self, question: str, terms: Terms) -> RunStarted:
        """Return the beginning of a run without searches."""
        return RunStarted(
            run=new_run_id(),
            question=question,
            model=self._model,
            library=self._resources.library.name,
            profile=self._resources.profile.name,
            seed=terms.seed,
            max_calls=0,
            context=self._resources.session.context,
        )


@contextmanager
def respondent(equipment: Equipment) -> Iterator[Respondent]:
    """Open what questions are answered with, and lend who answers them.

    Raises ModelError, LibraryError.
    """
    home = equipment.home
    with ExitStack() as opened:
        shelf = Shelf(home.libraries, installed_embedder(home))
        libraries = Collection([shelf.open(name) for name in equipment.libraries])
        for library in libraries.libraries:
            opened.callback(library.close)
        judge = None
        if equipment.judge is not None:
            judge = Judge(equipment.judge, equipment.judging)
            opened.callback(judge.close)
        session = opened.enter_context(open_session(equipment.model, equipment.engine))
        resources = Resources(session, libraries, equipment.profile, home.prefixes)
        yield Respondent(resources, equipment.model_name, judge)


def check_failed(answered: Answered, equipment: Equipment) -> None:
    """Raise EvaluationError where a server failed: it would fail for all that follows.

    Also where it did so in the middle of a run: what is answered from half of the evidence is not
    what the model does. A model in this process fails for a question that does not fit, and not for
    the next one.
    """
    if not isinstance(equipment.model, RemoteModel):
        return
    row = answered.row
    broken = (each.reason for each in answered.events if isinstance(each, GatheringEnded))
    reasons = [row.reason] if row.status == "failed" else []
    reasons += (reason for reason in broken if reason.startswith(MODEL_ERROR))
    if reasons:
        raise EvaluationError(f"The question '{row.id}' could not be answered: {reasons[0]}")
