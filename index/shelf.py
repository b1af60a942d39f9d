"""The shelf: all libraries of this machine, by name; and folders and files that become one."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from importlib import resources
from pathlib import Path

from .dense import Embedder
from .errors import LibraryBusy, LibraryError, UnknownLibrary
from .files import fault_of
from .library import TEXTS_FILE, Library
from .sources import Source, as_source
from .updating import IndexReport, Report
from .writing import busy_with, writing

SAMPLE = "sample"
"""The name of the library that ships with the program."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REMOVED = ".removed-"
"""What the names of folders begin with that are being deleted: no library can be called so."""


def sample_folder() -> Path:
    """Return the folder of the sample library: `documents/` and `questions.jsonl`."""
    return Path(str(resources.files(__package__) / "sample"))


def check_name(name: str) -> None:
    """Raise LibraryError where a library of documents cannot have that name."""
    if name == SAMPLE:
        raise LibraryError(
            f"'{SAMPLE}' is the library that ships with the program. Use another name."
        )
    if not _NAME.fullmatch(name):
        raise LibraryError(
            f"'{name}' cannot be the name of a library. Use letters from a to z, digits, dots, "
            "dashes and underscores, a letter or digit first."
        )


class Shelf:
    """The folder that holds the libraries, one folder each."""

    def __init__(self, root: Path, embedder: Embedder | None = None) -> None:
        """Look after the libraries under `root`; it need not exist yet.

        With an embedder they are searched by meaning too.
        """
        self._root = root
        self._embedder = embedder

    def names(self) -> tuple[str, ...]:
        """Return the names of all libraries."""
        if not self._root.is_dir():
            return ()
        names = (path.name for path in self._root.iterdir())
        return tuple(sorted(name for name in names if self._is_library(name)))

    def _has(self, name: str) -> bool:
        """Tell whether there is a library of that name, without a look into the others.

        The folder has to be spelt so: to some disks capitals are all the same.
        """
        return self._is_library(name) and name in (path.name for path in self._root.iterdir())

    def _is_library(self, name: str) -> bool:
        if not _NAME.fullmatch(name):
            return False
        try:
            return (self._root / name / TEXTS_FILE).is_file()
        except OSError:  # who opens it is told why it cannot be looked into
            return True

    def folder(self, name: str) -> Path:
        """Return the folder of a library. Raises UnknownLibrary, naming those that are like it."""
        if not self._has(name):
            raise UnknownLibrary(self._unknown(name))
        return self._root / name

    def open(self, name: str) -> Library:
        """Open a library. Raises UnknownLibrary, naming those that are like it."""
        return Library(self.folder(name), self._embedder)

    def add(
        self, name: str, sources: Iterable[Source | Path], report: Report | None = None
    ) -> IndexReport:
        """Add documents to a library, which is made where there is none.

        Raises UnknownLibrary for paths that do not exist, EmptyLibrary where nothing can be read
        (a library that was made for it is gone again), LibraryBusy, and LibraryError for a name
        that no folder can have, that the sample library has, or that differs from another one only
        in case, and for patterns that are none.
        """
        check_name(name)
        self._check_case(name)
        added = tuple(as_source(source) for source in sources)
        faults = {source.path: fault_of(source.path) for source in added}
        missing = [f"{path} {fault}" for path, fault in faults.items() if fault is not None]
        if missing:
            raise UnknownLibrary(f"{'; '.join(missing)}. Check the path and try again.")
        return self._index(name, added, report)

    def _check_case(self, name: str) -> None:
        """Raise LibraryError where a name is new, but for its case: on some disks it is the same.

        What is made on the fly has a mark of its own in its name.
        """
        if self._has(name):
            return
        for other in (*self.names(), SAMPLE):
            if other.casefold() == name.casefold():
                raise LibraryError(
                    f"There is a library '{other}', and many disks take '{name}' for the same. "
                    f"Use '{other}', or a name that differs in more than its capitals."
                )

    def remove(self, name: str) -> None:
        """Delete a library, even one that cannot be opened; the user's documents stay.

        Raises UnknownLibrary, LibraryBusy.
        """
        self._clear()
        folder = self.folder(name)
        aside = self._root / f"{_REMOVED}{secrets.token_hex(8)}"
        with writing(folder):
            folder.rename(aside)  # a kill leaves it whole, or no library's
        with suppress(FileNotFoundError):  # another process clears as well
            _delete(aside)

    def _clear(self) -> None:
        """Delete what is left of libraries whose removal was killed."""
        for left in self._root.glob(f"{_REMOVED}*"):
            with suppress(OSError):
                _delete(left)

    def check(self, name_or_path: str) -> None:
        """Raise UnknownLibrary where there is no library, folder or file of that name.

        A folder or file that is away is known where it was indexed before.
        """
        if name_or_path != SAMPLE and not self._has(name_or_path):
            self._placed(name_or_path)

    def resolve(
        self,
        name_or_path: str,
        report: Report | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> Library:
        """Open a library by name, or index a folder or file on the fly, or the sample library.

        What was indexed on the fly is kept: the second time only what has changed is read, and
        `warn` is told how much could not be. While another process does that, or where the folder
        or file is away, it is opened as it is, and `warn` is told so, as it is of archives that
        cannot be opened. Raises EmptyLibrary, UnknownLibrary, and LibraryBusy; the last two also
        where it holds nothing yet or nobody can be told.
        """
        if name_or_path == SAMPLE:
            name, source = SAMPLE, Source(sample_folder() / "documents")
        elif self._has(name_or_path):
            return self._searchable(name_or_path, warn)
        else:
            path = self._placed(name_or_path)
            name, source = _name_for(path), Source(path)
            if (fault := fault_of(path)) is not None:
                away = f"{path} {fault}: it is searched as it was read last."
                unknown = UnknownLibrary(self._unknown(name_or_path))
                return self._as_it_is(name, unknown, away, warn)
        try:
            if name == SAMPLE:
                self._forget_former_sample(source)
            done = self._index(name, (source,), report)
        except LibraryBusy as busy:
            taken = f"{busy_with(name)}: it is searched as it is."
            return self._as_it_is(name, busy, taken, warn)
        if done.problems and warn is not None:
            warn(_problems_told(len(done.problems), name))
        return self._searchable(name, warn)

    def _placed(self, name: str) -> Path:
        """Return the whole path of a folder or file that is there, or that was indexed before.

        Raises UnknownLibrary.
        """
        path = _whole(name)
        if path is None or (fault_of(path) is not None and not self._has(_name_for(path))):
            raise UnknownLibrary(self._unknown(name))
        return path

    def _forget_former_sample(self, source: Source) -> None:
        """Delete the sample library where the program was installed somewhere else before."""
        if not self._has(SAMPLE):
            return
        library = self.open(SAMPLE)
        sources = library.sources
        library.close()
        if sources != (Source(source.path.resolve()),):
            self.remove(SAMPLE)

    def _as_it_is(
        self, name: str, error: LibraryError, why: str, warn: Callable[[str], None] | None
    ) -> Library:
        """Open a library that cannot be brought up to date, and tell `warn` why.

        Raises `error` where it holds nothing, or nobody can be told.
        """
        if warn is None:
            raise error
        library = self._searchable(name, warn)
        if not library.statistics().files:
            library.close()
            raise error
        warn(why)
        return library

    def _searchable(self, name: str, warn: Callable[[str], None] | None) -> Library:
        """Open a library, and tell `warn` of archives that are not searched.

        Raises UnknownLibrary, and EmptyLibrary where it has nothing but such.
        """
        library = self.open(name)
        try:
            closed = library.closed_archives()
        except LibraryError:
            library.close()
            raise
        if warn is not None:
            for archive in closed:
                warn(f"{archive.file} {archive.reason}. It is not searched.")
        return library

    def _index(self, name: str, sources: tuple[Source, ...], report: Report | None) -> IndexReport:
        """Add documents to a library; one that was made for it and got none is gone again."""
        self._clear()
        new = not self._has(name)
        library = None
        try:
            library = Library(self._root / name, self._embedder)
            return library.add(sources, report)
        except LibraryBusy:
            raise  # then it is another process that makes it
        except BaseException:
            if new and _holds_nothing(self._root / name):
                with suppress(LibraryError, OSError):  # what went wrong first is told
                    self.remove(name)
            raise
        finally:
            if library is not None:
                library.close()

    def _unknown(self, name: str) -> str:
        if name == SAMPLE:
            return "The library 'sample' is not indexed: it is when it is first asked."
        known = (*self.names(), SAMPLE)
        near = difflib.get_close_matches(name, known, n=3)
        hint = f" Did you mean: {', '.join(near)}?" if near else ""
        return (
            f"There is no library '{name}', nor a folder or file of that name.{hint} "
            "See them with: miro-edge index list — make one with: miro-edge index add NAME FOLDER"
        )


def _problems_told(count: int, name: str) -> str:
    things = "1 file or place" if count == 1 else f"{count} files or places"
    return f"{things} could not be read, or not whole: miro-edge index problems {name}"


def _holds_nothing(folder: Path) -> bool:
    """Tell whether the library in a folder, which may be half made, has no documents."""
    address = f"{(folder / TEXTS_FILE).as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            return database.execute("select 1 from files limit 1").fetchone() is None
    except sqlite3.Error as error:
        return "no such table" in str(error)


def _delete(folder: Path) -> None:
    """Delete a folder, also one on another disk that a link stands for. Raises OSError."""
    if folder.is_symlink():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder.resolve())
        folder.unlink()
    else:
        shutil.rmtree(folder)


def _whole(name: str) -> Path | None:
    """Return the whole path that a name is, or None where it cannot be one."""
    try:
        return Path(name).expanduser().resolve() if name else None
    except (OSError, RuntimeError, ValueError):  # a name too long, a home of nobody, a null byte
        return None


def _name_for(path: Path) -> str:
    """Return a name for a folder or file: what it is called, and a mark of where it is."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._") or "folder"
    return f"{stem[:60]}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
