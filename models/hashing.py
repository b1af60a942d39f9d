"""The SHA-256 of a file, with progress."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

_BLOCK = 1 << 22


def sha256_of(path: Path, report: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file in hexadecimal; `report` is told the bytes done so far."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            if report is not None:
                report(done)
    return digest.hexdigest()
