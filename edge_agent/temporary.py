"""Folders for the time of something, which are gone after it, whatever becomes of the program."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "miro-edge-files-"
_LOCK = "in-use.lock"
"""Held as long as somebody needs what lies beside it, and the last to be deleted."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Lend a folder, which the end deletes; where no end came, the next to be lent one does."""
    _delete_left_behind()
    with (
        tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name,
        FileLock(Path(name) / _LOCK),
    ):
        folder = Path(name) / "files"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _delete_left_behind() -> None:
    """Delete the folders of programs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError, Timeout):
            lock = folder / _LOCK
            if _is_own(folder) and lock.exists():
                with FileLock(lock, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    """Tell whether a folder is the user's: where temporary files lie anybody may put some."""
    status = folder.lstat()
    is_users = sys.platform == "win32" or status.st_uid == os.getuid()
    return is_users and stat.S_ISDIR(status.st_mode)
