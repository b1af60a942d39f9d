"""A file that is written whole or not at all, whoever reads it meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[TextIO]:
    """Lend a draft to write to; it takes the place of what was there when all is written.

    A crash leaves the old file or the new one. Its folder is made where there is none; only its
    owner can read a `private` one. What fails leaves no draft behind. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.touch(0o600 if private else 0o666)
        with draft.open("w", encoding="utf-8") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def remove_whole(path: Path) -> None:
    """Delete a file, if it is there, and the drafts of it that killed processes left behind.

    Drafts of earlier versions, too, which were named without the suffix of the file.
    """
    for file in path.parent.glob("*"):
        is_draft = file.stem in (path.name, path.stem) and file.suffix[1:].isdecimal()
        if file == path or is_draft:
            file.unlink(missing_ok=True)
