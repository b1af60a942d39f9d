"""The agent: a model, a library and a profile, ready for questions, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import TracebackType

from edge_agent.events import AttachedFile, Event, RunFinished, RunResumed, RunStarted
from edge_agent.extras import Extras
from edge_agent.home import Home
from edge_agent.index import Collection, Library
from edge_agent.loop import Loop
from edge_agent.model_opening import loading_settings, model_at_hand, open_session
from edge_agent.models import AnySession, ContextFull, InstalledModel, RemoteModel, SpanKind
from edge_agent.profiles import Profile, load_profile
from edge_agent.prompting import question_prompt, system_prompt
from edge_agent.protocol import render_call
from edge_agent.runs import new_run_id
from edge_agent.runtime import Resources, Signals
from edge_agent.tools import toolbox
from edge_agent.trajectory import Entry, Trajectory
from edge_agent.turns import first_search
from edge_agent.window import Window


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What the person who asks decides."""

    max_calls: int | None = None
    """Most tool calls of an attempt; None is the profile's own limit."""
    max_seconds: float | None = None
    """Seconds after which the answer is read from what was found."""
    max_tokens: int | None = None
    """Tokens, read and written, after which the answer is read from what was found."""
    attempts: int = 1
    """Most attempts at a question that the library does not seem to answer."""
    vote: bool = False
    """Whether all attempts are made, and the answer that most of them give is taken."""
    seed: int = 0
    """Where the drawing of tokens begins: same seed, same machine, same text."""
    model: str = ""
    """What the model is called in the records of runs; one that is named has its own title."""
    model_source: str = ""
    """How the model can be asked for again: a name, a path, an address. One that is named knows."""
    libraries: tuple[str, ...] = ()
    """How the libraries can be asked for again: names or paths."""
    files: tuple[AttachedFile, ...] = ()
    """The files that are searched beside them, in this run alone."""
    profile_source: str = ""
    """How the profile can be asked for again: a name or a path."""
    tools: tuple[str, ...] = ()
    """What was asked for beside the profile's own tools, by name."""
    prefixes: Path | None = None
    """A folder where decoded system prompts are kept, so that a run starts without decoding one."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may cost in all, the calls in each attempt; None is no limit."""

    max_calls: int
    max_seconds: float | None = None
    max_tokens: int | None = None


class Agent:
    """Works on questions over a library.

    A model that is named is loaded when it is first needed and let go at `close`; a session that is
    given stays its owner's.

        with Agent(Library(Path("papers"))) as agent:
            print(agent.ask("Who introduced dropout?").answer)
    """

    def __init__(
        self,
        library: Library | Collection,
        model: AnySession | str | None = None,
        *,
        profile: Profile | str | None = None,
        settings: AgentSettings | None = None,
        extras: Extras | None = None,
    ) -> None:
        """Make an agent over a library, or several as a Collection.

        `model` is a session, or a model by name, path or address; the default one if none is given.
        `profile` is a profile, the name of one or the path of one; the model's own if none is
        given. `extras` stay their owner's.
        Raises ProfileError, ToolboxError, and where no session is given ConfigError,
        UnknownModel, InvalidModelFile, HashMismatch and ServerError.
        """
        self.library = Collection([library]) if isinstance(library, Library) else library
        self.settings = settings or AgentSettings()
        self._signals = Signals()
        self._opened = ExitStack()
        self._model: InstalledModel | RemoteModel | None = None
        self._session: AnySession | None = None
        if model is None or isinstance(model, str):
            self._model = model_at_hand(model, Home.from_environment())
            self.settings = _naming(self.settings, self._model)
        else:
            self._session = model
        own = "generic" if self._model is None else self._model.profile
        wanted = own if profile is None else profile
        self.profile = load_profile(wanted) if isinstance(wanted, str) else wanted
        self._extras = extras or Extras()
        self.toolbox = toolbox(self.profile.tools, self._extras.tools)

    def __enter__(self) -> Agent:
        """Lend the agent."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the model go."""
        self.close()

    def close(self) -> None:
        """Let go of a model that this agent loaded itself."""
        self._opened.close()

    @property
    def session(self) -> AnySession:
        """The model's window, loaded now if it was not yet. Raises ModelError."""
        if self._session is None:
            assert self._model is not None
            settings = loading_settings(self._model, Home.from_environment())
            self._session = self._opened.enter_context(open_session(self._model, settings))
        return self._session

    def require_room(self, question: str) -> None:
        """Raise ContextFull where the window has no room for a question and the first step.

        A run of it would fail. The model is loaded if it was not yet, which raises ModelError.
        """
        begun = [
            Entry(SpanKind.SYSTEM, system_prompt(self.profile, self.toolbox)),
            Entry(SpanKind.QUESTION, question_prompt(self.profile, question)),
        ]
        if self.profile.gathering.search_first:
            begun.append(Entry(SpanKind.TURN, render_call(first_search(question))))
        window = Window(self.session, self.profile)
        if sum(map(window.needed, begun)) > self.session.context:
            raise ContextFull(
                f"The question of about {self.session.count(question)} tokens is too long for a "
                f"window of {self.session.context}. Ask a shorter one, or use a larger --context."
            )

    def run(self, question: str, run: str | None = None) -> Iterator[Event]:
        """Work on `question` and yield what happens; the last event is always RunFinished.

        The model is loaded before this returns. What is said from other threads counts from the
        call on, also while it is loaded; what was said before does not. Raises ModelError where it
        cannot be loaded.
        """
        self._signals = Signals()
        settings = self.settings
        started = RunStarted(
            run=run or new_run_id(),
            question=question,
            model=settings.model,
            library=self.library.name,
            profile=self.profile.name,
            seed=settings.seed,
            max_calls=settings.max_calls or self.profile.gathering.calls,
            max_seconds=settings.max_seconds,
            max_tokens=settings.max_tokens,
            attempts=settings.attempts,
            vote=settings.vote,
            context=self.session.context,
            model_source=settings.model_source,
            libraries=settings.libraries,
            files=settings.files,
            profile_source=settings.profile_source,
            tools=settings.tools,
            web=self._extras.web is not None,
            system=system_prompt(self.profile, self.toolbox),
            prompt=question_prompt(self.profile, question),
        )
        return self._carried_on(started, Trajectory.of([started]))

    def resume(self, events: Sequence[Event], budget: Budget | None = None) -> Iterator[Event]:
        """Go on with the run that `events`, all that it has stored, tell of.

        `budget` takes the place of what it was begun with. The first event is RunResumed, the last
        one RunFinished. A run that has finished looks further, with what it has found. The model is
        loaded as by `run`, with the same errors, and what is said counts from the call on.
        """
        self._signals = Signals()
        trajectory = Trajectory.of(events)
        chosen = budget or Budget(
            trajectory.max_calls, trajectory.max_seconds, trajectory.max_tokens
        )
        resumed = RunResumed(
            trajectory.started.run, chosen.max_calls, chosen.max_seconds, chosen.max_tokens
        )
        trajectory.apply(resumed)
        return self._carried_on(resumed, trajectory)

    def ask(self, question: str) -> RunFinished:
        """Work on `question` and return how it ended. Raises ModelError."""
        *_, last = self.run(question)
        assert isinstance(last, RunFinished)
        return last

    def interrupt(self) -> None:
        """Ask the run to stop gathering and answer from what it has; safe from any thread."""
        self._signals.interrupted.set()
        self._signals.going.set()

    def give_up(self) -> None:
        """Wait no longer for what a tool does, nor while paused; safe from any thread.

        For whoever asks for no further event: the run itself does not end.
        """
        self._signals.given_up.set()
        self._signals.going.set()

    def pause(self) -> None:
        """Have the run wait at its next token or step, at no cost of time; safe from any thread."""
        self._signals.going.clear()

    def go_on(self) -> None:
        """End a pause; safe from any thread."""
        self._signals.going.set()

    @property
    def interrupted(self) -> bool:
        """Whether the run was asked to stop."""
        return self._signals.interrupted.is_set()

    def tell(self, text: str, message: int | None = None) -> None:
        """Say something to the model before its next step; safe from any thread.

        `message` is the number that the text has in a run store, if it comes from one.
        """
        self._signals.inbox.put((text, message))

    def _carried_on(self, first: Event, trajectory: Trajectory) -> Iterator[Event]:
        resources = Resources(
            session=self.session,
            library=self.library,
            profile=self.profile,
            toolbox=self.toolbox,
            prefixes=self.settings.prefixes,
            signals=self._signals,
            web=self._extras.web,
        )
        return chain([first], Loop(resources, trajectory).events())


def title_of(model: InstalledModel | RemoteModel) -> str:
    """Return what a model is called in the records of runs."""
    return model.title if isinstance(model, RemoteModel) else model.name


def source_of(model: InstalledModel | RemoteModel) -> str:
    """Return how a model can be asked for again, from any folder: a name, a path, an address."""
    if isinstance(model, RemoteModel):
        return model.address
    return str(model.path.resolve()) if model.sha256 is None else model.name


def _naming(settings: AgentSettings, model: InstalledModel | RemoteModel) -> AgentSettings:
    """Return settings that name a model, as they do already or else as it is called."""
    return replace(
        settings,
        model=settings.model or title_of(model),
        model_source=settings.model_source or source_of(model),
    )
