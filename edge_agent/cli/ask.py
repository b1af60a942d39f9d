"""`miro-edge ask`: one question, its steps as they happen, an answer with checked citations."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.core import ParameterSource

from edge_agent.attachments import named_files
from edge_agent.cli.agent_setup import Led, Needs, opened_agent
from edge_agent.cli.defaults import Configured
from edge_agent.cli.options import answering_options, output_options
from edge_agent.cli.output import ExitCode
from edge_agent.cli.pulling import ensure_wanted
from edge_agent.cli.running import Output, carry_out
from edge_agent.config import AskSettings
from edge_agent.home import Home
from edge_agent.index import storable
from edge_agent.keyboard import terminal
from edge_agent.launch import VOTERS, agent_settings, check_names
from edge_agent.model_opening import loading_settings
from edge_agent.profiles import load_profile
from edge_agent.runs import RunStore


@click.command(cls=Configured)
@click.argument("question", type=storable)
@answering_options
@click.option(
    "--kv-type",
    type=click.Choice(["f16", "q8_0"]),
    help="Type of the key-value cache.  [default: f16 while it fits into memory, else q8_0]",
)
@click.option("--mlock", is_flag=True, help="Ask the system never to swap the model out.")
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most attempts while no answer is found, each told what was tried before.  "
    f"[default: 1, with --vote {VOTERS}]",
)
@click.option("--vote", is_flag=True, help="Make all attempts, and take the majority's answer.")
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="PATH",
    help="A file that the question is about, indexed for this run alone. Where no library is named "
    "beside it, nothing else is searched. Repeatable.",
)
@output_options
@click.pass_context
def ask(
    ctx: click.Context,
    /,
    question: str,
    files: tuple[str, ...],
    as_json: bool,
    events: bool,
    quiet: bool,
    **typed: Any,
) -> None:
    """Answer QUESTION from your documents, with citations that the program has checked.

    A QUESTION of `-` is read from standard input. The answer goes to standard output, the steps to
    standard error. A line that you type while it works is told to the model before its next step.
    Ctrl-C once answers from what was found so far, twice ends at once; `miro-edge runs resume` goes
    on with it later.

    \b
    Exit codes: 0 answered, 3 not found in the library, 2 usage, 1 failure, 130 interrupted.

    \b
    Examples:
      miro-edge ask "In which city was the engineer born who conceived the Great Eastern?"
      miro-edge ask -l ~/papers --json "Which paper introduced dropout?"
      miro-edge ask --file report.pdf --file notes.docx "What did the audit find?"
      echo "When was it built?" | miro-edge ask -l manuals -
      miro-edge ask -m http://127.0.0.1:8080/v1#qwen3-8b "Who designed the bridge?"
      miro-edge ask -l ~/papers --web "Which paper introduced dropout?"
    """
    output = Output(as_json, events, quiet)
    asked = _question_text(question)
    wanted = AskSettings(**typed)
    if wanted.vote and wanted.attempts == 1:
        raise click.UsageError(
            "One attempt is no vote. Give --attempts more, or leave it out; it may also be set: "
            "miro-edge config"
        )
    if files and ctx.get_parameter_source("libraries") is ParameterSource.DEFAULT:
        wanted = wanted.model_copy(update={"libraries": ()})
    keyboard = None if question == "-" else terminal()
    ctx.exit(_answered(asked, wanted, files, output, keyboard))


def _answered(
    asked: str,
    wanted: AskSettings,
    files: Sequence[str],
    output: Output,
    keyboard: int | None,
) -> ExitCode:
    """Get what the question needs, and carry it out."""
    home = Home.from_environment()
    store = RunStore(home.runs)
    led = check_names(wanted, home)
    named = named_files(files)
    chosen = ensure_wanted(wanted.model, home, offline=wanted.offline, quiet=output.quiet)
    settings = agent_settings(wanted, chosen, home, named)
    loading = loading_settings(chosen, home, wanted.context, wanted.kv_type, lock=wanted.mlock)
    needs = Needs(wanted.libraries, named, wanted.tools, wanted.web, wanted.offline, output.quiet)
    model = Led(chosen, loading, led or load_profile(chosen.profile))
    with opened_agent(needs, model, settings, home) as agent:
        stream = store.record(agent.run(asked))
        return carry_out(agent, stream, store, output, keyboard=keyboard)


def _question_text(argument: str) -> str:
    """Return the question, read from standard input for `-`; refuse one that asks nothing."""
    text = _typed() if argument == "-" else argument
    text = " ".join(text.split())
    if not text:
        raise click.UsageError('The question is empty. Ask one: miro-edge ask "Who …?"')
    return text


def _typed() -> str:
    """Return what stands on standard input; nothing where that is closed."""
    if sys.stdin is None:
        return ""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # it may be in another encoding than the terminal
    return sys.stdin.read()
