"""What went wrong, in one sentence that says what to do next."""

from __future__ import annotations

import sqlite3

from edge_agent.errors import AgentError
from edge_agent.index import LibraryError
from edge_agent.models import ModelError


def explained(error: Exception) -> str | None:
    """Return the sentence about an expected failure; None for a fault in the program."""
    if isinstance(error, (AgentError, LibraryError, ModelError)):
        return str(error)
    if isinstance(error, OSError):
        return f"The system refused: {error}. Check the path, its permissions and the free disk."
    if isinstance(error, sqlite3.Error):
        return f"A database could not be written or read: {error}. Check the free disk."
    return None


def in_words(error: Exception) -> str:
    """Return what went wrong, as a sentence; a fault in the program is called one."""
    return explained(error) or f"A fault in the program: {type(error).__name__}: {error}"
