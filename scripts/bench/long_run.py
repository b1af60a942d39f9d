"""A task that needs many steps: a railway line to be followed from its first station to its last.

Each station has a document that names the next one, so that no search can find the end of the line
but by way of all stations; as many documents again are of other lines. What is asked for stands in
the last document alone. The agent may make 600 calls in a window of 4,096 tokens, and has to end by
itself.

    .venv/bin/python scripts/bench/long_run.py --json long_run.json
    .venv/bin/python scripts/bench/long_run.py --stations 20 --model smollm2-135m
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_agent.agent import Agent, AgentSettings
from edge_agent.cli.pulling import pulled_embedder, pulled_model
from edge_agent.events import (
    Event,
    EvidenceAdded,
    GatheringEnded,
    NoteWritten,
    Nudged,
    RunFinished,
    SpanCut,
    StepMeasured,
    TurnRolledBack,
)
from edge_agent.home import Home
from edge_agent.index import Library
from edge_agent.model_opening import loading_settings
from edge_agent.models import DEFAULT_CONTEXT, load_catalog
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session

BEGINNINGS = (
    "Al Bre Cor Dun El Fal Gan Hol Is Jor Kar Lun Mor Nor Os Pel Rav Sol Tor Ul Ven".split()
)
MIDDLES = "a en i ing o or u ve".split()
ENDS = "berg by dal dorf field ham holm mouth stad stow thorpe wick".split()
GIVEN = (
    "Ada Bo Carl Dora Emil Freja Gus Hedda Ivar Jon Karin Lars Maud Nils Olga Per Rut Sven Tove Ulf"
).split()
FAMILY = (
    "Ashe Blom Cray Dahl Ek Frost Gale Hart Ivers Juhl Koch Lind Marsh Nord Orr Poole Quist Rask"
    " Storm Thorn"
).split()
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A railway line: the names of its stations, and who keeps each of them."""

    stations: tuple[str, ...]
    keepers: tuple[str, ...]

    def document(self, number: int) -> dict[str, str]:
        """Return the document of a station, as a record of a library."""
        name, keeper = self.stations[number], self.keepers[number]
        if number + 1 < len(self.stations):
            onward = f"From {name} the line goes on to {self.stations[number + 1]}."
        else:
            onward = f"The line ends at {name}: there is no station after it."
        text = f"{name} is a station on a railway line. The keeper of {name} is {keeper}. {onward}"
        return {"id": name, "title": name, "text": text}


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the run; seconds a step, and bytes of resident memory, in each tenth of it."""

    stations: int
    calls: int
    found: float
    ended: str
    answer: str | None
    right: bool
    seconds: float
    rolled_back: int
    nudged: int
    cut: int
    notes: int
    amplification: float
    window_peak: int
    seconds_per_step: tuple[float, ...]
    resident: tuple[int, ...]


def lines(stations: int, seed: int) -> tuple[Line, Line]:
    """Return the line that is asked about and another one, of as many stations each."""
    chance = random.Random(seed)
    names = [a + b + c for a in BEGINNINGS for b in MIDDLES for c in ENDS]
    people = [f"{given} {family}" for given in GIVEN for family in FAMILY]
    chosen = chance.sample(names, 2 * stations)
    keepers = chance.sample(people, 2 * stations)
    one = Line(tuple(chosen[:stations]), tuple(keepers[:stations]))
    other = Line(tuple(chosen[stations:]), tuple(keepers[stations:]))
    return one, other


def library_of(both: tuple[Line, Line], folder: Path) -> Path:
    """Write the documents of both lines, in no order, and return their file."""
    records = [line.document(number) for line in both for number in range(len(line.stations))]
    random.Random(len(records)).shuffle(records)
    path = folder / "stations.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def figures(events: list[Event], line: Line) -> Figures:
    """Sum up a run."""
    done = events[-1]
    assert isinstance(done, RunFinished)
    documents = {event.document for event in events if isinstance(event, EvidenceAdded)}
    steps = [event for event in events if isinstance(event, StepMeasured)]
    tenth = max(1, len(steps) // TENTHS)
    parts = [steps[start : start + tenth] for start in range(0, tenth * TENTHS, tenth)]
    ended = [event.reason for event in events if isinstance(event, GatheringEnded)]

    def count(kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in events)

    return Figures(
        stations=len(line.stations),
        calls=done.calls,
        found=round(len(documents & set(line.stations)) / len(line.stations), 3),
        ended=ended[-1],
        answer=done.answer,
        right=done.answer == line.keepers[-1],
        seconds=done.seconds,
        rolled_back=count(TurnRolledBack),
        nudged=count(Nudged),
        cut=count(SpanCut),
        notes=count(NoteWritten),
        amplification=round(done.tokens.prompt / max(1, done.tokens.new), 3),
        window_peak=max(event.window for event in steps),
        seconds_per_step=tuple(
            round(statistics.mean(event.seconds for event in part), 2) for part in parts if part
        ),
        resident=tuple(max(event.resident for event in part) for part in parts if part),
    )


def followed(options: argparse.Namespace) -> Figures:
    """Make the library and follow the line."""
    home = Home.from_environment()
    model = pulled_model(options.model, home, offline=False)
    line, other = lines(options.stations, options.seed)
    question = (
        f"Follow the railway line from {line.stations[0]} station by station to its end. "
        "Who is the keeper of the station where the line ends?"
    )
    with tempfile.TemporaryDirectory() as folder:
        library = Library(Path(folder, "stations"), pulled_embedder(home, offline=False))
        library.add([library_of((line, other), Path(folder))])
        settings = AgentSettings(max_calls=options.calls, prefixes=home.prefixes)
        with Engine(model.path, loading_settings(model, home, options.context)) as engine:
            agent = Agent(library, Session(engine), profile=model.profile, settings=settings)
            events: list[Event] = []
            for event in agent.run(question):
                events.append(event)
                if isinstance(event, StepMeasured):
                    print(f"\rstep {event.step}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        library.close()
    return figures(events, line)


def main() -> None:
    """Run, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=load_catalog().default, help="model by name or path")
    parser.add_argument("--stations", type=int, default=150, help="stations of the line")
    parser.add_argument("--calls", type=int, default=600, help="most tool calls")
    parser.add_argument("--context", type=int, default=DEFAULT_CONTEXT, help="window, in tokens")
    parser.add_argument("--seed", type=int, default=1, help="which line is made")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    result = followed(options)
    for name, value in asdict(result).items():
        print(f"{name.replace('_', ' '):20} {value}")
    if options.json:
        options.json.write_text(json.dumps(asdict(result), indent=1))


if __name__ == "__main__":
    main()
