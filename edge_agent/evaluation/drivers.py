"""Drivers: hand questions out to who answers them, and yield what comes back.

A driver is given the equipment and the tasks, and yields a result for each task in whatever order
they come. It keeps nothing: who drives it stores each result before asking for the next one. Tasks
are taken one by one, when somebody is free for them: whether a later one is still needed may
depend on results that were stored before. Where something fails, what has come by then is yielded
before that is raised.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import TypeAlias

from edge_agent.errors import EvaluationError
from edge_agent.evaluation.conditions import Terms
from edge_agent.evaluation.cutting import Beginning
from edge_agent.evaluation.questions import Question
from edge_agent.evaluation.respondent import (
    Answered,
    Equipment,
    Respondent,
    check_failed,
    respondent,
)
from edge_agent.index import end_with_parent, without_current_folder


@dataclass(frozen=True, slots=True)
class Task:
    """A question of an evaluation, to be answered on its terms."""

    evaluation: str
    position: int
    """The place of the question in its set, from 0."""
    question: Question
    terms: Terms
    begun: Beginning | None = field(default=None, hash=False)
    """What is known of the run already."""
    cut_from: str = ""
    """The evaluation that it is known from."""


@dataclass(frozen=True, slots=True)
class Result:
    """A task, and what came of it."""

    task: Task
    answered: Answered


Results: TypeAlias = Generator[Result, None, None]
"""What comes back; closing it lets go of all that was opened for it."""
Driver: TypeAlias = Callable[[Equipment, Iterator[Task]], Results]


def carried_out(task: Task, answers: Respondent) -> Answered:
    """Return what comes of a task. Raises EvaluationError."""
    answered = answers.answer(task.question, task.terms, task.begun)
    return replace(answered, row=replace(answered.row, cut_from=task.cut_from))


def raise_failure(came: Result | Exception) -> None:
    """Raise what went wrong with a task, or with judging what came of it."""
    error = came.answered.judge_failed if isinstance(came, Result) else came
    if error is not None:
        raise error


def in_this_process(equipment: Equipment, tasks: Iterator[Task]) -> Results:
    """Answer one question after the other. Raises ModelError, LibraryError, EvaluationError."""
    first = next(tasks, None)
    if first is None:  # then there is no need to load a model
        return
    with respondent(equipment) as answers:
        for task in chain([first], tasks):
            answered = carried_out(task, answers)
            check_failed(answered, equipment)
            result = Result(task, answered)
            yield result
            raise_failure(result)


def in_processes(jobs: int) -> Driver:
    """Return a driver with so many worker processes, each with a model of its own.

    Its iteration raises what a worker raises, and EvaluationError where one is killed.
    """

    def drive(equipment: Equipment, tasks: Iterator[Task]) -> Results:
        first = [*islice(tasks, jobs)]
        left = chain(first, tasks)
        with _workers(equipment, len(first)) as idle:
            busy: list[Connection] = []
            while True:
                for worker, task in zip([*idle], left, strict=False):
                    worker.send(task)
                    idle.remove(worker)
                    busy.append(worker)
                if not busy:
                    return
                ready = [each for each in wait(busy) if isinstance(each, Connection)]
                # Where one has failed, what the others have sent by now is kept all the same.
                came = [_received(worker) for worker in ready]
                yield from (each for each in came if isinstance(each, Result))
                for worker, each in zip(ready, came, strict=True):
                    raise_failure(each)
                    busy.remove(worker)
                    idle.append(worker)

    return drive


def _received(worker: Connection) -> Result | Exception:
    """Return the result that a worker has sent, or what it raised, or that it is gone."""
    try:
        sent: Result | Exception = worker.recv()
    except (EOFError, OSError):
        return EvaluationError(
            "A worker process ended in the middle of a question: memory may have run out. Give the "
            "same command with fewer --jobs to go on."
        )
    return sent


@contextmanager
def _workers(equipment: Equipment, count: int) -> Iterator[list[Connection]]:
    """Start worker processes and lend the ends to talk to them; the end ends them at once."""
    context = get_context("spawn")  # a fork would share what llama.cpp and SQLite hold open
    processes, ends = [], []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(equipment, theirs), daemon=True)
            with without_current_folder():
                process.start()
            theirs.close()
            processes.append(process)
            ends.append(ours)
        yield list(ends)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        for end in ends:
            end.close()


def _work(equipment: Equipment, main: Connection) -> None:
    """Answer what is sent until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that drives
    end_with_parent()
    try:
        with respondent(equipment) as answers:
            while True:
                task = main.recv()
                answered = carried_out(task, answers)
                check_failed(answered, equipment)
                main.send(Result(task, answered))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        main.send(error)
