"""How fast the terminal interface is: from a key to the picture that answers it, and scrolling.

A key is timed from its arrival until what it changes has been drawn, first while nothing happens
(the baseline), then while the default model reads and writes, and then over a trajectory of many
turns, played from a run that is made up for it.

    .venv/bin/python scripts/bench/interface.py --json interface.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from textual.screen import Screen
from textual.widget import Widget

from edge_agent.config import AskSettings, Config, save_config
from edge_agent.events import (
    Event,
    EvidenceAdded,
    Quote,
    RunFinished,
    RunStarted,
    StepMeasured,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
    TurnFinished,
    TurnStarted,
)
from edge_agent.home import Home
from edge_agent.models import load_catalog
from edge_agent.runs import RunStore
from edge_agent.tui.app import MiroEdge
from edge_agent.tui.run_thread import NewRun
from edge_agent.tui.trajectory_tree import TrajectoryTree

QUESTION = "In which city was the engineer born who conceived the Great Eastern?"
SIZE = (120, 40)
EVERY = 0.2
"""Seconds between two keys: a person who holds one down is not slower."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds from keys to the pictures that answer them."""

    what: str
    keys: int
    median: float
    p95: float
    worst: float

    @classmethod
    def of(cls, what: str, seconds: list[float]) -> Delays:
        """Sum up measured delays."""
        ordered = sorted(1000 * each for each in seconds)
        p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
        return cls(
            what,
            len(ordered),
            *(round(x, 1) for x in (statistics.median(ordered), p95, ordered[-1])),
        )


async def delay_of(app: MiroEdge, key: str) -> float:
    """Return the seconds from a key until the screen was drawn after it.

    A mark follows the key on its way: through the application, the widget that has the focus, and
    the screen, which sets it once it has drawn what they have changed.
    """
    drawn = asyncio.Event()
    began = time.perf_counter()
    app.simulate_key(key)
    app.call_later(lambda: _mark(app.screen.focused or app.screen, app.screen, drawn))
    await drawn.wait()
    return time.perf_counter() - began


def _mark(widget: Widget, screen: Screen[object], drawn: asyncio.Event) -> None:
    widget.call_later(lambda: screen.call_after_refresh(drawn.set))


async def delays(app: MiroEdge, goes_on: Callable[[], bool], most: int) -> list[float]:
    """Press keys that move about the trajectory as long as something goes on."""
    keys = ("down", "up", "e", "t", "down", "r", "t", "up")
    found: list[float] = []
    while goes_on() and len(found) < most:
        found.append(await delay_of(app, keys[len(found) % len(keys)]))
        await asyncio.sleep(EVERY)
    return found


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not holds():
        await asyncio.sleep(0.02)


async def shown(home: Home, measure: Callable[[MiroEdge], Awaitable[list[float]]]) -> list[float]:
    """Open the interface, and measure in it."""
    app = MiroEdge(home)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        found = await measure(app)
        if app.last_run is not None:
            app.last_run.stop()
            await until(lambda: not app.research.running)
    app.close()
    return found


async def idle(app: MiroEdge) -> list[float]:
    """Measure while nothing happens."""
    app.research.query_one(TrajectoryTree).focus()
    return await delays(app, lambda: True, 50)


async def working(app: MiroEdge, rounds: int) -> list[float]:
    """Measure while the model works on a question, from its first event to its last."""
    found: list[float] = []
    for number in range(rounds):
        app.research.begin(NewRun(f"{QUESTION}{'?' * number}", app.config.ask))
        await until(lambda: app.research.run is not None)
        app.research.query_one(TrajectoryTree).focus()
        found += await delays(app, lambda: app.research.running, 10_000)
    return found


async def scrolling(app: MiroEdge, run: str) -> list[float]:
    """Measure scrolling through all turns of a long trajectory, each of them opened."""
    await app.open_run(run)
    tree = app.research.query_one(TrajectoryTree)
    tree.root.expand_all()
    tree.focus()
    keys = ["pagedown"] * 60 + ["pageup"] * 20 + ["end", "home"] * 5 + ["down"] * 20
    return [await delay_of(app, key) for key in keys]


def long_run(home: Home, turns: int) -> str:
    """Store a run of so many turns, and return its id."""
    store = RunStore(home.runs)
    for _ in store.record(iter(long_trajectory(turns))):
        pass
    store.close()
    return "long"


def long_trajectory(turns: int) -> list[Event]:
    """Return a run of so many turns with five passages each."""
    started = RunStarted("long", QUESTION, "m", "l", "generic", 0, turns, context=4096)
    events: list[Event] = [started]
    for step in range(1, turns + 1):
        query = f"what is the {step}th thing that has to be looked up"
        events += [TurnStarted(step), TurnFinished(step, f"Missing: {query}\n")]
        events.append(ToolCalled(step, "search", {"query": query}))
        keys = range(5 * step - 4, 5 * step + 1)
        text = f"The thing number {step} is described here in a sentence of usual length."
        events += [
            EvidenceAdded(step, key, f"d{key}#1", f"d{key}", f"Thing {key}", "/d", "line 1", text)
            for key in keys
        ]
        shown_text = "\n".join(f"[{key}] Thing {key}: {text}" for key in keys)
        quotes = tuple(Quote(key, text) for key in keys)
        events.append(ToolAnswered(step, "search", shown_text, tuple(keys), shown=quotes))
        counts = TokenCounts(300, 300, 30)
        events.append(StepMeasured(step, 2000, 4096, counts, 2.0, 1_500_000_000))
    counts = TokenCounts(300 * turns, 300 * turns, 30 * turns)
    events.append(RunFinished("long", "not_found", None, (), turns, 2.0 * turns, counts, "usual"))
    return events


def measured(options: argparse.Namespace) -> list[Delays]:
    """Measure all of it, in homes of their own with the models of this machine."""
    here = Home.from_environment()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        here.models.mkdir(parents=True, exist_ok=True)
        (home.root / "models").symlink_to(here.models, target_is_directory=True)
        save_config(Config(ask=AskSettings(model=options.model)), home.config)
        run = long_run(home, options.turns)
        nothing = asyncio.run(shown(home, idle))
        busy = asyncio.run(shown(home, lambda app: working(app, options.rounds)))
        long = asyncio.run(shown(home, lambda app: scrolling(app, run)))
    return [
        Delays.of("nothing happens", nothing),
        Delays.of("the model works", busy),
        Delays.of(f"scrolling {options.turns} turns", long),
    ]


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=load_catalog().default, help="model by name or path")
    parser.add_argument("--turns", type=int, default=600, help="turns of the long trajectory")
    parser.add_argument("--rounds", type=int, default=3, help="questions that the model works on")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    found = measured(options)
    baseline = found[0].median
    print(f"{'':24}{'keys':>6}{'median ms':>12}{'p95 ms':>10}{'worst ms':>10}{'median ratio':>14}")
    for each in found:
        print(
            f"{each.what:24}{each.keys:>6}{each.median:>12}{each.p95:>10}{each.worst:>10}"
            f"{each.median / baseline:>14.1f}"
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=1))


if __name__ == "__main__":
    main()
