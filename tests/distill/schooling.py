"""A school for the made-up questions, and what it teaches in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from examples import Example
from lessons import Lesson
from teach import School, Task

from edge_agent.models.engine import Engine


@dataclass(frozen=True)
class Schooling:
    """The made-up questions as lessons, and the school that gives them."""

    home: Path
    data: Path
    school: School
    engine: Engine
    lessons: dict[str, Lesson]

    def taught(self, question: str, variant: str, number: int = 0) -> list[Example]:
        """Return the examples of a lesson; `number` is its chance."""
        lesson = self.lessons[question]
        task = Task(replace(lesson, id=f"{lesson.id} {number}"), variant)
        made, dropped = self.school.examples(task)
        assert not dropped, dropped
        return made

    def text(self, tokens: Sequence[int]) -> str:
        """Return tokens as text, without the control tokens among them."""
        return b"".join(self.engine.bytes_of(token) for token in tokens).decode()

    def lines(self, example: Example) -> list[str]:
        """Return the lines that the student writes."""
        kept = [line.strip() for line in self.text(example.tokens).split("\n")]
        return [line for line in kept if line]

    def decided(self, example: Example) -> list[str]:
        """Return what is learned, run by run."""
        runs = groupby(enumerate(example.decided), key=lambda pair: pair[1] - pair[0])
        return [self.text([example.tokens[place] for _, place in run]) for _, run in runs]
