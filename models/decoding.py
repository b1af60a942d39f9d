"""How a turn is decoded: steps that are forced, chosen or sampled, and how tokens are drawn."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Origin: TypeAlias = Literal["forced", "chosen", "sampled"]


@dataclass(frozen=True, slots=True)
class Force:
    """Text that can only go one way: appended in one batch, never sampled."""

    text: str


@dataclass(frozen=True, slots=True)
class Choose:
    """One of several texts, picked by the model under a trie of their tokens.

    An option that begins with another option can never be chosen: the shorter one ends first.
    """

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Free text, until a stop string, the model's own end, or `max_tokens`.

    A stop string that was reached ends the text and is part of it. `grammar` is GBNF and restricts
    what can be written; `complete` ends the step as soon as the text so far satisfies it.
    """

    max_tokens: int
    stop: tuple[str, ...] = ()
    grammar: str | None = None
    complete: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """The settings of the sampler chain; temperature 0 takes the likeliest token."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    dry_multiplier: float = 0.0


Step: TypeAlias = Force | Choose | Sample

Plan: TypeAlias = Generator[Step, str, None]
"""A turn as a coroutine: yields steps, is sent the text that each step wrote."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a turn as it appears; `origin` says who decided on it."""

    text: str
    origin: Origin
