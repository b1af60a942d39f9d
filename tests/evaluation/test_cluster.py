"""What a cluster's driver decides without Ray: who is refused, who is tried again, who is not."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from evaluated import row

from edge_agent.cli import main
from edge_agent.errors import EvaluationError
from edge_agent.evaluation import cluster
from edge_agent.evaluation.conditions import Terms
from edge_agent.evaluation.cutting import Beginning
from edge_agent.evaluation.drivers import Result, Task
from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.respondent import Answered, Equipment
from edge_agent.evaluation.revision import revision
from edge_agent.evaluation.settings import Fingerprint
from edge_agent.events import ToolCalled
from edge_agent.home import Home
from edge_agent.index import Shelf, Source
from edge_agent.models import EngineSettings, InstalledModel, ModelStore, ServerError
from edge_agent.models.embedder import OnnxEmbedder
from edge_agent.profiles import load_profile

TASKS = [Task("e", n, Question(f"q{n}", "Who?", ()), Terms("agent")) for n in range(3)]


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["eval", "run", *map(str, arguments)])
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def test_a_missing_extra_is_told_before_anything_is_done(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.installation.find_spec", lambda _: None)
    assert "pip install 'miro-edge[cluster]'" in refused("sample", "--offline", "--cluster")
    assert not home.exists()


def test_a_word_that_follows_by_chance_is_no_address(home: Path) -> None:
    said = refused("--offline", "--cluster", "sample", "sample")
    assert "'sample' is no address" in said
    assert "host:port" in said


@pytest.fixture
def equipment(home: Path, smollm2: Path) -> Equipment:
    document = home.parent / "fram.md"
    document.write_text("The Fram was designed by Colin Archer.", encoding="utf-8")
    there = Home(home)
    Shelf(there.libraries).add("ships", [Source(document)])
    model = ModelStore(there.models).resolve(str(smollm2))
    assert model is not None
    return Equipment(there, model, EngineSettings(), ("ships",), load_profile("edge"))


def fingerprint(equipment: Equipment) -> Fingerprint:
    library = Shelf(equipment.home.libraries).open("ships")
    try:
        return Fingerprint.of(equipment, [library])
    finally:
        library.close()


def test_a_worker_refuses_what_the_driver_does_not_have(equipment: Equipment) -> None:
    ours = fingerprint(equipment)
    cluster._check_same(cluster._found_here(equipment, 1), ours)
    for other in (
        replace(ours, libraries=("ships: 2 documents, 2 passages",)),
        replace(ours, model_sha256="0" * 64),
        replace(ours, inference="another"),
    ):
        refusal = cluster._Worker(equipment, other, 1, revision()).open()
        assert isinstance(refusal, EvaluationError)
        assert "MIRO_EDGE_HOME" in str(refusal)
    refusal = cluster._Worker(equipment, ours, 1, "another").open()
    assert "not another" in str(refusal)
    lacking = replace(equipment, libraries=("boats",))
    refusal = cluster._Worker(lacking, ours, 1, revision()).open()
    assert isinstance(refusal, EvaluationError)
    assert "On the machine" in str(refusal)


def test_a_library_that_is_embedded_is_another_one(
    equipment: Equipment, embedder_model: InstalledModel
) -> None:
    embedder = OnnxEmbedder(embedder_model.name, embedder_model.path)
    with closing(Shelf(equipment.home.libraries, embedder).open("ships")) as library:
        (before,) = Fingerprint.of(equipment, [library]).libraries
        library.embed()
        (after,) = Fingerprint.of(equipment, [library]).libraries
    assert before.replace("1 passages", "1 passages, embedded") == after


def test_machines_without_cores_are_no_machines_for_workers() -> None:
    head = {"Alive": True, "Resources": {"memory": 1.0}}
    lost = {"Alive": False, "Resources": {"CPU": 8.0}}
    worker = {"Alive": True, "Resources": {"CPU": 16.0}}
    assert cluster._machines([head, worker, lost]) == 1
    with pytest.raises(EvaluationError, match="num-cpus"):
        cluster._machines([head, lost])


def test_a_worker_looks_in_its_own_folder(equipment: Equipment, tmp_path: Path) -> None:
    elsewhere = replace(equipment, home=Home(tmp_path / "the driver's"))
    assert cluster._found_here(elsewhere, 1).home == equipment.home


@dataclass
class Crew:
    """A crew whose workers finish together; one is lost, or fails, when it is told so."""

    lost: dict[str, int] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    idle: list[Any] = field(default_factory=lambda: ["worker"])
    doing: list[Task] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def is_answering(self) -> bool:
        return bool(self.doing)

    def give(self, task: Task) -> None:
        self.idle.pop()
        self.doing.append(task)
        self.asked.append(task.question.id)

    def wait(self) -> list[tuple[Task, Any]]:
        done, self.doing = self.doing, []
        self.idle += ["worker"] * len(done)
        return [(task, self.came_of(task)) for task in done]

    def came_of(self, task: Task) -> Any:
        if self.lost.get(task.question.id, 0) > 0:
            self.lost[task.question.id] -= 1
            return cluster._Lost("the power went")
        failed = self.failing.get(task.question.id)
        if isinstance(failed, ServerError):
            return Result(task, Answered(row(task.question.id), (), failed))
        return failed or Result(task, Answered(row(task.question.id), ()))


def test_a_question_that_lost_its_worker_is_asked_again() -> None:
    crew: Any = Crew({"q1": 2})
    results = [*cluster._handed_out(crew, deque(TASKS[:1]), iter(TASKS[1:]))]
    assert [each.task for each in results] == TASKS
    assert crew.asked == ["q0", "q1", "q1", "q1", "q2"]


def test_a_question_whose_run_has_begun_is_asked_again_too() -> None:
    called = ToolCalled(1, "search", {"query": "Fram"})
    begun = replace(TASKS[0], begun=Beginning((called,), ()))
    crew: Any = Crew({"q0": 1})
    assert [each.task for each in cluster._handed_out(crew, deque([begun]), iter(()))] == [begun]


@pytest.mark.parametrize(
    ("failed", "kept"),
    [(EvaluationError("broken"), ["q1", "q2"]), (ServerError("broken"), ["q0", "q1", "q2"])],
)
def test_what_other_workers_have_done_is_kept_where_one_fails(
    failed: Exception, kept: list[str]
) -> None:
    crew: Any = Crew(failing={"q0": failed}, idle=["worker"] * 3)
    results = cluster._handed_out(crew, deque(TASKS), iter(()))
    assert [next(results).task.question.id for _ in kept] == kept
    with pytest.raises(type(failed), match="broken"):
        next(results)


def test_a_question_that_kills_every_worker_is_given_up() -> None:
    crew: Any = Crew({"q1": 99})
    results = cluster._handed_out(crew, deque(TASKS), iter(()))
    assert next(results).task == TASKS[0]
    with pytest.raises(EvaluationError, match=r"lost 4 times while answering the question 'q1'"):
        next(results)
