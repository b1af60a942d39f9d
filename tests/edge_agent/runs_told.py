"""Runs told as events, for tests of what judges and reads them."""

from __future__ import annotations

from edge_agent.events import (
    Event,
    EvidenceAdded,
    Quote,
    RunStarted,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnStarted,
)
from edge_agent.evidence import Exhibit
from edge_agent.index import Passage
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
        self._turn("Missing: something\n")
        self._apply(ToolCalled(self._step, "search", {"query": query}))
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
        self._apply(ToolAnswered(self._step, "search", text, keys, shown=shown))
        return self

    def quoted(self, each: Exhibit, query: str, *found: Exhibit) -> Told:
        """Have it quote a passage that it was shown, and search again."""
        self._quote = quotable_line(Quote(each.key, each.passage.text), each)
        return self.searched(query, *found)

    _quote = ""

    def _turn(self, text: str) -> None:
        self._step += 1
        self._apply(TurnStarted(self._step))
        self._apply(TurnFinished(self._step, self._quote + text))
        self._quote = ""

    def _apply(self, event: Event) -> None:
        self.trajectory.apply(event)
