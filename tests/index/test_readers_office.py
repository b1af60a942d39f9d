"""Readers of office documents: real files of their libraries in, places and titles out."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement, parse_xml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pptx.util import Inches
from reading import read

from edge_agent.index import Document, UnreadableDocument, split

NAMESPACES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def one(path: Path) -> Document:
    (document,) = read(path, path.name)
    assert isinstance(document, Document)
    ends = [0, *(section.end for section in document.sections)]
    assert all(s.start >= end for s, end in zip(document.sections, ends, strict=False))
    assert ends[-1] <= len(document.text)
    return document


def parts(document: Document) -> list[tuple[int | None, tuple[str, ...], str]]:
    return [(s.page, s.headings, document.text[s.start : s.end]) for s in document.sections]


def word_bytes() -> bytes:
    word = docx.Document()
    word.add_heading("Bell Rock", level=0)
    word.add_paragraph("A lighthouse.")
    word.add_heading("Building", level=1)
    word.add_paragraph("Stone by stone.")
    word.add_heading("Stones", level=2)
    word.add_paragraph("granite", style="List Bullet")
    table = word.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Year", "Rows", "1808", "26"), strict=True):
        cell.text = text
    word.add_heading("Light", level=1)
    word.add_paragraph("Seen far off.")
    return saved(word.save)


def slides_bytes() -> bytes:
    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text = "Bell Rock"
    first.placeholders[1].text = "A lighthouse"
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Building"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for cell, text in zip(table.iter_cells(), ("Year", "Rows", "1808", "26"), strict=True):
        cell.text = text
    group = second.shapes.add_group_shape()
    box = group.shapes.add_textbox(Inches(1), Inches(4), Inches(4), Inches(1))
    box.text_frame.text = "In a group"
    second.notes_slide.notes_text_frame.text = "Say who built it."
    show.slides.add_slide(show.slide_layouts[6])
    return saved(show.save)


def sheets_bytes() -> bytes:
    book = openpyxl.Workbook()
    lights = book.active
    lights.title = "Lights"
    lights.append(["Name", "Lit", "Height", "Tall"])
    lights.append(["Bell Rock", date(1811, 2, 1), 36.0, True])
    lights.append([None, None, None, None])
    lights.append(["Eddystone", datetime(1882, 5, 18, 20, 30), 49.5, None])
    numbers = book.create_sheet("Numbers")
    numbers.append([1, 2])
    numbers.append([3, "four\nfive"])
    return saved(book.save)


def open_bytes(kind: str = "text", body: str | None = None) -> bytes:
    body = body or (
        "<text:h text:outline-level='1'>Bell<text:s text:c='2'/>Rock</text:h><text:p>A"
        "<text:tab/><text:span>light</text:span>house.<office:annotation><text:p>Who?</text:p>"
        "</office:annotation></text:p><text:h text:outline-level='2'>Stones</text:h>"
        "<text:list><text:list-item><text:p>granite</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>1808</text:p></table:table-cell>"
        "<table:table-cell><text:p>26</text:p></table:table-cell></table:table-row></table:table>"
    )
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{part}:1.0"'
        for name, part in (
            ("office", "office"),
            ("text", "text"),
            ("table", "table"),
            ("draw", "drawing"),
        )
    )
    content = (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "eeee">]>'
        f"<office:document-content{names}><office:body>"
        f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument", "content.xml": content})


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def saved(save: Callable[[BytesIO], None]) -> bytes:
    file = BytesIO()
    save(file)
    return file.getvalue()


# Word


def test_word_has_a_title_headings_lists_and_tables(tmp_path: Path) -> None:
    path = tmp_path / "light.docx"
    path.write_bytes(word_bytes())
    document = one(path)
    assert document.title == "Bell Rock"
    assert parts(document) == [
        (None, (), "A lighthouse."),
        (None, ("Building",), "Stone by stone."),
        (
            None,
            ("Building", "Stones"),
            "- granite\n\nYear | Rows\n1808 | 26",
        ),
        (None, ("Light",), "Seen far off."),
    ]
    assert split(document)[-1].place == "§ Light"


def test_word_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "light.zip"
    path.write_bytes(word_bytes())
    assert one(path).title == "Bell Rock"


def test_the_title_of_word_is_its_own_then_a_heading_then_the_file_s(tmp_path: Path) -> None:
    path = tmp_path / "light.docx"
    word = docx.Document()
    word.add_paragraph("Text.")
    word.core_properties.title = "Word Document"
    word.save(str(path))
    assert one(path).title == "light"
    word.add_heading("Late", level=2)
    word.save(str(path))
    assert one(path).title == "Late"
    word.core_properties.title = "On lights"
    word.save(str(path))
    assert one(path).title == "On lights"


def test_styles_that_are_based_on_headings_make_headings(tmp_path: Path) -> None:
    path = tmp_path / "light.docx"
    word = docx.Document()
    style = word.styles.add_style("Kapitel", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = word.styles["Heading 2"]
    word.core_properties.title = "Lights"
    word.add_paragraph("Rock", style="Kapitel")
    outlined = word.add_paragraph("Reef")
    level = OxmlElement("w:outlineLvl")
    level.set(docx.oxml.ns.qn("w:val"), "2")
    outlined._p.get_or_add_pPr().append(level)
    word.add_paragraph("Text.")
    word.save(str(path))
    assert parts(one(path)) == [(None, ("Rock", "Reef"), "Text.")]


def test_what_is_inserted_linked_or_a_form_field_is_read_and_what_was_deleted_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "light.docx"
    word = docx.Document()
    paragraph = (
        f"<w:p {NAMESPACES}><w:r><w:t>A</w:t></w:r><w:ins><w:r><w:t>B</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>C</w:delText></w:r></w:del><w:hyperlink><w:r><w:t>D</w:t></w:r>"
        "</w:hyperlink><w:r><w:instrText>E</w:instrText><w:br/><w:t>F</w:t></w:r></w:p>"
    )
    field = f"<w:sdt {NAMESPACES}><w:sdtContent>{paragraph}</w:sdtContent></w:sdt>"
    word.element.body.insert(0, parse_xml(field))
    word.save(str(path))
    assert one(path).text == "ABD\nF"


TABLE = [["", "1990", "2000", "2010"], ["North", "5", "", "7"], ["South", "6", "", ""]]
LINES = " | 1990 | 2000 | 2010\nNorth | 5 |  | 7\nSouth | 6"


def test_values_in_word_stand_under_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "light.docx"
    word = docx.Document()
    table = word.add_table(rows=4, cols=4)
    for row, texts in zip(table.rows, TABLE, strict=False):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(3, 0).merge(table.cell(3, 2)).text = "Both"
    table.cell(3, 3).text = "8"
    word.save(str(path))
    assert one(path).text == f"{LINES}\nBoth |  |  | 8"


def test_exponents_in_word_are_told_from_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "light.docx"
    word = docx.Document()
    paragraph = word.add_paragraph()
    for text in ("10", "^1", "^2", " stones, s", "^\u22121", ", the 5", "^th", " of ", "^3"):
        run = paragraph.add_run(text.removeprefix("^"))
        run.font.superscript = text.startswith("^") or None
    word.save(str(path))
    document = one(path)
    assert document.text == "10^12 stones, s^\u22121, the 5th of 3"
    assert split(document)[0].place == ""


# Presentations


def test_slides_are_sections_with_their_notes(tmp_path: Path) -> None:
    path = tmp_path / "show.pptx"
    path.write_bytes(slides_bytes())
    document = one(path)
    assert document.title == "Bell Rock"
    assert parts(document) == [
        (1, ("Bell Rock",), "Bell Rock\n\nA lighthouse"),
        (
            2,
            ("Building",),
            "Building\n\nYear | Rows\n1808 | 26\n\nIn a group\n\nSay who built it.",
        ),
    ]
    assert split(document)[1].place == "p. 2"


def test_values_on_slides_stand_under_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "show.pptx"
    show = pptx.Presentation()
    shapes = show.slides.add_slide(show.slide_layouts[6]).shapes
    table = shapes.add_table(4, 4, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, texts in zip(table.rows, [TABLE[0], [""] * 4, *TABLE[1:]], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    show.save(str(path))
    assert one(path).text == LINES


def test_exponents_on_slides_are_told_from_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "show.pptx"
    show = pptx.Presentation()
    shapes = show.slides.add_slide(show.slide_layouts[6]).shapes
    table = shapes.add_table(1, 1, Inches(1), Inches(2), Inches(4), Inches(1)).table
    box = shapes.add_textbox(Inches(1), Inches(4), Inches(4), Inches(1))
    for frame in (table.cell(0, 0).text_frame, box.text_frame):
        for text in ("10", "^1", "^2", " stones,", "", "the 5", "^th", ", CO", "_2"):
            if not text:
                frame.paragraphs[0].add_line_break()
                continue
            run = frame.paragraphs[0].add_run()
            run.text = text.strip("^_")
            if text[0] in "^_":
                run.font._element.set("baseline", "30000" if text[0] == "^" else "-25000")
    show.save(str(path))
    assert one(path).text == "10^12 stones, the 5th, CO2\n\n10^12 stones,\nthe 5th, CO2"


# Workbooks


def test_rows_are_lines_in_the_section_of_their_sheet(tmp_path: Path) -> None:
    path = tmp_path / "lights.xlsx"
    path.write_bytes(sheets_bytes())
    document = one(path)
    assert document.title == "lights"
    assert parts(document) == [
        (
            None,
            ("Lights",),
            "Name: Bell Rock; Lit: 1811-02-01; Height: 36; Tall: true\n"
            "Name: Eddystone; Lit: 1882-05-18 20:30:00; Height: 49.5",
        ),
        (None, ("Numbers",), "1 | 2\n3 | four five"),
    ]


def test_values_in_sheets_stand_under_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "lights.xlsx"
    book = openpyxl.Workbook()
    for row in (["Heights"], *TABLE):
        book.active.append([text or None for text in row])
    book.save(path)
    assert one(path).text == f"Heights\n{LINES}"


def test_years_name_the_columns_of_sheets(tmp_path: Path) -> None:
    path = tmp_path / "lights.xlsx"
    book = openpyxl.Workbook()
    for row in (["Country", "Code", 1960, 1961.0], ["Aruba", "ABW", 54211, None]):
        book.active.append(row)
    for row in (["Bell Rock", 1810], ["Eddystone", 1882]):
        book.create_sheet("Lights").append(row)
    for row in (["Lit", True], ["Dark", False]):
        book.create_sheet("Signs").append(row)
    book.save(path)
    assert one(path).text.split("\n\n") == [
        "Country: Aruba; Code: ABW; 1960: 54211",
        *("Bell Rock | 1810", "Eddystone | 1882"),
        *("Lit | true", "Dark | false"),
    ]


def test_far_cells_and_wrong_dimensions_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "wide.xlsx"
    book = openpyxl.Workbook()
    book.active["A1"] = "near"
    book.active["XFD1048576"] = "far"
    book.save(path)
    assert one(path).text == "near"


# OpenDocument


def test_opendocument_has_headings_lists_and_tables(tmp_path: Path) -> None:
    path = tmp_path / "light.odt"
    path.write_bytes(open_bytes())
    document = one(path)
    assert document.title == "Bell Rock"
    assert parts(document) == [
        (None, (), "A\tlighthouse."),
        (None, ("Stones",), "granite\n\n1808 | 26"),
    ]


def test_opendocument_sheets_and_slides_are_sections(tmp_path: Path) -> None:
    path = tmp_path / "lights.ods"
    cell = "<table:table-cell><text:p>36</text:p></table:table-cell>"
    row = f"<table:table-row>{cell}</table:table-row>"
    path.write_bytes(
        open_bytes("spreadsheet", f"<table:table table:name='Heights'>{row}</table:table>")
    )
    assert parts(one(path)) == [(None, ("Heights",), "36")]
    path = tmp_path / "show.odp"
    box = "<draw:text-box><text:p>One</text:p></draw:text-box>"
    page = f"<draw:page><draw:frame>{box}</draw:frame></draw:page>"
    path.write_bytes(open_bytes("presentation", page * 2))
    assert parts(one(path)) == [(1, (), "One"), (2, (), "One")]


def cells(*texts: str) -> str:
    return "".join(
        f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts
    )


def test_values_in_opendocument_stand_under_their_columns(tmp_path: Path) -> None:
    rows = (
        f"<table:table-row>{cells('', '1990', '2000', '2010')}</table:table-row>"
        f"<table:table-row>{cells('North', '5')}<table:covered-table-cell/>{cells('7')}"
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        "<table:table-row><table:table-cell><text:p>South</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="2"><text:p>6</text:p></table:table-cell>'
        '</table:table-row><table:table-row table:number-rows-repeated="3">'
        f"{cells('Sum')}</table:table-row>"
        '<table:table-row table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    path = tmp_path / "lights.ods"
    path.write_bytes(open_bytes("spreadsheet", f"<table:table>{rows}</table:table>"))
    lines = LINES.replace("South | 6", "South | 6 | 6")
    assert one(path).text == lines + "\nSum" * 3


def test_what_is_repeated_without_end_is_not(tmp_path: Path) -> None:
    cell = '<table:table-cell table:number-columns-repeated="999999"><text:p>1</text:p>'
    row = f'<table:table-row table:number-rows-repeated="999999">{cell}</table:table-cell>'
    path = tmp_path / "lights.ods"
    table = f"<table:table>{row}</table:table-row></table:table>"
    path.write_bytes(open_bytes("spreadsheet", table))
    lines = one(path).text.split("\n")
    assert (len(lines), len(lines[0].split(" | "))) == (256, 256)


def test_a_long_text_is_repeated_less_often(tmp_path: Path) -> None:
    cell = f'<table:table-cell table:number-columns-repeated="256"><text:p>{"x" * 6_000}</text:p>'
    row = f'<table:table-row table:number-rows-repeated="256">{cell}</table:table-cell>'
    path = tmp_path / "lights.ods"
    table = f"<table:table>{row}</table:table-row></table:table>"
    path.write_bytes(open_bytes("spreadsheet", table))
    assert path.stat().st_size < 2_000
    assert len(one(path).text) < 2_000_000


def test_notes_in_opendocument_stand_at_the_end(tmp_path: Path) -> None:
    note = (
        '<text:note text:note-class="{}note"><text:note-citation>{}</text:note-citation>'
        "<text:note-body><text:p>{}</text:p></text:note-body></text:note>"
    )
    body = (
        f"<text:p>Built in 1892{note.format('foot', 3, 'By Archer.')} and"
        f"{note.format('end', 'i', 'See there.')} sold.</text:p>"
        f"<text:tracked-changes>{note.format('foot', 4, 'Gone.')}</text:tracked-changes>"
    )
    path = tmp_path / "fram.odt"
    path.write_bytes(open_bytes(body=body))
    document = one(path)
    assert parts(document) == [
        (None, (), "Built in 1892 and sold."),
        (None, ("Footnotes",), "By Archer."),
        (None, ("Endnotes",), "See there."),
    ]
    assert split(document)[0].place == ""


@pytest.mark.parametrize("position", ["super 58%", "33% 58%"])
def test_exponents_in_opendocument_are_told_from_their_numbers(
    tmp_path: Path, position: str
) -> None:
    style = (
        f'<text:x xmlns:style="s"><style:style style:name="T1"><style:text-properties '
        f'style:text-position="{position}"/></style:style></text:x>'
    )
    raised = "<text:span text:style-name='T1'>{}</text:span>"
    body = (
        f"<text:p>10{raised.format(1)}{raised.format(2)} stones, the 5{raised.format('th')},"
        f" <text:span>s</text:span>{raised.format('-1')}</text:p>"
    )
    path = tmp_path / "fram.odt"
    path.write_bytes(open_bytes(body=style + body))
    assert one(path).text == "10^12 stones, the 5th, s^-1"


def test_entities_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "light.odt"
    path.write_bytes(open_bytes(body="<text:p>A light&e; house</text:p>"))
    assert "eeee" not in one(path).text


# What cannot be read


def refused(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match=reason):
        list(read(path, path.name))


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    content = zipped({"word/document.xml": bytes(60 * 1024**2)})
    assert len(content) < 100_000
    refused(tmp_path / "bomb.docx", content, "zip bomb")


def test_a_part_that_says_it_is_huge_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"content.xml": "<a/>" * 1000}))
    at = content.index(b"PK\x01\x02") + 24  # its size, in the list of members
    content[at : at + 4] = (600 * 1024**2).to_bytes(4, "little")
    refused(tmp_path / "huge.odt", bytes(content), "zip bomb")


def test_archives_of_other_kinds_have_a_reason(tmp_path: Path) -> None:
    refused(tmp_path / "files.zip", zipped({"a.txt": "A"}), "is an archive; unpack it")
    refused(tmp_path / "a.xlsb", zipped({"xl/workbook.bin": "A"}), "binary workbook")
    refused(tmp_path / "cut.docx", word_bytes()[:5000], "is cut off or broken")


def test_what_is_protected_by_a_password_has_a_reason(tmp_path: Path) -> None:
    container = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    refused(tmp_path / "a.docx", container, "protected by a password")
    members: dict[str, str | bytes] = {
        "content.xml": b"\x93\x01",
        "META-INF/manifest.xml": "<manifest:encryption-data/>",
    }
    refused(tmp_path / "a.odt", zipped(members), "protected by a password")


def test_parts_that_are_no_office_files_have_a_reason(tmp_path: Path) -> None:
    for mark, what in (
        ("word/document.xml", "Word document"),
        ("ppt/presentation.xml", "presentation"),
        ("xl/workbook.xml", "workbook"),
        ("META-INF/container.xml", "EPUB"),
        ("content.xml", "OpenDocument"),
    ):
        refused(tmp_path / "a.bin", zipped({mark: "nothing"}), f"is not an? {what}")


@pytest.mark.parametrize("library", ["docx", "pptx", "openpyxl"])
def test_without_its_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    written = {"docx": word_bytes, "pptx": slides_bytes, "openpyxl": sheets_bytes}[library]()
    monkeypatch.setitem(sys.modules, library, None)
    refused(tmp_path / "a", written, r"needs the office extra: pip install 'miro-edge\[office\]'")


WHOLE = [word_bytes(), slides_bytes(), sheets_bytes(), open_bytes()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(whole=st.sampled_from(WHOLE), data=st.data())
def test_a_broken_file_is_read_or_refused(
    tmp_path: Path, whole: bytes, data: st.DataObject
) -> None:
    broken = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=20)):
        broken[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del broken[data.draw(st.integers(0, len(whole))) :]
    path = tmp_path / "broken"
    path.write_bytes(broken)
    with suppress(UnreadableDocument):
        assert list(read(path, "broken"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(whole=st.sampled_from(WHOLE), data=st.data())
def test_a_whole_archive_of_broken_parts_is_read_or_refused(
    tmp_path: Path, whole: bytes, data: st.DataObject
) -> None:
    with zipfile.ZipFile(BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = data.draw(st.sampled_from(sorted(members)))
    part = members[name]
    at = data.draw(st.integers(0, len(part)))
    filler = data.draw(st.sampled_from([b"", b"<", b">", b"</a>", b"\0", b"9" * 400, b"-1", b'"']))
    members[name] = part[:at] + filler + part[at + data.draw(st.integers(0, 30)) :]
    path = tmp_path / "broken"
    path.write_bytes(zipped(members))
    with suppress(UnreadableDocument):
        assert list(read(path, "broken"))
