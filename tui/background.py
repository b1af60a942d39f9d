"""Work that takes longer than a key may: a thread does it, tells how far it is, and can stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message

from edge_agent.failures import in_words

from .workbench import StoppedError, Told


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
    """Does one thing; `work` is given whom to tell, and returns what to say at the end."""

    def __init__(self, work: Callable[[Told], str], post: Callable[[Message], object]) -> None:
        """Get ready; `post` sends messages to whoever waits, from any thread."""
        super().__init__(name="background", daemon=True)
        self._work = work
        self._post = post
        self._stopped = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End it where it next tells how far it is: what is half done can be gone on with."""
        self._stopped.set()

    def run(self) -> None:
        """Do the work, and tell how it ended."""
        try:
            self._post(Ended(self._work(self._tell), None))
        except StoppedError:
            self._post(Ended("Stopped. What was finished so far is kept.", None))
        except Exception as error:  # the interface has to stay, whatever breaks
            self._post(Ended("", in_words(error)))

    def _tell(self, doing: str, done: int = 0, total: int | None = None) -> None:
        if self._stopped.is_set():
            raise StoppedError
        self._post(Progressed(doing, done, total))
