"""The interface line by line: what is written, what is said, and that nothing breaks it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
from scripted_app import QUESTION, SCRIPT, ScriptedBench, store_run

from edge_agent.config import Config, load_config, save_config
from edge_agent.errors import AgentError
from edge_agent.events import RunFinished, RunStarted, Status, TokenCounts
from edge_agent.home import HOME_VARIABLE, Home
from edge_agent.index import LibraryError
from edge_agent.models import ModelError
from edge_agent.runs import RunStore
from edge_agent.tui import plain
from edge_agent.tui.plain import Conversation
from edge_agent.tui.run_thread import RunThread
from edge_agent.tui.stoppable_thread import Progressed

ENOUGH = ["designed by Colin Archer", "Missing:", " birthplace\n", "Archer}"]
COMMAND = (sys.executable, "-m", "edge_agent.cli", "tui", "--plain")
PATIENCE = 120
"""Times that a terminal is listened to, a second at most, before it is given up."""


@dataclass
class Talk:
    """A conversation, and what was said in it."""

    conversation: Conversation
    bench: ScriptedBench
    store: RunStore
    capsys: pytest.CaptureFixture[str]

    def write(self, line: str) -> list[str]:
        """Write a line, and return the lines that are said."""
        self.conversation.take(line)
        return self.capsys.readouterr().out.splitlines()


@pytest.fixture
def talk(place: Home, capsys: pytest.CaptureFixture[str]) -> Iterator[Talk]:
    bench = ScriptedBench(place)
    with closing(RunStore(place.runs)) as store:
        conversation = Conversation(place, store, bench, load_config(place.config))
        yield Talk(conversation, bench, store, capsys)


@dataclass
class Interrupts:
    """Presses Ctrl+C before the model writes a line that has some words in it."""

    times: int
    seen: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        if "birthplace" in line and not self.seen:
            for number in range(1, self.times + 1):
                os.kill(os.getpid(), signal.SIGINT)
                while len(self.seen) < min(number, 2):  # until the main thread has seen this one
                    time.sleep(0.01)


@pytest.fixture
def interrupted(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the next run interrupted so many times."""

    def interrupted(times: int) -> None:
        interrupts = Interrupts(times)
        talk.bench.before_line = interrupts
        for name in ("answer_now", "stop"):
            monkeypatch.setattr(RunThread, name, noted(name, getattr(RunThread, name), interrupts))

    def noted(
        name: str, real: Callable[[RunThread], None], interrupts: Interrupts
    ) -> Callable[[RunThread], None]:
        def note(thread: RunThread) -> None:
            real(thread)
            interrupts.seen.append(name)

        return note

    return interrupted


RUN = "20200101-000000-0000"


def started(question: str = QUESTION) -> RunStarted:
    """A run that cannot be gone on with: it does not say what it was made with."""
    return RunStarted(RUN, question, "model", "ships", "plain", 0, 5)


def finished(status: Status, answer: str | None, reason: str) -> RunFinished:
    return RunFinished(RUN, status, answer, (), 0, 1.0, TokenCounts(1, 1, 1), reason)


# Questions


def test_a_question_is_answered_with_sources(talk: Talk) -> None:
    said = talk.write(QUESTION)
    assert said[0] == "Getting ready"
    assert "call of search: query: Colin Archer birthplace" in said
    assert "Answer: Larvik" in said
    source = next(line for line in said if line.startswith("Source "))
    assert "supports the answer: Colin Archer" in source
    assert source.endswith("Colin Archer was born in Larvik.")
    assert said[-1] == f"Run {talk.store.list()[0].id}"


def test_spaces_between_words_are_one(talk: Talk) -> None:
    talk.write(f"  {QUESTION.replace(' ', '   ')} ")
    assert talk.store.list()[0].question == QUESTION


@pytest.mark.parametrize("line", ["", "  ", "\t"])
def test_an_empty_line_does_nothing(talk: Talk, line: str) -> None:
    assert talk.write(line) == []


def test_two_questions_use_the_same_workbench(talk: Talk) -> None:
    talk.bench.scripts = [list(SCRIPT), list(SCRIPT)]
    assert "Answer: Larvik" in talk.write(QUESTION)
    assert "Answer: Larvik" in talk.write(QUESTION)
    assert talk.bench.opened == 2


def test_a_fault_in_the_program_is_told_and_the_conversation_goes_on(talk: Talk) -> None:
    talk.bench.scripts = [["no option has this"], list(SCRIPT)]
    said = talk.write(QUESTION)
    assert any(line.startswith("A fault in the program: ") for line in said)
    assert said[-1] == f"Go on with it: /resume {talk.store.list()[0].id}"
    assert "Answer: Larvik" in talk.write(QUESTION)


@pytest.mark.parametrize(
    "error",
    [
        ModelError("The model does not fit into memory. Use a smaller one."),
        LibraryError("The library is damaged. Index it again."),
        AgentError("The profile is unknown."),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(talk.bench, "libraries", broken)
    assert talk.write(QUESTION) == ["Getting ready", str(error)]


def test_a_slip_in_a_librarys_name_is_one_sentence(talk: Talk) -> None:
    talk.write("/set ask.libraries shisp")
    said = talk.write(QUESTION)
    assert said[0] == "Getting ready"
    assert said[1].startswith("There is no library 'shisp', ")
    assert "Did you mean: ships?" in said[1]
    assert len(said) == 2


def test_a_failed_run_has_no_answer_and_can_be_gone_on_with(talk: Talk, place: Home) -> None:
    store_run(place, [started(), finished("failed", None, "the plug was pulled")])
    said = talk.write(f"/open {RUN}")
    assert "run ended: failed: the plug was pulled" in said
    assert not any(line.startswith("Answer") for line in said)


# Ctrl+C


def test_ctrl_c_once_answers_from_what_was_found(
    talk: Talk, interrupted: Callable[[int], None]
) -> None:
    talk.bench.scripts = [list(ENOUGH)]
    interrupted(1)
    said = talk.write(QUESTION)
    assert "Answering from what was found. Ctrl+C again stops." in said
    assert any(line.startswith("Answer: ") for line in said)
    assert talk.store.list()[0].status == "partial"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_stops_and_the_run_can_be_gone_on_with(
    talk: Talk, interrupted: Callable[[int], None]
) -> None:
    talk.bench.scripts = [list(SCRIPT), list(SCRIPT)]
    interrupted(2)
    said = talk.write(QUESTION)
    (run,) = talk.store.list()
    assert said[-2:] == ["Stopped.", f"Go on with it: /resume {run.id}"]
    assert run.status == "interrupted"
    talk.bench.before_line = lambda line: None
    assert "Answer: Larvik" in talk.write(f"/resume {run.id}")
    assert talk.store.list()[0].status == "answered"


def test_a_third_ctrl_c_leaves(talk: Talk, interrupted: Callable[[int], None]) -> None:
    interrupted(3)
    with pytest.raises(KeyboardInterrupt):
        talk.write(QUESTION)


def test_a_run_ends_when_nobody_reads_what_is_said(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", closed)
    with pytest.raises(BrokenPipeError):
        talk.write(QUESTION)
    assert all(run.status != "answered" for run in talk.store.list())


# What is typed while it works


@pytest.fixture
def typed(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Have lines typed in a terminal when the model is about to write something."""
    person, program = pty.openpty()
    monkeypatch.setattr(plain, "terminal", lambda: program)

    def typed(before: str, lines: str) -> None:
        left = [lines]

        def before_line(line: str) -> None:
            if before in line and left:
                os.write(person, left.pop().encode())
                while select.select([program], [], [], 0.2)[0]:
                    pass
                time.sleep(0.3)  # read, and about to be told

        talk.bench.before_line = before_line

    yield typed
    for end in (person, program):
        os.close(end)


def test_a_line_that_is_typed_while_it_works_is_said_to_the_model(
    talk: Talk, typed: Callable[[str, str], None]
) -> None:
    typed("birthplace", "Look for his town.\n/quit\n")
    said = talk.write(QUESTION)
    assert "The model will hear it before its next step." in said
    assert "A run goes on: write commands when it has ended. Ctrl+C twice stops it." in said
    assert "user: Look for his town." in said
    assert "Answer: Larvik" in said
    assert len(talk.store.list()) == 1


def test_what_is_typed_too_late_is_said_again(
    talk: Talk, typed: Callable[[str, str], None]
) -> None:
    typed("Larvik}", "Look for his town.\n")
    said = talk.write(QUESTION)
    assert "user: Look for his town." not in said
    assert said[-1] == "The run ended before it heard: Look for his town."


def test_what_is_typed_before_the_run_begins_can_be_said_again(
    talk: Talk, typed: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed("Getting ready", "Look for his town.\n")
    opened = talk.bench.session

    def slow(*given: Any) -> Any:
        talk.bench.before_line("Getting ready")
        return opened(*given)

    monkeypatch.setattr(talk.bench, "session", slow)
    said = talk.write(QUESTION)
    assert "The run has not begun yet. Say it again in a moment." in said
    assert talk.store.unheard(talk.store.list()[0].id) == ()


# Commands


def test_help_names_every_command(talk: Talk) -> None:
    said = talk.write("/help")
    for command in ("/runs", "/open", "/resume", "/libraries", "/models", "/set", "/unset"):
        assert any(line.startswith(command) for line in said)


@pytest.mark.parametrize("line", ["/", "/runz", "/etc/passwd is what?", "/Help"])
def test_an_unknown_command(talk: Talk, line: str) -> None:
    (said,) = talk.write(line)
    assert said == f"There is no command {line.split(maxsplit=1)[0]}. /help lists them."


def test_runs_are_listed(talk: Talk) -> None:
    assert talk.write("/runs") == ["There are no runs yet."]
    talk.write(QUESTION)
    (run,) = talk.store.list()
    assert talk.write("/runs") == [f"{run.id}, answered: {QUESTION} Answer: Larvik"]


def test_a_run_is_opened_by_the_beginning_of_its_id(talk: Talk) -> None:
    live = talk.write(QUESTION)
    (run,) = talk.store.list()
    said = talk.write(f"/open {run.id[:10]}")
    assert said[0] == f"Question: {QUESTION}"
    getting_ready = ("Getting", "Loading", "Searching")
    assert said[1:] == [line for line in live if not line.startswith(getting_ready)]


def test_a_run_that_has_not_ended_says_so(talk: Talk, place: Home) -> None:
    store_run(place, [started()])
    said = talk.write("/open 2020")
    assert said[-1] == f"This run has not ended. Go on with it: /resume {RUN}"


@pytest.mark.parametrize("command", ["/open", "/resume"])
def test_a_run_has_to_be_named(talk: Talk, command: str) -> None:
    assert talk.write(command) == ["Write the id of a run after it. /runs lists them."]


@pytest.mark.parametrize("command", ["/open", "/resume"])
def test_an_unknown_run_is_one_sentence(talk: Talk, command: str) -> None:
    with pytest.raises(AgentError, match="The run '1999' is not in the store"):
        talk.write(f"{command} 1999")


def test_an_answered_run_is_not_gone_on_with(talk: Talk) -> None:
    talk.write(QUESTION)
    (run,) = talk.store.list()
    said = talk.write(f"/resume {run.id}")
    assert f"The run {run.id} was answered." in said[-1]


@pytest.mark.parametrize("calls", ["0", "-1", "many", "1.5", "²"])
def test_calls_are_a_whole_number(talk: Talk, place: Home, calls: str) -> None:
    store_run(place, [started()])
    (said,) = talk.write(f"/resume 2020 {calls}")
    assert said == f"{calls} is no number of calls. Write a whole number, from 1."


def test_a_run_that_cannot_be_opened_again_is_one_sentence(talk: Talk, place: Home) -> None:
    store_run(place, [started()])
    said = talk.write("/resume 2020")
    assert "does not say how to open its model" in said[-1]


def test_a_run_at_its_limit_is_gone_on_with_more_calls(talk: Talk) -> None:
    found = ["Nothing here helps.", " birthplace\n", ">search<"]
    found += ["born in Larvik", "I have what I need.", "Larvik}"]
    talk.bench.scripts = [["designed by Colin Archer", "Missing:", "Archer}"], found]
    talk.write("/set ask.max_calls 1")
    talk.write(QUESTION)
    (run,) = talk.store.list()
    assert run.status == "partial"
    assert "may look no further" in talk.write(f"/resume {run.id}")[-1]
    assert "allowed: up to 5 calls an attempt" in talk.write(f"/resume {run.id} 5")
    assert talk.store.list()[0].status == "answered"


def test_libraries_are_listed(talk: Talk) -> None:
    assert talk.write("/libraries") == ["sample", "ships, in use"]


def test_models_are_listed(talk: Talk) -> None:
    said = talk.write("/models")
    assert any(line.startswith("qwen2.5-coder-1.5b, not here: ") for line in said)
    assert said[-1] == "http://127.0.0.1:9/v1#scripted, in use"


# Settings


def test_a_setting_holds_from_the_next_question_on(talk: Talk, place: Home) -> None:
    assert talk.write("/set ask.seed 7") == ["ask.seed is now 7."]
    assert load_config(place.config).ask.seed == 7
    talk.write(QUESTION)
    first = talk.store.events(talk.store.list()[0].id)[0]
    assert isinstance(first, RunStarted)
    assert first.seed == 7


def test_a_value_may_have_spaces_in_it(talk: Talk, place: Home) -> None:
    talk.write("/set ask.libraries ships, /two  spaces")
    assert load_config(place.config).ask.libraries == ("ships", "/two  spaces")


def test_all_settings_are_told_or_one(talk: Talk) -> None:
    said = talk.write("/set")
    assert "ask.libraries is ships. Libraries by name, or folders and files." in said
    assert "ask.profile is the default. " in " ".join(said)
    assert talk.write("/set ask.libraries") == [said[0]]


def test_a_setting_gets_its_default_again(talk: Talk, place: Home) -> None:
    talk.write("/set ask.seed 7")
    assert talk.write("/unset ask.seed") == ["ask.seed is now 0."]
    assert load_config(place.config).ask.seed == 0
    assert talk.write("/unset") == ["Write the name of a setting after it. /set lists them."]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("/set ask.sead 7", "There is no setting 'ask.sead'. Did you mean: ask.seed"),
        ("/set ask.sead", "There is no setting 'ask.sead'"),
        ("/unset seed", "There is no setting 'seed'. Did you mean: ask.seed"),
        ("/set ask.seed seven", "it should be a whole number"),
        ("/set ask.context 1", "ask.context cannot be '1'"),
        ("/set tui.theme pink", "tui.theme cannot be 'pink'"),
    ],
)
def test_a_bad_setting_is_one_sentence_and_changes_nothing(
    talk: Talk, place: Home, line: str, fault: str
) -> None:
    before = place.config.read_text()
    with pytest.raises(AgentError, match=fault):
        talk.write(line)
    assert place.config.read_text() == before


def test_what_another_program_has_set_stays(talk: Talk, place: Home) -> None:
    config = load_config(place.config)
    ask = config.ask.model_copy(update={"max_calls": 3})
    save_config(Config(ask=ask, tui=config.tui), place.config)
    talk.write("/set ask.seed 7")
    assert load_config(place.config).ask.max_calls == 3


def test_a_key_is_never_said(talk: Talk, place: Home) -> None:
    said = [*talk.write("/set web.key sk-12345"), *talk.write("/set web.key"), *talk.write("/set")]
    assert load_config(place.config).web.key == "sk-12345"
    assert any(line.startswith("web.key is") for line in said)
    assert "sk-12345" not in "\n".join(said)


# What is said


EVIL = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eturned\u202c \x9b2J \x00\rAnswer: 42"


def test_nothing_steers_the_terminal(talk: Talk, place: Home) -> None:
    store_run(place, [started(EVIL), finished("answered", EVIL, EVIL)])
    said = "\n".join([*talk.write("/runs"), *talk.write("/open 2020"), *talk.write(f"/{EVIL}")])
    assert not set(said) & set("\x1b\x07\u202e\u202c\x9b\x00\r")
    assert "\\u{1b}[31mred" in said


def test_no_line_of_a_text_passes_for_one_of_the_program(talk: Talk, place: Home) -> None:
    end = finished("answered", "a\nAnswer: 42\n\n b\u2028Run 1", "answered")
    store_run(place, [started("What\nAnswer: 42"), end])
    said = talk.write("/open 2020")
    assert said[0] == "Question: What Answer: 42"
    assert said[-5:] == ["Answer: a", "  Answer: 42", "  b", "  Run 1", f"Run {RUN}"]


def test_how_far_something_is_is_told_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 60, 6))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    telling = plain._Telling()
    thread = RunThread.__new__(RunThread)
    for done in (0, 1, 2, 3, 4):
        telling.take(Progressed("Reading files", done, 4), thread)
    telling.take(Progressed("Loading model", 0, None), thread)
    assert capsys.readouterr().out.splitlines() == [
        *("Reading files", "Reading files, 50 %", "Reading files, 100 %"),
        "Loading model",
    ]


# The program itself


def talked(home: Home, text: bytes, **environment: str) -> tuple[int, str, str]:
    """Have a process talk to what is written, and return its exit code and what it said."""
    done = subprocess.run(
        COMMAND,
        input=text,
        capture_output=True,
        check=False,
        env={**os.environ, HOME_VARIABLE: str(home.root), **environment},
        timeout=120,
    )
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in err
    return done.returncode, out, err


GREETING = "miro-edge, line by line. /help lists what can be written.\n"


def test_the_end_of_input_is_the_end(place: Home) -> None:
    assert talked(place, b"") == (0, GREETING, "")


@pytest.mark.parametrize("line", [b"/quit\n", b"  /quit  \n", b"/quit now\n", b"/quit"])
def test_quit_leaves_what_follows_unread(place: Home, line: bytes) -> None:
    assert talked(place, line + b"/runs\n" * (b"\n" in line)) == (0, GREETING, "")


def test_failures_are_sentences_and_the_conversation_goes_on(place: Home) -> None:
    lines = f"/open 1\n/set ask.sead 1\n/bogus\n{QUESTION}\n/libraries\n"
    code, out, err = talked(place, lines.encode())
    said = out.splitlines()
    assert (code, err) == (0, "")
    assert said[1].startswith("The run '1' is not in the store.")
    assert said[2].startswith("There is no setting 'ask.sead'.")
    assert said[3].startswith("There is no command /bogus.")
    assert any("127.0.0.1:9" in line for line in said[4:])  # no server listens there
    assert said[-2:] == ["sample", "ships, in use"]
    assert "Question: " not in out


def test_text_that_is_no_utf8_is_put_up_with(place: Home) -> None:
    code, out, err = talked(place, b"/caf\xe9 \xff\n/libraries\n")
    assert (code, err) == (0, "")
    assert "There is no command /caf\ufffd." in out


def test_a_terminal_without_unicode_is_put_up_with(place: Home) -> None:
    store_run(place, [started("Ω?")])
    code, out, err = talked(place, b"/runs\n", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert (code, err) == (0, "")
    assert out.endswith(f"{RUN}, interrupted: \\u03a9?\n")


def test_nobody_reads_what_is_said(place: Home) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        COMMAND, input=b"/help\n", stdout=writing, stderr=subprocess.PIPE, check=False,
        env={**os.environ, HOME_VARIABLE: str(place.root)}, timeout=60,
    )  # fmt: skip
    os.close(writing)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1


def test_standard_input_may_be_closed(place: Home) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *COMMAND], capture_output=True, text=True, check=False,
        env={**os.environ, HOME_VARIABLE: str(place.root)}, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, GREETING, "")


def test_broken_settings_are_one_sentence(place: Home) -> None:
    place.config.write_text("[ask]\ncontext = 1\n")
    code, out, err = talked(place, b"/help\n")
    assert (code, out) == (1, "")
    assert err.startswith("miro-edge: ask.context in ")


def test_serve_and_plain_exclude_each_other(place: Home) -> None:
    done = subprocess.run([*COMMAND, "--serve"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "exclude each other" in done.stderr


@dataclass
class Terminal:
    """A process in a terminal of its own."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""

    def until(self, text: str, pressing: str = "") -> None:
        """Read what it says up to a text, and press keys again now and then while it is silent.

        A Ctrl+C in the instant between the prompt and the reading is noticed at the next key.
        """
        for _ in range(PATIENCE):
            if text in self.seen:
                self.seen = self.seen.partition(text)[2]
                return
            if select.select([self.master], [], [], 1)[0]:
                self.seen += os.read(self.master, 4096).decode()
            else:
                self.write(pressing)
        pytest.fail(f"waited for {text!r}, and there was: {self.seen!r}")

    def write(self, text: str) -> None:
        os.write(self.master, text.encode())


@pytest.fixture
def terminal(place: Home) -> Iterator[Terminal]:
    """The program in a terminal that is called dumb: nobody has to ask for plain lines."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        COMMAND[:-1], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        preexec_fn=lambda: _control(slave),  # noqa: PLW1509
        env={**os.environ, HOME_VARIABLE: str(place.root), "TERM": "dumb"},
    )  # fmt: skip
    os.close(slave)
    yield Terminal(process, master)
    process.kill()
    process.wait()
    os.close(master)


def _control(slave: int) -> None:
    """Make a terminal the one whose Ctrl+C reaches this process."""
    os.close(os.open(os.ttyname(slave), os.O_RDWR))


def test_a_terminal_is_asked_with_a_prompt(terminal: Terminal) -> None:
    terminal.until("Question: ")
    terminal.write("/libraries\n")
    terminal.until("ships, in use\r\nQuestion: ")
    terminal.write("half a question\x03")
    terminal.until("/quit leaves.\r\nQuestion: ", pressing="\x03")
    terminal.write("\x04")
    assert terminal.process.wait(20) == 0


def test_quit_in_a_terminal(terminal: Terminal) -> None:
    terminal.until("Question: ")
    terminal.write("/quit\n")
    assert terminal.process.wait(20) == 0


# With a real model


@pytest.fixture
def real(place: Home, smollm2: Path) -> Home:
    """The home with the smallest real model, and searching by words."""
    config = load_config(place.config)
    ask = config.ask.model_copy(update={"model": str(smollm2)})
    save_config(Config(ask=ask, tui=config.tui), place.config)
    return place


def interrupt_after(home: Home, beginnings: list[str]) -> tuple[int, list[str], str]:
    """Ask, and press Ctrl+C after a line that begins so, and again after the next one."""
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, HOME_VARIABLE: str(home.root)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{QUESTION}\n/runs\n")
    process.stdin.close()
    said, left = [], list(beginnings)
    for line in process.stdout:
        said.append(line.rstrip("\n"))
        if left and line.startswith(left[0]):
            left.pop(0)
            process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    return process.wait(60), said, process.stderr.read()


@pytest.mark.slow
def test_a_real_model_answers_at_one_ctrl_c(real: Home) -> None:
    code, said, err = interrupt_after(real, ["result: "])
    assert (code, err) == (0, "")
    assert "Answering from what was found. Ctrl+C again stops." in said
    assert any(line.startswith("Answer: ") for line in said)
    with closing(RunStore(real.runs)) as store:
        assert store.list()[0].status in {"partial", "not_found"}


@pytest.mark.slow
def test_a_real_model_stops_at_two(real: Home) -> None:
    code, said, err = interrupt_after(real, ["Loading", "Answering"])
    assert (code, err) == (0, "")
    assert "Stopped." in said
    with closing(RunStore(real.runs)) as store:
        (run,) = store.list()
    assert run.status == "interrupted"
    assert f"Go on with it: /resume {run.id}" in said
    code, out, err = talked(real, f"/resume {run.id}\n".encode())
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == f"Run {run.id}"


@pytest.mark.slow
def test_three_leave_at_once(real: Home) -> None:
    code, _, err = interrupt_after(real, ["Loading", "Answering", "Stopping"])
    assert (code, err.strip()) in {(130, "miro-edge: interrupted"), (0, "")}  # it may be faster
