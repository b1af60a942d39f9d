"""The Hugging Face hub, through its own client, which resumes what was interrupted."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from ..catalog import HubSource
from ..errors import DownloadError
from ..watching import watching_size

_CONNECT_SECONDS = 5.0


def fetch_from_hub(
    source: HubSource, folder: Path, report: Callable[[int], None]
) -> tuple[Path, str | None]:
    """Download the file into `folder`; returns its path and the hub's own SHA-256 of it.

    Raises DownloadError where the hub cannot be reached or does not give the file.
    """
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import constants, hf_hub_download, hf_hub_url
    from huggingface_hub.file_download import get_hf_file_metadata

    _require_reachable(constants.ENDPOINT)
    url = hf_hub_url(source.repo, source.file, revision=source.revision)
    try:
        etag = get_hf_file_metadata(url, timeout=_CONNECT_SECONDS).etag
        with watching_size(folder, report):
            path = hf_hub_download(
                source.repo, source.file, revision=source.revision, local_dir=folder
            )
    except Exception as error:  # the client raises its own, its transport's and the system's
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DownloadError(_reason(error)) from error
    # For a large file the hub's etag is its SHA-256; for a small one it is something shorter.
    return Path(path), etag if etag is not None and len(etag) == 64 else None


def _require_reachable(endpoint: str) -> None:
    """Give up within seconds where there is no network, instead of after the client's retries."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        raise DownloadError("the hub is switched off by HF_HUB_OFFLINE")
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return
    host = endpoint.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0]
    try:
        socket.create_connection((host, 443), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise DownloadError("the hub cannot be reached") from error


def _reason(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
