"""A thread that reports how far it is, and ends where it was asked to when it next does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message


class StoppedError(Exception):
    """Somebody has asked for the end of what is being done."""


class Progressed(Message):
    """Something goes on that takes a while: a download, an index, a model that is loaded."""

    def __init__(self, doing: str, done: int, total: int | None) -> None:
        """Tell what is being done, and how much of it is."""
        super().__init__()
        self.doing, self.done, self.total = doing, done, total

    @property
    def share(self) -> int | None:
        """How much of it is done, in percent; None where nobody knows how much it is in all."""
        return 100 * self.done // self.total if self.total else None

    def __str__(self) -> str:
        return self.doing if self.share is None else f"{self.doing}, {self.share} %"


class StoppableThread(threading.Thread):
    """A thread beside the interface; all but its work may be asked of it from another thread."""

    def __init__(self, name: str, post: Callable[[Message], object]) -> None:
        """Get ready; `post` sends messages to whoever waits, from any thread."""
        # A daemon: a model that is reading a long prompt must not keep the program from ending.
        super().__init__(name=name, daemon=True)
        self._post = post
        self._stopped = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End it where it next reports how far it is."""
        self._stopped.set()

    def _report(self, doing: str, done: int = 0, total: int | None = None) -> None:
        """Tell how far it is. Raises StoppedError where it was asked to end."""
        if self.stopping:
            raise StoppedError
        self._post(Progressed(doing, done, total))
