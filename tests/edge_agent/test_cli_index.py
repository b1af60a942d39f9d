"""`miro-edge index` as people and scripts call it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commands
import pytest
from click.testing import Result
from filelock import FileLock

from edge_agent.models import InstalledModel, ModelStore


def call(*arguments: object) -> Result:
    return commands.call("index", *arguments)


def record(*arguments: str) -> Any:
    return json.loads(call(*arguments, "--json").stdout)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "fram.md").write_text("# Fram\n\n## Design\n\nDesigned by Colin Archer.")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7")
    return folder


def test_from_adding_to_removing(home: Path, documents: Path) -> None:
    added = record("add", "ships", str(documents))
    assert (added["added"], added["unread"], added["documents"], len(added["problems"])) == (
        1,
        1,
        1,
        1,
    )
    (found,) = record("search", "ships", "designer")["results"]
    assert found.keys() == {
        *("passage", "document", "title", "source", "place", "score", "text"),
    }
    assert (found["document"], found["place"]) == ("fram.md", "§ Design")
    assert record("show", "ships", found["passage"])["text"] == "Designed by Colin Archer."
    assert record("stats", "ships")["passages"] == 1
    assert "bad.pdf" in call("problems", "ships").stdout
    (documents / "gjoa.md").write_text("# Gjøa\n\nA boat.")
    assert record("update", "ships")["added"] == 1
    assert [one["name"] for one in record("list")["libraries"]] == ["ships"]
    assert call("remove", "ships", "--yes").exit_code == 0
    assert record("list")["libraries"] == []


def test_nothing_found_has_its_own_exit_code(home: Path, documents: Path) -> None:
    call("add", "ships", str(documents))
    assert call("search", "ships", "zeppelin").exit_code == 3


@pytest.mark.parametrize("verb", ["list", "stats ships", "problems ships", "remove ships --yes"])
def test_a_damaged_embedder_is_told_and_no_more(
    verb: str, home: Path, documents: Path, model_store: ModelStore, embedder_model: InstalledModel
) -> None:
    call("add", "ships", str(documents))
    folder = home / "models" / embedder_model.name
    shutil.copytree(model_store.root / embedder_model.name, folder)
    with (folder / embedder_model.path.name).open("ab") as file:
        file.write(b"damage")
    result = call(*verb.split())
    assert result.exit_code == 0
    assert f"miro-edge models verify {embedder_model.name}" in result.stderr


@pytest.mark.parametrize(("verb", "code"), [("search", 3), ("show", 1)])
def test_what_is_asked_for_need_not_be_utf8(
    verb: str, code: int, home: Path, documents: Path
) -> None:
    call("add", "ships", str(documents))
    result = call(verb, "ships", "caf\udce9")
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("verb", ["update", "stats", "problems", "verify"])
def test_the_sample_library_is_there_without_being_made(verb: str, home: Path) -> None:
    assert call(verb, "sample").exit_code == 0


@pytest.mark.parametrize("verb", ["update", "stats", "problems"])
def test_an_unknown_library_is_one_sentence(verb: str, home: Path) -> None:
    result = call(verb, "nowhere")
    assert result.exit_code == 1
    assert "There is no library 'nowhere'" in result.stderr


def test_a_path_that_is_not_there(home: Path) -> None:
    result = call("add", "ships", "/no/such/folder")
    assert result.exit_code == 1
    assert "/no/such/folder" in result.stderr


def test_a_broken_library_does_not_hide_the_others(home: Path, documents: Path) -> None:
    call("add", "ships", str(documents))
    broken = home / "libraries" / "broken"
    broken.mkdir()
    (broken / "library.db").write_bytes(b"no database" * 500)
    listed = call("list")
    assert listed.exit_code == 0
    assert "ships" in listed.stdout
    assert "miro-edge index remove broken" in listed.stderr
    assert [each["name"] for each in record("list")["libraries"]] == ["ships", "broken"]


def test_names_are_whole_in_a_narrow_terminal(
    home: Path, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "letters-and-diaries-of-polar-explorers"
    call("add", name, str(documents))
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal has it
    monkeypatch.setenv("COLUMNS", "80")
    listed = call("list").stdout
    assert f" {name} " in listed
    sources = "".join(line.split()[-1] for line in listed.splitlines() if line[-20:].strip())
    assert str(documents) in sources  # folded, not cut


def test_many_problems_are_not_all_told(home: Path, documents: Path) -> None:
    for number in range(30):
        (documents / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0" * 99)
    added = call("add", "ships", str(documents))
    assert added.stderr.count("is not text") <= 10
    assert "and 21 more: miro-edge index problems ships" in added.stderr
    assert call("problems", "ships").stdout.count("is not text") == 30


def test_control_codes_in_documents_never_reach_the_terminal(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.txt"
    path.write_text("Evil \x1b[2J\u202e title\n\nBeep \x07 \x9b31m red.")
    call("add", "evil", str(path))
    shown = call("search", "evil", "beep red").stdout
    assert "Beep" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)


def test_files_are_chosen_and_records_read_by_their_fields(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    (folder / "drafts").mkdir(parents=True)
    (folder / "drafts" / "a.md").write_text("A walrus.")
    (folder / "b.txt").write_text("A walrus.")
    (folder / "news.jsonl").write_text('{"nr": 7, "headline": "Sea news", "body": "A walrus."}\n')
    chosen = ["--include", "*.jsonl", "--include", "*.md", "--exclude", "drafts/"]
    fields = ["--id-field", "nr", "--title-field", "headline", "--text-field", "body"]
    assert record("add", "news", str(folder), *chosen, *fields)["added"] == 1
    (found,) = record("search", "news", "walrus")["results"]
    assert (found["document"], found["title"], found["text"]) == ("7", "Sea news", "A walrus.")


def test_a_pattern_that_is_none_is_one_sentence(home: Path, documents: Path) -> None:
    result = call("add", "ships", str(documents), "--include", "!")
    assert result.exit_code == 1
    assert "is no pattern" in result.stderr
    assert record("list")["libraries"] == []


def test_doctor_says_of_a_source_that_it_is_closed_or_gone(
    home: Path, documents: Path, tmp_path: Path, close: Callable[[Path], None]
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("A walrus.")
    call("add", "ships", str(documents), str(other))
    other.unlink()
    close(documents)
    (library,) = json.loads(commands.call("doctor", "--json").stdout)["libraries"]
    assert f"{documents} cannot be looked at: Permission denied" in library["problem"]
    assert f"{other} is not there" in library["problem"]


def test_a_source_is_taken_out_again(home: Path, documents: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("A walrus.")
    call("add", "ships", str(documents), str(other))
    assert call("remove", "ships", str(other), "--yes").exit_code == 0
    assert call("search", "ships", "walrus").exit_code == 3
    assert call("search", "ships", "designer").exit_code == 0
    refused = call("remove", "ships", str(other), "--yes")
    assert f"{other} was not added to the library 'ships'" in refused.stderr
    assert f"Added were: {documents}." in refused.stderr
    assert record("remove", "ships", "--yes") == {"removed": "ships"}


def test_a_part_of_a_source_is_not_taken_out_but_can_be_left_out(
    home: Path, documents: Path
) -> None:
    old = documents / "old"
    old.mkdir()
    (old / "walrus.txt").write_text("A walrus.")
    call("add", "ships", str(documents))
    refused = call("remove", "ships", str(old), "--yes")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"It is a part of {documents}: leave it out with a file" in refused.stderr
    assert call("search", "ships", "walrus").exit_code == 0
    (documents / ".miro-edge-ignore").write_text("/old/\n")
    assert record("update", "ships")["removed"] == 1
    assert call("search", "ships", "walrus").exit_code == 3


def test_a_library_that_is_being_written_can_be_searched(home: Path, documents: Path) -> None:
    assert call("search", str(documents), "designer").exit_code == 0
    (folder,) = (home / "libraries").iterdir()
    with FileLock(folder / "write.lock"):
        found = call("search", str(documents), "designer")
    assert "Designed by Colin Archer." in found.stdout
    assert found.stderr.startswith(
        f"Another process is writing or checking the library '{folder.name}'"
    )


def test_verification_is_told_and_has_an_exit_code(home: Path, documents: Path) -> None:
    call("add", "ships", str(documents))
    assert record("verify", "ships")["sound"]
    assert "sound" in call("verify", "ships").stdout
    (documents / "fram.md").write_text("Something else.")
    assert "fram.md has changed" in call("verify", "ships").stdout
    (home / "libraries/ships/lexical/analysis").unlink()  # as an older version leaves it
    outdated = call("verify", "ships")
    assert outdated.exit_code == 1
    assert "another version made the search index; an update makes it anew" in outdated.stdout
    assert "lacks" not in outdated.stdout
    shutil.rmtree(home / "libraries" / "ships" / "lexical")
    damaged = call("verify", "ships")
    assert damaged.exit_code == 1
    assert "lacks 1 passages" in damaged.stdout
    assert "miro-edge index update ships" in damaged.stdout
    assert call("update", "ships").exit_code == 0
    assert record("verify", "ships")["sound"]


def test_what_was_meant_is_asked(home: Path, documents: Path) -> None:
    call("add", "ships", str(documents))
    result = call("search", "ships", "desinged")
    assert result.exit_code == 3
    assert "Did you mean: Designed" in result.stdout
    assert record("search", "ships", "desinged")["suggestion"] == "Designed"


def test_everything_is_embedded_on_request(
    home: Path, tmp_path: Path, model_store: ModelStore, embedder_model: InstalledModel
) -> None:
    home.mkdir()
    (home / "models").symlink_to(model_store.root, target_is_directory=True)
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "puppy.txt").write_text("Puppy\n\nA puppy plays on the grass.")
    (folder / "rates.txt").write_text("Rates\n\nThe bank raised interest.")
    record("add", "texts", str(folder), "--embed")
    assert record("stats", "texts")["embedded"] == 2
    found = record("search", "texts", "young dogs outdoors", "--by", "meaning")["results"]
    assert [each["title"] for each in found] == ["Puppy", "Rates"]
    assert call("search", "texts", "young dogs outdoors", "--by", "words").exit_code == 3


def test_what_could_not_be_read_is_not_counted_as_added(home: Path, documents: Path) -> None:
    told = call("add", "ships", documents).stdout
    assert "1 files added, 0 changed" in told
    assert "0 unchanged, 1 could not be read; 1 documents" in told
    (documents / "other.pdf").write_bytes(b"%PDF-1.4 broken, too")
    report = record("update", "ships")
    assert (report["added"], report["unread"], report["unchanged"]) == (0, 1, 2)


def test_of_documents_that_are_away_it_is_said_how_they_are_brought_back_or_taken_out(
    home: Path, documents: Path
) -> None:
    (documents.parent / "more").mkdir()
    (documents.parent / "more" / "gjoa.md").write_text("# Gjøa\n\nA herring boat.")
    call("add", "ships", documents, documents.parent / "more")
    documents.rename(documents.with_name("away"))
    told = call("verify", "ships").stdout
    assert f"{documents} is away or empty" in told
    assert f"miro-edge index remove ships {documents}" in told
    assert "miro-edge index update" not in told
    assert call("remove", "--yes", "ships", documents).exit_code == 0
    assert "is sound, and up to date" in call("verify", "ships").stdout
