"""A file on this machine: a USB stick, a network drive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..catalog import FileSource
from ..errors import DownloadError

_BLOCK = 1 << 22


def fetch_from_file(source: FileSource, target: Path, report: Callable[[int], None]) -> Path:
    """Copy the file to `target`. Raises DownloadError where it cannot be read."""
    path = Path(source.path).expanduser()
    try:
        with path.open("rb") as reading, target.open("wb") as writing:
            while block := reading.read(_BLOCK):
                writing.write(block)
                report(writing.tell())
    except FileNotFoundError as error:
        raise DownloadError(f"there is no file {path}") from error
    return target
