"""Libraries: what was added is found, and read again."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

import pytest
import sqlite_utils
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searching import titles

from edge_agent.index import (
    EmptyLibrary,
    IndexProgress,
    Library,
    LibraryBusy,
    LibraryError,
    RecordFields,
    Source,
    UnknownPassage,
)


def test_what_was_added_is_found_by_stem_and_title(library: Library) -> None:
    assert titles(library, "designer of the fram") == ["Fram"]
    assert titles(library, "Larvik")[0] == "Colin Archer"
    (hit,) = library.search("Fram")
    assert hit.passage.document == "ships/fram.md"
    assert library.passage(hit.passage.id) == hit.passage
    assert library.document("ships/fram.md") == (hit.passage,)


def test_what_was_seen_is_passed_over(library: Library) -> None:
    everything = library.search("Colin Archer")
    assert len(everything) == 2
    rest = library.search("Colin Archer", limit=1, exclude={everything[0].passage.id})
    assert rest == everything[1:]


@pytest.mark.parametrize("name", ["archer.txt", "Colin Archer", "colin archer"])
def test_a_document_is_found_by_its_id_or_title(library: Library, name: str) -> None:
    assert library.find_document(name) == "archer.txt"
    assert library.find_document(f"{name}?") is None


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_id_may_be_spelled_as_on_a_mac_or_as_elsewhere(
    form: Literal["NFC", "NFD"], tmp_path: Path
) -> None:
    file = tmp_path / normalize(form, "Évora.md")
    file.write_text("# A town\n\nThe town has a temple.")
    with closing(Library(tmp_path / "library")) as library:
        library.add([file])
        for name in (normalize("NFC", file.name), normalize("NFD", file.name)):
            assert library.find_document(name) == file.name
            assert library.passage(f"{name}#1").document == file.name


def test_a_title_may_have_its_accents_in_either_way(tmp_path: Path) -> None:
    apart = normalize("NFD", "Émile Évora")
    (tmp_path / "a.md").write_text(f"# {apart}\n\nA writer.")
    library = Library(tmp_path / "library")
    library.add([tmp_path / "a.md"])
    assert library.document("a.md")[0].title == normalize("NFC", apart)
    database = sqlite_utils.Database(library.folder / "library.db")
    for stored in (normalize("NFC", apart), apart):  # as older versions have stored it
        database.execute("update documents set title = ?", [stored])
        for name in ("émile évora", apart, apart.upper()):
            assert (library.named(name), library.find_document(name)) == (("a.md",), "a.md")


def test_documents_are_known_by_name(tmp_path: Path) -> None:
    titles = ("Mercury", "Mercury (planet)", "Mercury (god) (Roman)", "Mercury ship", "Mercury(x)")
    for number, title in enumerate(titles):
        (tmp_path / f"{number}.md").write_text(f"# {title}\n\nSomething that is called so.")
    library = Library(tmp_path / "library")
    library.add([tmp_path])
    assert library.named("mercury") == ("0.md", "1.md", "2.md")
    assert library.named("Mercury (planet)") == ("1.md",)
    (tmp_path / "zola.md").write_text("# Émile Zola\n\nA writer.")
    (tmp_path / "ärz.md").write_text("# ÉCOLE (Paris)\n\nA school.")
    library.update()
    for name in ("Émile Zola", "émile zola", "ÉMILE ZOLA"):
        assert (library.named(name), library.find_document(name)) == (("zola.md",), "zola.md")
    assert library.named("école") == ("ärz.md",)
    for slip in ("", "Merc", "Mercury (", "%", "mercury_ship"):
        assert library.named(slip) == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=80) | st.text(alphabet='"()*:^~[]{}ANDORNT +-fram', max_size=60))
def test_any_string_is_a_query(library: Library, query: str) -> None:
    assert all(hit.score > 0 for hit in library.search(query))


@pytest.mark.parametrize("phrase", ["White House", "this old book", "University of Oslo"])
def test_a_phrase_comes_first_whatever_its_words(tmp_path: Path, phrase: str) -> None:
    texts = [
        f"{' '.join(reversed(phrase.split()))}, {phrase.split(maxsplit=1)[0]}." for _ in range(60)
    ]
    texts.insert(30, f"Long ago somebody wrote of {phrase}, and of much else in many words.")
    lines = (json.dumps({"text": text}) for text in texts)
    (tmp_path / "notes.jsonl").write_text("\n".join(lines))
    with closing(Library(tmp_path / "library")) as library:
        library.add([tmp_path / "notes.jsonl"])
        assert library.search(f'"{phrase}"', 5)[0].passage.document == "notes.jsonl:31"
        assert library.search(f'"{phrase}"', 1)[0].score > library.search(phrase, 1)[0].score


def test_many_records_of_one_id_are_stored_in_few_steps(tmp_path: Path) -> None:
    rows = "".join(f"7,OK,{number}\n" for number in range(300))
    (tmp_path / "log.csv").write_text(f"id,title,text\n{rows}")
    asked: list[str] = []
    with closing(Library(tmp_path / "library")) as library:
        library._database.conn.set_trace_callback(asked.append)
        library.add([tmp_path / "log.csv"])
        assert library.statistics().documents == 300
    assert sum(each.startswith("select 1 from documents where id") for each in asked) < 1000


def test_a_source_that_cannot_be_looked_at_is_a_problem_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "away"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note.txt").write_text(f"A note from {name}.")
    looked_at = Path.stat

    def stat(path: Path, **options: Any) -> os.stat_result:
        if path.is_relative_to(tmp_path / "away"):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return looked_at(path, **options)

    with closing(Library(tmp_path / "library")) as library:
        library.add([tmp_path / "here", tmp_path / "away"])
        (tmp_path / "here" / "new.txt").write_text("A new one.")
        monkeypatch.setattr(Path, "stat", stat)
        library.update()
        (problem,) = library.problems()
        assert "cannot be looked at: Transport endpoint" in problem.reason
        assert library.statistics().documents == 3


def test_a_passage_that_is_not_there_has_a_name(library: Library) -> None:
    with pytest.raises(UnknownPassage, match="nowhere#1"):
        library.passage("nowhere#1")


def test_a_library_of_an_older_version_can_be_opened_by_many_at_once(library: Library) -> None:
    database = sqlite_utils.Database(library.folder / "library.db")
    database.table("unreachable").drop()
    database.table("_sqlite_migrations").delete_where("name = 'remember_unreachable'")
    database.close()

    def opened(_: int) -> list[str]:
        with closing(Library(library.folder)) as again:
            return titles(again, "Larvik")

    with ThreadPoolExecutor(6) as threads:
        assert [*threads.map(opened, range(6))] == [["Colin Archer"]] * 6


def test_a_new_library_takes_no_indexes_of_another_one_for_its_own(
    library: Library, tmp_path: Path
) -> None:
    (library.folder / "dense").mkdir()
    (library.folder / "dense" / "minilm.npy").write_bytes(bytes(8))
    (library.folder / "lexical.draft").mkdir()
    library.close()
    (library.folder / "library.db").unlink()  # as a removal that was killed left it once
    (tmp_path / "gjoa.txt").write_text("Gjøa\n\nA herring boat.")
    with closing(Library(library.folder)) as again:
        assert not (library.folder / "dense").exists()
        assert not [*library.folder.glob("lexical*")]
        again.add([tmp_path / "gjoa.txt"])
        assert titles(again, "herring Larvik") == ["Gjøa"]


def test_a_column_of_a_newer_version_is_in_nobodys_way(library: Library, documents: Path) -> None:
    with closing(sqlite_utils.Database(library.folder / "library.db")) as database:
        for table in ("sources", "files", "documents", "passages"):
            database.table(table).add_column("newer", str)
    (documents / "gjoa.txt").write_text("Gjøa\n\nA herring boat.")
    with closing(Library(library.folder)) as again:
        again.update()
        assert titles(again, "herring") == ["Gjøa"]
        assert len(again.document("archer.txt")) == 1


def test_a_library_that_was_made_anew_is_not_searched_with_what_was_read_before(
    library: Library, documents: Path
) -> None:
    other = documents.with_name("bridges")
    other.mkdir()
    (other / "tay.txt").write_text("Tay\n\nA bridge for trains.")
    shutil.rmtree(library.folder)
    for use in (lambda: library.search("trains"), library.update):
        with pytest.raises(LibraryError, match="removed or made anew since it was opened"):
            use()
    with closing(Library(library.folder)) as anew:
        anew.add([other])
        assert titles(anew, "trains") == ["Tay"]
        with pytest.raises(LibraryError, match="removed or made anew since it was opened"):
            library.search("trains")


def test_files_that_go_while_they_are_counted_are_not_missed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, walk = library.statistics(), os.walk

    def walked(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for place, folders, names in walk(folder):
            yield place, folders, [*names, "gone.tmp"]

    monkeypatch.setattr("edge_agent.index.files.os.walk", walked)
    assert library.statistics() == before


def test_nothing_is_verified_while_another_process_writes(library: Library) -> None:
    with FileLock(library.folder / "write.lock"), pytest.raises(LibraryBusy):
        library.verify()
    assert library.verify().is_sound


@pytest.mark.parametrize(
    ("error", "is_damage"),
    [
        (sqlite3.DatabaseError("database disk image is malformed"), True),
        (sqlite3.OperationalError("disk I/O error"), False),
        (OSError(errno.EROFS, "Read-only file system"), False),
    ],
)
def test_only_of_a_damaged_library_it_is_said_to_remove_it(
    library: Library, error: Exception, is_damage: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> int:
        raise error

    monkeypatch.setattr("edge_agent.index.library.bytes_below", broken)
    with pytest.raises(LibraryError) as told:
        library.statistics()
    assert ("miro-edge index remove" in str(told.value)) is is_damage


@pytest.mark.parametrize(
    "wanted",
    [
        {"fields": RecordFields(text=("boddy",))},
        {"include": ("*.txt",)},
        {"exclude": ("*",)},
    ],
)
def test_what_is_mistyped_empties_no_library(wanted: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "news" / "articles.jsonl"
    file.parent.mkdir()
    file.write_text('{"headline": "Iron", "body": "An iron bridge."}\n')
    fields = RecordFields(title="headline", text=("body",))
    with closing(Library(tmp_path / "library")) as library:
        library.add([Source(file.parent, fields=fields)])
        with pytest.raises(EmptyLibrary, match="What the library had before, it has still"):
            library.add([Source(file.parent, **wanted)])
        assert titles(library, "bridge") == ["Iron"]
        assert library.sources == (Source(file.parent, fields=fields),)
        assert library.update().unchanged == 1
        assert library.verify().is_sound


def test_progress_tells_of_the_passages_that_are_written(library: Library) -> None:
    shutil.rmtree(library.folder)
    told: list[IndexProgress] = []
    with closing(Library(library.folder)) as anew:
        anew.add([library.folder.with_name("documents")], told.append)
        written = [each.passages for each in told if each.doing == "Writing the index"]
        assert written == [anew.statistics().passages]


def test_folders_that_are_made_are_private_all_of_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Library(tmp_path / "shelf" / "ships").close()
    finally:
        os.umask(before)
    for folder in ("shelf", "shelf/ships"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_what_is_away_when_something_is_added_stays_as_it_was_read(
    library: Library, documents: Path
) -> None:
    before = library.content_mark()
    documents.rename(documents.with_name("unplugged"))
    with pytest.raises(EmptyLibrary, match="keeps what it has"):
        library.add([documents])
    assert library.content_mark() == before
    documents.with_name("unplugged").rename(documents)
    assert library.update().unchanged == 2


def test_a_folder_that_never_held_anything_is_not_away(library: Library, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    library.add([tmp_path / "inbox"])
    assert library.away() == ()
