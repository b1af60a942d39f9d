"""How a turn is decoded: steps that are forced, chosen or sampled, and how tokens are drawn."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field

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
class Reluctance:
    """A beginning that is written only where it is likelier than all others by so many nats.

    So the threshold of an answer that there is none is set in SQuAD 2.0 (arXiv 1806.03822). A
    server that hides its logits is not reluctant.
    """

    beginning: str
    nats: float


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
    reluctance: Reluctance | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """The settings of the sampler chain, applied in this order; temperature 0 takes the likeliest.

    Penalties look at the turn that is being written, its forced text included, and at nothing
    before it: evidence may be repeated word for word, the model may not repeat itself. The bounds
    hold for what pydantic reads: a profile.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    repetition_penalty: Annotated[float, Field(ge=1)] = 1.0
    """Divides the logits of tokens among the last `repetition_window`; 1 is none."""
    repetition_window: Annotated[int, Field(ge=1)] = 64
    dry_multiplier: Annotated[float, Field(ge=0)] = 0.0
    """Strength of DRY, which penalises tokens that go on with a repeated run; 0 is none."""
    dry_base: Annotated[float, Field(ge=1)] = 1.75
    """Growth of the DRY penalty for each token by which a run is longer than allowed."""
    dry_allowed_length: Annotated[int, Field(ge=1)] = 2
    """Tokens that a run may have before DRY counts it."""
    top_k: Annotated[int, Field(ge=0)] = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    min_p: Annotated[float, Field(ge=0, lt=1)] = 0.0
    temperature: Annotated[float, Field(ge=0)] = 0.0


Step: TypeAlias = Force | Choose | Sample

Plan: TypeAlias = Generator[Step, str, None]
"""A turn as a coroutine: yields steps, is sent the text that each step wrote."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a turn as it appears; `origin` says who decided on it."""

    text: str
    origin: Origin


def carried_out(plan: Plan, write: Callable[[Step], Iterator[Piece]]) -> Iterator[Piece]:
    """Have `write` carry out the steps of `plan`, and send each step's text back into it."""
    try:
        step = next(plan)
        while True:
            texts: list[str] = []
            for piece in write(step):
                texts.append(piece.text)
                yield piece
            step = plan.send("".join(texts))
    except StopIteration:
        return


def until_stop(text: str, addition: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """Return the part of `addition` that belongs to a text, and whether the text ends with it.

    It reaches to the end of the first stop string, which may begin in the `text` before it.
    """
    whole = text + addition
    ends = [
        found + len(stop)
        for stop in stops
        if (found := whole.find(stop, max(0, len(text) - len(stop) + 1))) >= 0
    ]
    if not ends:
        return addition, False
    return whole[len(text) : min(ends)], True
