"""A library of three ships, and a model that follows a script."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

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
def close(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Closes a folder, also to the superuser, as whom tests may run."""
    looked_at = Path.stat

    def close(folder: Path) -> None:
        def stat(path: Path, **options: Any) -> os.stat_result:
            if path.is_relative_to(folder):
                raise PermissionError(errno.EACCES, "Permission denied")
            return looked_at(path, **options)

        monkeypatch.setattr(Path, "stat", stat)

    return close


@pytest.fixture
def ships(ready_ships: Path) -> Iterator[Collection]:
    with closing(Library(ready_ships)) as library:
        yield Collection([library])
