"""Pages are fetched within limits, from where they may be, if they want to be read."""

from __future__ import annotations

import gzip
import os
import socket
import time
import zlib
from http.server import BaseHTTPRequestHandler

import pytest
from site_served import Site, served

from edge_agent.index import Document, split
from edge_agent.web.errors import WebError
from edge_agent.web.fetching import Fetcher, Page
from edge_agent.web.guard import AddressGuard
from edge_agent.web.reading import PageReader, one_line


def looked_up(host: str, port: int) -> list[str]:
    """Return the address that a host is written as; of names nobody is asked."""
    found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(AddressGuard(["127.0.0.1"], looked_up), seconds=10)


def refused(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(WebError) as caught:
        fetcher.fetch(address)
    return str(caught.value)


def test_a_page_comes_as_it_is(site: Site, fetcher: Fetcher) -> None:
    address = site.page("/a?b=c", "nothing")
    site.page("/a", "<p>Bell Rock</p>", "TEXT/HTML; charset=utf-8")
    page = fetcher.fetch(f"{address}#part")
    assert page == Page(f"{site.address}/a?b=c", "text/html", b"<p>Bell Rock</p>")
    robots, request = site.requests
    assert robots.path == "/robots.txt"
    assert request.query == {"b": "c"}
    assert request.headers["User-Agent"].startswith("miro-edge/")
    assert "Cookie" not in request.headers
    assert "Referer" not in request.headers


def test_no_cookie_is_sent_back(site: Site, fetcher: Fetcher) -> None:
    site.page("/b", "there")
    site.page("/a", "", None, 302, {"Location": "/b", "Set-Cookie": "who=me"})
    fetcher.fetch(site.address + "/a")
    assert "Cookie" not in site.asked("/b")[0].headers


# Redirects


def test_redirects_are_followed_to_where_the_page_is(site: Site, fetcher: Fetcher) -> None:
    site.page("/new/page", "<p>here</p>")
    site.redirect("/newer", "new/page", 301)
    address = site.redirect("/old", "/newer", 308)
    assert fetcher.fetch(address).address == f"{site.address}/new/page"


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("http://127.0.0.2:80/", "not on the public web"),
        ("http://localhost.localdomain.invalid/", "is not found"),
        ("http://[::1]/", "not on the public web"),
        ("http://169.254.169.254/latest/meta-data/", "not on the public web"),
        ("http://10.0.0.1/", "not on the public web"),
        ("http://2130706434/", "not on the public web"),
        ("//192.168.1.1/admin", "not on the public web"),
        ("file:///etc/passwd", "only http and https"),
        ("ftp://example.org/", "only http and https"),
        ("http://me:secret@127.0.0.1/", "user name"),
        ("http://[", "is not found"),
    ],
)
def test_redirects_lead_nowhere_else(site: Site, fetcher: Fetcher, to: str, said: str) -> None:
    with pytest.raises(WebError, match=said):
        fetcher.fetch(site.redirect("/away", to))


def test_a_redirect_to_another_server_on_this_machine(site: Site, fetcher: Fetcher) -> None:
    with served("127.0.0.2") as other:
        other.page("/secret", "secret")
        assert "not on the public web" in refused(
            fetcher, site.redirect("/away", f"{other.address}/secret")
        )
        assert not other.requests


def test_redirects_in_a_circle(site: Site, fetcher: Fetcher) -> None:
    site.redirect("/b", "/a")
    assert "more than 5" in refused(fetcher, site.redirect("/a", "/b"))
    assert len(site.asked("/a")) == len(site.asked("/b")) == 3


# Limits


def test_an_enormous_page(site: Site, fetcher: Fetcher) -> None:
    sent = []

    def pour(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.end_headers()
        for number in range(400):
            request.wfile.write(b"x" * 1_000_000)
            sent.append(number)

    assert "is larger than 10 MB" in refused(fetcher, site.served("/pour", pour))
    assert len(sent) < 100


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb(site: Site, fetcher: Fetcher, encoding: str) -> None:
    plain = b"\0" * 50_000_000
    data = gzip.compress(plain, 9) if encoding == "gzip" else zlib.compress(plain, 9)
    headers = {"Content-Encoding": encoding}
    address = site.page("/bomb", data, "text/html", headers=headers)
    assert "is larger than 10 MB" in refused(fetcher, address)


def test_a_packed_page(site: Site, fetcher: Fetcher) -> None:
    headers = {"Content-Encoding": "gzip"}
    address = site.page("/packed", gzip.compress(b"<p>text</p>"), "text/html", headers=headers)
    assert fetcher.fetch(address).data == b"<p>text</p>"
    broken = site.page("/broken", b"no gzip at all", "text/html", headers=headers)
    assert "cannot be read" in refused(fetcher, broken)


def test_a_page_that_drips(site: Site) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.end_headers()
        for _ in range(200):
            request.wfile.write(b"x")
            time.sleep(0.05)

    def drip_headers(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for number in range(200):
            request.send_header(f"X-{number}", "x")
            request.flush_headers()
            time.sleep(0.05)

    impatient = Fetcher(AddressGuard(["127.0.0.1"]), seconds=0.5)
    for handler in (drip, drip_headers):
        said = refused(impatient, site.served("/drip", handler))
        assert "longer than" in said or "in time" in said


def test_a_server_that_says_nothing(site: Site) -> None:
    address = site.served("/silent", lambda _: time.sleep(1))
    said = refused(Fetcher(AddressGuard(["127.0.0.1"]), seconds=0.3), address)
    assert address in said


def test_a_server_that_hangs_up_or_speaks_another_language(site: Site, fetcher: Fetcher) -> None:
    def hang_up(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True

    def babble(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"\x16\x03\x01 not HTTP at all\r\n\r\n")

    for handler in (hang_up, babble):
        assert "cannot be read" in refused(fetcher, site.served("/odd", handler))


def test_tls_where_there_is_none(site: Site, fetcher: Fetcher) -> None:
    address = site.page("/a", "a").replace("http:", "https:")
    assert "robots.txt cannot be read" in refused(fetcher, address)


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 410, 429, 500, 503])
def test_what_is_no_page(site: Site, fetcher: Fetcher, status: int) -> None:
    assert f"answers {status}" in refused(fetcher, site.page("/a", "", status=status))


@pytest.mark.parametrize(
    "kind", ["image/png", "application/zip", "video/mp4", "application/octet-stream", "text/css"]
)
def test_kinds_that_are_not_read(site: Site, fetcher: Fetcher, kind: str) -> None:
    assert f"is {kind}, which is not read" in refused(fetcher, site.page("/a", b"x", kind))


# Robots


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("User-agent: *\nDisallow: /private", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: miro-edge\nDisallow: /", False),
        ("User-agent: other\nDisallow: /", True),
        ("\xef\xbb\xbfUser-agent: *\nDisallow: /", False),  # as some editors begin a file
        ("User-agent: *\nDisallow: /*.html$", False),
        ("User-agent: *\nDisallow: /\nAllow: /page", True),
        ("<html>not a robots.txt at all</html>", True),
        ("\xff\0", True),
    ],
)
def test_robots_are_respected(site: Site, fetcher: Fetcher, text: str, allowed: bool) -> None:
    site.page("/robots.txt", text.encode("latin-1"), "text/plain")
    address = site.page("/page.html", "<p>text</p>")
    if allowed:
        fetcher.fetch(address)
        fetcher.fetch(address)
        assert len(site.asked("/robots.txt")) == 1
    else:
        assert "robots.txt says so" in refused(fetcher, address)
        assert not site.asked("/page.html")


def test_robots_that_cannot_be_had_forbid_everything(site: Site, fetcher: Fetcher) -> None:
    site.page("/robots.txt", "", status=503)
    said = refused(fetcher, site.page("/a", "a"))
    assert said.endswith("/robots.txt answers 503, so nothing is read there.")


def test_of_an_enormous_robots_the_beginning_counts(site: Site, fetcher: Fetcher) -> None:
    site.page("/robots.txt", "User-agent: *\nDisallow: /\n" + "#" * 2_000_000, "text/plain")
    assert "robots.txt says so" in refused(fetcher, site.page("/a", "a"))


def test_robots_are_asked_at_the_end_of_a_redirect_too(site: Site, fetcher: Fetcher) -> None:
    site.page("/robots.txt", "User-agent: *\nDisallow: /private")
    site.page("/private", "a")
    assert "robots.txt says so" in refused(fetcher, site.redirect("/a", "/private"))
    assert not site.asked("/private")


# Reading


def read(reader: PageReader, data: bytes, kind: str = "text/html") -> Document:
    (found,) = reader.read([Page("https://a.example/page", kind, data)])
    assert isinstance(found, Document), found
    return found


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("text/html; charset=windows-1251", "cp1251"),
        ("text/html; charset=utf-16", "utf-16"),
        ('text/html; charset="Shift_JIS"', "shift_jis"),
        ("text/html; charset=nonsense", "utf-8"),
        ("text/html; charset=base64", "utf-8"),
        ("text/html", "utf-8"),
    ],
)
def test_encodings(
    site: Site, fetcher: Fetcher, reader: PageReader, header: str, encoding: str
) -> None:
    words = "地球は青かった" if encoding == "shift_jis" else "Амундсен доплыл до Нома"
    body = f"<html><body><h1>{words}</h1><p>{words}, {words}. {words}.</p></body></html>"
    page = fetcher.fetch(site.page("/a", body.encode(encoding), header))
    document = read(reader, page.data)
    assert document.title == words
    assert words in document.text


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "unicode_escape", "idna", "rot13"])
def test_what_is_no_encoding_of_pages_is_left_to_the_reader(
    site: Site, fetcher: Fetcher, charset: str
) -> None:
    data = b"<p>Bell Rock-9b\\x41+AGE-</p>"
    page = fetcher.fetch(site.page("/a", data, f"text/html; charset={charset}"))
    assert page.data == data


def test_what_surrounds_the_text_is_left_out(
    site: Site, fetcher: Fetcher, reader: PageReader
) -> None:
    address = site.article(
        "/gjoa", "Gjøa", *["The Gjøa was designed by Knut Skaale. It was a sloop."] * 3
    )
    document = read(reader, fetcher.fetch(address).data)
    assert document.title == "Gjøa"
    assert "Knut Skaale" in document.text
    assert "Cookies" not in document.text
    assert [passage.source for passage in split(document)] == ["https://a.example/page"]


def test_pages_of_other_kinds(reader: PageReader) -> None:
    text = read(reader, b"A heading\n\nThe text of it, which is plain.", "text/plain")
    assert (text.id, text.source) == ("https://a.example/page", "https://a.example/page")
    assert text.title == "A heading"
    assert read(reader, b"# Title\n\nMore *text* here.", "text/markdown").title == "Title"
    assert "Untitled words" in read(reader, b"<p>Untitled words are here.</p>").text


def test_a_page_without_a_title_is_called_by_its_address(reader: PageReader) -> None:
    assert read(reader, b"<p>Words that nobody has named.</p>").title == "https://a.example/page"


def test_a_pdf(reader: PageReader) -> None:
    from edge_agent.index import sample_folder

    data = (sample_folder() / "documents" / "gjoa.pdf").read_bytes()
    document = read(reader, data, "application/pdf")
    assert "Gjøa" in document.title
    assert next(section.page for section in document.sections) == 1


def test_what_cannot_be_read_costs_itself(reader: PageReader) -> None:
    pages = [
        Page("https://a.example/1", "application/pdf", b"%PDF-1.7 broken"),
        Page("https://a.example/2", "text/html", b""),
        Page("https://a.example/3", "text/plain", os.urandom(3000)),
        Page("https://a.example/4", "text/html", b"<p>Fine words are here.</p>"),
    ]
    *bad, good = reader.read(pages)
    assert isinstance(good, Document)
    for page, found in zip(pages, bad, strict=False):
        assert isinstance(found, WebError)
        assert str(found).startswith(page.address)


def test_titles_have_nothing_in_them_but_characters_to_be_read(reader: PageReader) -> None:
    assert one_line("a\x1b[31mb\u202ec\u200bd\ne\0") == "a [31mb c d e"
    assert len(one_line("x" * 5000)) == 200
    title = "Bell\u202e Rock\x1b]0;pwned\x07"
    assert read(reader, f"<h1>{title}</h1><p>Words and words.</p>".encode()).title.isprintable()
