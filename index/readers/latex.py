"""LaTeX: its text under the headings of its sections, without comments and plain marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

from ..documents import Document
from .sectioned import SectionedText
from .text import decoded

_LEVELS = {
    "part": 1,
    "chapter": 2,
    "section": 3,
    "subsection": 4,
    "subsubsection": 5,
    "paragraph": 6,
}
_BRACED = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]{0,500}\}){0,1000}\}){0,2000})\}"
_LINE_COMMENT = re.compile(r"^[ \t]*%[^\n]*\n|(?<!\\)%[^\n]*", re.MULTILINE)
_COMMENT_BEGINS, _COMMENT_ENDS = "\\begin{comment}", "\\end{comment}"
_TITLE = re.compile(r"\\title\s*(?:\[[^\]]{0,300}\])?\s*" + _BRACED)
_HEADING = re.compile(rf"\\({'|'.join(_LEVELS)})\*?\s*(?:\[[^\]]{{0,300}}\])?\s*{_BRACED}")
_MARK = re.compile(r"\\(?:emph|text\w*|underline|mbox|title|author|caption)\s*" + _BRACED)
_DROPPED = re.compile(
    r"\\(?:label|vspace|hspace|bibliographystyle|usepackage)\*?(?:\[[^\]\n]{0,300}\])?\{[^{}]*\}"
    r"|\\(?:begin|end)\{(?:itemize|enumerate|description|abstract|center|quot\w+|figure|table)\*?\}"
    r"(?:\[[^\]\n]{0,300}\])?|\\(?:maketitle|centering|noindent|clearpage|newpage)\b"
)
_ITEM = re.compile(r"\\item\b[ \t]*")
_ESCAPED = re.compile(r"\\([%&#_${}])")
_ACCENTS = dict(
    zip(
        "`'^~\"=.cvHukr",
        "\u0300\u0301\u0302\u0303\u0308\u0304\u0307\u0327\u030c\u030b\u0306\u0328\u030a",
        strict=True,
    )
)
_ACCENTED = re.compile(
    r"(?P<outer>\{)?\\(?P<accent>[`'^~\"][ \t]*|[=.]|[cvHukr](?![A-Za-z])[ \t]*)"
    r"(?P<brace>\{)?(?P<letter>[^\W\d_]|\\[ij](?![A-Za-z]))(?(brace)\})(?(outer)\})"
)
_LETTERS = dict(
    zip(
        "ss o O l L ae AE oe OE aa AA i j dh DH th TH dj DJ".split(),
        "ßøØłŁæÆœŒåÅıȷðÐþÞđĐ",
        strict=True,
    )
)
_LETTER = re.compile(
    rf"(?P<outer>\{{)?\\(?P<name>{'|'.join(_LETTERS)})(?![A-Za-z])"
    r"(?(outer)[ \t]*\}|(?:\{\}|[ \t]+)?)"
)
_AS_IT_STANDS = re.compile(
    r"""
    \\[\\$]                                                       # a new line, a dollar
    | \$\$? (?: \\. | (?!\n[ \t]*\n) [^\\$] )* \$\$?
    | \\\( (?: \\\\ | (?!\\[()]) . )*? \\\)
    | \\\[ (?: \\\\ | (?!\\[\[\]]) . )*? \\\]
    | \\verb\*? (?P<tick>[^\w\s*]) [^\n]{0,1000}? (?P=tick)
    | \\begin\{(?P<block> (?:verbatim|lstlisting|minted|equation|align|gather)\*? )\}
      (?: (?!\\begin\{(?P=block)\}) . )*? \\end\{(?P=block)\}
    """,
    re.VERBOSE | re.DOTALL,
)
"""Formulas and code: accents mean something else there."""
_NESTED_ACCENTS = 2
_NESTED_MARKS = 4


def read_latex(path: Path, name: str) -> list[Document]:
    """Read a LaTeX file as one document. Raises UnreadableDocument for what is no text."""
    source = "".join(_without_comments(_LINE_COMMENT.sub("", decoded(path))))
    named = _TITLE.search(source)
    _, _, body = source.rpartition("\\begin{document}")
    body = body.partition("\\end{document}")[0]
    title = " ".join(_unmarked(named[1]).split()) if named else ""
    text = SectionedText(title)
    at = 0
    for heading in _HEADING.finditer(body):
        text.add(_unmarked(body[at : heading.start()]).strip())
        text.heading(_unmarked(heading[2]), _LEVELS[heading[1]])
        at = heading.end()
    text.add(_unmarked(body[at:]).strip())
    whole, sections = text.finished()
    return [Document(name, title or path.stem, str(path), whole, sections, is_extracted=True)]


def with_letters(source: str) -> str:
    """Return text with the letters beyond ASCII that are spelt out: \\"u, \\v{c}, {\\ss}."""
    pieces = []
    at = 0
    for kept in _AS_IT_STANDS.finditer(source):
        pieces += [_with_letters(source[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join((*pieces, _with_letters(source[at:])))


def _with_letters(piece: str) -> str:
    for _ in range(_NESTED_ACCENTS):
        piece = _ACCENTED.sub(_accented, piece)
    return _LETTER.sub(lambda spelt: _LETTERS[spelt["name"]], piece)


def _without_comments(source: str) -> Iterator[str]:
    """Yield what stands around the blocks that are comments; one that does not end is none."""
    at = 0
    while (begin := source.find(_COMMENT_BEGINS, at)) >= 0:
        end = source.find(_COMMENT_ENDS, begin)
        if end < 0:
            break
        yield source[at:begin]
        at = end + len(_COMMENT_ENDS)
    yield source[at:]


def _unmarked(source: str) -> str:
    """Return text without the marks of plain typography; formulas and the rest are left."""
    text = _ITEM.sub("- ", _DROPPED.sub("", with_letters(source)))
    for _ in range(_NESTED_MARKS):
        text, changes = _MARK.subn(r"\1", text)
        if not changes:
            break
    text = text.replace("\\\\", "\n").replace("~", " ").replace("``", "“").replace("''", "”")
    return _ESCAPED.sub(r"\1", text)


def _accented(spelt: re.Match[str]) -> str:
    """Return a letter with its accent in one; what is no letter so may mean something else."""
    letter = spelt["letter"].removeprefix("\\") + _ACCENTS[spelt["accent"].rstrip()]
    composed = normalize("NFC", letter)
    return composed if len(composed) == 1 else spelt[0]
