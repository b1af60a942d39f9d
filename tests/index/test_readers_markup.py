"""HTML and XHTML as text, and the books that are made of it."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import found, parts

from edge_agent.index import Document, UnreadableDocument, split
from edge_agent.index.readers.markup import parsed, sectioned_text

# Markup


def text_of(page: str | bytes, title: str = "") -> list[tuple[tuple[str, ...], str]]:
    tree = parsed(page.encode() if isinstance(page, str) else page)
    assert tree is not None
    text, sections = sectioned_text(tree, title)
    return parts(Document("a", "a", "a", text, sections))


def test_headings_make_sections_and_blocks_paragraphs() -> None:
    page = """<html><head><title>T</title><style>p {}</style></head><body><nav>Home</nav>
    Start <h1>Bell
    <b>Rock</b></h1><div><p>A <i>light</i>house<sup class="x reference">[1]</sup>.</p><p>Old.</div>
    <h2>Stones</h2><ul><li>granite<li>sandstone</ul><script>x()</script><pre> a
  b</pre><h3>Rows</h3><table><tr><th>Year<th>Rows</tr><tr><td>1808<td><b>26</b></table>
    <h2>Light</h2>Red<br>white<!-- no --> and&nbsp;red"""
    assert text_of(page) == [
        ((), "Start"),
        (("Bell Rock",), "A lighthouse.\n\nOld."),
        (("Bell Rock", "Stones"), "granite\nsandstone\n\n a\n  b"),
        (("Bell Rock", "Stones", "Rows"), "Year | Rows\n1808 | 26"),
        (("Bell Rock", "Light"), "Red\nwhite and red"),
    ]


def test_the_title_is_in_no_path() -> None:
    page = "<h1>Bell Rock</h1><p>A lighthouse.<h2>Stones</h2><p>Granite."
    assert text_of(page, "Bell Rock") == [((), "A lighthouse."), (("Stones",), "Granite.")]


def test_a_heading_with_nothing_under_it_is_text() -> None:
    page = "<h1>A</h1><h2>B</h2><h2>C</h2><p>Text.<h2>D</h2>"
    assert text_of(page) == [(("A",), "B"), (("A", "C"), "Text."), (("A",), "D")]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ('built in 1892<sup><a href="#n1">3</a></sup>.', "built in 1892."),
        ('built in 1892<a href="notes.xhtml#n1"><sup>3</sup></a>.', "built in 1892."),
        ('built in 1892<a epub:type="noteref" href="n.xhtml">3</a>.', "built in 1892."),
        ('built in 1892<sup>[<a role="doc-noteref" href="n">3</a>]</sup>.', "built in 1892."),
        ('built in 1892<sup class="reference">[3]</sup>.', "built in 1892."),
        ("10<sup>6</sup> stones, <i>m</i><sup><i>2</i></sup>", "10^6 stones, m^2"),
        ("10<sup>-3</sup> and s<sup>\u22121</sup>", "10^-3 and s^\u22121"),
        ("H<sub>2</sub>O and Ca<sup>2+</sup>", "H2O and Ca^2+"),
        ("the 5<sup>th</sup>, Bell<sup>TM</sup>, <sup>1</sup> so", "the 5th, BellTM, 1 so"),
        ('<a href="#mass">E = mc<sup>2</sup></a>', "E = mc^2"),
        ('see 7<sup><a href="a.html">2</a></sup>', "see 7^2"),
    ],
)
def test_marks_of_notes_go_and_exponents_are_told_from_their_numbers(
    tmp_path: Path, written: str, read_as: str
) -> None:
    xhtml = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><body><p>{written}</p></body></html>'
    )
    assert text_of(f"<p>{written}</p>") == [((), read_as)]
    assert text_of(xhtml) == [((), read_as)]
    rest = "<p>The reef was charted by many a keeper, and its stones were told of. " * 9
    page = f"<html><body><article><h1>Rock</h1><p>It was {written}</p>{rest}</article></html>"
    ((document,), _) = found(tmp_path / "a.html", page.encode())
    assert f"It was {read_as}" in document.text
    assert "<s" not in document.text


def test_what_is_taken_out_of_pages_has_no_lines(tmp_path: Path) -> None:
    page = "<html><body><article>" + "<p>The reef was charted by many a keeper." * 9
    for content in (page, "<html><body><table><td>Long</td></table>"):
        ((document,), _) = found(tmp_path / "a.html", content.encode())
        assert {passage.place for passage in split(document)} == {""}
    chapter = {"OEBPS/text/part one.xhtml": "<html><body><p>None here.</p></body></html>"}
    ((document,), _) = found(tmp_path / "a.epub", book(**chapter))
    assert split(document)[0].place == ""


def test_xhtml_is_read_with_its_names_and_empty_elements() -> None:
    page = (
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x.dtd">'
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body><script src="x"/>'
        "<h1>Tay</h1><p>long&nbsp;and&eacute;</p></body></html>"
    )
    assert text_of(page) == [(("Tay",), "long andé")]
    soup = page.replace("</p>", "").replace("<!DOCTYPE html PUBLIC", "<!DOCTYPE html x")
    assert text_of(soup) == [(("Tay",), "long andé")]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_pages_in_the_encodings_that_they_declare(encoding: str) -> None:
    page = f'<html><meta charset="{encoding}"><p>Größe</p></html>'
    if encoding == "utf-16":
        page = page.replace("<meta", "<x")
    assert text_of(page.encode(encoding)) == [((), "Größe")]


def test_layout_tables_and_deep_pages_are_read() -> None:
    page = "<table><tr><td><h1>A</h1><p>B</p></td><td><p>C</p></td></tr></table>"
    assert text_of(page) == [(("A",), "B\n\nC")]
    deep = "<div>" * 5_000 + "x" + "</div>" * 5_000
    tree = parsed(deep.encode())
    assert tree is None or sectioned_text(tree)[0] in {"", "x"}


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("<td></td><td>1808</td><td>1809</td>", " | 1808 | 1809"),
        ("<th>Rows</th><td></td><td>26</td>", "Rows |  | 26"),
        ("<td><p>Rows</p></td><td><div>26<br>or 27</div></td>", "Rows | 26 or 27"),
        ("<td>&nbsp;</td><td>alone</td><td></td>", "alone"),
        ("<td>Rows<!-- of stones --></td><td><script>x()</script></td><td>26</td>", "Rows |  | 26"),
    ],
)
def test_the_cells_of_a_row_keep_their_places(row: str, line: str) -> None:
    page = f"<table><tr><td>a</td><td>b</td></tr><tr>{row}</tr></table>after"
    assert text_of(page) == [((), f"a | b\n{line}\n\nafter")]


def test_what_a_table_only_lays_out_keeps_its_paragraphs() -> None:
    page = "<table><tr><td><h2>News</h2><p>One.</p><p>Two.</p></td><td>Aside</td></tr></table>"
    assert text_of(page) == [(("News",), "One.\n\nTwo.\n\nAside")]
    long = "<p>The tower stands on a reef.</p>" * 30
    page = f"<table><tr><td>{long}</td></tr></table>"
    assert text_of(page) == [((), "\n\n".join(["The tower stands on a reef."] * 30))]


def test_an_explosion_of_entities_does_nothing() -> None:
    page = (
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><p>x &b; y</p>'
    )
    ((_, text),) = text_of(page)
    assert "aa" not in text


@given(st.binary(max_size=200) | st.text(alphabet="<>/hp1br &;a\"'=!-?[]", max_size=60))
def test_any_markup_is_text(page: bytes | str) -> None:
    tree = parsed(page.encode() if isinstance(page, str) else page)
    if tree is not None:
        text, sections = sectioned_text(tree)
        assert all(0 <= s.start < s.end <= len(text) for s in sections)


# Books


PACKAGE = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Light</dc:title>
<dc:creator>A. Keeper</dc:creator></metadata><manifest>
<item id="b" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="text/part%20one.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="t" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
<item id="p" href="cover.jpg" media-type="image/jpeg"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/><itemref idref="p"/></spine>
</package>"""
CONTENTS = """<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><nav>
<a href="text/part%20one.xhtml">One</a><a href="text/two.xhtml#x">The second</a></nav></body>
</html>"""
OLD_CONTENTS = """<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>
<navPoint><navLabel><text>The second</text></navLabel><content src="text/two.xhtml"/></navPoint>
</navMap></ncx>"""
BOOK: dict[str, str] = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/a.opf"/></rootfiles></container>'
    ),
    "OEBPS/a.opf": PACKAGE,
    "OEBPS/nav.xhtml": CONTENTS,
    "OEBPS/toc.ncx": OLD_CONTENTS,
    "OEBPS/text/part one.xhtml": (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>'
        "<h1>The reef</h1><p>Red.</p><h2>Its stones</h2><p>Old.</p></body></html>"
    ),
    "OEBPS/text/two.xhtml": "<html><body><p>No heading here.</p></body></html>",
}


def book(**changed: str | None) -> bytes:
    """A book, parts of which are changed or left out."""
    members = {**BOOK, **changed}
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("without", ["OEBPS/nav.xhtml", "OEBPS/toc.ncx"])
def test_a_book_is_its_chapters_in_reading_order(tmp_path: Path, without: str) -> None:
    ((document,), flaws) = found(tmp_path / "light.epub", book(**{without: None}))
    assert document.title == "The Light"
    assert parts(document) == [
        ((), "The Light\nA. Keeper"),
        (("The reef",), "Red."),
        (("The reef", "Its stones"), "Old."),
        (("The second",), "No heading here."),
    ]
    assert split(document)[2].place == "§ The reef › Its stones"
    assert not flaws


def test_a_chapter_that_is_missing_is_a_flaw(tmp_path: Path) -> None:
    content = book(**{"OEBPS/text/two.xhtml": None})
    (documents, flaws) = found(tmp_path / "a.epub", content)
    assert documents[0].text.endswith("Old.")
    assert flaws == ["lacks, or has broken, two.xhtml"]


def test_a_book_that_repeats_a_chapter_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.index.readers._MOST_CHARACTERS", 10_000)
    chapter = f"<html><body><p>{'No heading here. ' * 300}</p></body></html>"
    again = '<itemref idref="b"/>'
    package = PACKAGE.replace(again, again * 900)
    content = book(**{"OEBPS/text/two.xhtml": chapter, "OEBPS/a.opf": package})
    with pytest.raises(UnreadableDocument, match="has far more text than a file of its size may"):
        found(tmp_path / "a.epub", content)


def encryption(method: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
        f'<enc:EncryptionMethod Algorithm="{method}"/></enc:EncryptedData></encryption>'
    )


def test_a_book_with_drm_is_refused_and_one_with_scrambled_fonts_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    aes = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(UnreadableDocument, match=r"protected \(DRM\)"):
        found(path, book(**{"META-INF/encryption.xml": aes}))
    fonts = encryption("http://www.idpf.org/2008/embedding")
    assert found(path, book(**{"META-INF/encryption.xml": fonts}))[0]


@pytest.mark.parametrize(
    ("part", "content", "reason"),
    [
        ("META-INF/container.xml", "<container/>", "not an EPUB"),
        ("OEBPS/a.opf", None, "not an EPUB"),
        ("OEBPS/a.opf", "<package/>", "no text"),
    ],
)
def test_a_broken_book_has_a_reason(
    tmp_path: Path, part: str, content: str | None, reason: str
) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        found(tmp_path / "a.epub", book(**{part: content}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_book_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(BOOK)))
    at = data.draw(st.integers(0, len(BOOK[name])))
    filler = data.draw(st.sampled_from(["", "<", ">", '"', "../" * 9, "%ff", "\0"]))
    changed = BOOK[name][:at] + filler + BOOK[name][at + data.draw(st.integers(0, 30)) :]
    content = book(**{name: changed})
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    with suppress(UnreadableDocument):
        found(tmp_path / "a.epub", content)
