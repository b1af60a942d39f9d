"""The runtime of a run: where model, window and trajectory meet, and what all of it costs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import psutil

from edge_agent.events import (
    Event,
    StepMeasured,
    TextAppeared,
    TokenCounts,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.index import Collection, Searched
from edge_agent.models import AnySession, Plan, Sampling
from edge_agent.profiles import Profile
from edge_agent.reasons import INTERRUPTED, TIME_LIMIT, TOKEN_LIMIT
from edge_agent.tools import Toolbox
from edge_agent.trajectory import Entry, Trajectory
from edge_agent.window import Window

_Outcome = TypeVar("_Outcome")
Steps: TypeAlias = Generator[Event, None, _Outcome]
"""Part of a run: yields events, returns what came of it."""


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass(frozen=True, slots=True)
class Signals:
    """What reaches a run from outside, from any thread."""

    interrupted: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)
    """Set where nobody asks for what happens next: no tool is waited for."""
    going: threading.Event = field(default_factory=_set_event)
    """Cleared while the run is paused."""
    inbox: queue.SimpleQueue[tuple[str, int | None]] = field(default_factory=queue.SimpleQueue)
    """Lines of the user's, each with its number in the run store, if it has one."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a run is worked on with."""

    session: AnySession
    library: Collection
    profile: Profile
    prefixes: Path | None = None
    """A folder where decoded system prompts are kept."""
    toolbox: Toolbox = field(default_factory=lambda: Toolbox(()))
    """What the model may call."""
    signals: Signals = field(default_factory=Signals)
    web: Searched | None = None
    """What is searched where the library does not answer."""


class Runtime:
    """Changes a trajectory and the model's window together, event by event, and counts the cost."""

    def __init__(self, resources: Resources, trajectory: Trajectory) -> None:
        """Take up the work where `trajectory` stands."""
        self.session = resources.session
        self.profile = resources.profile
        self.toolbox = resources.toolbox
        self.signals = resources.signals
        self.trajectory = trajectory
        self._library = resources.library
        self._web = (
            None
            if resources.web is None
            else Collection(resources.library.libraries, resources.web)
        )
        self._prefixes = resources.prefixes
        self._window = Window(resources.session, resources.profile)
        self._began = time.monotonic()
        self._usage = resources.session.usage

    def emit(self, event: Event) -> Event:
        """Apply an event to the trajectory, and return it to be yielded."""
        self.trajectory.apply(event)
        return event

    @property
    def library(self) -> Collection:
        """What is searched now."""
        return self._web if self._web is not None and self.trajectory.web else self._library

    @property
    def may_go_further(self) -> bool:
        """Whether there is a web to search that was not searched yet."""
        return self._web is not None and not self.trajectory.web

    # The window

    def open(self, entries: Sequence[Entry]) -> None:
        """Make the window hold `entries`, the first of them from its saved prefix if there is one.

        Raises ContextFull.
        """
        folder = self._prefixes
        if folder is not None and not self._window.begins_with(entries[0]):
            self._window.restore(entries[:1])
            if not self.session.load_prefix(folder):
                self.session.save_prefix(folder)
        self._window.restore(entries)

    def place(self, entry: Entry, reserve: int = 0) -> Steps[None]:
        """Add a span to the window, making room for it and for `reserve` tokens after it.

        Raises ContextFull.
        """
        yield from self.make_room(self._window.needed(entry) + reserve)
        self._window.append(entry)

    def room_beside(self, *entries: Entry) -> int:
        """Return the tokens that a window with nothing but these spans has room for."""
        return self.session.context - sum(map(self._window.needed, entries))

    def make_room(self, tokens: int) -> Steps[None]:
        """Cut spans until there is room for `tokens` more."""
        for event in self._window.make_room(self.trajectory, tokens):
            yield self.emit(event)

    # Turns

    def turn(self, plan: Plan) -> Steps[None]:
        """Have the model write a turn; where a limit comes first, it leaves no trace."""
        trajectory = self.trajectory
        self._rest()
        if not trajectory.writing:
            yield self.emit(TurnStarted(trajectory.step + 1))
        stopped: str | None = None
        with closing(self.session.generate(plan, self.sampling, self._seed)) as pieces:
            for piece in pieces:
                yield TextAppeared(trajectory.step, piece.text, piece.origin)
                self._rest()
                stopped = self.stopped() if trajectory.phase == "gathering" else None
                if stopped is not None:
                    break
        written = self.session.spans[-1]
        if stopped is not None:
            self.session.rollback(written)
            yield self.emit(TurnRolledBack(trajectory.step, stopped))
        else:
            yield self.emit(TurnFinished(trajectory.step, written.text))

    @property
    def sampling(self) -> Sampling:
        """How tokens are drawn: by chance where something else than the likeliest is wanted.

        So it is in attempts that vote, but for the first, and in the turn that a fork begins with.
        """
        sampling = self.profile.sampling
        votes = self.trajectory.started.vote and self.trajectory.attempt > 1
        if votes or (sampling.temperature == 0 and self._leaves_its_parent):
            return replace(sampling, temperature=self.profile.vote_temperature)
        return sampling

    @property
    def _leaves_its_parent(self) -> bool:
        """Whether this is the first turn of a fork, or is written instead of one taken back."""
        trajectory = self.trajectory
        started, instead_of = trajectory.started, trajectory.step - trajectory.rollbacks
        return bool(started.parent) and instead_of <= started.parent_step + 1

    @property
    def _seed(self) -> int:
        """A seed of its own for every turn, so that a turn taken back is not repeated."""
        return self.trajectory.started.seed * 100_003 + self.trajectory.step

    # Limits and costs

    def _rest(self) -> None:
        """Wait while the run is paused; that time does not count."""
        if self.signals.going.is_set():
            return
        began = time.monotonic()
        self.signals.going.wait()
        self._began += time.monotonic() - began

    def stopped(self) -> str | None:
        """Return what ends the gathering at once, in the middle of a step, or None."""
        trajectory = self.trajectory
        if self.signals.interrupted.is_set():
            return INTERRUPTED
        if trajectory.max_seconds is not None and self.seconds >= trajectory.max_seconds:
            return TIME_LIMIT
        if trajectory.max_tokens is not None and self._spent >= trajectory.max_tokens:
            return TOKEN_LIMIT
        return None

    def measure(self) -> Steps[None]:
        """Tell what the step that has just ended has cost."""
        trajectory = self.trajectory
        if trajectory.writing or trajectory.measured == trajectory.step:
            return
        event = StepMeasured(
            trajectory.step,
            self.session.size,
            self.session.context,
            self._unmeasured,
            round(time.monotonic() - self._began, 3),
            psutil.Process().memory_info().rss,
        )
        self._began, self._usage = time.monotonic(), self.session.usage
        yield self.emit(event)

    @property
    def seconds(self) -> float:
        """The seconds that were worked on this run, pauses left out."""
        return self.trajectory.seconds + time.monotonic() - self._began

    @property
    def tokens(self) -> TokenCounts:
        """The tokens of this run until now."""
        return self.trajectory.tokens + self._unmeasured

    @property
    def _unmeasured(self) -> TokenCounts:
        """The tokens since a step was last measured."""
        now, before = self.session.usage, self._usage
        return TokenCounts(
            now.prompt - before.prompt, now.new - before.new, now.generated - before.generated
        )

    @property
    def _spent(self) -> int:
        """The tokens that were decoded for this run, as prompt or one by one."""
        return self.tokens.prompt + self.tokens.generated
