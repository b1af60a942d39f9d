"""Readers: real files in, documents with titles and places out; a bad file ends nothing."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.index import Document, UnreadableDocument, sample_folder, split
from edge_agent.index.readers import read
from edge_agent.index.worker import ReaderProcess

PAGE = """<!DOCTYPE html><html><head><title>Site – Dundee</title></head><body>
<nav><a href="/">Home</a><a href="/x">Imprint</a></nav>
<main><h1>Dundee</h1><p>Dundee is a city on the Tay. It built the ship Discovery, and it was known
for jute, jam and journalism for more than a hundred years.</p>
<h2>Docks</h2><p>The docks were opened in the time of the whaling fleet, which sailed north.</p>
</main><footer>Cookie settings</footer></body></html>"""


def one(path: Path, content: str | bytes) -> Document:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (document,) = read(path, path.name)
    return document


def test_markdown_has_a_title_headings_and_no_marks(tmp_path: Path) -> None:
    text = (
        "---\ntags: x\n---\n# The **Fram**\n\nBuilt by [Colin Archer](archer.md) in `1892`.\n\n"
        "## Hull\n\nRound.\n\n```\n# not a heading\n```\n\n### Rudder\n\nDeep snake_case.\n"
    )
    document = one(tmp_path / "fram.md", text)
    assert document.title == "The Fram"
    places = [(p.place, p.text) for p in split(document)]
    assert places[0] == ("line 6", "Built by Colin Archer in 1892.")
    assert places[1][0] == "§ Hull"
    assert "# not a heading" in places[1][1]
    assert places[2] == ("§ Hull › Rudder", "Deep snake_case.")


def test_html_is_its_main_text_without_navigation(tmp_path: Path) -> None:
    document = one(tmp_path / "dundee.html", PAGE)
    assert document.title == "Dundee"
    assert "jute, jam and journalism" in " ".join(document.text.split())
    assert "Imprint" not in document.text
    assert "Cookie" not in document.text
    assert any(section.headings == ("Docks",) for section in document.sections)


def test_html_is_known_by_its_content(tmp_path: Path) -> None:
    assert one(tmp_path / "page.txt", PAGE).title == "Dundee"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_in_the_encodings_that_occur(tmp_path: Path, encoding: str) -> None:
    document = one(tmp_path / "a.txt", "Mühlhausen\r\n\r\nA town.".encode(encoding))
    assert document.title == "Mühlhausen"
    assert document.text == "Mühlhausen\n\nA town."


def test_a_pdf_has_its_title_and_pages() -> None:
    path = sample_folder() / "documents" / "gjoa.pdf"
    (document,) = read(path, "gjoa.pdf")
    assert "Gjøa" in document.title or "Gjoa" in document.title
    assert [section.page for section in document.sections] == [1, 2]
    assert split(document)[0].place == "p. 1"


def test_json_lines_are_a_record_a_document(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    records = [{"id": "a-1", "title": "A", "text": "One."}, {"sentences": ["Two.", "Three."]}]
    path.write_text("\n".join(map(json.dumps, records)) + "\n")
    first, second = read(path, "corpus.jsonl")
    assert (first.id, first.title, first.text) == ("a-1", "A", "One.")
    assert (second.id, second.text) == ("corpus.jsonl:2", "Two. Three.")


def test_what_is_null_in_a_record_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"id": null, "title": null, "text": null, "sentences": ["Two."]}')
    (document,) = read(path, "corpus.jsonl")
    assert (document.id, document.title, document.text) == ("corpus.jsonl:1", "corpus 1", "Two.")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "no text"),
        ("blank.md", b" \n\n", "no text"),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0", "not text"),
        ("broken.pdf", b"%PDF-1.7\ngarbage", "not a PDF"),
        ("bad.jsonl", b'{"text": "ok"}\n{"text": ', "line 2"),
        ("list.jsonl", b"[1]", "line 1"),
        ("null.jsonl", b'{"text": null}', "line 1 is no record"),
        ("number.jsonl", b'{"text": 5}', "`text` that is no string"),
        ("string.jsonl", b'{"sentences": "One."}', "no list"),
        ("deep.jsonl", b"[" * 100_000, "line 1"),
        ("empty.html", b"<html></html>", "no text"),
    ],
)
def test_a_bad_file_has_a_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match=reason):
        read(path, name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    suffix=st.sampled_from([".md", ".html", ".txt", ".jsonl", ".pdf", ""]),
    head=st.sampled_from([b"", b"%PDF-1.4\n", b"<html>", b"---\n", b"\xff\xfe"]),
)
def test_any_bytes_are_read_or_refused(
    tmp_path: Path, content: bytes, suffix: str, head: bytes
) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(head + content)
    try:
        documents = read(path, "any")
    except UnreadableDocument:
        return
    assert all(split(document) is not None for document in documents)


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on memory")
def test_the_reader_process_outlives_files_that_are_too_large(tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.write(b"text " * 1000)
        file.truncate(4 * 1024**3)  # sparse: it takes no room on the disk
    good = tmp_path / "good.txt"
    good.write_text("Good.")
    with ReaderProcess() as reader:
        with pytest.raises(UnreadableDocument, match="more memory"):
            reader.read(large, "large")
        assert reader.read(good, "good")[0].text == "Good."


def test_the_reader_process_outlives_files_that_stall_it(tmp_path: Path) -> None:
    slow = tmp_path / "pipe.txt"
    os.mkfifo(slow)
    good = tmp_path / "good.txt"
    good.write_text("Good.")
    with ReaderProcess(seconds=5) as reader:
        assert reader.read(good, "good")[0].text == "Good."
        with pytest.raises(UnreadableDocument, match="longer than"):
            reader.read(slow, "slow")
        assert reader.read(good, "good")[0].text == "Good."
