"""What is typed at the terminal while a run goes on: read line by line, and never waited for."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LOOKS = 0.1
"""How often the thread that reads the keyboard looks whether the run has ended."""


def terminal() -> int | None:
    """Return the file descriptor of standard input where it is a terminal, else None."""
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # there is none, or it is closed
        return None
    return descriptor if os.isatty(descriptor) else None


@contextmanager
def listening(keyboard: int | None, tell: Callable[[str], None]) -> Iterator[None]:
    """Pass each line that is typed on `keyboard` to `tell`; the end leaves the rest unread.

    `tell` is called from another thread. Where there is no keyboard, nothing is read.
    """
    if keyboard is None:
        yield
        return
    ended = threading.Event()
    reader = threading.Thread(
        target=_read_lines, name="keyboard", args=(keyboard, tell, ended), daemon=True
    )
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()


def _read_lines(keyboard: int, tell: Callable[[str], None], ended: threading.Event) -> None:
    """Read lines until `ended` or Ctrl-D, never waiting for one longer than for a moment."""
    while not ended.is_set():
        if _is_anothers(keyboard):
            ended.wait(_SECONDS_BETWEEN_LOOKS)
            continue
        try:
            ready, _, _ = select.select([keyboard], [], [], _SECONDS_BETWEEN_LOOKS)
            if not ready or ended.is_set() or _is_anothers(keyboard):
                continue
            typed = os.read(keyboard, 4096)  # a terminal gives one line at most
        except OSError:  # it was closed
            return
        if not typed:
            return
        text = typed.decode("utf-8", "replace").strip()
        if text:
            tell(text)


def _is_anothers(keyboard: int) -> bool:
    """Return whether what is typed now is meant for another program."""
    return _in_background(keyboard) or not _gives_lines(keyboard)


def _gives_lines(keyboard: int) -> bool:
    """Return whether the terminal gives lines; it gives keys to a pager, as in `ask … | less`."""
    import termios  # here: Windows has none

    try:
        local_modes: int = termios.tcgetattr(keyboard)[3]
    except termios.error:  # it was closed, which reading it will say
        return True
    return bool(local_modes & termios.ICANON)


def _in_background(keyboard: int) -> bool:
    """Return whether the terminal belongs to another job: reading it would stop this one."""
    try:
        return os.tcgetpgrp(keyboard) != os.getpgrp()
    except OSError:  # it controls no jobs
        return False
