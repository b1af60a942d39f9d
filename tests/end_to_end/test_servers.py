"""The servers with a real model, each as a process of its own, spoken to by real clients."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import PATIENCE, ended_within, until

from edge_agent.home import HOME_VARIABLE

openai = pytest.importorskip("openai")
pytest.importorskip("aiohttp")
pytest.importorskip("mcp")

from mcp import ClientSession, StdioServerParameters  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402

pytestmark = pytest.mark.slow

TOKEN = "a-token-that-only-tests-know"
QUESTION = "In which city was the engineer born who conceived the Great Eastern?"


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "edge_agent.cli", "serve", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MIRO_EDGE_TOKEN": TOKEN},
    ) as process:
        try:
            assert process.stderr is not None
            said = ""
            with ended_within(process):
                while (found := re.search(r"^Address: (\S+)\n", said, re.MULTILINE)) is None:
                    line = process.stderr.readline()
                    assert line, said
                    said += line
            yield process, found[1]
        finally:
            process.kill()


def statuses() -> dict[str, str]:
    """How the stored runs have ended, by id, the newest first."""
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "runs", "list", "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return {run["id"]: run["status"] for run in json.loads(done.stdout)["runs"]}


SHORT = ("--offline", "-m", "smollm2-135m", "--profile", "edge", "--max-calls", "1")


def test_openais_client_gets_an_answer_that_is_kept(home_with_models: Path, smollm2: Path) -> None:
    with serving(*SHORT, "-l", "sample") as (process, address):
        with openai.OpenAI(base_url=address, api_key=TOKEN, max_retries=0) as client:
            chunks = list(
                client.chat.completions.create(
                    model="miro-edge/sample",
                    messages=[{"role": "user", "content": QUESTION}],
                    stream=True,
                    stream_options={"include_usage": True},
                )
            )
        deltas = [chunk.choices[0].delta for chunk in chunks[:-1]]
        told = deltas[-2].miro_edge
        assert told["library"] == "sample"
        assert chunks[-1].usage.completion_tokens == told["tokens"]["generated"] > 0
        assert any(QUESTION in getattr(each, "reasoning_content", "") for each in deltas)
        assert statuses() == {told["run"]: told["status"]}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.fixture
def ships(home_with_models: Path, ready_ships: Path, smollm2: Path) -> tuple[str, ...]:
    """Options for short runs over a library of three ships."""
    (home_with_models / "libraries").mkdir()
    (home_with_models / "libraries" / "ships").symlink_to(ready_ships, target_is_directory=True)
    return (*SHORT, "-l", "ships")


def test_signals_end_it_while_a_model_works(ships: tuple[str, ...]) -> None:
    with serving(*ships) as (process, address):
        body = {
            "model": "miro-edge",
            "stream": True,
            "messages": [{"role": "user", "content": "Who designed the Fram?"}],
        }
        request = urllib.request.Request(
            f"{address}/chat/completions",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            line = b""
            while b"Searching" not in line:
                line = answer.readline()
                assert line, "the answer ended before anything was searched for"
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGTERM)
            # The system may deliver both as one, which ends it in order.
            assert process.wait(20) in (0, 143)


async def test_the_reference_client_has_a_question_researched(
    ships: tuple[str, ...], home_with_models: Path
) -> None:
    told: list[str] = []

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "edge_agent.cli", "mcp", *ships],
        env={HOME_VARIABLE: str(home_with_models)},
    )
    asked = {"question": "Who designed the Fram?"}
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        result = await session.call_tool("research", asked, progress_callback=progressed)
        assert not result.is_error
        answer = result.structured_content
        assert "search: Who designed the Fram?" in told
        assert statuses() == {answer["run"]: answer["status"]}
        cancelled = asyncio.create_task(session.call_tool("research", asked))
        await until(lambda: len(statuses()) == 2, PATIENCE)
        cancelled.cancel()
        await until(lambda: "running" not in statuses().values(), PATIENCE)
        assert len((await session.list_tools()).tools) == 3
