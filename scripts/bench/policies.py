"""What parts of the policy give: the agent whole and with parts left out, beside one search.

`miro-edge eval` compares whole ways to answer; this takes the agent apart.

single       one search for the question, its five best passages, an answer
agent        the profile as it ships
no quotes    a line of the model's own instead of a sentence that it was shown
no reading   the answer is written in the window in which evidence was gathered
read alone   only the passages that were quoted are read; `read and 1` with one more, and so on
no named     a search shows what it found, and no document that is named there
no guards    nothing is taken back, and nothing but the limits ends the gathering

An answer that the program's check refuses counts as none; *written* counts what the model wrote,
checked or not. *gain* is the F1 beyond `single` on the same questions, with the interval in which
95 of 100 resampled sets of questions lie (bootstrap), and *cost* the seconds in multiples of it.
What two policies share is done once: *no reading* and those that read other passages go on from
where the agent had gathered its evidence, and where no guard acted, *no guards* is the agent's own
run. With `--trace` a measurement that was broken off goes on where it was.

    .venv/bin/python scripts/bench/policies.py --sets 2wiki --limit 20 --policies single,agent
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from question_sets import corpus_library, questions

from edge_agent.agent import Agent, AgentSettings
from edge_agent.cli.pulling import pulled_embedder, pulled_model
from edge_agent.evaluation.conditions import as_it_is, changed, single_shot, unguarded
from edge_agent.evaluation.metrics import bootstrap_interval, exact_match, f1
from edge_agent.evaluation.questions import Question
from edge_agent.events import (
    Event,
    EvidenceAdded,
    GatheringEnded,
    Nudged,
    ReadingStarted,
    RunFinished,
    TextAppeared,
    TurnFinished,
    TurnRolledBack,
    from_record,
    to_record,
)
from edge_agent.home import Home
from edge_agent.index import Collection
from edge_agent.model_opening import loading_settings
from edge_agent.models import InstalledModel, load_catalog
from edge_agent.models.engine import Engine
from edge_agent.models.hashing import sha256_of
from edge_agent.models.session import Session
from edge_agent.profiles import Profile, load_profile
from edge_agent.protocol import parse
from edge_agent.reasons import NO_PROGRESS


@dataclass(frozen=True, slots=True)
class Row:
    """One question under one policy; `recall` of the gold documents found, `read` of those read."""

    set: str
    id: str
    policy: str
    status: str
    answer: str | None
    written: str | None
    em: bool
    f1: float
    f1_written: float
    recall: float
    read: float
    calls: int
    seconds: float


BESIDE = {"read alone": 0, "read and 1": 1, "read and 2": 2, "read and 3": 3}
"""Policies by the passages that are read beside those that were quoted."""


def reads_beside(count: int) -> Callable[[Profile], Profile]:
    """Return what has a profile read so many passages beside those that were quoted."""
    return lambda profile: changed(profile, reading={"beside": count})


POLICIES: dict[str, Callable[[Profile], Profile]] = {
    "single": single_shot,
    "agent": as_it_is,
    "no quotes": lambda profile: changed(profile, gathering={"thoughts": "written"}),
    "no reading": lambda profile: changed(profile, reading={"at_end": False}),
    "no named": lambda profile: changed(profile, gathering={"named": 0}),
    "no guards": unguarded,
    **{name: reads_beside(count) for name, count in BESIDE.items()},
}


class Trace:
    """The runs that were made, a JSON line each; in memory alone where there is no file."""

    def __init__(self, path: Path | None, made_with: str) -> None:
        """Read what stands in `path`; what was made with something else ends the program."""
        self._path = path
        self._runs: dict[tuple[str, str, str], tuple[Row, list[Event]]] = {}
        if path is None:
            return
        if not path.exists():
            path.write_text(json.dumps({"made_with": made_with}) + "\n", encoding="utf-8")
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        if json.loads(first) != {"made_with": made_with}:
            sys.exit(f"{path} was made with another model or profile: name another --trace.")
        for line in lines:
            record = json.loads(line)
            events = [from_record(each) for each in record["events"]]
            self._keep(Row(**record["row"]), events)

    def run_of(self, name: str, question: Question, policy: str) -> tuple[Row, list[Event]] | None:
        """Return a run of a question that was made before, or None."""
        return self._runs.get((name, question.id, policy))

    def add(self, row: Row, events: list[Event], question: Question) -> None:
        """Keep a run."""
        told: list[Event] = [each for each in events if not isinstance(each, TextAppeared)]
        self._keep(row, told)
        if self._path is None:
            return
        record = {
            "row": asdict(row),
            "question": question.text,
            "gold": [*question.gold],
            "answers": question.answers,
            "events": [to_record(event) for event in told],
        }
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")

    def _keep(self, row: Row, events: list[Event]) -> None:
        self._runs[row.set, row.id, row.policy] = row, events


def scored(question: Question, events: list[Event], policy: str, name: str) -> Row:
    """Score a run."""
    done = events[-1]
    assert isinstance(done, RunFinished)
    written = parse([event for event in events if isinstance(event, TurnFinished)][-1].text).answer
    found = {event.key: event.document for event in events if isinstance(event, EvidenceAdded)}
    readings = [event.keys for event in events if isinstance(event, ReadingStarted)]
    read = {found[key] for key in (readings[-1] if readings else ())}
    accepted = list(question.answers)
    return Row(
        set=name,
        id=question.id,
        policy=policy,
        status=done.status,
        answer=done.answer,
        written=written,
        em=exact_match(done.answer, accepted),
        f1=f1(done.answer, accepted),
        f1_written=f1(written, accepted),
        recall=len(set(found.values()) & question.gold) / len(question.gold),
        read=len(read & question.gold) / len(question.gold),
        calls=done.calls,
        seconds=done.seconds,
    )


def guarded(events: list[Event]) -> bool:
    """Tell whether a guard acted in a run."""
    return any(
        isinstance(event, TurnRolledBack | Nudged)
        or (isinstance(event, GatheringEnded) and event.reason == NO_PROGRESS)
        for event in events
    )


def made(
    question: Question, policy: str, agent: Agent, whole: tuple[Row, list[Event]] | None
) -> list[Event]:
    """Return a run under a policy; `whole` is the agent's own run, of which it may be a part."""
    if whole is not None:
        events = whole[1]
        if policy == "no guards" and not guarded(events):
            return events
        if policy == "no reading" or policy in BESIDE:
            ends = [n for n, event in enumerate(events) if isinstance(event, GatheringEnded)]
            gathered = events[: ends[0] + 1]
            return [*gathered, *agent.resume(gathered)]
    return list(agent.run(question.text))


def answered(question: Question, name: str, agents: dict[str, Agent], trace: Trace) -> list[Row]:
    """Answer one question under every policy, where that was not done before."""
    rows: list[Row] = []
    for policy, agent in agents.items():
        known = trace.run_of(name, question, policy)
        if known is None:
            events = made(question, policy, agent, trace.run_of(name, question, "agent"))
            known = scored(question, events, policy, name), events
            trace.add(*known, question)
        rows.append(known[0])
    return rows


def summary(rows: list[Row]) -> dict[str, float]:
    """Return the means over rows; EM, F1 and recall in per cent."""

    def percent(values: Iterator[float]) -> float:
        return round(100 * statistics.mean(values), 1)

    return {
        "questions": len(rows),
        "em": percent(row.em for row in rows),
        "f1": percent(row.f1 for row in rows),
        "f1_written": percent(row.f1_written for row in rows),
        "found": percent(row.recall for row in rows),
        "read": percent(row.read for row in rows),
        "not_found": percent(row.status == "not_found" for row in rows),
        "calls": round(statistics.mean(row.calls for row in rows), 2),
        "seconds": round(statistics.mean(row.seconds for row in rows), 1),
    }


def beside(rows: list[Row], single: list[Row]) -> dict[str, float]:
    """Return F1 gained and time spent beside one search and an answer to the same questions."""
    before = {row.id: row for row in single}
    gains = [100 * (row.f1 - before[row.id].f1) for row in rows]
    low, high = bootstrap_interval(gains)
    seconds = statistics.mean(row.seconds for row in single)
    return {
        "gain": round(statistics.mean(gains), 1),
        "from": round(low, 1),
        "to": round(high, 1),
        "cost": round(statistics.mean(row.seconds for row in rows) / seconds, 2),
    }


def table(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Return the figures of every set under every policy."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.set, row.policy), []).append(row)
    return {
        f"{name}, {policy}": summary(each)
        | (beside(each, groups[name, "single"]) if (name, "single") in groups else {})
        for (name, policy), each in groups.items()
    }


def mark_of(model: InstalledModel, profile: Profile) -> str:
    """Return a mark of what decides what runs come to, apart from the policy."""
    weights = [model.path, *([] if model.adapter is None else [model.adapter])]
    return " ".join(
        [*map(sha256_of, weights), hashlib.sha256(profile.model_dump_json().encode()).hexdigest()]
    )


def measured(options: argparse.Namespace) -> list[Row]:
    """Answer the first questions of each set under every policy."""
    home = Home.from_environment()
    model = pulled_model(options.model, home, offline=False)
    embedder = pulled_embedder(home, offline=False)
    profile = load_profile(options.profile or model.profile)
    settings = AgentSettings(prefixes=home.prefixes)
    rows: list[Row] = []
    trace = Trace(options.trace, mark_of(model, profile))
    with Engine(model.path, loading_settings(model, home)) as engine:
        session = Session(engine)
        for name in options.sets.split(","):
            library = Collection([corpus_library(options.data / name, home.libraries, embedder)])
            agents = {
                policy: Agent(
                    library, session, profile=POLICIES[policy](profile), settings=settings
                )
                for policy in options.policies.split(",")
            }
            asked = questions(options.data / name, options.split, options.skip + options.limit)
            for question in asked[options.skip :]:
                rows += answered(question, name, agents, trace)
                print(".", end="", file=sys.stderr, flush=True)
            print(f" {name}", file=sys.stderr)
    return rows


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=load_catalog().default, help="model by name or path")
    parser.add_argument("--profile", help="profile by name or path; the model's own if none")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--sets", default="hotpotqa,2wiki,musique", help="folders of --data")
    parser.add_argument("--split", default="dev", choices=["train", "dev"], help="which questions")
    parser.add_argument("--limit", type=int, default=100, help="questions of each set")
    parser.add_argument("--skip", type=int, default=0, help="questions of each set to pass over")
    parser.add_argument("--policies", default=",".join(POLICIES), help="which of them to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="keep every run there")
    options = parser.parse_args()
    rows = measured(options)
    figures = table(rows)
    for title, each in figures.items():
        print(f"{title:22}", *(f"{key} {value}" for key, value in each.items()), sep="  ")
    if options.json:
        record = {"figures": figures, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(record, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
