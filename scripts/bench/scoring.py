"""How answers are scored: exact match, F1 after SQuAD's normalisation, intervals of means."""

from __future__ import annotations

import random
import re
import statistics
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalised(text: str) -> str:
    """Return `text` as SQuAD compares answers: lower case, no articles, no punctuation."""
    letters = "".join(c for c in text.lower() if c.isalnum() or c.isspace())
    return " ".join(_ARTICLES.sub(" ", letters).split())


def exact_match(answer: str | None, accepted: list[str]) -> bool:
    """Tell whether an answer is one of those accepted; where none is, there must be none."""
    if not accepted:
        return answer is None
    return answer is not None and normalised(answer) in {normalised(one) for one in accepted}


def f1(answer: str | None, accepted: list[str]) -> float:
    """Return the F1 of the words of an answer against the nearest accepted one (Rajpurkar 2016)."""
    if answer is None:
        return 0.0
    return max(
        (_f1(normalised(answer).split(), normalised(one).split()) for one in accepted), default=0.0
    )


def _f1(answer: list[str], accepted: list[str]) -> float:
    shared = sum((Counter(answer) & Counter(accepted)).values())
    return 2 * shared / (len(answer) + len(accepted)) if shared else 0.0


def bootstrap_interval(
    values: Sequence[float], samples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the bounds between which 95 per cent of the means of resampled `values` lie.

    The percentile bootstrap of Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.
    """
    chance = random.Random(seed)
    means = sorted(statistics.mean(chance.choices(values, k=len(values))) for _ in range(samples))
    return means[round(0.025 * samples)], means[round(0.975 * samples) - 1]
