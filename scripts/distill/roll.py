"""Rolls: the student works on training questions itself, and learns from what came of it.

Every question is run several times at a temperature, through the real agent over the real library.
A run is kept where its answer is right, what it cites is evidence, and no other run of the question
that is as good took fewer calls. Where no run earned it, a teacher takes over at the student's own
turns, the last of them first, and what it makes right from there on is learned instead. What is
kept is played again decision by decision, so that the examples mark what a model has to decide. It
can be stopped, and started again.

    .venv/bin/python scripts/distill/roll.py --model miro-edge-1.5b --out .distill/roll1.jsonl
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Literal

from configuration import Configuration, load_configuration
from examples import Example, Shelf, groups, mark_of
from lessons import Lesson, lessons
from practice import Practice, ranked
from side_by_side import side_by_side
from teach import make_libraries, searched_with
from teacher import lesson_profile

from edge_agent.home import Home
from edge_agent.model_opening import loading_settings
from edge_agent.models import EngineSettings, ModelStore, usable_cores
from edge_agent.models.engine import Engine
from edge_agent.models.hashing import sha256_of
from edge_agent.profiles import Profile
from edge_agent.provisioning import model_here

_MARKS = {"run": ".", "corrections": "c", "nothing": "-"}


def chosen_lessons(configuration: Configuration, data: Path, limit: int) -> list[Lesson]:
    """Return lessons of all sets in turn, those that are kept back left out."""
    every: list[Lesson] = []
    for name in configuration.sets:
        part = [lesson for lesson in lessons(data / name) if not lesson.held]
        random.Random(configuration.seed).shuffle(part)
        every += part[: max(1, limit // len(configuration.sets))]
    random.Random(configuration.seed).shuffle(every)
    return every


@dataclass(frozen=True, slots=True)
class Round:
    """What every process is told of this round."""

    model: Path
    sha256: str
    """Of the weights."""
    engine: EngineSettings
    profile: Profile
    name: str
    """What its examples are called."""
    times: int
    """Runs of each question."""
    corrections: int
    """Most corrections of a question."""

    @property
    def mark(self) -> str:
        """A mark of all that decides what comes of a question."""
        adapter = self.engine.adapter
        learned = "" if adapter is None else sha256_of(adapter.path)
        profile = self.profile.model_dump_json()
        decided = self.times, self.corrections, searched_with()
        return mark_of(self.sha256, learned, profile, *decided)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the runs of a lesson."""

    lesson: Lesson
    right: int
    """Runs whose answer was right."""
    learned: Literal["run", "corrections", "nothing"]
    """From what there is something to be learned."""
    examples: list[Example]


def outcome(lesson: Lesson, practice: Practice, told: Round) -> Outcome:
    """Run a lesson, and return what is to be learned from that."""
    rolls = practice.rolls(lesson, told.times)
    right = sum(roll.right for roll in rolls)
    earned, others = ranked(rolls)
    for roll in earned:
        if made := practice.examples(lesson, roll, told.name):
            return Outcome(lesson, right, "run", made)
    name = f"{told.name} corrected"
    found = (part for roll in others for part in practice.corrections(lesson, roll, name))
    made = [each for part in islice(_new(found), told.corrections) for each in part]
    return Outcome(lesson, right, "corrections" if made else "nothing", made)


def _new(corrections: Iterable[list[Example]]) -> Iterator[list[Example]]:
    """Yield what each correction has that none before it had, where there is something."""
    known: list[Example] = []
    for part in corrections:
        new = [each for each in part if each not in known]
        if new:
            yield new
        known += new


def _rolling(told: Round) -> Callable[[Lesson], Outcome]:
    """Return what rolls lessons in a process."""
    practice = Practice(Engine(told.model, told.engine), told.profile)
    return lambda lesson: outcome(lesson, practice, told)


def planned(options: argparse.Namespace, configuration: Configuration) -> Round:
    """Return what the options ask for. Raises SystemExit where the student cannot be used."""
    home = Home.from_environment()
    model = model_here(options.model, ModelStore(home.models))
    if model is None or model.header is None:
        raise SystemExit(f"Get the student first: miro-edge models pull {options.model}")
    engine = loading_settings(model, home)
    if options.jobs > 1:
        engine = replace(engine, threads=max(1, usable_cores() // options.jobs))
    profile = lesson_profile(configuration.profile)
    sampling = replace(profile.sampling, temperature=options.temperature)
    return Round(
        model=model.path,
        sha256=model.sha256 or sha256_of(model.path),
        engine=engine,
        profile=profile.model_copy(update={"sampling": sampling}),
        name=options.out.stem,
        times=options.times,
        corrections=options.corrections,
    )


def rolled(options: argparse.Namespace, configuration: Configuration) -> None:
    """Roll what was not rolled yet, and write each question when it is done."""
    told = planned(options, configuration)
    make_libraries(configuration.sets, options.data)
    shelf = Shelf(options.out, told.mark)
    chosen = chosen_lessons(configuration, options.data, options.limit)
    todo = [lesson for lesson in chosen if _group(lesson) not in shelf.done]
    for done in side_by_side(_rolling, told, todo, options.jobs):
        record = {"set": done.lesson.set, "right": done.right, "times": options.times}
        shelf.add(_group(done.lesson), done.examples, learned=done.learned, **record)
        print(_MARKS[done.learned], end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _group(lesson: Lesson) -> str:
    return f"{lesson.set} {lesson.id}"


def summary(out: Path) -> None:
    """Print how many runs were right, and from what of how many questions something is learned."""
    told = sorted(groups(out), key=lambda group: group["set"])
    for name, group in groupby(told, key=lambda each: each["set"]):
        part = list(group)
        right = sum(each["right"] for each in part) / sum(each["times"] for each in part)
        learned = Counter(each["learned"] for each in part)
        print(
            f"{name:10} {len(part)} questions, {right:.0%} of runs right, "
            f"kept {learned['run']}, corrected {learned['corrections']}"
        )


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
    parser.add_argument(
        "--corrections", type=int, default=2, help="most corrections of a question without success"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes, a model in each")
    options = parser.parse_args()
    if min(options.jobs, options.times) < 1:
        parser.error("--jobs and --times count from 1")
    rolled(options, load_configuration(options.config))
    summary(options.out)


if __name__ == "__main__":
    main()
