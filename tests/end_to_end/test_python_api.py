"""The examples in the README, as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.config import load_config
from edge_agent.profiles import load_profile

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, beginning: str = "") -> str:
    """Return the first example in a language that begins so."""
    found = re.search(rf"```{language}\n({re.escape(beginning)}.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_profile_in_the_readme_is_one(tmp_path: Path) -> None:
    path = tmp_path / "patient.toml"
    path.write_text(block("toml", "based_on"))
    profile = load_profile(str(path))
    assert (profile.name, profile.gathering.calls) == ("patient", 12)
    assert profile.prompts == load_profile("generic").prompts


def test_the_settings_of_servers_in_the_readme_are_some(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(block("toml", "[mcp."))
    assert load_config(path).mcp


@pytest.mark.slow
def test_the_python_in_the_readme_runs(tmp_path: Path, home_with_models: Path) -> None:
    ships = tmp_path / "ships"
    ships.mkdir()
    (ships / "fram.md").write_text("# Fram\n\nThe Fram was designed by Colin Archer.")
    (ships / "archer.md").write_text("# Colin Archer\n\nColin Archer was born in Larvik.")
    script = tmp_path / "ask.py"
    script.write_text(block("python"))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("RunStarted(")
    assert "Larvik" in lines[-1]
