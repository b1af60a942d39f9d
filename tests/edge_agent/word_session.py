"""A session for tests of the loop: its tokens are words, and a subclass says what is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

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
)
from edge_agent.models.usage import Usage


@dataclass
class WordSession(ABC):
    """A window of words, as real as any but for the model behind it."""

    context: int = 4096
    spans: tuple[Span, ...] = ()
    usage: Usage = field(default_factory=Usage)
    seen: list[str] = field(default_factory=list)

    @abstractmethod
    def write(self, step: Force | Choose | Sample, seed: int) -> str:
        """Return what is written at a step of a plan."""

    @property
    def size(self) -> int:
        return sum(span.tokens for span in self.spans)

    @property
    def room(self) -> int:
        return self.context - self.size

    def count(self, text: str) -> int:
        return len(text.split())

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        if self.count(text) > self.room:
            raise ContextFull("The window is too small. Use a larger --context.")
        self._spend(prompt=self.count(text))
        return self._place(kind, text)

    def _place(self, kind: SpanKind, text: str) -> Span:
        span = Span(len(self.seen) + 1, kind, text, self.count(text))
        self.spans = (*self.spans, span)
        self.seen.append(text)
        return span

    def _spend(self, *, prompt: int = 0, generated: int = 0) -> None:
        before = self.usage
        self.usage = Usage(
            before.prompt + prompt, before.new + prompt, before.generated + generated
        )

    def generate(self, plan: Plan, sampling: Sampling, seed: int) -> Generator[Piece, None, None]:
        written = ""
        try:
            step = next(plan)
            while True:
                text = self.write(step, seed)
                written += text
                self._spend(generated=self.count(text))
                yield Piece(text, "forced" if isinstance(step, Force) else "sampled")
                step = plan.send(text)
        except StopIteration:
            return
        finally:
            self._place(SpanKind.TURN, written)

    def cut(self, span: Span) -> None:
        self.spans = tuple(other for other in self.spans if other is not span)

    def rollback(self, span: Span) -> None:
        self.spans = self.spans[: self.spans.index(span)]

    def load_prefix(self, folder: Path) -> bool:
        return False

    def save_prefix(self, folder: Path) -> None:
        return None
