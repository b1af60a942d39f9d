"""Files that only their owner can read, from the moment that they are there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def private_file(path: Path) -> Path:
    """Return the path of a file, made empty and private if there was none. Raises OSError.

    One that is there keeps its permissions: whoever shares it has chosen them.
    """
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
    return path
