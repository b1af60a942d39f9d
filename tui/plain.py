"""The interface line by line: nothing is drawn or moved, so that a screen reader can follow it."""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import click
from textual.message import Message

from edge_agent.config import Config, changed, load_config, save_config, value_of
from edge_agent.errors import AgentError
from edge_agent.events import Event, RunFinished
from edge_agent.home import Home
from edge_agent.index import SAMPLE, Shelf
from edge_agent.models import ModelStore
from edge_agent.resumption import Limits
from edge_agent.runs import RunStore
from edge_agent.traces.account import NOT_FOUND
from edge_agent.traces.lines import shown, told

from .evidence_list import VERDICTS
from .run_thread import Continuation, EventsReady, Preparing, Question, RunOver, RunThread, Task
from .workbench import Workbench

_HELP = """\
Write a question and press Enter. Ctrl+C once answers from what was found, twice stops.
/runs             the newest runs
/open ID          a run, step by step
/resume ID        go on with a run
/libraries        the libraries
/models           the models
/set KEY VALUE    change a setting; /set alone lists them
/help             this
/quit             leave"""


def converse(home: Home) -> None:
    """Take questions and commands from standard input until it ends or /quit is written.

    Raises ConfigError and RunError where what lies under `home` cannot be opened.
    """
    with closing(RunStore(home.runs)) as store, closing(Workbench(home)) as bench:
        conversation = Conversation(home, store, bench, load_config(home.config))
        _say("miro-edge, line by line. /help lists what can be written.")
        while (line := _read()) is not None and line != "/quit":
            try:
                conversation.take(line)
            except AgentError as error:
                _say(str(error))


class Conversation:
    """What was asked and set so far."""

    def __init__(self, home: Home, store: RunStore, bench: Workbench, config: Config) -> None:
        """Begin with these settings."""
        self._home = home
        self._store = store
        self._bench = bench
        self._config = config

    def take(self, line: str) -> None:
        """Answer a question, or carry out a command. Raises AgentError."""
        word, _, rest = line.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "/help": lambda _: _say(_HELP),
            "/runs": lambda _: self._list_runs(),
            "/open": self._open,
            "/resume": self._resume,
            "/libraries": lambda _: self._list_libraries(),
            "/models": lambda _: self._list_models(),
            "/set": self._set,
        }
        if not line:
            return
        if not line.startswith("/"):
            self._carry_out(Question(line, self._config.ask))
        elif word in commands:
            commands[word](rest.strip())
        else:
            _say(f"There is no command {word}. /help lists them.")

    def _carry_out(self, task: Task) -> None:
        """Have a thread carry out a task, and tell each thing as it happens."""
        messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        thread = RunThread(task, self._bench, messages.put)
        thread.start()
        with _interrupting(thread):
            said = ""
            while True:
                message = messages.get()
                if isinstance(message, Preparing) and message.doing != said:
                    said = message.doing
                    _say(said)
                if isinstance(message, EventsReady | RunOver):
                    _tell(thread.take_events())
                if isinstance(message, RunOver):
                    break
        thread.join()
        if message.failure:
            _say(message.failure)

    def _list_runs(self) -> None:
        for run in self._store.list():
            _say(f"{run.id}, {run.status}: {run.question} {run.answer or ''}")

    def _open(self, run: str) -> None:
        events = self._store.events(run)
        _say(f"Question: {self._store.summary(run).question}")
        _tell(list(events))

    def _resume(self, run: str) -> None:
        full = self._store.summary(run).id
        self._carry_out(Continuation(full, Limits(), self._config.ask.offline))

    def _list_libraries(self) -> None:
        for name in dict.fromkeys([SAMPLE, *Shelf(self._home.libraries).names()]):
            used = ", in use" if name in self._config.ask.libraries else ""
            _say(f"{name}{used}")

    def _list_models(self) -> None:
        store = ModelStore(self._home.models)
        for entry in store.catalog.models:
            here = "here" if entry.name in store.names() else "not here"
            _say(f"{entry.name}, {here}: {entry.title}")

    def _set(self, words: str) -> None:
        key, _, value = words.partition(" ")
        if not key:
            from edge_agent.config import settings

            for each in settings():
                _say(f"{each.key}: {value_of(self._config, each.key) or 'default'}. "
                     f"{each.description}")  # fmt: skip
            return
        self._config = changed(self._config, key, value)
        save_config(self._config, self._home.config)
        _say(f"{key} is now {value_of(self._config, key) or 'the default'}.")


@contextmanager
def _interrupting(thread: RunThread) -> Iterator[None]:
    """Let the first Ctrl+C have it answer now, and the second one stop it."""
    interrupts = 0

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            thread.answer_now()
        else:
            thread.stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(events: list[Event]) -> None:
    """Say what happened, and the answer with its sources."""
    for event in events:
        for title, text in told(event):
            if text:
                _say(f"{title}: {text}")
        if isinstance(event, RunFinished):
            _say(f"Answer: {event.answer or NOT_FOUND}")
            for each in event.citations:
                verdict = VERDICTS["supports" if each.supported else "cited"]
                _say(f"Source {each.key}, {verdict}: {each.title}, {each.place}: {each.quote}")
            _say(f"Run {event.run}")


def _read() -> str | None:
    """Return the next line, or None at the end; Ctrl+C begins a new line."""
    while True:
        try:
            return " ".join(input("Question: ").split())
        except EOFError:
            _say("")
            return None
        except KeyboardInterrupt:
            _say("")
            _say("/quit leaves.")


def _say(text: str) -> None:
    click.echo(shown(text))
