"""A file at an https address, resumed with a range request."""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..disk import require_room
from ..errors import DownloadError

_BLOCK = 1 << 20
_SECONDS = 30.0
_PARTIAL_CONTENT = 206


def fetch_from_url(url: str, folder: Path, report: Callable[[int, int | None], None]) -> Path:
    """Download the file at `url` into `folder` and return its path.

    `report` is told the bytes there and the bytes in all. Raises DownloadError where the address
    is not https, cannot be reached, or gives fewer bytes than it said, and where the file of the
    certificates that are trusted cannot be read.
    """
    if not url.lower().startswith("https://"):
        raise DownloadError(f"{url} is not an https address: only such are downloaded from.")
    trusted = _trusted()
    try:
        with _open(url, 0, trusted) as response:
            total = response.length
            target = folder / _name_of(response)
            resumable = target.is_file() and _says_its_version(response)
            there = target.stat().st_size if resumable else 0
            require_room(folder, (total or 0) - there)
            if there == 0:
                return _write(response, target, 0, total, report)
        if there == total:
            return target
        with _open(url, there, trusted) as response:
            start = there if response.status == _PARTIAL_CONTENT else 0
            return _write(response, target, start, total, report)
    except (*_BROKEN, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(f"{url} cannot be downloaded ({reason}). {_advice(reason)}") from error


_BROKEN = (
    *(urllib.error.URLError, http.client.HTTPException, TimeoutError),
    *(ConnectionError, ssl.SSLError),
)
"""What a connection may end with, while it is made or later."""


def _advice(reason: object) -> str:
    """Return what can be done where a download has failed for a reason."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            "This system trusts nobody who vouches for that server. Where a proxy stands between, "
            "have the environment variable SSL_CERT_FILE name the file with its certificate."
        )
    return "Check the address."


def _trusted() -> ssl.SSLContext:
    """Return whom to trust: whom the system trusts, or what is set in its place.

    What urllib would trust of its own is nobody where OpenSSL looks in a place that no one has
    filled, as on many a Mac. Raises DownloadError.
    """
    # Imported here: it takes a while.
    import httpx2

    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        named = os.environ.get("SSL_CERT_FILE") or "not set"
        raise DownloadError(
            f"The certificates to trust cannot be read ({error.strerror or error}). The "
            f"environment variable SSL_CERT_FILE is {named}: have it name a file of certificates, "
            "or unset it."
        ) from error


def _open(url: str, start: int, trusted: ssl.SSLContext) -> Any:
    request = urllib.request.Request(url)
    if start:
        request.add_header("Range", f"bytes={start}-")
    response = urllib.request.urlopen(request, timeout=_SECONDS, context=trusted)
    if not response.url.lower().startswith("https://"):
        response.close()
        raise urllib.error.URLError(f"it leads to {response.url}, which is not https")
    return response


def _says_its_version(response: Any) -> bool:
    """Tell whether it shows when a file has changed: two halves need not belong together."""
    return any(name in response.headers for name in ("ETag", "Last-Modified"))


def _name_of(response: Any) -> str:
    """Return a name for what this answer is the beginning of; a file that changed has another."""
    version = f"{response.headers.get('ETag')} {response.headers.get('Last-Modified')}"
    return hashlib.sha256(f"{version} {response.length}".encode()).hexdigest()[:16] + ".gguf"


def _write(
    response: Any,
    target: Path,
    start: int,
    total: int | None,
    report: Callable[[int, int | None], None],
) -> Path:
    with target.open("r+b" if start else "wb") as file:
        file.seek(start)
        while block := response.read(_BLOCK):
            file.write(block)
            report(file.tell(), total)
        done = file.tell()
    if total is not None and done != total:
        raise ValueError(f"{done:,} of {total:,} bytes came")
    return target
