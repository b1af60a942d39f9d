"""Practice: a student runs lessons through the real agent, and what is to be learned from that."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from correcting import Handover
from examples import Example
from lessons import Lesson
from replaying import Replay, turns
from taught_session import TaughtSession
from teach import require_earned
from teacher import Teacher, Unteachable

from edge_agent.agent import Agent, AgentSettings
from edge_agent.evaluation.withholding import Withholding
from edge_agent.events import Event, EvidenceAdded, RunFinished, TurnFinished, TurnStarted
from edge_agent.home import Home
from edge_agent.index import Collection, Library
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session
from edge_agent.profiles import Profile
from edge_agent.provisioning import installed_embedder


@dataclass(frozen=True, slots=True)
class Roll:
    """A run of a lesson, and how good it was."""

    events: tuple[Event, ...]
    right: bool
    cited: float
    """Share of the cited passages that are evidence; 0 where none is cited."""
    calls: int

    @property
    def earned(self) -> bool:
        """Whether there is something to learn from it."""
        return self.right and self.cited >= 0.5


def judged(lesson: Lesson, events: Sequence[Event]) -> Roll:
    """Return how good a run of a lesson was."""
    done = events[-1]
    assert isinstance(done, RunFinished)
    found = {event.key: event.document for event in events if isinstance(event, EvidenceAdded)}
    gold = {need.document for need in lesson.needs}
    cited = [found[citation.key] in gold for citation in done.citations]
    share = statistics.mean(cited) if cited else 0.0
    return Roll(tuple(events), lesson.accepts(done.answer), share, done.calls)


def ranked(rolls: Sequence[Roll]) -> tuple[list[Roll], list[Roll]]:
    """Return the runs that earned it, the best cited first and then the shortest; and the others.

    Of those a wrong one comes before one that is right and cites what is no evidence.
    """
    earned = [roll for roll in rolls if roll.earned]
    others = [roll for roll in rolls if not roll.earned]
    earned.sort(key=lambda roll: (-roll.cited, roll.calls))
    return earned, sorted(others, key=lambda roll: roll.right)


class Practice:
    """Where a student is tried: its model, the libraries, the profile."""

    def __init__(self, engine: Engine, profile: Profile) -> None:
        """Use `engine` with the student's adapter."""
        self._engine = engine
        self._session = Session(engine)
        self._profile = profile
        self._opened: dict[str, Collection] = {}

    def rolls(self, lesson: Lesson, times: int) -> list[Roll]:
        """Run a lesson several times."""
        return [
            judged(lesson, list(self._agent(lesson, self._session, seed).run(lesson.question)))
            for seed in range(1, times + 1)
        ]

    def examples(self, lesson: Lesson, roll: Roll, variant: str) -> list[Example]:
        """Return what is to be learned from a run: nothing where it cannot be played again."""
        session = TaughtSession(self._engine, Replay(roll.events))
        played: list[Event] = []
        try:
            for event in self._agent(lesson, session, 0).run(lesson.question):
                session.watch(event)
                played.append(event)
        except Unteachable:
            return []
        if not session.whole or turns(played) != turns(roll.events):
            return []
        return session.examples(lesson, variant)

    def corrections(self, lesson: Lesson, roll: Roll, variant: str) -> Iterator[list[Example]]:
        """Yield what a teacher makes right who takes over at a turn of a run, from the last on.

        A turn that the teacher would have written as the student did is none to take over at.
        """
        begun = {event.step for event in roll.events if isinstance(event, TurnStarted)}
        for turn in sorted(begun, reverse=True):
            with suppress(Unteachable):
                yield self._corrected(lesson, roll, turn).examples(lesson, variant)

    def _corrected(self, lesson: Lesson, roll: Roll, turn: int) -> TaughtSession:
        """Have a teacher take over at a turn. Raises Unteachable where that corrects nothing."""
        library = Withholding(self._library(lesson.set), ())
        teacher = Teacher(lesson, library, self._profile, chance=None)
        pen = Handover(Replay(roll.events), teacher, turn)
        session = TaughtSession(self._engine, pen)
        events: list[Event] = []
        for event in self._agent(lesson, session, 0).run(lesson.question):
            pen.watch(event)
            session.watch(event)
            events.append(event)
            if isinstance(event, TurnFinished) and event.step == turn and event in roll.events:
                raise Unteachable("the student has decided so already")
        if _before(turn, events) != _before(turn, roll.events):
            raise Unteachable("the run went another way before it was the teacher's turn")
        require_earned(lesson, session, events[-1], withheld=False)
        return session

    def _agent(self, lesson: Lesson, session: Session | TaughtSession, seed: int) -> Agent:
        settings = AgentSettings(seed=seed)
        library = self._library(lesson.set)
        return Agent(library, session, profile=self._profile, settings=settings)

    def _library(self, name: str) -> Collection:
        if name not in self._opened:
            home = Home.from_environment()
            library = Library(home.libraries / f"bench-{name}", installed_embedder(home))
            self._opened[name] = Collection([library])
        return self._opened[name]


def _before(turn: int, events: Sequence[Event]) -> list[TurnFinished]:
    return [each for each in turns(events) if each.step < turn]
