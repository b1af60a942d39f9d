"""A web site on the loopback interface, with a search engine in the shape of SearXNG's."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

Handler = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Request:
    """What a site was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Site:
    """Pages by path; what is not there answers 404, also robots.txt."""

    address: str
    pages: dict[str, Handler] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def page(
        self,
        path: str,
        body: str | bytes,
        kind: str | None = "text/html; charset=utf-8",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Put something at a path, and return its address."""
        data = body.encode() if isinstance(body, str) else body

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            if kind is not None:
                request.send_header("Content-Type", kind)
            request.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(data)

        return self.served(path, answer)

    def served(self, path: str, handler: Handler) -> str:
        self.pages[path] = handler
        return self.address + path

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        return self.page(path, b"", None, status, {"Location": to})

    def article(self, path: str, title: str, *paragraphs: str) -> str:
        """Put a page of prose at a path, with what surrounds it on web pages."""
        text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        return self.page(
            path,
            f"<!doctype html><html><head><title>{title} - A site</title></head><body>"
            f"<nav><a href='/'>Home</a> <a href='/about'>About us</a></nav>"
            f"<main><article><h1>{title}</h1>{text}</article></main>"
            "<footer>Cookies are good for you.</footer></body></html>",
        )

    def engine(self, *results: Mapping[str, str]) -> None:
        """Have every search find these results: url, title, content."""
        answer = json.dumps({"query": "", "results": results})
        self.page("/search", answer, "application/json")

    def asked(self, path: str) -> list[Request]:
        return [each for each in self.requests if each.path == path]


@contextmanager
def served(host: str = "127.0.0.1") -> Iterator[Site]:
    """Serve a site until the end."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length", 0))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            site.requests.append(
                Request(
                    self.command, parts.path, query, dict(self.headers), self.rfile.read(length)
                )
            )
            with suppress(OSError):  # nobody has to wait for the end
                if parts.path in site.pages:
                    site.pages[parts.path](self)
                else:
                    self.send_error(404)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    try:
        server = ThreadingHTTPServer((host, 0), Answering)
    except OSError as error:  # macOS has only the first of the addresses of the loopback interface
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        pytest.skip(f"this machine does not answer at {host}")
    server.daemon_threads = True
    site = Site(f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
