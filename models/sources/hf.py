"""The Hugging Face hub, through its own client, which resumes what was interrupted."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from ..catalog import HubSource
from ..errors import DownloadError
from ..watching import watching_size

_CONNECT_SECONDS = 5.0
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CLIENT_SETTINGS = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # The chunked protocol keeps a cache of its own outside our folder.
    "HF_HUB_DISABLE_XET": "1",
}


def promised_by_hub(source: HubSource) -> tuple[int | None, str]:
    """Return the size and the SHA-256 that the hub states for a file.

    Raises DownloadError where it cannot be reached or states no SHA-256.
    """
    with _hub_failures():
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(source.repo, source.file, revision=source.revision)
        stated = get_hf_file_metadata(url, timeout=_CONNECT_SECONDS)
    # For a large file the hub's etag is its SHA-256; for a small one it is something shorter.
    if stated.etag is None or not _SHA256.fullmatch(stated.etag):
        raise DownloadError("the hub states no SHA-256 for the file, so it cannot be trusted")
    return stated.size, stated.etag


def fetch_from_hub(source: HubSource, folder: Path, report: Callable[[int], None]) -> Path:
    """Download the file into `folder`, going on where an interrupted download ended.

    Raises DownloadError where the hub cannot be reached or does not give the file.
    """
    with _hub_failures(), watching_size(folder, report):
        from huggingface_hub import hf_hub_download

        return Path(
            hf_hub_download(
                source.repo,
                source.file,
                revision=source.revision,
                local_dir=folder,
                etag_timeout=_CONNECT_SECONDS,
            )
        )


@contextmanager
def _hub_failures() -> Iterator[None]:
    """Prepare the hub's client; turn whatever it and its transport raise into DownloadError."""
    for name, value in _CLIENT_SETTINGS.items():
        os.environ.setdefault(name, value)
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise DownloadError("the hub is switched off by HF_HUB_OFFLINE")
    _require_reachable(constants.ENDPOINT)
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the hub's
        raise DownloadError(_reason(error)) from error


def _require_reachable(endpoint: str) -> None:
    """Give up within seconds where there is no network, instead of after the client's retries."""
    address = urlsplit(endpoint)
    if getproxies().keys() & {address.scheme, "all"}:
        return
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), _CONNECT_SECONDS).close()
    except OSError as error:
        raise DownloadError("the hub cannot be reached") from error


def _reason(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
