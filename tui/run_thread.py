"""A run beside the interface: a thread of its own carries it on, the interface is only told."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from textual.message import Message

from edge_agent.agent import Agent, AgentSettings
from edge_agent.attachments import attached, changes
from edge_agent.config import AskSettings
from edge_agent.events import AttachedFile, Event, RunResumed, RunStarted
from edge_agent.extras import Extras, open_extras
from edge_agent.failures import explained, in_words
from edge_agent.index import Collection, Searched
from edge_agent.launch import agent_settings, check_at_hand, check_names, web_beside
from edge_agent.messages import with_messages
from edge_agent.models import ModelStore
from edge_agent.profiles import Profile, load_profile
from edge_agent.resumption import Limits, Resumption, resumption
from edge_agent.runs import RunStore

from .stoppable_thread import StoppableThread, StoppedError
from .workbench import Loading, Workbench, indexing

_NICENESS = 10
"""How far behind the interface a run stands: a tenth of its share where both want a core."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A question to be answered, and how."""

    text: str
    wanted: AskSettings


@dataclass(frozen=True, slots=True)
class Continuation:
    """A stored run to be gone on with."""

    run: str
    limits: Limits
    wanted: AskSettings
    """Of these counts how the model lies in memory, and whether the network is left alone."""


RunTask: TypeAlias = NewRun | Continuation


class EventsReady(Message):
    """Events lie ready in the thread's outbox."""


class Remark(Message):
    """Something that whoever asks should know: what is left out, or is not as it was before."""

    def __init__(self, text: str) -> None:
        """Say it, in a sentence or two."""
        super().__init__()
        self.text = text


class RunOver(Message):
    """The thread has ended; `failure` says what went wrong and what to do, if anything did."""

    def __init__(self, failure: str | None) -> None:
        """Tell how it ended."""
        super().__init__()
        self.failure = failure


class RunThread(StoppableThread):
    """Carries out one task, and reports what is got ready before its first step."""

    def __init__(
        self, task: RunTask, workbench: Workbench, post: Callable[[Message], object]
    ) -> None:
        """Get ready; `post` sends messages to whoever shows the run, from any thread."""
        super().__init__("run", post)
        self._task = task
        self._workbench = workbench
        self._agent: Agent | None = None
        self._outbox: deque[Event] = deque()
        self._announced = threading.Event()
        self._answer_now = threading.Event()
        self._paused = threading.Event()

    # Asked of it from the interface

    def take_events(self) -> list[Event]:
        """Return the events that came since this was last called."""
        self._announced.clear()  # first: what comes from now on is announced again
        taken = []
        while self._outbox:
            taken.append(self._outbox.popleft())
        return taken

    def answer_now(self) -> None:
        """End the gathering, and have the answer read from what was found."""
        self._answer_now.set()
        self._paused.clear()
        if self._agent is not None:
            self._agent.interrupt()

    def stop(self) -> None:
        """End at the next token; what was stored can be gone on with."""
        super().stop()
        if self._agent is not None:
            self._agent.give_up()

    @property
    def answering(self) -> bool:
        """Whether it was asked to answer from what it has."""
        return self._answer_now.is_set()

    @property
    def paused(self) -> bool:
        """Whether the run waits."""
        return self._paused.is_set()

    def pause(self) -> None:
        """Have the run wait at its next token or step."""
        self._paused.set()
        if self._agent is not None:
            self._agent.pause()

    def go_on(self) -> None:
        """End a pause."""
        self._paused.clear()
        if self._agent is not None:
            self._agent.go_on()

    # The thread itself

    def run(self) -> None:
        """Carry the task out, and tell that it is over, whatever happens."""
        failure: str | None = None
        _give_way()
        try:
            with self._workbench.taken(), closing(RunStore(self._workbench.home.runs)) as store:
                self._carry_out(store)
        except StoppedError:
            pass
        except Exception as error:  # the interface has to stay, whatever breaks
            failure = in_words(error)
            if explained(error) is None:
                failure += ". Nothing is lost: what was stored of the run can be gone on with."
        self._post(RunOver(failure))

    def _carry_out(self, store: RunStore) -> None:
        self._report("Getting ready")
        with ExitStack() as opened, closing(self._stream(store, opened)) as stream:
            for event in stream:
                self._outbox.append(event)
                if not self._announced.is_set():
                    self._announced.set()
                    self._post(EventsReady())
                if self.stopping:
                    return

    def _stream(self, store: RunStore, opened: ExitStack) -> Generator[Event, None, None]:
        """Return the events of the task, each stored before it is seen.

        What has to stay open until the last of them is left in `opened`.
        """
        task = self._task
        if isinstance(task, NewRun):
            agent = self._asking(task.wanted, opened)
            recorded = store.record(self._obeying(agent, agent.run(task.text)))
        else:
            agent, found = self._going_on(task, store, opened)
            recorded = store.resume(
                task.run,
                lambda stored: self._obeying(agent, agent.resume(stored, found.budget)),
            )
        first = next(recorded)
        assert isinstance(first, RunStarted | RunResumed)
        return with_messages(chain([first], recorded), agent, store, first.run)

    def _obeying(self, agent: Agent, events: Iterator[Event]) -> Iterator[Event]:
        """Pass on what was asked for before there was an agent to ask."""
        self._agent = agent
        if self._answer_now.is_set():
            agent.interrupt()
        elif self._paused.is_set():
            agent.pause()
        return events

    def _asking(self, wanted: AskSettings, opened: ExitStack) -> Agent:
        bench, home = self._workbench, self._workbench.home
        led = check_names(wanted, home)
        offline = wanted.offline
        usual = bench.default_model(ModelStore(home.models), offline=offline)
        model = bench.model(wanted.model or usual.name, self._report, offline=offline)
        library = bench.libraries(wanted.libraries, self._report, self._remark, offline=offline)
        settings = agent_settings(wanted, model, home)
        profile = led or load_profile(model.profile)
        web = web_beside(library, home, wanted=wanted.web, offline=offline)
        extras = self._extras(wanted.tools, profile, web, opened, offline=offline)
        self._report(f"Loading {settings.model}")
        loading = Loading(wanted.context, wanted.kv_type, lock=wanted.mlock)
        session = bench.session(model, loading)
        return Agent(library, session, profile=profile, settings=settings, extras=extras)

    def _going_on(
        self, task: Continuation, store: RunStore, opened: ExitStack
    ) -> tuple[Agent, Resumption]:
        bench, home, wanted = self._workbench, self._workbench.home, task.wanted
        store.check_free(task.run)
        found = resumption(store.events(task.run), task.limits)
        started = found.started
        named = check_at_hand(started, home, offline=wanted.offline)
        profile = load_profile(found.profile)
        model = bench.model(started.model_source, self._report, offline=wanted.offline)
        library = self._libraries_of(started, named, opened, offline=wanted.offline)
        web = web_beside(library, home, wanted=started.web, offline=wanted.offline)
        extras = self._extras(started.tools, profile, web, opened, offline=wanted.offline)
        self._report(f"Loading {started.model}")
        loading = Loading(found.context, wanted.kv_type, lock=wanted.mlock)
        session = bench.session(model, loading)
        settings = AgentSettings(prefixes=home.prefixes)
        return Agent(library, session, profile=profile, settings=settings, extras=extras), found

    def _extras(
        self,
        names: Sequence[str],
        profile: Profile,
        web: Searched | None,
        opened: ExitStack,
        *,
        offline: bool,
    ) -> Extras:
        if names:
            self._report(f"Starting {', '.join(names)}")
        extras = opened.enter_context(open_extras(names, profile, web, offline=offline))
        for text in extras.remarks:
            self._remark(text)
        return extras

    def _libraries_of(
        self,
        started: RunStarted,
        named: tuple[AttachedFile, ...],
        opened: ExitStack,
        *,
        offline: bool,
    ) -> Collection:
        """Return what a run searches: its libraries, and the files that it was asked about."""
        for text in changes(started.files, named):
            self._remark(text)
        libraries = self._workbench.libraries(
            started.libraries, self._report, self._remark, offline=offline
        )
        files = attached(named, self._workbench.embedder, indexing(self._report))
        return Collection([*opened.enter_context(files), *libraries.libraries])

    def _remark(self, text: str) -> None:
        self._post(Remark(text))


def _give_way() -> None:
    """Let the thread that draws go before this one, and before those that compute for it.

    A model keeps every core busy, so that keys would wait for whole batches. On Linux niceness is a
    thread's own, and threads inherit it from the one that starts them; elsewhere it is a process's.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
