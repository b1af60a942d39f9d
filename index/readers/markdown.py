"""Markdown: headings make sections, and marks that are not meant to be read are taken out."""

from __future__ import annotations

import re
from pathlib import Path

from ..documents import Document, Section
from .text import decoded

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---[ \t]*\n", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|(?<!`)`(?!`))")


def read_markdown(path: Path, name: str) -> list[Document]:
    """Read a Markdown file as one document; its first heading is its title."""
    text = decoded(path)
    front = _FRONT_MATTER.match(text)
    if front:
        # Blank lines instead of the front matter keep the line numbers of the file.
        text = "\n" * front[0].count("\n") + text[front.end() :]
    return [markdown_document(name, path.stem, str(path), text)]


def markdown_document(name: str, title: str, source: str, text: str) -> Document:
    """Make a document of Markdown text; `title` is for a text without headings."""
    plain = _EMPHASIS.sub("", _LINK.sub(r"\1", text))
    fences = [match.span() for match in _FENCE.finditer(plain)]
    headings = [
        match
        for match in _HEADING.finditer(plain)
        if not any(start <= match.start() < end for start, end in fences)
    ]
    if headings:
        title = headings[0][2]
    return Document(name, title, source, plain, _sections(plain, headings, title))


def _sections(text: str, headings: list[re.Match[str]], title: str) -> tuple[Section, ...]:
    """Return the stretches between headings, each under its path; the title is not part of it."""
    sections = [Section(0, headings[0].start() if headings else len(text))]
    path: list[tuple[int, str]] = []
    for number, heading in enumerate(headings):
        level = len(heading[1])
        path = [entry for entry in path if entry[0] < level]
        if not (number == 0 and heading[2] == title):
            path.append((level, heading[2]))
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        sections.append(Section(heading.end(), end, tuple(text for _, text in path)))
    return tuple(section for section in sections if text[section.start : section.end].strip())
