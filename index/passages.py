"""Passages: what is searched, shown and cited, about 120 words each, cut at sentence borders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import normalize

from .documents import Document, Section
from .scripts import UNSPACED
from .sentences import sentence_spans

_FULL = 120
"""Words after which a passage ends at the next border."""
_SENTENCE_LIMIT = 240
"""Words after which even a sentence is cut: text without punctuation has no other borders."""
_LONG_WORD = 10
"""Characters that count as a word where there are fewer spaces: in tables of codes."""
_SHORT_WORD = 2
"""Letters that count as a word in scripts without spaces: a model reads about as much in them."""
_LONGEST = 4_000
"""Characters after which a passage ends all the same: between two sentences a thousand lines may be
empty.
"""
_TITLE_CHARACTERS = 200
"""Of a title or a heading: it stands in every passage that is below it."""
_LABEL_HEADINGS = 2
_LABEL_CHARACTERS = 60
"""Of a heading: a model should not have to read a paragraph again before each of its sentences."""
_COPY_NUMBER = re.compile(r" ?\(\d{1,2}\)(?= › |$)")
"""What a file is named by that was downloaded again."""
_UNSPACED = re.compile(rf"[{UNSPACED}]+")
_RUN = re.compile(
    rf"[{UNSPACED}]{{1,{_SENTENCE_LIMIT * _SHORT_WORD}}}[^\w\s]{{0,{_LONG_WORD}}}"
    rf"|[^\s{UNSPACED}]{{1,{_SENTENCE_LIMIT * _LONG_WORD}}}"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch [start, end) of a document's text, in characters, and where a person finds it."""

    id: str
    document: str
    title: str
    source: str
    headings: tuple[str, ...]
    page: int | None
    line: int
    """Of the file, counted from 1; 0 where its lines are not those of the text."""
    start: int
    end: int
    text: str

    @property
    def place(self) -> str:
        """Where in the document it stands: its page, else its heading, else its line.

        Nothing where it has none of them: a line that is not the file's would lead astray.
        """
        if self.page is not None:
            return f"p. {self.page}"
        if self.headings:
            return f"§ {' › '.join(self.headings)}"
        return f"line {self.line}" if self.line else ""

    @property
    def label(self) -> str:
        """What it is about, in one line: its title, and the last headings that say more than that.

        One model of a machine is told from another by nothing else in a manual.
        """
        title = self.title.casefold()
        flat = (" ".join(heading.split()) for heading in self.headings[-_LABEL_HEADINGS:])
        more = [heading for heading in flat if heading and heading.casefold() not in title]
        return " › ".join([self.title, *(_shortened(each, _LABEL_CHARACTERS) for each in more)])

    @property
    def content(self) -> tuple[str, str]:
        """What it has in common with copies of it, in other files or libraries."""
        return _COPY_NUMBER.sub("", self.label).casefold(), " ".join(self.text.split())


def short_title(title: str) -> str:
    """Return a title as passages have it: in one line, below which no other seems to begin; cut, if
    it is so long that a window would have no room for what it is the title of; and its accents
    joined to their letters, which in the name of a file that was made on a Mac they are not.
    """
    return _shortened(" ".join(normalize("NFC", title).split()), _TITLE_CHARACTERS)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def split(document: Document) -> tuple[Passage, ...]:
    """Return the passages of a document, in order; none crosses a section."""
    stretches = (
        (section, start, end)
        for section in document.sections
        for start, end in _stretches(document.text, section)
    )
    title = short_title(document.title)
    passages = []
    has_lines = document.line is None and not document.is_extracted
    line, seen = 1 if has_lines else document.line or 0, 0
    for number, (section, start, end) in enumerate(stretches, start=1):
        if has_lines:
            line += document.text.count("\n", seen, start)
        seen = start
        passages.append(
            Passage(
                id=f"{document.id}#{number}",
                document=document.id,
                title=title,
                source=document.source,
                headings=tuple(_shortened(each, _TITLE_CHARACTERS) for each in section.headings),
                page=section.page,
                line=line,
                start=start,
                end=end,
                text=document.text[start:end],
            )
        )
    return tuple(passages)


def _stretches(text: str, section: Section) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a section that become passages."""
    begin = stop = -1
    words = 0
    for start, end in _units(text, section):
        length = _words(text[start:end])
        if begin >= 0 and (words + length > _FULL + _FULL // 4 or end - begin > _LONGEST):
            yield begin, stop
            begin, words = -1, 0
        if begin < 0:
            begin = start
        stop = end
        words += length
        if words >= _FULL:
            yield begin, stop
            begin, words = -1, 0
    if begin >= 0:
        yield begin, stop


def _units(text: str, section: Section) -> Iterator[tuple[int, int]]:
    """Yield the sentences of a section; one that is far too long in pieces at word borders."""
    for start, end in sentence_spans(text[section.start : section.end]):
        yield from _pieces(text, section.start + start, section.start + end)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a sentence, or the pieces of one that is far too long, cut between words."""
    if _words(text[start:end]) <= _SENTENCE_LIMIT:
        yield start, end
        return
    begin = stop = start
    for run in _RUN.finditer(text, start, end):
        if stop > begin and _words(text[begin : run.end()]) > _SENTENCE_LIMIT:
            yield begin, stop
            begin = run.start()
        stop = run.end()
    yield begin, stop


def _words(text: str) -> int:
    """Return how many words a text has, or would have if it put spaces between them."""
    unspaced = sum(map(len, _UNSPACED.findall(text)))
    spread = (len(text) - unspaced) // _LONG_WORD + unspaced // _SHORT_WORD
    return max(len(text.split()), spread)
