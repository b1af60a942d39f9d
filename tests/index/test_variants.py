"""Variants: a word is found within the terms that it is written in, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from searching import titles

from edge_agent.index import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    texts = {"cat": "窓に黒猫。", "cats": "三毛猫が好き", "name": "猫田さん", "dog": "犬がいる"}
    folder = tmp_path / "texts"
    folder.mkdir()
    for title, text in texts.items():
        (folder / f"{title}.md").write_text(f"# {title}\n\n{text}", encoding="utf-8")
    library = Library(tmp_path / "library")
    library.add([folder])
    return library


def test_a_character_alone_is_found_wherever_it_stands(library: Library) -> None:
    assert {*titles(library, "猫")} == {"cat", "cats", "name"}
    assert titles(library, "犬") == ["dog"]
    assert titles(library, "黒") == ["cat"]
    assert titles(library, "馬") == []
