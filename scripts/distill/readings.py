"""Readings: passages with the evidence among them, or without it, and the answer that follows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lessons import Lesson, Need
from taught_session import Page, TaughtSession
from teacher import Reader

from edge_agent.checking.wording import states
from edge_agent.evidence import Exhibit
from edge_agent.index import Library, Passage
from edge_agent.models import Sampling, SpanKind
from edge_agent.models.engine import Engine
from edge_agent.profiles import Profile
from edge_agent.reading import reading_prompt, reply_plan

_SEARCHED = 8
_MOST_KEYS = 12
"""Passages of a run before the reading, from which the keys come."""


def evidence_of(lesson: Lesson, library: Library) -> list[Passage]:
    """Return a passage for each need: the one that says what it is needed for."""
    chosen = []
    for need in lesson.needs:
        passages = library.document(need.document) or loose_passages(need)
        says = (need.says, *lesson.answers)
        met = [each for each in passages if need.met_by(each.text)] or [
            each
            for each in passages
            if any(answer and states(each.text, answer) for answer in says)
        ]
        chosen.append((met or list(passages))[0])
    return chosen


def loose_passages(need: Need) -> tuple[Passage, ...]:
    """Return the evidence that stands in no document as passages."""
    return tuple(
        Passage(
            f"{need.document}#1", need.document, need.title, "", (), None, 1, 0, len(text), text
        )
        for text in need.sentences
    )


def distractors_of(lesson: Lesson, library: Library) -> list[Passage]:
    """Return passages that a search for the question finds beside the evidence."""
    gold = {need.document for need in lesson.needs}
    found = (hit.passage for hit in library.search(lesson.question, _SEARCHED))
    return [passage for passage in found if passage.document not in gold]


def mixed(
    evidence: Sequence[Passage], others: Sequence[Passage], most: int, chance: random.Random
) -> list[Passage]:
    """Return the evidence among up to `most` others, in any order."""
    count = min(most, len(others))
    # Those that stand first in a search are the likeliest to stand beside the evidence.
    beside = list(others[: count + 2])
    chance.shuffle(beside)
    passages = [*evidence, *beside[:count]]
    chance.shuffle(passages)
    return passages


@dataclass(frozen=True, slots=True)
class Posed:
    """A question over passages, and the answer that they allow."""

    question: str
    passages: Sequence[Passage]
    answer: str


def reading(posed: Posed, profile: Profile, engine: Engine, chance: random.Random) -> Page:
    """Return the window in which an answer is read from passages."""
    question, passages = posed.question, posed.passages
    keys = sorted(chance.sample(range(1, max(_MOST_KEYS, len(passages)) + 1), len(passages)))
    chance.shuffle(keys)
    exhibits = [Exhibit(key, "", each) for key, each in zip(keys, passages, strict=True)]
    prompt = reading_prompt(exhibits, question, profile.prompts)
    session = TaughtSession(engine, Reader(posed.answer))
    session.append(SpanKind.SYSTEM, profile.prompts.reader.strip(), trusted=True)
    session.append(SpanKind.QUESTION, prompt)
    for _ in session.generate(reply_plan(question, prompt, profile), Sampling(), 0):
        pass
    session.leave()
    return session.pages[0]
