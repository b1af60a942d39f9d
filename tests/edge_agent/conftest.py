"""A library of three ships, and a model that follows a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_session import DOCUMENTS, ScriptedSession

from edge_agent.index import Collection, Library


@pytest.fixture
def scripted() -> Callable[..., ScriptedSession]:
    return lambda script, **fields: ScriptedSession(script=script, **fields)


@pytest.fixture
def scripted_session() -> type[ScriptedSession]:
    """The class, for tests whose model writes something else."""
    return ScriptedSession


@pytest.fixture
def ships(tmp_path: Path) -> Collection:
    folder = tmp_path / "ships-documents"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    library = Library(tmp_path / "ships")
    library.add([folder])
    return Collection([library])
