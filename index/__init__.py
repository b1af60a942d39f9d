"""What a library is: readers, passages, the index, excerpts. It makes no network calls.

Importing this loads neither Whoosh nor a reader's library: they are loaded when first needed.
"""

from __future__ import annotations

from .analysis import usual_form
from .collection import Collection, Searched
from .database import give_back
from .dense import Embedder
from .documents import Document, RecordFields, Section, storable
from .end_with_parent import end_with_parent
from .errors import (
    DamagedIndex,
    EmptyLibrary,
    LibraryBusy,
    LibraryError,
    NotEmbedded,
    UnknownLibrary,
    UnknownPassage,
    Unreachable,
    UnreadableDocument,
)
from .excerpt import Excerpt, Titled, excerpts
from .files import OWN_IGNORE_FILE, content_hash, fault_of
from .library import Hit, Library, Statistics
from .months import GERMAN_MONTHS, MONTHS, ONLY_GERMAN_MONTHS, SHARED_MONTHS
from .passages import Passage, split
from .private_file import private_file, private_folder
from .ranking import By, varied
from .relevance import relevance
from .safe_path import SAFE_PATH, without_current_folder
from .scripts import HANGUL, MARKS, SMALL, UNSPACED
from .sentences import sentence_spans, sentences
from .shelf import SAMPLE, Shelf, check_name, sample_folder
from .soundness import Soundness
from .sources import Source
from .updating import IndexProgress, IndexReport, Problem

__all__ = [
    "GERMAN_MONTHS",
    "HANGUL",
    "MARKS",
    "MONTHS",
    "ONLY_GERMAN_MONTHS",
    "OWN_IGNORE_FILE",
    "SAFE_PATH",
    "SAMPLE",
    "SHARED_MONTHS",
    "SMALL",
    "UNSPACED",
    "By",
    "Collection",
    "DamagedIndex",
    "Document",
    "Embedder",
    "EmptyLibrary",
    "Excerpt",
    "Hit",
    "IndexProgress",
    "IndexReport",
    "Library",
    "LibraryBusy",
    "LibraryError",
    "NotEmbedded",
    "Passage",
    "Problem",
    "RecordFields",
    "Searched",
    "Section",
    "Shelf",
    "Soundness",
    "Source",
    "Statistics",
    "Titled",
    "UnknownLibrary",
    "UnknownPassage",
    "Unreachable",
    "UnreadableDocument",
    "check_name",
    "content_hash",
    "end_with_parent",
    "excerpts",
    "fault_of",
    "give_back",
    "private_file",
    "private_folder",
    "relevance",
    "sample_folder",
    "sentence_spans",
    "sentences",
    "split",
    "storable",
    "usual_form",
    "varied",
    "without_current_folder",
]
