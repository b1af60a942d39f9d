"""What can go wrong with a library; each message says what happened, to what, and what to do."""

from __future__ import annotations


class LibraryError(Exception):
    """The base of everything that the index raises."""


class UnknownLibrary(LibraryError):
    """There is no library of that name, and no folder or file at that path."""


class EmptyLibrary(LibraryError):
    """Nothing that can be read was found."""


class LibraryBusy(LibraryError):
    """Another process is writing or checking the library."""


class DamagedIndex(LibraryError):
    """The search index, which is derived from the texts, is missing or cannot be opened."""


class NotEmbedded(LibraryError):
    """The passages have no vectors, or there is no embedder to compare them with."""


class Unreachable(LibraryError):
    """What is searched cannot be reached now; the message is for the model too."""


class UnknownPassage(LibraryError):
    """The library has no passage of that id."""


class UnreadableDocument(LibraryError):
    """One file cannot be read; the message is the line in the report."""
