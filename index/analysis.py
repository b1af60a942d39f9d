"""Analysis: the terms of a text, as the index and its queries know them."""

from __future__ import annotations

import re
import unicodedata

from .passages import Passage
from .scripts import HANGUL, MARKS, UNSPACED

EDITION = 2
"""Which analysis this is. Raise it where a text comes to have other terms, also by another version
of Whoosh, whose stemmer and stop words these are: libraries are then indexed anew, once. Since the
second one words keep the signs of their script and lose what is not seen, Thai and its like are
pairs, and letters and digits are the same whatever their form.
"""
_PAIRED = f"{UNSPACED}{HANGUL}"
_PAIRED_RUN = re.compile(rf"[{_PAIRED}]+")
_TOKEN = re.compile(rf"[{_PAIRED}]+|[^\W{_PAIRED}]+(?:['’.]?[^\W{_PAIRED}]+)*")
_MARK = re.compile(rf"[{MARKS}]")
_MARKED = rf"(?:[^\W{_PAIRED}]|[{MARKS}])"
_MARKED_TOKEN = re.compile(rf"[{_PAIRED}]+|{_MARKED}+(?:['’.]?{_MARKED}+)*")
_UNSEEN = re.compile("[\u00ad\u0640\u200b\u200d\u2060\ufe00-\ufe0f\ufeff]")
"""Where a word may be broken, letters are joined or a line is filled, and a letter's variant."""
_FORMS = re.compile(
    "[\ufb00-\ufdff\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc]+"
    r"|(?<=\d)．(?=\d)"
)
"""Letters that are joined, as they are joined, or of another width, and digits of full width."""
_RAISED = re.compile(r"(?<=\d)(?=[⁰¹²³⁴-⁹₀-₉])")
"""Before a power or the number of a note, which are no digits of the number before them."""
_DIGIT = re.compile(r"\d")
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
    (https://tartarus.org/martin/PorterStemmer). Chinese, Japanese, Korean, Thai, Lao, Burmese and
    Khmer become overlapping pairs of characters: nearly all put no spaces between words.
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
    """Return the terms of each field of a passage, by the field's name in the index.

    Of what becomes pairs the last character is one too: each is then the beginning of a term.
    """
    headings = " ".join(passage.headings)
    return {
        "title": all_terms(passage.title) + _last_characters(passage.title),
        "headings": all_terms(headings) + _last_characters(headings),
        "text": terms(passage.text) + _last_characters(passage.text),
    }


def is_half_a_pair(term: str) -> bool:
    """Tell whether a term is a character alone of those that are indexed as pairs."""
    return len(term) == 1 and _PAIRED_RUN.match(term) is not None


def _last_characters(text: str) -> list[str]:
    return [run[-1] for run in _PAIRED_RUN.findall(usual_form(text)) if len(run) > 1]


def words(text: str) -> list[str]:
    """Return the words of `text` as they are written, in the usual form of each letter."""
    text = _RAISED.sub(" ", usual_form(text))
    return (_MARKED_TOKEN if _MARK.search(text) else _TOKEN).findall(text)


def folded(token: str) -> str:
    """Return a word in lower case, without accents, its apostrophes and digits plain."""
    lower = token.lower().replace("’", "'")
    if lower.isascii():
        return lower
    plain = unicodedata.normalize("NFKD", lower.translate(_FOLDED))
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), bare)


def usual_form(text: str) -> str:
    """Return a text with its accents joined to their letters, and each letter in its usual form."""
    if text.isascii():
        return text
    text = _FORMS.sub(lambda form: unicodedata.normalize("NFKC", form[0]), _UNSEEN.sub("", text))
    return unicodedata.normalize("NFC", text)


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

    if _PAIRED_RUN.match(token):
        return tuple(token[i : i + 2] for i in range(max(1, len(token) - 1)))
    word = folded(token)
    word = word.removesuffix("'s")
    if not stop_words and word in STOP_WORDS:
        return ()
    return (stem(word)[:_LONGEST],)


_content = _Terms(stop_words=False)
_every = _Terms(stop_words=True)
