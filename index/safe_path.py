"""Python processes that are started where documents lie: none of them imports what lies there."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SAFE_PATH = "PYTHONSAFEPATH"
"""The environment variable that keeps the current folder from where Python imports. 3.10 does not
know it."""

_starting = threading.Lock()
"""The environment is that of all threads."""


@contextmanager
def without_current_folder() -> Iterator[None]:
    """Have a Python process that is started import nothing from the current folder.

    A `struct.py` may lie there, among documents from anywhere.
    """
    with _starting:
        before = os.environ.get(SAFE_PATH)
        os.environ[SAFE_PATH] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[SAFE_PATH]
            else:
                os.environ[SAFE_PATH] = before
