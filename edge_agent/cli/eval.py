"""`miro-edge eval`: questions with known answers, asked under several conditions and compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from edge_agent.cli.consent import require_consent
from edge_agent.cli.eval_setup import Made, Wanted, asking_options, carry_out, judge_at
from edge_agent.cli.evaluation_progress import evaluation_progress
from edge_agent.cli.evaluation_tables import (
    curve_record,
    evaluation_record,
    print_comparison,
    print_curve,
    print_figures,
)
from edge_agent.cli.options import json_option, offline_option, output_option
from edge_agent.cli.output import diagnostics, print_json, print_listing, write_out
from edge_agent.errors import EvaluationError
from edge_agent.evaluation import plots
from edge_agent.evaluation.comparison import compare
from edge_agent.evaluation.conditions import CONDITIONS, Terms
from edge_agent.evaluation.curve import Point, point
from edge_agent.evaluation.groups import GROUPINGS, KIND
from edge_agent.evaluation.judge import Judge
from edge_agent.evaluation.page import Shown, page
from edge_agent.evaluation.sets import FORMATS as SET_FORMATS
from edge_agent.evaluation.store import EvaluationStore
from edge_agent.evaluation.verdicts import judge_answers
from edge_agent.home import Home
from edge_agent.models import RemoteModel
from edge_agent.showing import in_one_line
from edge_agent.traces import FORMATS
from edge_agent.traces import export as exported

_USUAL = "agent"
_CURVE_CONDITIONS = tuple(name for name, each in CONDITIONS.items() if each.loops)
_GROUPINGS = "; ".join(f"{name}: {each.title}" for name, each in GROUPINGS.items())


@click.group("eval")
def evaluation() -> None:
    """Ask questions whose answers are known, and see what depth gives.

    \b
    Example:
      miro-edge eval run sample --limit 5 --as single-shot,agent
    """


def _store() -> EvaluationStore:
    return EvaluationStore(Home.from_environment().evaluations)


def _names(_ctx: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    """Return the conditions in a list with commas between them."""
    return _chosen(text, CONDITIONS)


def _groupings(_ctx: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    """Return the groupings in a list with commas between them."""
    return _chosen(text, GROUPINGS)


def _chosen(text: str, choices: Collection[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in choices]
    if unknown or not names:
        raise click.BadParameter(f"choose from {', '.join(choices)}, with commas between them.")
    return names


def _depths(_ctx: click.Context, _option: click.Parameter, text: str) -> tuple[int, ...]:
    """Return the numbers of calls in a list with commas between them, the smallest first."""
    try:
        depths = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise click.BadParameter("give whole numbers with commas between them.") from error
    if depths[0] < 1:
        raise click.BadParameter("each has to be 1 or more.")
    return tuple(depths)


@evaluation.command()
@click.argument("asked", metavar="SET")
@click.option(
    "--as",
    "conditions",
    default=_USUAL,
    show_default=True,
    callback=_names,
    metavar="CONDITION,…",
    help=f"How questions are answered: {', '.join(CONDITIONS)}.",
)
@click.option(
    "--max-calls",
    type=click.IntRange(min=1),
    help="Most tool calls of an attempt.  [default: the profile's own]",
)
@asking_options
def run(
    asked: str,
    conditions: tuple[str, ...],
    max_calls: int | None,
    attempts: int,
    seed: int,
    as_json: bool,
    **typed: Any,
) -> None:
    """Ask the questions of SET under one condition or several, and score the answers.

    SET is a file of questions, a folder that holds one, or `sample`. Under `closed-book` the model
    answers from memory; under `single-shot` from the five best passages of one search; `rewrite` is
    the loop with MiroThinker's way of keeping five results and without guards; `agent` is the
    program as it is; `withheld` is that over libraries without the evidence, where it is right to
    find no answer. Each answer is kept as soon as it is there: the same command goes on where it
    was. EM, F1 and shares are in per cent; calls, seconds and tokens are per question.

    \b
    Examples:
      miro-edge eval run sample --limit 5
      miro-edge eval run ~/data/hotpotqa --limit 100 --as closed-book,single-shot,agent
      miro-edge eval run gaia/metadata.jsonl -l ~/papers --judge http://127.0.0.1:8080/v1
    """
    wanted = Wanted(path=asked, **typed)
    terms = [Terms(name, max_calls, attempts, seed).settled() for name in conditions]
    made = carry_out(wanted, terms, conditions)
    if as_json:
        records = [evaluation_record(e.name, e.settings, e.rows, e.lines) for e in made]
        print_json(records[0] if len(records) == 1 else {
            "set": made[0].settings.set, "n": len(made[0].rows), "evaluations": records
        })  # fmt: skip
        return
    print_figures("evaluation", [(each.name, each.found) for each in made])
    for each in made:
        diagnostics().print(f"A line a question: {each.lines}")


@evaluation.command("curve")
@click.argument("asked", metavar="SET")
@click.option(
    "--calls",
    "depths",
    default="1,2,4,8,16",
    show_default=True,
    callback=_depths,
    metavar="N,…",
    help="How many tool calls are allowed at each point.",
)
@click.option(
    "--as",
    "condition",
    type=click.Choice(_CURVE_CONDITIONS),
    default=_USUAL,
    show_default=True,
    help="How questions are answered.",
)
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the curve there as a picture.",
)
@asking_options
def interaction_curve(
    asked: str,
    depths: tuple[int, ...],
    condition: str,
    svg: Path | None,
    attempts: int,
    seed: int,
    as_json: bool,
    **typed: Any,
) -> None:
    """Show what more tool calls give over the questions of SET: F1, and evidence found.

    Each point is an evaluation of its own, the same that `eval run --max-calls N` makes. The most
    calls come first: a run that made fewer than a point allows is taken over for it, and one that
    made more is cut there, so that at most its answer is read anew. Bands are intervals of 95 per
    cent.

    \b
    Examples:
      miro-edge eval curve sample --calls 1,2,4 --limit 10
      miro-edge eval curve ~/data/2wiki --limit 100 --svg 2wiki.svg
    """
    wanted = Wanted(path=asked, **typed)
    terms = [Terms(condition, calls, attempts, seed) for calls in depths]
    made = carry_out(wanted, terms, [f"calls-{calls}" for calls in depths])
    points = [point(calls, each.rows) for calls, each in zip(depths, made, strict=True)]
    if svg is not None:
        svg.write_text(_picture(made, points), encoding="utf-8")
    if as_json:
        print_json(curve_record(made[0].settings.set, points, [each.lines for each in made]))
    else:
        print_curve(points)
    if svg is not None:
        diagnostics().print(f"Written to {svg}")


def _picture(made: list[Made], points: list[Point]) -> str:
    settings = made[0].settings
    return plots.curve(
        f"{settings.set}: {settings.condition}, {settings.model}",
        "tool calls allowed",
        [each.max_calls for each in points],
        (
            plots.Line("F1", tuple(each.f1 for each in points)),
            plots.Line("evidence found", tuple(each.evidence_recall for each in points)),
        ),
    )


def _told_faults(store: EvaluationStore) -> tuple[EvaluationError, ...]:
    """Say which evaluations cannot be understood, and return why."""
    faults = store.faults()
    for fault in faults:
        diagnostics().print(in_one_line(str(fault)))
    return faults


@evaluation.command("list")
@json_option
def list_evaluations(as_json: bool) -> None:
    """List the evaluations, the newest first.

    \b
    Example:
      miro-edge eval list
    """
    with closing(_store()) as store:
        found, faults = store.list(), _told_faults(store)
    if as_json:
        print_json({"evaluations": [dataclasses.asdict(each) for each in found]})
        return
    if not found and not faults:
        click.echo("No evaluations yet. Make one: miro-edge eval run sample --limit 5")
        return
    rows = [
        (
            each.name,
            each.settings.set,
            each.settings.condition,
            each.settings.model,
            f"{each.done} of {each.asked}",
            each.started,
        )
        for each in found
    ]
    print_listing(("evaluation", "set", "condition", "model", "done", "started"), rows)


def _shown(store: EvaluationStore, names: tuple[str, ...]) -> list[Shown]:
    """Return evaluations that have answers, with their rows: those named, or all; tell the others.

    Raises EvaluationError where none has any.
    """
    chosen = [store.evaluation(name) for name in names] or list(reversed(store.list()))
    if not any(each.done for each in chosen):
        raise EvaluationError(
            "There is nothing to report: no question has been answered. "
            "Begin with: miro-edge eval run sample --limit 5"
        )
    for each in chosen:
        if not each.done:
            diagnostics().print(in_one_line(_without_answers(each.name)))
    return [Shown(each, store.rows(each.name)) for each in chosen if each.done]


def _without_answers(name: str) -> str:
    return f"{name} has no answers yet. Go on with it: give the command that began it."


@evaluation.command()
@click.argument("names", metavar="[NAME]…", nargs=-1)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write a page with tables and plots there, which needs nothing else.",
)
@click.option(
    "--by",
    "groupings",
    default=KIND,
    show_default=True,
    callback=_groupings,
    metavar="GROUPING,…",
    help=f"What questions are told apart by ({_GROUPINGS}).",
)
@json_option
def report(
    names: tuple[str, ...], html: Path | None, groupings: tuple[str, ...], as_json: bool
) -> None:
    """Report what evaluations gave, over all questions and for groups of them.

    Each NAME is one that `eval list` prints; without one it is about all. The page and the JSON
    hold all groupings.

    \b
    Examples:
      miro-edge eval report
      miro-edge eval report --by end,evidence
      miro-edge eval report --html report.html
    """
    with closing(_store()) as store:
        if not names:
            _told_faults(store)
        shown = _shown(store, names)
        records = _records(store, shown)
    if html is not None:
        html.write_text(page(shown), encoding="utf-8", errors="replace")
        diagnostics().print(f"Written to {html}")
    if as_json:
        print_json({"evaluations": records})
        return
    print_figures("evaluation", [(each.evaluation.name, each.found) for each in shown])
    for each in shown:
        for by in groupings:
            parts = each.parts(by)
            if parts:
                click.echo()
                print_figures(f"{each.evaluation.name}, by {GROUPINGS[by].title}", parts)


def _records(store: EvaluationStore, shown: list[Shown]) -> list[dict[str, Any]]:
    """Return what is printed for machines about evaluations, whose rows are written as lines."""
    return [
        {
            **evaluation_record(
                each.evaluation.name,
                each.evaluation.settings,
                each.rows,
                store.write_lines(each.evaluation.name),
            ),
            "asked": each.evaluation.asked,
        }
        for each in shown
    ]


@evaluation.command("judge")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option(
    "--judge",
    "address",
    required=True,
    metavar="URL",
    help="The model that judges, behind an OpenAI-compatible server: http://host:port/v1#name.",
)
@click.option("--again", is_flag=True, help="Have all answers judged; older verdicts are deleted.")
@offline_option
@json_option
def judge_made(
    names: tuple[str, ...], address: str, again: bool, offline: bool, as_json: bool
) -> None:
    """Have the answers of evaluations judged that were made before.

    Each NAME is one that `eval list` prints. The judge is asked as the benchmark asks, about the
    answers that have no verdict, or one that cannot be understood: no question is answered anew.
    Each verdict is kept as soon as it is there: without --again, the same command goes on where it
    was.

    \b
    Example:
      miro-edge eval judge sample-agent-miro-edge-1.5b --judge http://127.0.0.1:8080/v1
    """
    with closing(_store()) as store:
        shown = _shown(store, names)
        judge = judge_at(address, offline=offline)
        for each in shown:
            _judge(store, each, judge, anew=again)
        shown = _shown(store, tuple(each.evaluation.name for each in shown))
        records = _records(store, shown)
    if as_json:
        print_json({"evaluations": records})
        return
    print_figures("evaluation", [(each.evaluation.name, each.found) for each in shown])


def _judge(store: EvaluationStore, made: Shown, model: RemoteModel, *, anew: bool) -> None:
    """Have the answers of an evaluation judged, showing how far it is."""
    name, settings = made.evaluation.name, made.evaluation.settings
    # Older versions noted it only where there was a judge.
    judging = settings.judging or SET_FORMATS[settings.format].judging_of(settings.set)
    known = [] if anew else [row for row in made.rows if row.judged is not None]
    with (
        closing(Judge(model, judging)) as judge,
        evaluation_progress(len(made.rows), {name: known}, judging=True) as report,
    ):
        judge_answers(store, name, judge, report, anew=anew)


@evaluation.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--by",
    type=click.Choice(tuple(GROUPINGS)),
    default=KIND,
    show_default=True,
    help=f"What questions are told apart by, as they are in B ({_GROUPINGS}).",
)
@json_option
def compare_two(first: str, second: str, by: str, as_json: bool) -> None:
    """Show what the evaluation B gains over A on the same questions, and how sure that is.

    Differences are paired, in points, with bootstrap intervals of 95 per cent; p is that of
    McNemar's exact test on the questions that only one of them got right: by the verdicts of the
    judge where all answers have one, else by exact match.

    \b
    Examples:
      miro-edge eval compare sample-single-shot-miro-edge-1.5b sample-agent-miro-edge-1.5b
      miro-edge eval compare sample-agent-m-calls-1 sample-agent-m --by calls
    """
    with closing(_store()) as store:
        one, other = (store.evaluation(name) for name in (first, second))
        for each in (one, other):
            if not each.done:
                raise EvaluationError(_without_answers(each.name))
        compared = compare(store.rows(first), store.rows(second), by)
    if as_json:
        print_json({
            "a": first, "b": second,
            "done": {"a": one.done, "b": other.done}, "asked": {"a": one.asked, "b": other.asked},
            "settings": one.settings.differences(other.settings),
            **dataclasses.asdict(compared),
        })  # fmt: skip
        return
    print_comparison(one, other, compared)


@evaluation.command()
@click.argument("name")
@click.argument("question", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    default="markdown",
    show_default=True,
    help="How the run is written down, as for `runs export`.",
)
@output_option
def trace(name: str, question: str, form: str, output: Path | None) -> None:
    """Show the run of the question ID in the evaluation NAME, step by step.

    The ids stand in the file with a line a question.

    \b
    Example:
      miro-edge eval trace sample-agent-miro-edge-1.5b s03
    """
    with closing(_store()) as store:
        text = exported(form, store.events(name, question))
    write_out(text, output)


@evaluation.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(names: tuple[str, ...], yes: bool) -> None:
    """Delete each evaluation NAME, with all its answers.

    \b
    Example:
      miro-edge eval remove sample-agent-qwen2.5-coder-1.5b
    """
    with closing(_store()) as store:
        found = {name: store.done(name) for name in names}
        if not yes:
            for name, done in found.items():
                click.echo(in_one_line(f"{name}: {done} answers"), err=True)
            require_consent(f"Delete {len(found)} evaluations?")
        for name in found:
            store.remove(name)
            diagnostics().print(f"The evaluation {name} is deleted.")
