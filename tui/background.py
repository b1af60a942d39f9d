"""Work that takes longer than a key may: a thread does it, tells how far it is, and can stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message

from edge_agent.failures import in_words

from .workbench import StoppedError, Told


@dataclass(frozen=True, slots=True)
class Job:
    """Something that takes a while."""

    doing: str
    """What is done, and to what: `Adding to papers`."""
    work: Callable[[Told], str]
    """Does it, telling how far it is, and returns what to say at the end."""
    left: str
    """A sentence that says what there is where it is stopped half-way."""


class Progressed(Message):
    """Work goes on."""

    def __init__(self, doing: str, done: int, total: int | None) -> None:
        """Tell what is being done, and how much of it is."""
        super().__init__()
        self.doing, self.done, self.total = doing, done, total

    def __str__(self) -> str:
        share = f", {100 * self.done // self.total} %" if self.total else ""
        return f"{self.doing}{share}"


class Ended(Message):
    """Work has ended: with what it came to, or with what went wrong."""

    def __init__(self, result: str, failure: str | None) -> None:
        """Tell how it ended."""
        super().__init__()
        self.result, self.failure = result, failure


class Background(threading.Thread):
    """Does one thing."""

    def __init__(self, job: Job, post: Callable[[Message], object]) -> None:
        """Get ready; `post` sends messages to whoever waits, from any thread."""
        super().__init__(name="background", daemon=True)
        self.job = job
        self._post = post
        self._stopped = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End it where it next tells how far it is."""
        self._stopped.set()

    def run(self) -> None:
        """Do the work, and tell how it ended."""
        try:
            self._post(Ended(self.job.work(self._tell), None))
        except StoppedError:
            self._post(Ended(f"Stopped. {self.job.left}", None))
        except Exception as error:  # the interface has to stay, whatever breaks
            self._post(Ended("", in_words(error)))

    def _tell(self, doing: str, done: int = 0, total: int | None = None) -> None:
        if self._stopped.is_set():
            raise StoppedError
        self._post(Progressed(doing, done, total))
