"""What a library is: readers, passages, the index, excerpts. It makes no network calls.

Importing this loads neither Whoosh nor a reader's library: they are loaded when first needed.
"""

from __future__ import annotations

from .collection import Collection
from .documents import Document, Section
from .errors import (
    DamagedIndex,
    EmptyLibrary,
    LibraryBusy,
    LibraryError,
    UnknownLibrary,
    UnknownPassage,
    UnreadableDocument,
)
from .excerpt import Excerpt, excerpt
from .library import Hit, IndexProgress, IndexReport, Library, Problem, Statistics
from .passages import Passage, split
from .sentences import sentence_spans, sentences
from .shelf import SAMPLE, Shelf, sample_folder

__all__ = [
    "SAMPLE",
    "Collection",
    "DamagedIndex",
    "Document",
    "EmptyLibrary",
    "Excerpt",
    "Hit",
    "IndexProgress",
    "IndexReport",
    "Library",
    "LibraryBusy",
    "LibraryError",
    "Passage",
    "Problem",
    "Section",
    "Shelf",
    "Statistics",
    "UnknownLibrary",
    "UnknownPassage",
    "UnreadableDocument",
    "excerpt",
    "sample_folder",
    "sentence_spans",
    "sentences",
    "split",
]
