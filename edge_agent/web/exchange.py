"""One request and its answer: over a connection to a checked address, in limited time and size.

No proxy is used, whatever the environment says: behind one nobody knows who is connected to.
No cookie is kept, no connection is used twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from ssl import SSLContext
from typing import Any

import httpcore2
import httpx2

from .errors import WebError
from .guard import AddressGuard

AGENT = "miro-edge"
"""What robots.txt knows this program by."""
_HEADERS = {
    "User-Agent": f"{AGENT}/{version('miro-edge')} (reads pages for one person's questions)",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "*",
}
_CONNECT_SECONDS = 5.0


class Deadline:
    """The end of the time that something may take."""

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self, most: float | None = None) -> float:
        """Return the seconds that are left, `most` at most. Raises WebError where none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise WebError(f"It took longer than {self._seconds:.0f} seconds.")
        return left if most is None else min(left, most)


@contextmanager
def answering(
    method: str, url: httpx2.URL, guard: AddressGuard, deadline: Deadline, **parts: Any
) -> Iterator[httpx2.Response]:
    """Send a request, and lend the answer before its body is read; redirects are not followed.

    `parts` are what httpx2 takes: headers, params, json. Raises WebError.
    """
    transport = _Transport(guard, deadline)
    with (
        explained(url),
        httpx2.Client(
            transport=transport, headers=_HEADERS, timeout=None, trust_env=False
        ) as client,
        client.stream(method, url, **parts) as response,
    ):
        yield response


def body_of(response: httpx2.Response, most: int) -> bytes:
    """Return the body of an answer, unpacked. Raises WebError beyond `most` bytes.

    httpx2 unpacks a megabyte at a time, so that a bomb goes off in pieces that are counted.
    """
    found = bytearray()
    for piece in response.iter_bytes():
        found += piece
        if len(found) > most:
            raise WebError(f"{response.url} is larger than {most / 1e6:g} MB.")
    return bytes(found)


@contextmanager
def explained(url: httpx2.URL) -> Iterator[None]:
    """Turn what can go wrong on the way to a server and back into WebError."""
    try:
        yield
    except (httpcore2.TimeoutException, httpx2.TimeoutException) as error:
        raise WebError(f"{url} does not answer in time.") from error
    except httpcore2.LocalProtocolError as error:  # it quotes what it refuses: a key, perhaps
        raise WebError(f"{url} cannot be asked: part of the request is malformed.") from error
    except _FAILURES as error:
        raise WebError(f"{url} cannot be read: {_reason(error)}.") from error
    except WebError as error:
        raise WebError(str(error) if str(url) in str(error) else f"{url}: {error}") from error


_FAILURES = (
    *(httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol),
    *(httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError),
    *(OSError, ValueError),
)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


@cache
def _tls() -> SSLContext:
    """Return how certificates are checked; made once, since that takes a while."""
    return httpx2.create_ssl_context()


class _Transport(httpx2.BaseTransport):
    """Sends requests of httpx2 over connections that are checked, each used once."""

    def __init__(self, guard: AddressGuard, deadline: Deadline) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(),
            max_keepalive_connections=0,
            network_backend=_Network(guard, deadline),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        )
        stream = _Body(answer)
        return httpx2.Response(answer.status, headers=answer.headers, stream=stream)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    """The body of an answer as it comes."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore2.NetworkBackend):
    """Connects to what the guard has checked, and to nothing else."""

    def __init__(self, guard: AddressGuard, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception | None = None
        for address in self._guard.addresses(host, port):
            seconds = self._deadline.left(_CONNECT_SECONDS)
            try:
                stream = self._sockets.connect_tcp(address, port, seconds, local_address)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure or httpcore2.ConnectError(f"{host} has no address")


class _TimedStream(httpcore2.NetworkStream):
    """A connection each of whose steps takes from the time that is left for all of them."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = self._deadline.left(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def media_type(headers: Mapping[str, str]) -> str:
    """Return the media type of an answer without its parameters; empty where it has none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
