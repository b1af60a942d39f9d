"""What went wrong, in one sentence that says what to do next."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from edge_agent.errors import AgentError
from edge_agent.index import LibraryError
from edge_agent.models import ModelError


def explained(error: Exception) -> str | None:
    """Return the sentence about an expected failure; None for a fault in the program."""
    if isinstance(error, (AgentError, LibraryError, ModelError)):
        return str(error)
    if isinstance(error, FileNotFoundError) and _is_of_lost_folder(error):
        return "The current folder is not there any more. Change to another one, and try again."
    if isinstance(error, OSError):
        return f"The system refused: {error}. Check the path, its permissions and the free disk."
    if isinstance(error, sqlite3.Error):
        return f"A database could not be written or read: {error}. Check the free disk."
    if isinstance(error, UnicodeEncodeError) and (undecoded := _undecoded(error)):
        return (
            f"An argument or a file's name is no text in UTF-8: it has {undecoded} in it. Write it "
            "in UTF-8, or rename the file, and try again."
        )
    return None


def _is_of_lost_folder(error: FileNotFoundError) -> bool:
    """Tell whether what is missing is the current folder, which every new process needs."""
    if isinstance(error.filename, str) and Path(error.filename).is_absolute():
        return False
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _undecoded(error: UnicodeEncodeError) -> str:
    """Return the bytes that came from outside and were no UTF-8; nothing where there are none.

    Python keeps each as half a character. Only they are told: a key may stand beside them.
    """
    refused = error.object[error.start : error.end]
    halves = [ord(character) for character in refused]
    if not all(0xDC80 <= half <= 0xDCFF for half in halves):
        return ""
    return " ".join(f"\\x{half - 0xDC00:02x}" for half in halves)


def in_words(error: Exception) -> str:
    """Return what went wrong, as a sentence; a fault in the program is called one."""
    return explained(error) or f"A fault in the program: {type(error).__name__}: {error}"
