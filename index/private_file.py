"""Files and folders that only their owner can read, from the moment that they are there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make a folder, private as all that have to be made around it, if there is none.

    One that is there keeps its permissions. Raises OSError.
    """
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


def private_file(path: Path) -> Path:
    """Return the path of a file, made empty and private if there was none. Raises OSError.

    One that is there keeps its permissions: whoever shares it has chosen them.
    """
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)
    return path
