"""A run that is killed goes on where it was: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from word_session import WordSession

from edge_agent.agent import Agent, AgentSettings
from edge_agent.events import (
    AttemptStarted,
    Event,
    EvidenceAdded,
    NoteWritten,
    Nudged,
    RunFinished,
    RunResumed,
    SpanCut,
    StepMeasured,
    TextAppeared,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnRolledBack,
    TurnStarted,
)
from edge_agent.index import Collection, Library
from edge_agent.models import (
    AnySession,
    Choose,
    EngineSettings,
    Force,
    Sample,
    Span,
    SpanKind,
)
from edge_agent.profiles import Profile, load_profile
from edge_agent.runs import RunStore

RUN = "r-1"
QUESTION = "In which town was the builder of the Seagull 7 born?"
SETTINGS = AgentSettings(attempts=3, vote=True)
NO_TOKENS = TokenCounts(0, 0, 0)


@dataclass
class SteadySession(WordSession):
    """A model whose text follows from the step and the plan alone."""

    context: int = 800

    def append(self, kind: SpanKind, text: str, *, trusted: bool = False) -> Span:
        tokens = self.count(text)
        assert tokens <= self.room, f"a {kind} of {tokens} does not fit {self.room}"
        return super().append(kind, text, trusted=trusted)

    def write(self, planned: Force | Choose | Sample, seed: int) -> str:
        step = seed % 100_003
        if isinstance(planned, Force):
            return planned.text
        if isinstance(planned, Sample):
            return self._sampled(planned, step)
        if "Missing:" in planned.options:  # after 24 steps it has enough
            return planned.options[1 if step % 24 == 0 else 0]
        reads = [option for option in planned.options if "<tool_name>read<" in option]
        return reads[0] if reads and step % 5 == 0 else planned.options[step % len(planned.options)]

    def _sampled(self, planned: Sample, step: int) -> str:
        if planned.grammar is not None:  # what to read: often the same again, or what is nowhere
            return json.dumps({"passage": 1 + step // 10, "about": "x" * (step % 4)})
        if "}" not in planned.stop:
            return f" the Seagull {step}\n"
        towns = re.findall(r"born in (Town \d+)", "\n".join(span.text for span in self.spans))
        return f"{towns[-1]}}}" if towns else "not found}"


def led_for_long(*, reading_at_end: bool) -> Profile:
    """Return a profile that gives up late and whose results are small."""
    generic = load_profile("generic")
    reading = generic.reading.model_copy(update={"at_end": reading_at_end})
    return generic.model_copy(
        update={
            "gathering": generic.gathering.model_copy(update={"calls": 60, "result_tokens": 60}),
            "reading": reading,
            "guarding": generic.guarding.model_copy(update={"patience": 60}),
        }
    )


def make_library(folder: Path) -> Path:
    """Make a library of sixty ships and their builders, and return where it is."""
    documents = folder / "documents"
    documents.mkdir()
    for number in range(60):
        (documents / f"ship-{number}.md").write_text(
            f"# Seagull {number}\n\nThe Seagull {number} was built by Ada Berg the {number}th. "
            f"She was launched in {1800 + number}."
        )
        (documents / f"builder-{number}.md").write_text(
            f"# Ada Berg the {number}th\n\nAda Berg the {number}th was born in Town {number}."
        )
    with closing(Library(folder / "ships")) as library:
        library.add([documents])
    return folder / "ships"


def work(
    session: AnySession, profile: Profile, settings: AgentSettings, store: Path, library: Path
) -> Iterator[Event]:
    """Begin the run, or go on with it."""
    runs = RunStore(store)
    with closing(runs), closing(Library(library)) as opened:
        agent = Agent(Collection([opened]), session, profile=profile, settings=settings)
        if runs.list():
            yield from runs.resume(RUN, agent.resume)
        else:
            yield from runs.record(agent.run(QUESTION, RUN))


def scripted_life(profile: Profile, store: Path, library: Path, progress: int, most: int) -> None:
    """Work on the run, write a byte for each event that is stored, and stand still at `most`."""
    for event in work(SteadySession(), profile, SETTINGS, store, library):
        if not isinstance(event, TextAppeared):
            os.write(progress, b".")
            most -= 1
        if most == 0:
            time.sleep(3600)


def killed_life(profile: Profile, store: Path, library: Path, chance: random.Random) -> None:
    """Let a process work on the run, and kill it at a random moment: before its tenth event."""
    reading, writing = os.pipe()
    events = chance.randrange(6)
    life = multiprocessing.get_context("fork").Process(
        target=scripted_life, args=(profile, store, library, writing, events + 4)
    )
    life.start()
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as progress:
        for _ in range(events):
            assert progress.read(1), "the process ended by itself"
        time.sleep(chance.uniform(0, 0.01))
        life.kill()
        life.join()
    assert life.exitcode == -SIGKILL


def fifty_killed_lives(store: Path, library: Path, reading: str) -> None:
    profile = led_for_long(reading_at_end=reading == "end")
    chance = random.Random(20261123)
    for _ in range(50):
        killed_life(profile, store, library, chance)


def stored(store: Path) -> tuple[Event, ...]:
    with closing(RunStore(store)) as runs:
        return runs.events(RUN)


def has_ended(store: Path) -> bool:
    with closing(RunStore(store)) as runs:
        return any(run.status not in ("running", "interrupted") for run in runs.list())


def check_whole(store: Path) -> tuple[Event, ...]:
    """Return the events of a run that has ended, none of them lost or doubled."""
    with closing(sqlite3.connect(store)) as database:
        rows = database.execute("select number from events order by number").fetchall()
    assert [number for (number,) in rows] == list(range(1, len(rows) + 1))
    events = stored(store)
    assert isinstance(events[-1], RunFinished)
    assert Counter(type(event) for event in events)[RunFinished] == 1
    steps = range(1, 1 + max(event.step for event in events if isinstance(event, TurnStarted)))
    assert steps_of(events, TurnStarted) == list(steps)
    assert steps_of(events, TurnFinished) == list(steps)
    assert steps_of(events, StepMeasured) == sorted(set(steps_of(events, StepMeasured)))
    called = steps_of(events, ToolCalled)
    assert called == steps_of(events, ToolAnswered) == sorted(set(called))
    keys = [event.key for event in events if isinstance(event, EvidenceAdded)]
    assert keys == list(range(1, len(keys) + 1))
    assert len(set(passages(events).values())) == len(keys)
    return events


def steps_of(events: Sequence[Event], kind: Any) -> list[int]:
    return [event.step for event in events if isinstance(event, kind)]


def passages(events: Sequence[Event]) -> dict[int, str]:
    return {event.key: event.passage for event in events if isinstance(event, EvidenceAdded)}


def unmeasured(events: Sequence[Event]) -> list[Event]:
    """Return events without resumptions, and without what each life measures anew."""
    same: list[Event] = []
    for event in events:
        if isinstance(event, StepMeasured):
            same.append(replace(event, window=0, tokens=NO_TOKENS, seconds=0, resident=0))
        elif isinstance(event, RunFinished):
            same.append(replace(event, tokens=NO_TOKENS, seconds=0))
        elif not isinstance(event, RunResumed):
            same.append(event)
    return same


@pytest.mark.parametrize("reading_at_end", [True, False])
def test_a_run_that_was_killed_fifty_times_is_the_run_that_never_was(
    tmp_path: Path, reading_at_end: bool
) -> None:
    profile = led_for_long(reading_at_end=reading_at_end)
    library = make_library(tmp_path)
    straight, torn = tmp_path / "straight.db", tmp_path / "torn.db"
    for _ in work(SteadySession(), profile, SETTINGS, straight, library):
        pass
    expected = check_whole(straight)
    kinds = {type(event) for event in expected}
    assert kinds >= {SpanCut, NoteWritten, TurnRolledBack, Nudged, AttemptStarted}
    assert isinstance(expected[-1], RunFinished)
    assert expected[-1].answer is not None

    # A process of its own to begin the others from: one with threads cannot be forked with care.
    arguments = ["scripted", str(torn), str(library), "end" if reading_at_end else "window"]
    subprocess.run([sys.executable, __file__, *arguments], check=True)
    assert not has_ended(torn)
    for _ in work(SteadySession(), profile, SETTINGS, torn, library):
        pass
    events = check_whole(torn)
    assert sum(isinstance(event, RunResumed) for event in events) > 25
    assert passages(events) == passages(expected)
    assert unmeasured(events) == unmeasured(expected)


def real_life(folder: Path, library: Path, model: Path) -> None:
    """Work on the run with a real model in a small window, with a line for every event stored."""
    from edge_agent.models.engine import Engine
    from edge_agent.models.session import Session

    profile = led_for_long(reading_at_end=True)
    settings = AgentSettings(prefixes=folder / "prefixes")
    with Engine(model, EngineSettings(context=1024)) as engine:
        for event in work(Session(engine), profile, settings, folder / "torn.db", library):
            if not isinstance(event, TextAppeared):
                print(flush=True)  # noqa: T201 - to the test that waits for it


@pytest.mark.slow
def test_a_real_model_in_a_small_window_goes_on_after_every_kill(
    tmp_path: Path, smollm2: Path
) -> None:
    library, torn = make_library(tmp_path), tmp_path / "torn.db"
    command = [sys.executable, __file__, "real", str(tmp_path), str(library), str(smollm2)]
    chance = random.Random(20261123)
    kills = 0
    while kills < 12 and not has_ended(torn):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as life:
            assert life.stdout is not None
            for _ in range(1 + chance.randrange(8)):
                life.stdout.readline()
            time.sleep(chance.choice((0.0, chance.uniform(0, 0.3))))  # in between, or in a turn
            life.kill()
        kills += 1
    if not has_ended(torn):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    events = check_whole(torn)
    resumed = [at for at, event in enumerate(events) if isinstance(event, RunResumed)]
    assert len({type(events[at - 1]) for at in resumed}) > 2, "it was killed in few places"
    assert any(isinstance(event, SpanCut) for event in events)


if __name__ == "__main__":
    if sys.argv[1] == "real":
        real_life(*map(Path, sys.argv[2:]))
    else:
        fifty_killed_lives(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
