"""Whether there is room on a disk."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import DownloadError
from .sizes import megabytes

_SPARE = 64 * 1024**2


def require_room(folder: Path, needed: int) -> None:
    """Raise DownloadError where `needed` more bytes, and some to spare, do not fit on the disk."""
    lacking = needed + _SPARE - shutil.disk_usage(folder).free
    if lacking > 0:
        raise DownloadError(
            f"{megabytes(needed + _SPARE)} MB of disk are needed: free {megabytes(lacking)} MB more"
        )


@contextmanager
def full_disk_explained(name: str, folder: Path) -> Iterator[None]:
    """Turn the system's word for a full disk into a DownloadError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DownloadError(
            f"The disk is full: {name} could not be written to {folder}. "
            "Free some space and try again: what was downloaded is kept."
        ) from error
