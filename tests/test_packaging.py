"""The wheel: all of the package, nothing at the top level but it, and it runs when installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import suppress
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
FOLDERS = {"edge_agent": "edge_agent", "models": "edge_agent/models", "index": "edge_agent/index",
           "tui": "edge_agent/tui"}  # fmt: skip


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing an earlier build left can get in."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, copy],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_every_module_and_data_file_is_in_it(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"{target}/{path.relative_to(ROOT / name).as_posix()}"
        for name, target in FOLDERS.items()
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - inside == set()


def test_nothing_else_is_at_its_top_level(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"edge_agent"}


@pytest.mark.parametrize("system", ["linux", "darwin arm64", "darwin x86_64", "win32"])
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_lock_has_one_onnxruntime_for_each_system(python: str, system: str) -> None:
    platform, _, machine = system.partition(" ")
    where = {
        "python_full_version": f"{python}.1",
        "sys_platform": platform,
        "platform_machine": machine or "x86_64",
    }
    lock = (ROOT / "scripts/requirements.lock").read_text("utf-8")
    lines = re.findall(r"^(onnxruntime==[^\\]+)", lock, re.MULTILINE)
    wanted = [
        each for each in map(Requirement, lines) if each.marker and each.marker.evaluate(where)
    ]
    (version,) = (Version(str(each.specifier).removeprefix("==")) for each in wanted)
    if machine == "x86_64":  # there is no wheel of later ones
        assert version < Version("1.24")


def test_other_licences_than_the_usual_ones_are_named() -> None:
    readme = (ROOT / "README.md").read_text("utf-8").partition("## Licence")[2]
    names: set[str] = set()
    for lock in ROOT.glob("scripts/requirements*.lock"):
        names |= set(re.findall(r"^([a-z0-9._-]+)==", lock.read_text("utf-8"), re.MULTILINE))
    unusual = set()
    for name in names:
        with suppress(PackageNotFoundError):  # it is for another system
            if not _is_permissive(metadata(name)):
                unusual.add(name)
    assert "libzim" in unusual
    assert {name for name in unusual if f"`{name}`" not in readme} == set()


def _is_permissive(said: PackageMetadata) -> bool:
    classifiers = (each for each in said.get_all("Classifier") or () if each.startswith("License"))
    written = [line for each in said.get_all("License") or () for line in each.splitlines()[:1]]
    licence = " ".join([*said.get_all("License-Expression", []), *classifiers, *written])
    usual = r"MIT|BSD|Apache|PSF|Python Software|ISC|Zlib|Unlicense|HPND|CC0|Public Domain"
    return bool(re.search(usual, licence)) and not re.search(r"GPL|MPL|Mozilla", licence)


def test_it_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    text = archive.read(metadata).decode()
    assert "Name: miro-edge" in text
    assert "License-Expression: Apache-2.0" in text
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


@pytest.mark.slow
def test_it_runs_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    environment = {**os.environ, "CMAKE_ARGS": "-DLLAVA_BUILD=OFF"}
    # A new pip first: it takes llama.cpp from the cache, where the set-up compiled it.
    for arguments in (["pip"], ["--requirement", str(ROOT / "scripts" / "requirements.lock")]):
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--upgrade", *arguments],
            check=True,
            env=environment,
        )
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True)
    shown = subprocess.run(
        [tmp_path / "venv" / "bin" / "miro-edge", "--version"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert shown.stdout.startswith("miro-edge, version 0.1")
    asked = subprocess.run(
        [python, "-c", "from edge_agent.index import sample_folder;"
         "print(len(list((sample_folder() / 'documents').iterdir())))"],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert int(asked.stdout) >= 40
