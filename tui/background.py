"""Work that takes longer than a key may: a thread does it, reports how far it is, and can stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message

from edge_agent.failures import in_words

from .stoppable_thread import StoppableThread, StoppedError
from .workbench import ReportProgress


@dataclass(frozen=True, slots=True)
class Job:
    """Something that takes a while."""

    doing: str
    """What is done, and to what: `Adding to papers`."""
    work: Callable[[ReportProgress], str]
    """Does it, reporting how far it is, and returns what to say at the end."""
    left: str
    """A sentence that says what there is where it is stopped half-way."""


class Ended(Message):
    """Work has ended: with what it came to, or with what went wrong."""

    def __init__(self, result: str, failure: str | None) -> None:
        """Tell how it ended."""
        super().__init__()
        self.result, self.failure = result, failure


class Background(StoppableThread):
    """Does one thing."""

    def __init__(self, job: Job, post: Callable[[Message], object]) -> None:
        """Get ready; `post` sends messages to whoever waits, from any thread."""
        super().__init__("background", post)
        self.job = job

    def run(self) -> None:
        """Do the work, and tell how it ended."""
        try:
            self._post(Ended(self.job.work(self._report), None))
        except StoppedError:
            self._post(Ended(f"Stopped. {self.job.left}", None))
        except Exception as error:  # the interface has to stay, whatever breaks
            self._post(Ended("", in_words(error)))
