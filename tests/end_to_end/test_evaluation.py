"""An evaluation with a real model over a corpus of its own, as a person makes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from waiting import PATIENCE, ended_within

from edge_agent.evaluation.store import EvaluationStore
from edge_agent.models import ModelStore

pytestmark = pytest.mark.slow

_DOCUMENTS = {
    "Fram": "The Fram was designed by Colin Archer. She was launched in 1892.",
    "Colin Archer": "Colin Archer was born in Larvik. His parents were Scots.",
    "Gjøa": "The Gjøa was built at Rosendal in 1872. She has eight ropes.",
}
_QUESTIONS = (
    {"id": "q1", "question": "Who designed the Fram?", "answer": "Colin Archer", "gold": ["Fram"]},
    {"id": "q2", "question": "Where was Colin Archer born?", "answer": "Larvik",
     "gold": ["Colin Archer"]},
    {"id": "q3", "question": "Who painted the Gjøa?", "answers": [], "type": "unanswerable"},
)  # fmt: skip


@pytest.fixture
def ships(tmp_path: Path, home: Path, smollm2: Path, model_store: ModelStore) -> Path:
    home.mkdir()
    (home / "models").symlink_to(model_store.root, target_is_directory=True)
    folder = tmp_path / "ships"
    folder.mkdir()
    documents = [{"id": t, "title": t, "text": text} for t, text in _DOCUMENTS.items()]
    for name, records in (("corpus", documents), ("questions", _QUESTIONS)):
        lines = "".join(json.dumps(each) + "\n" for each in records)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "edge_agent.cli", "eval", *map(str, arguments)]


def evaluated(*arguments: object) -> Any:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def outcomes(evaluation: Any) -> list[tuple[Any, ...]]:
    """Return what was found, answered and cited, question by question."""
    lines = Path(evaluation["rows"]).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    kept = ("answer", "reason", "calls", "evidence_recall", "cited", "cited_gold")
    return [tuple(row[name] for name in kept) for row in rows]


def test_conditions_a_resume_a_curve_and_a_page(ships: Path, home: Path, tmp_path: Path) -> None:
    model = ("--offline", "-m", "smollm2-135m", "--profile", "edge")
    both = ("run", ships, *model, "--as", "closed-book,single-shot", "--json", "--jobs", "2")

    # Broken off after a question, it goes on with the next one.
    working = subprocess.Popen(command(*both), stderr=subprocess.PIPE, text=True)
    name = "ships-closed-book-smollm2-135m"
    with closing(EvaluationStore(home / "evaluations.db")) as store:
        with ended_within(working):
            while not store.rows(name):
                assert working.poll() is None
                time.sleep(0.05)
            os.kill(working.pid, signal.SIGINT)
            _, said = working.communicate()
        assert working.returncode == 130, said
        assert "Go on with it" in said
        first = store.rows(name)[0]
        closed, single = evaluated(*both)["evaluations"]
        assert first in store.rows(name)
    assert (closed["n"], closed["calls"], closed["evidence_recall"]) == (3, 0.0, 0.0)
    assert (single["n"], single["calls"], single["evidence_recall"]) == (3, 1.0, 100.0)
    assert single["peak"] > 100e6

    curve = evaluated("curve", ships, *model, "--calls", "1,2", "--json")
    assert [each["max_calls"] for each in curve["points"]] == [1, 2]
    assert all(each["calls"] <= each["max_calls"] for each in curve["points"])
    assert curve["points"][0]["taken_over"] + curve["points"][0]["cut"] == 3
    anew = evaluated("run", ships, *model, "--max-calls", "1", "--json", "--name", "anew")
    assert outcomes(anew) == outcomes(curve["points"][0])
    html = tmp_path / "report.html"
    reported = evaluated("report", "--json", "--html", html)["evaluations"]
    assert {each["condition"] for each in reported} == {"closed-book", "single-shot", "agent"}
    assert html.read_text("utf-8").count("<svg") == 2

    # Same seed, same answers, in however many processes.
    alone = evaluated("run", ships, *model, "--as", "closed-book", "--json", "--name", "alone")
    assert outcomes(closed) == outcomes(alone)


def test_a_judge_behind_a_server_is_asked(ships: Path, llama_server: str) -> None:
    found = evaluated(
        *("run", ships, "--offline", "-m", "smollm2-135m", "--as", "closed-book", "--json"),
        *("--judge", f"{llama_server}#smollm2", "--limit", "2"),
    )
    lines = Path(found["rows"]).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(row["verdict"] or row["answer"] is None for row in rows)
    judged = sum(row["judged"] is not None for row in rows)
    assert found["unclear"] == len(rows) - judged
    judge = ("--judge", f"{llama_server}#smollm2", "--again", "--json")
    [anew] = evaluated("judge", found["evaluation"], *judge)["evaluations"]
    assert (anew["judged"], anew["unclear"]) == (found["judged"], found["unclear"])
