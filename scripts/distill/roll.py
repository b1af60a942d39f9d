"""Rolls: the student works on training questions itself, and learns from what came of it.

Every question is run several times at a temperature, through the real agent over the real library.
A run is kept where its answer is right, what it cites is evidence, and no other run of the question
that is as good took fewer calls. Where no run earned it, a teacher takes over from the student's
own turns, the last of them first, and what it makes right from there on is learned instead. What is
kept is played again decision by decision, so that the examples mark what a model has to decide. It
can be stopped, and started again.

    .venv/bin/python scripts/distill/roll.py --model miro-edge-1.5b --out .distill/roll1.jsonl
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass, replace
from itertools import groupby, islice
from multiprocessing import get_context
from pathlib import Path

from configuration import Configuration, load_configuration
from examples import Example, Shelf, groups
from lessons import Lesson, lessons
from practice import Practice, Roll, best
from teach import make_library

from edge_agent.home import Home
from edge_agent.models import EngineSettings, ModelStore, usable_cores
from edge_agent.models.engine import Engine
from edge_agent.opening import loading_settings
from edge_agent.profiles import Profile, load_profile
from edge_agent.provisioning import model_here


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
class Plan:
    """What every process is told."""

    model: Path
    engine: EngineSettings
    profile: Profile
    round: str
    """What its examples are called."""
    times: int
    """Runs of each question."""
    corrections: int
    """Most turns of a run that failed from which a teacher goes on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the runs of a lesson."""

    lesson: Lesson
    right: int
    """Runs whose answer was right."""
    earned: bool
    """Whether it is a run that is learned from, and no correction."""
    examples: list[Example]


class Roller:
    """Rolls lessons, in a process of its own."""

    def __init__(self, plan: Plan) -> None:
        """Load the model."""
        self._plan = plan
        self._practice = Practice(Engine(plan.model, plan.engine), plan.profile)

    def outcome(self, lesson: Lesson) -> Outcome:
        """Run a lesson, and return what is to be learned."""
        rolls = self._practice.rolls(lesson, self._plan.times)
        kept = best(rolls)
        if kept is not None:
            made = self._practice.examples(lesson, kept, self._plan.round)
        else:
            made = self._corrected(lesson, rolls[0])
        return Outcome(lesson, sum(roll.right for roll in rolls), kept is not None, made)

    def _corrected(self, lesson: Lesson, roll: Roll) -> list[Example]:
        found = self._practice.corrections(lesson, roll, f"{self._plan.round} corrected")
        return [each for part in islice(found, self._plan.corrections) for each in part]


_roller: Roller | None = None


def _open_roller(plan: Plan) -> None:
    global _roller  # noqa: PLW0603 (a worker process has one)
    _roller = Roller(plan)


def _roll(lesson: Lesson) -> Outcome:
    assert _roller is not None
    return _roller.outcome(lesson)


def planned(options: argparse.Namespace, configuration: Configuration) -> Plan:
    """Return what the options ask for. Raises SystemExit where the student is not here."""
    home = Home.from_environment()
    model = model_here(options.model, ModelStore(home.models))
    if model is None:
        raise SystemExit(f"Get the student first: miro-edge models pull {options.model}")
    profile = load_profile(configuration.profile)
    sampling = replace(profile.sampling, temperature=options.temperature)
    profile = profile.model_copy(update={"sampling": sampling})
    threads = max(1, usable_cores() // options.jobs)
    return Plan(
        model=model.path,
        engine=replace(loading_settings(model, home), threads=threads),
        profile=profile,
        round=options.out.stem,
        times=options.times,
        corrections=options.corrections,
    )


def rolled(options: argparse.Namespace, configuration: Configuration) -> None:
    """Roll what was not rolled yet, and write each question when it is done."""
    plan = planned(options, configuration)
    libraries = Home.from_environment().libraries
    for name in configuration.sets:
        make_library(libraries / f"bench-{name}", options.data / name)
    shelf = Shelf(options.out)
    chosen = chosen_lessons(configuration, options.data, options.limit)
    todo = [lesson for lesson in chosen if _group(lesson) not in shelf.done]
    with get_context("spawn").Pool(options.jobs, _open_roller, (plan,)) as pool:
        for outcome in pool.imap_unordered(_roll, todo):
            told = {"set": outcome.lesson.set, "right": outcome.right, "times": options.times}
            shelf.add(_group(outcome.lesson), outcome.examples, earned=outcome.earned, **told)
            mark = "-" if not outcome.examples else "." if outcome.earned else "c"
            print(mark, end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _group(lesson: Lesson) -> str:
    return f"{lesson.set} {lesson.id}"


def summary(out: Path) -> None:
    """Print how many runs were right, and what of how many questions is to be learned."""
    told = sorted(groups(out), key=lambda group: group["set"])
    for name, group in groupby(told, key=lambda each: each["set"]):
        part = list(group)
        right = sum(each["right"] for each in part) / sum(each["times"] for each in part)
        kept = sum(bool(each["examples"]) and each["earned"] for each in part)
        corrected = sum(bool(each["examples"]) and not each["earned"] for each in part)
        print(
            f"{name:10} {len(part)} questions, {right:.0%} of runs right, "
            f"kept {kept}, corrected {corrected}"
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
    rolled(options, load_configuration(options.config))
    summary(options.out)


if __name__ == "__main__":
    main()
