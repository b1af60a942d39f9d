"""The files of a library's sources: which there are, what they are called, what is passed over."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LibraryError
from .patterns import Pattern, chosen, read_pattern, verdict
from .sources import Source

OWN_IGNORE_FILE = ".miro-edge-ignore"
IGNORE_FILES = (".gitignore", ".ignore", OWN_IGNORE_FILE)
"""Files that say, in the syntax of .gitignore, what of their folder is passed over."""
_LONGEST_IGNORE = 65_536
"""Bytes of such a file: each of its lines is compared with the name of each file."""


@dataclass(slots=True)
class FilesFound:
    """The files under some sources, and what could not be looked into."""

    files: dict[Path, os.stat_result] = field(default_factory=dict)
    origin: dict[Path, Source] = field(default_factory=dict)
    """The source that each file was found under."""
    unreachable: dict[Path, str] = field(default_factory=dict)
    """Folders and sources that cannot be looked into, and why."""

    def is_out_of_sight(self, path: Path) -> bool:
        """Return whether a file may well be there still, but cannot be seen."""
        return any(path.is_relative_to(folder) for folder in self.unreachable)


def find_files(sources: Iterable[Source]) -> FilesFound:
    """Return the regular files under `sources`.

    Hidden files, the copies that editors keep, symbolic links, and what the sources' patterns or
    ignore files exclude are passed over.
    """
    found = FilesFound()
    for source in sources:
        fault = fault_of(source.path)
        if fault is not None:
            found.unreachable[source.path] = f"{fault}; its documents are kept"
        elif source.path.is_dir():
            if _is_empty(source.path):  # as a folder is in which nothing is mounted
                found.unreachable[source.path] = "is empty; what was in it is kept"
            chosen = _Patterns(source)
            for path, status in _walk(source.path, found):
                if chosen.take(path):
                    found.files[path] = status
                    found.origin[path] = source
        else:
            found.files[source.path] = source.path.lstat()
            found.origin[source.path] = source
    return found


def fault_of(path: Path) -> str | None:
    """Return why nothing can be known of a path, or None where there is something."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "is not there"
    except OSError as error:  # a server that is away, a folder that is closed
        return f"cannot be looked at: {error.strerror}"
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        return "is neither a folder nor a regular file"
    return None


def is_away(path: Path) -> bool:
    """Return whether a folder or file is not there, or is a folder in which there is nothing."""
    return fault_of(path) is not None or (path.is_dir() and _is_empty(path))


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:  # the walk says why it cannot be looked into
        return False


def name_below(path: Path, source: Source) -> str:
    """Return a file's name below its source, with slashes on every system."""
    return path.name if path == source.path else path.relative_to(source.path).as_posix()


def is_archive(path: Path) -> bool:
    """Return whether a file is searched in place, with the index that it carries."""
    return path.suffix.lower() == ".zim"


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def bytes_below(folder: Path) -> int:
    """Return the bytes of all files below a folder, whatever comes and goes meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).stat().st_size
    return total


class _Patterns:
    """What the user chose of a source by patterns."""

    def __init__(self, source: Source) -> None:
        self._root = source.path
        self._include = tuple(_patterns(source.include))
        self._exclude = tuple(_patterns(source.exclude))

    def take(self, path: Path) -> bool:
        names = path.relative_to(self._root).parts
        if self._include and not chosen(self._include, names):
            return False
        return not chosen(self._exclude, names)


def _patterns(lines: Iterable[str]) -> Iterator[Pattern]:
    """Yield the patterns in lines; what is none says nothing."""
    for line in lines:
        with suppress(ValueError):
            if (pattern := read_pattern(line)) is not None:
                yield pattern


def check_patterns(patterns: Iterable[str]) -> None:
    """Raise LibraryError for a pattern that is none."""
    for pattern in patterns:
        try:
            read_pattern(pattern)
        except ValueError as error:
            raise LibraryError(
                f"'{pattern}' is no pattern: {error}. "
                "Write it as in a .gitignore file: *.md, drafts/"
            ) from error


_Ignored = tuple[tuple[Path, tuple[Pattern, ...]], ...]
"""The patterns of the ignore files that hold for a folder, by where they lie, the nearest first."""


def _walk(root: Path, found: FilesFound) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files below a folder that are not passed over, in order, however deep they lie."""
    opened = [_entries(root, (), found)]
    while opened:
        for path, status, ignored in opened[-1]:
            if stat.S_ISDIR(status.st_mode):
                opened.append(_entries(path, ignored, found))
                break
            yield path, status
        else:
            opened.pop()


def _entries(
    folder: Path, ignored: _Ignored, found: FilesFound
) -> Iterator[tuple[Path, os.stat_result, _Ignored]]:
    """Yield the files and folders in a folder that are not passed over, with what holds in it."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        found.unreachable[folder] = f"cannot be looked into: {error.strerror}"
        return
    ignored = (*_ignore_files(folder, entries, found), *ignored)
    for entry in entries:
        if entry.name.startswith(".") or _is_spare(entry.name) or entry.is_symlink():
            continue
        path = Path(entry.path)
        if not _is_utf8(entry.name):
            found.unreachable[path] = (
                "has a name that is no UTF-8, so it cannot be cited; rename it"
            )
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # gone since the folder was listed
            continue
        except OSError as error:
            found.unreachable[path] = f"cannot be looked at: {error.strerror}"
            continue
        # A pipe or a device has no end to read to.
        is_folder = stat.S_ISDIR(status.st_mode)
        wanted = (is_folder or stat.S_ISREG(status.st_mode)) and not _is_hidden(status)
        if wanted and not _is_ignored(path, ignored, is_folder=is_folder):
            yield path, status, ignored


def _is_hidden(status: os.stat_result) -> bool:
    """Return whether a Mac hides what has no dot in its name, as it does the user's Library."""
    return bool(getattr(status, "st_flags", 0) & stat.UF_HIDDEN)


def _is_spare(name: str) -> bool:
    """Return whether a name is what editors give to copies that they keep beside a file."""
    return name.endswith("~") or name.startswith("~$") or (name[0] == name[-1] == "#")


def _ignore_files(
    folder: Path, entries: list[os.DirEntry[str]], found: FilesFound
) -> Iterator[tuple[Path, tuple[Pattern, ...]]]:
    """Yield what the ignore files in a folder say; one that cannot be read ignores nothing."""
    for entry in entries:
        if entry.name not in IGNORE_FILES or not entry.is_file():
            continue
        try:
            with Path(entry.path).open("rb") as file:
                data = file.read(_LONGEST_IGNORE + 1)
        except OSError:
            continue
        if len(data) > _LONGEST_IGNORE:
            found.unreachable[Path(entry.path)] = (
                f"is longer than {_LONGEST_IGNORE // 1024} KB; only its beginning is heeded"
            )
            data = data[:_LONGEST_IGNORE].rpartition(b"\n")[0]
        lines = data.decode("utf-8", errors="replace").splitlines()
        yield folder, tuple(_patterns(lines))


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_ignored(path: Path, ignored: _Ignored, *, is_folder: bool) -> bool:
    """Return whether ignore files exclude a path; the one that lies nearest to it decides."""
    for folder, patterns in ignored:
        excluded = verdict(patterns, path.relative_to(folder).parts, is_folder=is_folder)
        if excluded is not None:
            return excluded
    return False
