"""Readers: real files in, documents with titles and places out; a bad file ends nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import found, parts, read

from edge_agent.index import Document, UnreadableDocument, split
from edge_agent.index.documents import Flaw
from edge_agent.index.readers.guessing import guessed
from edge_agent.index.worker import FileRead, ReaderPool, ReadingTask

PAGE = """<!DOCTYPE html><html><head><title>Site – Dundee</title></head><body>
<nav><a href="/">Home</a><a href="/x">Imprint</a></nav>
<main><h1>Dundee</h1><p>Dundee is a city on the Tay. It built the ship Discovery, and it was known
for jute, jam and journalism for more than a hundred years.</p>
<h2>Docks</h2><p>The docks were opened in the time of the whaling fleet, which sailed north.</p>
</main><footer>Cookie settings</footer></body></html>"""


def one(path: Path, content: str | bytes) -> Document:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (document,) = read(path, path.name)
    assert isinstance(document, Document)
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


def test_html_in_which_there_is_no_main_text_is_read_whole(tmp_path: Path) -> None:
    document = one(tmp_path / "a.html", "<html><body><h1>Tay</h1><table><td>Long</td></table>")
    assert document.title == "Tay"
    assert "Long" in document.text


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("It has `2**10` entries, so `a[i](x)`.", "It has 2**10 entries, so a[i](x)."),
        ("```\nx = 2**32 - 1  # __init__\n```", "```\nx = 2**32 - 1  # __init__\n```"),
        ("my__module takes *args, **kwargs and 2 ** 10", None),
        ("``a ` b`` and `c`", "a ` b and c"),
        ("A **strong** and __firm__ *light* of _iron_.", "A strong and firm light of iron."),
        ("***Both*** and **over\ntwo lines**.", "Both and over\ntwo lines."),
        ("[The **light**](a.md), ![seen](b.png)", "The light, seen"),
        ("* one\n* two * three", None),
        (
            "Use [`open()`](a.md#open) and **`--flag`** and *see `x`*.",
            "Use open() and --flag and see x.",
        ),
        ("这是**重点**内容, **un**believable **x** y", "这是重点内容, unbelievable x y"),
        ("**Term:**definition. **Last** one", "Term:definition. Last one"),
        ("[a](`b`) `c` [d](e) `f`", "[a](b) c d f"),
        ("[![seen](b.png)](a.md) and \ue000 and `b`", "seen and \ue000 and b"),
        ("*args\n\nof* it, snake_case_name, _a_b_", "*args\n\nof* it, snake_case_name, a_b"),
    ],
)
def test_marks_are_taken_out_of_markdown_and_code_is_left(
    tmp_path: Path, written: str, read_as: str | None
) -> None:
    assert one(tmp_path / "a.md", written).text == (read_as or written)


@pytest.mark.parametrize(
    "piece", ["[", "![a](", "*a ", "**a ", "`a``b```", "# a" + " " * 50 + "x\n", "~~~\n# a\n~~~\n"]
)
def test_a_large_file_of_marks_is_read(tmp_path: Path, piece: str) -> None:
    assert one(tmp_path / "a.md", piece * (200_000 // len(piece))).text


def test_a_heading_with_nothing_below_it_is_read(tmp_path: Path) -> None:
    text = "# Diary\n\n## Bought the blue boat\n\n## Sold it again\n\n### In May\n\nFor little.\n"
    assert parts(one(tmp_path / "a.md", text)) == [
        ((), "Bought the blue boat"),
        (("Sold it again", "In May"), "\n\nFor little.\n"),
    ]
    assert [text for _, text in parts(one(tmp_path / "a.md", "# Monday\n\n# Tuesday\n"))] == [
        "Monday",
        "Tuesday",
    ]


def test_a_rule_at_the_beginning_is_no_front_matter(tmp_path: Path) -> None:
    document = one(tmp_path / "a.md", "---\n\n# Monday\n\nMet Anna.\n\n---\n\n# Tuesday\n\nRain.")
    assert document.title == "Monday"
    assert "Met Anna." in document.text
    assert one(tmp_path / "a.md", "---\ntitle: x\n---\n# Monday\n\nRain.").text.strip() == (
        "# Monday\n\nRain."
    )


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("<h1>RMS <i>Titanic</i></h1>", "RMS Titanic"),
        ('<h1>\n <a href="/">Boats</a>\n</h1>', "Boats"),
        ("<h1> </h1>", "How to moor"),
    ],
)
def test_the_title_of_a_page_is_all_of_its_heading(
    tmp_path: Path, heading: str, title: str
) -> None:
    page = f"""<html><head><title>How to moor</title></head><body>{heading}<article>
    <h2>Preparation of the ropes</h2><p>{"Ropes are laid out in the sun to dry. " * 9}</p>
    <h2>At the quay</h2><p>{"The boat is made fast at both of its ends. " * 9}</p></article>"""
    document = one(tmp_path / "a.html", page)
    assert document.title == title
    headings = [section.headings for section in document.sections]
    assert ("Preparation of the ropes",) in headings


def test_xhtml_is_known_by_its_content(tmp_path: Path) -> None:
    page = PAGE.replace("<!DOCTYPE html>", '<?xml version="1.0"?>\n<!DOCTYPE html>')
    assert one(tmp_path / "page", page).title == "Dundee"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *(
            ("Mühlhausen\r\n\r\nA town.", encoding)
            for encoding in "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 cp1252".split()
        ),
        ("El señor Núñez construyó el puente en España.", "latin-1"),
        ("L’été dernier, le phare a été rénové à grands frais. Où est-il?", "cp1252"),
        ("Köprü İstanbul'da inşa edildi, çok güzeldir.", "cp1254"),
        ("Zażółć gęślą jaźń. Most został zbudowany w Łodzi.", "cp1250"),
        ("これは日本語の文章です。灯台は海岸にあります。", "shift_jis"),
        *(
            ("これは日本語の文章です。灯台は海岸にあります。", encoding)
            for encoding in ("iso2022_jp", "utf-16-le", "utf-16-be")
        ),
        ("Бронте родилась в Торнтоне. Она написала роман.", "koi8-r"),
        ("Бронте родилась в Торнтоне. Она написала роман.", "cp1251"),
        ("등대는 해안에 있습니다.", "euc_kr"),
        ("Город;Население;Год\nМосква;12 655 050;2021\n", "cp1251"),
        ("НАИМЕНОВАНИЕ;ЦЕНА\nХлеб;12\n", "cp1251"),
        ("Список дел: купить хлеб.", "koi8-r"),
        ("“naïve” café", "cp1252"),
        ("déjà vu à l’hôtel", "cp1252"),
        ("Reykjavík er höfuðborg Íslands. Þar býr meira en þriðjungur.", "cp1252"),
        ("Iğdır şehri güzel", "cp1254"),
        ("名称,数量\n苹果,5\n香蕉,6\n", "gb18030"),
        ("會議記錄", "big5"),
        ("明日の会議は十時から始まります。", "euc_jp"),
        ("Η Αθήνα είναι η πρωτεύουσα της Ελλάδας.", "cp1253"),
        ("ירושלים היא בירת ישראל.", "cp1255"),
        ("القاهرة هي عاصمة مصر.", "cp1256"),
        ("เชียงใหม่เป็นเมืองใหญ่", "cp874"),
    ],
)
def test_text_in_the_encodings_that_occur(tmp_path: Path, text: str, encoding: str) -> None:
    documents, _ = found(tmp_path / "a.txt", text.encode(encoding))
    assert [document.text for document in documents] == [text.replace("\r\n", "\n")]
    assert documents[0].title == documents[0].text.partition("\n")[0]


RUSSIAN = """Бронте родилась в Торнтоне и написала роман о жизни.
Город был основан в двенадцатом веке князем.
Он построил корабль, который дошёл до полюса."""
UKRAINIAN = """Київ є столицею України та найбільшим містом країни.
Маяк стоїть на скелі біля моря.
Щоранку рибалки виходять у море."""
GREEK = """Η Αθήνα είναι η πρωτεύουσα της Ελλάδας.
Ο φάρος βρίσκεται πάνω σε βράχο δίπλα στη θάλασσα."""
ARABIC = "القاهرة هي عاصمة مصر وأكبر مدنها.\nتقع المنارة على صخرة بجانب البحر."
KOREAN = "등대는 해안에 있습니다.\n이 도시는 십이 세기에 세워졌다."
POLISH = """Zażółć gęślą jaźń. Most został zbudowany w Łodzi.
Książę założył miasto w dwunastym wieku."""
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy.\nKníže založil město a postavil tam most."
HEBREW = "ירושלים היא בירת ישראל.\nהספר תורגם לשפות רבות."
TURKISH = "Köprü İstanbul'da inşa edildi.\nŞehir on ikinci yüzyılda kuruldu."
CHINESE = "北京是中华人民共和国的首都。\n灯塔建在海边的岩石上。"
TRADITIONAL = "台北是中華民國的首都，也是政治中心。\n燈塔建在海邊的岩石上。"
JAPANESE = "灯台は海岸にあります。\n漁師は毎朝海に出ます。"
THAI = "เชียงใหม่เป็นเมืองใหญ่ทางภาคเหนือ\nประภาคารตั้งอยู่บนโขดหินริมทะเล"
FRENCH = "L’été dernier, le phare a été rénové.\nOù est-il né? À Orléans."
GERMAN = "Die Größe der Brücke überraschte alle.\nÖsterreich liegt südlich davon."
ENGLISH = "It cost £40 – or more.\nHe met Chloé at a café, 3 m³ large."


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (RUSSIAN, "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic"),
        (UKRAINIAN, "cp1251 koi8_u cp1125 iso8859_5 mac_cyrillic"),
        (GREEK, "cp1253 iso8859_7 cp737 cp869"),
        (ARABIC, "cp1256 iso8859_6 cp720"),
        (HEBREW, "cp1255"),
        (POLISH, "cp1250 iso8859_2"),
        (CZECH, "cp1250 iso8859_2"),
        (TURKISH, "cp1254 iso8859_9"),
        (KOREAN, "euc_kr johab"),
        (CHINESE, "gb18030 utf-16-le utf-16-be"),
        (TRADITIONAL, "big5 utf-16-le utf-16-be"),
        (JAPANESE, "shift_jis euc_jp iso2022_jp utf-16-le utf-16-be"),
        (THAI, "cp874"),
        *((text, "cp1252") for text in (FRENCH, GERMAN, ENGLISH)),
    ],
)
def test_the_encodings_of_a_language_are_told_apart(
    tmp_path: Path, text: str, encodings: str
) -> None:
    for written in (*text.split("\n"), f"{text}\n" * 6):
        for encoding in encodings.split():
            documents, _ = found(tmp_path / "a.txt", written.encode(encoding))
            assert [document.text for document in documents] == [written], encoding


def test_an_encoding_that_is_guessed_from_little_is_told(tmp_path: Path) -> None:
    text = "Größe und Übung. "
    for times, flaws in (1, ["its encoding was guessed: cp1252"]), (20, []):
        assert found(tmp_path / "a.txt", (text * times).encode("cp1252"))[1] == flaws
    assert found(tmp_path / "a.txt", text.encode())[1] == []


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_guessed_to_be_something(content: bytes) -> None:
    assert content.decode(guessed(content), errors="replace") or not content


def test_a_damaged_line_does_not_change_the_encoding_of_the_others(tmp_path: Path) -> None:
    lines = ["Größe", "Öland", "Åland"]
    content = "\n".join(lines).encode() + b"\nbroken \xff\n"
    assert one(tmp_path / "a.txt", content).text == "Größe\nÖland\nÅland\nbroken \ufffd\n"


def test_old_line_ends_are_line_ends(tmp_path: Path) -> None:
    assert one(tmp_path / "a.txt", b"One.\r\rTwo.\r\nThree.").text == "One.\n\nTwo.\nThree."


def test_other_markup_is_text(tmp_path: Path) -> None:
    for name in ("a.rst", "a.adoc", "a.org"):
        assert one(tmp_path / name, "Bell Rock\n=========\n\nA light.").title == "Bell Rock"


def test_what_cannot_be_stored_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "\\ud800", "text": "a\\u0000b \\udfff"}')
    (document,) = read(path, "a")
    assert isinstance(document, Document)
    assert (document.title, document.text) == ("?", "a b ?")


def test_reading_begins_without_the_libraries_of_formats() -> None:
    code = (
        "import sys, edge_agent.index.readers; "
        "heavy = 'lxml trafilatura pypdfium2 docx pptx openpyxl charset_normalizer'.split(); "
        "sys.exit(', '.join(name for name in heavy if name in sys.modules) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "no text"),
        ("blank.md", b" \n\n", "no text"),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0", "not text"),
        ("broken.pdf", b"%PDF-1.7\ngarbage", "not a PDF"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Microsoft Office file"),
        ("old.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as .eml"),
        ("note.rtf", b"{\\rtf1 Note}", "rich text"),
        ("empty.html", b"<html></html>", "no text"),
    ],
)
def test_a_bad_file_has_a_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match=reason):
        list(read(path, name))


def test_a_file_that_is_gone_has_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="cannot be opened: No such file"):
        list(read(tmp_path / "gone.txt", "gone.txt"))


SUFFIXES = (
    ".md .html .txt .jsonl .json .csv .tsv .pdf .eml .mht .mbox .tex .py .c .toml .sql .docx .epub "
).split()
HEADS = [
    b"",
    b"%PDF-1.4\n",
    b"<html>",
    b'<?xml version="1.0"?><html>',
    b"---\n",
    b"\xff\xfe",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"From a@b Sat Jan  3 01:05:34 1996\n",
    b"Subject: =?utf-8?q?",
    b'{"a": [',
    b'a,b\n"',
    b"\\section{",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    suffix=st.sampled_from([*SUFFIXES, ""]),
    head=st.sampled_from(HEADS),
)
def test_any_bytes_are_read_or_refused(
    tmp_path: Path, content: bytes, suffix: str, head: bytes
) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(head + content)
    try:
        found = list(read(path, "any"))
    except UnreadableDocument:
        return
    for document in found:
        if isinstance(document, Flaw):
            continue
        assert split(document) is not None
        assert all(0 <= s.start <= s.end <= len(document.text) for s in document.sections)


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on memory")
def test_the_reader_outlives_files_that_are_too_large(tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.write(b"text " * 100_000)
        file.truncate(4 * 1024**3)  # sparse: it takes no room on the disk
    good = tmp_path / "good.txt"
    good.write_text("Good.")
    tasks = [ReadingTask(large, "large"), ReadingTask(good, "good")]
    with ReaderPool(1) as pool:
        ends = [each.problem for each in pool.read(tasks) if isinstance(each, FileRead)]
    assert "more memory" in (ends[0] or "")
    assert ends[1] is None


@pytest.mark.parametrize(
    ("text", "title", "searched"),
    [
        (
            "Marc Brunel\n\nHe was born in Hacqueville.",
            "Marc Brunel",
            "He was born in Hacqueville.",
        ),
        ("He was born.\n\nHe died.", "He was born.", "He was born.\n\nHe died."),
        ("Milk\nEggs\n", "Milk", "Milk\nEggs\n"),
        ("Only a line", "Only a line", "Only a line"),
        ("\n\nNotes  \n\n\n", "Notes", "\n\nNotes  \n\n\n"),
    ],
)
def test_a_first_line_like_a_heading_is_the_title_and_not_the_text(
    tmp_path: Path, text: str, title: str, searched: str
) -> None:
    document = one(tmp_path / "a.txt", text)
    (section,) = document.sections
    assert document.title == title
    assert document.text[section.start : section.end] == searched
