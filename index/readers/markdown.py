"""Markdown: headings make sections, and marks that are not meant to be read are taken out."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

from ..documents import Document, Section
from .text import decoded

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?=[\w\"'-][^\n]*:).*?\n---[ \t]*\n", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(
    r"^(?P<fence>```|~~~).*?^(?P=fence)|(?<!`)(?P<tick>`+)(?!`)(?P<code>[^\n]+?)(?<!`)(?P=tick)(?!`)",
    re.MULTILINE | re.DOTALL,
)
"""What stands as it is written: a number in it may look like a mark."""
_INSIDE = r"(?:[^\n]|\n(?!\s*\n)){1,1000}?"
"""What marks may stand around: at most a paragraph, and not a page without end."""
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_STRONG = re.compile(rf"(?<!\w)(\*\*|__)(?=\S)({_INSIDE})(?<=\S)\1(?!\w)")
_EMPHASIS = re.compile(rf"(?<![\w*_])([*_])(?=[^\s*_])({_INSIDE})(?<=[^\s*_])\1(?![\w*_])")


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
    fences = [match.span() for match in _FENCE.finditer(plain)]
    headings = [
        match
        for match in _HEADING.finditer(plain)
        if not any(start <= match.start() < end for start, end in fences)
    ]
    if headings and not is_titled:
        title = headings[0][2]
    return Document(name, title, source, plain, _sections(plain, headings, title))


def _without_marks(text: str) -> str:
    """Return a text without the marks of links, emphasis and code; code itself stays as it is."""
    parts: list[str] = []
    end = 0
    for code in _CODE.finditer(text):
        parts += [_without_emphasis(text[end : code.start()]), code["code"] or code[0]]
        end = code.end()
    return "".join([*parts, _without_emphasis(text[end:])])


def _without_emphasis(text: str) -> str:
    return _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", _LINK.sub(r"\1", text)))


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
            sections.append(Section(*heading.span(2), above))
    return tuple(section for section in sections if text[section.start : section.end].strip())
