"""Runs from the command line: looked at, gone on with, forked, told something, removed."""

from __future__ import annotations

import json
import os
import select
import signal
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from commands import call, said
from scripted_session import write_documents

from edge_agent.events import (
    AttachedFile,
    AttemptFinished,
    AttemptStarted,
    Citation,
    Claim,
    Event,
    EvidenceAdded,
    GatheringEnded,
    NoteWritten,
    Nudged,
    ReadingStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    SpanCut,
    StepMeasured,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
    UserSpoke,
)
from edge_agent.keyboard import listening
from edge_agent.models import Choose, EngineSettings, Force, ModelError, Sample
from edge_agent.runs import RunStore

QUESTION = "Where was the designer of the Fram born?"
DESIGNER = "designed by Colin Archer"
TOWN = "born in Larvik"
TOKENS = TokenCounts(10, 10, 3)


@dataclass
class Model:
    """What happens before a line is written, and the sessions that were opened so far."""

    session: type[Any]
    before_line: Callable[[str], None] = lambda line: None
    opened: list[Any] = field(default_factory=list)
    settings: list[EngineSettings] = field(default_factory=list)
    """What each of them was loaded with."""

    @contextmanager
    def open(self, _: Any, settings: EngineSettings) -> Iterator[Any]:
        self.settings.append(settings)
        self.opened.append(self.session(before_line=self.before_line))
        yield self.opened[-1]


@pytest.fixture
def model(scripted_session: type[Any], monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model that knows what to look for, whatever file it is said to be in."""

    class Knowing(scripted_session):  # type: ignore[misc]
        chosen = ""

        def write(self, step: Force | Choose | Sample, seed: int) -> str:
            if isinstance(step, Force):
                return step.text
            line = self._sampled(step) if isinstance(step, Sample) else self._chosen(step.options)
            self.before_line(line)
            return line

        def _sampled(self, step: Sample) -> str:
            return "Larvik}" if "}" in step.stop else " birthplace\n"

        def _chosen(self, options: Sequence[str]) -> str:
            if "Missing:" in options:
                return options[1 if TOWN in self.chosen else 0]
            wanted = (DESIGNER, TOWN, ">search<", " Colin Archer", "")
            first = next(part for part in wanted if any(part in option for option in options))
            self.chosen = next(option for option in options if first in option)
            return self.chosen

    model = Model(Knowing)
    monkeypatch.setattr("edge_agent.cli.agent_setup.open_session", model.open)
    return model


@pytest.fixture
def store(home: Path) -> Iterator[RunStore]:
    with closing(RunStore(home / "runs.db")) as store:
        yield store


@pytest.fixture
def asking(home: Path, smollm2: Path, tmp_path: Path) -> list[str]:
    """What `ask` is called with."""
    documents = write_documents(tmp_path / "ships-documents")
    return ["ask", "--offline", "-m", str(smollm2), "-l", str(documents)]


def on_line(part: str, do: Callable[[], None]) -> Callable[[str], None]:
    """Return what does something before the first line that has `part` in it."""
    left = [do]

    def before_line(line: str) -> None:
        if part in line and left:
            left.pop()()

    return before_line


def pull_the_plug() -> None:
    raise OSError("the plug was pulled")


@pytest.fixture
def broken(model: Model, asking: list[str], store: RunStore) -> str:
    """The id of a run that broke off in its second step."""
    model.before_line = on_line(DESIGNER, pull_the_plug)
    result = call(*asking, QUESTION)
    assert result.exit_code == 1
    (run,) = store.list()
    assert f"miro-edge runs resume {run.id}" in said(result)
    assert "the plug was pulled" in said(result)
    return run.id


@pytest.fixture
def partial(model: Model, asking: list[str], store: RunStore) -> str:
    """The id of a run that was allowed one call, and answered from what that brought."""
    assert call(*asking, "--max-calls", "1", QUESTION).exit_code == 0
    (run,) = store.list()
    assert run.status == "partial"
    return run.id


def kinds(events: Sequence[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


# Going on


def test_a_run_that_broke_off_goes_on_to_its_answer(
    broken: str, model: Model, store: RunStore
) -> None:
    result = call("runs", "resume", broken[:12], "--json", "--offline")
    assert result.exit_code == 0, said(result)
    record = json.loads(result.stdout)
    assert (record["answer"], record["run"]) == ("Larvik", broken)
    assert (record["question"], record["status"]) == (QUESTION, "answered")
    events = store.events(broken)
    assert kinds(events).count("RunResumed") == 1
    steps = [event.step for event in events if isinstance(event, TurnStarted)]
    assert steps == sorted(set(steps))
    assert store.summary(broken).status == "answered"


def test_what_a_run_was_asked_with_is_known_when_it_goes_on(
    broken: str, store: RunStore, smollm2: Path, tmp_path: Path
) -> None:
    started = store.events(broken)[0]
    assert isinstance(started, RunStarted)
    assert started.model_source == str(smollm2.resolve())
    assert started.libraries == (str(tmp_path / "ships-documents"),)
    assert started.profile_source == "generic"


def test_a_run_that_was_answered_is_not_gone_on_with_but_can_be_forked(
    broken: str, model: Model, store: RunStore
) -> None:
    call("runs", "resume", broken, "--offline")
    before = store.events(broken)
    result = call("runs", "resume", broken, "--offline")
    assert result.exit_code == 1
    assert f"miro-edge runs fork {broken} --at STEP" in said(result)
    assert store.events(broken) == before


def test_a_run_that_has_used_up_its_calls_goes_on_with_more(
    partial: str, model: Model, store: RunStore
) -> None:
    result = call("runs", "resume", partial, "--offline")
    assert result.exit_code == 1
    assert f"spent 1 of 1. Give it more: miro-edge runs resume {partial} --max-calls 2" in said(
        result
    )
    assert len(model.opened) == 1
    result = call("runs", "resume", partial, "--offline", "--quiet", "--max-calls", "4")
    assert (result.exit_code, result.stderr) == (0, "")
    assert store.summary(partial).answer == result.stdout.strip()
    assert isinstance(store.events(partial)[-1], RunFinished)


def test_a_run_that_was_answered_at_its_usual_depth_goes_on_with_more_calls(
    model: Model, asking: list[str], store: RunStore, tmp_path: Path
) -> None:
    brief = tmp_path / "brief.toml"
    brief.write_text('based_on = "generic"\nname = "brief"\n\n[gathering]\ncalls = 1\n')
    assert call(*asking, "--profile", str(brief), QUESTION).exit_code == 0
    (run,) = store.list()
    assert run.status == "answered"
    ended = store.events(run.id)[-1]
    assert isinstance(ended, RunFinished)
    assert ended.reason == "usual depth"
    refused = call("runs", "resume", run.id, "--offline")
    assert refused.exit_code == 1
    assert f"Give it more: miro-edge runs resume {run.id} --max-calls 2" in said(refused)
    result = call("runs", "resume", run.id, "--offline", "--max-calls", "4")
    assert result.exit_code == 0, said(result)
    assert store.summary(run.id).calls == 2


def test_a_vote_that_was_cast_is_not_gone_on_with(
    model: Model, asking: list[str], store: RunStore, tmp_path: Path
) -> None:
    brief = tmp_path / "brief.toml"
    brief.write_text('based_on = "generic"\nname = "brief"\n\n[gathering]\ncalls = 1\n')
    voting = ["--vote", "--attempts", "2", "--profile", str(brief)]
    assert call(*asking, *voting, QUESTION).exit_code == 0
    (run,) = store.list()
    assert run.status == "answered"
    result = call("runs", "resume", run.id, "--offline", "--max-calls", "4")
    assert result.exit_code == 1
    assert "was answered" in said(result)


def test_a_run_of_an_older_version_says_why_it_cannot_be_gone_on_with(store: RunStore) -> None:
    list(store.record([RunStarted("r-1", "Who?", "model", "sample", "generic", 0, 8)]))
    for command in (["resume", "r-1"], ["fork", "r-1", "--at", "1"]):
        result = call("runs", *command)
        assert result.exit_code == 1
        assert "miro-edge ask" in said(result)
    assert len(store.list()) == 1


def test_a_run_that_is_being_worked_on_is_left_alone(
    broken: str, model: Model, store: RunStore
) -> None:
    working = store.record([RunResumed(broken, 8, None, None)])
    next(working)
    for command in ("resume", "remove"):
        options = ["--yes"] if command == "remove" else ["--offline"]
        result = call("runs", command, broken, *options)
        assert result.exit_code == 1
        assert f"Another process is working on the run {broken}" in said(result)
    assert len(model.opened) == 1
    working.close()


def test_a_run_goes_on_with_the_model_in_memory_as_the_settings_say(
    broken: str, model: Model, home: Path
) -> None:
    assert not model.settings[-1].lock
    for key, value in (("ask.kv_type", "q8_0"), ("ask.mlock", "yes")):
        assert call("config", "set", key, value).exit_code == 0
    assert call("runs", "resume", broken, "--offline").exit_code == 0
    assert (model.settings[-1].kv_type, model.settings[-1].lock) == ("q8_0", True)


# Forking


def test_a_fork_goes_another_way_and_leaves_its_parent_alone(
    partial: str, model: Model, store: RunStore
) -> None:
    before = store.events(partial)
    result = call(
        *("runs", "fork", partial, "--at", "1", "--seed", "5", "--max-calls", "4", "--offline")
    )
    assert result.exit_code == 0, said(result)
    assert result.stdout.startswith("Larvik\n")
    assert store.events(partial) == before
    forked = next(run for run in store.list() if run.parent == partial)
    assert f"The new run is {forked.id}" in said(result)
    started = store.events(forked.id)[0]
    assert isinstance(started, RunStarted)
    assert (started.parent_step, started.seed) == (1, 5)
    assert f"forked from {partial} after step 1" in call("runs", "show", forked.id).stdout


def test_a_fork_at_a_step_that_is_not_there_names_those_that_are(
    partial: str, store: RunStore
) -> None:
    result = call("runs", "fork", partial, "--at", "99")
    assert result.exit_code == 1
    assert "has the steps 1 to" in said(result)
    assert len(store.list()) == 1


@pytest.mark.parametrize("lost", ["file", "library", "model", "profile"])
def test_a_fork_of_what_is_not_at_hand_any_more_is_not_begun(
    lost: str, model: Model, store: RunStore, smollm2: Path, tmp_path: Path
) -> None:
    places = {
        "file": tmp_path / "notes.md",
        "library": write_documents(tmp_path / "ships-documents"),
        "model": tmp_path / "mine.gguf",
        "profile": tmp_path / "brief.toml",
    }
    places["file"].write_text("# Notes\n\nThe Fram was designed by Colin Archer.")
    places["model"].symlink_to(smollm2)
    places["profile"].write_text('based_on = "generic"\nname = "brief"\n')
    started = RunStarted(
        *("r-1", QUESTION, "mine", "ships", "brief", 0, 8),
        model_source=str(places["model"]),
        libraries=(str(places["library"]),),
        files=(AttachedFile(str(places["file"]), "0" * 64),),
        profile_source=str(places["profile"]),
    )
    list(store.record([started, *every_kind("r-1")[1:4]]))
    places[lost].rename(tmp_path / "elsewhere")
    result = call("runs", "fork", "r-1", "--at", "1", "--offline")
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(places[lost]) in said(result)
    assert [run.id for run in store.list()] == ["r-1"]
    assert model.opened == []


@pytest.mark.parametrize(
    ("began_with", "lacks"),
    [({"tools": ("weather",)}, "There is no tool 'weather'"), ({"web": True}, "wants a key")],
)
@pytest.mark.parametrize("command", ["fork", "resume"])
def test_a_run_whose_tools_or_web_are_not_at_hand_is_neither_forked_nor_gone_on_with(
    command: str,
    began_with: dict[str, Any],
    lacks: str,
    model: Model,
    store: RunStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def pull(*_: object, **__: object) -> None:
        raise AssertionError("the model is got ready first")

    for module in ("runs", "running"):
        monkeypatch.setattr(f"edge_agent.cli.{module}.pulled_usable", pull)
    assert call("config", "set", "web.engine", "serper").exit_code == 0
    ships = str(write_documents(tmp_path / "ships-documents"))
    started = RunStarted(
        *("r-1", QUESTION, "mine", "ships", "generic", 0, 8),
        model_source="mine",
        libraries=(ships,),
        **began_with,
    )
    list(store.record([started, *every_kind("r-1")[1:4]]))
    result = call("runs", command, "r-1", *(("--at", "1") if command == "fork" else ()))
    assert (result.exit_code, result.stdout) == (1, "")
    assert lacks in said(result)
    assert [run.id for run in store.list()] == ["r-1"]
    assert model.opened == []


# Steering


def spoken(store: RunStore, run: str) -> list[str]:
    return [event.text for event in store.events(run) if isinstance(event, UserSpoke)]


def test_what_was_told_to_a_run_is_heard_when_it_goes_on(
    broken: str, model: Model, store: RunStore
) -> None:
    result = call("runs", "tell", broken, "  Look at\nthe ropes. ")
    assert result.exit_code == 0
    assert call("runs", "resume", broken, "--offline").exit_code == 0
    assert spoken(store, broken) == ["Look at the ropes."]
    assert store.unheard(broken) == ()
    assert any("Look at the ropes." in text for text in model.opened[-1].seen)
    assert "you: Look at the ropes." in call("runs", "show", broken).stdout


def test_what_is_told_while_a_run_goes_on_is_heard_before_the_next_step(
    model: Model, asking: list[str], store: RunStore
) -> None:
    def leave_a_message() -> None:
        store.tell(store.list()[0].id, "Go on.")

    model.before_line = on_line(DESIGNER, leave_a_message)
    assert call(*asking, QUESTION).exit_code == 0
    events = store.events(store.list()[0].id)
    (at,) = (at for at, event in enumerate(events) if isinstance(event, UserSpoke))
    assert max(event.step for event in events[:at] if isinstance(event, TurnStarted)) == 2
    assert any(isinstance(event, TurnStarted) and event.step == 3 for event in events[at:])


def test_what_is_told_to_a_run_that_was_stopped_is_heard_when_it_goes_on(
    partial: str, model: Model, store: RunStore
) -> None:
    result = call("runs", "tell", partial, "Look at the ropes.")
    assert result.exit_code == 0
    assert f"when the run is resumed: miro-edge runs resume {partial}" in said(result)
    assert call("runs", "resume", partial, "--offline", "--max-calls", "4").exit_code == 0
    assert (spoken(store, partial), store.unheard(partial)) == (["Look at the ropes."], ())
    assert any("Look at the ropes." in text for text in model.opened[-1].seen)


def test_what_is_told_to_a_run_that_failed_is_heard_when_it_goes_on(
    model: Model, asking: list[str], store: RunStore
) -> None:
    def fail(line: str) -> None:
        raise ModelError("The model fell over.")

    model.before_line = fail
    assert call(*asking, QUESTION).exit_code == 1
    (run,) = store.list()
    assert run.status == "failed"
    assert call("runs", "tell", run.id, "Look at the ropes.").exit_code == 0
    model.before_line = lambda line: None
    assert call("runs", "resume", run.id, "--offline").exit_code == 0
    assert spoken(store, run.id) == ["Look at the ropes."]


def test_a_run_that_was_answered_is_told_nothing(
    model: Model, asking: list[str], store: RunStore
) -> None:
    assert call(*asking, QUESTION).exit_code == 0
    (run,) = store.list()
    assert run.status == "answered"
    result = call("runs", "tell", run.id, "Hello?")
    assert (result.exit_code, store.unheard(run.id)) == (1, ())
    assert f"miro-edge runs fork {run.id} --at STEP" in said(result)
    assert call("runs", "tell", run.id, " \n").exit_code == 2


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: where a person types, and where a program reads."""
    person, program = os.openpty()
    yield person, program
    for end in (person, program):
        os.close(end)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def keyboard_is_read() -> bool:
    return "keyboard" in {thread.name for thread in threading.enumerate()}


def test_a_line_typed_while_it_runs_is_told_and_what_comes_later_is_left(
    terminal: tuple[int, int],
) -> None:
    person, program = terminal
    heard: list[str] = []
    with listening(program, heard.append):
        os.write(person, b"  \nLook at the r\xc3\xb8pes.\nhalf a li")
        wait_until(lambda: bool(heard))
    os.write(person, b"ne for the shell\n")
    assert heard == ["Look at the røpes."]
    assert select.select([program], [], [], 10)[0]
    assert os.read(program, 100) == b"half a line for the shell\n"
    assert not keyboard_is_read()


def test_keys_that_a_pager_waits_for_are_left_to_it(terminal: tuple[int, int]) -> None:
    person, program = terminal
    heard: list[str] = []
    lines = termios.tcgetattr(program)
    tty.setcbreak(program)  # as `less` does with the same terminal
    with listening(program, heard.append):
        os.write(person, b"jjq\n")
        time.sleep(0.5)
        assert os.read(program, 100) == b"jjq\n"
        termios.tcsetattr(program, termios.TCSANOW, lines)
        os.write(person, b"Look at the ropes.\n")
        wait_until(lambda: bool(heard))
    assert heard == ["Look at the ropes."]


def test_the_end_of_the_input_ends_the_listening_alone(terminal: tuple[int, int]) -> None:
    person, program = terminal
    with listening(program, lambda text: None):
        os.write(person, b"\x04")
        wait_until(lambda: not keyboard_is_read())


def type_line(terminal: tuple[int, int], line: str) -> None:
    """Type a line, and wait until it was read and is about to be told."""
    person, program = terminal
    os.write(person, f"{line}\n".encode())
    wait_until(lambda: not select.select([program], [], [], 0)[0])
    time.sleep(0.1)


def test_a_line_typed_at_the_terminal_reaches_the_model(
    terminal: tuple[int, int],
    model: Model,
    asking: list[str],
    store: RunStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_agent.cli.ask.terminal", lambda: terminal[1])
    model.before_line = on_line(DESIGNER, lambda: type_line(terminal, "Look at the ropes."))
    result = call(*asking, QUESTION)
    assert result.exit_code == 0
    assert said(result).count("To steer it, type a line at any time.") == 1
    assert spoken(store, store.list()[0].id) == ["Look at the ropes."]


def test_what_is_told_when_the_answer_is_read_already_is_given_back(
    terminal: tuple[int, int],
    model: Model,
    asking: list[str],
    store: RunStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def say_it_too_late() -> None:
        store.tell(store.list()[0].id, "Look at the ropes.")
        type_line(terminal, "Look at the sails.")

    monkeypatch.setattr("edge_agent.cli.ask.terminal", lambda: terminal[1])
    model.before_line = on_line("Larvik}", say_it_too_late)
    result = call(*asking, QUESTION)
    assert result.exit_code == 0
    for line in ("Look at the ropes.", "Look at the sails."):
        assert said(result).count(f"The run ended before it heard: {line}") == 1
    assert spoken(store, store.list()[0].id) == []


def test_quiet_does_not_say_what_was_told_too_late(
    model: Model, asking: list[str], store: RunStore
) -> None:
    def say_it_too_late() -> None:
        store.tell(store.list()[0].id, "Look at the ropes.")

    model.before_line = on_line("Larvik}", say_it_too_late)
    result = call(*asking, "--quiet", QUESTION)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("question", ["-", QUESTION])
def test_nothing_is_read_from_an_input_that_is_no_terminal_or_was_the_question(
    question: str,
    terminal: tuple[int, int],
    model: Model,
    asking: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if question == "-":
        monkeypatch.setattr("edge_agent.cli.ask.terminal", lambda: terminal[1])
    threads: list[str] = []
    model.before_line = lambda line: threads.extend(each.name for each in threading.enumerate())
    result = call(*asking, question, text=f"{QUESTION}\n")
    assert result.exit_code == 0
    assert "To steer it" not in said(result)
    assert "keyboard" not in threads


# Ctrl-C


def test_ctrl_c_once_answers_from_what_was_found_and_says_how_to_go_on(
    model: Model, asking: list[str], store: RunStore
) -> None:
    model.before_line = on_line(TOWN, lambda: signal.raise_signal(signal.SIGINT))
    result = call(*asking, QUESTION)
    assert result.exit_code == 130
    assert result.stdout.startswith("Larvik\n(partial: interrupted)\n")
    run = store.list()[0].id
    assert f"miro-edge runs resume {run}" in said(result)

    assert call("runs", "resume", run, "--offline").exit_code == 0
    assert store.summary(run).status == "answered"


def test_ctrl_c_twice_ends_at_once_and_says_how_to_go_on(
    model: Model, asking: list[str], store: RunStore
) -> None:
    def interrupt(line: str) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    model.before_line = interrupt
    result = call(*asking, QUESTION)
    assert result.exit_code == 130
    assert result.stdout == ""
    run = store.list()[0]
    assert run.status == "interrupted"
    assert f"miro-edge runs resume {run.id}" in said(result)
    store.check_free(run.id)
    assert signal.getsignal(signal.SIGINT) is before


def test_why_a_run_failed_is_said_once_with_how_to_go_on(
    model: Model, asking: list[str], store: RunStore
) -> None:
    def fail(line: str) -> None:
        raise ModelError("The model fell over.")

    model.before_line = fail
    for options in ([], ["--json"]):
        result = call(*asking, *options, QUESTION)
        assert result.exit_code == 1
        assert said(result).count("The model fell over.") == 1
        assert f"miro-edge runs resume {store.list()[0].id}" in said(result)
    record = json.loads(result.stdout)
    assert (record["status"], record["reason"]) == ("failed", "The model fell over.")
    shown = call("runs", "show", store.list()[0].id)
    assert shown.output.count("The model fell over.") == 1


# Looking back


def every_kind(run: str) -> list[Event]:
    citation = Citation(1, "Fram", "fram.md", "line 3", "The Fram …", True)
    claims = (Claim("She was built in Larvik.", (1, 2)), Claim("She is blue.", ()))
    return [
        RunStarted(run, "Where?", "model", "ships", "generic", 0, 8, parent="r-0", parent_step=4),
        TurnStarted(1),
        TurnFinished(1, "Missing: ropes\nand masts"),
        ToolCalled(1, "search", {"query": "ropes"}),
        EvidenceAdded(1, 1, "p", "d", "Fram", "fram.md", "line 3", "The Fram …"),
        ToolAnswered(1, "search", "[1] Fram: …", (1, 2)),
        Nudged(1, "duplicate result", "That brought nothing new."),
        StepMeasured(1, 900, 4096, TOKENS, 1.25, 300_000_000),
        SpanCut(1, "result", 120, 2),
        NoteWritten(1, "Found so far:\nFram: The Fram …"),
        UserSpoke(1, "Hurry up.", "The user adds: Hurry up."),
        TurnStarted(2),
        TurnFinished(2, "…"),
        TurnRolledBack(2, "duplicate call", "You have searched for that already."),
        GatheringEnded(2, "model error: it fell over"),
        ReadingStarted(2, (2, 1), "system", "prompt"),
        AttemptFinished(1, "not_found", None, (), (), "model error: it fell over"),
        AttemptStarted(2, "This was tried before."),
        RunResumed(run, 16, 60.0, 5000),
        AttemptFinished(2, "answered", "Larvik", (citation,), claims, "enough evidence"),
        RunFinished(run, "answered", "Larvik", (citation,), 1, 2.0, TOKENS, "enough evidence"),
    ]


def test_every_kind_of_event_is_shown(store: RunStore) -> None:
    list(store.record(every_kind("r-1")))
    result = call("runs", "show", "r-1")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    text = " ".join(lines)
    for part in (
        *("run r-1, forked from r-0 after step 4", "1 Missing: ropes", "1 search: ropes"),
        *("found [1], [2]", "duplicate result That brought nothing new."),
        *("window 900 of 4096 tokens, 10 read, 3 written, 1.2 s, 300 MB",),
        *("result of 120 tokens left the window", "noted: Found so far: Fram: The Fram …"),
        *("you: Hurry up.", "2 taken back: duplicate call You have searched for that already."),
        *("no more is looked for: model error", "reads the answer from [2], [1]"),
        *("no answer", "Attempt 2, told: This was tried before."),
        *("run r-1 goes on, up to 16 calls, 60 s, 5000 tokens", "answer: Larvik"),
        "supported by [1], [2]: She was built in Larvik.",
        "supported by no passage: She is blue.",
        "1 calls, 2.0 s, 10 tokens read, 3 written (enough evidence)",
    ):
        assert part in text, part
    assert lines[0] == "Question: Where?"


def test_a_run_that_has_not_ended_says_how_to_go_on(store: RunStore) -> None:
    list(store.record(every_kind("r-1")[:4]))
    assert "miro-edge runs resume r-1" in call("runs", "show", "r-1").stdout


def test_ids_are_whole_in_a_narrow_terminal(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = "20261127-060913-ab12"
    question = "Which engineer, born in Portsmouth, conceived the Great Eastern?"
    started = RunStarted(run, question, "model", "ships", "generic", 0, 8)
    answer = "Isambard Kingdom Brunel, who was born there in 1806"
    ended = RunFinished(run, "answered", answer, (), 1, 12.0, TOKENS, "enough evidence")
    list(store.record([started, ended]))
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal has it
    monkeypatch.setenv("COLUMNS", "80")
    listed = call("runs", "list").stdout
    assert f" {run} " in listed
    assert " answered " in listed


def test_runs_are_found_by_their_question(store: RunStore) -> None:
    for run, question in (("r-1", "Who built the Gjøa?"), ("r-2", "Where is Larvik?")):
        list(store.record([RunStarted(run, question, "model", "ships", "generic", 0, 8)]))
    found = json.loads(call("runs", "list", "--search", "gjøa", "--json").stdout)["runs"]
    assert [run["id"] for run in found] == ["r-1"]
    assert found[0]["parent"] is None
    assert "r-1" not in call("runs", "list", "--search", "Larvik").stdout
    assert call("runs", "list", "--search", "Fram").stdout == "None.\n"


# Exporting


@pytest.mark.parametrize("form", ["json", "chatml", "miroflow", "markdown", "html"])
def test_a_run_is_written_in_other_formats(form: str, store: RunStore, tmp_path: Path) -> None:
    list(store.record(every_kind("r-1")))
    printed = call("runs", "export", "r", "--format", form)
    assert printed.exit_code == 0
    assert "Where?" in printed.stdout
    kept = call("runs", "export", "r-1", "--format", form, "-o", str(tmp_path / "run"))
    assert (kept.exit_code, kept.stdout) == (0, "")
    assert (tmp_path / "run").read_text().strip() == printed.stdout.strip()


def test_a_run_that_is_not_there_is_not_written(home: Path, tmp_path: Path) -> None:
    options = ["--format", "html", "-o", str(tmp_path / "run")]
    assert call("runs", "export", "r-1", *options).exit_code == 1
    assert not (tmp_path / "run").exists()
    assert call("runs", "export", "r-1", "--format", "xml").exit_code == 2


# Removing


@pytest.fixture
def two_runs(store: RunStore) -> None:
    for run in ("r-1", "r-2"):
        list(store.record(every_kind(run)))


def test_runs_are_removed_only_when_that_is_certain(two_runs: None, store: RunStore) -> None:
    result = call("runs", "remove", "r-1", text="y\n")
    assert result.exit_code == 2
    assert "--yes" in said(result)
    assert call("runs", "remove", "--yes", "r-1", "r-3").exit_code == 1
    assert len(store.list()) == 2
    assert call("runs", "remove", "--yes", "r-1").exit_code == 0
    assert [run.id for run in store.list()] == ["r-2"]


@pytest.mark.parametrize(("answer", "left"), [("n", 2), ("y", 0)])
def test_a_person_is_asked_before_runs_are_removed(
    answer: str, left: int, two_runs: None, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.cli.consent.terminal", lambda: 0)
    result = call("runs", "remove", "r-1", "r-2", text=f"{answer}\n")
    assert "r-1 Where?" in said(result)
    assert len(store.list()) == left
    assert result.exit_code == (1 if left else 0)
    assert ("Nothing is deleted" in said(result)) is bool(left)
