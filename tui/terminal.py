"""Whether there is a terminal to show the interface in."""

from __future__ import annotations

import sys

DRIVER_VARIABLE = "TEXTUAL_DRIVER"
"""Set where the interface is shown by something else than a terminal: a browser."""


def in_terminal() -> bool:
    """Return whether somebody sits at a terminal; a stream that was closed is None."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
