"""The MCP server, spoken to by the reference client: in this process, and as one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from edge_agent.agent import AgentSettings
from edge_agent.config import AskSettings
from edge_agent.events import RunFinished
from edge_agent.home import HOME_VARIABLE
from edge_agent.index import Collection, Library
from edge_agent.runs import RunStore
from edge_agent.serving.finding import Finder
from edge_agent.serving.researcher import Researcher, ResearchSetup

pytest.importorskip("mcp")

import httpx2
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from edge_agent.serving.mcp_server import LibraryServer

QUESTION = "Where was the designer of the Fram born?"
TWO_STEPS = [
    *("designed by Colin Archer", "Missing:", " birthplace\n", ">search<"),
    *("born in Larvik", "I have what I need."),
    "Larvik}",
]
DAY = re.compile(r"Day (\d+)")
TOKEN = "a-token-that-only-tests-know"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path / "runs.db")) as opened:
        yield opened


@pytest.fixture
def offering(scripted: Any, ships: Collection, store: RunStore) -> Any:
    """A client of a server in this process, whose model follows a script."""

    @asynccontextmanager
    async def offered(script: list[str], **fields: Any) -> AsyncIterator[tuple[Client, Researcher]]:
        settings = AgentSettings(model="scripted", libraries=("ships",))
        setup = ResearchSetup(ships, scripted(script, **fields), "generic", settings)
        with Researcher(lambda: nullcontext(setup), store) as researcher:
            server = LibraryServer(Finder(ships), researcher, AskSettings()).server()
            async with Client(server) as client:
                yield client, researcher

    return offered


@contextmanager
def never() -> Iterator[ResearchSetup]:
    """Fail: nothing is to be asked."""
    raise AssertionError
    yield


def text_of(result: Any) -> str:
    (content,) = result.content
    return str(content.text)


class TestTools:
    async def test_they_say_what_they_take_and_give(self, offering: Any) -> None:
        async with offering([]) as (client, _):
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert "Libraries: ships." in client.instructions
        assert list(tools) == ["search", "read", "research"]
        for tool in tools.values():
            assert tool.description
            assert tool.annotations.read_only_hint
            assert tool.output_schema["type"] == "object"
        assert set(tools["search"].input_schema["properties"]) == {"query", "library", "limit"}
        assert set(tools["read"].input_schema["properties"]) == {"source", "about", "library"}
        assert set(tools["research"].input_schema["properties"]) == {"question", "library"}

    @pytest.mark.parametrize(
        ("wanted", "reads_only", "open_world"),
        [
            ({}, True, False),
            ({"tools": ("python",)}, True, False),
            ({"model": "http://127.0.0.1:8080/v1"}, True, False),
            ({"model": "https://models.example/v1#large"}, True, True),
            ({"web": True}, True, True),
            ({"web": True, "offline": True}, True, False),  # only what is kept of it
            ({"tools": ("python", "notes/add")}, False, True),
        ],
    )
    async def test_a_client_is_told_how_far_research_reaches(
        self,
        wanted: dict[str, Any],
        reads_only: bool,
        open_world: bool,
        ships: Collection,
        store: RunStore,
    ) -> None:
        never_asked = Researcher(never, store)
        server = LibraryServer(Finder(ships), never_asked, AskSettings(**wanted)).server()
        async with Client(server) as client:
            told = [tool.annotations for tool in (await client.list_tools()).tools]
        hints = [each and (each.read_only_hint, each.open_world_hint) for each in told]
        assert hints == [(True, False), (True, False), (reads_only, open_world)]

    async def test_search_gives_passages_as_text_and_as_data(self, offering: Any) -> None:
        async with offering([]) as (client, _):
            result = await client.call_tool("search", {"query": "Fram designer", "limit": 1})
        (found,) = result.structured_content["results"]
        assert (found["title"], found["library"], found["place"]) == ("Fram", "ships", "line 3")
        assert found["score"] > 0
        assert text_of(result) == f"Fram (line 3) [{found['passage']}]\n{found['text']}"

    async def test_what_was_found_can_be_read(self, offering: Any) -> None:
        async with offering([]) as (client, _):
            found = await client.call_tool("search", {"query": "Archer Larvik", "limit": 1})
            (hit,) = found.structured_content["results"]
            for source in (hit["passage"], hit["document"], "colin archer"):
                result = await client.call_tool("read", {"source": source})
                (read,) = result.structured_content["results"]
                assert (read["passage"], read["text"]) == (hit["passage"], hit["text"])
                assert result.structured_content["next"] is None
            about = {"source": hit["document"], "about": "parents", "library": "ships"}
            assert "Scots" in text_of(await client.call_tool("read", about))

    def test_a_long_document_is_read_piece_by_piece(self, tmp_path: Path) -> None:
        (tmp_path / "log.md").write_text(
            "\n\n".join(f"Day {day} at sea. {'The wind blew. ' * 40}" for day in range(1, 41))
        )
        with closing(Library(tmp_path / "logs")) as logs:
            logs.add([tmp_path / "log.md"])
            finder = Finder(Collection([logs]))
            source, days = "log.md", list[str]()
            while True:
                reading = finder.read(source, None, "logs")
                days += [found for each in reading.passages for found in DAY.findall(each.text)]
                if reading.next is None:
                    break
                assert len(reading.passages) == 16
                source = reading.next
        assert days == [str(day) for day in range(1, 41)]

    async def test_nothing_found_is_no_failure(self, offering: Any) -> None:
        async with offering([]) as (client, _):
            result = await client.call_tool("search", {"query": "xyzzy"})
        assert not result.is_error
        assert text_of(result) == "Nothing was found."
        assert result.structured_content == {"results": []}

    @pytest.mark.parametrize(
        ("tool", "arguments", "said"),
        [
            ("search", {"query": "Fram", "library": "boats"}, "There are: ships"),
            ("search", {"query": ""}, "at least 1 character"),
            ("search", {"query": "Fram", "limit": 1000}, "less than or equal to 50"),
            ("read", {"source": "nowhere.md"}, "There is no passage or document 'nowhere.md'"),
            ("research", {"question": " \n"}, "match pattern"),
            ("research", {"question": "Who?", "library": "boats"}, "There are: ships"),
        ],
    )
    async def test_a_slip_is_told_in_a_sentence(
        self, tool: str, arguments: dict[str, Any], said: str, offering: Any
    ) -> None:
        async with offering([]) as (client, _):
            result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert said in text_of(result)


class TestResearch:
    async def test_an_answer_with_citations_and_its_steps(
        self, offering: Any, store: RunStore
    ) -> None:
        told: list[tuple[float, str | None]] = []

        async def progressed(progress: float, _total: float | None, message: str | None) -> None:
            told.append((progress, message))

        async with offering(list(TWO_STEPS)) as (client, _):
            result = await client.call_tool(
                "research", {"question": QUESTION}, progress_callback=progressed
            )
        answer = result.structured_content
        assert (answer["status"], answer["answer"], answer["calls"]) == ("answered", "Larvik", 2)
        assert [each["title"] for each in answer["citations"]] == ["Colin Archer", "Fram"]
        assert text_of(result).startswith("Larvik\n\n**Sources**\n\n- [")
        assert store.summary(answer["run"]).status == "answered"
        assert [number for number, _ in told] == sorted({number for number, _ in told})
        assert "search: Colin Archer birthplace" in [message for _, message in told]

    async def test_a_call_that_is_cancelled_has_the_run_come_to_its_end(
        self, offering: Any, store: RunStore
    ) -> None:
        reached, going = threading.Event(), threading.Event()

        def held(line: str) -> None:
            if line == "born in Larvik":
                reached.set()
                assert going.wait(20)

        script = [*TWO_STEPS[:-2], "Archer}", *TWO_STEPS]
        async with offering(script, before_line=held) as (client, researcher):
            asked = asyncio.create_task(client.call_tool("research", {"question": QUESTION}))
            assert await asyncio.to_thread(reached.wait, 20)
            asked.cancel()
            for _ in range(400):
                if not researcher.pending:
                    break
                await asyncio.sleep(0.05)
            going.set()
            again = await client.call_tool("research", {"question": QUESTION})
        *_, finished = store.events(store.list()[1].id)
        assert isinstance(finished, RunFinished)
        assert finished.reason == "interrupted"
        assert again.structured_content["run"] == store.list()[0].id

    async def test_a_model_that_fails_is_told_in_a_sentence(self, offering: Any) -> None:
        async with offering([], context=8) as (client, _):
            result = await client.call_tool("research", {"question": QUESTION})
        assert result.is_error
        assert "--context" in text_of(result)


@pytest.fixture
def ready_home(home: Path, ready_ships: Path) -> Path:
    """A home with the library of ships and no model at all."""
    (home / "libraries").mkdir(parents=True)
    (home / "libraries" / "ships").symlink_to(ready_ships, target_is_directory=True)
    return home


COMMAND = ["-m", "edge_agent.cli", "mcp", "-l", "ships", "--offline"]


class TestProcess:
    async def test_a_client_starts_it_and_searches_without_a_model(self, ready_home: Path) -> None:
        parameters = StdioServerParameters(
            command=sys.executable,
            args=COMMAND,
            env={HOME_VARIABLE: str(ready_home)},
        )
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            started = await session.initialize()
            assert started.server_info.name == "miro-edge"
            result = await session.call_tool("search", {"query": "Who designed the Fram?"})
            assert "Colin Archer" in text_of(result)
            result = await session.call_tool("research", {"question": QUESTION})
            assert result.is_error
            assert "miro-edge models pull" in text_of(result)

    async def test_a_client_is_told_of_what_was_typed(self, ready_home: Path) -> None:
        (ready_home / "config.toml").write_text("[mcp.notes]\ncommand = 'notes-server'\n")
        parameters = StdioServerParameters(
            command=sys.executable,
            args=[*COMMAND, "--tool", "notes"],
            env={HOME_VARIABLE: str(ready_home)},
        )
        async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
            await session.initialize()
            *_, research = (await session.list_tools()).tools
        assert research.annotations is not None
        assert not research.annotations.read_only_hint

    def test_nothing_but_the_protocol_is_on_standard_output(self, ready_home: Path) -> None:
        first = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "0"},
            },
        }
        done = subprocess.run(
            [sys.executable, *COMMAND],
            input=f"no JSON\n{json.dumps(first)}\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(each["jsonrpc"] == "2.0" for each in answers)
        assert answers[-1]["result"]["serverInfo"]["name"] == "miro-edge"
        assert "Traceback" not in done.stderr

    async def test_over_http_only_for_who_has_the_token(self, ready_home: Path) -> None:
        with subprocess.Popen(
            [sys.executable, *COMMAND, "--http", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "MIRO_EDGE_TOKEN": TOKEN},
        ) as process:
            try:
                assert process.stderr is not None
                address = ""
                while not address:
                    line = process.stderr.readline()
                    assert line, "the server ended"
                    found = re.fullmatch(r"Address: (\S+)\n", line)
                    address = found[1] if found else ""
                async with httpx2.AsyncClient() as stranger:
                    for headers, status in (
                        ({}, 401),
                        ({"Authorization": "Bearer wrong"}, 401),
                        ({"Host": "evil.example"}, 403),
                        ({"Origin": "https://evil.example"}, 403),
                    ):
                        answer = await stranger.post(address, headers=headers, json={})
                        assert answer.status_code == status
                        assert TOKEN not in answer.text
                headers = {"Authorization": f"Bearer {TOKEN}"}
                async with (
                    httpx2.AsyncClient(headers=headers) as http,
                    Client(streamable_http_client(address, http_client=http)) as client,
                ):
                    result = await client.call_tool("search", {"query": "Fram"})
                    assert result.structured_content["results"][0]["title"] == "Fram"
                process.send_signal(signal.SIGTERM)
                rest = await asyncio.to_thread(process.stderr.read)
                assert process.wait(20) == 0
                assert "Traceback" not in rest
            finally:
                process.kill()
