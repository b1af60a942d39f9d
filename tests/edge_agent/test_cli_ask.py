"""What bad input gets from `ask`: a sentence, an exit code, and nothing half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from commands import call, said

from edge_agent.models import InstalledModel, ModelStore, load_catalog, memory

SHORT = ("--profile", "edge", "--max-calls", "1")
"""A short prompt and one step, where it does not matter what a real model makes of the question."""


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.md").write_text("# Larvik\n\nLarvik is a town in Norway.")
    return folder


@pytest.fixture
def home(home: Path, model_store: ModelStore, embedder_model: InstalledModel) -> Path:
    """A home with the embedder and nothing else, so that it is not pulled for every test."""
    (home / "models").mkdir(parents=True)
    embedder = model_store.root / embedder_model.name
    (home / "models" / embedder.name).symlink_to(embedder, target_is_directory=True)
    return home


@pytest.mark.parametrize("question", ["", "   ", "\n\t"])
def test_a_question_of_spaces(question: str, home: Path) -> None:
    result = call("ask", question)
    assert result.exit_code == 2
    assert "The question is empty" in said(result)


def test_a_question_of_spaces_from_standard_input(home: Path) -> None:
    result = call("ask", "-", text=" \n")
    assert result.exit_code == 2
    assert "The question is empty" in said(result)


def test_an_unknown_model_is_named_with_what_is_like_it(home: Path) -> None:
    result = call("ask", "-m", "smolm2-135m", "Who?")
    assert result.exit_code == 1
    assert "There is no model 'smolm2-135m'. Did you mean: smollm2-135m?" in said(result)


def test_offline_refuses_to_download(home: Path) -> None:
    result = call("ask", "--offline", "Who?")
    assert result.exit_code == 1
    assert f"miro-edge models pull {load_catalog().default}" in said(result)
    assert [path.name for path in (home / "models").iterdir()] == ["minilm-l6"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"hello", "not a GGUF"), (b"GGUF\3\0\0\0", "damaged")],
)
def test_a_file_that_is_no_model(home: Path, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    result = call("ask", "-m", str(path), "Who?")
    assert result.exit_code == 1
    assert reason in said(result)


def test_a_model_that_is_cut_short(home: Path, tmp_path: Path, smollm2: Path) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(smollm2.read_bytes()[:50_000_000])
    result = call("ask", "-m", str(path), "Who?")
    assert result.exit_code == 1
    assert "cut short" in said(result)


def test_no_such_library(home: Path, smollm2: Path) -> None:
    result = call("ask", "-m", str(smollm2), "-l", "smaple", "Who?")
    assert result.exit_code == 1
    assert "There is no library 'smaple'" in said(result)
    assert "Did you mean: sample?" in said(result)


def test_a_slip_in_a_librarys_name_is_told_before_anything_is_pulled(home: Path) -> None:
    result = call("ask", "-l", "sampel", "Who?")
    assert result.exit_code == 1
    assert "Did you mean: sample" in said(result)
    assert [path.name for path in (home / "models").iterdir()] == ["minilm-l6"]


def test_a_slip_in_a_profiles_name_is_told_before_anything_is_pulled(home: Path) -> None:
    result = call("ask", "--profile", "genric", "Who?")
    assert result.exit_code == 1
    assert "There is no profile 'genric'. Use one of: " in said(result)
    assert "generic" in said(result)
    assert [path.name for path in (home / "models").iterdir()] == ["minilm-l6"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--web"], "Searching the web needs the web extra"),
        (["--tool", "python"], "The tool 'python' needs the python extra"),
        (["--tool", "own/forecast"], "MCP servers need the mcp extra"),
        (["--tool", "nosuch"], "There is no tool 'nosuch' to choose"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_cannot_be_had_is_told_before_anything_is_pulled(
    options: list[str], expected: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config.toml").write_text('[mcp.own]\ncommand = "weather"\n')
    monkeypatch.setattr("edge_agent.installation.find_spec", lambda _: None)
    monkeypatch.setattr("edge_agent.cli.ask.ensure_wanted", lambda *_, **__: pytest.fail("pulled"))
    result = call("ask", *options, "Who?")
    assert result.exit_code == 1
    assert expected in said(result)


def test_a_vote_of_one_is_refused(home: Path) -> None:
    result = call("ask", "--vote", "--attempts", "1", "Who?")
    assert result.exit_code == 2
    assert "One attempt is no vote" in said(result)


def test_an_empty_folder(home: Path, smollm2: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = call("ask", "-m", str(smollm2), "-l", str(tmp_path / "empty"), "Who?")
    assert result.exit_code == 1
    assert "Nothing that can be read" in said(result)
    assert list((home / "libraries").iterdir()) == []


def test_a_window_too_small_for_the_prompt(home: Path, smollm2: Path, documents: Path) -> None:
    result = call("ask", "-m", str(smollm2), "-l", str(documents), "--context", "256", "Where?")
    assert result.exit_code == 1
    assert "--context" in said(result)


def test_json_and_events_exclude_each_other(home: Path) -> None:
    result = call("ask", "--json", "--events", "Who?")
    assert result.exit_code == 2
    assert "choose one" in said(result)


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("MIRO_EDGE_HOME", str(blocked))
    result = call("ask", "Who?")
    assert result.exit_code == 1
    assert "MIRO_EDGE_HOME" in said(result)


def test_a_small_real_model_answers_from_a_folder(
    home: Path, smollm2: Path, documents: Path
) -> None:
    arguments = ("ask", "-m", str(smollm2), "-l", str(documents), "--seed", "1")
    result = call(*arguments, "--json", "Larvik is a town in which country?")
    record = json.loads(result.stdout)
    assert record.keys() == {
        *("question", "status", "answer", "citations", "calls", "seconds", "tokens", "model"),
        *("library", "run", "claims", "reason"),
    }
    assert record["status"] in {"answered", "not_found"}
    assert result.exit_code == (0 if record["status"] == "answered" else 3)
    assert record["tokens"]["prompt"] == record["tokens"]["new"] > 0
    for claim in record["claims"]:
        assert claim.keys() == {"text", "keys", "supported"}
        assert claim["supported"] == bool(claim["keys"])
    again = json.loads(call(*arguments, "--json", record["question"]).stdout)
    assert (again["answer"], again["citations"]) == (record["answer"], record["citations"])
    assert list((home / "prefixes").iterdir())
    assert again["tokens"]["prompt"] < record["tokens"]["prompt"]  # the rest was kept from before

    shown = call("runs", "show", record["run"])
    assert record["question"] in shown.stdout
    listed = json.loads(call("runs", "list", "--json").stdout)["runs"]
    assert {run["id"] for run in listed} == {record["run"], again["run"]}


def test_events_are_json_lines_from_first_to_last(
    home: Path, smollm2: Path, documents: Path
) -> None:
    options = ("-m", str(smollm2), "-l", str(documents), "--events", *SHORT)
    result = call("ask", *options, "Where is Larvik?")
    kinds = [json.loads(line)["event"] for line in result.stdout.splitlines()]
    assert (kinds[0], kinds[-1]) == ("RunStarted", "RunFinished")
    assert {"ToolCalled", "EvidenceAdded", "TextAppeared"} <= set(kinds)


def started(result: Result) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(result.stdout.splitlines()[0])
    return record


def test_a_run_begins_with_all_that_was_asked_for(
    home: Path, smollm2: Path, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text('based_on = "edge"\nname = "mine"\n')
    monkeypatch.chdir(tmp_path)
    options = ["-l", documents.name, "-m", os.path.relpath(smollm2), "--profile", "mine.toml"]
    limits = ["--max-calls", "2", "--max-time", "60", "--max-tokens", "900", "--context", "2048"]
    result = call("ask", *options, *limits, "--vote", "--seed", "3", "--events", "Where is Larvik?")
    expected = {
        **{"profile": "mine", "profile_source": str(tmp_path / "mine.toml"), "context": 2048},
        **{"libraries": [str(documents)], "model_source": str(smollm2.resolve()), "seed": 3},
        **{"max_calls": 2, "max_seconds": 60.0, "max_tokens": 900, "attempts": 3, "vote": True},
    }
    assert {name: started(result)[name] for name in expected} == expected


def test_without_limits_those_of_the_profile_count(
    home: Path, smollm2: Path, documents: Path, tmp_path: Path
) -> None:
    own = tmp_path / "short.toml"
    own.write_text('based_on = "edge"\n[gathering]\ncalls = 1\n')
    options = ["-l", str(documents), "-m", str(smollm2), "--profile", str(own), "--events"]
    begun = started(call("ask", *options, "--attempts", "2", "Where is Larvik?"))
    assert (begun["max_calls"], begun["max_seconds"], begun["max_tokens"]) == (1, None, None)
    assert (begun["attempts"], begun["vote"]) == (2, False)


def test_a_question_that_is_no_utf8_is_asked_with_what_is_none_replaced(
    home: Path, smollm2: Path, documents: Path
) -> None:
    options = ("-m", str(smollm2), "-l", str(documents), "--json", *SHORT)
    result = call("ask", *options, "Where is Larvik, caf\udce9?")
    assert "Traceback" not in result.output
    assert json.loads(result.stdout)["question"] == "Where is Larvik, caf??"
    assert call("runs", "list", "--search", "caf\udce9").exit_code == 0


def test_quiet_says_the_answer_and_nothing_else(home: Path, smollm2: Path, documents: Path) -> None:
    (documents / "bad.pdf").write_bytes(b"%PDF-1.7 nothing")
    options = ("-m", str(smollm2), "-l", str(documents), "--quiet", *SHORT)
    result = call("ask", *options, "Where is Larvik?")
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) == 1


def test_nothing_found_is_said_with_its_own_exit_code(
    home: Path, smollm2: Path, documents: Path
) -> None:
    result = call("ask", "-m", str(smollm2), "-l", str(documents), *SHORT, "Xyzzy plugh?")
    assert result.exit_code == 3
    assert result.stdout == "Not found in this library.\n"


def test_offline_refuses_a_server_elsewhere(home: Path) -> None:
    result = call("ask", "--offline", "-m", "http://203.0.113.7:8080/v1#big", "Who?")
    assert result.exit_code == 1
    assert "http://203.0.113.7:8080/v1" in said(result)
    assert "--offline" in said(result)


def test_a_server_that_is_not_there(home: Path, documents: Path) -> None:
    result = call("ask", "-l", str(documents), "-m", "http://127.0.0.1:1/v1", "Who?")
    assert result.exit_code == 1
    assert said(result).count("http://127.0.0.1:1/v1 cannot be used") == 1


def test_a_model_too_large_for_the_memory(
    home: Path, smollm2: Path, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 250 * 1024**2)
    result = call("ask", "-l", str(documents), "-m", str(smollm2), "--kv-type", "f16", "Who?")
    assert result.exit_code == 1
    assert "MB too few" in said(result)
    assert "--kv-type q8_0" in said(result)


def test_a_quantized_cache_answers_too(home: Path, smollm2: Path, documents: Path) -> None:
    options = ["-l", str(documents), "-m", str(smollm2), "--kv-type", "q8_0", "--json", *SHORT]
    result = call("ask", *options, "In which country is Larvik?")
    assert result.exit_code in (0, 3)
    assert json.loads(result.stdout)["tokens"]["prompt"] > 0


@pytest.mark.slow
def test_a_model_behind_a_server_answers_from_a_folder(
    home: Path, llama_server: str, documents: Path
) -> None:
    options = ["-l", str(documents), "-m", f"{llama_server}#smollm2", "--offline", "--json"]
    result = call("ask", *options, "In which country is Larvik?")
    assert result.exit_code in (0, 3), said(result)
    record = json.loads(result.stdout)
    assert (record["model"], record["calls"] >= 1) == ("smollm2", True)
    assert record["tokens"]["generated"] > 0


@pytest.mark.slow
def test_a_sliding_window_model_is_led_like_any_other(
    home: Path, gemma3: Path, documents: Path
) -> None:
    """It is no instruct model: what it says does not matter, that its window holds does."""
    options = ["-l", str(documents), "-m", str(gemma3), "--context", "2048", "--json"]
    result = call("ask", *options, "In which country is Larvik?")
    assert result.exit_code in (0, 3), said(result)
    assert json.loads(result.stdout)["calls"] >= 1
