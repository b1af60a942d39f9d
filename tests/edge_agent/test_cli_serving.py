"""What bad input gets from `serve` and `mcp`, and which settings they read."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.cli import main
from edge_agent.cli.server_setup import opened_setup, wanted_settings
from edge_agent.errors import ConfigError
from edge_agent.extras import Extras
from edge_agent.home import Home
from edge_agent.models import InstalledModel, ModelStore
from edge_agent.serving.openai_requests import BadRequest, read_request

BOTH = pytest.mark.parametrize("command", [["serve"], ["mcp", "--http"]])


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--offline"])


def said(result: Result) -> str:
    """Return what stands on standard error, which never holds a traceback."""
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return " ".join(result.stderr.split())


@BOTH
def test_a_slip_in_a_librarys_name(command: list[str], home: Path) -> None:
    result = call(*command, "-l", "smaple")
    assert result.exit_code == 1
    assert "Did you mean: sample?" in said(result)


@BOTH
def test_a_slip_in_a_profiles_name(command: list[str], home: Path) -> None:
    result = call(*command, "--profile", "genric")
    assert result.exit_code == 1
    assert "There is no profile 'genric'" in said(result)


@BOTH
def test_a_token_that_can_be_guessed(command: list[str], home: Path) -> None:
    result = call(*command, "--token", "secret")
    assert result.exit_code == 1
    assert "16 or more" in said(result)
    assert "secret" not in said(result)


@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_a_port_that_cannot_be(command: str, home: Path) -> None:
    assert call(command, "--port", "65536").exit_code == 2


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        result = call("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "Another program listens" in said(result)


def test_a_model_that_is_not_here(home: Path) -> None:
    result = call("serve", "--port", "0")
    assert result.exit_code == 1
    assert "miro-edge models pull" in said(result)


def test_broken_settings(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[ask]\ncontext = 'large'")
    for command in ("serve", "mcp"):
        result = call(command)
        assert result.exit_code == 1
        assert "ask.context" in said(result)


def test_what_is_set_holds_where_nothing_is_typed(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[ask]\nattempts = 2\nmax_calls = 3\ncontext = 2048")
    wanted = wanted_settings({"libraries": ("sample",), "max_calls": 5}, Home(home))
    assert (wanted.attempts, wanted.max_calls) == (2, 5)
    assert wanted_settings({"model": " "}, Home(home)).model is None  # as `ask` takes it
    for command in ("serve", "mcp"):
        assert "[default: 2048" in CliRunner().invoke(main, [command, "--help"]).output


def test_tools_and_the_web_are_there_where_they_are_set(home: Path, smollm2: Path) -> None:
    pytest.importorskip("pydantic_monty")
    pytest.importorskip("ddgs")
    home.mkdir()
    (home / "config.toml").write_text("[ask]\nweb = true\ntools = ['python']\noffline = true")
    wanted = wanted_settings({"model": str(smollm2), "libraries": ("sample",)}, Home(home))
    with opened_setup(wanted, Home(home)) as setup:
        assert [tool.signature.name for tool in setup.extras.tools] == ["python"]
        web = setup.open_web()
        assert web is not None
        web.close()
        assert setup.settings.tools == ("python",)
    bare = wanted.model_copy(update={"web": False, "tools": ()})
    with opened_setup(bare, Home(home)) as setup:
        assert setup.extras == Extras()
        assert setup.open_web() is None


def test_what_the_web_lacks_is_said_before_anything_is_asked(
    home: Path, smollm2: Path, model_store: ModelStore, embedder_model: InstalledModel
) -> None:
    home.mkdir()
    (home / "models").symlink_to(model_store.root, target_is_directory=True)
    (home / "config.toml").write_text("[ask]\nweb = true\n[web]\nengine = 'brave'")
    with pytest.raises(ConfigError, match="wants a key"):
        wanted_settings({"model": str(smollm2), "libraries": ("sample",)}, Home(home))


@pytest.mark.parametrize(("command", "extra"), [("serve", "serve"), ("mcp", "mcp")])
def test_a_missing_extra_is_one_sentence(
    command: str, extra: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.installation.find_spec", lambda _: None)
    refused = CliRunner().invoke(main, [command, "-l", "sample", "--offline"])
    assert refused.exit_code == 1
    said = " ".join(refused.stderr.split())
    assert f"server needs the {extra} extra: pip install 'miro-edge[{extra}]'" in said
    assert f"pip install -e '.[{extra}]'" in said


def test_help_loads_no_server(home: Path) -> None:
    script = (
        "import sys; from click.testing import CliRunner; from edge_agent.cli import main\n"
        "for name in ('serve', 'mcp'): CliRunner().invoke(main, [name, '--help'])\n"
        "print(sorted({'aiohttp', 'mcp', 'llama_cpp'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_MESSAGE = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "king", 1]), "content": _JSON}
)
_BODY = st.fixed_dictionaries(
    {"model": st.text() | _JSON, "messages": st.lists(_MESSAGE) | _JSON},
    optional={"stream": _JSON, "seed": _JSON, "n": _JSON, "stream_options": _JSON, "tools": _JSON},
)


@settings(max_examples=50)
@given(st.binary() | (_BODY | _JSON).map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_question_or_refused(body: bytes) -> None:
    with suppress(BadRequest):
        assert read_request(body).question.strip()
