"""Guessing: the encoding of bytes that are not UTF-8 and do not say what they are.

What an encoding rules out is left to charset_normalizer. Of the rest a text is in the one in which
most of it are frequent characters: few bytes mean something in any of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_LATIN = {
    "cp1252": "àâäåæçèéêëîïñòóôöøùúûüßáíãœ",
    "cp1254": "ışğüöçâîi̇",
    "cp1250": "łąęśżźćńóčřšžýáíéěůúőűăâîşţťďôäöüßĺ",
    "cp1257": "āčēģīķļņšūžąęėįųõäöü",
}
"""The letters of the languages in Latin letters that each encoding is for, the likeliest first."""
_ICELANDIC = "ðþý"
"""More of cp1252, in the place of which Turkish has its own: they count beside what it has not."""
_NOT_TURKISH = frozenset("áíóú")
_ALPHABETS = {
    "cp1251": "аеинотсрвлкмдпугзбьыяій",
    "koi8_r": "аеинотсрвлкмдпугзбьыяй",
    "cp1253": "αεηιοτνσςρπκλυμδγθάέήίόύώ",
    "cp1255": "יוהלאתרמבשםנדעחקפ",
    "cp1256": "اليمنرتبوهدسعةكفحقأجى",
    "cp874": "านรอกเงมยลวดทสตคปหชขบพไใแโะำัิีืุู่้์็",
}
"""The letters that most of a text in another alphabet consists of."""
_LEADS = {
    "euc_kr": (0xB0, 0xC8),
    "gb18030": (0xB0, 0xD7),
    "euc_jp": (0xB0, 0xCF),
    "shift_jis": (0x88, 0x97),
    "big5": (0xA4, 0xC6),
}
"""The first bytes of the most frequent of many characters, from and to."""
_KANA = re.compile("[\u3041-\u30fe]")
_JAPANESE = re.compile("[\u3001-\u30fe\u4e00-\u9fff\uff01-\uff5e]")
_WIDE = ("utf-16-le", "utf-16-be")
_ALL, _SOME = 0.9, 0.25
"""Shares of Japanese, and of its kana, in what has two bytes for each character: pairs of any two
ASCII letters are Chinese there.
"""
_HAN = 0.9
"""What a frequent Chinese character is worth, of which among any bytes there are many."""
_KANJI = 0.7
"""The same in Japanese, which has kana beside them."""
_CAPITAL = 0.8
"""What a capital of another alphabet is worth: one encoding has capitals where another has not."""
_CLEARLY = 0.3
"""How much better another encoding in Latin letters has to be than the most frequent one."""
_RUN = 3
"""Bytes beyond ASCII in a row that are no Latin letters."""
_MOSTLY = 0.6
"""Share of bytes beyond ASCII, among letters, up to which a text is in Latin letters."""
_FEW = 6
"""Such bytes of which the share says nothing."""
_COUNTED = 8_192
"""Bytes of which the characters are counted."""
_TYPOGRAPHY = frozenset("“”‘’„–—…«»№°€§©®¿¡\xa0\u3000、。，．：；！？（）「」『』《》・ー～")


def guessed(sample: bytes) -> str:
    """Return the likeliest encoding of bytes that are not UTF-8."""
    from charset_normalizer import from_bytes

    for encoding in _WIDE:
        if _is_japanese(sample.decode(encoding, errors="replace")):
            return encoding
    is_latin = _is_latin(sample)
    group: Collection[str] = _LATIN if is_latin else (*_ALPHABETS, *_LEADS)
    worth = {
        encoding: match.coherence - match.chaos + _frequent(sample, encoding)
        for match in from_bytes(sample, cp_isolation=list(group))
        for encoding in match.could_be_from_charset
        if encoding in group
    }
    usual = worth.get("cp1252", 0.0) + _CLEARLY if is_latin else 0.0
    likely = [encoding for encoding in group if worth.get(encoding, 0.0) > usual]
    return max(likely, key=worth.__getitem__, default="cp1252")


def _is_japanese(text: str) -> bool:
    written, kana = len(_JAPANESE.findall(text)), len(_KANA.findall(text))
    return written >= _ALL * len(text) and kana > _SOME * len(text)


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
    beyond = [each for each in text if not each.isascii() and each not in _TYPOGRAPHY]
    if encoding in _LATIN:
        beyond = [each.lower() for each in beyond]
        is_icelandic = encoding == "cp1252" and not _NOT_TURKISH.isdisjoint(beyond)
        letters = _LATIN[encoding] + _ICELANDIC * is_icelandic
        worth = [float(each in letters) for each in beyond]
    else:
        worth = [_worth(each, encoding) for each in beyond]
    return sum(worth) / max(1, len(beyond))


def _worth(character: str, encoding: str) -> float:
    """Return what a character of another script says for an encoding."""
    if encoding in _ALPHABETS:
        if character in _ALPHABETS[encoding]:
            return 1.0
        return _CAPITAL if character.lower() in _ALPHABETS[encoding] else 0.0
    if encoding in {"euc_jp", "shift_jis"} and _KANA.match(character):
        return 1.0
    written = character.encode(encoding, errors="replace")
    first, last = _LEADS[encoding]
    # In GB 18030 the rarer characters have second bytes that are lower.
    if not first <= written[0] <= last or (encoding == "gb18030" and written[1] < 0xA1):
        return 0.0
    return {"euc_kr": 1.0, "euc_jp": _KANJI, "shift_jis": _KANJI}.get(encoding, _HAN)
