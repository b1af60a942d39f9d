"""An evaluation on a real Ray cluster of two workers, one of which is killed in the middle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from waiting import PATIENCE, ended_within

from edge_agent.evaluation.store import EvaluationStore
from edge_agent.models import ModelStore

pytestmark = pytest.mark.slow

_QUESTIONS = 4


@pytest.fixture
def ships(tmp_path: Path, home: Path, smollm2: Path, model_store: ModelStore) -> Path:
    pytest.importorskip("ray", reason="Ray does not exist for this interpreter or system")
    home.mkdir()
    (home / "models").symlink_to(model_store.root, target_is_directory=True)
    folder = tmp_path / "ships"
    folder.mkdir()
    names = [f"Ship {number}" for number in range(_QUESTIONS)]
    documents = [{"id": n, "title": n, "text": f"{n} was built in {n[-1]}892."} for n in names]
    questions = [{"id": n, "question": f"When was {n} built?", "answer": f"{n[-1]}892"}
                 for n in names]  # fmt: skip
    for name, records in (("corpus", documents), ("questions", questions)):
        lines = "".join(json.dumps(each) + "\n" for each in records)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def command(ships: Path, name: str, *more: str) -> list[str]:
    asked = ["run", str(ships), "--offline", "-m", "smollm2-135m", "--profile", "edge"]
    condition = ["--as", "single-shot", "--json", "--name", name]
    return [sys.executable, "-m", "edge_agent.cli", "eval", *asked, *condition, *more]


def answers(home: Path, name: str) -> list[tuple[str, str | None, str]]:
    with closing(EvaluationStore(home / "evaluations.db")) as store:
        return [(each.id, each.answer, each.status) for each in store.rows(name)]


def workers(of: int) -> Iterator[psutil.Process]:
    for process in psutil.Process(of).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if " ".join(process.cmdline()).startswith("ray::_Worker"):
                yield process


def first_row(home: Path, name: str, working: subprocess.Popen[str]) -> None:
    with closing(EvaluationStore(home / "evaluations.db")) as store:
        while not store.rows(name):
            assert working.poll() is None, working.communicate()
            time.sleep(0.05)


def test_a_worker_killed_and_the_driver_interrupted(ships: Path, home: Path) -> None:
    clustered = command(ships, "cluster", "--cluster", "--jobs", "2")
    working = subprocess.Popen(
        clustered, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with ended_within(working):
        first_row(home, "cluster", working)
        next(workers(working.pid)).kill()
        told, said = working.communicate()
    assert working.returncode == 0, said
    record = json.loads(told)  # and nothing of Ray's beside it
    assert record["n"] == _QUESTIONS

    # The same rows come of one process.
    alone = command(ships, "alone")
    subprocess.run(alone, check=True, capture_output=True, timeout=PATIENCE)
    assert answers(home, "cluster") == answers(home, "alone")

    broken_off = subprocess.Popen(
        command(ships, "broken-off", "--cluster"), stderr=subprocess.PIPE, text=True
    )
    with ended_within(broken_off):
        first_row(home, "broken-off", broken_off)
        started = psutil.Process(broken_off.pid).children(recursive=True)
        broken_off.send_signal(signal.SIGINT)
        _, said = broken_off.communicate()
    assert broken_off.returncode == 130, said
    assert "Go on with it" in said
    assert "Traceback" not in said
    assert psutil.wait_procs(started, timeout=20)[1] == []
