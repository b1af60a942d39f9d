"""Questions to one model, answered one after the other in the order in which they came."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from itertools import chain

from edge_agent.agent import Agent, AgentSettings
from edge_agent.errors import AgentError
from edge_agent.events import Event, RunFinished, RunStarted, TextAppeared
from edge_agent.extras import Extras
from edge_agent.index import Collection, Searched
from edge_agent.messages import with_messages
from edge_agent.models import AnySession
from edge_agent.profiles import Profile
from edge_agent.runs import RunStore


class ResearchStopped(AgentError):
    """The program ends before the question was answered."""


class RunFailed(AgentError):
    """A run came to no answer because its model failed; the message is the reason."""


@dataclass(frozen=True, slots=True)
class ResearchSetup:
    """What questions are answered with."""

    library: Collection
    session: AnySession
    profile: Profile | str
    settings: AgentSettings
    extras: Extras = field(default_factory=Extras)
    open_web: Callable[[], Searched | None] = lambda: None
    """Returns the web as one question may search it, or None; raises as opening it does."""


@dataclass(frozen=True, slots=True)
class ResearchRequest:
    """A question, and what is special about it."""

    text: str
    library: str | None = None
    """The one library to search, by name; None is all of them."""
    seed: int | None = None
    """Where the drawing of tokens begins; None is the usual place."""


class Researcher:
    """Answers questions in a thread of its own; one event loop asks them.

    What it needs is opened when the first question comes, and let go at the end:

        with Researcher(opening, store) as researcher:
            async for event in researcher.events(ResearchRequest("Who …?")): …
    """

    def __init__(
        self, opening: Callable[[], AbstractContextManager[ResearchSetup]], store: RunStore
    ) -> None:
        """Answer with what `opening` lends, and keep the runs in `store`."""
        self._opening = opening
        self._store = store
        self._line: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._setup: ResearchSetup | None = None
        self._asked: _Asked | None = None
        """The question that is being answered."""
        self._ending = threading.Event()
        self._door = threading.Lock()
        """Whoever has it decides whether a question still comes before the end."""
        # A daemon: a second Ctrl-C must not wait for it.
        self._thread = threading.Thread(target=self._work, name="research", daemon=True)
        self.pending = 0
        """Questions that were asked and not answered yet."""

    def __enter__(self) -> Researcher:
        """Begin to wait for questions."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.end()

    def stop(self) -> None:
        """End what is being worked on at its next token; what was stored can be gone on with."""
        with self._door:
            self._ending.set()
            self._turn_away()
            self._line.put(None)
            asked = self._asked  # the other thread may let go of it meanwhile
            if asked is not None:
                asked.give_up()

    def end(self) -> None:
        """Stop, and wait until the model is let go."""
        self.stop()
        self._thread.join()

    async def events(self, question: ResearchRequest) -> AsyncGenerator[Event, None]:
        """Yield what happens until the question is answered, but for passing text.

        Whoever leaves before the end has the run answer from what it has found so far, for the run
        store alone. Raises what opening the setup raises, ContextFull where the question is too
        long, RunError, and ResearchStopped where the program ends.
        """
        asked = _Asked(question, asyncio.get_running_loop())
        self.pending += 1
        try:
            self._queue(asked)
            while (arrived := await asked.arrivals.get()) is not None:
                if isinstance(arrived, Exception):
                    raise arrived
                yield arrived
        finally:
            self.pending -= 1
            asked.leave()

    def _queue(self, asked: _Asked) -> None:
        """Add a question to the line, unless its end has been reached. Raises ResearchStopped."""
        with self._door:
            if self._ending.is_set():
                raise _stopped()
            self._line.put(asked)

    # The thread

    def _work(self) -> None:
        with ExitStack() as opened:
            while (asked := self._line.get()) is not None:
                self._asked = asked
                if not asked.left:
                    self._answer(asked, opened)
                self._asked = None
                if self._ending.is_set():
                    break

    def _answer(self, asked: _Asked, opened: ExitStack) -> None:
        try:
            if self._ending.is_set():
                raise _stopped()
            if self._setup is None:
                self._setup = opened.enter_context(self._opening())
            self._carry_out(asked, self._setup)
        except Exception as error:  # the next question may fare better
            asked.hand_over(error)
        asked.hand_over(None)

    def _carry_out(self, asked: _Asked, setup: ResearchSetup) -> None:
        with ExitStack() as opened:
            web = setup.open_web()
            if web is not None:
                opened.enter_context(closing(web))
                setup = replace(setup, extras=replace(setup.extras, web=web))
            stream = opened.enter_context(closing(self._stream(asked, setup)))
            for event in stream:
                if not isinstance(event, TextAppeared):
                    asked.hand_over(event)
                if self._ending.is_set():
                    raise _stopped()

    def _stream(self, asked: _Asked, setup: ResearchSetup) -> Generator[Event, None, None]:
        """Return the events of a run, each stored before it is seen."""
        question = asked.question
        library, settings = _narrowed(setup, question.library)
        if question.seed is not None:
            settings = replace(settings, seed=question.seed)
        agent = Agent(
            library,
            setup.session,
            profile=setup.profile,
            settings=settings,
            extras=setup.extras,
        )
        agent.require_room(question.text)
        recorded = self._store.record(asked.obeyed_by(agent))
        first = next(recorded)
        assert isinstance(first, RunStarted)
        return with_messages(chain([first], recorded), agent, self._store, first.run)

    def _turn_away(self) -> None:
        """Tell those who still wait that nobody will answer."""
        with suppress(queue.Empty):
            while True:
                asked = self._line.get_nowait()
                if asked is not None:
                    asked.hand_over(_stopped())


async def outcome(events: AsyncIterable[Event]) -> tuple[RunStarted, RunFinished]:
    """Return the beginning and the end of a run. Raises RunFailed, and what `events` raises."""
    started, finished = [
        event async for event in events if isinstance(event, RunStarted | RunFinished)
    ]
    assert isinstance(started, RunStarted)
    assert isinstance(finished, RunFinished)
    if finished.status == "failed":
        raise RunFailed(finished.reason)
    return started, finished


class _Asked:
    """A question that was asked, and the way back to whoever waits for its answer."""

    def __init__(self, question: ResearchRequest, loop: asyncio.AbstractEventLoop) -> None:
        self.question = question
        self.arrivals: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self._loop = loop
        self._agent: Agent | None = None
        self._left = threading.Event()

    @property
    def left(self) -> bool:
        """Whether nobody waits any more."""
        return self._left.is_set()

    def leave(self) -> None:
        """Wait no more: have the run come to its end."""
        self._left.set()
        if self._agent is not None:
            self._agent.interrupt()

    def give_up(self) -> None:
        """Have the run wait no longer for what a tool does."""
        if self._agent is not None:
            self._agent.give_up()

    def obeyed_by(self, agent: Agent) -> Generator[Event, None, None]:
        """Yield the run of an agent, which from now on is told when nobody waits any more."""
        events = agent.run(self.question.text)
        self._agent = agent
        if self.left:
            agent.interrupt()
        yield from events

    def hand_over(self, arrived: Event | Exception | None) -> None:
        """Pass something on to whoever waits; None is the end."""
        with suppress(RuntimeError):  # the loop is closed: nobody is there any more
            self._loop.call_soon_threadsafe(self.arrivals.put_nowait, arrived)


def _narrowed(setup: ResearchSetup, library: str | None) -> tuple[Collection, AgentSettings]:
    """Return the libraries to search, and the settings that name them."""
    if library is None:
        return setup.library, setup.settings
    found = [
        (each, source)
        for each, source in zip(setup.library.libraries, setup.settings.libraries, strict=True)
        if each.name == library
    ][:1]
    return (
        Collection([each for each, _ in found]),
        replace(setup.settings, libraries=tuple(source for _, source in found)),
    )


def _stopped() -> ResearchStopped:
    return ResearchStopped(
        "miro-edge has ended. What was found is kept, and can be gone on with: miro-edge runs list"
    )
