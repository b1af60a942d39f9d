"""How answers are scored, and how sure a difference is: all numbers are shares from 0 to 1."""

from __future__ import annotations

import random
import re
import statistics
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from math import comb, sqrt

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_SPACES = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
"""Characters of scripts that put no spaces between words: Chinese and Japanese."""
_CLOSED = frozenset({"yes", "no", "noanswer"})
"""Answers that are right or wrong, and nothing between."""
_Z = 1.959964
"""Standard deviations about the mean of a normal distribution that hold 95 per cent of it."""


def normalised(text: str) -> str:
    """Return `text` as SQuAD compares answers: lower case, no punctuation, no articles.

    As in the script of SQuAD 1.1 (`evaluate-v1.1.py`, Rajpurkar et al. 2016), but in three ways:
    typographic punctuation, of Unicode's category P, goes the way of that of ASCII, which counts
    signs such as `$` and `+` in; composed characters equal decomposed ones; and what would leave
    nothing is not taken away: of `(A)` the choice stays, and all of the dash `–`.
    """
    composed = unicodedata.normalize("NFC", text.lower())
    letters = "".join(c for c in composed if not _is_punctuation(c))
    forms = (_ARTICLES.sub(" ", letters), letters, composed)
    return next((" ".join(form.split()) for form in forms if form.strip()), "")


def exact_match(answer: str | None, accepted: Sequence[str]) -> bool:
    """Tell whether an answer is one of those accepted; where none is, there must be none."""
    if not accepted:
        return answer is None
    return answer is not None and normalised(answer) in {normalised(one) for one in accepted}


def f1(answer: str | None, accepted: Sequence[str]) -> float:
    """Return the F1 of the words of an answer against the nearest accepted one, as SQuAD does.

    Where none is accepted it is 1 for no answer, as in SQuAD 2.0 (Rajpurkar et al. 2018). Where one
    of both is yes, no or `noanswer`, and the other is not the same, it is 0 whatever words they
    share, as in HotpotQA (`hotpot_evaluate_v1.py`, Yang et al. 2018) and 2WikiMultihopQA (Ho et al.
    2020); here so for every set. Unlike there, in Chinese and Japanese a character counts as a
    word.
    """
    if not accepted:
        return float(answer is None)
    if answer is None:
        return 0.0
    return max(_f1(normalised(answer), normalised(one)) for one in accepted)


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def _f1(answer: str, accepted: str) -> float:
    if answer != accepted and not _CLOSED.isdisjoint((answer, accepted)):
        return 0.0
    words, wanted = _words(answer), _words(accepted)
    shared = sum((Counter(words) & Counter(wanted)).values())
    return 2 * shared / (len(words) + len(wanted)) if shared else 0.0


def _words(text: str) -> list[str]:
    return _WITHOUT_SPACES.sub(r" \1 ", text).split()


def bootstrap_interval(
    values: Sequence[float], samples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the bounds between which 95 per cent of the means of resampled `values` lie.

    The percentile bootstrap of Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.
    `values` are at least one.
    """
    chance = random.Random(seed)
    means = sorted(statistics.fmean(chance.choices(values, k=len(values))) for _ in range(samples))
    return means[round(0.025 * samples)], means[round(0.975 * samples) - 1]


def wilson_interval(right: int, of: int) -> tuple[float, float]:
    """Return the bounds of 95 per cent of a proportion: `right` of `of` cases, at least one.

    The score interval of Wilson 1927, which has a width however few the cases are, and however
    alike.
    """
    share, spread = right / of, _Z**2 / of
    middle = share + spread / 2
    half = _Z * sqrt(share * (1 - share) / of + spread / (4 * of))
    # Reckoned, a bound may lie a hair beyond them, or be -0.0.
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return max(0.0, low), min(1.0, high)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact p-value of McNemar's test, two-sided.

    The counts are the questions that only one of two answerers got right. Were both equally good,
    each of these would fall to either with probability 1/2 (McNemar 1947, with the binomial
    distribution in place of its approximation).
    """
    discordant = only_first + only_second
    if not discordant:
        return 1.0
    tail = sum(comb(discordant, count) for count in range(min(only_first, only_second) + 1))
    return float(min(1.0, 2 * tail / 2**discordant))
