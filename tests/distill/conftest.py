"""A home with the smallest model and the library of the made-up questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lessons import lessons
from made_up import configured, write_set
from schooling import Schooling
from teach import School, make_library

from edge_agent.home import HOME_VARIABLE
from edge_agent.models import EngineSettings
from edge_agent.models.engine import Engine


@pytest.fixture(scope="session")
def schooling(tmp_path_factory: pytest.TempPathFactory, smollm2: Path) -> Iterator[Schooling]:
    home, data = tmp_path_factory.mktemp("schooling"), tmp_path_factory.mktemp("sets")
    # Without an embedder: what is taught does not depend on it, and it takes its time.
    (home / "models").mkdir()
    (home / "models" / smollm2.parent.name).symlink_to(smollm2.parent, target_is_directory=True)
    films = write_set(data / "films")
    make_library(home / "libraries" / "bench-films", films)
    with (
        pytest.MonkeyPatch.context() as patch,
        Engine(smollm2, EngineSettings(threads=1)) as engine,
    ):
        patch.setenv(HOME_VARIABLE, str(home))
        school = School(configured())
        patch.undo()
        asked = {each.id: each for each in lessons(films)}
        yield Schooling(home, data, school, engine, asked)


@pytest.fixture
def schooled_home(schooling: Schooling, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A MIRO_EDGE_HOME with the smallest model and the library of the made-up questions."""
    monkeypatch.setenv(HOME_VARIABLE, str(schooling.home))
    return schooling.home
