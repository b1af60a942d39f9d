"""Asks an outside peer the questions of a set, and keeps what comes of it beside our evaluations.

The peer is huggingface's smolagents in an environment of its own (scripts/bench/peer/setup makes
it), with a search over the same library, and llama_cpp.server with the same model file and window.
Give the same command again to go on. Then: miro-edge eval report, miro-edge eval compare.

    .venv/bin/python scripts/bench/peer/outside_peer.py ../shared/data/2wiki -l LIBRARY \\
        -m qwen2.5-coder-1.5b --limit 100 --max-calls 8
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge_agent.errors import AgentError
from edge_agent.evaluation.conditions import SINGLE_PASSAGES, Terms
from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.respondent import Equipment
from edge_agent.evaluation.rows import Row, scored
from edge_agent.evaluation.sets import read_set
from edge_agent.evaluation.settings import EvaluationSettings, Fingerprint, settings_of, usual_name
from edge_agent.evaluation.store import EvaluationStore
from edge_agent.events import (
    Event,
    RunFinished,
    RunStarted,
    TokenCounts,
    ToolAnswered,
    ToolCalled,
)
from edge_agent.evidence import Evidence, added
from edge_agent.home import Home
from edge_agent.index import Collection, LibraryError, Shelf
from edge_agent.model_opening import loading_settings, model_at_hand
from edge_agent.models import DEFAULT_CONTEXT, InstalledModel, ModelError, usable_cores
from edge_agent.profiles import load_profile
from edge_agent.provisioning import installed_embedder
from edge_agent.reasons import CALL_LIMIT
from edge_agent.runs import new_run_id

CONDITION = "smolagents"
HERE = Path(__file__).parent
PYTHON = HERE.parents[2] / ".venv-peer/bin/python"
MODEL_NAME = "local"
MAX_TOKENS = 512
"""Of a message: the server would else go on to the end of the window."""
INSTRUCTIONS = (
    "The answer that you give to final_answer is as short as possible: "
    "one name, date, number, yes or no."
)
"""What the peer is told beside its own prompt: it would else answer at length, and F1 would measure
that. The same after the question keeps a 1.5B from calling anything."""


@dataclass
class Peer:
    """A process that answers questions, started anew where it has ended."""

    command: list[str]
    _process: subprocess.Popen[str] | None = None

    def say(self, **told: Any) -> None:
        """Write it a line."""
        if self._process is None:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
            )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # that it is gone is seen when it is listened to
            self._process.stdin.write(json.dumps(told) + "\n")
            self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Return the line that it writes; where it has ended, what it has died of."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            heard: dict[str, Any] = json.loads(line)
        except ValueError:
            self.end()
            return {"error": f"the peer's process ended or wrote what is no JSON: {line[:200]!r}"}
        return heard

    def end(self) -> None:
        """End the process, if it is there."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


@dataclass
class Inquiry:
    """A question that the peer is at, and what has happened."""

    question: Question
    library: Collection
    started: RunStarted
    evidence: Evidence = field(default_factory=Evidence)
    events: list[Event] = field(default_factory=list)
    calls: int = 0

    def search(self, query: str) -> str:
        """Return the best passages for a query, whole, as `single-shot` reads them."""
        self.calls += 1
        self.events.append(ToolCalled(self.calls, "retriever", {"query": query}))
        before = len(self.evidence)
        found = self.library.search(query, SINGLE_PASSAGES)
        exhibits = [self.evidence.add(library, hit.passage) for library, hit in found]
        self.events += [added(self.calls, each) for each in self.evidence.since(before)]
        shown = [f"{each.passage.title}\n{each.passage.text}" for each in exhibits]
        text = "\n\n".join(shown) or "Nothing was found."
        keys = tuple(each.key for each in exhibits)
        self.events.append(ToolAnswered(self.calls, "retriever", text, keys))
        return text

    def finished(self, said: dict[str, Any], seconds: float) -> tuple[Event, ...]:
        """Return the whole run; one without an answer has failed, whatever the reason."""
        answer = said.get("answer")
        reason = said.get("error") or (CALL_LIMIT if said.get("limit") else "answered")
        if said.get("unreadable"):
            reason += f"; {said['unreadable']} of {said['steps']} messages were no call"
        prompt, generated = said.get("prompt", 0), said.get("generated", 0)
        done = RunFinished(
            run=self.started.run,
            status="failed" if answer is None else "answered",
            answer=answer,
            citations=(),
            calls=self.calls,
            seconds=round(seconds, 3),
            tokens=TokenCounts(prompt, prompt, generated),  # it does not say what was new
            reason=reason,
        )
        return (self.started, *self.events, done)


def asked(peer: Peer, inquiry: Inquiry) -> tuple[Event, ...]:
    """Put a question to the peer, search for it, and return what happened."""
    began = time.monotonic()
    peer.say(question=inquiry.question.text, max_steps=inquiry.started.max_calls)
    while "search" in (said := peer.hear()):
        peer.say(text=inquiry.search(str(said["search"])))
    return inquiry.finished(said, time.monotonic() - began)


@contextmanager
def server(
    model: InstalledModel, context: int, seed: int
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a model on this machine, and lend the address, and the process that does."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model.path)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--model_alias", MODEL_NAME]
    command += ["--n_ctx", str(context), "--n_threads", str(usable_cores()), "--seed", str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/v1"
    try:
        while not _is_up(address):
            if process.poll() is not None:
                sys.exit(f"{' '.join(command)}\nended at once: try it by hand to see why.")
            time.sleep(0.2)
        yield address, process
    finally:
        process.kill()  # asked politely, it would first end what it is writing
        process.wait()


def _is_up(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/models", timeout=1).close()
    except OSError:
        return False
    return True


def settings(
    wanted: argparse.Namespace, home: Home, library: Collection
) -> tuple[EvaluationSettings, InstalledModel]:
    """Return what the evaluation is made with, as ours are told of, and the model."""
    model = model_at_hand(wanted.model, home)
    if not isinstance(model, InstalledModel) or model.adapter is not None:
        sys.exit(f"{wanted.model}: name a model of this machine that is no adapter.")
    profile = load_profile(model.profile)
    names = tuple(each.name for each in library.libraries)
    engine = loading_settings(model, home, wanted.context)
    equipment = Equipment(home, model, engine, names, profile)
    fingerprint = Fingerprint.of(equipment, library.libraries)
    terms = Terms("agent", wanted.max_calls, seed=wanted.seed)
    ours = settings_of(read_set(wanted.set), wanted.split, terms, equipment, fingerprint)
    pinned = (HERE / "requirements.txt").read_bytes()
    version = re.search(rb"^smolagents==(\S+)", pinned, re.M)
    assert version is not None
    peers = f"{CONDITION} {version[1].decode()}"
    digest = hashlib.sha256(pinned + INSTRUCTIONS.encode()).hexdigest()
    return replace(ours, condition=CONDITION, profile=peers, profile_sha256=digest), model


def go_through(wanted: argparse.Namespace, home: Home, opened: ExitStack) -> str:
    """Ask what has not been asked yet, and return the name of the evaluation."""
    shelf = Shelf(home.libraries, installed_embedder(home))
    library = Collection([shelf.open(name) for name in wanted.library])
    for each in library.libraries:
        opened.callback(each.close)
    made_with, model = settings(wanted, home, library)
    name = wanted.name or usual_name(made_with)
    questions = read_set(wanted.set).of_split(wanted.split)[: wanted.limit]
    store = opened.enter_context(closing(EvaluationStore(home.evaluations)))
    opened.enter_context(store.working_on(name))
    store.begin(name, made_with, len(questions))
    opened.callback(store.write_lines, name)
    known = {row.id for row in store.rows(name)}
    left = [(n, question) for n, question in enumerate(questions) if question.id not in known]
    if not left:
        return name
    address, serving = opened.enter_context(server(model, wanted.context, wanted.seed))
    script = str(HERE / "smolagents_agent.py")
    peer = Peer([str(PYTHON), script, address, MODEL_NAME, str(MAX_TOKENS), INSTRUCTIONS])
    opened.callback(peer.end)
    for position, question in left:
        started = RunStarted(
            run=new_run_id(),
            question=question.text,
            model=model.name,
            library=library.name,
            profile=made_with.profile,
            seed=wanted.seed,
            max_calls=wanted.max_calls,
            context=wanted.context,
        )
        events = asked(peer, Inquiry(question, library, started))
        if serving.poll() is not None:  # then it is not the peer that has failed
            sys.exit("The model server has ended: memory may have run out. Start again to go on.")
        row = scored(question, events)
        store.add(name, position, row, events)
        report(position, len(questions), row)
    return name


def report(position: int, count: int, row: Row) -> None:
    """Say what came of a question."""
    answer = (row.answer or row.reason).replace("\n", " ")[:100]
    said = f"F1 {100 * row.f1:.0f}, {row.calls} calls, {row.seconds:.0f} s"
    print(f"{position + 1} of {count}: {row.status}, {said}: {answer}", file=sys.stderr)


def main() -> None:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", type=Path, help="a file of questions, or a folder that holds one")
    parser.add_argument("-l", "--library", action="append", required=True, help="by name")
    parser.add_argument("-m", "--model", required=True, help="by name, or a GGUF file")
    parser.add_argument("--split", default="dev", help="%(default)s if not said")
    parser.add_argument("--limit", type=int, help="ask only the first questions")
    parser.add_argument("--max-calls", type=int, default=8, help="its max_steps (%(default)s)")
    parser.add_argument("--context", type=int, default=DEFAULT_CONTEXT, help="%(default)s tokens")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", help="what to call the evaluation")
    wanted = parser.parse_args()
    if not PYTHON.exists():
        sys.exit("The peer's environment is not there. Make it: scripts/bench/peer/setup")
    try:
        with ExitStack() as opened:
            name = go_through(wanted, Home.from_environment(), opened)
    except (AgentError, LibraryError, ModelError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted. Go on with it: give the same command again.")
    print(f"miro-edge eval report {name}")


if __name__ == "__main__":
    main()
