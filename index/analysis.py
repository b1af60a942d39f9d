"""Analysis: the terms of a text, as the index and its queries know them."""

from __future__ import annotations

import re
import unicodedata

from .passages import Passage

EDITION = 1
"""Which analysis this is. Raise it where a text comes to have other terms, also by another version
of Whoosh, whose stemmer and stop words these are: libraries are then indexed anew, once."""
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+(?:['’.]?[^\W{_CJK}]+)*")
MARKS = "\u0300-\u036f\u0900-\u0963\u0966-\u0dff"
"""Accents that stand by themselves, and the scripts of India, whose vowels do."""
_MARK = re.compile(rf"[{MARKS}]")
_MARKED = rf"(?:[^\W{_CJK}]|[{MARKS}])"
_MARKED_TOKEN = re.compile(rf"[{_CJK}]+|{_MARKED}+(?:['’.]?{_MARKED}+)*")
_CJK_RUN = re.compile(rf"[{_CJK}]")
_FOLDED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"}
)
_LONGEST = 100
"""Characters of a term that are kept: a base64 blob is one token."""
_REMEMBERED = 500_000
"""Words whose terms are kept at hand; a library has fewer, a broken file may have more."""


def terms(text: str) -> list[str]:
    """Return the terms of `text` in order: folded, stemmed, without English stop words.

    Accents are folded (Brontë, Bronte). Words are stemmed by Porter's algorithm for English
    (https://tartarus.org/martin/PorterStemmer). Chinese, Japanese and Korean, which put no spaces
    between words, become overlapping pairs of characters.
    """
    found: list[str] = []
    for token in words(text):
        found += _content[token]
    return found


def all_terms(text: str) -> list[str]:
    """Return the terms of `text` in order, stop words too: for titles and phrases."""
    found: list[str] = []
    for token in words(text):
        found += _every[token]
    return found


def field_terms(passage: Passage) -> dict[str, list[str]]:
    """Return the terms of each field of a passage, by the field's name in the index."""
    return {
        "title": all_terms(passage.title),
        "headings": all_terms(" ".join(passage.headings)),
        "text": terms(passage.text),
    }


def words(text: str) -> list[str]:
    """Return the words of `text` as they are written, but for accents: those join their letters."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        if _MARK.search(text):
            return _MARKED_TOKEN.findall(text)
    return _TOKEN.findall(text)


class _Terms(dict[str, tuple[str, ...]]):
    """The terms of a word, worked out when it is first met: stemming is slow, and words recur."""

    def __init__(self, *, stop_words: bool) -> None:
        super().__init__()
        self._stop_words = stop_words

    def __missing__(self, token: str) -> tuple[str, ...]:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[token] = _terms_of(token, stop_words=self._stop_words)
        return found


def _terms_of(token: str, *, stop_words: bool) -> tuple[str, ...]:
    from whoosh.analysis import STOP_WORDS
    from whoosh.lang.porter import stem

    if _CJK_RUN.match(token):
        return tuple(token[i : i + 2] for i in range(max(1, len(token) - 1)))
    word = _fold(token)
    word = word.removesuffix("'s")
    if not stop_words and word in STOP_WORDS:
        return ()
    return (stem(word)[:_LONGEST],)


def _fold(token: str) -> str:
    """Return a word in lower case, without accents, its apostrophes plain."""
    lower = token.lower().replace("’", "'")
    if lower.isascii():
        return lower
    plain = unicodedata.normalize("NFKD", lower.translate(_FOLDED))
    return "".join(character for character in plain if not unicodedata.combining(character))


_content = _Terms(stop_words=False)
_every = _Terms(stop_words=True)
