"""The shelf: all libraries of this machine, by name; and folders and files that become one."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
from importlib import resources
from pathlib import Path

from .errors import LibraryBusy, LibraryError, UnknownLibrary
from .library import IndexReport, Library, Report
from .writing import writing

SAMPLE = "sample"
"""The name of the library that ships with the program."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def sample_folder() -> Path:
    """Return the folder of the sample library: `documents/` and `questions.jsonl`."""
    return Path(str(resources.files(__package__) / "sample"))


class Shelf:
    """The folder that holds the libraries, one folder each."""

    def __init__(self, root: Path) -> None:
        """Look after the libraries under `root`; it need not exist yet."""
        self._root = root

    def names(self) -> tuple[str, ...]:
        """Return the names of all libraries."""
        if not self._root.is_dir():
            return ()
        found = (path for path in self._root.iterdir() if (path / "library.db").is_file())
        return tuple(sorted(path.name for path in found))

    def folder(self, name: str) -> Path:
        """Return the folder of a library. Raises UnknownLibrary, naming those that are like it."""
        if name not in self.names():
            raise UnknownLibrary(self._unknown(name))
        return self._root / name

    def open(self, name: str) -> Library:
        """Open a library. Raises UnknownLibrary, naming those that are like it."""
        return Library(self.folder(name))

    def add(self, name: str, paths: tuple[Path, ...], report: Report | None = None) -> IndexReport:
        """Add documents to a library, which is made where there is none.

        Raises UnknownLibrary for paths that do not exist, EmptyLibrary where nothing can be read
        (a library that was made for it is gone again), LibraryBusy, and LibraryError for a name
        that no folder can have, or that the sample library has.
        """
        if name == SAMPLE:
            raise LibraryError(
                f"'{SAMPLE}' is the library that ships with the program. Use another name."
            )
        if not _NAME.fullmatch(name):
            raise LibraryError(
                f"'{name}' cannot be the name of a library. "
                "Use letters, digits, dots, dashes and underscores, a letter or digit first."
            )
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise UnknownLibrary(
                f"There is nothing at {', '.join(missing)}. Check the path and try again."
            )
        return self._index(name, paths, report)

    def remove(self, name: str) -> None:
        """Delete a library, even one that cannot be opened; the user's documents stay.

        Raises UnknownLibrary, LibraryBusy.
        """
        folder = self.folder(name)
        with writing(folder):
            shutil.rmtree(folder)

    def resolve(self, name_or_path: str, report: Report | None = None) -> Library:
        """Open a library by name, or index a folder or file on the fly, or the sample library.

        What was indexed on the fly is kept: the second time only what has changed is read.
        Raises UnknownLibrary, EmptyLibrary, LibraryBusy.
        """
        if name_or_path == SAMPLE:
            return self._sample(report)
        if name_or_path in self.names():
            return self.open(name_or_path)
        path = _existing(name_or_path)
        if path is None:
            raise UnknownLibrary(self._unknown(name_or_path))
        name = _name_for(path)
        self._index(name, (path,), report)
        return self.open(name)

    def _sample(self, report: Report | None) -> Library:
        path = sample_folder() / "documents"
        if SAMPLE in self.names():
            library = self.open(SAMPLE)
            sources = library.sources
            library.close()
            if sources != (path.resolve(),):  # the program was installed somewhere else before
                self.remove(SAMPLE)
        self._index(SAMPLE, (path,), report)
        return self.open(SAMPLE)

    def _index(self, name: str, paths: tuple[Path, ...], report: Report | None) -> IndexReport:
        """Add documents to a library; one that was made for it and got none is gone again."""
        new = name not in self.names()
        library = Library(self._root / name)
        try:
            return library.add(paths, report)
        except LibraryBusy:
            raise  # then it is another process that makes it
        except BaseException:
            if new and not library.statistics().passages:
                self.remove(name)
            raise
        finally:
            library.close()

    def _unknown(self, name: str) -> str:
        known = (*self.names(), SAMPLE)
        near = difflib.get_close_matches(name, known, n=3)
        hint = f" Did you mean: {', '.join(near)}?" if near else ""
        return (
            f"There is no library '{name}', nor a folder or file of that name.{hint} "
            "See them with: miro-edge index list — make one with: miro-edge index add NAME FOLDER"
        )


def _existing(name: str) -> Path | None:
    """Return the whole path of a folder or file, or None where nothing has that name."""
    try:
        path = Path(name).expanduser()
        return path.resolve() if name and path.exists() else None
    except (OSError, RuntimeError):  # a name too long, a home of nobody
        return None


def _name_for(path: Path) -> str:
    """Return a name for a folder or file: what it is called, and a mark of where it is."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._") or "folder"
    return f"{stem[:60]}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
