"""Runs told as events, for tests of what judges and reads them."""

from __future__ import annotations

from edge_agent.events import (
    AttemptStarted,
    Event,
    EvidenceAdded,
    Quote,
    RunStarted,
    SpanCut,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnStarted,
)
from edge_agent.evidence import Exhibit
from edge_agent.index import Passage
from edge_agent.models import SpanKind
from edge_agent.protocol import ToolCall
from edge_agent.trajectory import Trajectory
from edge_agent.turns import quotable_line


def exhibit(key: int, title: str, text: str) -> Exhibit:
    passage = Passage(f"d{key}#1", f"d{key}", title, "/d", (), None, 1, 0, len(text), text)
    return Exhibit(key, "l", passage)


class Told:
    """A run so far; each passage is one sentence, found by a search and then quoted or not."""

    def __init__(self, question: str, max_calls: int = 8) -> None:
        started = RunStarted("r", question, "m", "l", "generic", 0, max_calls)
        self.trajectory = Trajectory.of([started])
        self._step = 0

    def searched(self, query: str, *found: Exhibit) -> Told:
        """Have it search, and be shown `found`."""
        return self.called(ToolCall("library", "search", {"query": query}), *found)

    def called(self, call: ToolCall, *found: Exhibit, failed: bool = False) -> Told:
        """Have it make a call, and be shown `found`, or told that it failed."""
        self._turn("Missing: something\n")
        self._apply(ToolCalled(self._step, call.tool, call.arguments, call.server))
        for each in found:
            if self.trajectory.evidence.get(each.key) is not None:
                continue
            passage = each.passage
            self._apply(
                EvidenceAdded(
                    self._step,
                    each.key,
                    passage.id,
                    passage.document,
                    passage.title,
                    "/d",
                    "line 1",
                    passage.text,
                )
            )
        shown = tuple(Quote(each.key, each.passage.text) for each in found)
        keys = tuple(each.key for each in found)
        text = "\n".join(each.passage.text for each in found)
        self._apply(ToolAnswered(self._step, call.tool, text, keys, failed, shown))
        return self

    def quoted(self, each: Exhibit, query: str, *found: Exhibit) -> Told:
        """Have it quote a passage that it was shown, and search again."""
        self._quote = quotable_line(Quote(each.key, each.passage.text), each)
        return self.searched(query, *found)

    def cut(self) -> Told:
        """Have the oldest result leave the window."""
        kinds = [entry.kind for entry in self.trajectory.entries]
        self._apply(SpanCut(self._step, "result", 0, kinds.index(SpanKind.RESULT)))
        return self

    def attempted_again(self) -> Told:
        """Have it begin a second attempt."""
        self._apply(AttemptStarted(2, "This was tried before."))
        return self

    _quote = ""

    def _turn(self, text: str) -> None:
        self._step += 1
        self._apply(TurnStarted(self._step))
        self._apply(TurnFinished(self._step, self._quote + text))
        self._quote = ""

    def _apply(self, event: Event) -> None:
        self.trajectory.apply(event)
