"""Rolls: the student works on training questions itself, and learns from the runs that went well.

Every question is run several times at a temperature, through the real agent over the real library.
A run is kept where its answer is right, what it cites is evidence, and no other run of the question
that is as good took fewer calls. Runs that are kept are played again decision by decision, so that
their examples mark what the model had to decide. It can be stopped, and started again.

    .venv/bin/python scripts/distill/roll.py --model miro-edge-1.5b --out .distill/roll1.jsonl
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from configuration import Configuration, load_configuration
from examples import Example, Shelf, groups
from lessons import Lesson, lessons
from taught_session import TaughtSession
from teach import make_library
from teacher import Unteachable

from edge_agent.agent import Agent, AgentSettings
from edge_agent.events import Event, EvidenceAdded, RunFinished, TextAppeared, TurnFinished
from edge_agent.home import Home
from edge_agent.index import Collection, Library
from edge_agent.models import ModelStore, Sample
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session
from edge_agent.opening import loading_settings
from edge_agent.profiles import Profile, load_profile
from edge_agent.provisioning import installed_embedder, model_here

_ASTRAY = "the run goes another way when it is played again"


class Replay:
    """Decides as a run has decided, in the same order.

    A model that wrote nothing where it could write leaves no trace of it: such a run goes another
    way, and mostly raises Unteachable.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        """Take the decisions from the pieces of text in `events`."""
        pieces = [event for event in events if isinstance(event, TextAppeared)]
        self._decisions = iter(_decisions(pieces))

    def choose(self, options: Sequence[str]) -> str:
        """Return the option that was taken."""
        decided = self._next()
        if decided not in options:
            raise Unteachable(_ASTRAY)
        return decided

    def write(self, step: Sample) -> str:
        """Return the text that was written."""
        return self._next()

    def _next(self) -> str:
        decided = next(self._decisions, None)
        if decided is None:
            raise Unteachable(_ASTRAY)
        return decided


def _turns(events: Sequence[Event]) -> list[str]:
    """Return what was written in a run, turn by turn."""
    return [event.text for event in events if isinstance(event, TurnFinished)]


def _decisions(pieces: Sequence[TextAppeared]) -> Iterator[str]:
    """Yield what was chosen, piece by piece, and what was written, whole."""
    for (_, origin), group in groupby(pieces, key=lambda piece: (piece.step, piece.origin)):
        texts = [piece.text for piece in group]
        if origin == "sampled":
            yield "".join(texts)
        elif origin == "chosen":
            yield from texts


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


def best(rolls: Sequence[Roll]) -> Roll | None:
    """Return the run to learn from: of those that earned it the best cited, then the shortest."""
    earned = [roll for roll in rolls if roll.earned]
    return min(earned, key=lambda roll: (-roll.cited, roll.calls), default=None)


class Practice:
    """Where a student is tried: its model, the libraries, the profile."""

    def __init__(self, configuration: Configuration, engine: Engine, profile: Profile) -> None:
        """Use `engine` with the student's adapter."""
        self._configuration = configuration
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
        try:
            played = list(self._agent(lesson, session, 0).run(lesson.question))
        except Unteachable:
            return []
        if not session.whole or _turns(played) != _turns(roll.events):
            return []
        return session.examples(lesson, variant)

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


def chosen_lessons(configuration: Configuration, data: Path, limit: int) -> list[Lesson]:
    """Return lessons of all sets in turn, those that are kept back left out."""
    every: list[Lesson] = []
    for name in configuration.sets:
        part = [lesson for lesson in lessons(data / name) if not lesson.held]
        random.Random(configuration.seed).shuffle(part)
        every += part[: max(1, limit // len(configuration.sets))]
    random.Random(configuration.seed).shuffle(every)
    return every


def rolled(options: argparse.Namespace, configuration: Configuration) -> None:
    """Roll what was not rolled yet, and write each question when it is done."""
    home = Home.from_environment()
    model = model_here(options.model, ModelStore(home.models))
    if model is None:
        raise SystemExit(f"Get the student first: miro-edge models pull {options.model}")
    for name in configuration.sets:
        make_library(home.libraries / f"bench-{name}", options.data / name)
    profile = load_profile(configuration.profile)
    sampling = replace(profile.sampling, temperature=options.temperature)
    profile = profile.model_copy(update={"sampling": sampling})
    shelf = Shelf(options.out)
    with Engine(model.path, loading_settings(model, home)) as engine:
        practice = Practice(configuration, engine, profile)
        for lesson in chosen_lessons(configuration, options.data, options.limit):
            group = f"{lesson.set} {lesson.id}"
            if group in shelf.done:
                continue
            rolls = practice.rolls(lesson, options.times)
            kept = best(rolls)
            made = [] if kept is None else practice.examples(lesson, kept, options.out.stem)
            right = sum(roll.right for roll in rolls)
            shelf.add(group, made, set=lesson.set, right=right, times=options.times)
            print("." if kept else "-", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def summary(out: Path) -> None:
    """Print how many runs were right, and of how many questions one was kept."""
    told = sorted(groups(out), key=lambda group: group["set"])
    for name, group in groupby(told, key=lambda each: each["set"]):
        part = list(group)
        right = sum(each["right"] for each in part) / sum(each["times"] for each in part)
        kept = sum(bool(each["examples"]) for each in part)
        print(f"{name:10} {len(part)} questions, {right:.0%} of runs right, kept {kept}")


def main() -> None:
    """Roll, and tell what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True, help="the student, by name")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--config", type=Path, help="configuration; the one beside this by default")
    parser.add_argument("--out", type=Path, required=True, help="file of this round's examples")
    parser.add_argument("--limit", type=int, default=400, help="questions, of all sets together")
    parser.add_argument("--times", type=int, default=4, help="runs of each question")
    parser.add_argument("--temperature", type=float, default=0.7)
    options = parser.parse_args()
    rolled(options, load_configuration(options.config))
    summary(options.out)


if __name__ == "__main__":
    main()
