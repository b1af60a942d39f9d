"""The models that `ask` uses by itself on the sample library, as a person runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from waiting import PATIENCE, ended_within

from edge_agent.index import sample_folder

pytestmark = pytest.mark.slow

TWO_STEPS = "In which city was the engineer born who conceived the Great Eastern?"


def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "ask", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert "Traceback" not in done.stderr
    return done


@contextmanager
def asking() -> Iterator[subprocess.Popen[str]]:
    """A question being answered, with its events on standard output."""
    with (
        subprocess.Popen(
            [sys.executable, "-m", "edge_agent.cli", "ask", "--offline", "--events", TWO_STEPS],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        ended_within(process),
    ):
        try:
            yield process
        finally:
            process.kill()


def until_event(process: subprocess.Popen[str], name: str) -> None:
    assert process.stdout is not None
    assert any(json.loads(line)["event"] == name for line in process.stdout), f"no {name}"


def rest(process: subprocess.Popen[str]) -> tuple[list[dict[str, Any]], str]:
    """Wait for the end of the process; its events until then, and what it said beside them."""
    assert process.stdout is not None
    assert process.stderr is not None
    # Not by `communicate`, which does not know what was read ahead.
    events = [json.loads(line) for line in process.stdout]
    complaints = process.stderr.read()
    process.wait()
    return events, complaints


def stored_status() -> str:
    """How the newest stored run has ended."""
    listed = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "runs", "list", "--json"],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    return str(json.loads(listed.stdout)["runs"][0]["status"])


@pytest.mark.parametrize("model", ["default_model", "small_model"])
def test_an_answer_with_citations_that_stand_in_the_sample_library(
    model: str, home_with_models: Path, request: pytest.FixtureRequest
) -> None:
    name = request.getfixturevalue(model).name
    question = "On what date was the Pontcysyllte Aqueduct opened?"
    done = ask("--offline", "--json", "-m", name, question)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["status"], record["answer"]) == ("answered", "26 November 1805")
    first = record["citations"][0]
    assert first["supported"]
    assert Path(first["source"]).parent == sample_folder() / "documents"
    assert "26 November 1805" in first["quote"]
    assert record["tokens"]["prompt"] == record["tokens"]["new"]


def test_two_steps_are_shown_as_they_happen(home_with_models: Path) -> None:
    done = ask("--offline", TWO_STEPS)
    assert "search: " + TWO_STEPS in " ".join(done.stderr.split())
    assert done.stderr.count("search: ") >= 2
    assert "Sources" in done.stdout
    assert done.returncode == 0


def test_what_the_library_does_not_say_is_not_answered_with_a_foreign_fact(
    home_with_models: Path,
) -> None:
    done = ask("--offline", "--json", "--max-calls", "2", "Who won the 1998 football World Cup?")
    record = json.loads(done.stdout)
    assert "France" not in str(record["answer"])


def test_ctrl_c_once_answers_from_what_was_found(home_with_models: Path) -> None:
    with asking() as process:
        until_event(process, "ToolAnswered")
        process.send_signal(signal.SIGINT)
        events, complaints = rest(process)
    assert process.returncode == 130
    assert "Traceback" not in complaints
    assert (events[-1]["event"], events[-1]["reason"]) == ("RunFinished", "interrupted")
    assert stored_status() in {"partial", "not_found"}


def test_ctrl_c_twice_ends_at_once(home_with_models: Path) -> None:
    with asking() as process:
        until_event(process, "ToolAnswered")
        process.send_signal(signal.SIGINT)
        until_event(process, "GatheringEnded")  # or the system might deliver both as one
        process.send_signal(signal.SIGINT)
        events, complaints = rest(process)
    assert process.returncode == 130
    assert "Traceback" not in complaints
    assert "RunFinished" not in {event["event"] for event in events}
    assert "Go on with it: miro-edge runs resume" in complaints
    assert stored_status() == "interrupted"  # as after a crash: it can be gone on with


def test_doctor_sees_the_model(home_with_models: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    report = json.loads(done.stdout)
    states = {model["name"]: model["state"] for model in report["models"]}
    assert states["qwen2.5-coder-1.5b"] == "here, checked"
    assert report["machine"]["llama_cpp"]
