"""How much sooner the first token comes when the decoded prompt is read from disk.

cold   the prompt is decoded
warm   its saved prefix is loaded

Both then decode a short question and draw one token; the weights are in memory already. Cold and
warm take turns, and medians are compared.

    .venv/bin/python scripts/bench/warm_start.py --model qwen2.5-coder-0.5b
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edge_agent.cli.pulling import pulled_model
from edge_agent.home import Home
from edge_agent.index import sample_folder
from edge_agent.model_opening import loading_settings
from edge_agent.models import DEFAULT_CONTEXT, Plan, Sample, Sampling, SpanKind
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session

QUESTION = "Which of these is the longest?"


def prompt_of(tokens: int, count: Callable[[str], int]) -> str:
    """Return the beginning of the sample articles that has about so many tokens."""
    articles = sorted((sample_folder() / "documents").glob("*.md"))
    words = " ".join(path.read_text(encoding="utf-8") for path in articles).split()
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if count(" ".join(words[:middle])) <= tokens else (low, middle - 1)
        )
    return " ".join(words[:low])


def seconds_to_first_token(engine: Engine, prompt: str, prefixes: Path | None) -> float:
    """Return the seconds from an empty window to the first token that is drawn."""
    began = time.perf_counter()
    session = Session(engine)
    session.append(SpanKind.SYSTEM, prompt, trusted=True)
    if prefixes is not None and not session.load_prefix(prefixes):
        raise SystemExit("the saved prefix was not found")
    session.append(SpanKind.QUESTION, QUESTION)
    for _ in session.generate(_one_token(), Sampling(), seed=1):
        break
    return time.perf_counter() - began


def _one_token() -> Plan:
    yield Sample(1)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", help="model by name or path")
    parser.add_argument("--tokens", type=int, default=1200, help="tokens of the prompt")
    parser.add_argument("--rounds", type=int, default=5, help="how often each start is made")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    home = Home.from_environment()
    model = pulled_model(options.model, home, offline=False)
    settings = loading_settings(model, home, DEFAULT_CONTEXT)
    cold, warm = [], []
    with Engine(model.path, settings) as engine, tempfile.TemporaryDirectory() as folder:
        session = Session(engine)
        prompt = prompt_of(options.tokens, session.count)
        session.append(SpanKind.SYSTEM, prompt, trusted=True)
        tokens = session.size
        session.save_prefix(Path(folder))
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        for _ in range(options.rounds):
            cold.append(seconds_to_first_token(engine, prompt, None))
            warm.append(seconds_to_first_token(engine, prompt, Path(folder)))
    figures = {
        "model": options.model,
        "prompt_tokens": tokens,
        "prefix_bytes": size,
        "cold_seconds": round(statistics.median(cold), 3),
        "warm_seconds": round(statistics.median(warm), 3),
        "cold_over_warm": round(statistics.median(cold) / statistics.median(warm), 1),
    }
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):20} {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
