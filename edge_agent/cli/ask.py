"""`miro-edge ask`: one question, its steps as they happen, an answer with checked citations."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

from edge_agent.agent import INTERRUPTED, Agent, AgentSettings
from edge_agent.assembly import assembled
from edge_agent.cli.answer import answer_record, print_answer
from edge_agent.cli.libraries import open_libraries
from edge_agent.cli.output import ExitCode, diagnostics, json_option, print_json
from edge_agent.cli.pulling import ensure_usable, loading_settings
from edge_agent.cli.trajectory import show_trajectory
from edge_agent.events import Event, RunFinished, RunStarted, to_record
from edge_agent.home import Home
from edge_agent.index import Shelf
from edge_agent.models import DEFAULT_CONTEXT, KvType, RemoteModel, load_catalog
from edge_agent.runs import RunStore

_EXIT_CODES = {
    "answered": ExitCode.ANSWERED,
    "partial": ExitCode.ANSWERED,
    "not_found": ExitCode.NOT_FOUND,
    "failed": ExitCode.FAILED,
}


@click.command()
@click.argument("question")
@click.option(
    "-l",
    "--library",
    "libraries",
    multiple=True,
    default=("sample",),
    show_default=True,
    metavar="NAME|PATH",
    help="A library by name, or a folder or file, which is indexed on the fly. Repeatable.",
)
@click.option(
    "-m",
    "--model",
    metavar="NAME|PATH|URL",
    help="A model by name (see: models list), a GGUF file, or http://host:port/v1#name.  "
    "[default: qwen2.5-coder-1.5b]",
)
@click.option("--profile", metavar="NAME", help="How the model is led.  [default: the model's own]")
@click.option(
    "--context",
    type=click.IntRange(min=64),
    default=DEFAULT_CONTEXT,
    show_default=True,
    help="The model's window, in tokens.",
)
@click.option(
    "--kv-type",
    type=click.Choice(["f16", "q8_0"]),
    help="Type of the key-value cache.  [default: f16 while it fits into memory, else q8_0]",
)
@click.option("--mlock", is_flag=True, help="Ask the system never to swap the model out.")
@click.option(
    "--max-calls",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Most tool calls; at the limit it answers from what it has.",
)
@click.option(
    "--max-time",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Answer from what was found after this many seconds.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same answer.")
@click.option("--offline", is_flag=True, help="Never download, and use no server elsewhere.")
@json_option
@click.option("--events", is_flag=True, help="Print every event as a JSON line as it happens.")
@click.option("--quiet", is_flag=True, help="Print the answer and nothing else.")
@click.pass_context
def ask(
    ctx: click.Context,
    question: str,
    libraries: tuple[str, ...],
    model: str | None,
    profile: str | None,
    context: int,
    kv_type: KvType | None,
    mlock: bool,
    max_calls: int,
    max_time: float | None,
    seed: int,
    offline: bool,
    as_json: bool,
    events: bool,
    quiet: bool,
) -> None:
    """Answer QUESTION from your documents, with citations that the program has checked.

    A QUESTION of `-` is read from standard input. The answer goes to standard output, the steps to
    standard error. Ctrl-C once answers from what was found so far, twice ends at once.

    \b
    Exit codes: 0 answered, 3 not found in the library, 2 usage, 1 failure, 130 interrupted.

    \b
    Examples:
      miro-edge ask "In which city was the engineer of the Forth Bridge born?"
      miro-edge ask -l ~/papers --json "Which paper introduced dropout?"
      echo "When was it built?" | miro-edge ask -l manuals -
      miro-edge ask -m http://127.0.0.1:8080/v1#qwen3-8b "Who designed the bridge?"
    """
    if as_json and events:
        raise click.UsageError("--json and --events both claim standard output: choose one.")
    asked = _question_text(question)
    home = Home.from_environment()
    store = RunStore(home.runs)
    for name in libraries:
        Shelf(home.libraries).check(name)  # a slip is told before anything is pulled
    chosen = ensure_usable(model or load_catalog().default, home, offline=offline)
    library = open_libraries(libraries, home, quiet=quiet, offline=offline)
    settings = AgentSettings(
        max_calls=max_calls,
        max_seconds=max_time,
        seed=seed,
        model=chosen.title if isinstance(chosen, RemoteModel) else chosen.name,
        prefixes=home.prefixes,
    )
    engine_settings = loading_settings(chosen, home, context, kv_type, lock=mlock)
    with (
        assembled(chosen, library, settings, engine_settings, profile=profile) as agent,
        _answering_on_interrupt(agent, quiet=quiet),
    ):
        stream = store.record(agent.run(asked))
        if events:
            stream = _print_events(stream)
        elif not quiet:
            stream = show_trajectory(stream)
        started, finished = _ends(stream)
    if as_json:
        print_json(answer_record(started, finished))
    elif not events:
        print_answer(finished, quiet=quiet)
    ctx.exit(
        ExitCode.INTERRUPTED if finished.reason == INTERRUPTED else _EXIT_CODES[finished.status]
    )


def _question_text(argument: str) -> str:
    """Return the question, read from standard input for `-`; refuse one that asks nothing."""
    text = sys.stdin.read() if argument == "-" else argument
    text = " ".join(text.split())
    if not text:
        raise click.UsageError('The question is empty. Ask one: miro-edge ask "Who …?"')
    return text


def _print_events(stream: Iterable[Event]) -> Iterator[Event]:
    for event in stream:
        click.echo(json.dumps(to_record(event), ensure_ascii=False))
        yield event


def _ends(stream: Iterable[Event]) -> tuple[RunStarted, RunFinished]:
    """Drain the stream and return its first and its last event."""
    first, *_, last = stream
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    return first, last


@contextmanager
def _answering_on_interrupt(agent: Agent, *, quiet: bool) -> Iterator[None]:
    """Let the first Ctrl-C end the gathering and the second one end the program."""

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if agent.interrupted:
            raise KeyboardInterrupt
        agent.interrupt()
        if not quiet:
            diagnostics().print("Answering from what was found. Ctrl-C again ends at once.")

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
