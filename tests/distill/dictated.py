"""A real session whose model wants what an example holds: where it is asked is where it decides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from examples import Example

from edge_agent.models import EngineSettings, Span
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session


class DictatedEngine(Engine):
    """The real vocabulary; instead of computing, it reads off examples, a window each."""

    def __init__(self, path: Path, examples: Sequence[Example]) -> None:
        super().__init__(path, EngineSettings(threads=1))
        self.asked: list[list[int]] = []
        """The positions at which the model was asked for a token, by window."""
        self._examples = list(examples)
        self._page: tuple[int, ...] = ()
        self._position = -1
        self._likely = np.zeros(self._vocabulary.size, dtype=np.float32)

    @property
    def last_position(self) -> int:
        return self._position

    def decode(self, tokens: Sequence[int], position: int) -> None:
        if position == 0:
            self._page = self._examples[len(self.asked)].tokens
            self.asked.append([])
        self._position = position + len(tokens) - 1

    def truncate(self, start: int) -> bool:
        self._position = start - 1
        return True

    def clear(self) -> None:
        self._position = -1

    def logits(self) -> npt.NDArray[np.float32]:
        place = self._position + 1
        self.asked[-1].append(place)
        self._likely[:] = 0
        self._likely[self._page[place]] = 1
        return self._likely


class KeptWindows(Session):
    """A real session that remembers whole windows as they were left."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.windows: list[tuple[int, ...]] = []

    def rollback(self, span: Span) -> None:
        if span == self.spans[0]:
            self.leave()
        super().rollback(span)

    def leave(self) -> None:
        self.windows.append(self._cache.tokens)
