"""What the tests of the index share: a few documents, and a library of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.index import Library


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "ships").mkdir(parents=True)
    (folder / "ships" / "fram.md").write_text("# Fram\n\nThe Fram was designed by Colin Archer.")
    (folder / "archer.txt").write_text("Colin Archer\n\nColin Archer was born in Larvik.")
    (folder / ".hidden.txt").write_text("A secret of Larvik.")
    return folder


@pytest.fixture
def library(documents: Path, tmp_path: Path) -> Library:
    made = Library(tmp_path / "library")
    made.add([documents])
    return made
