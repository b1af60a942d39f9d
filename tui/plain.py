"""The interface line by line: nothing is drawn or moved, so that a screen reader can follow it."""

from __future__ import annotations

import io
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeAlias

import click
from textual.message import Message

from edge_agent.config import (
    Config,
    changed,
    load_config,
    save_config,
    settings,
    shown_value,
    value_of,
)
from edge_agent.errors import RunError
from edge_agent.events import Event, RunFinished, RunResumed, RunStarted
from edge_agent.failures import explained
from edge_agent.home import Home
from edge_agent.index import SAMPLE, Shelf
from edge_agent.keyboard import listening, terminal
from edge_agent.messages import too_late
from edge_agent.models import ModelStore
from edge_agent.provisioning import DefaultModel
from edge_agent.resumption import Limits
from edge_agent.runs import RunStore
from edge_agent.showing import in_one_line, shown
from edge_agent.traces.account import answer_in_words
from edge_agent.traces.lines import keys_of, told

from .evidence_list import VERDICTS
from .run_thread import (
    Continuation,
    EventsReady,
    NewRun,
    Remark,
    RunOver,
    RunTask,
    RunThread,
)
from .run_view import verdict_on
from .stoppable_thread import Progressed
from .terminal import in_terminal
from .workbench import Workbench

_HELP = """\
Write a question and press Enter. Ctrl+C once answers from what was found, twice stops.
A line that you type in a terminal while it works is said to the model before its next step.
/runs: the newest runs
/open ID: a run, step by step
/resume ID: go on with a run; /resume ID CALLS allows it more calls
/libraries: the libraries
/models: the models
/set: the settings; /set KEY VALUE changes one
/unset KEY: gives a setting its default again
/help: this
/quit: leave"""

_BETWEEN_SHARES = 10.0
"""Seconds between two sentences about how far something is: each one is read aloud."""

_PATIENCE = 10.0
"""Seconds that a run is given to end when nobody hears any more what it says."""


@dataclass(frozen=True, slots=True)
class _Typed:
    """A line that was typed while a run goes on."""

    text: str


_News: TypeAlias = Message | _Typed | str
"""A message of a run's thread, a line for the run, or something to be said at once."""


def converse(home: Home) -> None:
    """Take questions and commands from standard input until it ends or /quit is written.

    Raises ConfigError and RunError where what lies under `home` cannot be opened.
    """
    _take_any_text()
    # The workbench stays open: a thread that does not end at once may still compute in it.
    with closing(RunStore(home.runs)) as store:
        conversation = Conversation(home, store, Workbench(home), load_config(home.config))
        _say("miro-edge, line by line. /help lists what can be written.")
        conversation.greet()
        while (line := _read()) is not None and line.split()[:1] != ["/quit"]:
            try:
                conversation.take(line)
            except KeyboardInterrupt:
                if not in_terminal():
                    raise
                _say("")
            except Exception as error:
                failure = explained(error)
                if failure is None:
                    raise
                _say(failure)


class Conversation:
    """What was asked and set so far."""

    def __init__(self, home: Home, store: RunStore, bench: Workbench, config: Config) -> None:
        """Begin with these settings."""
        self._home = home
        self._store = store
        self._bench = bench
        self._config = config

    def greet(self) -> None:
        """Say if the model is a smaller one than usual."""
        note = self._default().note
        if self._config.ask.model is None and note is not None:
            _say(note)

    def _default(self) -> DefaultModel:
        """Return the model for questions where none is set."""
        store = ModelStore(self._home.models)
        return self._bench.default_model(store, offline=self._config.ask.offline)

    def take(self, line: str) -> None:
        """Answer a question, or carry out a command.

        Raises AgentError, LibraryError, ModelError. A run that fails raises nothing: it is told.
        """
        words = line.split()
        commands: dict[str, Callable[[list[str]], None]] = {
            "/help": lambda _: _say_each(_HELP.splitlines()),
            "/runs": lambda _: self._list_runs(),
            "/open": self._open,
            "/resume": self._resume,
            "/libraries": lambda _: self._list_libraries(),
            "/models": lambda _: self._list_models(),
            "/set": lambda _: self._set(*_parts(line)),
            "/unset": lambda _: self._unset(*_parts(line)),
        }
        if not words:
            return
        if not words[0].startswith("/"):
            self._carry_out(NewRun(" ".join(words), self._config.ask))
        elif words[0] in commands:
            commands[words[0]](words[1:])
        else:
            _say(f"There is no command {words[0]}. /help lists them.")

    # Runs

    def _carry_out(self, task: RunTask) -> None:
        """Have a thread carry out a task, and tell each thing as it happens."""
        news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        thread = RunThread(task, self._bench, news.put)
        telling = _Telling()
        thread.start()
        try:
            with _interrupting(thread, news.put), _typing(news):
                while not isinstance(latest := news.get(), RunOver):
                    if isinstance(latest, _Typed):
                        self._tell(telling.run, latest.text)
                    else:
                        telling.take(latest, thread)
        except OSError:  # nobody reads any more what is said
            thread.stop()
            thread.join(_PATIENCE)
            raise
        thread.join()
        telling.end(thread, latest.failure)
        self._give_back(telling, news)

    def _tell(self, run: str, line: str) -> None:
        """Leave a line for the run that goes on, and say whether it will be heard."""
        if line.startswith("/"):
            _say("A run goes on: write commands when it has ended. Ctrl+C twice stops it.")
        elif not run:
            _say("The run has not begun yet. Say it again in a moment.")
        else:
            try:
                self._store.tell(run, " ".join(line.split()))
            except RunError as error:
                _say(str(error))
            else:
                _say("The model will hear it before its next step.")

    def _give_back(self, telling: _Telling, news: queue.SimpleQueue[_News]) -> None:
        """Say again what a run that has ended was told and has not heard."""
        if telling.finished is not None:
            for _, text in self._store.unheard(telling.run):
                _say(too_late(text))
        while not news.empty():
            if isinstance(line := news.get(), _Typed):
                _say(too_late(line.text))

    def _list_runs(self) -> None:
        runs = self._store.list()
        for run in runs:
            answer = f" Answer: {run.answer}" if run.answer else ""
            _say(f"{run.id}, {run.status}: {run.question}{answer}")
        if not runs:
            _say("There are no runs yet.")

    def _open(self, words: list[str]) -> None:
        run = self._run(words)
        if run is None:
            return
        _say(f"Question: {self._store.summary(run).question}")
        telling = _Telling()
        telling.tell(self._store.events(run))
        if telling.finished is None:
            _say(f"This run has not ended. Go on with it: /resume {run}")

    def _resume(self, words: list[str]) -> None:
        run = self._run(words)
        calls = words[1] if words[1:] else None
        if run is None:
            return
        if calls is not None and not (calls.isdecimal() and int(calls)):
            _say(f"{calls} is no number of calls. Write a whole number, from 1.")
            return
        limits = Limits(calls=None if calls is None else int(calls))
        self._carry_out(Continuation(run, limits, self._config.ask))

    def _run(self, words: list[str]) -> str | None:
        """Return the id of the run that is named; None, and say so, where none is."""
        if not words:
            _say("Write the id of a run after it. /runs lists them.")
            return None
        return self._store.summary(words[0]).id

    # What there is

    def _list_libraries(self) -> None:
        used = self._config.ask.libraries
        for name in dict.fromkeys([SAMPLE, *Shelf(self._home.libraries).names(), *used]):
            _say(f"{name}, in use" if name in used else name)

    def _list_models(self) -> None:
        store = ModelStore(self._home.models)
        used = self._config.ask.model or self._default().name
        here = store.names()
        for entry in store.catalog.models:
            place = "here" if entry.name in here else "not here"
            _say(f"{entry.name}, {place}{', in use' if entry.name == used else ''}: {entry.title}")
        if used not in {entry.name for entry in store.catalog.models}:
            _say(f"{used}, in use")

    # Settings

    def _set(self, key: str = "", value: str = "") -> None:
        if value:
            self._change(key, value)
            return
        _ = key and value_of(self._config, key)  # raises ConfigError for a slip
        for each in settings():
            if key in ("", each.key):
                now = shown_value(self._config, each.key) or "the default"
                _say(f"{each.key} is {now}. {each.description}")

    def _unset(self, key: str = "", _value: str = "") -> None:
        if key:
            self._change(key, "")
        else:
            _say("Write the name of a setting after it. /set lists them.")

    def _change(self, key: str, value: str) -> None:
        # From the file: another program may have changed something else in it meanwhile.
        fresh = changed(load_config(self._home.config), key, value)
        save_config(fresh, self._home.config)
        self._config = fresh
        _say(f"{key} is now {shown_value(fresh, key) or 'the default'}.")


@dataclass(slots=True)
class _Telling:
    """Says what a run does, and knows as much of it as that needs."""

    run: str = ""
    finished: RunFinished | None = None
    """How it ended; None where it has not, or goes on after that."""
    _doing: str = ""
    _share: int = 0
    _said: float = 0.0

    def take(self, news: Message | str, thread: RunThread) -> None:
        """Say what a thread tells."""
        if isinstance(news, str):
            _say(news)
        elif isinstance(news, Remark):
            _say(news.text)
        elif isinstance(news, Progressed):
            self._prepare(news)
        elif isinstance(news, EventsReady):
            self.tell(thread.take_events())

    def end(self, thread: RunThread, failure: str | None) -> None:
        """Say how it ended, and how to go on with it where it has not."""
        self.tell(thread.take_events())
        if failure:
            _say(failure)
        elif self.finished is None:
            _say("Stopped.")
        if self.run and (self.finished is None or self.finished.status == "failed"):
            _say(f"Go on with it: /resume {self.run}")

    def tell(self, events: Iterable[Event]) -> None:
        """Say what happened, and the answer with its sources."""
        for event in events:
            for title, text in told(event):
                _say_titled(title, text)
            if isinstance(event, RunStarted | RunResumed):
                self.run, self.finished = event.run, None
            elif isinstance(event, RunFinished):
                self.finished = event
                _tell_end(event)

    def _prepare(self, news: Progressed) -> None:
        """Say what is got ready, and now and then how much of it is."""
        share = news.share or 0
        now = time.monotonic()
        if news.doing != self._doing:
            _say(news.doing)
        elif share > self._share and now - self._said > _BETWEEN_SHARES:
            _say(str(news))
        else:
            return
        self._doing, self._share, self._said = news.doing, share, now


def _tell_end(finished: RunFinished) -> None:
    """Say the answer and what it rests on; why a run failed is said already."""
    if finished.status != "failed":
        _say_titled("Answer", answer_in_words(finished))
    for each in finished.citations:
        verdict = VERDICTS[verdict_on(each)]
        origin = f", on the web at {each.source}" if each.is_from_the_web else ""
        place = f", {each.place}" if each.place else ""
        _say(f"Source {each.key}, {verdict}: {each.title}{origin}{place}: {each.quote}")
    for claim in finished.claims:
        _say(f"Claim, supported by {keys_of(claim.keys) or 'no passage'}: {claim.text}")
    _say(f"Run {finished.run}")


def _typing(news: queue.SimpleQueue[_News]) -> AbstractContextManager[None]:
    """Have what is typed in a terminal meanwhile come with the news.

    Of what is piped in, each line is a question or a command of its own.
    """
    return listening(terminal(), lambda line: news.put(_Typed(line)))


@contextmanager
def _interrupting(thread: RunThread, say: Callable[[str], None]) -> Iterator[None]:
    """Let the first Ctrl+C have it answer now, the second one stop it, and a third one leave."""
    interrupts = 0

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            thread.answer_now()
            say("Answering from what was found. Ctrl+C again stops.")
        elif interrupts == 2:
            thread.stop()
            say("Stopping. Ctrl+C again leaves.")
        else:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# Lines


def _take_any_text() -> None:
    """Read what the encoding of a terminal has not in some way rather than not."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")


def _read() -> str | None:
    """Return the next line, or None at the end; in a terminal Ctrl+C begins a new line."""
    while True:
        prompt = "Question: " if in_terminal() else ""
        try:
            return None if sys.stdin is None else input(prompt).strip()
        except EOFError:
            if prompt:
                _say("")
            return None
        except KeyboardInterrupt:
            if not prompt:
                raise
            _say_each(["", "/quit leaves."])


def _parts(line: str) -> list[str]:
    """Return what stands behind a command: a word, and all the rest as it was written."""
    return line.split(maxsplit=2)[1:]


def _say(text: str) -> None:
    """Say something in one line."""
    click.echo(in_one_line(text))


def _say_each(lines: Iterable[str]) -> None:
    for line in lines:
        _say(line)


def _say_titled(title: str, text: str) -> None:
    """Say what a text is and then the text, its lines set in: none can pass for one of ours."""
    lines = [" ".join(line.split()) for line in shown(text).splitlines()]
    first, *rest = filter(None, lines) if any(lines) else [""]
    if first:
        _say(f"{title}: {first}")
    for line in rest:
        click.echo(f"  {line}")
