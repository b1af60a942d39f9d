"""The files of a library's sources: which there are, what they are called, whether they changed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path


def present_files(sources: Iterable[Path]) -> dict[Path, os.stat_result]:
    """Return the regular files under `sources`; hidden ones and symbolic links are skipped."""
    found = {}
    for source in sources:
        for path in _walk(source):
            try:
                status = path.lstat()
            except OSError:  # gone since the folder was listed
                continue
            # A pipe or a device has no end to read to.
            if stat.S_ISREG(status.st_mode):
                found[path] = status
    return found


def name_below(path: Path, sources: Iterable[Path]) -> str:
    """Return a file's name below its source, with slashes on every system."""
    for source in sources:
        if path != source and path.is_relative_to(source):
            return path.relative_to(source).as_posix()
    return path.name


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; nothing where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def _walk(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield source
        return
    for folder, folders, files in os.walk(source, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder, name)
