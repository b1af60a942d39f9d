"""Running a web application until somebody ends it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from socket import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.web import Application

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECONDS_TO_END = 15.0
"""For requests that go on when the server ends."""


def run(application: Application, listening: socket, ready: Callable[[int], None]) -> None:
    """Run `application` until Ctrl-C or SIGTERM; a second one ends the process at once.

    `ready` gets the port, once requests are answered.
    """
    for library in ("aiohttp", "textual-serve"):  # their warnings would be printed otherwise
        logging.getLogger(library).addHandler(logging.NullHandler())
    asyncio.run(_until_ended(application, listening, ready))


async def _until_ended(
    application: Application, listening: socket, ready: Callable[[int], None]
) -> None:
    from aiohttp.web import AppRunner, SockSite

    ended = asked_to_end()
    runner = AppRunner(
        application, access_log=None, shutdown_timeout=_SECONDS_TO_END, handler_cancellation=True
    )
    await runner.setup()
    try:
        await SockSite(runner, listening).start()
        ready(listening.getsockname()[1])
        await ended.wait()
    finally:
        await runner.cleanup()


def asked_to_end() -> asyncio.Event:
    """Return what is set by Ctrl-C and SIGTERM, of which a second one ends the process at once."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    # What is ignored stays so: nohup, or a shell's background job.
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]

    def end() -> None:
        ended.set()
        for number in heard:  # the second one may be another than the first
            # No exception could end a model that computes in a thread of its own.
            loop.add_signal_handler(number, partial(os._exit, 128 + number))

    for number in heard:
        loop.add_signal_handler(number, end)
    return ended
