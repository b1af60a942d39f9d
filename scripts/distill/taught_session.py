"""A session whose every decision is made by a pen; it keeps what a model would learn from it.

The tokens are those that the real session would hold, and the places where a model has a choice are
marked, as long as what the pen decides is to be learned: text that can only go one way never is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from examples import Example, Kind
from lessons import Lesson
from teacher import Unteachable

from edge_agent.events import Event, GatheringEnded
from edge_agent.models import (
    Choose,
    ContextFull,
    Force,
    Piece,
    Plan,
    Sample,
    Sampling,
    Span,
    SpanKind,
    Usage,
)
from edge_agent.models.chat_format import chat_format
from edge_agent.models.decoding import Step, carried_out
from edge_agent.models.engine import Engine
from edge_agent.reasons import NO_PROGRESS


class Pen(Protocol):
    """Who decides."""

    @property
    def is_learned(self) -> bool:
        """Whether what it decides now is to be learned."""

    def choose(self, options: Sequence[str]) -> str:
        """Return one of `options`."""

    def write(self, step: Sample) -> str:
        """Return free text, with its stop string where it ends with one."""


@dataclass(slots=True)
class Page:
    """Tokens as they stand in a window, and the positions of those that are learned."""

    tokens: list[int] = field(default_factory=list)
    decided: list[int] = field(default_factory=list)

    def add(self, tokens: Sequence[int], decided: Sequence[int] = ()) -> None:
        """Add tokens, and which of them are learned, counted from the first of them."""
        self.decided += [len(self.tokens) + position for position in decided]
        self.tokens += tokens

    def example(self, lesson: Lesson, kind: Kind, variant: str) -> Example:
        """Return what is to be learned from it."""
        return Example(
            set=lesson.set,
            question=lesson.id,
            kind=kind,
            variant=variant,
            held=lesson.held,
            tokens=tuple(self.tokens),
            decided=tuple(self.decided),
        )


class TaughtSession:
    """The window of a model that is not asked: `pen` writes its turns."""

    def __init__(self, engine: Engine, pen: Pen) -> None:
        """Begin an empty window with the vocabulary and the chat format of `engine`."""
        self.pages: list[Page] = []
        """Whole windows with turns in them, in the order in which they were left."""
        self.whole = True
        """Whether nothing was ever cut out of the middle of a window."""
        self.got_on = True
        """Whether the search did not end for want of progress."""
        self.usage = Usage()
        self._engine = engine
        self._pen = pen
        self._chat = chat_format(engine.chat_template, engine.beginning_text)
        self._spans: list[tuple[Span, Page]] = []
        self._next_number = 1

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans, in order."""
        return tuple(span for span, _ in self._spans)

    @property
    def size(self) -> int:
        """Tokens in the window."""
        return sum(span.tokens for span, _ in self._spans)

    @property
    def room(self) -> int:
        """Tokens that still fit into the window."""
        return self.context - self.size

    @property
    def context(self) -> int:
        """The window, in tokens."""
        return self._engine.context

    def count(self, text: str) -> int:
        """Return how many tokens `text` takes."""
        return len(self._tokens(text))

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        """Add a message. Raises ContextFull."""
        wrapping = self._chat.system if kind is SpanKind.SYSTEM else self._chat.user
        page = Page([] if self._spans else self._engine.beginning)
        page.add(self._tokens(wrapping.before, special=True))
        page.add(self._tokens(text, special=trusted))
        page.add(self._tokens(wrapping.after, special=True))
        return self._remember(kind, text, page)

    def generate(self, plan: Plan, sampling: Sampling, seed: int) -> Generator[Piece, None, None]:
        """Have the pen carry out the steps of `plan`; the text becomes a TURN span.

        Raises Unteachable where the pen writes more than a model may.
        """
        page = Page()
        page.add(self._tokens(self._chat.assistant.before, special=True))
        written: list[str] = []
        try:
            for piece in carried_out(plan, lambda step: self._written(step, page)):
                written.append(piece.text)
                yield piece
        finally:
            page.add(self._tokens(self._chat.assistant.after, special=True))
            self._remember(SpanKind.TURN, "".join(written), page)

    def watch(self, event: Event) -> None:
        """Take an event of the run into account, before the next one happens.

        A turn with a call that the agent did not make, for too many had brought nothing, stays in
        the window, but nobody should learn to write it.
        """
        if isinstance(event, GatheringEnded) and event.reason == NO_PROGRESS:
            self.got_on = False
            turns = [page for span, page in self._spans if span.kind is SpanKind.TURN]
            turns[-1].decided.clear()

    def cut(self, span: Span) -> None:
        """Take a span out of the middle: such a window is not learned from."""
        self.whole = False
        del self._spans[self.spans.index(span)]

    def rollback(self, span: Span) -> None:
        """Forget `span` and everything after it; a window that is left whole is kept."""
        first = self.spans.index(span)
        if first == 0:
            self.leave()
        del self._spans[first:]

    def leave(self) -> None:
        """Keep the window, if a turn stands in it, and begin an empty one."""
        page = Page()
        for _, part in self._spans:
            page.add(part.tokens, part.decided)
        if any(span.kind is SpanKind.TURN for span in self.spans):
            self.pages.append(page)
        self._spans.clear()

    def examples(self, lesson: Lesson, variant: str) -> list[Example]:
        """Leave the window of a run, and return what is to be learned from all that it had.

        The first is that in which evidence was gathered; in those after it an answer was read.
        """
        self.leave()
        return [
            page.example(lesson, "reading" if number else "gathering", variant)
            for number, page in enumerate(self.pages)
            if page.decided
        ]

    def save_prefix(self, folder: Path) -> None:
        """Keep nothing: nothing was decoded."""

    def load_prefix(self, folder: Path) -> bool:
        """Find nothing."""
        return False

    def _written(self, step: Step, page: Page) -> Iterator[Piece]:
        """Carry out a step, noting where a model would have had a choice."""
        if isinstance(step, Force):
            page.add(self._tokens(step.text))
            yield Piece(step.text, "forced")
        elif isinstance(step, Choose):
            text = self._pen.choose(step.options)
            options = [self._tokens(option) for option in step.options]
            self._decide(page, self._tokens(text), branches(options, self._tokens(text)))
            yield Piece(text, "chosen")
        else:
            text = self._pen.write(step)
            tokens = self._tokens(text)
            if len(tokens) > step.max_tokens:
                raise Unteachable("a line is longer than a model may write")
            self._decide(page, tokens, range(len(tokens)))
            yield Piece(text, "sampled")

    def _decide(self, page: Page, tokens: Sequence[int], decided: Sequence[int]) -> None:
        page.add(tokens, decided if self._pen.is_learned else ())

    def _tokens(self, text: str, *, special: bool = False) -> list[int]:
        return self._engine.tokenize(text, special=special)

    def _remember(self, kind: SpanKind, text: str, page: Page) -> Span:
        if len(page.tokens) > self.room:
            raise ContextFull("A lesson does not fit into the window. Use a larger one.")
        span = Span(self._next_number, kind, text, len(page.tokens))
        self._next_number += 1
        self._spans.append((span, page))
        return span


def branches(options: Sequence[Sequence[int]], chosen: Sequence[int]) -> list[int]:
    """Return the positions in `chosen` at which the trie of `options` branches on its way."""
    live = list(options)
    found = []
    for depth, token in enumerate(chosen):
        following = {option[depth] for option in live if len(option) > depth}
        if len(following) > 1:
            found.append(depth)
        live = [option for option in live if len(option) > depth and option[depth] == token]
    return found
