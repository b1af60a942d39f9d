"""From a fresh clone to a cited answer: how long, how right, how much memory.

Prints one table. Every figure is of this machine in this run; `fresh` is timed only with --fresh,
since it downloads a gigabyte.

    .venv/bin/python scripts/bench/first_light.py --json first_light.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from peak_memory import peak_resident

from edge_agent.agent import Agent, AgentSettings
from edge_agent.cli.libraries import open_libraries
from edge_agent.cli.pulling import pulled_model
from edge_agent.evaluation.metrics import exact_match
from edge_agent.events import EvidenceAdded, RunFinished, TextAppeared
from edge_agent.home import Home
from edge_agent.index import sample_folder
from edge_agent.model_opening import loading_settings, open_session
from edge_agent.models import DEFAULT_CONTEXT, load_catalog

ROOT = Path(__file__).parent.parent.parent
QUESTION = "In which city was the engineer born who conceived the Great Eastern?"


@dataclass(frozen=True, slots=True)
class Row:
    """One question: what it got, and what it cost."""

    id: str
    type: str
    right: bool
    status: str
    answer: str | None
    recall: float
    calls: int
    seconds: float


def ask_all(questions: list[dict[str, object]], model: str) -> tuple[list[Row], float]:
    """Ask every question of the sample library; returns rows and seconds to the first token.

    The first token is that of the second question: weights and system prompt are there already.
    """
    home = Home.from_environment()
    installed = pulled_model(model, home, offline=False)
    library = open_libraries(("sample",), home, quiet=True)
    settings = AgentSettings(model=installed.name, prefixes=home.prefixes)
    rows: list[Row] = []
    first_token = 0.0
    engine_settings = loading_settings(installed, home, DEFAULT_CONTEXT)
    with open_session(installed, engine_settings) as session:
        agent = Agent(library, session, profile=installed.profile, settings=settings)
        for question in questions:
            shown: set[str] = set()
            began = time.monotonic()
            drawn = False
            for event in agent.run(str(question["question"])):
                if isinstance(event, EvidenceAdded):
                    shown.add(event.document)
                if isinstance(event, TextAppeared) and event.origin == "sampled" and not drawn:
                    drawn = True
                    if len(rows) == 1:
                        first_token = time.monotonic() - began
            assert isinstance(event, RunFinished)
            rows.append(_row(question, event, shown))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows, first_token


def _row(question: dict[str, object], done: RunFinished, shown: set[str]) -> Row:
    accepted = question["answers"]
    gold = question["gold"]
    assert isinstance(accepted, list)
    assert isinstance(gold, list)
    return Row(
        id=str(question["id"]),
        type=str(question["type"]),
        right=exact_match(done.answer, accepted),
        status=done.status,
        answer=done.answer,
        recall=len(shown & set(gold)) / len(gold) if gold else 1.0,
        calls=done.calls,
        seconds=done.seconds,
    )


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that `run` takes."""
    began = time.monotonic()
    run()
    return time.monotonic() - began


def from_fresh_clone() -> tuple[float, float]:
    """Return the seconds from clone to answer, the first time and again, in an empty home."""
    with tempfile.TemporaryDirectory() as folder:
        # Without pip's cache too: llama.cpp is compiled, as on a machine that never saw it.
        environment = {
            **os.environ,
            "MIRO_EDGE_HOME": f"{folder}/home",
            "PIP_CACHE_DIR": f"{folder}/cache",
        }
        clone = Path(folder, "clone")

        def ask() -> None:
            script = str(clone / "scripts" / "miro-edge")
            command = [script, "ask", "--quiet", "--library", "sample", QUESTION]
            subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL)

        def first() -> None:
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
            ask()

        return timed(first), timed(ask)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=load_catalog().default, help="model by name or path")
    parser.add_argument("--limit", type=int, help="ask only so many questions")
    parser.add_argument("--fresh", action="store_true", help="also time a fresh clone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    lines = (sample_folder() / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines][: options.limit]

    rows, first_token = ask_all(questions, options.model)
    figures: dict[str, object] = {
        "model": options.model,
        "questions": len(rows),
        "right": sum(row.right for row in rows),
        "right_by_type": {
            kind: f"{sum(row.right for row in rows if row.type == kind)}"
            f" of {sum(row.type == kind for row in rows)}"
            for kind in dict.fromkeys(row.type for row in rows)
        },
        "evidence_recall": round(statistics.mean(row.recall for row in rows), 3),
        "calls_per_question": round(statistics.mean(row.calls for row in rows), 2),
        "seconds_per_question_median": round(statistics.median(row.seconds for row in rows), 1),
        "seconds_to_first_token_warm": round(first_token, 2),
        "peak_resident_mb": round(peak_resident() / 1e6),
    }
    if options.fresh:
        clone, again = from_fresh_clone()
        figures["seconds_clone_to_answer"] = round(clone)
        figures["seconds_again"] = round(again, 1)
        figures["first_over_again"] = round(clone / again, 1)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):32} {value}")
    if options.json:
        record = {**figures, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(record, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
