"""The default model on the sample library, as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.index import sample_folder

pytestmark = pytest.mark.slow

TWO_STEPS = "In which city was the engineer born who conceived the Great Eastern?"


def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "ask", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_an_answer_with_citations_that_stand_in_the_sample_library(home_with_models: Path) -> None:
    done = ask("--offline", "--json", "On what date was the Pontcysyllte Aqueduct opened?")
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
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_agent.cli", "ask", "--offline", "--events", TWO_STEPS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "ToolAnswered":
            process.send_signal(signal.SIGINT)
            break
    events += [json.loads(line) for line in process.stdout]
    assert process.wait() == 130
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    assert events[-1]["event"] == "RunFinished"
    assert events[-1]["reason"] == "interrupted"
    listed = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "runs", "list", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(listed.stdout)["runs"][0]["status"] in {"partial", "not_found"}


def test_ctrl_c_twice_ends_at_once(home_with_models: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_agent.cli", "ask", "--offline", "--events", TWO_STEPS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "ToolAnswered":
            process.send_signal(signal.SIGINT)
        if json.loads(line)["event"] == "TurnRolledBack":
            process.send_signal(signal.SIGINT)
            break
    process.stdout.read()
    assert process.wait() == 130
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


def test_doctor_sees_the_model(home_with_models: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    report = json.loads(done.stdout)
    states = {model["name"]: model["state"] for model in report["models"]}
    assert states["qwen2.5-coder-1.5b"] == "here, checked"
    assert report["machine"]["llama_cpp"]
