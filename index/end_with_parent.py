"""Processes that end with the one that started them, however that came to its end."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """Have this process end at once when its parent is gone, whatever it is at.

    A parent that is killed ends no process of its own, and one that computes hears of it only when
    it has something to say.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
