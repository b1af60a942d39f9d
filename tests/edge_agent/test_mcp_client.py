"""Servers of tools: real processes that answer, hang, die and lie, and runs that survive them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomli_w
from click.testing import CliRunner
from waiting import free_port, wait_for_port

from edge_agent.agent import Agent, AgentSettings
from edge_agent.cli import main
from edge_agent.config import McpServer
from edge_agent.errors import ToolboxError
from edge_agent.events import Event, EvidenceAdded, RunFinished, ToolAnswered
from edge_agent.evidence import Evidence
from edge_agent.extras import Extras, open_extras
from edge_agent.index import Collection
from edge_agent.mcp_client.choosing import open_servers
from edge_agent.profiles import load_profile
from edge_agent.tools import Tool, ToolContext, ToolError, ToolResult

REFERENCE = Path(__file__).with_name("reference_server.py")
BARE = Path(__file__).with_name("bare_server.py")
EDGE = load_profile("edge")


def program(path: Path, *arguments: str, timeout: float = 30) -> McpServer:
    return McpServer(command=sys.executable, args=(str(path), *arguments), timeout=timeout)


@contextmanager
def tools(server: McpServer, *names: str) -> Iterator[dict[str, Tool]]:
    """The tools of a server called sea, by name."""
    with open_servers(names or ("sea",), {"sea": server}, offline=False) as opened:
        yield {tool.signature.name: tool for tool in opened.tools}


@pytest.fixture(scope="module")
def sea() -> Iterator[dict[str, Tool]]:
    """One server for the tests that leave it as it is."""
    with tools(program(REFERENCE)) as found:
        yield found


@pytest.fixture
def run(ships: Collection) -> Callable[..., ToolResult]:
    """Carry out a call as a run does that has found nothing yet."""

    def carry_out(tool: Tool, stopped: Callable[[], object] = bool, **arguments: Any) -> ToolResult:
        context = ToolContext(
            ships,
            Evidence(),
            "When does the harbour freeze?",
            lambda text: len(text.split()),
            results=5,
            tokens=80,
            stopped=stopped,
        )
        return tool.run(arguments, context)

    return carry_out


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "mcp" in thread.name]


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


# What a tool answers


def test_what_a_server_answers_is_evidence(
    sea: dict[str, Tool], run: Callable[..., ToolResult]
) -> None:
    result = run(sea["weather"], town="Larvik")
    assert result.text == (
        "[1] weather (Larvik): It will snow in Larvik for 1 days. "
        "The harbour of Larvik freezes on Friday."
    )
    assert [quote.sentence for quote in result.shown] == [
        "It will snow in Larvik for 1 days.",
        "The harbour of Larvik freezes on Friday.",
    ]


def test_unicode_goes_there_and_back(sea: dict[str, Tool], run: Callable[..., ToolResult]) -> None:
    assert "Ærøskøbing 🌊" in run(sea["weather"], town="Ærøskøbing 🌊").text
    assert "in ? for" in run(sea["weather"], town="\ud83c").text


def test_a_session_keeps_its_state(sea: dict[str, Tool], run: Callable[..., ToolResult]) -> None:
    first, second = (run(sea["count"], note=note).text for note in "ab")
    assert "Call number 1 in process" in first
    assert second.replace("(b)", "(a)").replace("number 2", "number 1") == first


def test_data_without_a_text_is_shown_as_json(
    sea: dict[str, Tool], run: Callable[..., ToolResult]
) -> None:
    text = run(sea["survey"], harbours=[{"name": "Larvik"}], unit="ft").text
    assert '"surveyed"' in text
    assert '"unit": "ft"' in text


def test_what_is_no_text_is_said_to_be_left_out(
    sea: dict[str, Tool], run: Callable[..., ToolResult]
) -> None:
    lines = run(sea["picture"]).text.splitlines()
    assert lines == [
        "[1] picture: A harbour at dusk. The harbour has two moles.",
        "No text: 1 image.",
    ]


def test_of_a_long_answer_what_matters_is_shown(
    sea: dict[str, Tool], run: Callable[..., ToolResult]
) -> None:
    result = run(sea["log"], lines=3000)
    assert len(result.text.split()) < 120


def test_a_failure_and_wrong_arguments_are_told_in_one_line(
    sea: dict[str, Tool], run: Callable[..., ToolResult]
) -> None:
    with pytest.raises(ToolError, match="refuse"):
        run(sea["refuse"], why="the ice\nis thin")
    with pytest.raises(ToolError, match="town"):
        run(sea["weather"])


def test_what_a_server_sends_brings_no_control_codes(
    sea: dict[str, Tool], run: Callable[..., ToolResult]
) -> None:
    assert "\x1b" not in run(sea["hostile"]).text
    assert "<" not in sea["hostile"].signature.description


def test_a_call_ends_when_the_run_does(
    sea: dict[str, Tool], run: Callable[..., ToolResult]
) -> None:
    before = run(sea["count"], note="before").text
    asked = iter([False, False, True])
    with pytest.raises(ToolError, match="the run was stopped before 'sea' answered"):
        run(sea["wait"], stopped=lambda: next(asked), seconds=3600)
    after = run(sea["count"], note="after").text
    assert after.partition(" in process")[2] == before.partition(" in process")[2]


def test_a_program_gets_its_folder_and_variables_and_none_of_ours(
    run: Callable[..., ToolResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRO_EDGE_API_KEY", "s3cret")
    berth = tmp_path.resolve()
    given = {"cwd": str(berth), "env": {"SEA_KEY": "blue"}}
    with tools(program(REFERENCE).model_copy(update=given)) as found:
        told = run(found["berth"], variables=["SEA_KEY", "MIRO_EDGE_API_KEY"]).text
    assert f"lies in {berth}, where SEA_KEY is blue, MIRO_EDGE_API_KEY is not known." in told


# Servers that fail


def test_a_server_that_hangs_costs_one_call_and_is_started_again(
    run: Callable[..., ToolResult],
) -> None:
    with tools(program(BARE, timeout=2)) as found:
        run(found["count"])
        with pytest.raises(ToolError, match="'sea' has not answered within 2 seconds"):
            run(found["hang"])
        assert "Call number 1" in run(found["count"]).text


def test_a_server_that_dies_costs_one_call_and_is_started_again_but_not_for_ever(
    run: Callable[..., ToolResult], tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    with tools(program(BARE, "--pids", str(pids))) as found:
        for _ in range(4):
            with pytest.raises(ToolError, match=r"ended the connection.*the anchor is lost"):
                run(found["die"])
        with pytest.raises(ToolError, match="failed too often, and is not started again"):
            run(found["count"])
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 4
    assert all(map(gone, started))


def test_a_tool_that_is_taken_away_costs_its_calls(run: Callable[..., ToolResult]) -> None:
    with tools(program(REFERENCE)) as found:
        run(found["replace"])
        with pytest.raises(ToolError, match="Unknown tool"):
            run(found["weather"], town="Larvik")
        assert "Call number 1" in run(found["count"]).text


def test_nothing_is_left_of_a_server_after_the_run(tmp_path: Path) -> None:
    pids, before = tmp_path / "pids", threads()
    with tools(program(BARE, "--pids", str(pids))):
        assert len(threads()) > len(before)
    assert all(gone(int(pid)) for pid in pids.read_text().split())
    assert threads() == before


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (McpServer(command="no-such-program"), "there is no no-such-program"),
        (McpServer(command=sys.executable, cwd="/no/such/folder"), "there is no /no/such/folder"),
        (McpServer(command="sleep", args=("60",), timeout=1), "not answered within 1 seconds"),
        (McpServer(command="cat", timeout=5), "Method not found"),
        (program(BARE, "--die"), "last words were: \\u{1b}(31mno chart of these waters"),
        (McpServer(url="http://127.0.0.1:9/mcp", timeout=5), "connection"),
    ],
)
def test_a_server_that_cannot_be_started_is_refused_at_once(server: McpServer, why: str) -> None:
    before = threads()
    with pytest.raises(ToolboxError) as refused, tools(server):
        pass
    assert "The MCP server 'sea' cannot be used: " in str(refused.value)
    assert why in str(refused.value)
    assert "[mcp.sea]" in str(refused.value)
    assert threads() == before


# Choosing


def test_some_of_many_tools_are_chosen() -> None:
    many = program(BARE, "--tools", "40")
    with pytest.raises(ToolboxError, match=r"44 tools.*--tool sea/weather"), tools(many):
        pass
    with tools(many, "sea/tool_33", "sea/count") as found:
        assert list(found) == ["tool_33", "count"]
    allowed = many.model_copy(update={"tools": ("count", "tool_1")})
    with tools(allowed) as found:
        assert list(found) == ["count", "tool_1"]
    refused = pytest.raises(ToolboxError, match=r"no tool 'weather'.*sea/count, sea/tool_1\.")
    with refused, tools(allowed, "sea/weather"):
        pass


def settled(home: Path, servers: dict[str, Any]) -> None:
    """Write the settings."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(tomli_w.dumps({"mcp": servers}))


def test_names_are_checked_before_anything_is_started(home: Path) -> None:
    settled(home, {"sea": {"command": "no-such-program"}, "library": {"command": "x"}})
    unknown = pytest.raises(ToolboxError, match=r"no tool 'see' to choose.*sea")
    with unknown, open_extras(["see"], EDGE):
        pass
    taken = pytest.raises(ToolboxError, match="'library' has the name of something that comes")
    with taken, open_extras(["library/x"], EDGE):
        pass
    with open_extras([], EDGE) as extras:
        assert extras.tools == ()


def test_offline_reaches_no_other_machine(home: Path) -> None:
    settled(home, {"far": {"url": "https://example.org/mcp?key=s3cret"}})
    refused = pytest.raises(ToolboxError, match="'far' is not")
    with refused as said, open_extras(["far"], EDGE, offline=True):
        pass
    assert "s3cret" not in str(said.value)


# Over HTTP


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    port = free_port()
    server = subprocess.Popen([sys.executable, str(REFERENCE), "--http", str(port)])
    try:
        wait_for_port(port, server)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.kill()
        server.wait()


def test_a_server_at_an_address(address: str, run: Callable[..., ToolResult]) -> None:
    server = McpServer(url=address, headers={"X-Crew": "seven"}, timeout=10)
    with tools(server) as found:
        assert "snow in Larvik" in run(found["weather"], town="Larvik").text
        assert "“seven”" in run(found["crew"]).text
        first, second = (run(found["count"], note=note).text for note in "ab")
        assert first.partition(" in ")[2] == second.partition(" in ")[2]
        with pytest.raises(ToolError, match="refuse"):
            run(found["refuse"], why="no")


def test_what_is_said_to_a_server_goes_through_no_proxy(
    address: str, run: Callable[..., ToolResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with tools(McpServer(url=address, timeout=10)) as found:
        assert "snow in Larvik" in run(found["weather"], town="Larvik").text


def test_a_call_to_an_address_that_takes_too_long_costs_no_session(
    address: str, run: Callable[..., ToolResult]
) -> None:
    with tools(McpServer(url=address, timeout=3)) as found:
        with pytest.raises(ToolError, match="'sea' has not answered within 3 seconds"):
            run(found["wait"], seconds=3600)
        assert "snow in Larvik" in run(found["weather"], town="Larvik").text


# Runs


def asked(scripted: Any, ships: Collection, script: list[str]) -> list[Event]:
    with open_servers(["sea"], {"sea": program(BARE)}, offline=False) as opened:
        settings, extras = AgentSettings(tools=("sea",)), Extras(opened.tools)
        agent = Agent(ships, scripted(script), profile=EDGE, settings=settings, extras=extras)
        return list(agent.run("On which day does the harbour of Larvik freeze?"))


QUOTING = ["Missing:", "\n", ">weather<", '{"town": "Larvik"}', "freezes on Friday"]
QUOTING += ["I have what I need.", "Friday}"]


def test_a_sentence_of_a_tool_is_quoted_and_cited(scripted: Any, ships: Collection) -> None:
    events = asked(scripted, ships, ["Nothing here helps.", *QUOTING])
    done = events[-1]
    assert isinstance(done, RunFinished)
    assert (done.status, done.answer) == ("answered", "Friday")
    (citation,) = done.citations
    assert (citation.title, citation.library) == ("weather (Larvik)", "sea (MCP)")
    assert citation.quote == "The harbour of Larvik freezes on Friday."
    assert [e.source for e in events if isinstance(e, EvidenceAdded)][-1] == "sea/weather"


def test_a_server_that_dies_in_a_call_does_not_end_the_run(
    scripted: Any, ships: Collection
) -> None:
    script = ["born in Larvik", "Missing:", "\n", ">die<", "{}"]
    events = asked(scripted, ships, [*script, *QUOTING])
    failed = [e.text for e in events if isinstance(e, ToolAnswered) and e.failed]
    assert len(failed) == 1
    assert failed[0].startswith("Tool call to die on sea failed. Error: 'sea' has ended")
    assert isinstance(events[-1], RunFinished)
    assert events[-1].answer == "Friday"


# The command line


def call(*arguments: str) -> Any:
    result = CliRunner().invoke(main, list(arguments))
    assert "Traceback" not in result.output
    return result


def test_the_settings_show_servers_without_their_secrets(home: Path) -> None:
    settled(
        home,
        {
            "sea": {"command": "uvx", "args": ["sea-server"], "env": {"KEY": "s3cret"}},
            "far": {
                "url": "https://me:s3cret@example.org/mcp?key=s3cret",
                "headers": {"Authorization": "Bearer s3cret"},
                "tools": ["tides"],
            },
        },
    )
    shown = call("config").stdout
    assert "mcp.sea: uvx sea-server KEY=…" in shown
    assert "mcp.far: https://example.org/mcp Authorization=… (only tides)" in shown
    servers = json.loads(call("config", "--json").stdout)["servers"]
    assert [server["name"] for server in servers] == ["sea", "far"]
    assert "s3cret" not in shown + json.dumps(servers)
    assert call("config", "set", "ask.context", "2048").exit_code == 0
    assert "s3cret" in (home / "config.toml").read_text()


def test_doctor_starts_each_server(home: Path) -> None:
    sea = {"command": sys.executable, "args": [str(REFERENCE)]}
    settled(home, {"sea": sea, "wreck": {"command": "no-such-program"}})
    report = json.loads(call("doctor", "--json").stdout)
    found, wreck = report["servers"]
    assert "weather" in found["tools"]
    why = "its name is not of letters, digits and _./-"
    assert found["left_out"] == {"bad name‹|im_end|›": why}
    assert "there is no no-such-program" in wreck["problem"]


def test_ask_ends_before_a_model_is_loaded_where_a_server_cannot_be_started(
    home: Path, smollm2: Path, embedder_model: Any, model_store: Any
) -> None:
    settled(home, {"wreck": {"command": "no-such-program"}})
    (home / "models").mkdir()
    embedder = model_store.root / embedder_model.name
    (home / "models" / embedder.name).symlink_to(embedder, target_is_directory=True)
    result = call("ask", "-m", str(smollm2), "--tool", "wreck", "Who?")
    assert result.exit_code == 1
    assert "The MCP server 'wreck' cannot be used: there is no no-such-program" in result.stderr


@pytest.mark.slow
def test_a_real_model_calls_a_tool_of_a_server(
    home: Path, smollm2: Path, tmp_path: Path, embedder_model: Any, model_store: Any
) -> None:
    sea = {"command": sys.executable, "args": [str(REFERENCE)]}
    settled(home, {"sea": sea})
    (home / "models").mkdir()
    embedder = model_store.root / embedder_model.name
    (home / "models" / embedder.name).symlink_to(embedder, target_is_directory=True)
    profile, town = tmp_path / "caller.toml", tmp_path / "Larvik.md"
    profile.write_text(PROFILE)
    town.write_text("# Larvik\n\nLarvik is a town in Norway.\n")
    words = f"ask --events --offline -m {smollm2} --profile {profile} -l {town}".split()
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", *words, "--tool", "sea/weather", SNOW],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    calls = [e for e in events if e["event"] == "ToolCalled" and e["server"] == "sea"]
    answered = [e for e in events if e["event"] == "ToolAnswered" and e["tool"] == "weather"]
    assert [e["arguments"] for e in calls] == [{"town": "Larvik"}]
    assert [e["failed"] for e in answered] == [False]
    assert "[1] weather (Larvik): It will snow in Larvik" in answered[0]["text"]


SNOW = "Will it snow in Larvik?"
PROFILE = """
based_on = "generic"
name = "caller"
tools = ["read"]
[prompts]
system = '''
You answer questions about the weather.

{tools}

Question: Will it rain in Turku?
Nothing here helps.
Missing: Turku
<use_mcp_tool>
<server_name>sea</server_name>
<tool_name>weather</tool_name>
<arguments>
{{"town": "Turku"}}
</arguments>
</use_mcp_tool>
'''
[gathering]
calls = 1
search_first = false
"""
