"""Rolls: which runs are good, and that a run played again is the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from dictated import KeptWindows
from evaluated import run
from examples import Example, Shelf
from hypothesis import given
from hypothesis import strategies as st
from lessons import Lesson, Need
from made_up import configured
from practice import Practice, Roll, judged, ranked
from replaying import Replay
from roll import Outcome, Round, chosen_lessons, outcome, summary
from schooling import Schooling
from taught_session import TaughtSession
from teacher import Unteachable, lesson_profile

from edge_agent.agent import Agent, AgentSettings
from edge_agent.evaluation.conditions import changed
from edge_agent.events import Citation, Event, TextAppeared
from edge_agent.index import Collection, Library
from edge_agent.models import EngineSettings, Sample
from edge_agent.models.engine import Engine
from edge_agent.profiles import Profile

LESSON = Lesson("s", "q", "Who?", ("Larvik",), (Need("fram", "Fram", (), "", ""),))


def cited(*keys: int) -> tuple[Citation, ...]:
    return tuple(Citation(key, "", "/d", "", "", True) for key in keys)


@pytest.mark.parametrize(
    ("answer", "keys", "right", "share", "earned"),
    [
        ("larvik", (1,), True, 1.0, True),
        ("Larvik", (1, 2), True, 0.5, True),
        ("Larvik", (2,), True, 0.0, False),
        ("Larvik", (), True, 0.0, False),
        ("Oslo", (1,), False, 1.0, False),
        (None, (), False, 0.0, False),
    ],
)
def test_a_run_is_good_where_it_is_right_and_cites_the_evidence(
    answer: str | None, keys: tuple[int, ...], right: bool, share: float, earned: bool
) -> None:
    found = judged(LESSON, run(answer=answer, citations=cited(*keys)))
    assert (found.right, found.cited, found.calls, found.earned) == (right, share, 2, earned)


@given(
    st.lists(
        st.builds(Roll, st.just(()), st.booleans(), st.sampled_from([0.0, 0.4, 0.5, 1.0]),
                  st.integers(1, 8))
    )
)  # fmt: skip
def test_the_best_cited_come_first_and_then_the_shortest(rolls: Sequence[Roll]) -> None:
    earned, others = ranked(rolls)
    assert sorted(map(repr, [*earned, *others])) == sorted(map(repr, rolls))
    assert all(roll.right and roll.cited >= 0.5 for roll in earned)
    assert not any(roll.earned for roll in others)
    for one, other in pairwise(earned):
        assert (one.cited, -one.calls) >= (other.cited, -other.calls)
    for one, other in pairwise(others):
        assert one.right <= other.right


def test_lessons_that_are_kept_back_are_never_rolled(schooling: Schooling) -> None:
    held = {each.id for each in schooling.lessons.values() if each.held}
    chosen = chosen_lessons(configured(), schooling.data, 100)
    assert {each.id for each in chosen} == set(schooling.lessons) - held
    assert len(chosen_lessons(configured(), schooling.data, 2)) == 2


@pytest.fixture(scope="module")
def profile() -> Profile:
    """The student's, at a temperature, with little to do."""
    led = changed(
        lesson_profile("edge"),
        gathering={"calls": 2, "results": 1, "result_tokens": 60},
        reading={"passages": 2, "answer_tokens": 12},
    )
    sampling = replace(led.sampling, temperature=0.9)
    return led.model_copy(update={"sampling": sampling})


def test_a_run_played_again_is_the_run(
    schooling: Schooling, schooled_home: Path, smollm2: Path, profile: Profile
) -> None:
    lesson = schooling.lessons["bridge"]
    library = Collection([Library(schooling.home / "libraries" / "bench-films")])
    with Engine(smollm2, EngineSettings(context=2048, threads=1)) as engine:
        session = KeptWindows(engine)
        settings = AgentSettings(seed=3)
        agent = Agent(library, session, profile=profile, settings=settings)
        events = list(agent.run(lesson.question))
        session.leave()
        replayed = TaughtSession(engine, Replay(events))
        again = list(Agent(library, replayed, profile=profile).run(lesson.question))
        examples = replayed.examples(lesson, "roll1")
        practice = Practice(engine, profile)
        roll = judged(lesson, events)
        assert practice.examples(lesson, roll, "roll1") == examples
        assert practice.examples(lesson, replace(roll, events=_cut(events)), "roll1") == []
    # Tokens that were drawn may spell a text otherwise than it is learned; here they do not.
    assert [example.tokens for example in examples] == session.windows
    assert [example.kind for example in examples] == ["gathering", "reading"]
    assert text_of(again) == text_of(events)


def _cut(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return events as if one piece of what the model chose had never been told."""
    chosen = [event for event in events if isinstance(event, TextAppeared)]
    first = next(event for event in chosen if event.origin == "chosen")
    return tuple(event for event in events if event is not first)


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextAppeared))


def test_what_was_not_decided_cannot_be_played_again() -> None:
    pen = Replay([TextAppeared(1, "a", "chosen"), TextAppeared(1, "b", "forced"),
                  TextAppeared(1, "c", "sampled"), TextAppeared(1, "d", "sampled")])  # fmt: skip
    assert pen.choose(("a", "b")) == "a"
    assert pen.write(Sample(8)) == "cd"
    with pytest.raises(Unteachable, match="another way"):
        pen.write(Sample(8))
    with pytest.raises(Unteachable, match="another way"):
        Replay([TextAppeared(1, "a", "chosen")]).choose(("b", "c"))


# What is learned


BAD, GOOD = Roll((), False, 0.0, 1), Roll((), True, 1.0, 1)
ASTRAY = Roll((), True, 1.0, 2)
"""A run that is good and cannot be played again."""
MISREAD = Roll((), False, 0.0, 9)
"""A run of which only the end is wrong."""


def example(name: str) -> Example:
    return Example("s", name, "gathering", "roll1", False, (1, 2), (1,))


class Practised:
    """Runs that have come out in a certain way."""

    def __init__(self, *rolls: Roll) -> None:
        self._rolls = list(rolls)

    def rolls(self, lesson: Lesson, times: int) -> list[Roll]:
        return self._rolls

    def examples(self, lesson: Lesson, roll: Roll, variant: str) -> list[Example]:
        return [] if roll == ASTRAY else [example("run")]

    def corrections(self, lesson: Lesson, roll: Roll, variant: str) -> Iterator[list[Example]]:
        if roll.calls > 8:  # every teacher's end is the same
            yield from ([example("end")] for _ in (3, 2, 1))
        else:
            yield from ([example(f"{turn} of {variant}")] for turn in (3, 2, 1))


@pytest.mark.parametrize(
    ("rolls", "learned", "right", "examples"),
    [
        ((BAD, GOOD), "run", 1, ["run"]),
        ((ASTRAY, GOOD), "run", 2, ["run"]),
        ((BAD, BAD), "corrections", 0, ["3 of roll1 corrected", "2 of roll1 corrected"]),
        ((BAD, ASTRAY), "corrections", 1, ["3 of roll1 corrected", "2 of roll1 corrected"]),
        ((ASTRAY,), "nothing", 1, []),
        ((MISREAD, MISREAD, BAD), "corrections", 0, ["end", "3 of roll1 corrected"]),
    ],
)
def test_where_no_run_can_be_learned_from_others_are_corrected(
    rolls: tuple[Roll, ...], learned: str, right: int, examples: list[str]
) -> None:
    told = Round(Path("m"), "", EngineSettings(), lesson_profile("edge"), "roll1", len(rolls), 2)
    found = outcome(LESSON, cast(Practice, Practised(*rolls)), told)
    assert found == Outcome(LESSON, right, found.learned, [example(each) for each in examples])
    assert found.learned == learned


def test_what_came_of_a_round_is_told_by_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = Shelf(tmp_path / "roll1.jsonl", "mark")
    for number, (learned, right) in enumerate([("run", 2), ("corrections", 0), ("nothing", 1)]):
        shelf.add(f"s {number}", [], set="s", learned=learned, right=right, times=2)
    summary(tmp_path / "roll1.jsonl")
    told = capsys.readouterr().out.split()
    assert " ".join(told) == "s 3 questions, 50% of runs right, kept 1, corrected 1"


def test_a_round_with_other_weights_is_another_one() -> None:
    told = Round(Path("m"), "a" * 64, EngineSettings(), lesson_profile("edge"), "roll1", 1, 2)
    assert told.mark != replace(told, sha256="b" * 64).mark
