"""The scripts that set everything up: what they refuse, and when they have nothing to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"
TOOLS = ("sh", "cat", "cksum", "cut", "dirname", "mkdir", "rm", "sleep", "grep", "awk", "kill")


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_have_hashes_and_no_addresses(lock: str) -> None:
    text = (SCRIPTS / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted", text)
    requirements = re.split(r"\n(?=\S)", text.strip())
    assert len(requirements) > 40
    assert all("--hash=sha256:" in requirement for requirement in requirements)


def test_what_the_tests_run_with_is_what_people_run_with() -> None:
    def versions(name: str) -> set[str]:
        lines = (SCRIPTS / name).read_text(encoding="utf-8").splitlines()
        return {line.split()[0] for line in lines if "==" in line and not line.startswith(" ")}

    assert versions("requirements.lock") <= versions("requirements-dev.lock")


@pytest.mark.parametrize("script", ["setup", "miro-edge", "test", "check", "lock"])
def test_every_script_is_posix_shell_and_executable(script: str) -> None:
    subprocess.run(["sh", "-n", SCRIPTS / script], check=True)
    assert os.access(SCRIPTS / script, os.X_OK)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The scripts alone, in a folder with a space in its name."""
    root = tmp_path / "my copy"
    shutil.copytree(SCRIPTS, root / "scripts")
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def tools(folder: Path, *names: str) -> dict[str, str]:
    """Return an environment whose PATH has only the tools named."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return {"PATH": str(folder), "HOME": str(folder)}


def setup(root: Path, environment: dict[str, str], kind: str = "run") -> tuple[int, str]:
    done = subprocess.run(
        [root / "scripts" / "setup", kind],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_without_a_compiler_it_names_the_package(copy: Path, tmp_path: Path) -> None:
    environment = tools(tmp_path / "bin", *TOOLS)
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    code, said = setup(copy, environment)
    assert code == 1
    assert "apt-get install g++" in said
    assert len(said.splitlines()) == 1
    assert not (copy / ".venv").exists()


def test_without_python_it_names_the_package(copy: Path, tmp_path: Path) -> None:
    code, said = setup(copy, tools(tmp_path / "bin", *TOOLS))
    assert code == 1
    assert "apt-get install python3" in said


def test_an_unknown_kind_is_a_usage_error(copy: Path) -> None:
    assert setup(copy, dict(os.environ), "everything")[0] == 2


@pytest.fixture
def made(copy: Path) -> Path:
    """A copy that looks set up for development."""
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").symlink_to("/bin/true")
    lock = (copy / "scripts" / "requirements-dev.lock").read_bytes()
    sums = subprocess.run(
        ["cksum"],
        input=lock + (copy / "pyproject.toml").read_bytes(),
        capture_output=True,
        check=True,
    )
    (copy / ".venv" / "stamp-dev").write_text(sums.stdout.decode().split()[0] + "\n")
    return copy


@pytest.mark.parametrize("kind", ["dev", "run"])
def test_what_is_current_is_left_alone(made: Path, kind: str) -> None:
    assert setup(made, dict(os.environ), kind) == (0, "")


def test_a_lock_that_changed_is_noticed(made: Path, tmp_path: Path) -> None:
    with (made / "scripts" / "requirements-dev.lock").open("a") as lock:
        lock.write("# changed\n")
    code, said = setup(made, tools(tmp_path / "bin", *TOOLS), "dev")
    assert code == 1
    assert "Python" in said
