"""Waiting for what other threads and processes do, so that a test that fails does not hang."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psutil

PATIENCE = 600.0
"""Seconds after which a program with a real model on a busy machine will not end any more."""


async def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        await asyncio.sleep(0.02)


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def wait_for_port(port: int, server: subprocess.Popen[Any], seconds: float = 120) -> None:
    """Wait until a server that was started listens at a port."""
    deadline = time.monotonic() + seconds
    while True:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert server.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not come up"
        time.sleep(0.1)


@contextmanager
def ended_within(process: subprocess.Popen[Any], seconds: float = PATIENCE) -> Iterator[None]:
    """Kill a process that is still at work then: whoever reads what it says waits no longer.

    It is killed, with all that it has started, also when an exception passes.
    """
    timer = threading.Timer(seconds, _kill, [process])
    timer.start()
    try:
        yield
    except BaseException:
        _kill(process)
        raise
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[Any]) -> None:
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
