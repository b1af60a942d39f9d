"""Draws the next token: the llama.cpp sampler chain of some settings, with or without a grammar."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import llama_cpp
import numpy as np
import numpy.typing as npt

from .decoding import Sampling
from .errors import GrammarError

_DRY_WINDOW = 1024
"""Tokens of the turn in which DRY looks for runs."""
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_DRY_BREAKERS = (b"\n", b'"', b":", b"*")
"""What a repeated run cannot reach across: usual beginnings of lines and values."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A model's vocabulary: llama.cpp's handle of it, and its number of tokens."""

    handle: object
    size: int


class Sampler:
    """One llama.cpp sampler chain, with an optional grammar in front of it.

    The chain proposes a token from all logits; only where the grammar rejects it are all candidates
    put through the grammar, which costs milliseconds on a large vocabulary.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        sampling: Sampling,
        seed: int,
        grammar: str | None = None,
        history: Sequence[int] = (),
    ) -> None:
        """Make the chain; `history` are the tokens that penalties take as written already.

        Raises GrammarError.
        """
        self._chain = llama_cpp.llama_sampler_chain_init(
            llama_cpp.llama_sampler_chain_default_params()
        )
        for part in _chain_parts(vocabulary, sampling, seed):
            llama_cpp.llama_sampler_chain_add(self._chain, part)
        for token in history:
            llama_cpp.llama_sampler_accept(self._chain, token)
        self._grammar = None
        if grammar is not None:
            self._grammar = llama_cpp.llama_sampler_init_grammar(
                vocabulary.handle, grammar.encode(), b"root"
            )
            if not self._grammar:
                self.close()
                raise GrammarError(f"llama.cpp does not accept this grammar:\n{grammar}")

    def draw(self, logits: npt.NDArray[np.float32]) -> int:
        """Return the next token for `logits` (one float a vocabulary entry) and remember it."""
        token = self._pick(_candidates(logits))
        if self._grammar is not None and not self._allows(token):
            candidates = _candidates(logits)
            self._apply(self._grammar, candidates)
            token = self._pick(candidates[np.isfinite(candidates["logit"])])
        llama_cpp.llama_sampler_accept(self._chain, token)
        if self._grammar is not None:
            llama_cpp.llama_sampler_accept(self._grammar, token)
        return token

    def close(self) -> None:
        """Free the native samplers."""
        for sampler in (self._chain, self._grammar):
            if sampler:
                llama_cpp.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def _pick(self, candidates: npt.NDArray[np.void]) -> int:
        array = self._apply(self._chain, candidates)
        return int(array.data[array.selected].id)

    def _allows(self, token: int) -> bool:
        candidate = np.array([(token, 0.0, 0.0)], dtype=_CANDIDATE)
        self._apply(self._grammar, candidate)
        return bool(np.isfinite(candidate["logit"][0]))

    @staticmethod
    def _apply(
        sampler: object, candidates: npt.NDArray[np.void]
    ) -> llama_cpp.llama_token_data_array:
        """Run `sampler` over `candidates` in place and return llama.cpp's view of them."""
        array = llama_cpp.llama_token_data_array(
            data=ctypes.cast(candidates.ctypes.data, llama_cpp.llama_token_data_p),
            size=len(candidates),
            selected=-1,
            sorted=False,
        )
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))
        return array


def _candidates(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    candidates = np.zeros(len(logits), dtype=_CANDIDATE)
    candidates["id"] = np.arange(len(logits), dtype=np.int32)
    candidates["logit"] = logits
    return candidates


def _chain_parts(vocabulary: Vocabulary, sampling: Sampling, seed: int) -> list[object]:
    """Return llama.cpp's samplers for `sampling`, in the order in which they are applied."""
    parts: list[object] = []
    if sampling.repetition_penalty != 1.0:
        parts.append(
            llama_cpp.llama_sampler_init_penalties(
                vocabulary.size, sampling.repetition_window, sampling.repetition_penalty, 0.0, 0.0
            )
        )
    if sampling.dry_multiplier > 0:
        breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*_DRY_BREAKERS)
        parts.append(
            llama_cpp.llama_sampler_init_dry(
                vocabulary.handle,
                sampling.dry_multiplier,
                sampling.dry_base,
                sampling.dry_allowed_length,
                _DRY_WINDOW,
                breakers,
                len(_DRY_BREAKERS),
            )
        )
    if sampling.temperature <= 0:
        return [*parts, llama_cpp.llama_sampler_init_greedy()]
    if sampling.top_k > 0:
        parts.append(llama_cpp.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1:
        parts.append(llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.min_p > 0:
        parts.append(llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
    parts.append(llama_cpp.llama_sampler_init_temp(sampling.temperature))
    return [*parts, llama_cpp.llama_sampler_init_dist(seed)]
