"""The most memory that a process has had, in the same unit on every system."""

from __future__ import annotations

import resource
import sys


def peak_resident() -> int:
    """Return the most resident memory of this process, in bytes; psutil knows only that of now."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
