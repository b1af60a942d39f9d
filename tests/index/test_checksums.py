"""Damage in the search index: it is told, and made good from the texts."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from edge_agent.index import DamagedIndex, Hit, Library

_BLOCK = 4096
_PLACES = ("Larvik", "Molde", "Vardø", "Bergen")


@pytest.fixture
def islands(tmp_path: Path) -> Library:
    """A library with a segment of some blocks."""
    records = []
    for number in range(120):
        words = " ".join(f"w{number}x{other}" for other in range(8))
        text = f"Near {_PLACES[number % 4]} stands a lighthouse. {words}"
        records.append(json.dumps({"title": f"Island {number}", "text": text}))
    (tmp_path / "islands.jsonl").write_text("\n".join(records))
    made = Library(tmp_path / "library")
    made.add([tmp_path / "islands.jsonl"])
    return made


def segment(library: Library) -> Path:
    (found,) = (library.folder / "lexical").glob("*.seg")
    return found


def blank(path: Path, block: int) -> None:
    """Put noughts in the place of a block, as a disk does; neither size nor date tells it."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(block * _BLOCK)
        length = len(file.read(_BLOCK))
        file.seek(block * _BLOCK)
        file.write(bytes(length))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def hits(library: Library) -> list[tuple[Hit, ...]]:
    return [library.search(query, 50) for query in ("Bergen lighthouse", "w77x3", "island 5")]


def test_whatever_block_is_lost_an_update_brings_back_what_was_found(islands: Library) -> None:
    before = hits(islands)
    blocks = segment(islands).stat().st_size // _BLOCK
    assert blocks > 5
    for block in range(blocks + 1):
        blank(segment(islands), block)
        again = Library(islands.folder)
        assert not again.verify().is_sound, block
        again.update()
        assert again.verify().is_sound
        assert hits(again) == before, block
        again.close()


def test_what_broke_a_search_is_made_anew_whenever_it_is_next_brought_up_to_date(
    islands: Library, tmp_path: Path
) -> None:
    before = hits(islands)
    (islands.folder / "lexical" / "checksums.json").unlink()  # as an older version leaves it
    for block in range(1 + segment(islands).stat().st_size // _BLOCK):
        blank(segment(islands), block)
    again = Library(islands.folder)
    with pytest.raises(DamagedIndex, match="miro-edge index update library"):
        again.search("Bergen")
    again.add([tmp_path / "islands.jsonl"])
    assert hits(again) == before


def test_the_index_of_an_older_version_gets_its_checksums_with_the_next_update(
    islands: Library,
) -> None:
    before = hits(islands)
    (islands.folder / "lexical" / "checksums.json").unlink()
    assert islands.verify().is_sound
    made = segment(islands)
    islands.update()
    assert segment(islands) == made
    blank(made, 1)
    islands.update()
    assert segment(islands) != made
    assert hits(islands) == before


def test_a_copy_of_a_library_is_sound(islands: Library, tmp_path: Path) -> None:
    copied = shutil.copytree(islands.folder, tmp_path / "copied", copy_function=shutil.copyfile)
    copy = Library(copied)
    made = segment(copy)
    assert copy.verify().is_sound
    assert copy.update().unchanged == 1
    assert segment(copy) == made
