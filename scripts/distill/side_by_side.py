"""Work in processes side by side, each of which makes once what it works with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, TypeVar

_Given = TypeVar("_Given")
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_work: Callable[[Any], Any]
"""What this process does with a task."""


def side_by_side(
    make: Callable[[_Given], Callable[[_Task], _Result]],
    given: _Given,
    tasks: Sequence[_Task],
    jobs: int,
) -> Iterator[_Result]:
    """Yield what `make(given)` returns of each task, in the order in which they are done.

    `make` is called once in each of `jobs` processes. Raises what a task raises, and SystemExit
    where a process cannot begin, or dies.
    """
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (make, given))
    try:
        for done in as_completed([pool.submit(_done, task) for task in tasks]):
            yield done.result()
    except BrokenProcessPool as error:
        raise SystemExit(
            "A process could not begin, or was killed (see above). If memory is short, take less "
            "of them with --jobs."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(make: Callable[[Any], Callable[[Any], Any]], given: object) -> None:
    global _work  # noqa: PLW0603 (a process has one)
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()
    _work = make(given)


def _end_with(parent: BaseProcess | None) -> None:
    """End when the process that hands out the work was killed: nobody else would say so."""
    assert parent is not None
    parent.join()
    os._exit(1)


def _done(task: Any) -> Any:
    return _work(task)
