"""A file on this machine: a USB stick, a network drive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..catalog import FileSource
from ..errors import DownloadError

_BLOCK = 1 << 22


def fetch_from_file(source: FileSource, target: Path, report: Callable[[int], None]) -> Path:
    """Copy the file to `target`. Raises DownloadError where it cannot be read."""
    try:
        path = Path(source.path).expanduser()
    except RuntimeError as error:  # a home of nobody
        raise DownloadError(f"there is no file {source.path}: {error}") from error
    with target.open("wb") as writing:
        for block in _blocks(path):
            writing.write(block)
            report(writing.tell())
    return target


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except FileNotFoundError as error:
        raise DownloadError(f"there is no file {path}") from error
    except OSError as error:
        raise DownloadError(f"{path} cannot be read ({error.strerror})") from error
