"""HTML and XHTML as text: whole, for what is no web page with navigation around its text."""

from __future__ import annotations

import html
import re
from itertools import chain
from typing import Any

from ..documents import Section
from .raised import mark_between
from .rows import row_line
from .sectioned import SectionedText
from .text import decoded_bytes, is_binary

_LEVELS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_PARAGRAPHS = frozenset(
    "address article aside blockquote body details dl fieldset figcaption figure footer form "
    "header hr main ol p pre section table ul".split()
)
_LINES = frozenset("br caption center dd div dt legend li option summary tr".split())
_CELLS = frozenset(("td", "th"))
_NO_CELLS = frozenset({"blockquote", "dl", "ol", "pre", "table", "ul", *_LEVELS})
"""What stands in the cells of tables that only lay out a page, as those of letters do."""
_LONGEST_ROW = 600
"""Characters of a row of values; what is longer is text that a table lays out."""
_SKIPPED = frozenset(
    "annotation annotation-xml audio button canvas head iframe nav noscript object "
    "script select style svg template textarea video".split()
)
_MARKS = frozenset(("mw-editsection", "reference"))
"""Classes of what Wikipedia's pages have between the words of a sentence: [1], [edit]."""
_ENCODING = re.compile(rb"charset\s*=\s*[\"']?(?!utf-?8)\w", re.IGNORECASE)
"""How a page that is not UTF-8 says what it is; many say that they are, and are not."""
_SNIFFED = 2048
_KINDS = ("{http://www.idpf.org/2007/ops}type", "epub:type", "role")
"""Attributes that tell what a link of a book is for: `noteref`, `doc-noteref`."""


def parsed(data: bytes) -> Any | None:
    """Return the lxml tree of a page, mended where it is broken; None where there is none."""
    from lxml import etree

    start = data[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<?xml"):
        # Entities are not followed, so a file names no other file and does not explode.
        strict = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        try:
            return etree.fromstring(data, strict)
        except (etree.LxmlError, ValueError):
            pass  # not well-formed, as many are: like HTML, then
    # What says nothing of its encoding is UTF-8 nowadays, and not what HTML 2.0 took it to be.
    encoding = "utf-8" if _is_utf8(data) else None
    if encoding is None and not _ENCODING.search(data[:_SNIFFED]) and not is_binary(data):
        data, encoding = decoded_bytes(data).encode(), "utf-8"
    lenient = etree.HTMLParser(encoding=encoding, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(data, lenient)
    except (etree.LxmlError, ValueError):
        return None


def sectioned_text(tree: Any, title: str = "") -> tuple[str, tuple[Section, ...]]:
    """Return the text of an lxml tree of HTML, and the sections that its headings h1 to h6 make.

    Nothing is left out but what is not for reading: scripts, styles, navigation. Headings are in
    the text, but in no section. A first heading that is `title` is in no section's path. What is
    raised is written in the line, in the tree too (see `flatten_raised`).
    """
    flatten_raised(tree)
    text = SectionedText(title)
    writer = _Writer(text)
    writer.begin(_name(tree), tree.text)
    # No recursion: pages are nested as deep as their authors like.
    pending = [(tree, iter(tree))]
    while pending:
        element, children = pending[-1]
        child = next(children, None)
        if child is None:
            pending.pop()
            writer.end(_name(element))
            if pending:
                writer.write(element.tail)
        elif not isinstance(child.tag, str):  # a comment, an instruction or an entity
            writer.write(_entity(child))
            writer.write(child.tail)
        elif _is_skipped(child):
            writer.write(child.tail)
        else:
            writer.begin(_name(child), child.text, is_row=_is_row(child))
            pending.append((child, iter(child)))
    writer.end("body")
    return text.finished()


def flatten_raised(tree: Any) -> None:
    """Write into the lines of a tree what is raised above them or set below.

    The marks of notes are taken out, and `10<sup>6</sup>` becomes `10^6`.
    """
    from lxml import etree

    for mark in [each for each in tree.iter("{*}a", "{*}sup") if _is_note_mark(each)]:
        mark.clear(keep_tail=True)
        mark.tag = "sup"  # to be stripped: an empty link would remain
    for raised in tree.iter("{*}sup"):
        raised.text = mark_between(_before(raised), _inner(raised)) + (raised.text or "")
    etree.strip_tags(tree, "{*}sup", "{*}sub")


def _is_note_mark(element: Any) -> bool:
    """Return whether an element says which note belongs to a word, and is no part of the text."""
    if _name(element) == "a":
        return _is_noteref(element) or (_is_to_a_place(element) and _is_all_raised(element))
    if not _MARKS.isdisjoint(element.get("class", "").split()):
        return True
    return any(_is_noteref(link) or _is_to_a_place(link) for link in element.iter("{*}a"))


def _is_all_raised(link: Any) -> bool:
    if len(link) != 1 or _name(link[0]) != "sup":
        return False
    return not f"{link.text or ''}{link[0].tail or ''}".strip()


def _is_to_a_place(link: Any) -> bool:
    return "#" in link.get("href", "")


def _is_noteref(link: Any) -> bool:
    return any("noteref" in link.get(name, "") for name in _KINDS)


def _before(element: Any) -> str:
    """Return the text right before an element in the one around it."""
    before = element.getprevious()
    if before is None:
        above = element.getparent()
        return "" if above is None else above.text or ""
    return before.tail or _inner(before)


def _inner(element: Any) -> str:
    return "".join(element.itertext(with_tail=False)).strip()


def _is_row(element: Any) -> bool:
    """Return whether an element is a row of values, whose cells stand in one line."""
    if _name(element) != "tr" or any(_name(each) in _NO_CELLS for each in element.iter("{*}*")):
        return False
    return sum(map(len, element.itertext())) <= _LONGEST_ROW


class _Writer:
    """Makes blocks of the text between tags."""

    def __init__(self, text: SectionedText) -> None:
        self._text = text
        self._cells: list[list[str]] = [[]]
        """The text since the last block, by cells where it is that of a row."""
        self._heading: str | None = None
        self._is_verbatim = False
        self._is_row = False

    def begin(self, tag: str, content: str | None, *, is_row: bool = False) -> None:
        """Begin an element; a row is one whose cells stand in one line, whatever is in them."""
        if tag in _LEVELS and self._heading is None:
            self._flush("\n\n")
            self._heading = tag
        elif tag in _CELLS:
            self._cells.append([])
        else:
            self._border(tag)
        if tag == "pre" and self._heading is None:
            self._is_verbatim = True
        if tag == "tr":
            self._is_row = is_row
        self.write(content)

    def end(self, tag: str) -> None:
        if tag == self._heading:
            self._text.heading(self._inline(), _LEVELS[tag])
            self._cells = [[]]
            self._heading = None
            return
        if tag == "tr":
            self._is_row = False
        self._border(tag)
        if tag == "pre":
            self._is_verbatim = False

    def write(self, content: str | None) -> None:
        if content:
            self._cells[-1].append(content)

    def _border(self, tag: str) -> None:
        """End a block, where a tag ends one."""
        gap = "\n\n" if tag in _PARAGRAPHS else "\n" if tag in _LINES else ""
        if not gap:
            return
        if self._heading is not None or self._is_row:
            self.write(" ")
        elif self._is_verbatim and tag == "br":
            self.write("\n")
        else:
            self._flush(gap)

    def _flush(self, gap: str) -> None:
        if self._is_verbatim:
            self._text.add(self._inline().replace("\r\n", "\n").strip("\n"), gap)
        else:
            self._text.add(self._line(), "")
            self._text.separate(gap)
        self._cells = [[]]

    def _line(self) -> str:
        before, *cells = (" ".join("".join(cell).split()) for cell in self._cells)
        # One among empty ones was put in its place by them; what is before a row is in no cell.
        row = row_line(cells) if sum(map(bool, cells)) > 1 else "".join(cells)
        return " ".join(filter(None, (before, row)))

    def _inline(self) -> str:
        return "".join(chain.from_iterable(self._cells))


def _name(element: Any) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2].lower()


def _is_skipped(element: Any) -> bool:
    return _name(element) in _SKIPPED or not _MARKS.isdisjoint(element.get("class", "").split())


def _entity(node: Any) -> str:
    """Return what a named character stands for; nothing for comments and instructions."""
    from lxml import etree

    return html.unescape(node.text) if node.tag is etree.Entity else ""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
