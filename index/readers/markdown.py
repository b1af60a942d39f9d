"""Markdown: headings make sections, and marks that are not meant to be read are taken out."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import zip_longest
from pathlib import Path

from ..documents import Document, Section
from .text import decoded

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?=[\w\"'-][^\n]*:).*?\n---[ \t]*\n", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S(?:[^\n]*[^\s#])?)[ \t#]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_HELD = "\ue000"
"""Stands for a piece of code while marks are taken out around it: no character of any script."""
_CODE = re.compile(
    r"^(?P<fence>```|~~~).*?^(?P=fence)"
    rf"|(?<!`)(?P<tick>`+)(?!`)(?P<code>[^\n]{{1,1000}}?)(?<!`)(?P=tick)(?!`)|{_HELD}",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(rf"!?\[([^\[\]\n]{{0,1000}})\]\([^)\n{_HELD}]{{0,2000}}\)")
_MARK = re.compile(r"\n\s*\n|\*\*|__|[*_]")
"""What may begin or end what is emphasised; a paragraph ends it, too."""


def read_markdown(path: Path, name: str) -> list[Document]:
    """Read a Markdown file as one document; its first heading is its title."""
    text = decoded(path)
    front = _FRONT_MATTER.match(text)
    if front:
        # Blank lines instead of the front matter keep the line numbers of the file.
        text = "\n" * front[0].count("\n") + text[front.end() :]
    return [markdown_document(name, path.stem, str(path), text)]


def markdown_document(
    name: str, title: str, source: str, text: str, *, is_titled: bool = False
) -> Document:
    """Make a document of Markdown text; `title` is for one without headings, if not `is_titled`."""
    plain = _without_marks(text)
    headings = _headings(plain)
    if headings and not is_titled:
        title = headings[0][2]
    return Document(name, title, source, plain, _sections(plain, headings, title))


def _headings(text: str) -> list[re.Match[str]]:
    """Return the headings that stand in no fence."""
    fences = [match.span() for match in _FENCE.finditer(text)]
    starts = [start for start, _ in fences]

    def is_code(place: int) -> bool:
        before = bisect_right(starts, place)
        return before > 0 and place < fences[before - 1][1]

    return [match for match in _HEADING.finditer(text) if not is_code(match.start())]


def _without_marks(text: str) -> str:
    """Return a text without the marks of links, emphasis and code; code itself stays as it is."""
    held = (match["code"] or match[0] for match in _CODE.finditer(text))
    plain = _CODE.sub(_HELD, text)
    plain = _LINK.sub(r"\1", _LINK.sub(r"\1", plain))  # twice: a picture may be a link
    return re.sub(_HELD, lambda _: next(held), _without_emphasis(plain))


def _without_emphasis(text: str) -> str:
    """Return a text without marks of emphasis, those that stand in pairs within a paragraph.

    As in CommonMark a mark begins before what is no space and ends behind such; but for `**`, none
    does within a word.
    """
    opened: dict[str, tuple[int, int]] = {}
    pairs: list[tuple[int, int]] = []
    for mark in _MARK.finditer(text):
        sign, (start, end) = mark[0], mark.span()
        if sign.isspace():
            opened.clear()
            continue
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        splits = sign == "**"
        if sign in opened and before.strip() and (splits or not _is_word(after)):
            pairs += [opened.pop(sign), (start, end)]
        elif after.strip() and (splits or not _is_word(before)):
            opened[sign] = (start, end)
    edges = [0, *(place for pair in sorted(pairs) for place in pair), len(text)]
    return "".join(text[edges[n] : edges[n + 1]] for n in range(0, len(edges), 2))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _sections(text: str, headings: list[re.Match[str]], title: str) -> tuple[Section, ...]:
    """Return the stretches between headings, each under its path; the title is not part of it.

    A heading with nothing below it is a stretch of its own.
    """
    sections = [Section(0, headings[0].start() if headings else len(text))]
    path: list[tuple[int, str]] = []
    for heading, after in zip_longest(headings, headings[1:]):
        level = len(heading[1])
        path = [entry for entry in path if entry[0] < level]
        above = tuple(text for _, text in path)
        if not (heading is headings[0] and heading[2] == title):
            path.append((level, heading[2]))
        end = len(text) if after is None else after.start()
        if text[heading.end() : end].strip():
            sections.append(Section(heading.end(), end, tuple(text for _, text in path)))
        elif after is None or len(after[1]) <= level:
            sections.append(Section(heading.start(2), heading.end(2), above))
    return tuple(section for section in sections if text[section.start : section.end].strip())
