"""Where things lie: whatever the machine's habits are, they are their owner's alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.evaluation.store import EvaluationStore
from edge_agent.home import Home
from edge_agent.index import Library
from edge_agent.runs import RunStore


@pytest.fixture(autouse=True)
def _generous() -> Iterator[None]:
    """Have files be for everybody, unless somebody says that they are not."""
    before = os.umask(0)
    yield
    os.umask(before)


def is_private(path: Path) -> bool:
    return path.stat().st_mode & 0o077 == 0


def test_a_home_that_is_made_is_private(home: Path) -> None:
    assert not home.exists()
    assert Home.from_environment().root == home
    assert is_private(home)


def test_a_home_that_is_shared_stays_so(home: Path) -> None:
    home.mkdir(mode=0o750, parents=True)
    assert Home.from_environment().root == home
    assert home.stat().st_mode & 0o777 == 0o750


def test_a_home_that_cannot_be_made_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MIRO_EDGE_HOME", str(tmp_path / "file" / "home"))
    assert Home.from_environment().root == tmp_path / "file" / "home"


def test_stores_and_libraries_are_private(tmp_path: Path) -> None:
    with (
        closing(RunStore(tmp_path / "runs.db")),
        closing(EvaluationStore(tmp_path / "evaluations.db")),
        closing(Library(tmp_path / "library")),
    ):
        assert is_private(tmp_path / "library")
        made = [*tmp_path.glob("*.db*"), *(tmp_path / "library").glob("*.db*")]
        assert {path.name for path in made} >= {"runs.db", "evaluations.db", "library.db"}
        assert all(map(is_private, made))


def test_a_store_that_is_shared_stays_so(tmp_path: Path) -> None:
    RunStore(tmp_path / "runs.db").close()
    (tmp_path / "runs.db").chmod(0o640)
    RunStore(tmp_path / "runs.db").close()
    assert (tmp_path / "runs.db").stat().st_mode & 0o777 == 0o640
