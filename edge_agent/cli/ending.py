"""Being ended from outside: what is open is closed all the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Of a program that is asked to end, and of one whose terminal is gone."""


@contextmanager
def closing_when_ended() -> Iterator[None]:
    """Have signals that end the program do it as `sys.exit` does; a second one ends it at once.

    What is ignored stays so, as for a program that was started with nohup. Only the main thread
    hears signals: in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDING}
    heard = [number for number in _ENDING if before[number] not in (signal.SIG_IGN, None)]

    def end(number: int, _frame: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_DFL)
        raise SystemExit(128 + number)

    for number in heard:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
