"""Guessing: the encoding of bytes that are not UTF-8 and do not say what they are.

What an encoding rules out is left to charset_normalizer. Of the rest a text is in the one in which
most of it are frequent characters: few bytes mean something in any of them.
"""

from __future__ import annotations

import re
from itertools import pairwise

_OLDER = "iso8859_2"
"""Has other bytes than cp1250 for ą, ł, ľ, ś, ş, š, ť, ź, ž and ż, which are signs in cp1252."""
_CENTRAL = "łąęśżźćńóčřšžýáíéěůúőűăâîşţťďôäöüßĺ"
_LATIN = {
    "cp1252": "àâäåæçèéêëîïñòóôöøùúûüßáíãœ",
    "cp1254": "ışğüöçâîi̇",
    "cp1250": _CENTRAL,
    "cp1257": "āčēģīķļņšūžąęėįųõäöü",
    _OLDER: _CENTRAL,
}
"""The letters of the languages in Latin letters that each encoding is for, the likeliest first."""
_IN_A_WORD = re.compile(
    rb"[A-Za-z\xc0-\xff][\xb1\xb3\xb5\xb6\xb9\xba\xbb\xbc\xbe\xbf][A-Za-z\xc0-\xff]"
)
_SIGN = re.compile(rb"\xa3(?=[ \xa0]?\d)|(?<![A-Za-z\x80-\xff])[cdkm]?m\xb3")
"""What is no letter: £ before a number, and the end of m³."""
_ICELANDIC = "ðþý"
"""More of cp1252, in the place of which Turkish has its own: they count beside what it has not."""
_NOT_TURKISH = frozenset("áíóú")
_CYRILLIC = "аеинотсрвлкмдпугзбьыяійєї"
_GREEK = "αεηιοτνσςρπκλυμδγθάέήίόύώ"
_HEBREW = "יוהלאתרמבשםנדעחקפ"
_ARABIC = "اليمنرتبوهدسعةكفحقأجى"
_ALPHABETS = {
    **dict.fromkeys(
        ("cp1251", "koi8_u", "iso8859_5", "cp866", "cp1125", "mac_cyrillic"), _CYRILLIC
    ),
    **dict.fromkeys(("cp1253", "cp737", "cp869"), _GREEK),
    **dict.fromkeys(("cp1255", "cp862"), _HEBREW),
    **dict.fromkeys(("cp1256", "iso8859_6", "cp720"), _ARABIC),
    "cp874": "านรอกเงมยลวดทสตคปหชขบพไใแโะำัิีืุู่้์็",
}
"""The letters that most of a text in another alphabet consists of."""
_LEADS = {
    "euc_kr": (0xB0, 0xC8),
    "johab": (0xB0, 0xC8),  # as in EUC-KR: its own say nothing
    "gb18030": (0xB0, 0xD7),
    "euc_jp": (0xB0, 0xCF),
    "shift_jis": (0x88, 0x97),
    "big5": (0xA4, 0xC6),
}
"""The first bytes of the most frequent of many characters, from and to."""
_KANA = re.compile("[\u3041-\u30fe]")
_WIDE = ("utf-16-le", "utf-16-be")
_WRITTEN = re.compile("[\t\n\r -~‘’“”…—\u3001-\u30fe\u4e00-\u9fff\uff01-\uff5e]")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_ALL, _SOME = 0.9, 0.25
"""Shares in what has two bytes for each character, of what is written there and of kana.

Pairs of any two ASCII letters are Chinese in it, but seldom frequent.
"""
_ENOUGH = 6
"""Chinese characters, all of them frequent, that are no chance."""
_HAN = 0.9
"""What a frequent Chinese character is worth, of which among any bytes there are many."""
_KANJI = 0.7
"""The same in Japanese, which has kana beside them."""
_CAPITAL = 0.8
"""What a capital of another alphabet is worth: one encoding has capitals where another has not."""
_CLEARLY = 0.2
"""How much better another encoding in Latin letters has to be than the most frequent one."""
_RUN = 4
"""Bytes beyond ASCII in a row that are no Latin letters."""
_MOSTLY = 0.6
"""Share of bytes beyond ASCII, among letters, up to which a text is in Latin letters."""
_FEW = 6
"""Such bytes of which the share says nothing."""
_COUNTED = 8_192
"""Bytes of which the characters are counted."""
_TYPOGRAPHY = frozenset("“”‘’„–—…«»№°§©®¿¡\xa0\u3000、。，．：；！？（）「」『』《》・ー～")


def guessed(sample: bytes) -> str:
    """Return the likeliest encoding of bytes that are not UTF-8."""
    from charset_normalizer import from_bytes

    is_latin = _is_latin(sample)
    if is_latin:
        sample = _SIGN.sub(b"", sample)
        is_older = _IN_A_WORD.search(sample) is not None
        group = [encoding for encoding in _LATIN if is_older or encoding != _OLDER]
    else:
        group = [*_ALPHABETS, *_LEADS]
    worth = {
        encoding: _frequent(sample, encoding) - match.chaos
        for match in from_bytes(sample, cp_isolation=group)
        for encoding in match.could_be_from_charset
        if encoding in group
    }
    usual = worth.get("cp1252", 0.0) + _CLEARLY if is_latin else 0.0
    likely = [encoding for encoding in group if worth.get(encoding, 0.0) > usual]
    return max(likely, key=worth.__getitem__, default="cp1252")


def wide(head: bytes) -> str | None:
    """Return UTF-16, of the byte order it has, where Japanese or Chinese begins without a mark."""
    for encoding in _WIDE:
        text = head[:_COUNTED].decode(encoding, errors="replace")
        if len(_WRITTEN.findall(text)) < _ALL * len(text):
            continue
        chinese = _CHINESE.findall(text)
        if len(_KANA.findall(text)) > _SOME * len(text) or (
            len(chinese) >= _ENOUGH
            and any(
                sum(_worth(each, usual) > 0 for each in chinese) >= _ALL * len(chinese)
                for usual in ("gb18030", "big5")
            )
        ):
            return encoding
    return None


def _is_latin(sample: bytes) -> bool:
    """Tell whether bytes beyond ASCII stand among letters of it, not next to each other."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", sample)]
    high = sum(runs)
    if 2 * sum(run for run in runs if run >= _RUN) >= high:
        return False
    letters = high + sum(bytes((byte,)).isalpha() for byte in sample)
    return high < _FEW or high <= _MOSTLY * letters


def _frequent(sample: bytes, encoding: str) -> float:
    """Return the share of frequent characters among those beyond ASCII, in an encoding."""
    text = sample[:_COUNTED].decode(encoding, errors="replace")
    placed = [
        (before, each)
        for before, each in pairwise(f" {text}")
        if not each.isascii() and each not in _TYPOGRAPHY
    ]
    if encoding in _LATIN:
        beyond = [each.lower() for _, each in placed]
        is_icelandic = encoding == "cp1252" and not _NOT_TURKISH.isdisjoint(beyond)
        letters = _LATIN[encoding] + _ICELANDIC * is_icelandic
        worth = [float(each in letters) for each in beyond]
    else:
        # Where a capital stands within a word, it is another letter in another encoding.
        worth = [
            0.0 if each.isupper() and before.islower() else _worth(each, encoding)
            for before, each in placed
        ]
    return sum(worth) / max(1, len(worth))


def _worth(character: str, encoding: str) -> float:
    """Return what a character of another script says for an encoding."""
    if encoding in _ALPHABETS:
        if character in _ALPHABETS[encoding]:
            return 1.0
        return _CAPITAL if character.lower() in _ALPHABETS[encoding] else 0.0
    if encoding in {"euc_jp", "shift_jis"} and _KANA.match(character):
        return 1.0
    written = character.encode("euc_kr" if encoding == "johab" else encoding, errors="replace")
    first, last = _LEADS[encoding]
    # In GB 18030 the rarer characters have second bytes that are lower.
    if not first <= written[0] <= last or (encoding == "gb18030" and written[1] < 0xA1):
        return 0.0
    return {"euc_kr": 1.0, "johab": 1.0, "euc_jp": _KANJI, "shift_jis": _KANJI}.get(encoding, _HAN)
