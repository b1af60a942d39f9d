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
TOOLS = ("sh", "awk", "cat", "chmod", "cksum", "cp", "cut", "dirname", "grep", "ln", "mkdir",
         "mv", "readlink", "rm", "sleep", "tail")  # fmt: skip

# Stands in for Python where only the order of the steps is looked at: it makes an environment with
# a copy of itself in it; its pip installs nothing, or fails where a file `broken` lies beside it.
STAND_IN = """#!/bin/sh
case "$1 $2" in
    "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip") echo "pip ran: $*"; [ ! -e "${0%/*}/broken" ] ;;
    *realpath*) echo "$0" ;;
esac
"""


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


def test_what_is_trained_with_is_what_is_run_with() -> None:
    def versions(path: Path) -> dict[str, str]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"://|--index|--extra-index|--find-links|--trusted", text)
        return dict(re.findall(r"^([\w-]+)==([^\s;]+)", text, re.MULTILINE))

    training = versions(SCRIPTS / "distill" / "requirements.txt")
    locked = versions(SCRIPTS / "requirements-dev.lock")
    assert {"torch", "transformers", "peft", "gguf", "pydantic"} <= set(training)
    shared = set(training) & set(locked)
    assert {name: training[name] for name in shared} == {name: locked[name] for name in shared}


def test_the_training_environment_is_made_once(copy: Path, stand_in: dict[str, str]) -> None:
    script, venv = copy / "scripts" / "distill" / "setup", copy / ".venv-train"

    def made() -> tuple[int, str]:
        done = subprocess.run(
            [script], env=stand_in, capture_output=True, text=True, check=False, timeout=15
        )
        assert done.stdout == ""
        return done.returncode, done.stderr

    code, said = made()
    assert (code, said.splitlines()[-1]) == (0, "training set-up: done")
    assert made() == (0, "")
    with (copy / "scripts" / "distill" / "requirements.txt").open("a") as requirements:
        requirements.write("# changed\n")
    (venv / "bin" / "broken").touch()
    code, said = made()
    assert code == 1
    assert "pip ran: -m pip install" in said
    assert not (venv / "stamp").exists()
    (venv / "bin" / "broken").unlink()
    assert made()[0] == 0


@pytest.mark.parametrize("script", ["setup", "miro-edge", "test", "check", "lock", "distill/setup"])
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
        timeout=15,  # It must not leave a process behind that holds its output open.
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
        input=f"{copy}\n".encode() + lock + (copy / "pyproject.toml").read_bytes(),
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


@pytest.fixture
def stand_in(tmp_path: Path) -> dict[str, str]:
    """An environment with a compiler and with the stand-in for Python."""
    environment = tools(tmp_path / "bin", *TOOLS)
    for name, text in (("python3", STAND_IN), ("c++", "#!/bin/sh\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return environment


def test_it_is_done_once(copy: Path, stand_in: dict[str, str]) -> None:
    code, said = setup(copy, stand_in)
    assert (code, said.splitlines()[-1]) == (0, "miro-edge set-up: done")
    assert setup(copy, stand_in) == (0, "")
    assert not (copy / ".venv.lock").is_symlink()


def test_an_environment_that_was_moved_is_made_anew(copy: Path, stand_in: dict[str, str]) -> None:
    assert setup(copy, stand_in)[0] == 0
    (copy / ".venv" / "left").touch()
    moved = copy.rename(copy.with_name("moved"))
    assert setup(moved, stand_in)[0] == 0
    assert not (moved / ".venv" / "left").exists()
    assert setup(moved, stand_in) == (0, "")


@pytest.mark.parametrize("owner", ["its own", "another program"])
def test_a_lock_whose_owner_is_no_set_up_is_taken(
    owner: str, copy: Path, stand_in: dict[str, str]
) -> None:
    if owner == "its own":  # as in a container, where the same command has the same number
        script = copy / "scripts" / "setup"
        text = script.read_text("utf-8")
        made = text.replace("busy=$root/.venv.lock\n", "busy=$root/.venv.lock; ln -s process-$$ "
                            '"$busy"\n')  # fmt: skip
        assert made != text
        script.write_text(made, "utf-8")
    else:
        (Path(stand_in["PATH"]) / "ps").symlink_to(shutil.which("ps") or "/bin/false")
        (copy / ".venv.lock").symlink_to(f"process-{os.getpid()}")
    code, said = setup(copy, stand_in)
    assert (code, said.splitlines()[-1]) == (0, "miro-edge set-up: done")


def test_a_lock_that_cannot_be_made_is_told(copy: Path, stand_in: dict[str, str]) -> None:
    (copy / ".venv.lock").touch()
    code, said = setup(copy, stand_in)
    assert code == 1
    assert ".venv.lock cannot be made" in said


def test_a_failed_installation_is_shown_and_not_taken_for_done(
    copy: Path, stand_in: dict[str, str]
) -> None:
    assert setup(copy, stand_in)[0] == 0
    (copy / "scripts" / "requirements.lock").open("a").write("# changed\n")
    (copy / ".venv" / "bin" / "broken").touch()
    code, said = setup(copy, stand_in)
    assert code == 1
    assert "pip ran: -m pip install" in said
    assert not list((copy / ".venv").glob("stamp-*"))
    (copy / ".venv" / "bin" / "broken").unlink()
    assert setup(copy, stand_in)[0] == 0


def test_the_lock_of_a_set_up_that_was_killed_is_taken_over(
    copy: Path, stand_in: dict[str, str]
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (copy / ".venv.lock").symlink_to(f"process-{gone.pid}")
    assert setup(copy, stand_in)[0] == 0


def test_one_set_up_waits_for_another(copy: Path, stand_in: dict[str, str]) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (copy / ".venv.lock").symlink_to(f"process-{other.pid}")
        waiting = subprocess.Popen(
            [copy / "scripts" / "setup"], env=stand_in, stderr=subprocess.PIPE, text=True
        )
        assert waiting.stderr is not None
        assert "waiting" in waiting.stderr.readline()
        assert not (copy / ".venv").exists()
        other.kill()
        other.wait()
        assert waiting.wait(timeout=15) == 0
        waiting.stderr.close()
