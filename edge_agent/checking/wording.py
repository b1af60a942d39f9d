"""The words of texts: which carry a claim, and what stands in a text word by word."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from edge_agent.checking.numerals import GROUPED, plain, readings
from edge_agent.index import HANGUL, MARKS, UNSPACED, usual_form

_CHARACTER = f"[{UNSPACED}{HANGUL}]"
"""One of a script where no spaces tell words apart, or words are as short: Han, Thai, Hangul."""
_RUN = re.compile(rf"{_CHARACTER}+")
_NUMBER = rf"{GROUPED}|(?<![\w.])\d+\.\d+(?![\w]|\.\d)"
"""One whose parts mean nothing alone."""
_MINUS = r"(?<![\w)\]])(?<!\d )[-−](?=\d)"
"""A sign, where it neither joins two words nor stands between two numbers."""
_SIGNED = r"\b(?:[A-Za-z]{1,2}[+#]+|(?:AB|[ABO])[-−](?!\w))"
"""What is another thing without its sign: C++, C# and C; blood of the types O+ and O−."""
_WORD = re.compile(
    rf"(?:{_MINUS})?(?:{_NUMBER})|{_SIGNED}|{_CHARACTER}"
    rf"|(?:{_MINUS})?(?:(?!{_CHARACTER})[\w{MARKS}])+"
)
"""A word, with the signs that are vowels; a character where a word is less than what stands between
two spaces."""
_DIGIT = re.compile(r"\d")
# Words that carry no claim: sharing these with a question makes no sentence evidence.
_FUNCTION_WORDS = frozenset(
    "a an and are as at be by did do does first for from had has have he her his how in is it its "
    "many most much of on 1 or she than that the their they this to was were what when where "
    "which who whom whose why with year".split()
)
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
}


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, small numbers as digits, no commas in large ones.

    In Chinese, Japanese, Korean, Thai and their like each character is one. The forms that Unicode
    has of a letter or a digit are the same.
    """
    return [_NUMBERS.get(word, word) for word in _written(text)]


def spelt_numbers(text: str) -> frozenset[str]:
    """Return the small numbers that are written as words in `text`, as digits."""
    return frozenset(_NUMBERS[word] for word in _written(text) if word in _NUMBERS)


def content_words(text: str) -> frozenset[str]:
    """Return the words of `text` that carry a claim."""
    return frozenset(words(text)) - _FUNCTION_WORDS


def claimed(text: str) -> frozenset[str]:
    """Return what of `text` carries a claim: words, or pairs of characters where those are one.

    Of what a sentence of such characters says, most stand somewhere in any other.
    """
    written = usual_form(text)
    pairs = ("".join(pair) for run in _RUN.findall(written) for pair in pairwise(run))
    return content_words(_RUN.sub(" ", written)) | frozenset(pairs)


def is_of_characters(text: str) -> bool:
    """Tell whether most words of a text are characters."""
    written = words(text)
    return 2 * sum(_RUN.fullmatch(word) is not None for word in written) > len(written)


def telling_words(text: str) -> frozenset[str]:
    """Return the words of `text` by which what it asks for is told from anything else.

    A number may be part of a name, and a name may have no words that carry a claim: Apollo 1, It.
    """
    said = frozenset(words(text))
    return frozenset(each for each in said if each.isdigit() or each not in _FUNCTION_WORDS) or said


def states(text: str, answer: str) -> bool:
    """Tell whether `answer` stands in `text` as whole words, whatever the case and punctuation.

    A comma between two digits of it may stand before decimals, or part two numbers.
    """
    said = f" {' '.join(words(text))} "
    wanted = (" ".join(words(each)) for each in readings(answer))
    return any(each and f" {each} " in said for each in wanted)


def is_number(word: str) -> bool:
    """Tell whether a word is a number."""
    return word.replace(".", "").isdecimal()


def _written(text: str) -> list[str]:
    if text.isascii():
        return [plain(word.lower()) for word in _WORD.findall(text)]
    found = _WORD.findall(usual_form(text))
    return [_DIGIT.sub(_digit, plain(word.casefold()).replace("−", "-")) for word in found]


def _digit(written: re.Match[str]) -> str:
    return str(unicodedata.decimal(written[0]))
