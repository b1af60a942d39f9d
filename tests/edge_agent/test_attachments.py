"""Files that a question is about: searched in one run alone, and known when it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import call, said
from waiting import ended_within

from edge_agent.attachments import attached, changes, named_files
from edge_agent.errors import AttachmentError
from edge_agent.events import ATTACHED, AttachedFile, RunStarted, from_record, to_record
from edge_agent.index import Collection, sample_folder
from edge_agent.models import Choose, Force, Sample
from edge_agent.runs import RunStore

QUESTION = "Where was the Gjøa built?"
SAMPLE = sample_folder() / "documents"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files lie."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.md"
    path.write_text("# Gjøa\n\nThe Gjøa was built at Rosendal in 1872.\n")
    return path


# The files


def test_files_of_any_format_are_one_library_until_the_end(temporary: Path, notes: Path) -> None:
    paths = [str(notes), str(SAMPLE / "gota-canal.pdf"), str(SAMPLE / "dundee.html")]
    files = named_files([*paths, str(notes)])
    assert [file.path for file in files] == [str(Path(path).resolve()) for path in paths]
    with attached(files, None) as (library,):
        assert library.name == ATTACHED
        assert list(temporary.iterdir())
        found = {
            Path(hit.passage.source).name
            for hit in library.search("Göta canal Dundee Rosendal", 20)
        }
        assert {"notes.md", "gota-canal.pdf", "dundee.html"} <= found
    assert not list(temporary.iterdir())
    with attached((), None) as none:
        assert none == ()


def test_two_files_of_one_name_are_both_read(tmp_path: Path) -> None:
    paths = []
    for word in ("walrus", "narwhal"):
        (tmp_path / word).mkdir()
        paths.append(tmp_path / word / "log.txt")
        paths[-1].write_text(f"A {word} came aboard.\n")
    with attached(named_files(map(str, paths)), None) as (library,):
        for path in paths:
            (hit, *_) = library.search(path.parent.name)
            assert hit.passage.source == str(path)


def test_all_that_is_no_file_is_named_at_once(tmp_path: Path, notes: Path) -> None:
    wrong = [str(tmp_path), str(tmp_path / "gone.pdf"), "/dev/null"]
    with pytest.raises(AttachmentError) as refused:
        named_files([str(notes), *wrong])
    message = str(refused.value)
    assert f"{tmp_path} is a folder; to search all of it: -l '{tmp_path}'" in message
    assert "gone.pdf is not there" in message
    assert "/dev/null is neither a folder nor a regular file" in message
    assert "notes.md" not in message


def test_a_file_in_a_closed_folder_is_not_called_gone(
    notes: Path, close: Callable[[Path], None]
) -> None:
    close(notes.parent)
    with pytest.raises(AttachmentError, match=r"notes\.md cannot be looked at: Permission denied"):
        named_files([str(notes)])


def test_links_in_a_circle_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to(tmp_path / "b.md")
    (tmp_path / "b.md").symlink_to(tmp_path / "a.md")
    with pytest.raises(AttachmentError, match=r"a\.md cannot be looked at"):
        named_files([str(tmp_path / "a.md")])


def test_all_that_cannot_be_read_is_named_at_once(
    tmp_path: Path, notes: Path, temporary: Path
) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    (tmp_path / "empty.txt").write_text("")
    for first in ([str(notes)], []):
        paths = [*first, str(tmp_path / "broken.pdf"), str(tmp_path / "empty.txt")]
        with (
            pytest.raises(AttachmentError, match=r"broken\.pdf .*; .*empty\.txt ") as refused,
            attached(named_files(paths), None),
        ):
            pass
        assert "notes.md" not in str(refused.value)
    assert not list(temporary.iterdir())


def test_a_file_that_has_changed_is_known(notes: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("The same.")
    before = named_files([str(notes), str(other)])
    notes.write_text("Something else.")
    (change,) = changes(before, named_files(file.path for file in before))
    assert change.startswith(f"{notes} has changed since the run began")


def test_what_a_run_was_asked_about_survives_its_store() -> None:
    started = RunStarted("r", "Q?", "m", ATTACHED, "edge", 0, 3, files=(AttachedFile("/a", "00"),))
    assert from_record(json.loads(json.dumps(to_record(started)))) == started


# Where the program is ended

_WAITING = """
import signal
import sys
from edge_agent.attachments import named_files
from edge_agent.cli.libraries import open_searched
from edge_agent.home import Home

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have ignored it
files = named_files(sys.argv[1:])
with open_searched((), files, Home.from_environment(), quiet=True, offline=True):
    print("attached", flush=True)
    sys.stdin.read()
"""


@contextmanager
def waiting(notes: Path, temporary: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that has attached a file, and waits."""
    variables = {**os.environ, "TMPDIR": str(temporary), "MIRO_EDGE_HOME": str(home)}
    command = [sys.executable, "-c", _WAITING, str(notes)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, env=variables, text=True, stdin=pipe, stdout=pipe) as process,
        ended_within(process),
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "attached\n"
        assert list(temporary.iterdir())
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_by_a_program_that_is_asked_to_end(
    notes: Path, temporary: Path, home: Path, number: signal.Signals
) -> None:
    with waiting(notes, temporary, home) as process:
        process.send_signal(number)
        assert process.wait() == 128 + number
    assert not list(temporary.iterdir())


def test_what_is_left_by_a_program_that_was_killed_goes_with_the_next(
    notes: Path, temporary: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = named_files([str(notes)])
    with waiting(notes, temporary, home) as process:
        (folder,) = temporary.iterdir()
        with attached(files, None):  # it is in use
            assert len(list(temporary.iterdir())) == 2
        process.kill()
        process.wait()
    with monkeypatch.context() as patched:
        patched.setattr("edge_agent.temporary.os.getuid", lambda: -1)
        with attached(files, None):  # it is somebody else's
            pass
    assert list(temporary.iterdir()) == [folder]
    with attached(files, None):
        assert not folder.exists()


# From the command line


@pytest.fixture
def asking(
    home: Path, smollm2: Path, scripted_session: type[Any], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """What `ask` is called with; what is to be quoted is known to the model, whatever its file."""

    class Knowing(scripted_session):  # type: ignore[misc]
        def write(self, step: Force | Choose | Sample, seed: int) -> str:
            if isinstance(step, Force):
                return step.text
            if isinstance(step, Sample):
                return "Rosendal}"
            options = step.options
            wanted = ("built at Rosendal", "I have what I need.", "Nothing here helps.", "")
            first = next(part for part in wanted if any(part in option for option in options))
            return next(option for option in options if first in option)

    @contextmanager
    def opened(*_: Any) -> Iterator[Any]:
        yield Knowing()

    monkeypatch.setattr("edge_agent.cli.agent_setup.open_session", opened)
    return ["ask", "--offline", "-m", str(smollm2), "--profile", "edge", "--json"]


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    with closing(RunStore(home / "runs.db")) as store:
        yield store


def test_only_the_file_is_searched_where_no_library_is_named(
    asking: list[str], notes: Path, store: RunStore, temporary: Path
) -> None:
    result = call(*asking, "--file", str(notes), QUESTION)
    assert result.exit_code == 0, said(result)
    record = json.loads(result.stdout)
    assert (record["answer"], record["library"]) == ("Rosendal", ATTACHED)
    (citation,) = record["citations"]
    assert (citation["library"], citation["source"]) == (ATTACHED, str(notes))
    assert not list(temporary.iterdir())
    started = store.events(record["run"])[0]
    assert isinstance(started, RunStarted)
    assert (started.libraries, started.files) == ((), named_files([str(notes)]))


def test_a_library_that_is_named_is_searched_beside_it(
    asking: list[str], notes: Path, tmp_path: Path, home: Path
) -> None:
    (tmp_path / "ships").mkdir()
    (tmp_path / "ships" / "fram.md").write_text("# Fram\n\nThe Fram was built at Larvik.\n")
    both = ["--file", str(notes), QUESTION]
    named = json.loads(call(*asking, "-l", str(tmp_path / "ships"), *both).stdout)["library"]
    assert named.startswith(f"{ATTACHED}+ships-")
    call("config", "set", "ask.libraries", str(tmp_path / "ships"))
    assert json.loads(call(*asking, *both).stdout)["library"] == named


def test_files_that_cannot_be_searched_are_told_before_a_model_is_loaded(
    home: Path, smollm2: Path, tmp_path: Path, notes: Path, store: RunStore
) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    asked = ["ask", "--offline", "-m", str(smollm2), "--file", str(tmp_path / "broken.pdf")]
    result = call(*asked, "--file", str(notes), QUESTION)
    assert result.exit_code == 1
    assert "broken.pdf" in said(result)
    assert result.stdout == ""
    assert "is not there" in said(call(*asked, "--file", "gone.pdf", QUESTION))
    assert store.list() == ()


def test_a_fork_searches_the_file_again_and_says_what_became_of_it(
    asking: list[str], notes: Path, store: RunStore
) -> None:
    run = json.loads(call(*asking, "--file", str(notes), QUESTION).stdout)["run"]
    fork = ["runs", "fork", run, "--at", "1", "--offline"]
    again = call(*fork, "--json")
    assert again.exit_code == 0, said(again)
    assert "has changed" not in said(again)
    notes.write_text("# Gjøa\n\nThe Gjøa was built at Rosendal, we think.\n")
    changed = call(*fork)
    assert f"{notes} has changed since the run began" in said(changed)
    assert changed.exit_code == 0
    notes.unlink()
    gone = call(*fork)
    assert gone.exit_code == 1
    assert f"{notes} is not there" in said(gone)


@pytest.mark.slow
def test_a_real_model_answers_from_a_pdf(home: Path, smollm2: Path, temporary: Path) -> None:
    options = ["--profile", "edge", "--max-calls", "1", "--offline", "--json"]
    path = str(SAMPLE / "gjoa.pdf")
    result = call("ask", "-m", str(smollm2), "--file", path, *options, "Who sailed the Gjøa?")
    assert result.exit_code in (0, 3), said(result)
    record = json.loads(result.stdout)
    assert (record["library"], record["calls"]) == (ATTACHED, 1)
    assert not list(temporary.iterdir())


def test_a_collection_searches_files_and_libraries_as_one(ships: Collection, notes: Path) -> None:
    with attached(named_files([str(notes)]), None) as libraries:
        both = Collection([*libraries, *ships.libraries])
        assert both.name == f"{ATTACHED}+ships"
        assert {name for name, _ in both.search("Gjøa Rosendal", 4)} == {ATTACHED, "ships"}
