"""Source code and settings: text as it stands, with a section for each top-level definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..documents import Document, Section
from .text import decoded

SOURCE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "py pyi js mjs cjs jsx ts tsx java c h cc cpp cxx hh hpp cs go rs rb php sh bash zsh fish "
        "ps1 sql kt kts swift scala lua r jl pl pm hs ml mli ex exs erl clj lisp el dart groovy m "
        "vb zig nim toml yaml yml ini cfg conf properties css scss less xml xsd xsl vue svelte "
        "proto graphql cmake gradle tf"
    ).split()
)
_C = frozenset(".c .h .cc .cpp .cxx .hh .hpp .cs .java .m .d .groovy .dart".split())
_SETTINGS = frozenset(".toml .ini .cfg .conf .properties .yaml .yml".split())
_MARKUP = frozenset(".xml .xsd .xsl .css .scss .less .vue .svelte".split())
_SIGNATURE_LENGTH = 80
_MODIFIERS = (
    "export|default|declare|pub(?:\\([^)\\n]*\\))?|public|private|protected|internal|abstract|final|"
    "static|async|sealed|open|data|case|inline|unsafe|extern|partial|virtual|override"
)
_KEYWORDS = (
    "def|class|function|func|fn|fun|sub|struct|enum|union|interface|trait|impl|type|typedef|module|"
    "mod|namespace|object|record|protocol|extension|package|macro_rules!|defmodule|defp|defn-?|"
    "instance|newtype|message|service"
)
_FUNCTION = re.compile(
    rf"""
    ^(?:(?:{_MODIFIERS})[ ]+)* (?:{_KEYWORDS})\b .*
    | ^\((?:defun|defn|defmacro|defclass|define|ns)[ ] .*             # Lisps
    | ^(?:export[ ]+)?(?:const|let|var)[ ]+\w+[ ]*=[ ]*(?:async[ ]*)?(?:function\b|\() .*
    | ^[\w.]+[ ]*(?:<-|=)[ ]*function[ ]*\( .*                        # R, Lua
    | ^[\w-]+[ ]*\(\)[ ]*\{{ .*                                      # shells
    | ^(?i:create[ ](?:or[ ]replace[ ])?(?:table|view|function|procedure|trigger))\b .*
    """,
    re.MULTILINE | re.VERBOSE,
)
_C_FUNCTION = re.compile(
    r"^[A-Za-z_][\w*&:<>, ]{0,100}[ *&]~?\w[\w:~]{0,100} ?\([^;\n]*$", re.MULTILINE
)
_TABLE = re.compile(r"^\[{1,2}[^\]\n]+\]{1,2}[ \t]*$", re.MULTILINE)
_ABOVE = re.compile(r"\s{0,3}(?:@|#\[|//|/\*|\*|#|--|%|;)")
"""How a comment, or what decorates a definition, begins."""


def read_source_code(path: Path, name: str) -> list[Document]:
    """Read a file as one document, whose title is its name.

    Raises UnreadableDocument for what is no text.
    """
    text = decoded(path)
    sections = tuple(_sections(text, _definitions(text, path.suffix.lower())))
    return [Document(name, path.name, str(path), text, sections)]


def _definitions(text: str, suffix: str) -> list[re.Match[str]]:
    """Return the lines that begin a definition, in order."""
    if suffix in _MARKUP:
        return []
    if suffix in _SETTINGS:
        return list(_TABLE.finditer(text))
    found = {match.start(): match for match in _FUNCTION.finditer(text)}
    if suffix in _C:
        found |= {match.start(): match for match in _C_FUNCTION.finditer(text)}
    return [found[start] for start in sorted(found)]


def _sections(text: str, definitions: list[re.Match[str]]) -> Iterator[Section]:
    start, headings = 0, tuple[str, ...]()
    for definition in definitions:
        begin = _with_what_is_above(text, start, definition.start())
        if text[start:begin].strip():
            yield Section(start, begin, headings)
        signature = " ".join(definition[0].split())
        start, headings = begin, (signature[:_SIGNATURE_LENGTH].rstrip(" {:"),)
    if text[start:].strip():
        yield Section(start, len(text), headings)


def _with_what_is_above(text: str, earliest: int, start: int) -> int:
    """Return where the comments and decorators begin that stand right above a definition."""
    while start > earliest:
        above = text.rfind("\n", earliest, start - 1) + 1 or earliest
        if not _ABOVE.match(text, above, start):
            break
        start = above
    return start
