"""What `eval run` and `eval curve` share: their options, and carrying evaluations out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import click

from edge_agent.cli.evaluation_progress import evaluation_progress
from edge_agent.cli.libraries import indexing_progress, open_libraries, open_shelf
from edge_agent.cli.options import (
    context_option,
    json_option,
    model_option,
    offline_option,
    with_options,
)
from edge_agent.cli.output import diagnostics
from edge_agent.cli.pulling import pulled_embedder, pulled_usable
from edge_agent.errors import EvaluationError
from edge_agent.evaluation.cluster import LOCAL, on_cluster, require_ray
from edge_agent.evaluation.conditions import Terms, condition_of
from edge_agent.evaluation.drivers import (
    Driver,
    Results,
    Task,
    in_processes,
    in_this_process,
)
from edge_agent.evaluation.evaluating import Planned, Work, evaluate
from edge_agent.evaluation.figures import Figures, figures
from edge_agent.evaluation.judge import KEY_VARIABLE
from edge_agent.evaluation.questions import Question, QuestionSet
from edge_agent.evaluation.respondent import Equipment
from edge_agent.evaluation.rows import Row
from edge_agent.evaluation.sets import FORMATS, read_set
from edge_agent.evaluation.settings import EvaluationSettings, Fingerprint, settings_of, usual_name
from edge_agent.evaluation.store import EvaluationStore
from edge_agent.evaluation.withholding import require_evidence
from edge_agent.home import Home
from edge_agent.index import SAMPLE, Collection, Shelf, sample_folder
from edge_agent.model_opening import loading_settings, reached
from edge_agent.models import (
    EngineSettings,
    InstalledModel,
    KvType,
    RemoteModel,
    load_catalog,
    remote_model,
    usable_cores,
)
from edge_agent.profiles import load_profile

_USUAL_SPLIT = "dev"
_EVERY_SPLIT = "all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed, apart from the terms."""

    path: str
    libraries: tuple[str, ...]
    model: str | None
    profile: str | None
    context: int
    limit: int | None
    split: str | None
    form: str | None
    jobs: int
    cluster: str | None
    judge: str | None
    name: str | None
    again: bool
    offline: bool

    @property
    def is_sample(self) -> bool:
        """Whether the questions of the sample library are meant."""
        return self.path == SAMPLE and not Path(self.path).exists()

    @property
    def searched(self) -> tuple[str, ...]:
        """The libraries that are named, or meant; none where the set's own corpus is searched."""
        return self.libraries or ((SAMPLE,) if self.is_sample else ())


@dataclass(frozen=True, slots=True)
class Made:
    """An evaluation, and its rows of the questions that were asked for."""

    name: str
    settings: EvaluationSettings
    rows: tuple[Row, ...]
    lines: Path

    @property
    def found(self) -> Figures:
        """What the rows add up to."""
        return figures(self.rows, judge=self.settings.judge)


def _address(_ctx: click.Context, _option: click.Parameter, typed: str | None) -> str | None:
    """Return where a cluster is; a word that follows the option by chance is no address."""
    if typed is None or typed in (LOCAL, "auto") or ":" in typed:
        return typed
    raise click.BadParameter(
        f"'{typed}' is no address: give host:port or auto, or no address as the last option, as in "
        "SET --cluster"
    )


asking_options = with_options(
    click.option(
        "-l",
        "--library",
        "libraries",
        multiple=True,
        metavar="NAME|PATH",
        help="A library by name, or a folder or file. Repeatable.  [default: the set's own corpus]",
    ),
    model_option,
    click.option(
        "--profile",
        metavar="NAME|PATH",
        help="How the model is led.  [default: the model's own]",
    ),
    context_option,
    click.option(
        "--split",
        metavar="NAME",
        help=f"Which part of the set is asked; `{_EVERY_SPLIT}` is everything.  "
        f"[default: {_USUAL_SPLIT}, where the set has parts]",
    ),
    click.option(
        "--limit", type=click.IntRange(min=1), metavar="N", help="Ask only the first N questions."
    ),
    click.option(
        "--attempts",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Most attempts at a question while no answer is found.",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        help="Same seed, machine and number of threads: same answers.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Processes that work side by side, each with a model of its own.",
    ),
    click.option(
        "--cluster",
        is_flag=False,
        flag_value=LOCAL,
        callback=_address,
        metavar="[ADDRESS]",
        help="Have the --jobs work on a Ray cluster: the one whose head is at host:port, or `auto` "
        "for the one this machine is part of; without ADDRESS one is started here. Each machine "
        "needs miro-edge, and the model and libraries under the same names in its MIRO_EDGE_HOME: "
        "nothing is copied there, and whatever differs is refused.",
    ),
    click.option(
        "--judge",
        metavar="URL",
        help="Have answers judged by a model behind an OpenAI-compatible server, "
        "http://host:port/v1#name, as the benchmark does.",
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(tuple(FORMATS)),
        help="Read the set as this format.  [default: recognised by its fields]",
    ),
    click.option("--name", metavar="NAME", help="What to call it.  [default: what it mainly is]"),
    click.option("--again", is_flag=True, help="Start over; what is there of it is deleted."),
    offline_option,
    json_option,
)
"""Adds the options for what is asked, over what and with what."""


def judge_at(address: str, *, offline: bool) -> RemoteModel:
    """Return the judge at an address, which is there. Raises UsageError, ServerError."""
    judge = remote_model(address)
    if judge is None:
        raise click.UsageError(
            f"--judge {address} is no address. Write it as http://host:port/v1#name."
        )
    if offline and not judge.is_on_this_machine:
        raise click.UsageError("--offline allows only a judge on this machine.")
    # Now, and not after the first question was answered for minutes.
    return reached(judge, KEY_VARIABLE)


def carry_out(wanted: Wanted, terms: Sequence[Terms], suffixes: Sequence[str]) -> list[Made]:
    """Make an evaluation on each of the terms, or go on with it, and return them all.

    A suffix tells those apart that are named together. What is done stays, also at Ctrl-C. Raises
    UsageError, EvaluationError, and what models and libraries raise.
    """
    if wanted.cluster is not None:
        require_ray()
    home = Home.from_environment()
    with closing(EvaluationStore(home.evaluations)) as store:
        path = sample_folder() if wanted.is_sample else Path(wanted.path)
        asked = read_set(path, wanted.form)
        split, questions = _chosen(asked, wanted)
        equipment, libraries = _equipment(wanted, terms, asked, home)
        fingerprint = Fingerprint.of(equipment, libraries.libraries)

        def plans(equipment: Equipment) -> tuple[Planned, ...]:
            settings = [settings_of(asked, split, each, equipment, fingerprint) for each in terms]
            return tuple(map(Planned, _names(settings, suffixes, wanted.name), settings))

        planned = plans(equipment)
        if not wanted.again:
            equipment = _loaded_as_before(equipment, planned, store)
            planned = plans(equipment)
        if any(condition_of(each.condition).withholds for each in terms):
            _tell_of_parts(require_evidence(questions, libraries))
        _close(libraries)
        if wanted.again:
            _forget(store, planned)
        work = Work(planned, questions, equipment, anew=wanted.again)
        _go_through(store, work, _driver(wanted, fingerprint))
        made = [_made(store, each, questions) for each in planned]
    for each in made:
        _tell_of_verdicts(each)
    return made


def _names(
    settings: Sequence[EvaluationSettings], suffixes: Sequence[str], name: str | None
) -> list[str]:
    """Return what evaluations are called that are made by one command."""
    if name is None:
        return [usual_name(each) for each in settings]
    return [name] if len(suffixes) == 1 else [f"{name}-{suffix}" for suffix in suffixes]


def _loaded_as_before(
    equipment: Equipment, planned: Sequence[Planned], store: EvaluationStore
) -> Equipment:
    """Return equipment whose model lies in memory as where these evaluations were begun.

    What is chosen now may differ, for it follows from the memory that is free, and from what was
    tuned meanwhile: nobody could go on then.
    """
    begun = {each.name: each.settings for each in store.list()}
    for plan in planned:
        before = begun.get(plan.name)
        if before is not None and before.kv_type and plan.settings.kv_type:
            engine = replace(
                equipment.engine, kv_type=cast(KvType, before.kv_type), repack=before.repack
            )
            return replace(equipment, engine=engine)
    return equipment


def _chosen(asked: QuestionSet, wanted: Wanted) -> tuple[str | None, tuple[Question, ...]]:
    """Return the split and the questions that are asked. Raises EvaluationError."""
    for reason in dict.fromkeys(asked.left_out):
        count = asked.left_out.count(reason)
        diagnostics().print(f"Questions left out: {count} ({reason}).")
    splits = asked.splits
    split = wanted.split or (_USUAL_SPLIT if splits else None)
    if split == _EVERY_SPLIT:
        split = None
    questions = asked.of_split(split)[: wanted.limit]
    if not questions:
        there = f"it has {', '.join(splits)}" if splits else "it is not divided"
        raise EvaluationError(
            f"The set {asked.name} has no questions in the split '{split}': {there}. "
            f"Choose with --split, {_EVERY_SPLIT} for everything."
        )
    return split, questions


def _equipment(
    wanted: Wanted, terms: Sequence[Terms], asked: QuestionSet, home: Home
) -> tuple[Equipment, Collection]:
    """Get all that questions are answered with, downloaded and indexed where need be."""
    needed = any(condition_of(each.condition).searches for each in terms)
    if needed and not wanted.searched and asked.corpus is None:
        raise click.UsageError(
            f"The set {asked.name} has no documents of its own: name what is searched with "
            "--library."
        )
    led = None if wanted.profile is None else load_profile(wanted.profile)
    for name in wanted.searched:
        Shelf(home.libraries).check(name)
    judge = None if wanted.judge is None else judge_at(wanted.judge, offline=wanted.offline)
    model = pulled_usable(wanted.model or load_catalog().default, home, offline=wanted.offline)
    if isinstance(model, RemoteModel):
        model = reached(model)
    libraries = _libraries(wanted, asked, home, needed=needed)
    equipment = Equipment(
        home=home,
        model=model,
        engine=_engine(model, home, wanted),
        libraries=tuple(library.name for library in libraries.libraries),
        profile=led or load_profile(model.profile),
        judge=judge,
        judging=asked.judging,
    )
    return equipment, libraries


def _engine(model: InstalledModel | RemoteModel, home: Home, wanted: Wanted) -> EngineSettings:
    """Return what to load the model with; processes side by side share the cores."""
    settings = loading_settings(model, home, wanted.context)
    if wanted.jobs == 1:
        return settings
    return replace(settings, threads=max(1, usable_cores() // wanted.jobs))


def _libraries(wanted: Wanted, asked: QuestionSet, home: Home, *, needed: bool) -> Collection:
    """Open what is searched: what was named, else the whole corpus of the set, else nothing."""
    if wanted.searched:
        return open_libraries(wanted.searched, home, quiet=False, offline=wanted.offline)
    if not needed or asked.corpus is None:
        return Collection([])
    pulled_embedder(home, offline=wanted.offline)
    shelf = open_shelf(home)
    name = _corpus_name(asked)
    with indexing_progress() as report:
        shelf.add(name, [asked.corpus], report)
    return Collection([shelf.open(name)])


def _corpus_name(asked: QuestionSet) -> str:
    """Return the name of the library of a set's corpus: the set's, and a mark of where it is."""
    assert asked.corpus is not None
    place = hashlib.sha256(os.fsencode(asked.corpus.path.resolve())).hexdigest()[:8]
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in asked.name)
    return f"{kept.strip('.-_')[:60] or 'set'}-{place}"


def _tell_of_parts(questions: Sequence[str]) -> None:
    """Say of how many questions the evidence is withheld only in part."""
    if questions:
        diagnostics().print(
            f"Questions whose evidence is withheld only in part: {len(questions)}. The libraries "
            "lack some of the documents that the set names, or have them under other names."
        )


def _close(libraries: Collection) -> None:
    for library in libraries.libraries:
        library.close()


def _forget(store: EvaluationStore, planned: Sequence[Planned]) -> None:
    known = store.names()
    for each in planned:
        if each.name in known:
            store.remove(each.name)


def _driver(wanted: Wanted, fingerprint: Fingerprint) -> Driver:
    """Return who hands the questions out."""
    if wanted.cluster is not None:
        return on_cluster(wanted.cluster, wanted.jobs, fingerprint)
    return in_this_process if wanted.jobs == 1 else in_processes(wanted.jobs)


def _go_through(store: EvaluationStore, work: Work, drive: Driver) -> None:
    """Answer what is not answered yet, showing how far it is."""
    names = [each.name for each in work.planned]
    before = {name: _rows(store, name, work.questions) for name in names}
    begun = False

    def driven(equipment: Equipment, tasks: Iterator[Task]) -> Results:
        nonlocal begun
        begun = True
        return drive(equipment, tasks)

    try:
        with evaluation_progress(len(work.questions), before) as report:
            evaluate(store, work, driven, report)
    except BaseException:
        if not begun:  # the same command would come to the same end
            raise
        _tell_of_kept([_made(store, each, work.questions) for each in work.planned], work)
        raise


def _tell_of_kept(kept: Sequence[Made], work: Work) -> None:
    """Say what is kept of work that was broken off, and how to go on with it."""
    done, wanted = sum(len(each.rows) for each in kept), len(kept) * len(work.questions)
    if done < wanted:
        go_on = "Go on with it: give the same command again."
        click.echo(f"{done} of {wanted} answers are kept. {go_on}", err=True)
        return
    click.echo(f"All answers are kept: {done}.", err=True)
    for each in kept:  # the same command would have none of them judged
        _tell_of_verdicts(each)


def _made(store: EvaluationStore, planned: Planned, questions: Sequence[Question]) -> Made:
    rows = _rows(store, planned.name, questions)
    return Made(planned.name, planned.settings, rows, store.lines_file(planned.name))


def _tell_of_verdicts(made: Made) -> None:
    """Say how answers are judged that a judge has not been asked about, or was not clear about."""
    without = made.found.unjudged + made.found.unclear
    if without:
        diagnostics().print(
            f"Answers of {made.name} without a clear verdict: {without}. Have them judged with: "
            f"miro-edge eval judge {made.name} --judge {made.settings.judge}"
        )


def _rows(store: EvaluationStore, name: str, questions: Sequence[Question]) -> tuple[Row, ...]:
    """Return the rows of those questions that are answered in an evaluation."""
    ids = {question.id for question in questions}
    return tuple(row for row in store.rows(name) if row.id in ids)
