"""Progress of a download that another program makes: by how much its folder grows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SECONDS = 0.25


@contextmanager
def watching_size(folder: Path, report: Callable[[int], None]) -> Iterator[None]:
    """Tell `report` the bytes in `folder` a few times a second, from a thread."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_SECONDS):
            report(size_of(folder))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def size_of(folder: Path) -> int:
    """Return the bytes of all files below `folder`, whatever comes and goes meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).stat().st_size
    return total
