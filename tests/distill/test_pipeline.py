"""The whole pipeline in small: taught, trained, exported, and at work in the program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
PROGRAM = (sys.executable, "-m", "edge_agent.cli")
_OFFLINE = ("NewConnectionError", "Failed to establish", "from versions: none")
"""What pip says where there is no index; a version that an index does not have is a failure."""

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


@dataclass(frozen=True)
class Miniature:
    """The programs of the pipeline, over a set, a configuration and a base that are small."""

    folder: Path
    base: Path
    training_python: Path

    @property
    def configured(self) -> tuple[object, ...]:
        """The options that say so."""
        return ("--config", self.folder / "small.toml")

    @property
    def data(self) -> tuple[object, ...]:
        """The option that names the folder of the sets."""
        return ("--data", self.folder / "data")

    def run(self, name: str, *arguments: object) -> str:
        """Run a program of the ordinary environment; return what it printed."""
        return run(sys.executable, PROGRAMS / name, *arguments)

    def training(self, *arguments: object) -> list[str]:
        """Return the command that trains."""
        command = [self.training_python, PROGRAMS / "train.py", *arguments, *self.configured,
                   "--base", self.base, "--device", "cpu"]  # fmt: skip
        return [*map(str, command)]

    def exported(self, student: Path, name: str) -> Path:
        """Return the adapter of what was trained."""
        path = self.folder / f"{name}.gguf"
        self.run("export.py", "adapter", student, "--base", self.base, "-o", path)
        return path

    def losses(self, adapter: Path | None, chosen: Sequence[Example]) -> float:
        """Return the mean loss of what is decided in examples, as llama.cpp computes it."""
        return losses(self.base, None if adapter is None else Adapter(adapter), chosen)


@pytest.fixture
def miniature(training_python: Path, home: Path, smollm2: Path, tmp_path: Path) -> Miniature:
    (home / "models").mkdir(parents=True)
    (home / "models" / smollm2.parent.name).symlink_to(smollm2.parent, target_is_directory=True)
    documents, questions = twenty()
    write_set(tmp_path / "data" / "boats", questions, documents)
    configuration = tomli_w.dumps(small().model_dump(mode="json", exclude_none=True))
    (tmp_path / "small.toml").write_text(configuration)
    return Miniature(tmp_path, smollm2, training_python)


def test_from_questions_to_a_student_at_work(miniature: Miniature) -> None:
    taught = miniature.folder / "taught.jsonl"
    teach(miniature, taught)
    student, record = train_with_a_stop(miniature, taught)
    adapter = miniature.exported(student, "miniature")
    it_was_learned_as_it_is_used(miniature, adapter, taught, record)
    run(*PROGRAM, "models", "add", "miniature", adapter, "--base", "smollm2-135m")
    rolls = miniature.folder / "roll1.jsonl"
    roll(miniature, rolls)
    train_further(miniature, adapter, rolls, record)
    it_answers(miniature.folder / "data" / "boats")


def teach(miniature: Miniature, out: Path) -> None:
    told = miniature.run("teach.py", *miniature.configured, *miniature.data, "--out", out,
                         "--jobs", "1")  # fmt: skip
    assert "kept 20" in told
    assert {each.kind for each in held(out)} == {"gathering", "reading"}


def held(path: Path) -> list[Example]:
    """Return the examples that are kept back: of two questions of the twenty."""
    return [each for each in examples(path) if each.held]


def train_with_a_stop(miniature: Miniature, taught: Path) -> tuple[Path, dict[str, Any]]:
    """Train, be killed and go on; return the folder of the student, and the record."""
    out = miniature.folder / "student"
    command = miniature.training(taught, "--out", out)
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
    other = subprocess.run([*command, "--limit", "9"], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "holds a training with other examples" in other.stderr
    return out, record


def it_was_learned_as_it_is_used(
    miniature: Miniature, adapter: Path, taught: Path, record: dict[str, Any]
) -> None:
    """llama.cpp computes what was trained, and it learned something."""
    for kind, trained in record["held_loss"].items():
        part = [each for each in held(taught) if each.kind == kind]
        deployed = miniature.losses(adapter, part)
        assert deployed == pytest.approx(trained, rel=0.1, abs=0.1)
        assert deployed < miniature.losses(None, part) - 0.2


def roll(miniature: Miniature, out: Path) -> None:
    """So small a student comes to little, and the teacher goes on from where it went."""
    options = ("--model", "miniature", "--times", "1", *miniature.configured, *miniature.data,
               "--out", out)  # fmt: skip
    miniature.run("roll.py", *options, "--limit", "1")
    before = out.read_text("utf-8")
    assert "3 questions" in miniature.run("roll.py", *options, "--limit", "3")
    assert out.read_text("utf-8").startswith(before)
    assert "roll1 corrected" in {each.variant for each in examples(out)}


def train_further(miniature: Miniature, adapter: Path, rolls: Path, record: dict[str, Any]) -> None:
    """Train on rolls, from what was exported."""
    start, out = miniature.folder / "start", miniature.folder / "student1"
    miniature.run("export.py", "checkpoint", adapter, "--base", miniature.base, "-o", start)
    run(*miniature.training(rolls, "--start", start, "--out", out))
    again = json.loads((out / "training.json").read_text("utf-8"))
    assert again["start"] == record
    better = miniature.exported(out, "better")
    few = sorted(examples(rolls), key=lambda each: len(each.tokens))[:2]
    assert miniature.losses(better, few) < miniature.losses(adapter, few)


def it_answers(boats: Path) -> None:
    questions = boats / "questions.jsonl"
    questions.write_text(questions.read_text("utf-8").replace("train", "dev"))
    told = run(*PROGRAM, "eval", "run", boats, "--offline", "-m", "miniature",
               "--profile", "edge", "--limit", "1", "--json")  # fmt: skip
    found = json.loads(told)
    assert found["n"] == 1
    assert found["calls"] >= 1
