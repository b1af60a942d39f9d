"""A run beside the interface: what it tells, and that what is asked of it comes to pass."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_app import QUESTION, SCRIPT, Hold, ScriptedBench
from textual.message import Message

from edge_agent.attachments import named_files
from edge_agent.config import AskSettings, changed, load_config, save_config
from edge_agent.events import ATTACHED, AttachedFile, RunFinished, RunStarted
from edge_agent.extras import Extras
from edge_agent.home import Home
from edge_agent.models import (
    EngineSettings,
    InstalledModel,
    RemoteModel,
    Tuned,
    TunedSettings,
    memory,
    tuned,
)
from edge_agent.models.gguf_file import GgufHeader
from edge_agent.resumption import Limits
from edge_agent.runs import RunStore
from edge_agent.tui import run_thread, workbench
from edge_agent.tui.run_thread import (
    Continuation,
    NewRun,
    Remark,
    RunOver,
    RunTask,
    RunThread,
)
from edge_agent.tui.stoppable_thread import Progressed
from edge_agent.tui.workbench import Loading, ReportProgress, Workbench, WorkbenchTaken

OFFLINE = AskSettings(offline=True)


def carried_out(task: RunTask, bench: Workbench) -> tuple[RunThread, list[Message]]:
    """Carry a task out to its end."""
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    thread = RunThread(task, bench, messages.put)
    thread.start()
    thread.join(300)
    assert not thread.is_alive()
    return thread, [messages.get() for _ in range(messages.qsize())]


@pytest.fixture
def question(place: Home) -> NewRun:
    return NewRun(QUESTION, load_config(place.config).ask)


def test_events_come_in_order_and_the_end_comes_last(place: Home, question: NewRun) -> None:
    thread, messages = carried_out(question, ScriptedBench(place))
    events = thread.take_events()
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert isinstance(messages[0], Progressed)
    assert isinstance(messages[-1], RunOver)
    assert messages[-1].failure is None
    assert thread.take_events() == []


def test_it_is_told_of_events_once_until_they_are_taken(place: Home, question: NewRun) -> None:
    _, messages = carried_out(question, ScriptedBench(place))
    kinds = [type(message).__name__ for message in messages]
    assert kinds.count("EventsReady") == 1


def test_what_is_got_ready_can_be_stopped(place: Home, question: NewRun) -> None:
    class Slow(ScriptedBench):
        def model(
            self, name: str, report: ReportProgress, *, offline: bool
        ) -> InstalledModel | RemoteModel:
            thread.stop()
            report("Downloading", 1, 2)
            raise AssertionError("it goes on")

    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    thread = RunThread(question, Slow(place), messages.put)
    thread.start()
    thread.join(30)
    over = [messages.get() for _ in range(messages.qsize())][-1]
    assert isinstance(over, RunOver)
    assert over.failure is None
    assert RunStore(place.runs).list() == ()


def test_answer_now_before_there_is_an_agent_counts(place: Home, question: NewRun) -> None:
    bench = ScriptedBench(place, scripts=[[]])
    thread = RunThread(question, bench, lambda _: None)
    thread.answer_now()
    thread.start()
    thread.join(30)
    finished = thread.take_events()[-1]
    assert isinstance(finished, RunFinished)
    assert finished.reason == "interrupted"


def test_a_pause_costs_no_time(place: Home, question: NewRun) -> None:
    hold = Hold(" birthplace")
    thread = RunThread(question, ScriptedBench(place, before_line=hold), lambda _: None)
    thread.start()
    assert hold.reached.wait(30)
    thread.pause()
    hold.free.set()
    thread.join(0.5)
    assert thread.is_alive()
    assert thread.paused
    thread.go_on()
    thread.join(30)
    assert isinstance(thread.take_events()[-1], RunFinished)


def test_the_web_is_there_if_it_is_wanted(place: Home, question: NewRun) -> None:
    wanted = question.wanted.model_copy(update={"web": True, "offline": True})
    thread, _ = carried_out(NewRun(QUESTION, wanted), ScriptedBench(place))
    started = thread.take_events()[0]
    assert isinstance(started, RunStarted)
    assert started.web
    assert (place.web / "cache.db").is_file()


def test_what_the_web_lacks_is_one_sentence(place: Home, question: NewRun) -> None:
    config = changed(load_config(place.config), "web.engine", "serper")
    save_config(config, place.config)
    wanted = question.wanted.model_copy(update={"web": True, "offline": False})
    _, messages = carried_out(NewRun(QUESTION, wanted), ScriptedBench(place))
    assert isinstance(messages[-1], RunOver)
    assert "The search engine serper wants a key" in str(messages[-1].failure)


def test_two_cannot_have_the_workbench(place: Home, question: NewRun) -> None:
    bench = ScriptedBench(place)
    with bench.taken():
        _, messages = carried_out(question, bench)
        with pytest.raises(WorkbenchTaken), bench.taken():
            pass
    assert isinstance(messages[-1], RunOver)
    assert "still being done" in str(messages[-1].failure)
    carried_out(question, bench)


def test_a_run_that_is_not_there_is_one_sentence(place: Home) -> None:
    _, messages = carried_out(Continuation("nothing", Limits(), OFFLINE), ScriptedBench(place))
    assert isinstance(messages[-1], RunOver)
    assert "is not in the store" in str(messages[-1].failure)


def test_a_library_that_is_gone_is_one_sentence(place: Home, question: NewRun) -> None:
    wanted = question.wanted.model_copy(update={"libraries": ("gone",)})
    _, messages = carried_out(NewRun(QUESTION, wanted), ScriptedBench(place))
    assert isinstance(messages[-1], RunOver)
    assert "There is no library 'gone'" in str(messages[-1].failure)


def test_a_run_that_was_asked_about_a_file_goes_on_with_it(place: Home, tmp_path: Path) -> None:
    path = tmp_path / "gjoa.md"
    path.write_text("# Gjøa\n\nThe Gjøa was built at Rosendal in 1872.\n")
    for run in ("r-1", "r-2"):
        begun = RunStarted(run, "Where was the Gjøa built?", "scripted", ATTACHED, "edge", 0, 2)
        begun = replace(begun, files=named_files([str(path)]), model_source="http://127.0.0.1:9/v1")
        with closing(RunStore(place.runs)) as store:
            list(store.record(iter([begun])))
    script = ["built at Rosendal", "I have what I need.", "Rosendal}"]
    bench = ScriptedBench(place, scripts=[script])
    thread, _ = carried_out(Continuation("r-1", Limits(), OFFLINE), bench)
    finished = thread.take_events()[-1]
    assert isinstance(finished, RunFinished)
    assert [citation.library for citation in finished.citations] == [ATTACHED]
    path.unlink()
    _, messages = carried_out(Continuation("r-2", Limits(), OFFLINE), bench)
    assert isinstance(messages[-1], RunOver)
    assert f"{path} is not there" in str(messages[-1].failure)


@pytest.mark.parametrize(
    ("lost", "lacks"),
    [("tools", "There is no tool 'weather'"), ("web", "wants a key"), ("files", "is not there")],
)
def test_what_a_run_began_with_is_missed_before_its_model_is_got_ready(
    lost: str, lacks: str, place: Home, tmp_path: Path
) -> None:
    class Unready(ScriptedBench):
        def model(
            self, name: str, report: ReportProgress, *, offline: bool
        ) -> InstalledModel | RemoteModel:
            raise AssertionError("the model is got ready first")

    save_config(changed(load_config(place.config), "web.engine", "serper"), place.config)
    gone = AttachedFile(str(tmp_path / "gone.md"), "0" * 64)
    values = {"tools": ("weather",), "web": True, "files": (gone,)}
    begun = RunStarted("r-1", QUESTION, "scripted", "ships", "edge", 0, 2)
    begun = replace(begun, model_source="http://127.0.0.1:9/v1", libraries=("ships",))
    with closing(RunStore(place.runs)) as store:
        list(store.record(iter([replace(begun, **{lost: values[lost]})])))  # type: ignore[arg-type]
    task = Continuation("r-1", Limits(), AskSettings())
    _, messages = carried_out(task, Unready(place))
    assert isinstance(messages[-1], RunOver)
    assert lacks in str(messages[-1].failure)


def test_a_run_goes_on_with_the_model_in_memory_as_the_settings_say(
    place: Home, question: NewRun
) -> None:
    bench = ScriptedBench(place, scripts=[["designed by Colin Archer", "no option has this"]])
    thread, _ = carried_out(question, bench)
    started = thread.take_events()[0]
    assert isinstance(started, RunStarted)
    bench.scripts = [list(SCRIPT)]
    wanted = question.wanted.model_copy(update={"kv_type": "q8_0", "mlock": True, "context": 512})
    carried_out(Continuation(started.run, Limits(), wanted), bench)
    assert bench.loading == Loading(started.context, "q8_0", lock=True)


# What ought to be known


def remarks(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages if isinstance(message, Remark)]


def test_what_is_left_out_of_the_tools_is_remarked(
    place: Home, question: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened(*_: Any, **__: Any) -> Iterator[Extras]:
        yield Extras(remarks=("The server weather lends 2 of its tools.",))

    monkeypatch.setattr(run_thread, "open_extras", opened)
    _, messages = carried_out(question, ScriptedBench(place))
    assert "The server weather lends 2 of its tools." in remarks(messages)


def test_that_there_is_no_searching_by_meaning_is_remarked(place: Home, question: NewRun) -> None:
    _, messages = carried_out(question, ScriptedBench(place))
    (remark,) = remarks(messages)
    assert remark.startswith("Searching by words alone.")
    told = [message.doing for message in messages if isinstance(message, Progressed)]
    assert remark not in told  # which the next one would push away


def test_a_file_that_has_changed_since_the_run_began_is_remarked(
    place: Home, tmp_path: Path
) -> None:
    path = tmp_path / "gjoa.md"
    path.write_text("# Gjøa\n\nThe Gjøa was built at Rosendal in 1872.\n")
    begun = RunStarted("r-1", "Where was the Gjøa built?", "scripted", ATTACHED, "edge", 0, 2)
    begun = replace(begun, files=named_files([str(path)]), model_source="http://127.0.0.1:9/v1")
    with closing(RunStore(place.runs)) as store:
        list(store.record(iter([begun])))
    path.write_text("# Gjøa\n\nThe Gjøa was built at Rosendal, we think.\n")
    _, messages = carried_out(Continuation("r-1", Limits(), OFFLINE), ScriptedBench(place))
    assert any(
        text.startswith(f"{path} has changed since the run began") for text in remarks(messages)
    )


# The model in memory


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[EngineSettings]:
    """What models are loaded with, one after the other; each takes most of the memory there is."""
    loads: list[EngineSettings] = []
    held: list[object] = []

    @contextmanager
    def opened(_: InstalledModel, settings: EngineSettings) -> Iterator[object]:
        loads.append(settings)
        held.append(settings)
        yield object()
        held.pop()

    monkeypatch.setattr(workbench, "open_session", opened)
    for module in (memory, tuned):
        monkeypatch.setattr(module, "free_memory", lambda: 100_000_000 if held else 10**10)
    return loads


@pytest.fixture
def model(tmp_path: Path) -> InstalledModel:
    """A model that fits as long as nothing else is in memory."""
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    header = GgufHeader("llama", "model", 4096, 30, 9, 3, 576, 49152)
    return InstalledModel("model", path, 10**9, None, "MIT", "generic", header)


def test_what_is_in_memory_does_not_count_against_itself(
    place: Home, model: InstalledModel, loads: list[EngineSettings]
) -> None:
    bench = Workbench(place)
    TunedSettings(place.tuning).keep(model, Tuned(2, 256, "f16", repack=True))
    first = bench.session(model, Loading(2048, None, lock=False))
    assert bench.session(model, Loading(2048, None, lock=False)) is first
    assert [(each.kv_type, each.repack) for each in loads] == [("f16", True)]
    bench.session(model, Loading(1024, None, lock=False))
    assert [(each.kv_type, each.repack) for each in loads[1:]] == [("f16", True)]


@pytest.mark.parametrize(
    "other",
    [
        Loading(1024, None, lock=False),
        Loading(2048, "q8_0", lock=False),
        Loading(2048, None, lock=True),
    ],
)
def test_what_is_wanted_otherwise_is_loaded_anew(
    place: Home, model: InstalledModel, loads: list[EngineSettings], other: Loading
) -> None:
    bench = Workbench(place)
    for loading in (Loading(2048, None, lock=False), other, other):
        bench.session(model, loading)
    assert len(loads) == 2
    assert (loads[1].context, loads[1].lock) == (other.context, other.lock)


def test_what_was_tuned_meanwhile_is_loaded_anew(
    place: Home, model: InstalledModel, loads: list[EngineSettings]
) -> None:
    bench = Workbench(place)
    bench.session(model, Loading(2048, None, lock=False))
    TunedSettings(place.tuning).keep(model, Tuned(2, 64, "f16", repack=False))
    bench.session(model, Loading(2048, None, lock=False))
    assert [each.batch for each in loads] == [128, 64]


@pytest.mark.slow
def test_the_model_is_loaded_once(place: Home, smollm2: Path, question: NewRun) -> None:
    bench = Workbench(place)
    wanted = question.wanted.model_copy(update={"model": str(smollm2), "max_calls": 1})
    carried_out(NewRun(QUESTION, wanted), bench)
    first = bench._session
    thread, messages = carried_out(NewRun("Where was the Fram built?", wanted), bench)
    assert bench._session is first
    assert isinstance(messages[-1], RunOver)
    assert messages[-1].failure is None
    assert isinstance(thread.take_events()[-1], RunFinished)
    bench.let_go()
