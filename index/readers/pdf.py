"""PDF: the text of each page, with its number, under the headings that it seems to have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..documents import Document, Flaw
from ..errors import UnreadableDocument
from .failures import failing_as, ranges
from .sectioned import SectionedText

_TITLE_LENGTH = 100
_HEADING_LENGTH = 120
_LARGER = 1.15
"""How much larger than the body text a heading is set, at least."""
_MOST_HEADINGS = 0.25
"""Share of the text that may be headings; where it is more, size means something else."""
_LEVELS = 4
_SAME_HEADINGS = 3
"""Pages that may have the same heading; what stands on more is a running head."""
_JUNK_TITLE = re.compile(
    r"untitled|unknown|document\d*|microsoft (?:word|powerpoint|excel)\b.*|powerpoint presentation|"
    r"\S+\.(?:docx?|pptx?|xlsx?|pdf|tex|dvi|ps|indd|qxd|rtf|odt|txt|html?)|\W*",
    re.IGNORECASE,
)


class _Line(NamedTuple):
    """A line of text, and how large it is set; 0 where that is not known."""

    text: str
    size: float


class _Heading(NamedTuple):
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    lines: tuple[_Line, ...]
    is_scanned: bool


def read_pdf(path: Path, name: str) -> Iterator[Document | Flaw]:
    """Read a PDF as one document, with a section for each page's stretch under a heading.

    Headings are those of its table of contents, else lines that are set larger than the rest.
    Raises UnreadableDocument where it is broken, encrypted, or scanned and so without text.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableDocument("is protected by a password") from error
        raise UnreadableDocument(f"is not a PDF that can be read: {error}") from error
    broken: list[int] = []
    try:
        with failing_as("a PDF"):
            pages = list(_pages(pdf, broken))
            outline = _outline(pdf)
            named = _named_title(pdf)
    finally:
        pdf.close()
    scanned = [page.number for page in pages if page.is_scanned]
    if not any(page.lines for page in pages):
        if broken and not scanned:
            raise UnreadableDocument("is a PDF whose pages are broken")
        raise UnreadableDocument("has pages but no text: it was scanned, and is not recognised yet")
    yield _document(pages, outline, named, path, name)
    if scanned:
        yield Flaw(
            _told(scanned, ("has no text: it was scanned", "have no text: they were scanned"))
        )
    if broken:
        yield Flaw(_told(broken, ("is broken", "are broken")))


def _told(pages: list[int], faults: tuple[str, str]) -> str:
    if len(pages) == 1:
        return f"page {pages[0]} {faults[0]}"
    return f"pages {ranges(pages)} {faults[1]}"


def _document(
    pages: list[_Page],
    outline: dict[int, list[_Heading]],
    named: str,
    path: Path,
    name: str,
) -> Document:
    body = _body_size(pages)
    title = named or _set_title(pages[0], body) or _first_line(pages)
    text = SectionedText(title)
    levels = {} if outline else _heading_sizes(pages, body)
    running = {} if outline else _running_heads(pages, levels)
    for page in pages:
        text.turn_to(page.number)
        if outline:
            _add_outlined(text, page, outline.get(page.number, []))
        else:
            _add_sized(text, page, levels, running)
    whole, sections = text.finished()
    return Document(name, title, str(path), whole, sections, is_extracted=True)


# What PDFium says


def _pages(pdf: Any, broken: list[int]) -> Iterator[_Page]:
    """Yield the pages; each is given back before the next is opened."""
    import pypdfium2

    for index in range(len(pdf)):
        try:
            page = pdf[index]
        except pypdfium2.PdfiumError:
            broken.append(index + 1)
            continue
        try:
            lines = tuple(_lines(page))
            yield _Page(index + 1, lines, not lines and _has_image(page))
        except pypdfium2.PdfiumError:
            broken.append(index + 1)
        finally:
            page.close()


def _lines(page: Any) -> Iterator[_Line]:
    """Yield the lines of a page; words that were hyphenated at a line's end are joined again."""
    textpage = page.get_textpage()
    try:
        text = textpage.get_text_bounded()
        # Sizes are asked for by the position in the text of the whole page, which may be more.
        whole = textpage.get_text_range().replace("\ufffe", "\x02")
        is_whole = whole == text.replace("\ufffe", "\x02")
        start = 0
        for line in text.split("\r\n"):
            joined = line.replace("\ufffe", "").replace("\x02", "")
            if joined.strip():
                yield _Line(joined.strip(), _size(textpage, line, start) if is_whole else 0.0)
            start += len(line) + 2
    finally:
        textpage.close()


def _size(textpage: Any, line: str, start: int) -> float:
    """Return how large a line is set, as its first and middle letters are; 0 if it is turned."""
    import pypdfium2.raw as pdfium

    letters = [number for number, character in enumerate(line) if character.isalnum()]
    if not letters:
        return 0.0
    sizes: list[float] = []
    # Two letters: the first one alone may be an initial that is larger than its line.
    for number in (letters[0], letters[len(letters) // 2]):
        index = pdfium.FPDFText_GetCharIndexFromTextIndex(textpage, start + number)
        matrix = pdfium.FS_MATRIX()
        if index < 0 or not pdfium.FPDFText_GetMatrix(textpage, index, matrix):
            return 0.0
        if abs(matrix.b) > 0.1 * abs(matrix.a):
            return 0.0
        # Some programs set all text in size 1, and enlarge it.
        scale = (matrix.c**2 + matrix.d**2) ** 0.5
        sizes.append(pdfium.FPDFText_GetFontSize(textpage, index) * scale)
    return round(2 * min(sizes)) / 2


def _has_image(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    images = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    return next(iter(images), None) is not None


def _outline(pdf: Any) -> dict[int, list[_Heading]]:
    """Return the bookmarks of each page; none where there is no table of contents."""
    import pypdfium2

    found: dict[int, list[_Heading]] = {}
    try:
        for bookmark in pdf.get_toc():
            target = bookmark.get_dest()
            index = target.get_index() if target is not None else None
            title = " ".join(bookmark.get_title().split())
            if index is not None and title:
                found.setdefault(index + 1, []).append(_Heading(bookmark.level + 1, title))
    except pypdfium2.PdfiumError:
        return {}
    return found if sum(map(len, found.values())) > 1 else {}


def _named_title(pdf: Any) -> str:
    """Return the title in the file's metadata, unless a program put it there."""
    title = " ".join(pdf.get_metadata_value("Title").split())
    return "" if _JUNK_TITLE.fullmatch(title) else title


# Headings


def _add_outlined(text: SectionedText, page: _Page, headings: list[_Heading]) -> None:
    """Add a page, its headings where its bookmarks are found in it, else at its beginning."""
    lines = [line.text for line in page.lines]
    at = 0
    for heading in headings:
        start, end = _found(lines, at, heading.text)
        text.add("\n".join(lines[at:start]))
        if start < end:
            text.heading(heading.text, heading.level)
        else:
            text.enter(heading.text, heading.level)
        at = end
    text.add("\n".join(lines[at:]))


def _found(lines: list[str], at: int, heading: str) -> tuple[int, int]:
    """Return the [start, end) of the lines that are a heading; nothing, at `at`, if none are."""
    wanted = _letters(heading)
    if wanted:
        for start in range(at, len(lines)):
            for end in (start + 1, start + 2):
                joined = _letters("".join(lines[start:end]))
                # In the page, a number may stand before it.
                if joined.endswith(wanted) and len(joined) <= len(wanted) + 6:
                    return start, end
    return at, at


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _add_sized(
    text: SectionedText, page: _Page, levels: dict[float, int], running: dict[str, int]
) -> None:
    """Add a page, its headings where its lines are large; lines of one size are one heading."""
    plain: list[str] = []
    heading: list[str] = []
    size = 0.0

    def flush() -> None:
        if heading:
            text.heading(" ".join(heading), levels[size])
        text.add("\n".join(plain))
        heading.clear()
        plain.clear()

    for line in page.lines:
        is_heading = _is_heading(line, levels) and running.get(line.text, 0) <= _SAME_HEADINGS
        if not is_heading:
            plain.append(line.text)
            continue
        if plain or line.size != size:
            flush()
        heading.append(line.text)
        size = line.size
    flush()


def _is_heading(line: _Line, levels: dict[float, int]) -> bool:
    is_short = len(line.text) <= _HEADING_LENGTH
    return line.size in levels and is_short and sum(map(str.isalpha, line.text)) >= 3


def _running_heads(pages: list[_Page], levels: dict[float, int]) -> dict[str, int]:
    return Counter(line.text for page in pages for line in page.lines if line.size in levels)


def _body_size(pages: list[_Page]) -> float:
    """Return the size of most of the text."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            if line.size:
                sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _heading_sizes(pages: list[_Page], body: float) -> dict[float, int]:
    """Return the sizes that headings are set in, each with its level, the largest first."""
    lines = [line for page in pages for line in page.lines]
    large = [line for line in lines if body and line.size >= _LARGER * body]
    if _characters(large) > _MOST_HEADINGS * _characters(lines):
        return {}
    ranked = sorted({line.size for line in large}, reverse=True)
    return {size: min(rank, _LEVELS) for rank, size in enumerate(ranked, start=1)}


def _characters(lines: list[_Line]) -> int:
    return sum(len(line.text) for line in lines)


def _set_title(page: _Page, body: float) -> str:
    """Return the largest lines of the first page, if they are larger than the text."""
    largest = max((line.size for line in page.lines), default=0.0)
    if page.number != 1 or not body or largest < _LARGER * body:
        return ""
    at = next(number for number, line in enumerate(page.lines) if line.size == largest)
    lines = []
    for line in page.lines[at:]:
        if line.size != largest:
            break
        lines.append(line.text)
    title = " ".join(lines)
    return title if 3 <= len(title) <= 2 * _TITLE_LENGTH else ""


def _first_line(pages: list[_Page]) -> str:
    return next(line.text for page in pages for line in page.lines)[:_TITLE_LENGTH]
