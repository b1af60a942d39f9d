"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.models.whole_file import remove_whole, whole_file


def write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write(text)


def test_what_cannot_be_written_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "record.json"
    write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write(path, "half of a letter: \ud800")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]
    write(path, "new")
    assert path.read_text() == "new"


def test_a_private_file_is_so_before_anything_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with whole_file(path, private=True) as file:
        (draft,) = tmp_path.iterdir()
        assert draft.stat().st_mode & 0o077 == 0
        file.write("a secret")
    assert path.stat().st_mode & 0o077 == 0


def test_what_is_deleted_takes_the_drafts_of_it_along_and_no_other(tmp_path: Path) -> None:
    gone = ("e.jsonl", "e.jsonl.12", "e.12")  # the last as earlier versions named theirs
    kept = ("e", "e.5.jsonl", "e.5.jsonl.12", "e.5.12", "e.jsonl.bak", "f.12")
    for name in (*gone, *kept):
        (tmp_path / name).touch()
    remove_whole(tmp_path / "e.jsonl")
    assert {each.name for each in tmp_path.iterdir()} == {*kept}
