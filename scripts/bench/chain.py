"""A long chain of tool calls in a small window, under two policies for what leaves it.

cut      ours: what leaves is cut out of the cache; nothing is decoded a second time
rewrite  what MiroThinker does: the last five results stay, older ones are overwritten with a line,
         and everything after the first change is decoded again (the common prefix is reused);
         where even that is too much for the window, the oldest calls go

Each policy runs in a process of its own over the same searches, made before the clock starts. A
call is: a thought that the model draws, a quote that it chooses among the sentences shown, the call
itself, and the result of about 300 tokens. The first tenth begins when the window was full once.

    .venv/bin/python scripts/bench/chain.py --json chain.json
    .venv/bin/python scripts/bench/chain.py --model qwen2.5-coder-0.5b --calls 60
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from peak_memory import peak_resident

from edge_agent.cli.pulling import pulled_model
from edge_agent.evaluation.rewriting import KEPT_RESULTS, entries_of, overwrite_results
from edge_agent.events import RunStarted
from edge_agent.evidence import Evidence
from edge_agent.home import Home
from edge_agent.index import Collection, Library, Shelf
from edge_agent.model_opening import loading_settings
from edge_agent.models import Choose, Force, Plan, Sample, Sampling, Span, SpanKind
from edge_agent.models.engine import Engine
from edge_agent.models.session import Session
from edge_agent.profiles import load_profile
from edge_agent.protocol import ToolCall, render_call, render_tools
from edge_agent.tools import TOOLS, ToolContext, ToolResult
from edge_agent.trajectory import Entry, Trajectory
from edge_agent.turns import quotable_line
from edge_agent.window import Window, hold

CONTEXT = 4096
RESULT_TOKENS = 300
THOUGHT_TOKENS = 16
TURN_TOKENS = 200
"""Room that a turn is left."""
LOW_MARK = 0.6
QUESTION = "Question: Which of the documents of this library belong together, and why?"
POLICIES = ("rewrite", "cut")


@dataclass(frozen=True, slots=True)
class Call:
    """One step of the chain: what is searched for, and the sentences that may be quoted first."""

    query: str
    quotable: tuple[str, ...]
    result: str


@dataclass(slots=True)
class Costs:
    """What a chain has cost so far."""

    new_tokens: int = 0
    full_at: int | None = None
    """The call at which the window was full for the first time."""
    seconds: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one policy; bytes, and seconds per call."""

    calls: int
    prompt_tokens: int
    new_tokens: int
    amplification: float
    seconds_first_tenth: float
    seconds_last_tenth: float
    peak_rss: int
    rss_first_tenth: int
    rss_last_tenth: int


def searched(library: Collection, queries: list[str], count: Callable[[str], int]) -> list[Call]:
    """Make every search of the chain."""
    evidence = Evidence()
    calls = []
    before = ToolResult("")
    for query in queries:
        context = ToolContext(library, evidence, QUESTION, count, 5, RESULT_TOKENS)
        lines = []
        for quote in before.shown:
            exhibit = evidence.get(quote.key)
            assert exhibit is not None
            lines.append(quotable_line(quote, exhibit))
        before = TOOLS["search"].run({"query": query}, context)
        calls.append(Call(query, tuple(dict.fromkeys(lines)), before.text))
    return calls


def turn(call: Call) -> Plan:
    """Plan a step as the agent does: a thought, a quote, a call."""
    thought = yield Sample(THOUGHT_TOKENS, stop=("\n",))
    if not thought.endswith("\n"):
        yield Force("\n")
    if call.quotable:
        yield Choose(call.quotable)
    yield Force(render_call(ToolCall("library", "search", {"query": call.query})))


def cut(session: Session, result: str) -> bool:
    """Add a result, cutting what is oldest when there is no room; tells whether it was cut."""
    nothing_quoted = Trajectory(RunStarted("", QUESTION, "", "", "generic", 0, 0))
    window = Window(session, load_profile("generic"))
    leaving = list(window.make_room(nothing_quoted, session.count(result) + TURN_TOKENS))
    session.append(SpanKind.RESULT, result)
    return bool(leaving)


def rewrite(session: Session, result: str) -> bool:
    """Add a result and overwrite the one that is now the sixth last; tells whether calls went."""
    wanted = [*entries_of(session), Entry(SpanKind.RESULT, result)]
    overwrite_results(wanted, KEPT_RESULTS)
    full = False
    while _size(session, wanted) + TURN_TOKENS > session.context * (LOW_MARK if full else 1):
        full = True
        del wanted[2:4]  # the oldest turn and its result, after prompt and question
    hold(session, wanted)
    return full


def _size(session: Session, wanted: Sequence[Entry]) -> int:
    known = {(span.kind, span.text): span.tokens for span in session.spans}
    return sum(
        known.get((entry.kind, entry.text)) or session.count(entry.text) + 8 for entry in wanted
    )


def chain(session: Session, calls: list[Call], add: Callable[[Session, str], bool]) -> Costs:
    """Work through the calls; a span is new when it comes for the first time."""
    prompt = load_profile("generic").prompts.system
    tools = render_tools(tuple(tool.signature for tool in TOOLS.values()))
    opened = [
        session.append(SpanKind.SYSTEM, prompt.format(tools=tools).strip(), trusted=True),
        session.append(SpanKind.QUESTION, QUESTION),
    ]
    costs = Costs(new_tokens=sum(span.tokens for span in opened))
    for number, call in enumerate(calls, start=1):
        began = time.perf_counter()
        drawn = session.usage.generated
        for _ in session.generate(turn(call), Sampling(), seed=number):
            pass
        costs.new_tokens += _last(session).tokens - (session.usage.generated - drawn)
        full = add(session, call.result)
        if full and costs.full_at is None:
            costs.full_at = number
        costs.new_tokens += _last(session).tokens
        costs.seconds.append(time.perf_counter() - began)
        costs.resident.append(psutil.Process().memory_info().rss)
        if number % 10 == 0:
            print(f"\r{number} of {len(calls)} calls", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return costs


def _last(session: Session) -> Span:
    return session.spans[-1]


def figures(session: Session, costs: Costs) -> Figures:
    """Sum up a chain. Results that the rewriting put in place of others are not new."""
    calls = len(costs.seconds)
    tenth = max(1, calls // 10)
    first = min(costs.full_at or 0, calls - tenth)
    return Figures(
        calls=calls,
        prompt_tokens=session.usage.prompt,
        new_tokens=costs.new_tokens,
        amplification=round(session.usage.prompt / costs.new_tokens, 3),
        seconds_first_tenth=round(statistics.mean(costs.seconds[first : first + tenth]), 3),
        seconds_last_tenth=round(statistics.mean(costs.seconds[-tenth:]), 3),
        peak_rss=peak_resident(),
        rss_first_tenth=max(costs.resident[first : first + tenth]),
        rss_last_tenth=max(costs.resident[-tenth:]),
    )


def run_policy(policy: str, options: argparse.Namespace) -> Figures:
    """Run the chain under one policy, in this process."""
    home = Home.from_environment()
    model = pulled_model(options.model, home, offline=False)
    library, queries = _corpus(options.data, home, options.calls)
    with Engine(model.path, loading_settings(model, home, CONTEXT)) as engine:
        session = Session(engine)
        calls = searched(library, queries, session.count)
        costs = chain(session, calls, {"cut": cut, "rewrite": rewrite}[policy])
        return figures(session, costs)


def _corpus(data: Path, home: Home, calls: int) -> tuple[Collection, list[str]]:
    """Return a library and as many queries: the titles of HotpotQA, or else the sample's words."""
    records = data / "hotpotqa" / "corpus.jsonl"
    if records.is_file():
        library = Library(home.libraries / "bench-hotpotqa")
        library.add([records])
        with records.open(encoding="utf-8") as lines:
            titles = [str(json.loads(line)["title"]) for line in lines]
        return Collection([library]), titles[:: max(1, len(titles) // calls)][:calls]
    sample = Shelf(home.libraries).resolve("sample")
    questions = (Path(__file__).parents[2] / "index/sample/questions.jsonl").read_text("utf-8")
    words = [
        word for line in questions.splitlines() for word in json.loads(line)["question"].split()
    ]
    pairs = [f"{one} {other}" for one in words for other in words[:40]]
    return Collection([sample]), pairs[:calls]


def in_own_process(policy: str, options: argparse.Namespace) -> Figures:
    """Run a policy in a new process, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--model", options.model, "--calls", str(options.calls)]
    command += ["--data", str(options.data), "--policy", policy]
    print(f"{policy}:", file=sys.stderr)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ)
    return Figures(**json.loads(done.stdout))


def rows(both: dict[str, Figures]) -> Iterator[str]:
    """Yield the lines of the table."""
    one, other = both["rewrite"], both["cut"]
    yield f"{'':34}{'rewrite':>12}{'cut':>12}{'rewrite ÷ cut':>16}"
    for name in Figures.__dataclass_fields__:
        old, new = getattr(one, name), getattr(other, name)
        yield f"{name.replace('_', ' '):34}{old:>12,}{new:>12,}{old / new:>16.2f}"
    for title, each in (("rewrite", one), ("cut", other)):
        ratio = each.seconds_last_tenth / each.seconds_first_tenth
        yield f"last tenth ÷ first tenth, {title}: {ratio:.2f}"


def main() -> None:
    """Run both policies, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m", help="model by name or path")
    parser.add_argument("--calls", type=int, default=600, help="tool calls in the chain")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="question sets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--policy", choices=POLICIES, help="run only this one, print its JSON")
    options = parser.parse_args()
    if options.policy:
        print(json.dumps(asdict(run_policy(options.policy, options))))
        return
    # Indexed here, or the first policy's peak memory would be that of indexing.
    _corpus(options.data, Home.from_environment(), options.calls)
    both = {policy: in_own_process(policy, options) for policy in ("cut", "rewrite")}
    print(f"{options.model}, {options.calls} calls, window of {CONTEXT} tokens")
    for row in rows(both):
        print(row)
    if options.json:
        record = {policy: asdict(each) for policy, each in both.items()}
        options.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
