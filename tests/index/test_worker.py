"""Reading in processes of their own: whatever a file does, the others are read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from waiting import ended_within

from edge_agent.index.worker import DocumentsRead, FileRead, ReaderPool, ReadingTask


@pytest.fixture
def files(tmp_path: Path) -> list[ReadingTask]:
    tasks = []
    for number in range(20):
        path = tmp_path / f"{number:02}.txt"
        path.write_text(f"Text {number}\n\nBody.")
        tasks.append(ReadingTask(path, path.name))
    return tasks


def test_every_file_ends_once_whoever_reads_it(files: list[ReadingTask]) -> None:
    with ReaderPool(2) as pool:
        readings = list(pool.read(files))
        again = list(pool.read(files[:3]))
    ends = [each.task.name for each in readings if isinstance(each, FileRead)]
    assert sorted(ends) == [task.name for task in files]
    found = [
        d.title for each in readings if isinstance(each, DocumentsRead) for d in each.documents
    ]
    assert sorted(found) == sorted(f"Text {number}" for number in range(20))
    assert sum(isinstance(each, FileRead) for each in again) == 3


def test_what_is_known_is_not_read(files: list[ReadingTask]) -> None:
    with ReaderPool(1) as pool:
        (_, end) = pool.read(files[:1])
        assert isinstance(end, FileRead)
        known = ReadingTask(files[0].path, files[0].name, known=frozenset({end.digest}))
        (only,) = pool.read([known])
    assert isinstance(only, FileRead)
    assert only.known


def test_a_file_that_stalls_its_reader_costs_only_itself(
    files: list[ReadingTask], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    tasks = [files[0], ReadingTask(pipe, "pipe.txt"), *files[1:4]]
    with ReaderPool(2, seconds=4) as pool:
        ends = {
            each.task.name: each.problem for each in pool.read(tasks) if isinstance(each, FileRead)
        }
    assert ends.pop("pipe.txt") == "took longer than 4 seconds to read"
    assert set(ends.values()) == {None}


def test_a_reader_that_is_killed_is_replaced(files: list[ReadingTask]) -> None:
    with ReaderPool(1) as pool:
        readings = pool.read(files)
        next(readings)
        (worker,) = pool._workers
        os.kill(worker._process.pid or 0, signal.SIGKILL)
        time.sleep(0.2)
        ends = [each for each in readings if isinstance(each, FileRead)]
    assert len(ends) == 20
    assert sum(each.problem is not None for each in ends) <= 1


def killed(pool: ReaderPool) -> None:
    """Kill the one process of a pool, as soon as it is there."""
    while not pool._workers:
        time.sleep(0.01)
    os.kill(pool._workers[0]._process.pid or 0, signal.SIGKILL)


def test_a_file_whose_reader_was_killed_is_tried_once_more(files: list[ReadingTask]) -> None:
    with ReaderPool(1) as pool:
        killer = threading.Thread(target=killed, args=(pool,))
        killer.start()
        read = list(pool.read(files[:2]))
        killer.join()
    assert [each.problem for each in read if isinstance(each, FileRead)] == [None, None]
    assert sum(isinstance(each, DocumentsRead) for each in read) == 2


def test_a_file_that_kills_each_reader_is_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)  # whoever reads it is there to be killed
    with ReaderPool(1) as pool:

        def kill_two() -> None:
            killed(pool)
            first = pool._workers[0]
            while pool._workers in ([], [first]):
                time.sleep(0.01)
            killed(pool)

        killer = threading.Thread(target=kill_two)
        killer.start()
        (end,) = pool.read([ReadingTask(pipe, "pipe.txt")])
        killer.join()
    assert isinstance(end, FileRead)
    assert end.problem == "ended the reader: too large, or broken"


def test_a_file_that_takes_too_much_memory_costs_only_itself(
    files: list[ReadingTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    with ReaderPool(1) as pool:
        monkeypatch.setattr("edge_agent.index.worker._MEMORY", 1)  # here, and not in the reader
        (end,) = pool.read([ReadingTask(pipe, "pipe.txt")])
        monkeypatch.undo()
        (_, other) = pool.read(files[:1])
    assert isinstance(end, FileRead)
    assert end.problem == "needs more memory than one file may take"
    assert isinstance(other, FileRead)
    assert other.problem is None


_LIMITED = """
import resource, sys
from pathlib import Path
from edge_agent.index.worker import ReaderPool, ReadingTask
if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    with ReaderPool(1) as pool:
        *_, end = pool.read([ReadingTask(Path(sys.argv[1]), "text.txt")])
    print(end.problem)
"""


def test_files_are_read_where_the_system_allows_less_memory(
    files: list[ReadingTask], tmp_path: Path
) -> None:
    script = tmp_path / "limited.py"
    script.write_text(_LIMITED)
    command = [sys.executable, str(script), str(files[0].path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "None\n"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 knows no safe path")
def test_code_among_the_documents_is_never_run(
    files: list[ReadingTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "struct.py").write_text("open('was-run', 'w')\nfrom _struct import *\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with ReaderPool(1) as pool:
        ends = [each for each in pool.read(files[:2]) if isinstance(each, FileRead)]
    assert [each.problem for each in ends] == [None, None]
    assert not (tmp_path / "was-run").exists()


_STOPPED = """
import sys
from pathlib import Path
from edge_agent.index.worker import ReaderPool, ReadingTask
if __name__ == "__main__":
    with ReaderPool(1, seconds=8) as pool:
        print("begun", flush=True)
        *_, end = pool.read([ReadingTask(Path(sys.argv[1]), "pipe.txt")])
    print(end.problem)
"""


@pytest.mark.slow
def test_while_the_program_is_stopped_no_file_takes_too_long(tmp_path: Path) -> None:
    pipe, script = tmp_path / "pipe.txt", tmp_path / "stopped.py"
    os.mkfifo(pipe)
    script.write_text(_STOPPED)
    command = [sys.executable, str(script), str(pipe)]
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process,
        ended_within(process),
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(2)
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(9)
        os.killpg(process.pid, signal.SIGCONT)
        while process.poll() is None:
            with suppress(OSError):  # nobody is reading it, or not any more
                end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
                with open(end, "w") as file:  # noqa: PTH123
                    file.write("Text\n\nBody.")
            time.sleep(0.05)
        assert process.stdout.read() == "None\n"


def test_what_no_reader_is_for_is_not_even_hashed(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"\0\0\0 ftypisom\0\0" * 99)
    with ReaderPool(1) as pool:
        (end,) = pool.read([ReadingTask(film, "film.mp4")])
    assert isinstance(end, FileRead)
    assert (end.digest, end.known) == ("", False)
    assert "is not text" in str(end.problem)


def test_a_file_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    with ReaderPool(1) as pool:
        (end,) = pool.read([ReadingTask(tmp_path / "gone.txt", "gone.txt")])
    assert isinstance(end, FileRead)
    assert end.problem == "cannot be opened: No such file or directory"


_READING = """
import sys
from pathlib import Path
from edge_agent.index.worker import ReaderPool, ReadingTask

with ReaderPool(1) as pool:
    list(pool.read([ReadingTask(Path(sys.argv[1]), "pipe.txt")]))
"""


def test_a_reader_ends_with_the_program_that_is_killed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    with (
        subprocess.Popen([sys.executable, "-c", _READING, str(pipe)]) as program,
        ended_within(program),
    ):
        end = _opened_when_read(pipe)  # from now on it waits for more to read, for ever
        started = psutil.Process(program.pid).children()
        (reader,) = (each for each in started if "spawn_main" in " ".join(each.cmdline()))
        program.kill()
    try:
        assert reader.wait(30) is None  # no child of ours: nobody knows with what code
    finally:
        os.close(end)


def _opened_when_read(pipe: Path) -> int:
    """Open a pipe to write to it, as soon as somebody reads it."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.05)
