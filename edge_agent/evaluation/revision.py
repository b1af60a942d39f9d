"""The revision of the program: rows of two of them do not belong together."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from edge_agent import __version__

_PACKAGES = ("edge_agent", "edge_agent.index", "edge_agent.models")
"""Each lies in a folder of its own in a checkout; in an installation the first holds the others."""
_FACES = tuple(f"edge_agent/{name}/" for name in ("cli", "serving", "traces", "tui"))
"""What only asks, and shows what was answered."""
_SUFFIXES = (".py", ".toml")


@cache
def revision() -> str:
    """Return the version, and a mark of the code that decides what is answered: `0.1.0+5c0ffee…`.

    A checkout has the same as what is installed from it, on every system.
    """
    mark = hashlib.sha256()
    for name, file in sorted(_files().items()):
        content = file.read_bytes().replace(b"\r\n", b"\n")  # as Git may have checked it out
        mark.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return f"{__version__}+{mark.hexdigest()[:12]}"


def _files() -> dict[str, Path]:
    """Return the files that decide, each under the name that an installation gives it."""
    found = {}
    for package in _PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        for file in folder.rglob("*"):
            name = f"{package.replace('.', '/')}/{file.relative_to(folder).as_posix()}"
            if file.suffix in _SUFFIXES and not name.startswith(_FACES):
                found[name] = file
    return found
