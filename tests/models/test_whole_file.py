"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.models.whole_file import write_whole


def test_what_cannot_be_written_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "record.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half of a letter: \ud800")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]
    write_whole(path, "new")
    assert path.read_text() == "new"
