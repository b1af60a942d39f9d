"""The revision of the program: another one wherever another answer may come of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edge_agent
from edge_agent import index, models
from edge_agent.evaluation.revision import revision

_PRINT = """
import sys
sys.path.insert(0, sys.argv[1])
from edge_agent.evaluation.revision import revision
print(revision())
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Lay the program out as a wheel does: index and models lie in edge_agent."""
    root = tmp_path / "edge_agent"
    only_code = shutil.ignore_patterns("__pycache__", "*.gguf", "sample")
    for package, place in ((edge_agent, root), (index, root / "index"), (models, root / "models")):
        shutil.copytree(Path(package.__file__ or "").parent, place, ignore=only_code)
    return root


def revision_of(root: Path) -> str:
    printed = subprocess.run(
        [sys.executable, "-c", _PRINT, str(root.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    return printed.stdout.strip()


def test_an_installation_has_the_revision_of_its_checkout(installed: Path) -> None:
    (installed / "tui").mkdir()
    (installed / "tui" / "app.py").write_text("# Anything.")
    (installed / "cli" / "eval.py").write_text("# Anything.")
    agent = installed / "agent.py"
    agent.write_bytes(agent.read_bytes().replace(b"\n", b"\r\n"))
    assert revision_of(installed) == revision()
    assert revision().startswith(f"{edge_agent.__version__}+")


@pytest.mark.parametrize("changed", ["loop.py", "profiles/edge.toml", "index/fusion.py"])
def test_a_change_of_what_decides_is_another_revision(installed: Path, changed: str) -> None:
    with (installed / changed).open("a") as file:
        file.write("\n# A change.\n")
    assert revision_of(installed) != revision()
