"""Questions with accepted answers and known evidence, and sets of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from edge_agent.index import Source

JudgingName: TypeAlias = Literal["equivalence", "gaia", "hle", "browsecomp", "simpleqa", "xbench"]
"""How a benchmark has its answers judged."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what a right answer to it is known to be."""

    id: str
    text: str
    answers: tuple[str, ...]
    """All that are accepted; none where the right thing is to say that there is none."""
    gold: frozenset[str] = frozenset()
    """The documents that hold the evidence, by id, or by title; none where they are not known."""
    gold_by: Literal["id", "title"] = "id"
    split: str = ""
    type: str = ""
    hops: int | None = None

    @property
    def kind(self) -> str:
        """What questions are told apart by: their type, or how many steps they take, or nothing."""
        return self.type or (f"{self.hops} hops" if self.hops else "")


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions of a file or folder."""

    name: str
    form: str
    """The format that it was read as."""
    path: Path
    sha256: str
    """Of the file with the questions."""
    questions: tuple[Question, ...]
    judging: JudgingName = "equivalence"
    corpus: Source | None = None
    """The documents that came with the questions, if any did."""
    left_out: tuple[str, ...] = field(default=())
    """Why some questions were left out, a reason each: they come with a picture or a file."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that it has, in the order of their first questions."""
        return tuple(dict.fromkeys(each.split for each in self.questions if each.split))

    def of_split(self, split: str | None) -> tuple[Question, ...]:
        """Return the questions of a split, or all of them; those without one are in every split."""
        if split is None:
            return self.questions
        return tuple(each for each in self.questions if each.split in (split, ""))
