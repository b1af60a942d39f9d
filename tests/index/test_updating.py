"""Updates: incremental, one writer at a time, and whole after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils
from filelock import FileLock
from searching import titles
from waiting import ended_within

from edge_agent.index import (
    DamagedIndex,
    EmptyLibrary,
    IndexProgress,
    Library,
    LibraryBusy,
    LibraryError,
    Passage,
    RecordFields,
    Source,
)
from edge_agent.index.analysis import field_terms
from edge_agent.index.lexical import LexicalIndex


def test_an_update_reads_only_what_changed(library: Library, documents: Path) -> None:
    assert library.update().unchanged == 2
    (documents / "archer.txt").write_text("Colin Archer\n\nHe died in Larvik in 1921.")
    (documents / "gjoa.txt").write_text("Gjøa\n\nA herring boat.")
    (documents / "ships" / "fram.md").unlink()
    report = library.update()
    assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 0)
    assert titles(library, "Fram") == []
    assert titles(library, "1921") == ["Colin Archer"]
    assert titles(library, "herring") == ["Gjøa"]


def test_a_new_date_on_the_same_content_changes_nothing(library: Library, documents: Path) -> None:
    os.utime(documents / "archer.txt", (1, 1))
    library.update()
    assert titles(library, "Larvik") == ["Colin Archer"]
    assert library.update().unchanged == 2


def test_a_bad_file_is_a_problem_and_the_rest_is_indexed(library: Library, documents: Path) -> None:
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    report = library.update()
    assert [Path(problem.file).name for problem in report.problems] == ["broken.pdf"]
    assert library.problems() == report.problems
    assert titles(library, "Larvik") == ["Colin Archer"]


@pytest.mark.parametrize(
    ("problem", "again"),
    [
        ("needs the office extra: pip install 'miro-edge[office]'", True),
        ("cannot be opened: Permission denied", True),
        ("has no text: its pages were only scanned", False),
        ("took longer than 60 seconds to read", False),
    ],
)
def test_what_rights_or_an_extra_kept_from_being_read_is_tried_again(
    problem: str, again: bool, library: Library, documents: Path
) -> None:
    database = sqlite_utils.Database(library.folder / "library.db")
    path = str(documents / "archer.txt")
    database.table("files").update(path, {"state": "problem", "problem": problem, "hash": ""})
    assert bool(library.update().problems) is not again
    assert library.update().unchanged == 2
    assert titles(library, "Larvik") == ["Colin Archer"]


@pytest.mark.parametrize("state", ["problem", "indexed"])
def test_what_an_older_version_could_not_read_is_tried_once_by_a_newer_one(
    state: str, library: Library, documents: Path
) -> None:
    database = sqlite_utils.Database(library.folder / "library.db")
    path = str(documents / "archer.txt")
    row = {"state": state, "problem": "not a format that can be read (yet)"}
    database.table("files").update(path, row)
    assert library.update().problems
    database.execute("pragma user_version = 0")  # as versions leave it that knew of no editions
    report = library.update()
    assert (report.problems, report.changed, report.unchanged) == ((), 1, 1)
    assert titles(library, "Larvik") == ["Colin Archer"]
    database.table("files").update(path, row)
    assert library.update().problems


def test_what_an_older_version_read_otherwise_is_read_once_by_a_newer_one(
    library: Library, documents: Path
) -> None:
    (documents / "paper.tex").write_text('\\begin{document}G\\"odel')
    (documents / "city.txt").write_text("Город был основан князем.", encoding="cp866")
    (documents / "town.txt").write_text("Город был основан князем.", encoding="utf-8")
    library.update()
    database = sqlite_utils.Database(library.folder / "library.db")
    database.execute("pragma user_version = 1")
    assert [library.update().changed for _ in range(2)] == [2, 0]


def test_what_is_taken_out_takes_no_room(library: Library, documents: Path, tmp_path: Path) -> None:
    library.update()
    before = library.statistics().bytes
    words = (" ".join(f"w{number}x{other}" for other in range(40)) for number in range(1_000))
    records = (f'{{"text": "Walrus {each}"}}\n' for each in words)
    (tmp_path / "many.jsonl").write_text("".join(records))
    library.add([tmp_path / "many.jsonl"])
    assert library.statistics().bytes > before + 1_000_000
    reader = Library(library.folder)
    assert reader.search("walrus")
    library.drop([tmp_path / "many.jsonl"])
    assert library.statistics().bytes < before + 50_000
    assert reader.search("walrus") == ()
    assert titles(reader, "Larvik") == ["Colin Archer"]


def test_a_folder_in_which_nothing_is_mounted_loses_nothing(
    library: Library, documents: Path, tmp_path: Path
) -> None:
    away = documents.rename(tmp_path / "away")
    documents.mkdir()
    library.update()
    assert titles(library, "Larvik") == ["Colin Archer"]
    (problem,) = library.problems()
    assert problem.reason == "is empty; what was in it is kept"
    documents.rmdir()
    away.rename(documents)
    assert library.update().unchanged == 2
    assert library.problems() == ()


def test_links_are_not_followed(library: Library, documents: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("Outside lies Timbuktu.")
    (documents / "link.txt").symlink_to(outside)
    library.update()
    assert titles(library, "Timbuktu") == []


def test_documents_of_the_same_name_are_both_there(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "archer.txt").write_text("Another Archer\n\nRoger Archer shot arrows.")
    library.add([other])
    assert titles(library, "arrows") == ["Another Archer"]
    assert titles(library, "Larvik") == ["Colin Archer"]


def test_documents_of_the_same_id_are_all_there(library: Library, documents: Path) -> None:
    (documents / "same.jsonl").write_text('{"id": "1", "text": "A twin."}\n' * 3)
    library.update()
    assert len({hit.passage.document for hit in library.search("twin")}) == 3


def test_half_a_character_is_replaced(library: Library, documents: Path) -> None:
    (documents / "half.jsonl").write_text('{"id": "\\ud800", "text": "Half \\udfff zebra."}')
    library.update()
    assert [hit.passage.text for hit in library.search("zebra")] == ["Half ? zebra."]


def test_a_source_that_is_away_is_a_problem_until_it_is_back(
    library: Library, documents: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("Another place.")
    library.add([tmp_path / "other.txt"])
    away = documents.rename(tmp_path / "away")
    library.update()
    assert [problem.file for problem in library.problems()] == [str(documents)]
    away.rename(documents)
    library.update()
    assert library.problems() == ()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_utf8_is_a_problem(library: Library, documents: Path) -> None:
    with open(os.fsencode(documents) + b"/\xff.txt", "w") as file:  # noqa: PTH123
        file.write("Unnamed.")
    assert [Path(problem.file).name for problem in library.update().problems] == ["\\udcff.txt"]
    assert [Path(problem.file).name for problem in library.problems()] == ["\\udcff.txt"]
    assert library.statistics().problems == 1
    with pytest.raises(LibraryError, match="no UTF-8"):
        library.add([Path(os.fsdecode(os.fsencode(documents) + b"/\xff.txt"))])
    assert titles(library, "Larvik") == ["Colin Archer"]


def test_a_pipe_among_the_documents_is_not_waited_for(library: Library, documents: Path) -> None:
    os.mkfifo(documents / "pipe.txt")
    assert library.update().unchanged == 2


def test_a_file_that_moves_keeps_its_passages(library: Library, documents: Path) -> None:
    (documents / "boats.jsonl").write_text('{"id": "x", "text": "A yawl."}\n{"text": "A ketch."}\n')
    library.update()
    before = library.search("ketch")[0]
    (documents / "old").mkdir()
    for name in ("archer.txt", "boats.jsonl"):
        (documents / name).rename(documents / "old" / name)
    report = library.update()
    assert (report.moved, report.added, report.removed, report.unchanged) == (2, 0, 0, 1)
    (after,) = library.search("ketch")
    assert before.passage.document == "boats.jsonl:2"
    assert (after.passage.document, after.score) == ("old/boats.jsonl:2", before.score)
    assert after.passage.source == str(documents / "old" / "boats.jsonl")
    assert library.passage(after.passage.id) == after.passage
    assert library.search("yawl")[0].passage.document == "x"
    assert library.search("Larvik")[0].passage.document == "old/archer.txt"
    assert library.update().unchanged == 3
    assert library.verify().is_sound


def test_of_two_copies_of_a_file_that_moved_both_are_there(
    library: Library, documents: Path
) -> None:
    for name in ("one", "two"):
        (documents / name).mkdir()
        shutil.copy(documents / "archer.txt", documents / name / "archer.txt")
    (documents / "archer.txt").unlink()
    report = library.update()
    assert (report.moved, report.added, report.removed) == (1, 1, 0)
    assert library.document("one/archer.txt")
    assert library.document("two/archer.txt")


def test_a_file_that_moves_onto_another_replaces_it(library: Library, documents: Path) -> None:
    (documents / "old").mkdir()
    (documents / "old" / "archer.txt").write_text("Old\n\nA zebra.")
    library.update()
    (documents / "archer.txt").replace(documents / "old" / "archer.txt")
    library.update()
    assert titles(library, "zebra") == []
    assert [hit.passage.document for hit in library.search("Larvik")] == ["old/archer.txt"]


def test_a_file_in_part_unreadable_is_indexed_and_a_problem(
    library: Library, documents: Path
) -> None:
    (documents / "some.jsonl").write_text('{"id": "1", "text": "A walrus."}\nno JSON\n')
    (problem,) = library.update().problems
    assert "2" in problem.reason
    assert titles(library, "walrus")
    assert library.update().unchanged == 3
    assert library.problems() == (problem,)
    (documents / "some.jsonl").rename(documents / "ships" / "some.jsonl")
    assert library.update().moved == 1
    assert [each.reason for each in library.problems()] == [problem.reason]


def test_other_fields_of_records_are_read_anew(library: Library, documents: Path) -> None:
    (documents / "news.jsonl").write_text(
        '{"text": "Short.", "body": "' + "A walrus. " * 30 + '"}\n'
    )
    library.update()
    assert titles(library, "walrus") == []
    library.add([Source(documents, fields=RecordFields(text=("body",)))])
    assert titles(library, "walrus")


def test_a_crash_in_the_middle_of_a_file_is_mended(
    library: Library, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(
        f'{{"id": "r{n}", "text": "Walrus {n}. {"word " * 40}"}}\n' for n in range(16_000)
    )
    (documents / "many.jsonl").write_text(lines)
    monkeypatch.setattr("edge_agent.index.updating._BATCH", 1)
    commits: list[int] = []

    def crash(index: LexicalIndex, gone: Any, passages: Any) -> None:
        if commits:
            raise KeyboardInterrupt
        commits.append(1)
        replace(index, gone, passages)

    replace = LexicalIndex.replace
    with monkeypatch.context() as patch:
        patch.setattr(LexicalIndex, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            library.update()
    half = library.statistics().documents
    assert 2 < half < 16_002
    (documents / "many.jsonl").unlink()
    report = library.update()
    assert report.documents == 2
    assert titles(library, "walrus") == []
    assert library.verify().is_sound


def test_verification_tells_what_has_changed(library: Library, documents: Path) -> None:
    found = library.verify()
    assert found.is_sound
    assert found.changed == found.missing == ()
    (documents / "archer.txt").write_text("Another text.")
    (documents / "ships" / "fram.md").unlink()
    found = library.verify()
    assert found.is_sound
    assert [Path(path).name for path in found.changed] == ["archer.txt"]
    assert [Path(path).name for path in found.missing] == ["fram.md"]
    shutil.rmtree(library.folder / "lexical")
    damaged = Library(library.folder).verify()
    assert not damaged.is_sound
    assert damaged.not_indexed == 2


def test_documents_that_all_vanish_are_kept(library: Library, documents: Path) -> None:
    shutil.rmtree(documents)
    with pytest.raises(EmptyLibrary, match="keeps what it has"):
        library.update()
    assert titles(library, "Larvik") == ["Colin Archer"]
    (problem,) = library.problems()
    assert problem.reason == "is not there; its documents are kept"


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)


def _overwrite(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"junk")


@pytest.mark.parametrize("damage", [_remove, _overwrite])
def test_a_damaged_index_is_made_anew_from_the_texts(
    library: Library, damage: Callable[[Path], None]
) -> None:
    library.close()
    damage(library.folder / "lexical")
    again = Library(library.folder)
    with pytest.raises(DamagedIndex, match="miro-edge index update library"):
        again.search("Larvik")
    assert again.update().unchanged == 2
    assert titles(again, "Larvik") == ["Colin Archer"]


def test_an_index_of_another_analysis_is_made_anew_by_the_next_update(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def otherwise(passage: Passage) -> dict[str, list[str]]:
        return {
            field: [term[:4] for term in found] for field, found in field_terms(passage).items()
        }

    library = Library(tmp_path / "library")
    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.index.lexical.field_terms", otherwise)
        patch.setattr("edge_agent.index.lexical.EDITION", 0)
        library.add([documents])
        assert library.verify().is_sound
    assert titles(library, "Larvik") == []
    verified = library.verify()
    assert (verified.is_outdated, verified.is_sound, verified.not_indexed) == (True, False, 0)
    assert library.update().unchanged == 2
    assert titles(library, "Larvik") == ["Colin Archer"]
    assert library.verify().is_sound


def test_an_index_that_names_no_analysis_is_searched_until_it_is_made_anew(
    library: Library,
) -> None:
    (made,) = (library.folder / "lexical").glob("*.seg")
    (library.folder / "lexical" / "analysis").unlink()  # as an older version leaves it
    mark = library.content_mark()
    assert titles(library, "Larvik") == ["Colin Archer"]
    assert not library.verify().is_sound
    library.update()
    assert titles(library, "Larvik") == ["Colin Archer"]
    assert (library.verify().is_sound, library.content_mark()) == (True, mark)
    assert not made.exists()


def test_an_interrupted_rebuilding_goes_on_where_it_was(
    library: Library, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.index.updating._REPAIRED_AT_ONCE", 1)
    (library.folder / "lexical" / "analysis").unlink()  # as an older version leaves it
    begun: list[int] = []

    def interrupt(progress: IndexProgress) -> None:
        if progress.doing == "Indexing anew":
            begun.append(progress.done)
            if begun == [0, 1]:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.update(interrupt)
    library.update(interrupt)
    assert begun == [0, 1, 1]
    assert titles(library, "Larvik") == ["Colin Archer"]
    assert titles(library, "Fram") == ["Fram"]
    assert library.verify().is_sound


def test_what_a_draft_has_of_texts_that_are_no_more_goes(library: Library) -> None:
    (library.folder / "lexical" / "analysis").unlink()
    left = LexicalIndex(library.folder / "lexical.draft")
    left.create()
    (hit,) = library.search("Larvik")
    left.replace((), [(1, hit.passage), (99, hit.passage)])
    library.update()
    assert library.verify().is_sound
    assert titles(library, "Larvik") == ["Colin Archer"]


def _kill_between_renamings(library: Library) -> Path:
    """Leave what a kill does just before a new index is in its place; return its segment."""
    shutil.copytree(library.folder / "lexical", library.folder / "lexical.draft")
    (library.folder / "lexical").rename(library.folder / "lexical.draft" / "former")
    (made,) = (library.folder / "lexical.draft").glob("*.seg")
    return library.folder / "lexical" / made.name


def test_an_index_that_a_kill_left_between_its_folders_is_there_when_opened(
    library: Library,
) -> None:
    library.close()
    made = _kill_between_renamings(library)
    with FileLock(library.folder / "write.lock"):  # then it may be in the middle of it
        other = Library(library.folder)
        assert not made.exists()
    with pytest.raises(DamagedIndex):
        other.search("Larvik")
    again = Library(library.folder)
    assert titles(again, "Larvik") == titles(other, "Larvik") == ["Colin Archer"]
    assert made.exists()
    assert not (library.folder / "lexical.draft").exists()
    assert not (library.folder / "lexical" / "former").exists()


def test_an_update_finishes_what_a_kill_left_between_its_folders(library: Library) -> None:
    made = _kill_between_renamings(library)
    library.update()
    assert made.exists()
    assert titles(library, "Larvik") == ["Colin Archer"]


def test_a_crash_between_texts_and_index_is_mended(
    library: Library, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (documents / "twin.txt").write_text("Twin\n\nOf Larvik, Larvik, Larvik.")
    library.update()
    (documents / "twin.txt").unlink()
    (documents / "new.txt").write_text("New\n\nA zebra.")
    with monkeypatch.context() as patch:
        patch.setattr(LexicalIndex, "replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            library.update()
    again = Library(library.folder)
    again.update()
    # What was forgotten takes no place among the results.
    assert [hit.passage.title for hit in again.search("Larvik", limit=1)] == ["Colin Archer"]
    assert titles(again, "zebra") == ["New"]


def test_an_interrupted_update_keeps_the_batches_that_were_committed(
    library: Library, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        (documents / f"{number}.txt").write_text(f"Island {number}\n\nA lighthouse.")
    monkeypatch.setattr("edge_agent.index.updating._BATCH", 1)

    def interrupt(progress: IndexProgress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.update(interrupt)
    assert len(library.search("lighthouse")) == 2
    report = library.update()
    # What was committed stays; a file that was not done is read again.
    assert report.added + report.unchanged == 6
    assert report.unchanged >= 3
    assert len(library.search("lighthouse")) == 4


def test_readers_are_not_blocked_and_see_the_last_whole_update(
    library: Library, documents: Path
) -> None:
    reader = Library(library.folder)
    (documents / "archer.txt").write_text("Colin Archer\n\nHe died in 1921.")
    seen: list[list[str]] = []

    def search(_: IndexProgress) -> None:
        seen.append(titles(reader, "Larvik"))

    library.update(search)
    assert ["Colin Archer"] in seen
    assert titles(reader, "Larvik") == []
    assert titles(reader, "1921") == ["Colin Archer"]


def test_a_second_writer_is_told(library: Library) -> None:
    with (
        FileLock(library.folder / "write.lock"),
        pytest.raises(LibraryBusy, match="Another process"),
    ):
        library.update()


_KILLED = """
import sys
from pathlib import Path
from edge_agent.index import Library, updating
updating._BATCH = 1  # each document is committed by itself
if __name__ == "__main__":
    library, documents = map(Path, sys.argv[1:])
    Library(library).add([documents], lambda progress: print(progress.doing, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("doing", ["Reading files", "Writing the index"])
@pytest.mark.parametrize("times", [30, 90])
def test_a_writer_that_is_killed_leaves_the_last_good_index(
    library: Library, tmp_path: Path, doing: str, times: int
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(400):
        (many / f"{number}.txt").write_text(f"Island {number}\n\nIsland {number} has a lighthouse.")
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)
    with (
        subprocess.Popen(
            [sys.executable, str(script), str(library.folder), str(many)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        ended_within(process),
    ):
        assert process.stdout is not None
        for _ in range(times):
            assert any(line == f"{doing}\n" for line in process.stdout), "it ended by itself"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    again = Library(library.folder)
    assert 2 < again.statistics().documents < 402, "it was not in the middle"
    assert titles(again, "Larvik") == ["Colin Archer"]
    again.add([many])
    assert again.statistics().documents == 402
    assert titles(again, "island 399")[0] == "Island 399"
    assert len(again.search("lighthouse", limit=1000)) == 400
