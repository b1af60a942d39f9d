"""What a format is: how its records are recognised and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from edge_agent.evaluation.questions import JudgingName, Question
from edge_agent.index import Source

Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A question that is not asked, and why."""

    reason: str


WITH_PICTURE = LeftOut("they come with a picture")
WITH_FILE = LeftOut("they come with a file")
WITHOUT_ANSWER = LeftOut("their answers are not public")


def no_corpus(_file: Path) -> Source | None:
    """Say that no documents come with the questions."""
    return None


@dataclass(frozen=True, slots=True)
class Format:
    """A format of question sets."""

    name: str
    recognises: Callable[[Record], bool]
    """Whether a record is in this format, going by its fields."""
    read: Callable[[Record, int], Question | LeftOut]
    """The question of a record and its number, from 1; KeyError or ValueError where it is none."""
    judging: JudgingName = "equivalence"
    corpus: Callable[[Path], Source | None] = no_corpus
    """The documents that lie beside a file of questions."""
    benchmarks: tuple[JudgingName, ...] = ()
    """Those that come in this format beside others, each judged in its own way."""

    def judging_of(self, name: str) -> JudgingName:
        """Return how answers to the questions of a set of that name are judged."""
        name = name.lower()
        named = (each for each in self.benchmarks if re.search(rf"(?<![a-z]){each}(?![a-z])", name))
        return next(named, self.judging)


def has(record: Record, *fields: str) -> bool:
    """Tell whether a record has all these fields."""
    return all(field in record for field in fields)


def text_of(record: Record, *fields: str) -> str:
    """Return the first of these fields that a record has, which must not be blank.

    Raises KeyError where it has none of them, and ValueError where it is blank or holds several
    values.
    """
    for field in fields:
        if field in record:
            text = as_text(record[field], field)
            if not text:
                raise ValueError(f"its '{field}' is empty")
            return text
    raise KeyError(fields[0])


def as_text(value: object, field: str) -> str:
    """Return the value of a field as text. Raises ValueError where it is a list or an object."""
    if isinstance(value, list | tuple | dict):
        raise ValueError(f"its '{field}' holds several values where one is expected")
    return "" if value is None else str(value).strip()


def is_given(record: Record, field: str) -> bool:
    """Tell whether a field says something: neither missing, nor null, nor blank, nor `nan`."""
    value = record.get(field)
    return value is not None and str(value).strip().lower() not in ("", "none", "null", "nan")
