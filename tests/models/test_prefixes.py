"""Saved prefixes: the one that was just saved stays, and what is old goes, whatever its date."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import write_llama

from edge_agent.models import EngineSettings, SpanKind
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = write_llama(tmp_path_factory.mktemp("tiny") / "llama.gguf")
    with Engine(path, EngineSettings(context=512, threads=1)) as loaded:
        yield loaded


def prompted(engine: Engine, text: str) -> Session:
    session = Session(engine)
    session.append(SpanKind.SYSTEM, text, trusted=True)
    return session


def made(path: Path, days: float) -> Path:
    """Make a file that was modified so many days from now."""
    path.touch()
    when = time.time() + days * DAY
    os.utime(path, (when, when))
    return path


def test_what_was_just_saved_stays_beside_files_dated_in_the_future(
    engine: Engine, tmp_path: Path
) -> None:
    ahead = [made(tmp_path / f"{number}.state", 300 + number) for number in range(8)]
    for number in range(2):
        prompted(engine, f"Prompt {number}.").save_prefix(tmp_path)
    assert [state.exists() for state in ahead] == [True] * 6 + [False] * 2
    for number in range(2):
        assert prompted(engine, f"Prompt {number}.").load_prefix(tmp_path)


def test_drafts_of_processes_that_were_killed_are_deleted(engine: Engine, tmp_path: Path) -> None:
    killed = [made(tmp_path / "a.123", -2), made(tmp_path / "b.4567", 2)]
    others = [made(tmp_path / "a.89", -0.5), made(tmp_path / "notes.txt", -2)]
    prompted(engine, "Prompt.").save_prefix(tmp_path)
    assert not any(draft.exists() for draft in killed)
    assert all(other.exists() for other in others)


def test_a_prefix_that_cannot_be_written_leaves_no_draft(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="full"):
        prompted(engine, "Prompt.").save_prefix(tmp_path)
    assert list(tmp_path.iterdir()) == []
