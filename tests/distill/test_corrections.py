"""Corrections: a teacher goes on where a student went wrong; only its decisions are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from examples import Example
from lessons import Lesson
from practice import Practice, Roll, judged
from schooling import Schooling
from taught_session import TaughtSession
from teacher import lesson_profile

from edge_agent.agent import Agent
from edge_agent.evaluation.conditions import changed
from edge_agent.index import Collection, Library
from edge_agent.models import Sample
from edge_agent.profiles import Profile
from edge_agent.turns import HAVE_ENOUGH, MISSING, NOTHING_HELPS


class Stray:
    """A student that quotes what it is told to, looks for this and that, and answers Seville."""

    is_learned = True

    def __init__(self, quotes: Sequence[str], queries: Sequence[str]) -> None:
        self._quotes = quotes
        self._queries = [*queries]

    def choose(self, options: Sequence[str]) -> str:
        goes_on = MISSING if self._queries else HAVE_ENOUGH
        wanted = (*self._quotes, NOTHING_HELPS, goes_on, "<tool_name>search</tool_name>")
        return next(option for each in wanted for option in options if each in option)

    def write(self, step: Sample) -> str:
        return "Seville}" if "}" in step.stop else f" {self._queries.pop(0)}\n"


@dataclass(frozen=True)
class Classroom:
    """A lesson of the made-up questions, and where it is practised."""

    schooling: Schooling
    practice: Practice
    profile: Profile
    lesson: Lesson

    def strayed(self, quotes: Sequence[str], *queries: str) -> Roll:
        """Return a run over the real library that came to a wrong answer."""
        library = Collection([Library(self.schooling.home / "libraries" / "bench-films")])
        session = TaughtSession(self.schooling.engine, Stray(quotes, queries))
        agent = Agent(library, session, profile=self.profile)
        roll = judged(self.lesson, list(agent.run(self.lesson.question)))
        assert not roll.earned
        return roll

    def corrected(self, roll: Roll) -> list[list[Example]]:
        """Return the corrections of a run, from its last turn on."""
        return list(self.practice.corrections(self.lesson, roll, "roll1 corrected"))


@pytest.fixture
def bridge(schooling: Schooling, schooled_home: Path) -> Classroom:
    profile = changed(lesson_profile("edge"), gathering={"results": 1, "named": 0})
    practice = Practice(schooling.engine, profile)
    return Classroom(schooling, practice, profile, schooling.lessons["bridge"])


def test_the_teacher_goes_on_from_the_students_own_turns(bridge: Classroom) -> None:
    roll = bridge.strayed(["Night Ferry is a 1951 film"], "kept bees", "swords of the river")
    (gathering, reading), (earlier, _) = bridge.corrected(roll)
    # The student's quote and its query stand there, and are not learned.
    lines = bridge.schooling.lines(gathering)
    assert lines.index("Missing: kept bees") < lines.index("Nothing here helps.")
    assert lines[-2:] == ["Ana Ruiz: Her parents left Toledo when she was born. [3]", HAVE_ENOUGH]
    decided = bridge.schooling.decided(gathering)
    assert decided[:3] == ["Nothing", "Missing", " Ana Ruiz born\n"]
    assert (gathering.kind, reading.kind) == ("gathering", "reading")
    assert bridge.schooling.decided(reading) == ["Toledo}"]
    # A turn before that, the teacher would not have looked for it at all.
    assert not any("bees" in line for line in bridge.schooling.lines(earlier))
    assert " Ana Ruiz born\n" in bridge.schooling.decided(earlier)


def test_where_the_student_has_all_it_needs_only_the_reading_is_put_right(
    bridge: Classroom,
) -> None:
    quotes = ["Night Ferry is a 1951 film", "Her parents left Toledo"]
    ((reading,),) = bridge.corrected(bridge.strayed(quotes, "Ana Ruiz born"))
    assert reading.kind == "reading"
    assert bridge.schooling.decided(reading) == ["Toledo}"]


def test_where_nothing_leads_to_the_answer_nothing_is_learned(bridge: Classroom) -> None:
    roll = bridge.strayed(["Night Ferry is a 1951 film"], "kept bees", "swords of the river")
    lesson = replace(bridge.lesson, answers=("Lisbon",))
    assert list(bridge.practice.corrections(lesson, roll, "roll1 corrected")) == []
