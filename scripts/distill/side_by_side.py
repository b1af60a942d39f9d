"""Work in processes side by side, each of which makes once what it works with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
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
    _work = make(given)


def _done(task: Any) -> Any:
    return _work(task)
