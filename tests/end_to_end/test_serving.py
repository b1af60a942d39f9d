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
from typing import Any

import pytest

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
            while (found := re.search(r"^Address: (\S+)\n", said, re.MULTILINE)) is None:
                line = process.stderr.readline()
                assert line, said
                said += line
            yield process, found[1]
        finally:
            process.kill()


def runs(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "runs", *arguments, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture
def small_home(home_with_models: Path, smollm2: Path) -> tuple[str, ...]:
    """Options that make a run short, in a home with the models."""
    return (
        "--offline",
        "-l",
        "sample",
        "-m",
        "smollm2-135m",
        "--profile",
        "edge",
        "--max-calls",
        "1",
    )


def test_openais_client_gets_an_answer_that_is_kept(small_home: tuple[str, ...]) -> None:
    with serving(*small_home) as (process, address):
        with openai.OpenAI(base_url=address, api_key=TOKEN, max_retries=0) as client:
            messages = [{"role": "user", "content": QUESTION}]
            done = client.chat.completions.create(model="miro-edge/sample", messages=messages)
            told = done.choices[0].message.miro_edge
            assert told["library"] == "sample"
            assert done.usage.completion_tokens == told["tokens"]["generated"] > 0
            assert runs("show", told["run"])["status"] == told["status"]
            stream = client.chat.completions.create(
                model="miro-edge", messages=messages, stream=True
            )
            deltas = [chunk.choices[0].delta for chunk in stream]
            assert deltas[-2].miro_edge["answer"] == told["answer"]
            assert any(QUESTION in getattr(each, "reasoning_content", "") for each in deltas)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_second_ctrl_c_ends_it_at_once(small_home: tuple[str, ...]) -> None:
    with serving(*small_home, "--context", "2048") as (process, address):
        body = {"model": "miro-edge", "stream": True}
        body["messages"] = [{"role": "user", "content": QUESTION}]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(
            f"{address}/chat/completions", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            while b"Searching" not in answer.readline():
                pass
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) in (0, 130)


async def test_the_reference_client_has_a_question_researched(
    small_home: tuple[str, ...], home_with_models: Path
) -> None:
    told: list[str] = []

    async def progressed(_progress: float, _total: float | None, message: str | None) -> None:
        told.append(message or "")

    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "edge_agent.cli", "mcp", *small_home],
        env={HOME_VARIABLE: str(home_with_models)},
    )
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        asked = {"question": QUESTION}
        result = await session.call_tool("research", asked, progress_callback=progressed)
        assert not result.is_error
        answer = result.structured_content
        assert f"search: {QUESTION}" in told
        cancelled = asyncio.create_task(session.call_tool("research", asked))
        while len(runs("list")["runs"]) == 1:
            await asyncio.sleep(0.2)
        cancelled.cancel()
        again = await session.call_tool("research", asked)
    assert again.structured_content["answer"] == answer["answer"]
    assert runs("show", answer["run"])["status"] == answer["status"]
    assert len(runs("list")["runs"]) == 3
