"""A library of three ships, and a model that follows a script."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_agent.index import Collection, Library
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

DOCUMENTS = {
    "fram.md": "# Fram\n\nThe Fram was designed by Colin Archer. She was launched in 1892.",
    "archer.md": "# Colin Archer\n\nColin Archer was born in Larvik. His parents were Scots.",
    "gjoa.md": "# Gjøa\n\nThe Gjøa was built at Rosendal in 1872. She has eight ropes.",
}


@dataclass
class ScriptedSession:
    """Chooses the first option that holds the next line of the script, or writes that line."""

    script: list[str]
    context: int = 4096
    before_line: Callable[[str], None] = lambda line: None
    spans: tuple[Span, ...] = ()
    usage: Usage = field(default_factory=Usage)
    seen: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(span.tokens for span in self.spans)

    @property
    def room(self) -> int:
        return self.context - sum(span.tokens for span in self.spans)

    def count(self, text: str) -> int:
        return len(text.split())

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        if self.count(text) > self.room:
            raise ContextFull("The window is too small. Use a larger --context.")
        span = Span(len(self.seen) + 1, kind, text, self.count(text))
        self.spans = (*self.spans, span)
        self.seen.append(text)
        return span

    def generate(self, plan: Plan, sampling: Sampling, seed: int) -> Generator[Piece, None, None]:
        written = ""
        try:
            step = next(plan)
            while True:
                text = self._carry_out(step)
                written += text
                yield Piece(text, "forced" if isinstance(step, Force) else "sampled")
                step = plan.send(text)
        except StopIteration:
            return
        finally:
            self.append(SpanKind.TURN, written)

    def _carry_out(self, step: Force | Choose | Sample) -> str:
        if isinstance(step, Force):
            return step.text
        if isinstance(step, Choose) and len(step.options) == 1:
            return step.options[0]
        line = self.script.pop(0)
        self.before_line(line)
        if isinstance(step, Sample):
            return line
        return next(option for option in step.options if line in option)

    def cut(self, span: Span) -> None:
        self.spans = tuple(other for other in self.spans if other is not span)

    def rollback(self, span: Span) -> None:
        self.spans = self.spans[: self.spans.index(span)]

    def load_prefix(self, folder: Path) -> bool:
        return False

    def save_prefix(self, folder: Path) -> None:
        return None


@pytest.fixture
def scripted() -> type[ScriptedSession]:
    return ScriptedSession


@pytest.fixture
def ships(tmp_path: Path) -> Collection:
    folder = tmp_path / "ships-documents"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    library = Library(tmp_path / "ships")
    library.add([folder])
    return Collection([library])
