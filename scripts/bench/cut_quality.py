"""What cutting costs in quality: the same questions answered with cut and with rewrite.

The window is made so small that results have to leave it while evidence is gathered.

cut      what leaves is cut out of the cache; what follows keeps values that saw it
rewrite  older results are overwritten with a line, and what follows is decoded again without them

    .venv/bin/python scripts/bench/cut_quality.py --sets hotpotqa,2wiki --limit 50
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from question_sets import corpus_library, questions

from edge_agent.agent import Agent
from edge_agent.cli.pulling import pulled_model
from edge_agent.evaluation.metrics import exact_match, f1
from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.rewriting import RewritingSession
from edge_agent.events import EvidenceAdded, RunFinished, SpanCut
from edge_agent.home import Home
from edge_agent.model_opening import loading_settings
from edge_agent.models import AnySession, load_catalog
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session
from edge_agent.profiles import Profile, load_profile

READING_TOKENS = 900
"""Fewer than the profile's, so that the reading fits into the small window."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question under one policy."""

    set: str
    id: str
    policy: str
    answer: str | None
    em: bool
    f1: float
    recall: float
    left: int
    """Spans that left the window."""
    prompt: int


def rewriting(engine: Engine) -> RewritingSession:
    """Return a session that keeps the last result alone, and decodes again what follows it."""
    return RewritingSession(Session(engine), kept=1)


POLICIES: dict[str, Callable[[Engine], AnySession]] = {"cut": Session, "rewrite": rewriting}


def answered(agent: Agent, question: Question, policy: str, name: str) -> Row:
    """Answer one question."""
    left, shown = 0, set()
    for event in agent.run(question.text):
        left += isinstance(event, SpanCut)
        if isinstance(event, EvidenceAdded):
            shown.add(event.document)
    assert isinstance(event, RunFinished)
    accepted = list(question.answers)
    gold = question.gold
    return Row(
        set=name,
        id=question.id,
        policy=policy,
        answer=event.answer,
        em=exact_match(event.answer, accepted),
        f1=f1(event.answer, accepted),
        recall=len(shown & gold) / len(gold),
        left=left,
        prompt=event.tokens.prompt,
    )


def small(profile: Profile) -> Profile:
    """Return a profile whose reading fits into the small window."""
    reading = profile.reading.model_copy(update={"tokens": READING_TOKENS})
    return profile.model_copy(update={"reading": reading})


def run_set(name: str, options: argparse.Namespace, engine: Engine, home: Home) -> list[Row]:
    """Answer the first questions of a set's dev split under both policies, taking turns."""
    folder = options.data / name
    library = corpus_library(folder, home.libraries)
    profile = small(load_profile("generic"))
    rows = []
    for question in questions(folder, "dev", options.limit):
        for policy, make in POLICIES.items():
            agent = Agent(library, make(engine), profile=profile)
            rows.append(answered(agent, question, policy, name))
            print(".", end="", file=sys.stderr, flush=True)
    print(f" {name}", file=sys.stderr)
    return rows


def summary(rows: list[Row]) -> dict[str, float]:
    """Return the means over rows of one policy; EM, F1 and recall in per cent."""
    return {
        "questions": len(rows),
        "em": round(100 * statistics.mean(row.em for row in rows), 1),
        "f1": round(100 * statistics.mean(row.f1 for row in rows), 1),
        "evidence_recall": round(100 * statistics.mean(row.recall for row in rows), 1),
        "spans_left": round(statistics.mean(row.left for row in rows), 2),
        "prompt_tokens": round(statistics.mean(row.prompt for row in rows)),
    }


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=load_catalog().default, help="model by name or path")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--sets", default="hotpotqa,2wiki,musique", help="folders of --data")
    parser.add_argument("--limit", type=int, default=30, help="questions of each set")
    parser.add_argument("--context", type=int, default=1536, help="window, in tokens")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    home = Home.from_environment()
    model = pulled_model(options.model, home, offline=False)
    with Engine(model.path, loading_settings(model, home, options.context)) as engine:
        rows = [
            row for name in options.sets.split(",") for row in run_set(name, options, engine, home)
        ]
    figures = {
        f"{name} {policy}": summary([r for r in rows if (r.set, r.policy) == (name, policy)])
        for name in options.sets.split(",")
        for policy in POLICIES
    }
    for title, each in figures.items():
        print(f"{title:20}", *(f"{key} {value}" for key, value in each.items()), sep="  ")
    if options.json:
        record = {"figures": figures, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(record, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
