"""Running a web application until somebody ends it, in order or at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import ended_within

pytest.importorskip("aiohttp")

# Its end takes longer than a test waits for it.
SERVER = """
import asyncio, signal, socket
from aiohttp import web
from edge_agent.serving.running import run

async def clean(app):
    print("cleaning", flush=True)
    await asyncio.sleep(60)

# As in a terminal of its own, whatever the tests were started under.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
app = web.Application()
app.on_cleanup.append(clean)
run(app, socket.create_server(("127.0.0.1", 0)), lambda port: print("ready", flush=True))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with (
        subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
        ) as process,
        ended_within(process, 50),
    ):
        yield process
        process.kill()


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_it_at_once(
    first: signal.Signals, second: signal.Signals, server: subprocess.Popen[str]
) -> None:
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    server.send_signal(first)
    assert server.stdout.readline() == "cleaning\n"
    server.send_signal(second)
    assert server.wait(30) == 128 + second
