"""Checksums of the indexes: their files are written once, so one that differs is damaged."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .files import content_hash

_RECORD = "checksums.json"
_DOUBT = "doubtful"
"""A file that says that a search broke off. Whoever searches may write it, without the lock."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What a file was when it was written."""

    size: int
    modified: int
    """Time of modification, in nanoseconds."""
    sha256: str


class Checksums:
    """What the files in a folder were when they were written, kept beside them."""

    def __init__(self, folder: Path, *patterns: str) -> None:
        """Look after the files in `folder` like these; it need not exist yet."""
        self._folder = folder
        self._patterns = patterns
        self._doubtful = False

    def seal(self) -> None:
        """Remember what the files are; of one that is remembered already, only its date.

        So what is damaged does not become what was written.
        """
        known = self._known() or {}
        sealed = {path.name: self._sealed(path, known.get(path.name)) for path in self._files()}
        if sealed != known:
            draft = self._folder / f"{_RECORD}.draft"
            draft.write_text(json.dumps({name: asdict(one) for name, one in sealed.items()}))
            draft.replace(self._folder / _RECORD)

    def doubt(self) -> None:
        """Remember that the files cannot be relied on, until there are others in their place."""
        self._doubtful = True
        with suppress(OSError):  # where nothing can be written, nothing can be mended either
            (self._folder / _DOUBT).touch()

    def forget(self) -> None:
        """Begin anew: other files have come in the place of those that were there."""
        self._doubtful = False
        for name in (_RECORD, _DOUBT):
            (self._folder / name).unlink(missing_ok=True)

    @property
    def are_in_doubt(self) -> bool:
        """Whether it was found before that the files cannot be relied on."""
        return self._doubtful or (self._folder / _DOUBT).exists()

    @property
    def are_doubtful(self) -> bool:
        """Whether a file is not what it was, as far as its size and its date show, or is in doubt.

        A file with another date, as in a copy, is hashed.
        """
        return self.are_in_doubt or not self._agree(every=False)

    def compare(self) -> None:
        """Hash all files; from now on they are doubtful where one is not what it was."""
        self._doubtful = False  # another process may have made others
        if not self._agree(every=True):
            self.doubt()

    def _agree(self, *, every: bool) -> bool:
        """Tell whether the files are what they were; `every` one is hashed, or those in question.

        What is not remembered was written by an older version, or just before a crash.
        """
        known = self._known()
        if known is None:
            return False
        return all(_is(path, known[path.name], every) for path in self._files(known))

    def _files(self, among: dict[str, _Sealed] | None = None) -> list[Path]:
        """Return the files that are there, or those of them that are remembered."""
        found = [path for pattern in self._patterns for path in self._folder.glob(pattern)]
        return [path for path in found if among is None or path.name in among]

    def _sealed(self, path: Path, known: _Sealed | None) -> _Sealed:
        status = path.stat()
        digest = content_hash(path) if known is None else known.sha256
        return _Sealed(status.st_size, status.st_mtime_ns, digest)

    def _known(self) -> dict[str, _Sealed] | None:
        """Return what is remembered, which may be nothing; None where that itself is damaged."""
        try:
            stored = json.loads((self._folder / _RECORD).read_bytes())
            return {name: _Sealed(**one) for name, one in stored.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError):
            return None


def _is(path: Path, sealed: _Sealed, hashed: bool) -> bool:
    """Tell whether a file is what it was."""
    try:
        status = path.stat()
        if not hashed and (status.st_size, status.st_mtime_ns) == (sealed.size, sealed.modified):
            return True
        return status.st_size == sealed.size and content_hash(path) == sealed.sha256
    except FileNotFoundError:  # gone since the folder was listed: merged into another
        return True
    except OSError:  # what the disk does not give back is damaged, too
        return False
