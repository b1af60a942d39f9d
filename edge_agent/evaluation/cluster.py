"""A driver for several machines: questions are answered by actors on a Ray cluster.

What is sent to a worker is the question, and what the model and the libraries are called. They lie
on its machine under the same names; that they are the same ones is checked by their fingerprint
before anything is answered. What comes back is stored by the process that drives, as ever.
"""

from __future__ import annotations

import math
import os
import platform
import socket
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, fields, replace
from io import StringIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edge_agent import __version__
from edge_agent.errors import EvaluationError
from edge_agent.evaluation.drivers import Driver, Result, Results, Task, carried_out, raise_failure
from edge_agent.evaluation.respondent import Equipment, Respondent, check_failed, respondent
from edge_agent.evaluation.revision import revision
from edge_agent.evaluation.settings import Fingerprint
from edge_agent.home import HOME_VARIABLE, Home
from edge_agent.index import Shelf
from edge_agent.installation import require_extra
from edge_agent.model_opening import model_at_hand
from edge_agent.models import InstalledModel, usable_cores
from edge_agent.provisioning import installed_embedder

LOCAL = "local"
"""The address of a cluster that is started on this machine, and ends with what it was for."""

_WHERE_RAY_EXISTS = (
    ". Ray exists for CPython 3.10 to 3.14, on Linux with glibc and on macOS with Apple's "
    "processors."
)
_LOSSES = 3
"""How often a question may lose its worker; more often, it is the question that kills them."""
_LOCAL_OBJECTS = 100_000_000
"""Bytes of shared memory for what is sent; Ray would take a third of the machine's."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or a warning about graphics cards is printed
}
_ALONE = {
    # What Ray does on laptops with macOS, lest their firewall asks: all ports are on loopback.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_worker_niceness": "0",  # questions are what the machine is for
    # Other users of this machine reach loopback, too; the token lies below HOME, with the session.
    "RAY_AUTH_MODE": "token",
}
_CLUSTER_FILE = "ray_bootstrap_config.yaml"
"""Where Ray looks, below the user's folder, for what kind of cluster it is part of. Where there is
no such file it asks the network for a cloud, even with its statistics turned off."""


def require_ray() -> None:
    """Raise EvaluationError where the extra is not installed."""
    require_extra("cluster", "--cluster needs", EvaluationError, _WHERE_RAY_EXISTS)


def on_cluster(address: str, jobs: int, fingerprint: Fingerprint) -> Driver:
    """Return a driver with so many workers on a Ray cluster, each with a model of its own.

    The cluster is the one at `address` (`host:port` of its head, `auto` for the one that this
    machine is part of), or LOCAL. Workers that are lost are replaced, and their questions asked
    again. Its iteration raises what a worker raises, and EvaluationError where no cluster answers,
    where a machine has another model or other libraries than this one, and where workers are lost
    again and again.
    """

    def drive(equipment: Equipment, tasks: Iterator[Task]) -> Results:
        first = [*islice(tasks, jobs)]
        if not first:  # then there is no need to start anything
            return
        with _connected(address, len(first), equipment.home) as ray:
            crew = _Crew(ray, len(first), equipment, fingerprint)
            yield from _handed_out(crew, deque(first), tasks)

    return drive


def _handed_out(crew: _Crew, waiting: deque[Task], tasks: Iterator[Task]) -> Results:
    """Give questions to who is idle until none is left; one whose worker is lost is next again."""
    losses: Counter[Task | None] = Counter()
    while True:
        while crew.idle:
            task = waiting.popleft() if waiting else next(tasks, None)
            if task is None:
                break
            crew.give(task)
        if crew.idle and not crew.is_answering:
            return
        came = crew.wait()
        # Where one has failed, what the others have done by now is kept all the same.
        yield from (each for _, each in came if isinstance(each, Result))
        for done, each in came:
            if isinstance(each, _Lost):
                losses[done] += 1
                if losses[done] > _LOSSES:
                    raise _given_up(done, each)
                if done is not None:
                    waiting.appendleft(done)
            elif each is not None:
                raise_failure(each)


def _given_up(task: Task | None, lost: _Lost) -> EvaluationError:
    doing = "opening the model" if task is None else f"answering the question '{task.question.id}'"
    return EvaluationError(
        f"Workers of the cluster were lost {_LOSSES + 1} times while {doing}; the last time: "
        f"{lost.why}. Memory may have run out: give the same command with fewer --jobs to go on."
    )


@dataclass(frozen=True, slots=True)
class _Lost:
    """A worker is gone, with what it was doing."""

    why: str


class _Crew:
    """The workers of a cluster. Only one that has opened its model is given a question.

    So nothing waits for a machine that has no room yet, or is slow to begin.
    """

    def __init__(self, ray: Any, size: int, equipment: Equipment, fingerprint: Fingerprint) -> None:
        """Start so many workers, spread over the machines as evenly as they have room."""
        self._ray = ray
        machines = _machines(ray.nodes())
        self._given = (equipment, fingerprint, math.ceil(size / machines), revision())
        self.idle: list[Any] = []
        self._doing: dict[Any, tuple[Any, Task | None]] = {}
        for _ in range(size):
            self._start()

    @property
    def is_answering(self) -> bool:
        """Whether any question is being answered."""
        return any(task is not None for _, task in self._doing.values())

    def give(self, task: Task) -> None:
        """Have an idle worker answer a question."""
        worker = self.idle.pop()
        self._doing[worker.answer.remote(task)] = (worker, task)

    def wait(self) -> list[tuple[Task | None, Result | _Lost | Exception | None]]:
        """Wait until some workers have done what they were doing: a question, or None for opening.

        Returns that of each, with the result, nothing for opening, or what went wrong. One that is
        lost is replaced.
        """
        doing = [*self._doing]
        self._ray.wait(doing)  # for one of them; others may have finished as well
        done, _ = self._ray.wait(doing, num_returns=len(doing), timeout=0)
        return [self._came_of(each) for each in done]

    def _came_of(self, done: Any) -> tuple[Task | None, Result | _Lost | Exception | None]:
        worker, task = self._doing.pop(done)
        try:
            came: Result | Exception | None = self._ray.get(done)
        except self._ray.exceptions.RayError as error:
            if getattr(error, "actor_init_failed", False):
                return task, _unable(error)
            self._ray.kill(worker)  # it may only be out of reach
            self._start()
            return task, _Lost(_first_line(error))
        self.idle.append(worker)
        return task, came

    def _start(self) -> None:
        spread = self._ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")
        worker = spread(_Worker).remote(*self._given)
        self._doing[worker.open.remote()] = (worker, None)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")


def _unable(error: Exception) -> EvaluationError:
    why = str(error).strip().split("\n")[-1]  # the end of a traceback
    return EvaluationError(
        f"A machine of the cluster cannot run miro-edge: {why}. Install miro-edge {__version__} "
        "there, with the cluster extra, in the Python that Ray runs in."
    )


class _Worker:
    """Answers questions on a machine of the cluster; what goes wrong it returns."""

    def __init__(
        self, equipment: Equipment, fingerprint: Fingerprint, sharing: int, wanted: str
    ) -> None:
        """Answer with this equipment; `sharing` workers share the cores of a machine.

        `wanted` is the revision of the program that drives.
        """
        self._equipment = equipment
        self._fingerprint = fingerprint
        self._sharing = sharing
        self._wanted = wanted
        self._answers: Respondent
        self._opened = ExitStack()

    def open(self) -> Exception | None:
        """Open what questions are answered with, if it is what the driving process has."""
        try:
            if self._wanted != revision():
                raise _differs(f"miro-edge {revision()}, not {self._wanted}")
            self._equipment = _found_here(self._equipment, self._sharing)
            _check_same(self._equipment, self._fingerprint)
            self._answers = self._opened.enter_context(respondent(self._equipment))
        except EvaluationError as error:
            return error
        except Exception as error:
            return EvaluationError(f"On the machine {platform.node()} of the cluster: {error}")
        return None

    def answer(self, task: Task) -> Result | Exception:
        """Answer a question."""
        try:
            answered = carried_out(task, self._answers)
            check_failed(answered, self._equipment)
        except Exception as error:
            return error
        return Result(task, answered)


def _machines(nodes: Sequence[Mapping[str, Any]]) -> int:
    """Return how many machines have a core for a worker. Raises EvaluationError where none has."""
    found = sum(bool(each["Alive"] and each["Resources"].get("CPU", 0) >= 1) for each in nodes)
    if not found:
        raise EvaluationError(
            "No machine of the cluster offers a core. Start Ray on one with: "
            "ray start --address HOST:PORT --num-cpus N"
        )
    return found


def _found_here(equipment: Equipment, sharing: int) -> Equipment:
    """Return what is called the same on this machine. Raises as `opening.here`."""
    home = Home.from_environment()
    model = equipment.model
    if isinstance(model, InstalledModel):
        # A file of the user's own is in no store: it has to lie in the same place.
        found = model_at_hand(str(model.path) if model.sha256 is None else model.name, home)
        assert isinstance(found, InstalledModel)
        model = found
    engine = replace(equipment.engine, threads=max(1, usable_cores() // sharing))
    return replace(equipment, home=home, model=model, engine=engine)


def _check_same(equipment: Equipment, wanted: Fingerprint) -> None:
    """Raise EvaluationError where a model or a library is not the one that is meant."""
    shelf = Shelf(equipment.home.libraries, installed_embedder(equipment.home))
    with ExitStack() as opened:
        libraries = [shelf.open(name) for name in equipment.libraries]
        for library in libraries:
            opened.callback(library.close)
        found = Fingerprint.of(equipment, libraries)
    for field in fields(Fingerprint):
        ours, theirs = getattr(found, field.name), getattr(wanted, field.name)
        if ours != theirs:
            raise _differs(f"{field.name} {ours!r}, not {theirs!r}")


def _differs(what: str) -> EvaluationError:
    return EvaluationError(
        f"The machine {platform.node()} of the cluster has {what}. Rows of both cannot stand "
        "together: give it the same miro-edge, and the same model and libraries in the folder of "
        "its MIRO_EDGE_HOME."
    )


@contextmanager
def _connected(address: str, workers: int, home: Home) -> Iterator[Any]:
    """Connect to a cluster, or start one here, and lend Ray; the end leaves nothing of it behind.

    Raises EvaluationError.
    """
    require_ray()
    with ExitStack() as opened:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        environment = {**_QUIET}
        # Whatever it is told, Ray prints its view of lost workers there, amid somebody's JSON.
        opened.enter_context(redirect_stdout(StringIO()))
        if address not in (LOCAL, "auto"):
            _check_answers(address)
        if address == LOCAL:
            folder = opened.enter_context(_session_folder())
            options |= _local(workers, folder)
            environment |= {**_ALONE, "HOME": folder, HOME_VARIABLE: str(home.root.absolute())}
        try:
            with _environment(environment):
                import ray  # it reads the environment as it is imported, and hands it on

                opened.callback(ray.shutdown)
                ray.init(address=address, **options)
        except Exception as error:  # of many kinds, none of them documented
            raise _no_cluster(address, error) from error
        yield ray


def _check_answers(address: str) -> None:
    """Raise EvaluationError where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, OverflowError, ValueError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> EvaluationError:
    return EvaluationError(
        f"No Ray cluster could be used at '{address}': {_first_line(error)}. Name the head as "
        "host:port, from a machine of the cluster (ray start --address=host:port), or give "
        "--cluster alone to start one on this machine."
    )


def _local(workers: int, folder: str) -> dict[str, Any]:
    """Return what a cluster on this machine is started with."""
    return {
        "num_cpus": workers,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": _LOCAL_OBJECTS,
        "_temp_dir": folder,
    }


@contextmanager
def _session_folder() -> Iterator[str]:
    """Make a folder for sockets and logs that only this user can read, and that is deleted.

    Not where other temporary files lie: macOS's folder is too deep for the name of a socket.
    """
    made = TemporaryDirectory(prefix="miro-edge-", dir="/tmp", ignore_cleanup_errors=True)
    with made as folder:
        Path(folder, _CLUSTER_FILE).write_text("{}", encoding="utf-8")
        yield folder


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables of the environment for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
