"""The scripts that set everything up: what they refuse, and when they have nothing to do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"
TOOLS = ("sh", "awk", "cat", "chmod", "cksum", "cp", "cut", "dirname", "grep", "ln", "mkdir",
         "mv", "readlink", "rm", "sleep", "tail")  # fmt: skip

# Stands in for Python where only the order of the steps is looked at: it makes an environment with
# a copy of itself in it; its pip installs nothing, or fails where a file `broken` lies beside it,
# and does not even run where a file `half` does. It takes the time that NAP names.
STAND_IN = """#!/bin/sh
case "$1 $2 $3" in
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip --version") [ ! -e "${0%/*}/half" ] ;;
    "-m pip "*)
        echo "pip ran: $*"
        echo "led: $PIP_USER,$PIP_TARGET,$PIP_PREFIX,$PYTHONHOME,$PYTHONPATH"
        sleep "${NAP:-0}"
        [ ! -e "${0%/*}/broken" ] ;;
    *realpath*) echo "$0" ;;
    *-venv*) echo python3.13-venv ;;
esac
"""

# The same without what makes an environment, as Debian has it.
BARE = (
    """#!/bin/sh
case "$1 $2" in *ensurepip* | "-m venv") exit 1 ;; esac
"""
    + STAND_IN
)


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


def make_for_development(root: Path) -> None:
    """Make a copy look set up for development."""
    (root / ".venv" / "bin").mkdir(parents=True)
    true = shutil.which("true")
    assert true is not None
    (root / ".venv" / "bin" / "python").symlink_to(true)
    lock = (root / "scripts" / "requirements-dev.lock").read_bytes()
    sums = subprocess.run(
        ["cksum"],
        input=f"{root}\n".encode() + lock + (root / "pyproject.toml").read_bytes(),
        capture_output=True,
        check=True,
    )
    (root / ".venv" / "stamp-dev").write_text(sums.stdout.decode().split()[0] + "\n")


@pytest.fixture
def made(copy: Path) -> Path:
    make_for_development(copy)
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


def add_program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def stand_in(tmp_path: Path) -> dict[str, str]:
    """An environment with a compiler and with the stand-in for Python."""
    environment = tools(tmp_path / "bin", *TOOLS)
    add_program(tmp_path / "bin", "python3", STAND_IN)
    add_program(tmp_path / "bin", "c++", "#!/bin/sh\n")
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


def test_an_environment_whose_pip_was_replaced_by_half_is_made_anew(
    copy: Path, stand_in: dict[str, str]
) -> None:
    assert setup(copy, stand_in)[0] == 0
    (copy / "scripts" / "requirements.lock").open("a").write("# changed\n")
    (copy / ".venv" / "bin" / "half").touch()
    assert setup(copy, stand_in)[0] == 0
    assert not (copy / ".venv" / "bin" / "half").exists()


def test_nothing_of_the_callers_leads_an_installation_elsewhere(
    copy: Path, stand_in: dict[str, str]
) -> None:
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PYTHONHOME", "PYTHONPATH")
    led = dict.fromkeys(elsewhere, "/elsewhere")
    assert setup(copy, {**stand_in, **led, "PIP_USER": "1"})[0] == 0
    log = (copy / ".venv" / "setup.log").read_text()
    assert set(re.findall("^led: .*", log, re.MULTILINE)) == {"led: 0,,,,"}


def test_a_python_that_cannot_make_an_environment_hides_none_that_can(
    copy: Path, stand_in: dict[str, str]
) -> None:
    add_program(Path(stand_in["PATH"]), "python3.13", BARE)
    code, said = setup(copy, stand_in)
    assert (code, said.splitlines()[-1]) == (0, "miro-edge set-up: done")


def test_without_the_venv_package_it_names_that_of_the_version(
    copy: Path, stand_in: dict[str, str]
) -> None:
    add_program(Path(stand_in["PATH"]), "python3", BARE)
    code, said = setup(copy, stand_in)
    assert code == 1
    assert "apt-get install python3.13-venv" in said


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
    assert "network" in said
    assert "no wheel for this system" in said
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


@contextmanager
def started(
    *command: str | Path, env: dict[str, str], cwd: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Start a set-up; give its process and what it says; end what is left of it."""
    with subprocess.Popen(
        command, env=env, cwd=cwd, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        try:
            yield process, process.stderr
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def waiting_for_another(
    root: Path, env: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[str], IO[str]]]:
    """Give a process that has the lock, and a set-up that waits for it with what it says."""
    with subprocess.Popen(["sleep", "60"]) as owner:
        (root / ".venv.lock").symlink_to(f"process-{owner.pid}")
        with started(root / "scripts" / "setup", env=env) as (waiting, said):
            assert "waiting" in said.readline()
            assert not (root / ".venv").exists()
            yield owner, waiting, said


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_one_set_up_waits_for_another(copy: Path, stand_in: dict[str, str]) -> None:
    with waiting_for_another(copy, stand_in) as (owner, waiting, _):
        end(owner)
        assert waiting.wait(timeout=15) == 0


def test_one_that_waited_leaves_alone_what_was_made_for_development(
    copy: Path, stand_in: dict[str, str]
) -> None:
    with waiting_for_another(copy, stand_in) as (owner, waiting, said):
        make_for_development(copy)
        end(owner)
        assert waiting.wait(timeout=15) == 0
        assert "installing" not in said.read()
    assert (copy / ".venv" / "stamp-dev").exists()


@pytest.mark.skipif(not shutil.which("ps"), reason="there is no ps here")
@pytest.mark.parametrize("command", [("./setup", "dev"), ("sh", "setup")])
def test_a_set_up_is_known_however_it_was_called(
    command: tuple[str, ...], copy: Path, stand_in: dict[str, str]
) -> None:
    (Path(stand_in["PATH"]) / "ps").symlink_to(str(shutil.which("ps")))
    slow = {**stand_in, "NAP": "3"}
    with started(*command, env=slow, cwd=copy / "scripts") as (_, said):
        assert "installing" in said.readline()
        narrow = {**slow, "COLUMNS": "40"}
        with started(copy / "scripts" / "setup", env=narrow) as (_, other_said):
            assert "waiting" in other_said.readline()


@pytest.mark.skipif(
    signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, reason="these tests run under nohup"
)
def test_a_terminal_that_is_closed_leaves_no_lock(copy: Path, stand_in: dict[str, str]) -> None:
    with started(copy / "scripts" / "setup", env={**stand_in, "NAP": "60"}) as (process, said):
        assert "installing" in said.readline()
        os.killpg(process.pid, signal.SIGHUP)
        assert process.wait(timeout=15) == 130
    assert not (copy / ".venv.lock").is_symlink()
