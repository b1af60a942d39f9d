"""Writes one turn step by step: text that is forced, chosen under a trie, or sampled."""

from __future__ import annotations

import codecs
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .decoding import (
    Choose,
    Force,
    Piece,
    Plan,
    Reluctance,
    Sample,
    Sampling,
    Step,
    carried_out,
    until_stop,
)
from .engine import Engine
from .errors import ContextFull
from .token_cache import TokenCache

_Draw: TypeAlias = Callable[[npt.NDArray[np.float32]], int]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a turn has around it."""

    reserve: int
    """Tokens that have to be left of the window when it ends."""
    openings: frozenset[int]
    """Control tokens with which messages begin: a model that draws one has ended its own."""


class TurnWriter:
    """Carries out a plan over a token cache, in a frame."""

    def __init__(
        self, engine: Engine, cache: TokenCache, sampling: Sampling, seed: int, frame: Frame
    ) -> None:
        self._engine = engine
        self._cache = cache
        self._sampling = sampling
        self._seed = seed
        self._random = random.Random(seed)
        self._reserve = frame.reserve
        self._openings = frame.openings
        self._start = cache.size
        self._written: list[str] = []

    @property
    def text(self) -> str:
        """What was written so far."""
        return "".join(self._written)

    def write(self, plan: Plan) -> Iterator[Piece]:
        """Carry out the steps of `plan`, sending each step's text back into it."""
        for piece in carried_out(plan, self._carry_out):
            self._written.append(piece.text)
            yield piece

    def _carry_out(self, step: Step) -> Iterator[Piece]:
        if isinstance(step, Force):
            return self._force(step)
        if isinstance(step, Choose):
            return self._choose(step)
        return self._sample(step)

    def _force(self, step: Force) -> Iterator[Piece]:
        self._extend(self._engine.tokenize(step.text, special=False))
        yield Piece(step.text, "forced")

    def _choose(self, step: Choose) -> Iterator[Piece]:
        """Walk the trie of the options' tokens; where it branches, the model decides."""
        live = [(option, self._engine.tokenize(option, special=False)) for option in step.options]
        depth = 0
        while len(live) > 1 and all(len(tokens) > depth for _, tokens in live):
            branches = sorted({tokens[depth] for _, tokens in live})
            if len(branches) == 1:
                self._extend(branches)
            else:
                chosen = self._pick(branches)
                self._cache.draw(chosen)
                live = [(option, tokens) for option, tokens in live if tokens[depth] == chosen]
            depth += 1
        option, tokens = min(live, key=lambda entry: len(entry[1]))
        self._extend(tokens[depth:])
        yield Piece(option, "chosen")

    def _extend(self, tokens: list[int]) -> None:
        room = self._cache.room - self._reserve
        if len(tokens) > room:
            raise ContextFull(
                f"{len(tokens)} tokens of a turn do not fit into the {room} left of the window. "
                "Use a larger --context."
            )
        self._cache.extend(tokens)

    def _pick(self, branches: list[int]) -> int:
        """Return one of the tokens, by the model's logits and the temperature."""
        self._cache.flush()
        logits = self._engine.logits()[branches].astype(np.float64)
        if self._sampling.temperature <= 0:
            return branches[int(logits.argmax())]
        weights = np.exp((logits - logits.max()) / self._sampling.temperature)
        return self._random.choices(branches, weights=weights.tolist())[0]

    def _sample(self, step: Sample) -> Iterator[Piece]:
        sampler = self._engine.sampler(
            self._sampling,
            self._random.getrandbits(32),
            step.grammar,
            history=self._cache.tokens[self._start :],
        )
        try:
            text = ""
            draw = self._reluctant(sampler.draw, step.reluctance)
            for addition in self._texts(step.max_tokens, draw):
                kept, stopped = until_stop(text, addition, step.stop)
                if kept != addition:
                    self._replace_last(kept)
                text += kept
                yield Piece(kept, "sampled")
                if stopped or (step.complete is not None and step.complete(text)):
                    return
        finally:
            sampler.close()

    def _reluctant(self, draw: _Draw, reluctance: Reluctance | None) -> _Draw:
        """Return `draw`, but for its first token reluctant to begin so."""
        if reluctance is None:
            return draw
        token = self._engine.tokenize(reluctance.beginning, special=False)[0]
        losses = iter([reluctance.nats])

        def drawn(logits: npt.NDArray[np.float32]) -> int:
            handicapped = logits.copy()
            handicapped[token] -= next(losses, 0.0)
            return draw(handicapped)

        return drawn

    def _texts(self, most: int, draw: _Draw) -> Iterator[str]:
        """Draw tokens and yield the text of each; bytes of an unfinished character wait."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for token in self._drawn(most, draw):
            yield decoder.decode(self._engine.bytes_of(token))

    def _drawn(self, most: int, draw: _Draw) -> Iterator[int]:
        """Draw at most `most` tokens until the model ends its turn or the window is full."""
        for _ in range(most):
            if self._cache.room <= self._reserve:
                return
            self._cache.flush()
            token = draw(self._engine.logits())
            if self._engine.ends_turn(token) or token in self._openings:
                return
            self._cache.draw(token)
            yield token

    def _replace_last(self, text: str) -> None:
        """Replace the token just drawn, which reached beyond a stop string, by its kept part."""
        self._cache.truncate(self._cache.size - 1)
        self._cache.extend(self._engine.tokenize(text, special=False))
