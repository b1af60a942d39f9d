"""The PDF reader: pages, headings, titles, and what of a file has no text."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import read

from edge_agent.index import Document, UnreadableDocument, sample_folder, split
from edge_agent.index.documents import Flaw


class Line(NamedTuple):
    text: str
    size: float = 11
    turned: bool = False


class Bookmark(NamedTuple):
    title: str
    page: int
    under: int | None = None


IMAGE = Line("an image")


def pdf(
    *pages: list[Line], title: str = "", outline: tuple[Bookmark, ...] = (), scaled: bool = False
) -> bytes:
    """A PDF of lines in Helvetica; `scaled` sets all in size 1 and enlarges it."""
    objects: list[bytes] = []

    def add(content: str | bytes) -> int:
        objects.append(content.encode("latin-1") if isinstance(content, str) else content)
        return len(objects)

    font = add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    image = add(
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray "
        "/BitsPerComponent 8 /Length 1 >>\nstream\nx\nendstream"
    )
    tree = add("")
    leaves = []
    for lines in pages:
        content, height = "", 760.0
        for line in lines:
            if line is IMAGE:
                content += "q 500 0 0 500 20 20 cm /I1 Do Q "
                continue
            size, scale = (1.0, line.size) if scaled else (line.size, 1.0)
            matrix = f"0 {scale} {-scale} 0 20" if line.turned else f"{scale} 0 0 {scale} 50"
            content += f"BT /F1 {size} Tf {matrix} {height} Tm ({line.text}) Tj ET "
            height -= 1.4 * line.size
        stream = add(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        resources = f"<< /Font << /F1 {font} 0 R >> /XObject << /I1 {image} 0 R >> >>"
        leaves.append(
            add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 600 800] "
                f"/Contents {stream} 0 R /Resources {resources} >>"
            )
        )
    kids = " ".join(f"{leaf} 0 R" for leaf in leaves)
    objects[tree - 1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(leaves)} >>".encode()
    marks = _outline(outline, leaves, first=len(objects) + 1)
    root = len(objects) + 1
    for mark in marks:
        add(mark)
    contents = f"/Outlines {root} 0 R" if marks else ""
    catalog = add(f"<< /Type /Catalog /Pages {tree} 0 R {contents} >>")
    info = add(f"<< /Title ({title}) >>")
    return _file(objects, f"/Root {catalog} 0 R /Info {info} 0 R")


def _outline(outline: tuple[Bookmark, ...], leaves: list[int], first: int) -> list[str]:
    """The objects of a table of contents, numbered from `first`, which is its root."""

    def below(parent: int | None) -> list[int]:
        return [number for number, mark in enumerate(outline) if mark.under == parent]

    def ends(parent: int | None) -> str:
        inner = below(parent)
        if not inner:
            return ""
        return f"/First {first + 1 + inner[0]} 0 R /Last {first + 1 + inner[-1]} 0 R"

    objects = [f"<< /Type /Outlines {ends(None)} >>"] if outline else []
    for number, mark in enumerate(outline):
        later = [other for other in below(mark.under) if other > number]
        parent = first if mark.under is None else first + 1 + mark.under
        following = f"/Next {first + 1 + later[0]} 0 R" if later else ""
        objects.append(
            f"<< /Title ({mark.title}) /Parent {parent} 0 R {following} {ends(number)} "
            f"/Dest [{leaves[mark.page - 1]} 0 R /Fit] >>"
        )
    return objects


def _file(objects: list[bytes], trailer: str) -> bytes:
    content, offsets = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} {trailer} >>\n"
    return content + f"{end}startxref\n{len(content)}\n%%EOF".encode()


def found(folder: Path, content: bytes) -> tuple[Document, list[str]]:
    """The document in a PDF, and its flaws."""
    path = folder / "paper.pdf"
    path.write_bytes(content)
    document, *flaws = read(path, "paper.pdf")
    assert isinstance(document, Document)
    ends = [0, *(section.end for section in document.sections)]
    assert all(s.start >= end for s, end in zip(document.sections, ends, strict=False))
    assert ends[-1] <= len(document.text)
    return document, [flaw.reason for flaw in flaws if isinstance(flaw, Flaw)]


def places(document: Document) -> list[tuple[int | None, tuple[str, ...], str]]:
    return [(s.page, s.headings, document.text[s.start : s.end]) for s in document.sections]


BODY = [Line("The light was first shown in the winter of that year,"), Line("and has shone since.")]
PLAIN = "\n".join(line.text for line in BODY)


def test_a_pdf_has_its_title_pages_and_headings() -> None:
    (document,) = read(sample_folder() / "documents" / "gjoa.pdf", "gjoa.pdf")
    assert isinstance(document, Document)
    assert document.title == "Gjøa"
    assert [(section.page, section.headings) for section in document.sections] == [
        (1, ()),
        (1, ("A herring boat",)),
        (1, ("Through the Passage",)),
        (2, ("Through the Passage",)),
        (2, ("Ashore",)),
    ]
    assert split(document)[0].place == "p. 1"


@pytest.mark.parametrize("scaled", [False, True])
def test_lines_that_are_set_larger_are_headings(tmp_path: Path, scaled: bool) -> None:
    first = [Line("Bell Rock", 24), *BODY, Line("Building", 16), *BODY, Line("The reef", 13), *BODY]
    second = [*BODY, Line("Keepers and", 16), Line("their work", 16), *BODY]
    document, flaws = found(tmp_path, pdf(first, second, scaled=scaled))
    assert document.title == "Bell Rock"
    assert places(document) == [
        (1, (), PLAIN),
        (1, ("Building",), PLAIN),
        (1, ("Building", "The reef"), PLAIN),
        (2, ("Building", "The reef"), PLAIN),
        (2, ("Keepers and their work",), PLAIN),
    ]
    assert not flaws


def test_bookmarks_are_headings_where_their_lines_are_found(tmp_path: Path) -> None:
    outline = (
        Bookmark("Building", 1),
        Bookmark("The reef", 1, under=0),
        Bookmark("Not in the text", 2),
    )
    first = [*BODY, Line("1 Building"), *BODY, Line("1.1 The"), Line("reef"), *BODY]
    document, _ = found(tmp_path, pdf(first, BODY, title="Bell Rock", outline=outline))
    assert places(document) == [
        (1, (), PLAIN),
        (1, ("Building",), PLAIN),
        (1, ("Building", "The reef"), PLAIN),
        (2, ("Not in the text",), PLAIN),
    ]


def test_a_running_head_is_no_heading(tmp_path: Path) -> None:
    pages = [[Line("Annual report", 14), *BODY, *BODY] for _ in range(6)]
    document, _ = found(tmp_path, pdf(*pages, title="Lights"))
    assert {headings for _, headings, _ in places(document)} == {()}


def test_an_initial_and_a_turned_stamp_are_no_headings(tmp_path: Path) -> None:
    stamp = Line("arXiv 1706.03762", 30, turned=True)
    document, _ = found(tmp_path, pdf([Line("Bell Rock", 20), *BODY, stamp, *BODY]))
    assert document.title == "Bell Rock"
    assert {headings for _, headings, _ in places(document)} == {()}


@pytest.mark.parametrize(
    ("named", "title"),
    [
        ("On lighthouses", "On lighthouses"),
        ("", "Bell Rock"),
        ("untitled", "Bell Rock"),
        ("Microsoft Word - thesis_final.doc", "Bell Rock"),
        ("thesis_final.tex", "Bell Rock"),
    ],
)
def test_the_title_is_the_file_s_own_unless_a_program_made_it(
    tmp_path: Path, named: str, title: str
) -> None:
    document, _ = found(tmp_path, pdf([Line("Bell", 24), Line("Rock", 24), *BODY], title=named))
    assert document.title == title


def test_without_any_title_it_is_the_first_line(tmp_path: Path) -> None:
    document, _ = found(tmp_path, pdf([*BODY, Line("end")]))
    assert document.title == BODY[0].text


def test_words_that_are_hyphenated_at_line_ends_are_joined(tmp_path: Path) -> None:
    document, _ = found(tmp_path, pdf([Line("It was the first light-"), Line("house at sea.")]))
    assert document.text == "It was the first lighthouse at sea."


def test_scanned_pages_among_others_are_told(tmp_path: Path) -> None:
    scan: list[Line] = [IMAGE]
    document, flaws = found(tmp_path, pdf(BODY, scan, scan, BODY, [], scan))
    assert [page for page, _, _ in places(document)] == [1, 4]
    assert flaws == ["pages 2–3 and 6 have no text: they were scanned"]
    _, flaws = found(tmp_path, pdf(BODY, scan))
    assert flaws == ["page 2 has no text: it was scanned"]


def test_a_scan_has_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="it was scanned"):
        found(tmp_path, pdf([IMAGE], [IMAGE]))


def test_a_heading_alone_on_its_page_is_read(tmp_path: Path) -> None:
    document, _ = found(tmp_path, pdf([*BODY, *BODY], [*BODY, Line("The end", 20)], title="A"))
    assert places(document)[-1] == (2, (), "The end")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_pdf_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    whole = pdf([Line("Bell Rock", 24), *BODY], BODY, outline=(Bookmark("a", 1), Bookmark("b", 2)))
    cut = data.draw(st.integers(0, len(whole)))
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole[: max(cut, 600)])
    broken[at % len(broken)] = data.draw(st.integers(0, 255))
    path = tmp_path / "broken.pdf"
    path.write_bytes(broken)
    with suppress(UnreadableDocument):
        assert list(read(path, "broken.pdf"))
