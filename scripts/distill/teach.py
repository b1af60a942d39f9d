"""Makes the examples that a student learns from: a teacher's runs of the real agent, and readings.

gathering   a teacher that knows the evidence drives the real agent over the real library, and a run
            is kept when every step of it was earned
reading     the passages that hold the evidence among others that a search found, and the answer

It can be stopped, and started again where it was; what it kept and dropped is told at the end.

    .venv/bin/python scripts/distill/teach.py --out .distill/taught.jsonl
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from configuration import Configuration, Variant, load_configuration
from examples import Example, Shelf, groups, mark_of
from lessons import Lesson, lessons
from readings import Posed, distractors_of, evidence_of, mixed, reading
from side_by_side import side_by_side
from taught_session import TaughtSession
from teacher import (
    NOT_FOUND,
    Teacher,
    Unteachable,
    answer_from,
    is_stated_elsewhere,
    lesson_profile,
)

from edge_agent.agent import Agent
from edge_agent.evaluation.withholding import Withholding
from edge_agent.events import Event, RunFinished
from edge_agent.home import Home
from edge_agent.index import Collection, Library
from edge_agent.models import ContextFull, EngineSettings, ModelStore
from edge_agent.models.engine import Engine
from edge_agent.profiles import Profile
from edge_agent.provisioning import installed_embedder

READ = "read"
"""The group of a question's readings, beside those of its variants."""


@dataclass(frozen=True, slots=True)
class Task:
    """A lesson in one variant, or its readings."""

    lesson: Lesson
    variant: str

    @property
    def group(self) -> str:
        """The name under which its examples are found again."""
        return f"{self.lesson.set} {self.lesson.id} {self.variant}"

    def chance(self, seed: int) -> random.Random:
        """Return a source of chance of its own."""
        return random.Random(f"{seed} {self.group}")


Taught: TypeAlias = tuple[Task, list[Example], str]
"""A task, what it made, and why it made nothing where it did not."""


class School:
    """What lessons are given with: the libraries, a vocabulary, the profile."""

    def __init__(self, configuration: Configuration) -> None:
        """Open what `configuration` names. Raises ModelError."""
        home = Home.from_environment()
        self._configuration = configuration
        self._libraries = home.libraries
        self._embedder = installed_embedder(home)
        self._opened: dict[str, Library] = {}
        self._engine = Engine(base_of(configuration), EngineSettings(threads=1))
        self._profile = lesson_profile(configuration.profile)

    def library(self, name: str) -> Library:
        """Return the library of a set's whole corpus."""
        name = self._configuration.read.borrowed.get(name, name)
        if name not in self._opened:
            self._opened[name] = Library(self._libraries / f"bench-{name}", self._embedder)
        return self._opened[name]

    def examples(self, task: Task) -> tuple[list[Example], str]:
        """Return what a task makes, and why it makes nothing where it does not."""
        try:
            if task.variant == READ:
                return list(self._readings(task)), ""
            return self._run(task, self._configuration.teach.variants[task.variant]), ""
        except (Unteachable, ContextFull) as error:
            return [], str(error)

    # Runs

    def _run(self, task: Task, variant: Variant) -> list[Example]:
        """Have a run taught. Raises Unteachable where a step of it is not earned."""
        lesson, chance = task.lesson, task.chance(self._configuration.seed)
        profile = _varied(self._profile, variant)
        hidden = _hidden(lesson, chance) if variant.withheld else ()
        library = Withholding(Collection([self.library(lesson.set)]), hidden)
        teacher = Teacher(lesson, library, profile, chance)
        session = TaughtSession(self._engine, teacher)
        events: list[Event] = []
        for event in Agent(library, session, profile=profile).run(lesson.question):
            teacher.watch(event)
            session.watch(event)
            events.append(event)
        require_earned(lesson, session, events[-1], withheld=variant.withheld)
        return session.examples(lesson, task.variant)

    # Readings

    def _readings(self, task: Task) -> Iterator[Example]:
        """Yield readings of a question, with other passages beside the evidence in each."""
        lesson, chance = task.lesson, task.chance(self._configuration.seed)
        plan, library = self._configuration.read, self.library(task.lesson.set)
        evidence = evidence_of(lesson, library)
        others = distractors_of(lesson, library)
        for _ in range(plan.times[lesson.set]):
            shown = evidence
            if chance.random() < plan.unanswerable:
                shown = chance.sample(evidence, chance.randrange(len(evidence)))
            most = chance.randint(*plan.distractors)
            passages = mixed(shown, others, most if shown else max(most, 2), chance)
            if is_stated_elsewhere(lesson, passages):
                continue
            answer = answer_from(lesson, passages)
            if answer == NOT_FOUND and shown is evidence:
                raise Unteachable("the evidence does not state the answer")
            posed = Posed(lesson.question, passages, answer)
            variant = "answerable" if shown is evidence else "unanswerable"
            page = reading(posed, self._profile, self._engine, chance)
            yield page.example(lesson, "reading", variant)


def base_of(configuration: Configuration) -> Path:
    """Return the file of the base. Raises SystemExit where it is not on this machine."""
    model = ModelStore(Home.from_environment().models).find(configuration.base)
    if model is None:
        raise SystemExit(f"Pull the base first: miro-edge models pull {configuration.base}")
    return model.path


def _varied(profile: Profile, variant: Variant) -> Profile:
    """Return a profile with what a variant shows."""
    shown = {"results", "named", "result_tokens"}
    values = variant.model_dump(include=shown, exclude_none=True)
    return profile.model_copy(update={"gathering": profile.gathering.model_copy(update=values)})


def _hidden(lesson: Lesson, chance: random.Random) -> tuple[str, ...]:
    """Return documents to take away, at least one."""
    documents = [need.document for need in lesson.needs]
    return tuple(chance.sample(documents, chance.randint(1, len(documents))))


def require_earned(lesson: Lesson, session: TaughtSession, done: Event, *, withheld: bool) -> None:
    """Raise Unteachable where a run has not come to the answer by what it found."""
    assert isinstance(done, RunFinished)
    if not session.whole:
        raise Unteachable("the window was cleared")
    if withheld:
        if done.status != "not_found":
            raise Unteachable("it was answered without the evidence")
    elif not session.got_on:
        raise Unteachable("it came to the answer without any progress")
    elif not lesson.accepts(done.answer):
        raise Unteachable("the passages in view did not give the answer")


def tasks(configuration: Configuration, data: Path) -> list[Task]:
    """Return all that is to be taught, in an order that mixes sets and variants."""
    chosen: list[Task] = []
    for name in (*configuration.sets, *configuration.read.borrowed):
        lender = configuration.read.borrowed.get(name)
        every = lessons(data / name, None if lender is None else data / lender)
        random.Random(configuration.seed).shuffle(every)
        single = bool(every) and max(len(lesson.needs) for lesson in every) == 1
        if name in configuration.read.borrowed:
            chosen += [Task(lesson, READ) for lesson in every]
            continue
        for variant, values in configuration.teach.variants.items():
            if values.sets is None or name in values.sets:
                part = every[: configuration.teach.single_hop] if single else every
                part = part[len(part) - round(values.share * len(part)) :]
                chosen += [Task(lesson, variant) for lesson in part]
        part = every[: configuration.read.single_hop] if single else every
        chosen += [Task(lesson, READ) for lesson in part]
    random.Random(configuration.seed).shuffle(chosen)
    return chosen


def make_library(folder: Path, data: Path) -> None:
    """Make the library of a set's whole corpus, or finish what was begun of it."""
    with closing(Library(folder)) as library:
        library.add([data / "corpus.jsonl"])


def make_libraries(sets: Iterable[str], data: Path) -> None:
    """Make the libraries of sets, and say so where they will be searched by words alone."""
    home = Home.from_environment()
    if installed_embedder(home) is None:
        print(
            "Searching by words alone, unlike the program. To search by meaning, too: "
            f"miro-edge models pull {ModelStore(home.models).catalog.embedder}",
            file=sys.stderr,
        )
    for name in sets:
        make_library(home.libraries / f"bench-{name}", data / name)


def searched_with() -> str:
    """Return by what libraries are searched beside words; nothing without an embedder."""
    return "" if installed_embedder(Home.from_environment()) is None else "meaning"


def _teaching(configuration: Configuration) -> Callable[[Task], Taught]:
    """Return what gives lessons in a process."""
    school = School(configuration)
    return lambda task: (task, *school.examples(task))


def taught(
    configuration: Configuration, data: Path, out: Path, jobs: int, limit: int | None
) -> None:
    """Teach what was not taught yet, and write each group when it is whole."""
    base = base_of(configuration)  # said once, and before a process begins
    profile = lesson_profile(configuration.profile).model_dump_json()
    described = configuration.model_dump_json(exclude={"train"})
    mark = mark_of(base.name, described, profile, searched_with())
    shelf = Shelf(out, mark)
    borrowed = configuration.read.borrowed.values()
    make_libraries(dict.fromkeys((*configuration.sets, *borrowed)), data)
    todo = [task for task in tasks(configuration, data)[:limit] if task.group not in shelf.done]
    done = side_by_side(_teaching, configuration, todo, jobs)
    for number, (task, made, reason) in enumerate(done, 1):
        shelf.add(task.group, made, variant=task.variant, set=task.lesson.set, dropped=reason)
        if number % 50 == 0 or number == len(todo):
            print(f"\r{number} of {len(todo)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def summary(out: Path) -> None:
    """Print how many examples were kept, and why groups were dropped."""
    kept: Counter[tuple[str, str]] = Counter()
    dropped: Counter[tuple[str, str, str]] = Counter()
    tokens = 0
    for group in groups(out):
        kept[group["set"], group["variant"]] += bool(group["examples"])
        tokens += sum(len(each["tokens"]) for each in group["examples"])
        if group["dropped"]:
            dropped[group["set"], group["variant"], group["dropped"]] += 1
    for (name, variant), count in sorted(kept.items()):
        print(f"{name:10} {variant:10} kept {count}")
    for (name, variant, reason), count in sorted(dropped.items()):
        print(f"{name:10} {variant:10} dropped {count}: {reason}")
    print(f"{tokens} tokens")


def main() -> None:
    """Teach, and tell what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--config", type=Path, help="configuration; the one beside this by default")
    parser.add_argument("--out", type=Path, default=Path(".distill/taught.jsonl"))
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--limit", type=int, help="most groups, for a try")
    options = parser.parse_args()
    configuration = load_configuration(options.config)
    taught(configuration, options.data, options.out, options.jobs, options.limit)
    summary(options.out)


if __name__ == "__main__":
    main()
