"""The whole pipeline in small: taught, trained, exported, and at work in the program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from configuration import Configuration, Variant
from examples import Example, examples
from made_up import configured, twenty, write_set

from edge_agent.models import Adapter, EngineSettings
from edge_agent.models.engine import Engine

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "scripts" / "distill"
_OFFLINE = ("NewConnectionError", "Could not find a version", "Failed to establish", "Retrying")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def training_python() -> Path:
    """The Python of the training environment, which is made where it is not there yet."""
    done = subprocess.run([PROGRAMS / "setup"], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 and any(word in done.stderr for word in _OFFLINE):
        pytest.skip("the training environment is not here, and there is no package index to ask")
    assert done.returncode == 0, done.stderr
    return ROOT / ".venv-train" / "bin" / "python"


def small() -> Configuration:
    """Return a configuration with which all is done in a minute."""
    plain = configured()
    variants = {"usual": Variant(results=2, result_tokens=60)}
    train = {"rank": 8, "first_layer": 22, "rate": 2e-3, "epochs": 0.2, "batch_tokens": 600}
    return configured(
        sets=("boats",),
        teach=plain.teach.model_copy(update={"variants": variants}),
        read=plain.read.model_copy(update={"times": {"boats": 1}, "distractors": (0, 1)}),
        train=plain.train.model_copy(update=train | {"checkpoint_minutes": 0.0}),
    )


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def losses(model: Path, adapter: Adapter | None, chosen: Sequence[Example]) -> float:
    """Return the mean loss of what is decided in examples, as llama.cpp computes it."""
    found = []
    with Engine(model, EngineSettings(context=1024, threads=1, adapter=adapter)) as engine:
        for example in chosen:
            engine.clear()
            start = 0
            for place in example.decided:
                engine.decode(example.tokens[start:place], start)
                logits = engine.logits().astype(np.float64)
                found.append(np.logaddexp.reduce(logits) - logits[example.tokens[place]])
                start = place
    return float(np.mean(found))


def test_from_questions_to_a_student_at_work(
    training_python: Path, home: Path, smollm2: Path, tmp_path: Path
) -> None:
    (home / "models").mkdir(parents=True)
    (home / "models" / smollm2.parent.name).symlink_to(smollm2.parent, target_is_directory=True)
    documents, questions = twenty()
    boats = write_set(tmp_path / "data" / "boats", questions, documents)
    configuration = tmp_path / "small.toml"
    configuration.write_text(tomli_w.dumps(small().model_dump(mode="json", exclude_none=True)))

    # Teach
    taught = tmp_path / "taught.jsonl"
    told = run(sys.executable, PROGRAMS / "teach.py", "--config", configuration, "--jobs", "1",
               "--data", tmp_path / "data", "--out", taught)  # fmt: skip
    assert "kept 20" in told
    every = list(examples(taught))
    held = [each for each in every if each.held]  # of two questions of these twenty
    assert {each.kind for each in held} == {"gathering", "reading"}

    # Train, be killed, and go on
    out = tmp_path / "student"
    training = [training_python, PROGRAMS / "train.py", taught, "--base", smollm2, "--out", out,
                "--config", configuration, "--device", "cpu"]  # fmt: skip
    command = [*map(str, training)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as killed:
        while not (out / "checkpoint.pt").exists():
            assert killed.poll() is None, killed.communicate()[1]
            time.sleep(0.05)
        os.kill(killed.pid, signal.SIGKILL)
    assert not (out / "training.json").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stderr
    record = json.loads((out / "training.json").read_text("utf-8"))
    assert record["step"] == record["steps"] >= 4

    # Export: llama.cpp computes what was trained, and it learned something
    adapter = tmp_path / "miniature.gguf"
    run(sys.executable, PROGRAMS / "export.py", "adapter", out, "--base", smollm2, "-o", adapter)
    for kind, trained in record["held_loss"].items():
        part = [each for each in held if each.kind == kind]
        deployed = losses(smollm2, Adapter(adapter), part)
        assert deployed == pytest.approx(trained, rel=0.1, abs=0.1)
        assert deployed < losses(smollm2, None, part) - 0.2

    # Roll: so small a student comes to little, and the teacher goes on from where it went
    program = (sys.executable, "-m", "edge_agent.cli")
    run(*program, "models", "add", "miniature", adapter, "--base", "smollm2-135m")
    rolls = tmp_path / "roll1.jsonl"
    rolling = [sys.executable, PROGRAMS / "roll.py", "--model", "miniature", "--times", "1",
               "--config", configuration, "--data", tmp_path / "data", "--out", rolls]  # fmt: skip
    run(*rolling, "--limit", "1")
    before = rolls.read_text("utf-8")
    told = run(*rolling, "--limit", "3")  # goes on where it was
    assert "3 questions" in told
    assert rolls.read_text("utf-8").startswith(before)
    rolled = list(examples(rolls))
    assert {each.variant for each in rolled} <= {"roll1", "roll1 corrected"}
    assert rolled

    # Train further, from what was exported
    start, further = tmp_path / "start", tmp_path / "student1"
    run(sys.executable, PROGRAMS / "export.py", "checkpoint", adapter, "--base", smollm2,
        "-o", start)  # fmt: skip
    run(training_python, PROGRAMS / "train.py", rolls, "--base", smollm2, "--start", start,
        "--out", further, "--config", configuration, "--device", "cpu")  # fmt: skip
    again = json.loads((further / "training.json").read_text("utf-8"))
    assert again["start"] == record
    better = tmp_path / "better.gguf"
    run(sys.executable, PROGRAMS / "export.py", "adapter", further, "--base", smollm2,
        "-o", better)  # fmt: skip
    few = sorted(rolled, key=lambda each: len(each.tokens))[:2]
    assert losses(smollm2, Adapter(better), few) < losses(smollm2, Adapter(adapter), few)

    # At work
    questions_of_dev = boats / "questions.jsonl"
    questions_of_dev.write_text(questions_of_dev.read_text("utf-8").replace("train", "dev"))
    found = json.loads(
        run(*program, "eval", "run", boats, "--offline", "-m", "miniature", "--profile", "edge",
            "--limit", "1", "--json")
    )  # fmt: skip
    assert found["n"] == 1
    assert found["calls"] >= 1
