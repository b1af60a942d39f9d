"""A library of three ships, and a model that follows a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from scripted_session import ScriptedSession

from edge_agent.index import Collection, Library


@pytest.fixture
def scripted() -> Callable[..., ScriptedSession]:
    return lambda script, **fields: ScriptedSession(script=script, **fields)


@pytest.fixture
def scripted_session() -> type[ScriptedSession]:
    """The class, for tests whose model writes something else."""
    return ScriptedSession


@pytest.fixture
def ships(ready_ships: Path) -> Iterator[Collection]:
    with closing(Library(ready_ships)) as library:
        yield Collection([library])
